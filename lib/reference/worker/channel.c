/* channel.c - frames on the socket, read and written by blocking calls: the other side keeps the
 * time, and kills this process when it takes too long.
 *
 * Errors: whatever goes wrong here ends the process. Its socket closes, and that is an answer. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "reference/worker/worker.h"

#define EXIT_PROTOCOL 76

_Noreturn void channel_broken(void)
{
    _exit(EXIT_PROTOCOL);
}

/* Fills the buffer. False if the stream has ended before its first byte, also if something that we
 * said was not read any more. */
static bool read_all(char *p, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t more = read(WORKER_SOCKET, p + got, n - got);
        if (got == 0 && (more == 0 || (more < 0 && errno == ECONNRESET)))
            return false;
        if (more == 0 || (more < 0 && errno != EINTR))
            channel_broken();
        if (more > 0)
            got += (size_t)more;
    }
    return true;
}

bool channel_read(struct arena *a, struct frame *frame)
{
    char head[FRAME_HEAD];
    size_t need;
    if (!read_all(head, sizeof head))
        return false;
    enum frame_status status =
        frame_take(FRAME_FROM_ASSAY, (struct str){head, sizeof head}, frame, &need);
    if (status == FRAME_BAD)
        channel_broken();
    arena_reset(a);
    char *whole = arena_alloc(a, need);
    for (size_t i = 0; i < sizeof head; i++)
        whole[i] = head[i];
    if (need > sizeof head && !read_all(whole + sizeof head, need - sizeof head))
        channel_broken();
    frame_take(FRAME_FROM_ASSAY, (struct str){whole, need}, frame, &need);
    return true;
}

void channel_write(struct strbuf *out)
{
    for (size_t sent = 0; sent < out->n;) {
        ssize_t more = write(WORKER_SOCKET, out->p + sent, out->n - sent);
        if (more < 0 && errno != EINTR)
            channel_broken();
        if (more > 0)
            sent += (size_t)more;
    }
    out->n = 0;
}

/* The question goes out, and the next frame is its answer. */
static const struct dns_answer *look_up(struct resolver *r, struct str name, enum dns_type type)
{
    static const struct dns_answer no_name = {.status = DNS_NXDOMAIN};
    static struct dns_answer answer;
    struct channel *c = (struct channel *)r;
    struct strbuf out;
    struct frame frame;
    if (name.n > QUESTION_NAME_MAX)
        return &no_name;
    arena_reset(c->arena);
    sb_init(&out, c->arena);
    question_write(&out, &(struct question){name, type});
    channel_write(&out);
    if (!channel_read(c->arena, &frame) || frame.type != FRAME_ANSWER ||
        !answer_read(c->arena, frame.payload, &answer))
        channel_broken();
    return &answer;
}

void channel_init(struct channel *c)
{
    c->resolver.look_up = look_up;
    c->arena = arena_new(0);
}
