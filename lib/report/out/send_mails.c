/* send_mails.c - hands over the mails of reports that are built.
 *
 * Errors: as in send.c. */
#include <sys/random.h>
#include <time.h>

#include "report/out/handover.h"
#include "report/out/sending.h"

#define SPREAD_S       3600 /* all mails of a run */
#define SPREAD_MOST_US 10000000

struct report_mail send_mail_of(const struct sending *s, const struct sent_report *r,
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

/* See sending.h. The address itself comes first, then its domain. */
bool send_is_suppressed(struct sending *s, struct str address, struct str *why, bool *suppressed)
{
    struct send_run *run = s->run;
    struct sent_suppression v;
    const struct str names[] = {
        str_lower(s->scratch, address),
        str_sub(address, str_find_last(address, '@') + 1, address.n),
    };
    *suppressed = false;
    for (size_t i = 0; i < 2 && !*suppressed; i++) {
        if (!sent_suppression(run->sent, names[i], run->asker->arena, &v, suppressed))
            return send_store_failed(run);
        *suppressed = *suppressed && suppression_holds(&v, send_now(run));
        *why = *suppressed ? v.why : STR("");
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
        send_set_state(run, m, SENT_DONE, STR(""));
        break;
    case HANDED_NEVER:
        send_set_state(run, m, SENT_FAILED, why);
        break;
    case HANDED_LATER:
        send_try_later(run, m, SENT_BUILT, why);
        break;
    }
    send_tell(run, &job->report, m, mail, a);
}

/* Hands over one mail; the state is written before and after that. */
static bool send_mail(struct sending *s, const struct job *job, struct sent_mail *m)
{
    struct send_run *run = s->run;
    struct str why = STR(""), gz;
    bool suppressed;
    arena_reset(s->scratch);
    if (!send_is_suppressed(s, m->address, &why, &suppressed))
        return false;
    if (suppressed) {
        send_set_state(run, m, SENT_SUPPRESSED, why);
        send_tell(run, &job->report, m, NULL, s->scratch);
        return sent_update(run->sent, m) || send_store_failed(run);
    }
    if (!sent_content(run->sent, job->report.id, m->form, s->scratch, &gz))
        return send_store_failed(run);
    const struct report_mail mail = send_mail_of(s, &job->report, m, gz);
    send_set_state(run, m, SENT_HANDED_OVER, m->note);
    if (!sent_update(run->sent, m))
        return send_store_failed(run);
    hand_over_mail(s, job, m, &mail);
    return sent_update(run->sent, m) || send_store_failed(run);
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

/* Mixes the mails, so that those to one destination do not follow each other. */
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

bool send_hand_over(struct sending *s)
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
