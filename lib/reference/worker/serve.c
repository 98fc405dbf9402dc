/* serve.c - jobs, one after the other, until it is time for a new worker.
 *
 * Errors: a job that cannot be done is refused in words; a job that cannot be understood ends the
 * process. Between two jobs a worker ends by itself after so much CPU: the limit on it never hits
 * an innocent job. */
#include <time.h>
#include <unistd.h>

#include "reference/worker/worker.h"

/* True as long as most of the CPU that the kernel allows is left. */
static bool has_cpu(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (unsigned long)used.tv_sec < sandbox_limits.cpu_s / 2;
}

/* The body goes by in pieces, whatever became of the header. */
static void verify(const struct job *job, struct channel *c, struct arena *a, struct strbuf *out)
{
    struct opendkim_work *work = opendkim_begin(job, a);
    struct frame frame = {.type = FRAME_BODY, .payload = STR("")};
    while (frame.type == FRAME_BODY) {
        opendkim_body(work, frame.payload);
        if (!channel_read(c->arena, &frame))
            channel_broken();
    }
    if (frame.type != FRAME_BODY_END)
        channel_broken();
    opendkim_answer(work, &c->resolver, out);
}

static void serve_work(const struct job *job, struct channel *c, struct arena *a,
                       struct strbuf *out)
{
    switch (job->library) {
    case REFERENCE_LIBSPF2:
        now_set(job->spf.now);
        spf2_answer(job, &c->resolver, a, out);
        break;
    case REFERENCE_LIBOPENDKIM:
        now_set(job->dkim.now);
        verify(job, c, a, out);
        break;
    case REFERENCE_LIBOPENDMARC:
        opendmarc_answer(job, &c->resolver, a, out);
        break;
    }
}

/* One job; false at the end of the stream. */
static bool serve_one(struct channel *c, struct arena *a)
{
    struct frame frame;
    struct strbuf out;
    struct job job;
    if (!channel_read(a, &frame))
        return false;
    if (frame.type != FRAME_JOB || !job_read(a, frame.payload, &job))
        channel_broken();
    sb_init(&out, a);
    serve_work(&job, c, a, &out);
    channel_write(&out);
    return true;
}

_Noreturn void serve(const struct hello *hello)
{
    struct channel c;
    struct strbuf out;
    struct arena *a = arena_new(0);
    channel_init(&c);
    sb_init(&out, a);
    hello_write(&out, hello);
    channel_write(&out);
    while (has_cpu() && serve_one(&c, a))
        continue;
    _exit(0);
}
