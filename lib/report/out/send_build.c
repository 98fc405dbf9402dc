/* send_build.c - notes reports that are due, asks their destinations, and builds them.
 *
 * Errors: as in send.c. */
#include "mail/domain.h"
#include "report/out/destination.h"
#include "report/out/sending.h"

/* --- Destinations ------------------------------------------------------------------------------*/

static enum outgoing_form form_for(const struct conf *conf, struct str uri, struct arena *a)
{
    struct str domain = str_sub(uri, str_find_last(uri, '@') + 1, uri.n), name;
    domain = str_sub(domain, 0, str_find(domain, 0, '?'));
    return domain_normalize(a, domain, &name) &&
                   conf_has_domain(&conf->reports_legacy_destinations, name)
               ? FORM_LEGACY
               : FORM_STANDARD;
}

static bool is_named_before(const struct job *job, const struct sent_mail *m)
{
    for (const struct sent_mail *i = job->mails; i < m; i++)
        if (i->state == SENT_BUILT && str_eq_nocase(i->address, m->address))
            return true;
    return false;
}

static void ask_destination(struct sending *s, const struct job *job, struct sent_mail *m)
{
    struct send_run *run = s->run;
    struct destination d;
    run->asker->patience_us = run->conf->dns_deadline * 1000;
    destination_check(run->asker, run->conf->psl, job->report.domain, m->uri, &d);
    m->address = d.address;
    if (d.answer == DESTINATION_REFUSES) {
        send_set_state(run, m, SENT_REFUSED, d.why);
    } else if (d.answer == DESTINATION_UNKNOWN) {
        send_try_later(run, m, SENT_PENDING, d.why);
    } else {
        send_set_state(run, m, SENT_BUILT, STR(""));
        if (is_named_before(job, m))
            send_set_state(run, m, SENT_REFUSED, STR("the record names this address twice"));
    }
}

/* A report that is not built may have mails that are, after an attempt that was interrupted. */
static bool has_to_be_asked(const struct send_run *run, const struct job *job,
                            const struct sent_mail *m)
{
    return (m->state == SENT_PENDING ||
            (m->state == SENT_BUILT && job->report.state == SENT_PENDING)) &&
           m->next <= send_now(run);
}

/* *agree: some do. */
void send_ask_destinations(struct sending *s, struct job *job, bool *agree)
{
    *agree = false;
    for (size_t i = 0; i < job->n_mails; i++) {
        struct sent_mail *m = &job->mails[i];
        m->form = form_for(s->run->conf, m->uri, s->run->asker->arena);
        if (!has_to_be_asked(s->run, job, m))
            continue;
        ask_destination(s, job, m);
        *agree = *agree || m->state == SENT_BUILT;
        if (m->state != SENT_BUILT)
            send_tell(s->run, &job->report, m, NULL, s->scratch);
    }
}

/* --- Building ----------------------------------------------------------------------------------*/

struct sent_report send_report_of(const struct job *job, const struct outgoing_part *part)
{
    struct sent_report r = job->report;
    r.part = part->number;
    r.report_id = part->report_id;
    r.rows = part->rows;
    r.messages = part->messages;
    return r;
}

struct keeping {
    struct sending *s;
    const struct job *job;
    uint64_t parts;
    bool failed;
};

static bool keep_part(void *keeping, const struct outgoing_part *part)
{
    struct keeping *k = keeping;
    const struct sent_report r = send_report_of(k->job, part);
    k->parts++;
    for (int64_t form = 0; form < FORM_COUNT; form++)
        if (part->gz[form].n && !sent_keep_part(k->s->run->sent, &r, form, part->gz[form]))
            k->failed = true;
    return !k->failed;
}

/* The forms of all mails that may still be sent. */
unsigned send_forms_of(const struct job *job)
{
    unsigned forms = 0;
    for (size_t i = 0; i < job->n_mails; i++)
        if (job->mails[i].state <= SENT_BUILT)
            forms |= 1U << job->mails[i].form;
    return forms;
}

static bool update_mails(struct sending *s, struct job *job)
{
    for (size_t i = 0; i < job->n_mails; i++)
        if (!sent_update(s->run->sent, &job->mails[i]))
            return send_store_failed(s->run);
    return true;
}

static void fail_mails(struct sending *s, struct job *job, struct str why)
{
    for (size_t i = 0; i < job->n_mails; i++)
        if (job->mails[i].state <= SENT_BUILT) {
            send_set_state(s->run, &job->mails[i], SENT_FAILED, why);
            send_tell(s->run, &job->report, &job->mails[i], NULL, s->scratch);
        }
}

static bool send_build(struct sending *s, struct job *job)
{
    struct send_run *run = s->run;
    struct keeping k = {.s = s, .job = job};
    uint64_t left_out = 0;
    if (!sent_forget_parts(run->sent, &job->report))
        return send_store_failed(run);
    if (!outgoing_build(&s->outgoing, run->reader, &job->period, send_forms_of(job), keep_part, &k,
                        &left_out))
        return send_read_failed(run);
    run->counts.left_out += left_out;
    if (k.failed)
        return send_store_failed(run);
    if (!k.parts)
        fail_mails(s, job, STR("none of its rows can be reported"));
    return update_mails(s, job) &&
           (!k.parts || sent_built(run->sent, &job->report, send_now(run)) ||
            send_store_failed(run));
}

static bool work_on_report(struct sending *s, struct job *job)
{
    bool agree, pending = job->report.state == SENT_PENDING;
    if (pending && !job->period.policy_id) {
        fail_mails(s, job, STR("its rows are gone"));
        return update_mails(s, job);
    }
    send_ask_destinations(s, job, &agree);
    return pending && agree ? send_build(s, job) : update_mails(s, job);
}

bool send_build_reports(struct sending *s)
{
    struct jobs jobs;
    if (!jobs_open(s->run, &jobs))
        return false;
    for (size_t i = 0; i < jobs.n; i++) {
        struct job *job = &jobs.v[i];
        bool good = true;
        arena_reset(s->scratch);
        if (send_is_too_old(s->run, &job->report))
            good = send_give_up(s, job);
        else if (job->report.part == 1 || job->report.state != SENT_PENDING)
            if (job->report.state == SENT_PENDING || send_has_pending(job))
                good = work_on_report(s, job);
        if (!good)
            return false;
    }
    return true;
}

bool send_note_due(struct sending *s)
{
    struct jobs jobs;
    if (!jobs_due(s->run, &s->outgoing, &jobs))
        return false;
    for (size_t i = 0; i < jobs.n; i++) {
        const struct job *job = &jobs.v[i];
        struct str *uris = arena_array(s->scratch, struct str, job->n_mails);
        for (size_t k = 0; k < job->n_mails; k++)
            uris[k] = job->mails[k].uri;
        if (!sent_note(s->run->sent, &job->report, uris, job->n_mails))
            return send_store_failed(s->run);
        arena_reset(s->scratch);
    }
    return true;
}
