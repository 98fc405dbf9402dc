/* policyservice.c - requests of a policy client as a dialogue, its verdict as an action.
 *
 * Postfix asks once for each recipient, and perhaps at DATA; "instance" is the same in all requests
 * of a message. The first answer holds for all of them, but for recipients that have an exception
 * of their own, and header fields are prepended once: one with each answer, as the protocol has it.
 * "policy_context" may name the checks that a request is for.
 *
 * Errors: trouble of our own is DUNNO, and never silence, which would delay mail. */
#include "milter/daemon/policyservice.h"

#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "core/gate.h"
#include "milter/daemon/host.h"
#include "milter/daemon/instances.h"
#include "milter/daemon/runtime.h"

struct policy_service {
    struct runtime *runtime;
    struct instances *instances;
};

struct policy_client {
    struct policy_service *service;
    struct serve_connection *connection;
};

/* A request as it is answered. */
struct asking {
    const struct policy_client *client;
    const struct policy_request *words;
    const struct conf *conf;
    enum policy_point point;
    unsigned checks; /* what it is about: a set of enum service_check */
    struct str key;  /* of its message; empty: it has none, and is a message of its own */
    struct instance known;
    struct arena *arena;
};

/* What frees a recipient. */
enum exception { NO_EXCEPTION, EXCEPTION_OF_GREYLISTING, EXCEPTION_OF_ALL };

struct policy_service *policy_service_new(struct runtime *rt)
{
    struct policy_service *service = calloc(1, sizeof *service);
    if (!service)
        abort();
    service->runtime = rt;
    service->instances = instances_new();
    return service;
}

void policy_service_free(struct policy_service *service)
{
    if (!service)
        return;
    instances_free(service->instances);
    free(service);
}

static void *client_opened(void *service, struct serve_connection *c)
{
    struct policy_client *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->service = service;
    p->connection = c;
    return p;
}

static void client_closed(void *state)
{
    free(state);
}

/* --- What is asked -----------------------------------------------------------------------------*/

/* Without its port: a host may ask over any of its connections. */
static struct str host_of(struct serve_connection *c)
{
    struct str peer = str_of(serve_peer(c));
    return str_sub(peer, 0, str_find_last(peer, ':'));
}

/* Exim tells no instance by itself: then every request is a message of its own. Those of several
 * hosts may be the same. */
static struct str key_of(const struct policy_client *p, const struct policy_request *r,
                         struct arena *a)
{
    if (!r->instance.n)
        return STR("");
    return str_printf(a, "%.*s %.*s", STR_ARG(host_of(p->connection)), STR_ARG(r->instance));
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

/* The words may stand with anything between them: Postfix takes blanks and commas for itself.
 * Words that are not ours are ignored. */
static unsigned checks_of(const struct conf *conf, struct str context)
{
    unsigned named = 0;
    for (size_t at = 0, end; at < context.n; at = end + 1) {
        for (end = at; end < context.n && is_letter(context.p[end]);)
            end++;
        named |= conf_service_check(str_sub(context, at, end));
    }
    return conf->policy_check_set & (named ? named : conf->policy_check_set);
}

static enum exception exception_of(const struct asking *q, struct str recipient)
{
    if (!recipient.n)
        return NO_EXCEPTION;
    if (conf_has_address(&q->conf->exceptions_recipients, q->arena, recipient))
        return EXCEPTION_OF_ALL;
    return gate_is_responsible(recipient) ? EXCEPTION_OF_GREYLISTING : NO_EXCEPTION;
}

/* --- The dialogue ------------------------------------------------------------------------------*/

static void tell_of_wait(void *connection, bool begins)
{
    serve_waits(connection, begins);
}

static void say_client(struct dialogue *d, const struct policy_request *r)
{
    struct client_words words = {.smtp = true};
    bool named = r->client_name.n && !str_eq(r->client_name, STR("unknown"));
    netaddr_parse(r->client_address, &words.address);
    words.name =
        named ? r->client_name : str_printf(d->facts.arena, "[%.*s]", STR_ARG(r->client_address));
    dialogue_connect(d, &words, 1);
    dialogue_helo(d, r->helo_name);
}

static void say_recipient(struct dialogue *d, struct str address)
{
    const struct recipient_words recipient = {
        .path = str_printf(d->facts.arena, "<%.*s>", STR_ARG(address))};
    if (address.n)
        dialogue_rcpt(d, &recipient);
}

/* At DATA none is told if there are several: of those that were seen before, the one counts that
 * frees the message. */
static void say_recipients(struct dialogue *d, const struct asking *q)
{
    say_recipient(d, q->words->recipient);
    if (q->point == POINT_DATA && !str_eq(q->words->recipient, q->known.spared))
        say_recipient(d, q->known.spared);
}

/* False: no message can begin now. */
static bool say_envelope(struct dialogue *d, const struct asking *q)
{
    const struct policy_request *r = q->words;
    struct arena *a = d->facts.arena;
    const struct envelope_words envelope = {
        .from = str_printf(a, "<%.*s>", STR_ARG(r->sender)),
        .queue_id = r->queue_id,
        .auth_type = r->sasl_method,
        .auth_user = r->sasl_username,
        .certificate = {.version = STR("Postfix "), .subject = r->ccert_subject},
    };
    dialogue_mail(d, &envelope);
    if (d->transaction)
        say_recipients(d, q);
    return d->transaction;
}

/* --- Actions -----------------------------------------------------------------------------------*/

static struct str action_of(const struct verdict *v, struct arena *a)
{
    if (v->action == ACTION_QUARANTINE)
        return str_printf(a, "HOLD %.*s", STR_ARG(v->text));
    if (v->action >= ACTION_TEMPFAIL)
        return str_printf(a, "%.*s %.*s %.*s", STR_ARG(v->code), STR_ARG(v->enhanced),
                          STR_ARG(v->text));
    return STR_NONE;
}

/* On one line: Postfix folds it again. */
static struct str field_line(const struct edit *e, struct arena *a)
{
    struct str line = str_printf(a, "%.*s:%.*s", STR_ARG(e->name), STR_ARG(e->value));
    char *text = str_cstr(a, line);
    size_t n = 0;
    for (size_t i = 0; i < line.n; i++)
        if (text[i] != '\n' && text[i] != '\r')
            text[n++] = text[i] == '\t' ? ' ' : text[i];
    return (struct str){text, n};
}

/* Fields that make sense without the message: an Authentication-Results of half the truth is none.
 */
static void keep_fields(struct asking *q, const struct edit_list *edits)
{
    static const struct str names[INSTANCE_FIELDS_MAX] = {STR_INIT("Received-SPF"),
                                                          STR_INIT("X-Assay-Gate")};
    struct instance *known = &q->known;
    for (size_t i = 0; i < edits->n; i++) {
        const struct edit *e = &edits->v[i];
        for (size_t k = 0; k < INSTANCE_FIELDS_MAX; k++) {
            if (e->kind != EDIT_INSERT || !str_eq(e->name, names[k]) || known->told & 1U << k)
                continue;
            known->told |= 1U << k;
            known->fields[known->n_fields++] = field_line(e, q->arena);
        }
    }
}

/* Of a message that is not refused. */
static struct str next_field(struct asking *q)
{
    struct instance *known = &q->known;
    if (!known->n_fields)
        return STR("DUNNO");
    struct str action = str_printf(q->arena, "PREPEND %.*s", STR_ARG(known->fields[0]));
    memmove(known->fields, known->fields + 1, --known->n_fields * sizeof *known->fields);
    return action;
}

/* --- Judging -----------------------------------------------------------------------------------*/

/* The action that refuses the message, or STR_NONE. */
static struct str judge_request(struct asking *q, unsigned checks)
{
    const struct session_peer peer = {.context = q->client->connection, .waits = tell_of_wait};
    struct dialogue *d = dialogue_new(runtime_host(q->client->service->runtime), &peer);
    struct str refusal = STR_NONE;
    d->checks = checks;
    say_client(d, q->words);
    if (say_envelope(d, q)) {
        struct transaction *t = d->transaction;
        dialogue_judge_envelope(d, q->point);
        refusal = action_of(&t->verdict, q->arena);
        if (!refusal.n)
            keep_fields(q, &t->edits);
        if (t->message.origin == ORIGIN_INBOUND)
            dialogue_answered(d);
    }
    dialogue_free(d);
    return refusal;
}

/* A recipient with an exception of its own. Its answer holds for no other recipient. */
static struct str answer_exception(struct asking *q, enum exception exception)
{
    struct instance *known = &q->known;
    bool passed = !(q->checks & ~known->judged) && !(q->checks & known->refused);
    struct str refusal = passed ? STR_NONE : judge_request(q, q->checks);
    if (refusal.n)
        return refusal;
    if (!known->spared.n || exception == EXCEPTION_OF_ALL)
        known->spared = q->words->recipient;
    return next_field(q);
}

/* Recipients beside an accepted one are not greylisted: not all senders come again for some
 * recipients alone. */
static void free_of_greylisting(struct asking *q)
{
    if (q->known.spared.n && q->point == POINT_RCPT)
        q->known.judged |= q->checks & SERVICE_GREYLIST;
}

/* A refusal at RCPT was for recipients that are not there any more at DATA. */
static bool holds(const struct asking *q)
{
    return (q->checks & q->known.refused) && (q->point == POINT_RCPT || q->known.at_data);
}

static struct str answer_all(struct asking *q)
{
    struct instance *known = &q->known;
    free_of_greylisting(q);
    unsigned rest = q->checks & ~known->judged;
    if (holds(q))
        return known->action;
    if (!rest)
        return next_field(q);
    struct str refusal = judge_request(q, rest);
    known->judged |= rest;
    if (!refusal.n)
        return next_field(q);
    known->refused = rest;
    known->at_data = q->point == POINT_DATA;
    known->action = refusal;
    return refusal;
}

static struct str answer(struct asking *q)
{
    enum exception exception = exception_of(q, q->words->recipient);
    struct instances *instances = q->client->service->instances;
    if (q->key.n)
        instances_recall(instances, q->key, q->arena, &q->known);
    struct str action = exception ? answer_exception(q, exception) : answer_all(q);
    if (q->key.n)
        instances_keep(instances, q->key, &q->known);
    return action;
}

static struct str client_asked(void *state, const struct policy_request *r, struct arena *a)
{
    const struct policy_client *p = state;
    bool rcpt = str_eq(r->protocol_state, STR("RCPT"));
    bool data = str_eq(r->protocol_state, STR("DATA"));
    counter_inc(CTR_POLICY_REQUESTS);
    if ((!rcpt && !data) || !str_eq(r->request, STR("smtpd_access_policy")))
        return STR("DUNNO");
    struct snapshot *s = snapshot_take(p->service->runtime);
    struct asking q = {
        .client = p,
        .words = r,
        .conf = s->conf,
        .point = data ? POINT_DATA : POINT_RCPT,
        .checks = checks_of(s->conf, r->policy_context),
        .key = key_of(p, r, a),
        .arena = a,
    };
    struct str action = q.checks ? answer(&q) : STR("DUNNO");
    snapshot_release(s);
    return action;
}

const struct policy_events policy_events = {
    .opened = client_opened,
    .asked = client_asked,
    .closed = client_closed,
};
