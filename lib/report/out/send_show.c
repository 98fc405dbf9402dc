/* send_show.c - a run that only shows what would be sent: it notes nothing and hands nothing over.
 *
 * Errors: as in send.c. */
#include "report/out/sending.h"

struct showing {
    struct sending *s;
    struct job *job;
    bool failed;
};

static bool show_mail(struct showing *v, const struct sent_report *r, struct sent_mail *m,
                      struct str gz)
{
    struct send_run *run = v->s->run;
    struct arena *a = arena_new(0);
    const struct report_mail mail = send_mail_of(v->s, r, m, gz);
    bool good = true;
    if (run->write) {
        struct str name =
            str_printf(a, "%.*s.%lld.eml", STR_ARG(r->report_id), (long long)m->number);
        good = run->write(run->context, name, report_mail_compose(&mail, a));
    }
    send_tell(run, r, m, &mail, a);
    arena_free(a);
    return good;
}

static bool show_part(void *showing, const struct outgoing_part *part)
{
    struct showing *v = showing;
    struct sent_report r = send_report_of(v->job, part);
    r.built = send_now(v->s->run);
    v->s->run->counts.reports++;
    for (size_t i = 0; i < v->job->n_mails && !v->failed; i++)
        if (v->job->mails[i].state == SENT_BUILT)
            v->failed = !show_mail(v, &r, &v->job->mails[i], part->gz[v->job->mails[i].form]);
    return !v->failed;
}

static bool suppress_shown(struct sending *s, struct job *job)
{
    struct str why = STR("");
    bool suppressed;
    for (size_t i = 0; i < job->n_mails; i++) {
        struct sent_mail *m = &job->mails[i];
        if (m->state != SENT_BUILT)
            continue;
        if (!send_is_suppressed(s, m->address, &why, &suppressed))
            return false;
        if (!suppressed)
            continue;
        send_set_state(s->run, m, SENT_SUPPRESSED, why);
        send_tell(s->run, &job->report, m, NULL, s->scratch);
    }
    return true;
}

static bool show_content(struct sending *s, struct job *job)
{
    struct send_run *run = s->run;
    struct showing v = {.s = s, .job = job};
    struct str gz;
    for (size_t i = 0; i < job->n_mails && !v.failed; i++) {
        struct sent_mail *m = &job->mails[i];
        if (m->state != SENT_BUILT)
            continue;
        if (!sent_content(run->sent, job->report.id, m->form, s->scratch, &gz))
            return send_store_failed(run);
        v.failed = !show_mail(&v, &job->report, m, gz);
    }
    run->counts.reports++;
    return !v.failed;
}

static bool show_job(struct sending *s, struct job *job)
{
    struct send_run *run = s->run;
    struct showing v = {.s = s, .job = job};
    uint64_t left_out = 0;
    bool agree, built = job->report.state == SENT_BUILT;
    if (send_is_too_old(run, &job->report) || (!built && !job->period.policy_id))
        return send_give_up(s, job);
    for (size_t i = 0; i < job->n_mails; i++) {
        job->mails[i].next = 0;
        if (job->mails[i].state == SENT_HANDED_OVER)
            job->mails[i].state = SENT_BUILT;
    }
    if (!built || send_has_pending(job))
        send_ask_destinations(s, job, &agree);
    if (!suppress_shown(s, job))
        return false;
    if (built)
        return show_content(s, job);
    bool good = outgoing_build(&s->outgoing, run->reader, &job->period, send_forms_of(job),
                               show_part, &v, &left_out);
    run->counts.left_out += left_out;
    return good ? !v.failed : send_read_failed(run);
}

static bool show_all(struct sending *s, struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->n; i++) {
        struct job *job = &jobs->v[i];
        bool first = job->report.part == 1 || job->report.state == SENT_BUILT;
        arena_reset(s->scratch);
        if (first && !show_job(s, job))
            return false;
    }
    return true;
}

bool send_show(struct sending *s)
{
    struct send_run *run = s->run;
    struct jobs due, open;
    return jobs_due(run, &s->outgoing, &due) && jobs_open(run, &open) && show_all(s, &open) &&
           show_all(s, &due) &&
           jobs_under_way(run, &s->outgoing, &run->counts.under_way_day, &run->counts.under_way);
}
