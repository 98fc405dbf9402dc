/* arc_tell.c - how the results of ARC are told.
 *
 * Errors: none. */
#include "base/counters.h"
#include "core/stage.h"
#include "mail/domain.h"

/* The sealer of the newest set, or STR_NONE. */
static struct str newest_sealer(const struct arc_outcome *o)
{
    return o->n && o->sets[o->n - 1].has_seal ? o->sets[o->n - 1].seal->domain : STR_NONE;
}

static void arc_header(const struct telling *t, struct authres *w)
{
    const struct evidence_arc *e = &t->evidence->arc;
    const struct arc_outcome *o = &e->outcome;
    const struct netaddr *client = &t->session->client;
    char address[NETADDR_TEXT];
    if (!e->checked)
        return;
    if (t->message->origin == ORIGIN_FORWARDED)
        client = &t->message->entry_client;
    struct str sealer = newest_sealer(o);
    authres_result(w, STR("arc"), str_of(arc_result_name(e->result)),
                   sealer.n ? str_printf(t->arena, "i=%u %.*s", o->n, STR_ARG(sealer)) : STR_NONE);
    if (e->reason.n)
        authres_reason(w, e->reason);
    /* Of mail without a chain only readers of our seal need to know where it came from. */
    if (client->family && (e->result != ARC_NONE || w->bare))
        authres_property(w, "smtp.remote-ip", str_of(netaddr_format(client, address)));
    if (o->has_oldest_pass)
        authres_property(w, "header.oldest-pass", str_printf(t->arena, "%u", o->oldest_pass));
}

static void log_seal(const struct evidence_seal *seal, struct strbuf *b)
{
    if (!seal->tried)
        return;
    if (seal->problem.n)
        sb_printf(b, " sealing-failed=\"%.*s\"", STR_ARG(telling_quoted(b->arena, seal->problem)));
    else if (!seal->instance)
        sb_printf(b, " not-sealed=\"%.*s\"", STR_ARG(telling_quoted(b->arena, seal->why)));
    else
        sb_printf(b, " sealed=%u/%.*s/%.*s cv=%s", seal->instance, STR_ARG(seal->domain),
                  STR_ARG(seal->selector), arc_cv_name(seal->cv));
}

static void arc_log(const struct telling *t, struct strbuf *b)
{
    const struct evidence_arc *e = &t->evidence->arc;
    if (e->checked && e->result != ARC_NONE) {
        struct str sealer = telling_word(b->arena, newest_sealer(&e->outcome));
        sb_printf(b, " arc=%s", arc_result_name(e->result));
        if (sealer.n)
            sb_printf(b, "(%u/%.*s)", e->outcome.n, STR_ARG(sealer));
    }
    log_seal(&e->seal, b);
}

/* --- For programs ------------------------------------------------------------------------------*/

static void signature_json(struct json *j, const char *name, const struct dkim_signature *s)
{
    if (!s) {
        json_text(j, name, STR_NONE);
        return;
    }
    json_object(j, name);
    telling_signature_json(j, s);
    json_end(j, '}');
}

static void sets_json(struct json *j, const struct evidence_arc *e)
{
    json_array(j, "sets");
    for (unsigned i = 0; i < e->outcome.n; i++) {
        const struct arc_set *set = &e->outcome.sets[i];
        json_object(j, NULL);
        json_number(j, "instance", set->instance);
        json_text(j, "cv", set->has_seal ? str_of(arc_cv_name(set->cv)) : STR_NONE);
        json_bool(j, "trusted", e->trusted && e->trusted[i]);
        json_text_or_null(j, "results",
                          str_trim(str_safe(j->out.arena, header_unfold(j->out.arena, set->results),
                                            1000, true)));
        signature_json(j, "message_signature", set->message);
        signature_json(j, "seal", set->seal);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void seal_json(struct json *j, const struct evidence_seal *seal)
{
    if (!seal->tried) {
        json_text(j, "sealed", STR_NONE);
        return;
    }
    json_object(j, "sealed");
    json_number(j, "instance", seal->instance);
    json_text(j, "cv", seal->instance ? str_of(arc_cv_name(seal->cv)) : STR_NONE);
    json_text_or_null(j, "domain", seal->domain);
    json_text_or_null(j, "selector", seal->selector);
    json_text_or_null(j, "reason", seal->problem.n ? seal->problem : seal->why);
    json_end(j, '}');
}

static void arc_json(const struct telling *t, struct json *j)
{
    const struct evidence_arc *e = &t->evidence->arc;
    if (!e->checked) {
        json_text(j, "arc", STR_NONE);
        return;
    }
    json_object(j, "arc");
    json_text(j, "result", str_of(arc_result_name(e->result)));
    json_text_or_null(j, "reason", e->reason);
    if (e->outcome.has_oldest_pass)
        json_number(j, "oldest_pass", e->outcome.oldest_pass);
    else
        json_text(j, "oldest_pass", STR_NONE);
    sets_json(j, e);
    seal_json(j, &e->seal);
    json_end(j, '}');
}

/* --- For people --------------------------------------------------------------------------------*/

static void signature_text(const char *what, const struct dkim_signature *s, struct strbuf *b)
{
    struct arena *a = b->arena;
    if (!s) {
        sb_printf(b, "             %s: missing\n", what);
        return;
    }
    sb_printf(b, "             %s: %s d=%.*s s=%.*s", what,
              s->result == DKIM_NONE ? "not looked at" : dkim_result_name(s->result),
              STR_ARG(str_safe(a, s->domain, DOMAIN_MAX, true)),
              STR_ARG(str_safe(a, s->selector, DOMAIN_MAX, true)));
    if (s->reason.n)
        sb_printf(b, ": %.*s", STR_ARG(s->reason));
    sb_addc(b, '\n');
}

/* With --explain: each set, what held, what broke, who is trusted. */
static void sets_text(const struct evidence_arc *e, struct strbuf *b)
{
    struct arena *a = b->arena;
    for (unsigned i = e->outcome.n; i > 0; i--) {
        const struct arc_set *set = &e->outcome.sets[i - 1];
        sb_printf(b, "           set %u, cv=%s", i,
                  set->has_seal ? arc_cv_name(set->cv) : "unknown");
        if (set->has_seal)
            sb_printf(b, ", sealed by %.*s, %s",
                      STR_ARG(str_safe(a, set->seal->domain, DOMAIN_MAX, true)),
                      e->trusted && e->trusted[i - 1] ? "trusted" : "not trusted");
        sb_addc(b, '\n');
        signature_text("seal", set->seal, b);
        signature_text("message", set->message, b);
        struct str results = header_unfold(a, set->results);
        sb_printf(
            b, "             results: %.*s\n",
            STR_ARG(set->has_results ? str_trim(str_safe(a, results, 400, true)) : STR("missing")));
    }
}

static void seal_text(const struct evidence_seal *seal, struct strbuf *b)
{
    if (!seal->tried)
        return;
    if (seal->problem.n || !seal->instance)
        sb_printf(b, "  sealing  not sealed: %.*s\n",
                  STR_ARG(seal->problem.n ? seal->problem : seal->why));
    else
        sb_printf(b, "  sealing  set %u, cv=%s, d=%.*s s=%.*s\n", seal->instance,
                  arc_cv_name(seal->cv), STR_ARG(seal->domain), STR_ARG(seal->selector));
}

static void chain_text(const struct telling *t, struct strbuf *b)
{
    const struct evidence_arc *e = &t->evidence->arc;
    struct str sealer = str_safe(b->arena, newest_sealer(&e->outcome), DOMAIN_MAX, true);
    sb_printf(b, "  ARC      %s", arc_result_name(e->result));
    if (sealer.n)
        sb_printf(b, ": set %u, sealed by %.*s", e->outcome.n, STR_ARG(sealer));
    if (e->reason.n)
        sb_printf(b, ": %.*s", STR_ARG(e->reason));
    else if (e->outcome.has_oldest_pass && e->outcome.oldest_pass)
        sb_printf(b, ", unchanged since set %u", e->outcome.oldest_pass);
    sb_addc(b, '\n');
    if (t->explain)
        sets_text(e, b);
}

static void arc_text(const struct telling *t, struct strbuf *b)
{
    const struct evidence_arc *e = &t->evidence->arc;
    if (!e->checked)
        return;
    if (e->result != ARC_NONE)
        chain_text(t, b);
    seal_text(&e->seal, b);
}

static void arc_count(const struct telling *t)
{
    static const enum counter counters[] = {
        [ARC_NONE] = CTR_ARC_NONE,
        [ARC_PASS] = CTR_ARC_PASS,
        [ARC_FAIL] = CTR_ARC_FAIL,
        [ARC_UNKNOWN] = CTR_ARC_TEMPERROR,
    };
    const struct evidence_arc *e = &t->evidence->arc;
    if (e->checked && t->message->origin == ORIGIN_INBOUND)
        counter_inc(counters[e->result]);
    if (e->seal.instance)
        counter_inc(e->seal.cv == ARC_CV_FAIL ? CTR_ARC_SEALED_FAIL : CTR_ARC_SEALED);
    else if (e->seal.problem.n)
        counter_inc(CTR_ARC_SEAL_FAILED);
}

const struct stage_telling telling_arc = {
    .header = arc_header, .log = arc_log, .json = arc_json, .text = arc_text, .count = arc_count};
