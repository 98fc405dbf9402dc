/* host.c - the daemon as the host of dialogues.
 *
 * Errors: none; what cannot be sampled is counted as skipped. */
#include "milter/daemon/host.h"

#include "base/clock.h"
#include "base/histogram.h"
#include "core/bodycopy.h"
#include "milter/daemon/recorder.h"
#include "milter/daemon/sampler.h"

/* --- What comes after --------------------------------------------------------------------------*/

static bool log_answer(void *context, struct transaction *t)
{
    (void)context;
    recorder_log(t);
    return false;
}

static bool count_answer(void *context, struct transaction *t)
{
    (void)context;
    recorder_count(t);
    return false;
}

static bool doubt_clock(void *context, struct transaction *t)
{
    (void)context;
    recorder_doubt_clock(t);
    return false;
}

static bool measure_answer(void *context, struct transaction *t)
{
    (void)context;
    if (t->point != POINT_EOM)
        return false;
    histogram_observe(HIST_MESSAGE_SECONDS, clock_us() - t->message.started_us);
    histogram_observe(HIST_EVALUATION_SECONDS, clock_us() - t->ended_us);
    histogram_observe(HIST_DNS_WAIT_SECONDS, t->asker.waited_us);
    return false;
}

static bool keep_rows(void *context, struct transaction *t)
{
    (void)context;
    recorder_rows(t);
    return false;
}

static void count_given_up(void *context, const struct transaction *t)
{
    (void)context;
    recorder_given_up(t);
}

static bool sampler_wants(void *context, const struct transaction *t)
{
    (void)context;
    return sampler_chooses(t->snapshot->conf->reference_sample);
}

/* The sampler takes the message with its arena, or leaves it. */
static bool give_to_sampler(void *context, struct transaction *t)
{
    struct sampler *sampler = runtime_sampler(context);
    if (!sampler || t->point != POINT_EOM)
        return false;
    if (t->copy && !t->message.body.whole) {
        sampler_skip();
        return false;
    }
    struct sample *s = arena_make(t->arena, struct sample);
    s->t = t;
    s->copied = t->copy ? body_copy_bytes(t->copy) : 0;
    t->session = sample_session(t->session, t->arena);
    return sampler_take(sampler, s);
}

/* --- Snapshots and budgets ---------------------------------------------------------------------*/

static struct snapshot *take_snapshot(void *runtime)
{
    return snapshot_take(runtime);
}

static bool message_begins(void *runtime)
{
    return runtime_transaction_begins(runtime);
}

static void message_ended(void *runtime)
{
    runtime_transaction_ended(runtime);
}

/* In this order; the last one may take the message. */
static const struct after after[] = {
    {.name = "log", .answered = log_answer},
    {.name = "counters", .answered = count_answer, .given_up = count_given_up},
    {.name = "clock", .answered = doubt_clock},
    {.name = "times", .answered = measure_answer},
    {.name = "rows", .answered = keep_rows},
    {.name = "sampler", .chooses = sampler_wants, .whole_body = true, .answered = give_to_sampler},
};

void host_init(struct session_host *host, struct runtime *rt)
{
    *host = (struct session_host){
        .context = rt,
        .snapshot_take = take_snapshot,
        .snapshot_release = snapshot_release,
        .message_begins = message_begins,
        .message_ended = message_ended,
        .memory = runtime_memory(rt),
        .copies = runtime_copies(rt),
        .after = after,
        .n_after = sizeof after / sizeof *after,
    };
}
