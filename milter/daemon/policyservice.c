/* policyservice.c - requests of a policy client as a dialogue, its verdict as an action.
 *
 * Postfix asks once for each recipient, and perhaps at DATA; "instance" is the same in all requests
 * of a message. The first answer holds for all of them, but for recipients that the exceptions
 * name, and header fields are prepended once: one with each answer, as the protocol has it.
 *
 * Errors: trouble of our own is DUNNO, and never silence, which would delay mail. */
#include "milter/daemon/policyservice.h"

#include <stdlib.h>
#include <string.h>

#include "base/counters.h"
#include "milter/daemon/host.h"
#include "milter/daemon/runtime.h"

#define INSTANCE_MAX 128
#define FIELDS_MAX   2

struct policy_client {
    struct runtime *runtime;
    struct serve_connection *connection;
    char instance[INSTANCE_MAX]; /* of the message that was asked about last; empty: none */
    bool judged;                 /* what follows holds for its recipients */
    struct arena *arena;         /* for these: */
    struct str refusal;          /* the action, if it was refused; else absent */
    bool has_fields;             /* they are known, and may have been told */
    size_t n_fields;
    struct str fields[FIELDS_MAX]; /* "Name: value", to be prepended yet */
};

static void *client_opened(void *runtime, struct serve_connection *c)
{
    struct policy_client *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->runtime = runtime;
    p->connection = c;
    p->arena = arena_new(0);
    return p;
}

static void client_closed(void *state)
{
    struct policy_client *p = state;
    arena_free(p->arena);
    free(p);
}

/* --- Which message it is -----------------------------------------------------------------------*/

/* Exim tells no instance: every request is a message of its own. */
static bool is_known(const struct policy_client *p, const struct policy_request *r)
{
    return r->instance.n && str_eq(r->instance, str_of(p->instance));
}

static void begin_instance(struct policy_client *p, const struct policy_request *r)
{
    size_t n = r->instance.n < INSTANCE_MAX ? r->instance.n : 0;
    memcpy(p->instance, n ? r->instance.p : "", n);
    p->instance[n] = '\0';
    arena_reset(p->arena);
    p->refusal = STR_NONE;
    p->judged = p->has_fields = false;
    p->n_fields = 0;
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

/* False: no message can begin now. */
static bool say_envelope(struct dialogue *d, const struct policy_request *r)
{
    struct arena *a = d->facts.arena;
    const struct envelope_words envelope = {
        .from = str_printf(a, "<%.*s>", STR_ARG(r->sender)),
        .queue_id = r->queue_id,
        .auth_type = r->sasl_method,
        .auth_user = r->sasl_username,
        .certificate = {.version = STR("Postfix"), .subject = r->ccert_subject},
    };
    const struct recipient_words recipient = {.path =
                                                  str_printf(a, "<%.*s>", STR_ARG(r->recipient))};
    dialogue_mail(d, &envelope);
    if (d->transaction && r->recipient.n) /* at DATA there is none if there are several */
        dialogue_rcpt(d, &recipient);
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
static void keep_fields(struct policy_client *p, const struct edit_list *edits)
{
    for (size_t i = 0; !p->has_fields && i < edits->n && p->n_fields < FIELDS_MAX; i++) {
        const struct edit *e = &edits->v[i];
        if (e->kind == EDIT_INSERT &&
            (str_eq(e->name, STR("Received-SPF")) || str_eq(e->name, STR("X-Assay-Gate"))))
            p->fields[p->n_fields++] = field_line(e, p->arena);
    }
    p->has_fields = true;
}

/* Of a message that is not refused. */
static struct str next_field(struct policy_client *p, struct arena *a)
{
    if (!p->n_fields)
        return STR("DUNNO");
    struct str action = str_printf(a, "PREPEND %.*s", STR_ARG(p->fields[0]));
    memmove(p->fields, p->fields + 1, --p->n_fields * sizeof *p->fields);
    return action;
}

/* --- Judging -----------------------------------------------------------------------------------*/

/* The action that refuses the message, in `a`, or STR_NONE. *is_free: the exceptions name this
 * recipient, so the others have to be judged without it. */
static struct str judge(struct policy_client *p, const struct policy_request *r,
                        enum policy_point point, struct arena *a, bool *is_free)
{
    const struct session_peer peer = {.context = p->connection, .waits = tell_of_wait};
    struct dialogue *d = dialogue_new(runtime_host(p->runtime), &peer);
    struct str refusal = STR_NONE;
    d->policy_service = true;
    say_client(d, r);
    if (say_envelope(d, r)) {
        struct transaction *t = d->transaction;
        *is_free =
            conf_has_address(&t->snapshot->conf->exceptions_recipients, t->arena, r->recipient);
        dialogue_judge_envelope(d, point);
        refusal = action_of(&t->verdict, a);
        if (!refusal.n)
            keep_fields(p, &t->edits);
        if (t->message.origin == ORIGIN_INBOUND)
            dialogue_answered(d);
    }
    dialogue_free(d);
    return refusal;
}

static struct str answer(struct policy_client *p, const struct policy_request *r,
                         enum policy_point point, struct arena *a)
{
    bool is_free = false;
    struct str refusal = judge(p, r, point, a, &is_free);
    p->judged = r->instance.n && !is_free;
    if (p->judged)
        p->refusal = str_copy(p->arena, refusal);
    return refusal.n ? refusal : next_field(p, a);
}

static bool names_exception(const struct policy_client *p, struct str recipient, struct arena *a)
{
    struct snapshot *s = snapshot_take(p->runtime);
    bool found = recipient.n && conf_has_address(&s->conf->exceptions_recipients, a, recipient);
    snapshot_release(s);
    return found;
}

/* A refusal holds for all recipients but those of the exceptions, which are judged by themselves.
 */
static struct str client_asked(void *state, const struct policy_request *r, struct arena *a)
{
    struct policy_client *p = state;
    bool rcpt = str_eq(r->protocol_state, STR("RCPT"));
    bool data = str_eq(r->protocol_state, STR("DATA"));
    counter_inc(CTR_POLICY_REQUESTS);
    if ((!rcpt && !data) || !str_eq(r->request, STR("smtpd_access_policy")))
        return STR("DUNNO");
    if (!is_known(p, r))
        begin_instance(p, r);
    if (p->judged && !p->refusal.n)
        return next_field(p, a);
    if (p->judged && !names_exception(p, r->recipient, a))
        return str_copy(a, p->refusal);
    if (p->judged) {
        bool is_free = false;
        struct str refusal = judge(p, r, data ? POINT_DATA : POINT_RCPT, a, &is_free);
        return refusal.n ? refusal : next_field(p, a);
    }
    return answer(p, r, data ? POINT_DATA : POINT_RCPT, a);
}

const struct policy_events policy_events = {
    .opened = client_opened,
    .asked = client_asked,
    .closed = client_closed,
};
