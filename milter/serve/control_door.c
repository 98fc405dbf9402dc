/* control_door.c - answers questions about the daemon.
 *
 * Errors: an unknown word is answered with a line that says so; a peer who may not ask is closed,
 * with a line in the log. */
#include "milter/serve/control_door.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define LINE_MAX_BYTES 256
#define GROUPS_MAX     64

struct control {
    const struct control_door *door;
    struct serve_connection *connection;
};

static ptrdiff_t control_frame(const char *data, size_t n, const char **problem)
{
    const char *end = n ? memchr(data, '\n', n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES) : NULL;
    if (!end && n >= LINE_MAX_BYTES) {
        *problem = "a question that is too long";
        return -1;
    }
    return end ? end + 1 - data : 0;
}

static bool in_group(int fd, gid_t wanted)
{
    gid_t groups[GROUPS_MAX];
    socklen_t n = sizeof groups;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n))
        return false;
    for (size_t i = 0; i < n / sizeof *groups; i++)
        if (groups[i] == wanted)
            return true;
    return false;
}

static bool may_ask(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n))
        return false;
    return peer.uid == 0 || peer.uid == geteuid() || peer.gid == getegid() ||
           in_group(fd, getegid());
}

static void *control_opened(void *context, struct serve_connection *c)
{
    if (!may_ask(serve_descriptor(c))) {
        log_warning("control connection of %s is closed: neither root nor in the daemon's group",
                    serve_peer(c));
        return NULL;
    }
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        abort();
    control->door = context;
    control->connection = c;
    return control;
}

static bool is_word(struct str line, const char *word)
{
    return str_eq(str_trim(line), str_of(word));
}

static enum serve_next control_handle(void *state, const char *frame, size_t n)
{
    const struct control *control = state;
    struct arena *a = arena_new(0);
    struct strbuf text;
    const struct control_question *q = control->door->questions;
    sb_init(&text, a);
    while (q->word && !is_word((struct str){frame, n}, q->word))
        q++;
    if (q->word)
        q->answer(control->door->context, &text);
    else
        sb_add(&text, STR("error: this daemon does not know the question\n"));
    struct str all = sb_str(&text);
    serve_send(control->connection, all.p, all.n);
    arena_free(a);
    return SERVE_CLOSE;
}

const struct serve_protocol control_protocol = {
    .name = "control",
    .frame_max = LINE_MAX_BYTES,
    .frame = control_frame,
    .opened = control_opened,
    .handle = control_handle,
    .closed = free,
};
