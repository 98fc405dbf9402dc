/* worker_rig.h - a real assay-reference at the other end of the message format. The program is the
 * test's first argument. Every wait ends after some seconds: a worker that hangs is a failure. */
#ifndef ASSAY_TESTS_REFERENCE_WORKER_RIG_H
#define ASSAY_TESTS_REFERENCE_WORKER_RIG_H

#include "../unit/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reference/messages.h"
#include "reference/process.h"

#define PATIENCE_MS 30000

static const char *program;

struct talk {
    struct process process;
    struct arena *arena; /* of what was said and heard for this job */
    struct strbuf heard;
    unsigned questions;
};

static inline void talk_send(struct talk *t, struct str bytes)
{
    for (size_t sent = 0; sent < bytes.n;) {
        ssize_t n = send(t->process.fd, bytes.p + sent, bytes.n - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EPIPE)
            return; /* it will be seen when nothing is heard */
        assert_true(n > 0);
        sent += (size_t)n;
    }
}

static inline void wait_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) != 1)
        fail_msg("the worker says nothing for %d ms", PATIENCE_MS);
}

/* The next frame; false if the worker has closed its end. */
static inline bool talk_hear(struct talk *t, struct frame *frame)
{
    char buffer[65536];
    size_t need;
    for (;;) {
        enum frame_status status = frame_take(FRAME_FROM_WORKER, sb_str(&t->heard), frame, &need);
        assert_int_not_equal(status, FRAME_BAD);
        if (status == FRAME_WHOLE) {
            frame->payload = str_copy(t->arena, frame->payload);
            t->heard.n -= need;
            memmove(t->heard.p, t->heard.p + need, t->heard.n);
            return true;
        }
        wait_readable(t->process.fd);
        ssize_t n = recv(t->process.fd, buffer, sizeof buffer, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return false;
        assert_true(n > 0);
        sb_add(&t->heard, (struct str){buffer, (size_t)n});
    }
}

static inline void talk_reset(struct talk *t)
{
    arena_reset(t->arena);
    sb_init(&t->heard, t->arena);
    t->questions = 0;
}

/* Starts a worker and takes its HELLO. */
static inline struct hello talk_begin(struct talk *t)
{
    struct frame frame;
    struct hello hello;
    *t = (struct talk){.arena = arena_new(0)};
    talk_reset(t);
    assert_true(process_start(program, &t->process));
    assert_true(talk_hear(t, &frame));
    assert_int_equal(frame.type, FRAME_HELLO);
    assert_true(hello_read(t->arena, frame.payload, &hello));
    return hello;
}

/* How it ends, now or within some seconds. */
static inline int reap(pid_t pid)
{
    const struct timespec step = {0, 5000000};
    int status;
    for (int i = 0; i < PATIENCE_MS / 5; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        nanosleep(&step, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    fail_msg("the worker does not end");
    return status;
}

/* Closes the socket; the worker ends by itself. */
static inline int talk_end(struct talk *t)
{
    close(t->process.fd);
    int status = reap(t->process.pid);
    arena_free(t->arena);
    return status;
}

#define assert_exit(status, code)                                                                  \
    do {                                                                                           \
        int s_ = (status);                                                                         \
        if (!WIFEXITED(s_) || WEXITSTATUS(s_) != (code))                                           \
            fail_msg("ended with wait status %#x, not exit status %d", (unsigned)s_, (code));      \
    } while (0)

#endif
