/* asking.c - a conversation with one worker: the job, its questions, its result.
 *
 * Errors: a status in the report, with a phrase. A worker that was killed, ended or said what it
 * may not is never used again. What DNS brings and the library is not given does not end the
 * worker: it is told that the name fails, and its result is not used. */
#include "reference/asking.h"

#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "mail/domain.h"
#include "reference/channel.h"
#include "reference/vet.h"

/* RFC 7208 4.6.4 allows ten terms of an address or ten names each; a library that goes on beyond
 * that is told that names fail, and one that does not end then is none any more. */
#define QUESTIONS_MAX 128U
#define PATIENCE      (8U * QUESTIONS_MAX)

void asking_begin(struct asking *q, struct reference *r, enum reference_library library,
                  struct dns_asker *asker)
{
    *q = (struct asking){.r = r,
                         .library = library,
                         .asker = asker,
                         .left_us = r->time_limit_ms * 1000,
                         .questions_max = QUESTIONS_MAX};
    q->scratch = arena_new(0);
    q->report.reason = STR("");
}

struct reference_report asking_end(struct asking *q)
{
    arena_free(q->scratch);
    arena_free(q->reply);
    return q->report;
}

void asking_limit(struct asking *q, unsigned questions)
{
    if (questions < q->questions_max)
        q->questions_max = questions;
}

void asking_add(struct asking *q, const void *p, size_t n)
{
    q->parts = arena_extend(q->scratch, q->parts, q->n, &q->cap, sizeof *q->parts);
    q->parts[q->n++] = (struct iovec){(void *)(uintptr_t)p, n};
}

static void say_status(struct asking *q, enum reference_status status, struct str reason)
{
    q->report.status = status;
    q->report.reason = str_copy(q->asker->arena, reason);
}

void asking_refuse(struct asking *q, struct str why)
{
    say_status(q, REFERENCE_REFUSED, why);
}

/* ---- what the worker asks ---- */

/* True for a domain name; spaces may stand in it, because macros can make them (RFC 7208 7.3). */
static bool is_name(struct asking *q, struct str text)
{
    struct str name;
    char *copy = str_cstr(q->reply, text);
    for (size_t i = 0; i < text.n; i++)
        if (copy[i] == ' ')
            copy[i] = '_';
    return domain_normalize_ascii(q->reply, (struct str){copy, text.n}, &name);
}

/* Names come from a library that read hostile records, or from whoever took it over. */
static const struct dns_answer *look_up(struct asking *q, const struct question *question)
{
    static const struct dns_answer no_such_name = {.status = DNS_NXDOMAIN};
    if (!is_name(q, question->name))
        return &no_such_name;
    return dns_lookup(q->asker, question->name, question->type);
}

static struct str too_many(struct asking *q)
{
    return str_printf(q->scratch, "%s is not given more than %u look-ups",
                      reference_library_name(q->library), q->questions_max);
}

/* What of it the library may be given; nothing more once something was refused. */
static struct dns_answer vetted_answer(struct asking *q, const struct question *question)
{
    struct dns_answer vetted;
    struct str why;
    if (!q->refused.p && q->report.questions > q->questions_max)
        q->refused = too_many(q);
    if (q->refused.p)
        return (struct dns_answer){.status = DNS_SERVFAIL};
    if (vet_answer(q->reply, q->library, question, look_up(q, question), &vetted, &why))
        return vetted;
    q->refused = str_copy(q->scratch, why);
    return (struct dns_answer){.status = DNS_SERVFAIL};
}

static enum channel_status answer_dns(struct asking *q, struct channel *channel, struct str payload)
{
    struct question question;
    struct strbuf out;
    if (++q->report.questions > PATIENCE || !question_read(payload, &question))
        return CHANNEL_BROKEN;
    if (!q->reply)
        q->reply = arena_new(0);
    struct dns_answer vetted = vetted_answer(q, &question);
    q->insecure = q->insecure || vetted.security != DNS_SECURE;
    q->report.unknown = q->report.unknown || dns_unknown(&vetted);
    sb_init(&out, q->reply);
    answer_write(&out, &vetted);
    struct iovec part = {out.p, out.n};
    enum channel_status status = channel_send(channel, &part, 1);
    arena_reset(q->reply);
    return status;
}

/* ---- the conversation ---- */

/* The last word on the job. */
static bool conclude_asking(struct asking *q, const struct frame *frame)
{
    struct str reason;
    if (frame->type == FRAME_REFUSAL) {
        if (!refusal_read(q->scratch, frame->payload, &reason))
            return false;
        say_status(q, REFERENCE_REFUSED, reason);
    } else if (q->refused.p) {
        say_status(q, REFERENCE_REFUSED, q->refused);
    } else {
        say_status(q, REFERENCE_ANSWERED, STR(""));
        return q->read(q, frame->payload, q->context);
    }
    return true;
}

static enum channel_status converse(struct asking *q, struct channel *channel)
{
    struct frame frame;
    struct iovec *parts = arena_array(q->scratch, struct iovec, q->n);
    memcpy(parts, q->parts, q->n * sizeof *parts);
    enum channel_status status = channel_send(channel, parts, q->n);
    while (status == CHANNEL_OK) {
        status = channel_receive(channel, &frame);
        if (status != CHANNEL_OK)
            break;
        if (frame.type == FRAME_RESULT || frame.type == FRAME_REFUSAL)
            return conclude_asking(q, &frame) && !channel_has_more(channel) ? CHANNEL_OK
                                                                            : CHANNEL_BROKEN;
        status =
            frame.type == FRAME_QUESTION ? answer_dns(q, channel, frame.payload) : CHANNEL_BROKEN;
    }
    return status;
}

/* Why the worker is no more. */
static void explain_failure(struct asking *q, enum channel_status status, int ending)
{
    struct str how = process_ending(q->scratch, ending);
    if (pool_is_given_up(q->r->pool))
        say_status(q, REFERENCE_ABSENT, STR("assay is about to end"));
    else if (status == CHANNEL_SLOW)
        say_status(q, REFERENCE_TIMED_OUT,
                   str_printf(q->scratch, "%s took more than %lld ms",
                              reference_library_name(q->library), (long long)q->r->time_limit_ms));
    else if (q->report.questions > PATIENCE)
        say_status(q, REFERENCE_CRASHED,
                   str_printf(q->scratch, "the worker had more than %u questions", PATIENCE));
    else if (status == CHANNEL_BROKEN)
        say_status(q, REFERENCE_CRASHED, STR("the worker said what it may not"));
    else
        say_status(q, REFERENCE_CRASHED, str_printf(q->scratch, "the worker %.*s", STR_ARG(how)));
}

/* True if the worker ended itself before it saw the job: another one is to be asked. */
static bool converse_with(struct asking *q, struct worker *worker)
{
    struct channel channel = {.fd = worker->process.fd,
                              .arena = q->scratch,
                              .left_us = q->left_us,
                              .waiting = q->asker->waiting,
                              .waiting_context = q->asker->waiting_context};
    bool used = worker->jobs > 0;
    enum channel_status status = converse(q, &channel);
    q->left_us = channel.left_us;
    q->report.took_us += channel.used_us;
    if (status == CHANNEL_OK) {
        pool_return(q->r->pool, worker);
        return false;
    }
    int ending = pool_bury(q->r->pool, worker);
    if (status == CHANNEL_ENDED && used && channel.n == 0 && q->report.questions == 0 &&
        WIFEXITED(ending) && WEXITSTATUS(ending) == 0)
        return true;
    explain_failure(q, status, ending);
    return false;
}

void asking_run(struct asking *q)
{
    struct worker *worker;
    bool absent;
    do {
        worker = pool_borrow(q->r->pool, clock_us() + q->left_us, q->asker->waiting,
                             q->asker->waiting_context, &absent);
    } while (worker && converse_with(q, worker));
    if (worker)
        return;
    if (absent)
        say_status(q, REFERENCE_ABSENT, STR("no worker can be started"));
    else
        say_status(q, REFERENCE_BUSY,
                   str_printf(q->scratch, "no worker was free within %lld ms",
                              (long long)q->r->time_limit_ms));
}
