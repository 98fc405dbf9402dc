/* What a policy client says to the policy door: any bytes, cut anywhere. Each request is answered
 * once, with one line, and what is told of it stands in its bytes. */
#include "fuzz.h"

#include <string.h>

#include "base/log.h"
#include "milter/serve/internal.h"
#include "milter/serve/policy_door.h"

struct client {
    size_t answers;
};

static void *opened(void *context, struct serve_connection *c)
{
    (void)c;
    return context;
}

static void require_value(struct str value)
{
    require(value.n <= POLICY_REQUEST_MAX && str_find(value, 0, '\n') == value.n);
}

static struct str asked(void *state, const struct policy_request *r, struct arena *a)
{
    struct client *client = state;
    require_value(r->request);
    require_value(r->protocol_state);
    require_value(r->instance);
    require_value(r->client_address);
    require_value(r->helo_name);
    require_value(r->sender);
    require_value(r->recipient);
    require_value(r->sasl_username);
    client->answers++;
    return r->sender.n ? str_printf(a, "PREPEND X: %zu", r->sender.n) : STR("DUNNO");
}

static void closed(void *state)
{
    (void)state;
}

static const struct policy_events events = {opened, asked, closed};

static void require_answers(struct str out, size_t wanted)
{
    size_t count = 0;
    struct str line;
    while (out.n && str_split(&out, '\n', &line)) {
        require(str_starts(line, STR("action=")));
        require(str_split(&out, '\n', &line) && line.n == 0);
        count++;
    }
    require(count == wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct client client = {0};
    struct policy_door door = {&events, &client};
    struct worker worker = {0};
    struct serve_connection c = {.fd = -1, .worker = &worker, .peer = "fuzz"};
    const char *data = (const char *)bytes, *problem = NULL;
    size_t frames = 0;
    log_set_level(LOG_LEVEL_ERROR);
    void *state = policy_protocol.opened(&door, &c);
    for (size_t at = 0; at < size;) {
        ptrdiff_t n = policy_protocol.frame(data + at, size - at, &problem);
        require((n < 0) == (problem != NULL));
        if (n <= 0)
            break;
        require((size_t)n <= size - at && data[at + (size_t)n - 1] == '\n');
        require(policy_protocol.frame(data + at, (size_t)n - 1, &problem) <= 0);
        require(policy_protocol.handle(state, data + at, (size_t)n) == SERVE_GO_ON);
        frames++;
        at += (size_t)n;
    }
    require(client.answers == frames);
    require_answers((struct str){worker.out.p ? worker.out.p : "", worker.out.n}, frames);
    policy_protocol.closed(state);
    bytes_free(&worker.out);
    return 0;
}
