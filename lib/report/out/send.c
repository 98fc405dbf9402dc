/* send.c - a run of `assay report send`: its parts, one after the other, and what they share.
 *
 * A state is written before the step that it names (sent.h). A report that is found pending is
 * built from the beginning; a mail that is found as handed over is handed over again.
 *
 * Errors: false, and run->problem, if a store fails. What fails with one mail is in its note, and
 * the mail is tried again. */
#include "report/out/send.h"

#include "report/out/sending.h"

#define RETRY_FIRST_S 900
#define RETRY_LAST_S  (6 * 3600)

bool send_store_failed(struct send_run *run)
{
    run->problem = str_copy(run->asker->arena, sent_problem(run->sent));
    return false;
}

bool send_read_failed(struct send_run *run)
{
    run->problem = rows_reader_problem(run->reader);
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

void send_tell(struct send_run *run, const struct sent_report *r, const struct sent_mail *m,
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

void send_set_state(struct send_run *run, struct sent_mail *m, enum sent_state state,
                    struct str note)
{
    m->state = state;
    m->note = note;
    m->changed = send_now(run);
}

void send_try_later(struct send_run *run, struct sent_mail *m, enum sent_state state,
                    struct str why)
{
    int64_t wait = RETRY_FIRST_S;
    for (int64_t i = 0; i < m->tries && wait < RETRY_LAST_S; i++)
        wait *= 2;
    send_set_state(run, m, state, why);
    m->tries++;
    m->next = send_now(run) + (wait < RETRY_LAST_S ? wait : RETRY_LAST_S);
}

bool send_is_too_old(const struct send_run *run, const struct sent_report *r)
{
    return send_now(run) - r->noted > SEND_PATIENCE_S;
}

static bool give_up(struct sending *s, const struct job *job, struct sent_mail *m)
{
    struct arena *a = s->run->asker->arena;
    send_set_state(s->run, m, SENT_FAILED,
                   m->note.n ? str_printf(a, "given up after 48 hours: %.*s", STR_ARG(m->note))
                             : STR("given up after 48 hours"));
    send_tell(s->run, &job->report, m, NULL, a);
    return s->run->show || sent_update(s->run->sent, m) || send_store_failed(s->run);
}

bool send_give_up(struct sending *s, struct job *job)
{
    for (size_t i = 0; i < job->n_mails; i++)
        if (job->mails[i].state < SENT_DONE && !give_up(s, job, &job->mails[i]))
            return false;
    return true;
}

bool send_has_pending(const struct job *job)
{
    for (size_t i = 0; i < job->n_mails; i++)
        if (job->mails[i].state == SENT_PENDING)
            return true;
    return false;
}

/* --- A run -------------------------------------------------------------------------------------*/

static bool send_all(struct sending *s)
{
    struct send_run *run = s->run;
    int64_t keep = run->conf->reports_keep_rows / 86400000;
    return send_note_due(s) && send_build_reports(s) && send_hand_over(s) &&
           (sent_tidy(run->sent, rows_day(send_now(run)) - keep) || send_store_failed(run));
}

bool send_reports(struct send_run *run)
{
    struct sending s = {.run = run};
    struct str secret;
    if (!sent_secret(run->sent, run->asker->arena, &secret))
        return send_store_failed(run);
    s.outgoing = send_outgoing(run, secret);
    s.scratch = arena_new(0);
    bool good = run->show ? send_show(&s) : send_all(&s);
    arena_free(s.scratch);
    return good;
}
