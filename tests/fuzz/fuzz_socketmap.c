/* What an MTA says to the socketmap door: any bytes, cut anywhere. Maps get what stands between the
 * netstring's ends, and what is answered are netstrings of the words that there are. */
#include "fuzz.h"

#include <string.h>

#include "base/ascii.h"
#include "base/log.h"
#include "milter/serve/internal.h"
#include "milter/serve/socketmap_door.h"

static enum socketmap_status look_up(void *context, struct str key, struct arena *a,
                                     struct str *value)
{
    size_t *answers = context;
    require(key.n < SOCKETMAP_QUERY_MAX);
    *value = str_copy(a, key);
    ++*answers;
    return key.n % 3 == 0 ? SOCKETMAP_OK : key.n % 3 == 1 ? SOCKETMAP_NOTFOUND : SOCKETMAP_TEMP;
}

static const struct socketmap_map maps[] = {{"forward", look_up}, {"r", look_up}, {0}};

/* How many there are. */
static size_t require_netstrings(struct str out)
{
    static const char *const words[] = {"OK ", "NOTFOUND ", "TEMP "};
    size_t count = 0, length;
    for (; out.n; count++) {
        for (length = 0; out.n && ascii_is_digit(*out.p); out = str_sub(out, 1, out.n))
            length = 10 * length + (size_t)(*out.p - '0');
        require(out.n > length + 1 && out.p[0] == ':' && out.p[length + 1] == ',');
        struct str text = str_sub(out, 1, length + 1);
        require(str_starts(text, str_of(words[0])) || str_eq(text, str_of(words[1])) ||
                str_starts(text, str_of(words[2])));
        out = str_sub(out, length + 2, out.n);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t looked_up = 0, frames = 0;
    struct socketmap_door door = {maps, &looked_up};
    struct worker worker = {0};
    struct serve_connection c = {.fd = -1, .worker = &worker, .peer = "fuzz"};
    const char *data = (const char *)bytes, *problem = NULL;
    log_set_level(LOG_LEVEL_ERROR);
    void *state = socketmap_protocol.opened(&door, &c);
    for (size_t at = 0; at < size;) {
        ptrdiff_t n = socketmap_protocol.frame(data + at, size - at, &problem);
        require((n < 0) == (problem != NULL));
        if (n <= 0)
            break;
        require((size_t)n <= socketmap_protocol.frame_max && (size_t)n <= size - at);
        /* With one byte less it is not whole yet, and never malformed. */
        require(socketmap_protocol.frame(data + at, (size_t)n - 1, &problem) == 0);
        require(socketmap_protocol.handle(state, data + at, (size_t)n) == SERVE_GO_ON);
        frames++;
        at += (size_t)n;
    }
    struct str out = {worker.out.p ? worker.out.p : "", worker.out.n};
    require(require_netstrings(out) == frames && looked_up <= frames);
    socketmap_protocol.closed(state);
    bytes_free(&worker.out);
    return 0;
}
