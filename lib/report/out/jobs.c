/* jobs.c - collects the jobs of a run.
 *
 * Errors: false, and run->problem. */
#include "report/out/jobs.h"

#include <stdlib.h>
#include <time.h>

#include "mail/domain.h"
#include "report/out/destination.h"

#define URIS_MAX   10 /* of a record; further ones get no reports */
#define SETTLING_S 60 /* after midnight: until then this host has written its rows */

int64_t send_now(const struct send_run *run)
{
    return run->at ? run->at : (int64_t)time(NULL);
}

struct outgoing send_outgoing(const struct send_run *run, struct str secret)
{
    const struct conf *c = run->conf;
    struct outgoing o = {
        .email = c->reports_contact.n ? c->reports_contact : c->reports_from,
        .sender = c->reports_from,
        .host = c->authserv_id,
        .secret = secret,
        .xml_bytes = UINT64_C(20) << 20, /* many readers take no more (25 MB is usual) */
        .gz_bytes = c->reports_size_limit / 100 * 72, /* as base64, with a text beside it */
    };
    o.org_name = c->reports_organization.n ? c->reports_organization : outgoing_submitter(&o);
    return o;
}

/* --- Due ---------------------------------------------------------------------------------------*/

struct collecting {
    struct send_run *run;
    const struct outgoing *o;
    struct jobs *jobs;
};

static struct row_policy copy_policy(struct arena *a, const struct row_policy *p)
{
    return (struct row_policy){
        .domain = str_copy(a, p->domain),
        .p = str_copy(a, p->p),
        .sp = str_copy(a, p->sp),
        .np = str_copy(a, p->np),
        .adkim = str_copy(a, p->adkim),
        .aspf = str_copy(a, p->aspf),
        .fo = str_copy(a, p->fo),
        .testing = str_copy(a, p->testing),
        .discovery = str_copy(a, p->discovery),
        .destinations = str_copy(a, p->destinations),
    };
}

static struct job *add_job(struct arena *a, struct jobs *jobs)
{
    jobs->v = arena_extend(a, jobs->v, jobs->n, &jobs->cap, sizeof *jobs->v);
    jobs->v[jobs->n] = (struct job){.report = {.part = 1}};
    return &jobs->v[jobs->n++];
}

static void add_mail(struct arena *a, struct job *job, const struct sent_mail *mail)
{
    job->mails = arena_extend(a, job->mails, job->n_mails, &job->mails_cap, sizeof *job->mails);
    job->mails[job->n_mails++] = *mail;
}

static void add_mails(struct arena *a, struct job *job)
{
    struct str rest = job->period.policy.destinations, uri;
    while (job->n_mails < URIS_MAX && str_split(&rest, ',', &uri))
        if (destination_is_mail(uri, a))
            add_mail(a, job, &(struct sent_mail){.uri = uri, .number = (int64_t)job->n_mails + 1});
}

/* The domain goes into headers and file names, so it has to be a domain name. */
static bool is_wanted(const struct send_run *run, struct str domain)
{
    struct str name;
    return domain_normalize(run->asker->arena, domain, &name) && str_eq(name, domain) &&
           !conf_has_domain(&run->conf->reports_skip_domains, domain) &&
           (!run->domain.n || domain_is_at_or_below(domain, run->domain));
}

static bool add_period(void *collecting, const struct rows_period *period)
{
    struct collecting *c = collecting;
    struct arena *a = c->run->asker->arena;
    if (!is_wanted(c->run, period->policy.domain))
        return true;
    struct job *job = add_job(a, c->jobs);
    job->period = *period;
    job->period.policy = copy_policy(a, &period->policy);
    job->report.day = period->day;
    job->report.policy_id = period->policy_id;
    job->report.domain = job->period.policy.domain;
    job->report.sender = c->o->sender;
    job->report.rows = period->rows;
    job->report.messages = period->messages;
    job->report.noted = send_now(c->run);
    job->report.report_id = outgoing_id(c->o, period, 1, a);
    add_mails(a, job);
    if (!job->n_mails)
        c->jobs->n--;
    return true;
}

static int compare_jobs(const void *a, const void *b)
{
    const struct sent_report *one = &((const struct job *)a)->report;
    const struct sent_report *two = &((const struct job *)b)->report;
    if (one->day != two->day)
        return one->day < two->day ? -1 : 1;
    if (one->policy_id != two->policy_id)
        return one->policy_id < two->policy_id ? -1 : 1;
    return one->part < two->part ? -1 : one->part > two->part;
}

static void sort_jobs(struct jobs *jobs)
{
    if (jobs->n)
        qsort(jobs->v, jobs->n, sizeof *jobs->v, compare_jobs);
}

static struct job *find_job(struct jobs *jobs, int64_t day, int64_t policy_id)
{
    const struct job wanted = {.report = {.day = day, .policy_id = policy_id, .part = 1}};
    return jobs->n ? bsearch(&wanted, jobs->v, jobs->n, sizeof *jobs->v, compare_jobs) : NULL;
}

/* Marks a job that the store has already. */
static bool forget_noted(void *collecting, const struct sent_report *r, const struct sent_mail *m)
{
    struct collecting *c = collecting;
    struct job *job = find_job(c->jobs, r->day, r->policy_id);
    (void)m;
    if (job)
        job->n_mails = 0;
    return true;
}

static void drop_jobs_without_mails(struct jobs *jobs)
{
    size_t n = 0;
    for (size_t i = 0; i < jobs->n; i++)
        if (jobs->v[i].n_mails)
            jobs->v[n++] = jobs->v[i];
    jobs->n = n;
}

/* The last day that has been over for so long that the store has all rows of this host, unless they
 * wait for a server; those of other hosts may come later. */
static int64_t last_day(const struct send_run *run)
{
    return rows_day(send_now(run) - (run->at ? 0 : SETTLING_S)) - 1;
}

/* Collects jobs about these days. */
static bool collect_jobs(struct collecting *c, int64_t from, int64_t to)
{
    *c->jobs = (struct jobs){0};
    if (rows_read_periods(c->run->reader, from, to, add_period, c))
        return true;
    c->run->problem = rows_reader_problem(c->run->reader);
    return false;
}

bool jobs_under_way(struct send_run *run, const struct outgoing *o, int64_t *day, uint64_t *n)
{
    struct jobs jobs;
    struct collecting c = {run, o, &jobs};
    *day = last_day(run) + 1;
    bool good = collect_jobs(&c, *day, *day);
    *n = jobs.n;
    return good;
}

bool jobs_due(struct send_run *run, const struct outgoing *o, struct jobs *out)
{
    struct collecting c = {run, o, out};
    int64_t to = last_day(run), from = to - SEND_FORMER_DAYS + 1;
    if (!collect_jobs(&c, from, to))
        return false;
    sort_jobs(out);
    if (!sent_read(run->sent, false, from, forget_noted, &c)) {
        run->problem = sent_problem(run->sent);
        return false;
    }
    drop_jobs_without_mails(out);
    return true;
}

/* --- Open --------------------------------------------------------------------------------------*/

static bool add_open(void *collecting, const struct sent_report *r, const struct sent_mail *m)
{
    struct collecting *c = collecting;
    struct arena *a = c->run->asker->arena;
    struct job *last = c->jobs->n ? &c->jobs->v[c->jobs->n - 1] : NULL;
    if (c->run->domain.n && !domain_is_at_or_below(r->domain, c->run->domain))
        return true;
    if (!last || last->report.id != r->id) {
        last = add_job(a, c->jobs);
        last->report = *r;
        last->report.report_id = str_copy(a, r->report_id);
        last->report.domain = str_copy(a, r->domain);
        last->report.sender = str_copy(a, r->sender);
    }
    struct sent_mail copy = *m;
    copy.uri = str_copy(a, m->uri);
    copy.address = str_copy(a, m->address);
    copy.note = str_copy(a, m->note);
    add_mail(a, last, &copy);
    return true;
}

static bool fill_period(void *collecting, const struct rows_period *period)
{
    struct collecting *c = collecting;
    struct job *job = find_job(c->jobs, period->day, period->policy_id);
    if (!job || !str_eq(job->report.domain, period->policy.domain))
        return true;
    job->period = *period;
    job->period.policy = copy_policy(c->run->asker->arena, &period->policy);
    return true;
}

bool jobs_open(struct send_run *run, struct jobs *out)
{
    struct collecting c = {.run = run, .jobs = out};
    *out = (struct jobs){0};
    if (!sent_read(run->sent, true, 0, add_open, &c)) {
        run->problem = sent_problem(run->sent);
        return false;
    }
    sort_jobs(out);
    if (!out->n ||
        rows_read_periods(run->reader, out->v[0].report.day, last_day(run), fill_period, &c))
        return true;
    run->problem = rows_reader_problem(run->reader);
    return false;
}
