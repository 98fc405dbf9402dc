/* dialogue.c - a client and the envelopes that it brings: connect, helo, mail, rcpt, data.
 *
 * Errors: none; a verdict says what the MTA shall be told. */
#include "session/session.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/intake.h"
#include "core/request.h"
#include "session/internal.h"
#include "session/shortage.h"

#define RECIPIENT_SHOWN  254
#define RECIPIENT_JUDGED 2048 /* of what is said of a recipient that is refused alone */
#define TEXT_MAX         512  /* a domain name has at most 253 bytes; what is longer is cut */

/* --- The client --------------------------------------------------------------------------------*/

struct dialogue *dialogue_new(const struct session_host *host, const struct session_peer *peer)
{
    struct arena *a = arena_new(0);
    struct dialogue *d = arena_make(a, struct dialogue);
    d->host = host;
    d->peer = *peer;
    d->facts.arena = a;
    d->facts.helo = STR("");
    d->facts.smtp = true; /* until the MTA says otherwise: by default no client is ours */
    d->leading_space = true;
    return d;
}

void dialogue_free(struct dialogue *d)
{
    if (!d)
        return;
    dialogue_give_up(d);
    arena_free(d->messages);
    arena_free(d->facts.arena); /* holds d itself */
}

/* Where there is no transaction that could hold the verdict. */
static const struct verdict *refuse_for(struct dialogue *d, enum shortage shortage,
                                        const struct conf *conf)
{
    shortage_refuse(shortage, conf, &d->refusal);
    return &d->refusal;
}

/* A text is kept at the same place: a connection may have many sessions, and a client may say its
 * name as often as it likes. */
static struct str keep_text(struct dialogue *d, size_t which, struct str text)
{
    char **room = &d->texts[which];
    if (!*room)
        *room = arena_alloc(d->facts.arena, TEXT_MAX + 1);
    size_t n = text.n < TEXT_MAX ? text.n : TEXT_MAX;
    memcpy(*room, n ? text.p : "", n);
    (*room)[n] = '\0';
    return (struct str){*room, n};
}

enum kept_text { CLIENT_NAME, DAEMON_NAME, MTA_NAME, HELO_NAME };

const struct verdict *dialogue_connect(struct dialogue *d, const struct client_words *client,
                                       unsigned number)
{
    struct session *facts = &d->facts;
    struct snapshot *s = d->host->snapshot_take(d->host->context);
    const struct verdict *refusal = NULL;
    facts->client = client->address;
    facts->smtp = client->smtp;
    facts->client_name = keep_text(d, CLIENT_NAME, client->name);
    facts->daemon_name = keep_text(d, DAEMON_NAME, client->daemon_name);
    facts->mta_name = keep_text(d, MTA_NAME, client->mta_name);
    facts->helo = STR(""); /* what the client before said on this connection */
    d->turned_away = number > (unsigned)s->conf->limits_connections;
    if (d->turned_away)
        refusal = refuse_for(d, SHORTAGE_CONNECTIONS, s->conf);
    d->host->snapshot_release(s);
    return refusal;
}

void dialogue_helo(struct dialogue *d, struct str name)
{
    d->facts.helo = keep_text(d, HELO_NAME, name);
}

/* --- The beginning of a message ----------------------------------------------------------------*/

/* Memory for a message with a small header; for the DNS answers that it may hold; for the envelope,
 * which is stored, and parts of it in results. False: so much is not left. */
static bool reserve(struct dialogue *d, const struct conf *conf, const struct envelope_words *e)
{
    static const struct message nothing_yet;
    size_t envelope =
        e->from.n + e->queue_id.n + e->auth_type.n + e->auth_user.n + e->certificate.subject.n;
    return (!d->host->memory || arena_share(d->messages, d->host->memory, conf->limits_memory,
                                            conf_dns_memory(conf))) &&
           arena_room(d->messages, 4 * envelope + intake_evaluation(conf, &nothing_yet));
}

/* The snapshot goes with the message, wherever that goes. */
struct held_snapshot {
    const struct session_host *host;
    struct snapshot *snapshot;
};

static void release_snapshot(void *object)
{
    const struct held_snapshot *held = object;
    held->host->snapshot_release(held->snapshot);
}

static struct snapshot *hold_snapshot(struct dialogue *d)
{
    struct snapshot *snapshot = d->host->snapshot_take(d->host->context);
    if (!d->messages || d->quota != snapshot->conf->limits_message_memory) {
        arena_free(d->messages);
        d->quota = snapshot->conf->limits_message_memory;
        d->messages = arena_new(d->quota);
    }
    struct held_snapshot *held = arena_make(d->messages, struct held_snapshot);
    *held = (struct held_snapshot){d->host, snapshot};
    arena_defer(d->messages, release_snapshot, held);
    return snapshot;
}

static struct transaction *transaction_new(struct dialogue *d, const struct envelope_words *e)
{
    const struct session_host *host = d->host;
    struct snapshot *snapshot = hold_snapshot(d);
    struct transaction *t = arena_make(d->messages, struct transaction);
    t->session = &d->facts;
    t->arena = d->messages;
    t->snapshot = snapshot;
    t->no_memory = !reserve(d, snapshot->conf, e);
    t->message.arena = t->arena;
    t->message.now = host->now ? host->now(host->context) : time(NULL);
    t->message.started_us = clock_us();
    header_list_init(&t->message.headers, t->arena);
    struct request_memory memory = request_memory(snapshot->conf);
    t->asker = (struct dns_asker){
        .dns = snapshot->dns,
        .arena = t->arena,
        .memory = memory.common,
        .set_aside = memory.set_aside,
        .waits = d->peer.waits,
        .waiting_context = d->peer.context,
        .trace = d->peer.trace,
        .trace_context = d->peer.context,
    };
    t->memory = (struct state_asker){
        .state = snapshot->state,
        .patience_us = host->state_patience_us ? host->state_patience_us : STATE_BUDGET_US,
        .waits = d->peer.waits,
        .waits_context = d->peer.context,
    };
    return t;
}

static void take_envelope(struct message *m, const struct envelope_words *e)
{
    struct arena *a = m->arena;
    m->from_text = str_copy(a, e->from);
    mail_path_parse(m->from_text, &m->from);
    m->queue_id = str_copy(a, e->queue_id);
    m->auth_type = str_copy(a, e->auth_type);
    m->auth_user = str_copy(a, e->auth_user);
    m->tls_verified = certificate_is_trusted(&e->certificate);
    m->tls_subject = str_copy(a, e->certificate.subject);
}

static void begin_stages(struct transaction *t)
{
    t->bodies = body_digests_new(t->arena);
    const struct stage_run run = {
        .conf = t->snapshot->conf,
        .session = t->session,
        .message = &t->message,
        .evidence = &t->evidence,
        .asker = &t->asker,
        .keys = t->snapshot->key_cache,
        .signing_keys = t->snapshot->keys,
        .list_health = t->snapshot->list_health,
        .engines = t->snapshot->engines,
        .bodies = t->bodies,
        .memory = t->snapshot->state ? &t->memory : NULL,
    };
    t->pipeline = pipeline_new(&run);
}

/* Where the configuration decides before the end of the message, the evaluation may wait there, for
 * a part of what it may wait in all; elsewhere it takes what has come by then. */
static void set_early_patience(struct transaction *t, enum policy_point point)
{
    const struct conf *conf = t->snapshot->conf;
    int64_t most =
        conf->dns_early_wait < conf->dns_deadline ? conf->dns_early_wait : conf->dns_deadline;
    int64_t left = most * 1000 - t->asker.waited_us;
    t->asker.may_pend = true;
    t->asker.patience_us = policy_may_refuse(conf, point) && left > 0 ? left : 0;
}

void transaction_decide(struct transaction *t, enum policy_point point, struct verdict *verdict)
{
    policy_decide(t->snapshot->conf, point, t->session, &t->message, &t->evidence, t->arena,
                  verdict);
}

/* The refusal at a point before the end, or NULL. */
static const struct verdict *answer_early(struct transaction *t, enum policy_point point)
{
    t->point = point;
    transaction_decide(t, point, &t->verdict);
    return t->verdict.action >= ACTION_TEMPFAIL ? &t->verdict : NULL;
}

const struct verdict *dialogue_mail(struct dialogue *d, const struct envelope_words *envelope)
{
    const struct session_host *host = d->host;
    dialogue_give_up(d);
    if (d->turned_away) /* whatever the MTA makes of that */
        return &d->refusal;
    if (host->message_begins && !host->message_begins(host->context))
        return refuse_for(d, SHORTAGE_STOPPING, NULL);
    struct transaction *t = d->transaction = transaction_new(d, envelope);
    if (t->no_memory) {
        refuse_for(d, SHORTAGE_MEMORY, t->snapshot->conf);
        transaction_drop(d);
        return &d->refusal;
    }
    take_envelope(&t->message, envelope);
    t->message.checks = d->checks;
    message_decide_origin(t->snapshot->conf, t->session, &t->message);
    set_early_patience(t, POINT_MAIL);
    begin_stages(t);
    pipeline_mail(t->pipeline);
    return answer_early(t, POINT_MAIL);
}

/* --- Recipients --------------------------------------------------------------------------------*/

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
    return m->origin == ORIGIN_INBOUND &&
           m->n_recipients >= (size_t)t->snapshot->conf->limits_recipients;
}

static const struct verdict *refuse_one_too_many(struct dialogue *d)
{
    struct transaction *t = d->transaction;
    const struct message *m = &t->message;
    if (!t->crowded)
        log_info("%.*s: more than %zu recipients (limits.recipients): the others get 452",
                 STR_ARG(telling_id(m)), m->n_recipients);
    t->crowded = true;
    return refuse_for(d, SHORTAGE_RECIPIENTS, t->snapshot->conf);
}

/* Kept within limits.recipients and the message's memory, and counted beyond them. */
static struct recipient *take_recipient(struct transaction *t, const struct recipient_words *words)
{
    struct message *m = &t->message;
    struct str path = without_brackets(words->path);
    size_t cost = path.n + words->mailer.n + words->host.n + words->address.n +
                  4 * sizeof(max_align_t) + 3 * sizeof(struct recipient);
    if (t->snapshot->srs) /* the one thing that recipients are refused for alone */
        cost += RECIPIENT_JUDGED;
    bool fits = m->n_recipients == m->recipients_kept &&
                m->recipients_kept < (size_t)t->snapshot->conf->limits_recipients &&
                arena_room(t->arena, cost);
    m->n_recipients++;
    if (!fits)
        return NULL;
    m->recipients = arena_extend(t->arena, m->recipients, m->recipients_kept, &m->recipients_cap,
                                 sizeof *m->recipients);
    struct recipient *r = &m->recipients[m->recipients_kept++];
    *r = (struct recipient){
        .address = str_copy(t->arena, path),
        .mailer = str_copy(t->arena, words->mailer),
        .host = str_copy(t->arena, words->host),
        .rewritten = str_copy(t->arena, words->address),
    };
    return r;
}

/* What is judged at RCPT today holds for all recipients, and is found once. */
static void judge_recipient(struct transaction *t)
{
    set_early_patience(t, POINT_RCPT);
    pipeline_rcpt(t->pipeline);
    transaction_decide(t, POINT_RCPT, &t->judgement);
    t->judged = t->judgement.action >= ACTION_TEMPFAIL || t->evidence.spf.mail_from.checked;
}

/* The log names the first one of a message: its own line comes at its end, if other recipients are
 * left, or when it is given up. */
static const struct verdict *refuse_recipient(struct transaction *t, struct recipient *r)
{
    const struct verdict *v = &t->verdict;
    struct arena *a = t->arena;
    if (!t->refused_alone++)
        log_info("%.*s: RCPT <%.*s> is refused, as others will be: %.*s %.*s %.*s",
                 STR_ARG(telling_id(&t->message)),
                 STR_ARG(str_safe(a, r->address, RECIPIENT_SHOWN, false)), STR_ARG(v->code),
                 STR_ARG(v->enhanced), STR_ARG(v->text));
    r->refused = true;
    t->point = POINT_RCPT;
    return v;
}

/* By what holds for this recipient alone. */
static const struct verdict *judge_alone(struct transaction *t, struct recipient *r)
{
    if (!r)
        return NULL;
    policy_decide_recipient(t->snapshot->conf, t->session, &t->message, &t->evidence, r->address,
                            t->arena, &t->verdict);
    return t->verdict.action >= ACTION_TEMPFAIL ? refuse_recipient(t, r) : NULL;
}

const struct verdict *dialogue_rcpt(struct dialogue *d, const struct recipient_words *words)
{
    struct transaction *t = d->transaction;
    bool all_refused = t->judged && t->judgement.action >= ACTION_TEMPFAIL;
    if (!all_refused && is_one_too_many(t))
        return refuse_one_too_many(d);
    struct recipient *r = take_recipient(t, words);
    bool first = !t->judged;
    if (first)
        judge_recipient(t);
    if (t->judgement.action < ACTION_TEMPFAIL)
        return judge_alone(t, r);
    if (r)
        r->refused = true;
    if (first) { /* told once */
        t->point = POINT_RCPT;
        t->verdict = t->judgement;
        transaction_tell(d, t);
    }
    return &t->judgement;
}

const struct verdict *dialogue_data(struct dialogue *d)
{
    set_early_patience(d->transaction, POINT_DATA);
    pipeline_data(d->transaction->pipeline);
    return answer_early(d->transaction, POINT_DATA);
}

void dialogue_judge_envelope(struct dialogue *d, enum policy_point point)
{
    struct transaction *t = d->transaction;
    int64_t left = t->snapshot->conf->dns_deadline * 1000 - t->asker.waited_us;
    t->asker.may_pend = false;
    t->asker.patience_us = left > 0 ? left : 0;
    pipeline_data(t->pipeline);
    transaction_decide(t, POINT_DATA, &t->verdict);
    const struct telling telling = transaction_telling(t);
    edits_plan(&telling, &t->edits);
    t->point = point;
}

void dialogue_queue_id(struct dialogue *d, struct str queue_id)
{
    struct transaction *t = d->transaction;
    if (!t->message.queue_id.n)
        t->message.queue_id = str_copy(t->arena, queue_id);
}
