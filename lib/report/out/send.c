/* send.c - a run: notes, asks destinations, builds, hands over.
 *
 * A state is written before the step that it names (sent.h). A report that is found pending is
 * built anew, from the beginning; a mail that is found as handed over is handed over once more.
 *
 * Errors: false, and run->problem, where the store fails. What fails with one mail stands in its
 * note, and it is tried again. */
#include "report/out/send.h"

#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "mail/domain.h"
#include "report/out/destination.h"
#include "report/out/handover.h"
#include "report/out/jobs.h"
#include "report/out/mail.h"

#define RETRY_FIRST_S  900
#define RETRY_LAST_S   (6 * 3600)
#define SPREAD_S       3600 /* all mails of a run */
#define SPREAD_MOST_US 10000000

struct sending {
    struct send_run *run;
    struct outgoing outgoing;
    struct arena *scratch; /* of a report or a mail */
};

static bool store_failed(struct send_run *run)
{
    run->problem = str_copy(run->asker->arena, sent_problem(run->sent));
    return false;
}

/* --- Telling -----------------------------------------------------------------------------------*/

static void count_outcome(struct send_counts *c, const struct sent_report *r, enum sent_state state,
                          bool show)
{
    bool out = state == SENT_DONE || (show && state == SENT_BUILT);
    c->handed_over += state == SENT_DONE;
    c->shown += show && state == SENT_BUILT;
    c->later += !show && (state == SENT_BUILT || state == SENT_PENDING);
    c->later += show && state == SENT_PENDING;
    c->failed += state == SENT_FAILED;
    c->refused += state == SENT_REFUSED;
    c->suppressed += state == SENT_SUPPRESSED;
    c->messages += out ? r->messages : 0;
    c->rows += out ? r->rows : 0;
}

static void tell(struct send_run *run, const struct sent_report *r, const struct sent_mail *m,
                 const struct report_mail *mail, struct arena *a)
{
    struct send_event e = {
        .report = r,
        .destination = str_safe(a, m->address.n ? m->address : m->uri, 400, true),
        .state = m->state,
        .note = m->note,
        .message_id = mail ? report_mail_id(mail, a) : STR(""),
        .file = mail ? report_mail_file(mail, a) : STR(""),
        .begin = outgoing_begin(r->day),
        .end = outgoing_end(r->day),
    };
    count_outcome(&run->counts, r, m->state, run->show);
    run->event(run->context, &e);
}

/* --- A mail's state ----------------------------------------------------------------------------*/

static void set_state(struct send_run *run, struct sent_mail *m, enum sent_state state,
                      struct str note)
{
    m->state = state;
    m->note = note;
    m->changed = send_now(run);
}

static void try_later(struct send_run *run, struct sent_mail *m, enum sent_state state,
                      struct str why)
{
    int64_t wait = RETRY_FIRST_S;
    for (int64_t i = 0; i < m->tries && wait < RETRY_LAST_S; i++)
        wait *= 2;
    set_state(run, m, state, why);
    m->tries++;
    m->next = send_now(run) + (wait < RETRY_LAST_S ? wait : RETRY_LAST_S);
}

static bool is_too_old(const struct send_run *run, const struct sent_report *r)
{
    return send_now(run) - r->noted > SEND_PATIENCE_S;
}

static bool give_up(struct sending *s, const struct job *job, struct sent_mail *m)
{
    struct arena *a = s->run->asker->arena;
    set_state(s->run, m, SENT_FAILED,
              m->note.n ? str_printf(a, "given up after 48 hours: %.*s", STR_ARG(m->note))
                        : STR("given up after 48 hours"));
    tell(s->run, &job->report, m, NULL, a);
    return s->run->show || sent_update(s->run->sent, m) || store_failed(s->run);
}

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
        set_state(run, m, SENT_REFUSED, d.why);
    } else if (d.answer == DESTINATION_UNKNOWN) {
        try_later(run, m, SENT_PENDING, d.why);
    } else {
        set_state(run, m, SENT_BUILT, STR(""));
        if (is_named_before(job, m))
            set_state(run, m, SENT_REFUSED, STR("the record names this address twice"));
    }
}

/* A report that is not built may have mails that are, from an attempt that was cut short. */
static bool has_to_be_asked(const struct send_run *run, const struct job *job,
                            const struct sent_mail *m)
{
    return (m->state == SENT_PENDING ||
            (m->state == SENT_BUILT && job->report.state == SENT_PENDING)) &&
           m->next <= send_now(run);
}

/* *agree: some do. */
static void ask_destinations(struct sending *s, struct job *job, bool *agree)
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
            tell(s->run, &job->report, m, NULL, s->scratch);
    }
}

/* --- Building ----------------------------------------------------------------------------------*/

struct keeping {
    struct sending *s;
    const struct job *job;
    uint64_t parts;
    bool failed;
};

static bool keep_part(void *keeping, const struct outgoing_part *part)
{
    struct keeping *k = keeping;
    struct sent_report r = k->job->report;
    r.part = part->number;
    r.report_id = part->report_id;
    r.rows = part->rows;
    r.messages = part->messages;
    k->parts++;
    for (int64_t form = 0; form < FORM_COUNT; form++)
        if (part->gz[form].n && !sent_keep_part(k->s->run->sent, &r, form, part->gz[form]))
            k->failed = true;
    return !k->failed;
}

/* Of all mails that may yet be sent. */
static unsigned forms_of(const struct job *job)
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
            return store_failed(s->run);
    return true;
}

static void fail_mails(struct sending *s, struct job *job, struct str why)
{
    for (size_t i = 0; i < job->n_mails; i++)
        if (job->mails[i].state <= SENT_BUILT) {
            set_state(s->run, &job->mails[i], SENT_FAILED, why);
            tell(s->run, &job->report, &job->mails[i], NULL, s->scratch);
        }
}

static bool read_failed(struct send_run *run)
{
    run->problem = rows_reader_problem(run->reader);
    return false;
}

static bool send_build(struct sending *s, struct job *job)
{
    struct send_run *run = s->run;
    struct keeping k = {.s = s, .job = job};
    uint64_t left_out = 0;
    if (!sent_forget_parts(run->sent, &job->report))
        return store_failed(run);
    if (!outgoing_build(&s->outgoing, run->reader, &job->period, forms_of(job), keep_part, &k,
                        &left_out))
        return read_failed(run);
    run->counts.left_out += left_out;
    if (k.failed)
        return store_failed(run);
    if (!k.parts)
        fail_mails(s, job, STR("none of its rows can be reported"));
    return update_mails(s, job) &&
           (!k.parts || sent_built(run->sent, &job->report, send_now(run)) || store_failed(run));
}

static bool work_on_report(struct sending *s, struct job *job)
{
    bool agree, pending = job->report.state == SENT_PENDING;
    if (pending && !job->period.policy_id) {
        fail_mails(s, job, STR("its rows are gone"));
        return update_mails(s, job);
    }
    ask_destinations(s, job, &agree);
    return pending && agree ? send_build(s, job) : update_mails(s, job);
}

static bool has_pending_mails(const struct job *job)
{
    for (size_t i = 0; i < job->n_mails; i++)
        if (job->mails[i].state == SENT_PENDING)
            return true;
    return false;
}

static bool give_up_old(struct sending *s, struct job *job)
{
    for (size_t i = 0; i < job->n_mails; i++)
        if (job->mails[i].state < SENT_DONE && !give_up(s, job, &job->mails[i]))
            return false;
    return true;
}

static bool work_on_reports(struct sending *s)
{
    struct jobs jobs;
    if (!jobs_open(s->run, &jobs))
        return false;
    for (size_t i = 0; i < jobs.n; i++) {
        struct job *job = &jobs.v[i];
        bool good = true;
        arena_reset(s->scratch);
        if (is_too_old(s->run, &job->report))
            good = give_up_old(s, job);
        else if (job->report.part == 1 || job->report.state != SENT_PENDING)
            if (job->report.state == SENT_PENDING || has_pending_mails(job))
                good = work_on_report(s, job);
        if (!good)
            return false;
    }
    return true;
}

static bool note_due(struct sending *s)
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
            return store_failed(s->run);
        arena_reset(s->scratch);
    }
    return true;
}

/* --- Handing over ------------------------------------------------------------------------------*/

static struct report_mail mail_of(const struct sending *s, const struct sent_report *r,
                                  const struct sent_mail *m, struct str gz)
{
    return (struct report_mail){
        .report_id = r->report_id,
        .policy_domain = r->domain,
        .sender = r->sender,
        .recipient = m->address,
        .email = s->outgoing.email,
        .number = m->number,
        .begin = outgoing_begin(r->day),
        .end = outgoing_end(r->day),
        .date = r->built,
        .rows = r->rows,
        .messages = r->messages,
        .gz = gz,
    };
}

static bool suppression_holds(const struct sent_suppression *v, int64_t now)
{
    return !v->until || v->until > now;
}

/* Is the address, or its domain, spared? */
static bool is_spared(struct sending *s, struct str address, struct str *why, bool *spared)
{
    struct send_run *run = s->run;
    struct sent_suppression v;
    const struct str names[] = {
        str_lower(s->scratch, address),
        str_sub(address, str_find_last(address, '@') + 1, address.n),
    };
    *spared = false;
    for (size_t i = 0; i < 2 && !*spared; i++) {
        if (!sent_suppression(run->sent, names[i], run->asker->arena, &v, spared))
            return store_failed(run);
        *spared = *spared && suppression_holds(&v, send_now(run));
        *why = *spared ? v.why : STR("");
    }
    return true;
}

static void hand_over_mail(struct sending *s, const struct job *job, struct sent_mail *m,
                           const struct report_mail *mail)
{
    struct send_run *run = s->run;
    struct arena *a = s->scratch;
    struct str why;
    const struct letter_out letter = {
        .sender = report_mail_envelope(mail, run->conf->reports_delimiter, a),
        .recipient = m->address,
        .text = report_mail_compose(mail, a),
    };
    switch (hand_over(run->conf->reports_mailer, &letter, a, &why)) {
    case HANDED_OVER:
        set_state(run, m, SENT_DONE, STR(""));
        break;
    case HANDED_NEVER:
        set_state(run, m, SENT_FAILED, why);
        break;
    case HANDED_LATER:
        try_later(run, m, SENT_BUILT, why);
        break;
    }
    tell(run, &job->report, m, mail, a);
}

/* Writes the state before and after the step. */
static bool send_mail(struct sending *s, const struct job *job, struct sent_mail *m)
{
    struct send_run *run = s->run;
    struct str why = STR(""), gz;
    bool spared;
    arena_reset(s->scratch);
    if (!is_spared(s, m->address, &why, &spared))
        return false;
    if (spared) {
        set_state(run, m, SENT_SUPPRESSED, why);
        tell(run, &job->report, m, NULL, s->scratch);
        return sent_update(run->sent, m) || store_failed(run);
    }
    if (!sent_content(run->sent, job->report.id, m->form, s->scratch, &gz))
        return store_failed(run);
    const struct report_mail mail = mail_of(s, &job->report, m, gz);
    set_state(run, m, SENT_HANDED_OVER, m->note);
    if (!sent_update(run->sent, m))
        return store_failed(run);
    hand_over_mail(s, job, m, &mail);
    return sent_update(run->sent, m) || store_failed(run);
}

/* A mail that can be handed over now. */
struct ready {
    const struct job *job;
    struct sent_mail *mail;
};

static size_t find_ready(const struct send_run *run, const struct jobs *jobs, struct ready *out)
{
    size_t n = 0;
    for (size_t i = 0; i < jobs->n; i++)
        for (size_t k = 0; k < jobs->v[i].n_mails; k++) {
            struct job *job = &jobs->v[i];
            struct sent_mail *m = &job->mails[k];
            bool built = m->state == SENT_BUILT || m->state == SENT_HANDED_OVER;
            if (job->report.state != SENT_BUILT || !built || m->next > send_now(run))
                continue;
            if (out)
                out[n] = (struct ready){job, m};
            n++;
        }
    return n;
}

/* Reports that go to one destination do not stand one behind the other. */
static void shuffle(struct ready *v, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        uint32_t random = 0;
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return;
        struct ready other = v[random % i];
        v[random % i] = v[i - 1];
        v[i - 1] = other;
    }
}

static void wait_between(const struct send_run *run, size_t n)
{
    int64_t us = (int64_t)SPREAD_S * 1000000 / (int64_t)n;
    if (us > SPREAD_MOST_US)
        us = SPREAD_MOST_US;
    const struct timespec pause = {us / 1000000, us % 1000000 * 1000};
    if (run->spread)
        nanosleep(&pause, NULL);
}

static void count_reports(struct send_run *run, const struct ready *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool counted = false;
        for (size_t k = i; k-- > 0 && v[k].job == v[i].job && !counted;)
            counted = true;
        run->counts.reports += !counted;
    }
}

static bool send_mails(struct sending *s)
{
    struct send_run *run = s->run;
    struct jobs jobs;
    if (!jobs_open(run, &jobs))
        return false;
    size_t n = find_ready(run, &jobs, NULL);
    struct ready *v = arena_array(run->asker->arena, struct ready, n);
    find_ready(run, &jobs, v);
    count_reports(run, v, n);
    shuffle(v, n);
    for (size_t i = 0; i < n; i++) {
        if (i)
            wait_between(run, n);
        if (!send_mail(s, v[i].job, v[i].mail))
            return false;
        if (run->progress)
            run->progress(run->context, i + 1, n);
    }
    return true;
}

/* --- Showing -----------------------------------------------------------------------------------*/

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
    const struct report_mail mail = mail_of(v->s, r, m, gz);
    bool good = true;
    if (run->write) {
        struct str name =
            str_printf(a, "%.*s.%lld.eml", STR_ARG(r->report_id), (long long)m->number);
        good = run->write(run->context, name, report_mail_compose(&mail, a));
    }
    tell(run, r, m, &mail, a);
    arena_free(a);
    return good;
}

static bool show_part(void *showing, const struct outgoing_part *part)
{
    struct showing *v = showing;
    struct sent_report r = v->job->report;
    r.part = part->number;
    r.report_id = part->report_id;
    r.rows = part->rows;
    r.messages = part->messages;
    r.built = send_now(v->s->run);
    v->s->run->counts.reports++;
    for (size_t i = 0; i < v->job->n_mails && !v->failed; i++)
        if (v->job->mails[i].state == SENT_BUILT)
            v->failed = !show_mail(v, &r, &v->job->mails[i], part->gz[v->job->mails[i].form]);
    return !v->failed;
}

static bool spare_shown(struct sending *s, struct job *job)
{
    struct str why = STR("");
    bool spared;
    for (size_t i = 0; i < job->n_mails; i++) {
        struct sent_mail *m = &job->mails[i];
        if (m->state != SENT_BUILT)
            continue;
        if (!is_spared(s, m->address, &why, &spared))
            return false;
        if (!spared)
            continue;
        set_state(s->run, m, SENT_SUPPRESSED, why);
        tell(s->run, &job->report, m, NULL, s->scratch);
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
            return store_failed(run);
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
    if (is_too_old(run, &job->report) || (!built && !job->period.policy_id))
        return give_up_old(s, job);
    for (size_t i = 0; i < job->n_mails; i++) {
        job->mails[i].next = 0;
        if (job->mails[i].state == SENT_HANDED_OVER)
            job->mails[i].state = SENT_BUILT;
    }
    if (!built || has_pending_mails(job))
        ask_destinations(s, job, &agree);
    if (!spare_shown(s, job))
        return false;
    if (built)
        return show_content(s, job);
    bool good = outgoing_build(&s->outgoing, run->reader, &job->period, forms_of(job), show_part,
                               &v, &left_out);
    run->counts.left_out += left_out;
    return good ? !v.failed : read_failed(run);
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

static bool show(struct sending *s)
{
    struct send_run *run = s->run;
    struct jobs due, open;
    return jobs_due(run, &s->outgoing, &due) && jobs_open(run, &open) && show_all(s, &open) &&
           show_all(s, &due) &&
           jobs_under_way(run, &s->outgoing, &run->counts.under_way_day, &run->counts.under_way);
}

/* --- A run -------------------------------------------------------------------------------------*/

static bool send_all(struct sending *s)
{
    struct send_run *run = s->run;
    int64_t keep = run->conf->reports_keep_rows / 86400000;
    return note_due(s) && work_on_reports(s) && send_mails(s) &&
           (sent_tidy(run->sent, rows_day(send_now(run)) - keep) || store_failed(run));
}

bool send_reports(struct send_run *run)
{
    struct sending s = {.run = run};
    struct str secret;
    if (!sent_secret(run->sent, run->asker->arena, &secret))
        return store_failed(run);
    s.outgoing = send_outgoing(run, secret);
    s.scratch = arena_new(0);
    bool good = run->show ? show(&s) : send_all(&s);
    arena_free(s.scratch);
    return good;
}
