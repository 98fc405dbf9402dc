/* connection.c - from the MTA's words to facts, and the facts through the pipeline.
 *
 * Whatever the MTA passes on from the network is stored within the limits of the configuration: of
 * header fields beyond limits.header-* only those that decide are kept (core/intake.h). What does
 * not fit in limits.message-memory, or what is left of limits.memory, turns the message away at its
 * end with 452; with less than a small message takes, none begins.
 *
 * Errors: none; a verdict says what the MTA shall be told. */
#include "milter/connection.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "core/bodycopy.h"
#include "core/intake.h"
#include "milter/sampler.h"
#include "milter/shortage.h"

#define SPACE_COST 256 /* of a copy made by str_printf(), beside four times its bytes */

struct connection *connection_new(struct runtime *rt)
{
    struct arena *a = arena_new(0);
    struct connection *c = arena_make(a, struct connection);
    c->runtime = rt;
    c->session.arena = a;
    c->session.helo = STR("");
    c->session.smtp = true; /* until the MTA says otherwise: nobody is ours by default */
    c->leading_space = true;
    c->number = runtime_connection_opened(rt);
    counter_inc(CTR_CONNECTIONS);
    return c;
}

void connection_free(struct connection *c)
{
    if (!c)
        return;
    transaction_end(c);
    arena_free(c->messages);
    runtime_connection_closed(c->runtime);
    arena_free(c->session.arena); /* holds c itself */
}

void connection_helo(struct connection *c, const char *name)
{
    size_t n = strnlen(name, HELO_MAX);
    memcpy(c->helo, name, n);
    c->helo[n] = '\0';
    c->session.helo = (struct str){c->helo, n};
}

/* --- Before the message ------------------------------------------------------------------------*/

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Where the configuration decides before the end of the message, the evaluation may wait there, for
 * a part of what it may wait in all; elsewhere it takes what has come by then. */
static void be_patient_at(struct transaction *t, enum policy_point point)
{
    const struct conf *conf = t->snapshot->conf;
    int64_t left = at_most(conf->dns_early_wait, conf->dns_deadline) * 1000 - t->asker.waited_us;
    t->asker.may_pend = true;
    t->asker.patience_us = policy_may_refuse(conf, point) && left > 0 ? left : 0;
}

static void decide(struct connection *c, enum policy_point point, struct verdict *verdict)
{
    struct transaction *t = c->now;
    policy_decide(t->snapshot->conf, point, &c->session, &t->message, &t->evidence,
                  t->message.arena, verdict);
}

static void release_snapshot(void *snapshot)
{
    snapshot_release(snapshot);
}

static size_t length(const char *text)
{
    return text ? strlen(text) : 0;
}

/* Memory for a message with a small header; for the DNS answers that it may hold; for the envelope,
 * which is stored, and parts of it in results. False: so much is not left. */
static bool reserve(struct connection *c, const struct conf *conf, const struct envelope *e)
{
    static const struct message nothing_yet;
    size_t envelope = length(e->from) + length(e->queue_id) + length(e->auth_type) +
                      length(e->auth_user) + length(e->cert_subject);
    return arena_share(c->messages, runtime_memory(c->runtime), conf->max_memory,
                       conf->dns_memory) &&
           arena_room(c->messages, 4 * envelope + intake_evaluation(conf, &nothing_yet));
}

static struct transaction *transaction_new(struct connection *c, const struct envelope *e)
{
    struct snapshot *snapshot = snapshot_take(c->runtime);
    if (!c->messages || c->quota != snapshot->conf->message_memory) {
        arena_free(c->messages);
        c->quota = snapshot->conf->message_memory;
        c->messages = arena_new(c->quota);
    }
    arena_defer(c->messages, release_snapshot, snapshot);
    struct transaction *t = arena_make(c->messages, struct transaction);
    t->snapshot = snapshot;
    t->no_memory = !reserve(c, snapshot->conf, e);
    t->message.arena = c->messages;
    t->message.now = time(NULL);
    t->message.started_us = clock_us();
    header_list_init(&t->message.headers, c->messages);
    t->asker.dns = snapshot->dns;
    t->asker.arena = c->messages;
    t->asker.memory = snapshot->conf->dns_memory;
    return t;
}

static void take_envelope(struct message *m, const struct envelope *e)
{
    struct arena *a = m->arena;
    m->from_text = str_copy(a, str_of(e->from));
    mail_path_parse(m->from_text, &m->from);
    m->queue_id = str_copy(a, str_of(e->queue_id));
    m->auth_type = str_copy(a, str_of(e->auth_type));
    m->auth_user = str_copy(a, str_of(e->auth_user));
    const struct certificate_macros certificate = {
        .version = str_of(e->version),
        .verify = str_of(e->verify),
        .subject = str_of(e->cert_subject),
        .issuer = str_of(e->cert_issuer),
    };
    m->tls_verified = certificate_is_trusted(&certificate);
    m->tls_subject = str_copy(a, certificate.subject);
}

static void start_pipeline(struct connection *c)
{
    struct transaction *t = c->now;
    struct stage_run run = {
        .conf = t->snapshot->conf,
        .session = &c->session,
        .message = &t->message,
        .evidence = &t->evidence,
        .asker = &t->asker,
        .keys = t->snapshot->key_cache,
        .signing_keys = t->snapshot->keys,
        .engines = t->snapshot->engines,
    };
    t->pipeline = pipeline_new(&run);
    pipeline_mail(t->pipeline);
}

struct transaction *transaction_begin(struct connection *c, const struct envelope *envelope,
                                      struct verdict *verdict)
{
    transaction_end(c);
    if (!runtime_transaction_begins(c->runtime)) {
        shortage_refuse(SHORTAGE_STOPPING, NULL, verdict);
        return NULL;
    }
    c->now = transaction_new(c, envelope);
    if (c->now->no_memory) {
        shortage_refuse(SHORTAGE_MEMORY, c->now->snapshot->conf, verdict);
        transaction_end(c);
        return NULL;
    }
    take_envelope(&c->now->message, envelope);
    message_decide_origin(c->now->snapshot->conf, &c->session, &c->now->message);
    be_patient_at(c->now, POINT_MAIL);
    start_pipeline(c);
    decide(c, POINT_MAIL, verdict);
    return c->now;
}

static struct str without_brackets(struct str path)
{
    if (path.n >= 2 && path.p[0] == '<' && path.p[path.n - 1] == '>')
        return str_sub(path, 1, path.n - 1);
    return path;
}

/* Recipients of other mail are counted and never refused: Postfix keeps what a local program sent
 * for ever, if one of its recipients is. */
static bool is_one_too_many(const struct transaction *t)
{
    const struct message *m = &t->message;
    return m->origin == ORIGIN_INBOUND && !m->may_be_forwarded &&
           m->n_recipients >= (size_t)t->snapshot->conf->max_recipients;
}

static void refuse_recipient(struct transaction *t, struct verdict *verdict)
{
    struct message *m = &t->message;
    struct str id = str_safe(m->arena, m->queue_id, 64, false);
    shortage_refuse(SHORTAGE_RECIPIENTS, t->snapshot->conf, verdict);
    if (!t->crowded)
        log_info("%.*s: more than %zu recipients (limits.recipients): the others get 452",
                 STR_ARG(id.n ? id : STR("NOQUEUE")), m->n_recipients);
    t->crowded = true;
}

static void take_recipient(struct transaction *t, struct str path)
{
    struct message *m = &t->message;
    if (m->n_recipients++ == 0 && arena_room(m->arena, path.n + sizeof(max_align_t)))
        m->first_recipient = str_copy(m->arena, path);
}

bool transaction_recipient(struct connection *c, const char *to, struct verdict *verdict)
{
    struct transaction *t = c->now;
    bool refused = t->judgement.action >= ACTION_TEMPFAIL; /* which says more than the limit */
    if (!refused && is_one_too_many(t)) {
        refuse_recipient(t, verdict);
        return false;
    }
    take_recipient(t, without_brackets(str_of(to)));
    bool first = !t->judged;
    if (first) {
        be_patient_at(t, POINT_RCPT);
        pipeline_rcpt(t->pipeline);
        decide(c, POINT_RCPT, &t->judgement);
        t->judged = t->judgement.action >= ACTION_TEMPFAIL || t->evidence.spf.mail_from.checked;
    }
    *verdict = t->judgement;
    return first;
}

void transaction_queue_id(struct transaction *t, const char *queue_id)
{
    if (!t->message.queue_id.n)
        t->message.queue_id = str_copy(t->message.arena, str_of(queue_id));
}

/* --- The message -------------------------------------------------------------------------------*/

void transaction_header(struct connection *c, const char *name, const char *value)
{
    struct transaction *t = c->now;
    struct message *m = &t->message;
    size_t n = strlen(value);
    if (!intake_field(t->snapshot->conf, m, str_of(name), n) || t->no_memory)
        return;
    size_t cost = header_list_cost(&m->headers, strlen(name) + n);
    if (!arena_room(m->arena, c->leading_space ? cost : cost + 4 * n + SPACE_COST)) {
        t->no_memory = true;
        return;
    }
    /* An MTA that drops the white space behind the colon had one space there, most likely. */
    struct str text = c->leading_space ? str_of(value) : str_printf(m->arena, " %s", value);
    header_list_add(&m->headers, str_of(name), text);
}

/* The libraries see a body as a whole; without a signature they have no use for it. */
static bool wants_copy(const struct transaction *t)
{
    return (t->sampled || t->snapshot->engines->dkim->whole_body) &&
           t->snapshot->conf->dkim_mode != SWITCH_OFF &&
           header_count(&t->message.headers, STR("DKIM-Signature"));
}

/* Judged, and within the limits. */
static bool is_ordinary(const struct message *m)
{
    return m->origin == ORIGIN_INBOUND && !m->over_limit;
}

void transaction_end_of_header(struct connection *c)
{
    struct transaction *t = c->now;
    const struct conf *conf = t->snapshot->conf;
    t->asker.patience_us = 0;
    t->no_memory =
        t->no_memory || !arena_room(t->message.arena, intake_evaluation(conf, &t->message));
    if (t->no_memory)
        return;
    message_settle_origin(conf, &c->session, &t->message);
    pipeline_eoh(t->pipeline);
    if (!is_ordinary(&t->message))
        return;
    t->sampled = sampler_chooses(conf->reference_sample);
    if (wants_copy(t))
        t->copy =
            body_copy_new(t->message.arena, runtime_copies(c->runtime), conf->reference_memory);
}

void transaction_body(struct transaction *t, const void *data, size_t n)
{
    t->message.body_bytes += n;
    if (t->no_memory)
        return;
    pipeline_body(t->pipeline, data, n);
    if (t->copy)
        body_copy_add(t->copy, data, n);
}

void transaction_finish(struct connection *c, void (*waiting)(void *), void *context,
                        struct verdict *verdict)
{
    struct transaction *t = c->now;
    if (t->no_memory) { /* no result is known of what could not be stored: it has to come again */
        shortage_refuse(SHORTAGE_MESSAGE, t->snapshot->conf, verdict);
        return;
    }
    int64_t left = t->snapshot->conf->dns_deadline * 1000 - t->asker.waited_us;
    t->asker.may_pend = false;
    t->asker.patience_us = left > 0 ? left : 0;
    t->asker.waiting = waiting;
    t->asker.waiting_context = context;
    if (t->copy)
        t->message.body = body_copy_kept(t->copy);
    pipeline_eom(t->pipeline);
    decide(c, POINT_EOM, verdict);
}

/* True if the sampler has the message and its arena now. */
static bool give_to_sampler(struct connection *c)
{
    struct transaction *t = c->now;
    struct sampler *sampler = runtime_sampler(c->runtime);
    if (!t->sampled || !sampler)
        return false;
    if (t->copy && !t->message.body.whole) {
        sampler_skip();
        return false;
    }
    struct sample *s = arena_make(c->messages, struct sample);
    *s = (struct sample){
        .arena = c->messages,
        .snapshot = t->snapshot,
        .session = sample_session(&c->session, c->messages),
        .message = &t->message,
        .evidence = &t->evidence,
        .asker = &t->asker,
        .copied = t->copy ? body_copy_bytes(t->copy) : 0,
    };
    return sampler_take(sampler, s);
}

void transaction_done(struct connection *c)
{
    if (!give_to_sampler(c)) {
        transaction_end(c);
        return;
    }
    c->now = NULL;
    c->messages = NULL;
    runtime_transaction_ended(c->runtime);
}

void transaction_end(struct connection *c)
{
    if (!c->now)
        return;
    c->now = NULL;
    arena_reset(c->messages); /* the transaction lives there; lets go of its snapshot last */
    runtime_transaction_ended(c->runtime);
}
