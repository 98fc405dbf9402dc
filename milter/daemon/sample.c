/* sample.c - what the libraries of the field say of a message, beside what we said.
 *
 * libopendmarc is given our SPF and DKIM results, so that a difference in one of these is counted
 * once. Where ours could not be known for DNS trouble, or a look-up of theirs was not answered,
 * there is nothing to compare. Where an engine of theirs decides, our own libraries are asked here
 * once more: their answers are in the cache.
 *
 * Errors: none; a library without an answer is counted (reference/note.c). */
#include "milter/daemon/sample.h"

#include "base/counters.h"
#include "base/log.h"
#include "core/request.h"
#include "reference/compare.h"
#include "reference/note.h"
#include "reference/own_results.h"

/* More look-ups than any message needs; those beyond explain no difference. */
#define EVENTS_MAX 512

struct judging {
    struct transaction *t;
    struct reference_differences differences;
    struct reference_facts facts;
    struct dns_event *events;
    size_t events_cap;
};

const struct session *sample_session(const struct session *session, struct arena *a)
{
    struct session *copy = arena_make(a, struct session);
    *copy = *session;
    copy->arena = a;
    copy->client_name = str_copy(a, session->client_name);
    copy->helo = str_copy(a, session->helo);
    copy->daemon_name = str_copy(a, session->daemon_name);
    copy->mta_name = str_copy(a, session->mta_name);
    return copy;
}

static void remember_sample(void *context, const struct dns_event *event)
{
    struct judging *j = context;
    size_t n = j->facts.n_events;
    if (n == EVENTS_MAX)
        return;
    j->events = arena_extend(j->t->arena, j->events, n, &j->events_cap, sizeof *j->events);
    j->events[n] = *event;
    j->events[n].name = str_copy(j->t->arena, event->name);
    j->facts.events = j->events;
    j->facts.n_events = n + 1;
}

/* True if there is something to compare. */
static bool sample_answered(enum reference_library library, const struct reference_report *report)
{
    reference_note(library, report);
    return report->status == REFERENCE_ANSWERED && !report->unknown;
}

/* After a comparison: `before` is how many differences there were. */
static void count_sample(const struct judging *j, enum reference_library library, size_t before)
{
    static const enum counter differs[REFERENCE_LIBRARY_COUNT] = {
        [REFERENCE_LIBSPF2] = CTR_REFERENCE_DIFFERS_LIBSPF2,
        [REFERENCE_LIBOPENDKIM] = CTR_REFERENCE_DIFFERS_LIBOPENDKIM,
        [REFERENCE_LIBOPENDMARC] = CTR_REFERENCE_DIFFERS_LIBOPENDMARC,
    };
    counter_inc(j->differences.n > before ? differs[library] : CTR_REFERENCE_AGREED);
}

/* --- SPF ---------------------------------------------------------------------------------------*/

static void judge_spf(struct judging *j)
{
    struct transaction *t = j->t;
    if (!t->evidence.spf.mail_from.checked)
        return;
    const struct spf_request request = request_spf(t->snapshot->conf, t->session, &t->message);
    struct spf_outcome *both = arena_array(t->arena, struct spf_outcome, 2);
    both[0] = own_results_spf(t->snapshot->engines, &t->evidence, &request, &t->asker);
    if (both[0].result == SPF_TEMPERROR)
        return;
    struct reference_report report =
        reference_spf(t->snapshot->reference, &request, &t->asker, &both[1]);
    if (!sample_answered(REFERENCE_LIBSPF2, &report))
        return;
    size_t before = j->differences.n;
    j->facts.spf = &request;
    reference_compare_spf(&j->differences, &j->facts, &both[0], &both[1]);
    j->facts.spf = NULL;
    count_sample(j, REFERENCE_LIBSPF2, before);
}

/* --- DKIM --------------------------------------------------------------------------------------*/

static bool cannot_be_known(const struct dkim_signature *signatures, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (signatures[i].result == DKIM_TEMPERROR)
            return true;
    return false;
}

static void judge_dkim(struct judging *j)
{
    struct transaction *t = j->t;
    const struct kept_body *kept = &t->message.body;
    if (!t->evidence.dkim.checked || !t->evidence.dkim.n || !kept->whole)
        return;
    const struct dkim_verify_settings settings = request_dkim(t->snapshot->conf, &t->message);
    const struct reference_body body = {.n = kept->n, .pieces = kept->pieces};
    size_t n, n_theirs, skipped;
    const struct dkim_signature *theirs, *ours;
    ours = own_results_dkim(t->snapshot->engines, &t->evidence, &settings, &t->message,
                            t->snapshot->key_cache, &t->asker, &n);
    if (cannot_be_known(ours, n))
        return;
    struct reference_report report =
        reference_dkim(t->snapshot->reference, &settings, &t->message.headers, &body, &t->asker,
                       &theirs, &n_theirs, &skipped);
    if (!sample_answered(REFERENCE_LIBOPENDKIM, &report))
        return;
    size_t before = j->differences.n;
    j->facts.dkim = &settings;
    j->facts.headers = &t->message.headers;
    j->facts.body = &body;
    reference_compare_dkim(&j->differences, &j->facts, ours, n, theirs, n_theirs);
    j->facts.dkim = NULL;
    j->facts.body = NULL;
    count_sample(j, REFERENCE_LIBOPENDKIM, before);
}

/* --- DMARC -------------------------------------------------------------------------------------*/

static void judge_author(struct judging *j, const struct dmarc_outcome *ours)
{
    struct transaction *t = j->t;
    struct dmarc_outcome *theirs = arena_make(t->arena, struct dmarc_outcome);
    struct dmarc_request request = request_dmarc(t->snapshot->conf, &t->message, &t->evidence);
    request.author_domain = ours->author_domain;
    struct reference_report report =
        reference_dmarc(t->snapshot->reference, &request, &t->asker, theirs);
    if (!sample_answered(REFERENCE_LIBOPENDMARC, &report))
        return;
    size_t before = j->differences.n;
    j->facts.dmarc = &request;
    reference_compare_dmarc(&j->differences, &j->facts, ours, theirs);
    j->facts.dmarc = NULL;
    count_sample(j, REFERENCE_LIBOPENDMARC, before);
}

static void judge_dmarc(struct judging *j)
{
    const struct evidence_dmarc *dmarc = &j->t->evidence.dmarc;
    for (size_t i = 0; i < dmarc->n; i++)
        if (dmarc->outcomes[i].result != DMARC_TEMPERROR)
            judge_author(j, &dmarc->outcomes[i]);
}

/* --- All ---------------------------------------------------------------------------------------*/

static void log_difference(const struct transaction *t, const struct reference_difference *d)
{
    const struct reference_class *class = d->class;
    log_info("%.*s: reference: %.*s: %s says %.*s, we say %.*s (%s%s%s)",
             STR_ARG(telling_id(&t->message)), STR_ARG(d->subject),
             reference_library_name(d->library), STR_ARG(d->theirs), STR_ARG(d->ours),
             class ? class->id : "unlisted", class ? ", " : "", class ? class->section : "");
}

void sample_judge(const struct sample *s)
{
    struct transaction *t = s->t;
    struct judging *j = arena_make(t->arena, struct judging);
    j->t = t;
    reference_differences_init(&j->differences, t->arena);
    t->asker.patience_us = t->snapshot->conf->dns_deadline * 1000;
    t->asker.waiting = NULL; /* the MTA has its answer */
    t->asker.waits = NULL;
    t->asker.trace = remember_sample;
    t->asker.trace_context = j;
    judge_spf(j);
    judge_dkim(j);
    judge_dmarc(j);
    for (size_t i = 0; i < j->differences.n; i++)
        log_difference(t, &j->differences.v[i]);
    counter_inc(CTR_REFERENCE_SAMPLED);
}
