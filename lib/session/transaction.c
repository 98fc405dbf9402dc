/* transaction.c - the content of a message, its verdict, and what comes after it.
 *
 * Errors: none; what could not be stored turns the message away at its end. */
#include "base/clock.h"
#include "core/bodycopy.h"
#include "core/intake.h"
#include "session/internal.h"
#include "session/seal.h"
#include "session/shortage.h"

#define SPACE_COST 256 /* of a copy made by str_printf(), beside four times its bytes */

/* --- The header --------------------------------------------------------------------------------*/

void dialogue_header(struct dialogue *d, struct str name, struct str value)
{
    struct transaction *t = d->transaction;
    struct message *m = &t->message;
    if (!intake_field(t->snapshot->conf, m, name, value.n) || t->no_memory)
        return;
    size_t cost = header_list_cost(&m->headers, name.n + value.n);
    if (!arena_room(t->arena, d->leading_space ? cost : cost + 4 * value.n + SPACE_COST)) {
        t->no_memory = true;
        return;
    }
    /* An MTA that drops the white space behind the colon had one space there, most likely. */
    if (!d->leading_space)
        value = str_printf(t->arena, " %.*s", STR_ARG(value));
    header_list_add(&m->headers, name, value);
}

/* The entries of the list of what comes after that want this message. */
static unsigned choose_after(const struct session_host *host, const struct transaction *t)
{
    unsigned chosen = 0;
    for (size_t i = 0; i < host->n_after; i++) {
        const struct after *after = &host->after[i];
        if (after->chooses && after->chooses(host->context, t))
            chosen |= 1U << i;
    }
    return chosen;
}

/* The libraries of the field take a body as a whole, and only for signatures. */
static bool wants_copy(const struct session_host *host, const struct transaction *t)
{
    bool wanted = t->snapshot->engines->dkim->whole_body;
    for (size_t i = 0; i < host->n_after; i++)
        wanted = wanted || (t->chosen & 1U << i && host->after[i].whole_body);
    return wanted && t->snapshot->conf->dkim_mode != SWITCH_OFF &&
           header_count(&t->message.headers, STR("DKIM-Signature"));
}

void dialogue_end_of_header(struct dialogue *d)
{
    struct transaction *t = d->transaction;
    const struct conf *conf = t->snapshot->conf;
    t->asker.patience_us = 0;
    t->no_memory = t->no_memory || !arena_room(t->arena, intake_evaluation(conf, &t->message));
    if (t->no_memory)
        return;
    message_settle_origin(conf, t->session, &t->message);
    pipeline_eoh(t->pipeline);
    seal_prepare(t);
    if (t->message.origin != ORIGIN_INBOUND || t->message.over_limit)
        return;
    t->chosen = choose_after(d->host, t);
    if (d->host->copies && wants_copy(d->host, t))
        t->copy = body_copy_new(t->arena, d->host->copies, conf->reference_memory);
}

/* --- The body ----------------------------------------------------------------------------------*/

void dialogue_body(struct dialogue *d, const void *data, size_t n)
{
    struct transaction *t = d->transaction;
    t->message.body_bytes += n;
    if (t->no_memory)
        return;
    pipeline_body(t->pipeline, data, n);
    if (t->copy)
        body_copy_add(t->copy, data, n);
}

/* --- The verdict -------------------------------------------------------------------------------*/

static void evaluate_message(struct dialogue *d, struct transaction *t)
{
    int64_t left = t->snapshot->conf->dns_deadline * 1000 - t->asker.waited_us;
    t->asker.may_pend = false;
    t->asker.patience_us = left > 0 ? left : 0;
    t->asker.waiting = d->peer.waiting;
    if (t->copy)
        t->message.body = body_copy_kept(t->copy);
    pipeline_eom(t->pipeline);
    transaction_decide(t, POINT_EOM, &t->verdict);
}

struct telling transaction_telling(const struct transaction *t)
{
    return (struct telling){
        .stages = stages_all,
        .conf = t->snapshot->conf,
        .session = t->session,
        .message = &t->message,
        .evidence = &t->evidence,
        .verdict = &t->verdict,
        .arena = t->arena,
    };
}

void dialogue_end(struct dialogue *d)
{
    struct transaction *t = d->transaction;
    const struct conf *conf = t->snapshot->conf;
    t->point = POINT_EOM;
    t->ended_us = clock_us();
    if (t->no_memory) { /* no result is known of what could not be stored: it has to come again */
        shortage_refuse(SHORTAGE_MESSAGE, conf, &t->verdict);
        return;
    }
    evaluate_message(d, t);
    const struct telling telling = transaction_telling(t);
    edits_plan(&telling, &t->edits);
    seal_add(t);
}

/* --- After it ----------------------------------------------------------------------------------*/

bool transaction_tell(struct dialogue *d, struct transaction *t)
{
    for (size_t i = 0; i < d->host->n_after; i++) {
        const struct after *after = &d->host->after[i];
        bool wanted = !after->chooses || t->chosen & 1U << i;
        if (wanted && after->answered && after->answered(d->host->context, t))
            return true;
    }
    return false;
}

static void has_ended(struct dialogue *d)
{
    d->transaction = NULL;
    if (d->host->message_ended)
        d->host->message_ended(d->host->context);
}

void transaction_drop(struct dialogue *d)
{
    arena_reset(d->messages); /* the transaction lives there; lets go of its snapshot last */
    has_ended(d);
}

void dialogue_answered(struct dialogue *d)
{
    if (!transaction_tell(d, d->transaction)) {
        transaction_drop(d);
        return;
    }
    d->messages = NULL;
    has_ended(d);
}

void dialogue_give_up(struct dialogue *d)
{
    struct transaction *t = d->transaction;
    if (!t)
        return;
    if (t->refused_alone && t->refused_alone == t->message.n_recipients)
        transaction_tell(d, t); /* nobody was left to send it to */
    for (size_t i = 0; i < d->host->n_after; i++)
        if (d->host->after[i].given_up)
            d->host->after[i].given_up(d->host->context, t);
    transaction_drop(d);
}
