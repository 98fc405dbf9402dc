/* dkim_verify_tell.c - how the results of DKIM are told.
 *
 * Errors: none. */
#include "base/counters.h"
#include "core/stage.h"
#include "mail/domain.h"

#define NAMED_MAX 5 /* signatures in the log line; the rest is counted */

static struct str key_comment(const struct dkim_signature *s, struct arena *a)
{
    if (!s->key_bits)
        return STR_NONE;
    return str_printf(a, "%u-bit %s%s%s", s->key_bits,
                      s->key_type == KEY_ED25519 ? "ed25519" : "rsa",
                      s->security == DNS_SECURE ? ", dnssec" : "", s->testing ? ", testing" : "");
}

static void dkim_verify_header(const struct telling *t, struct authres *w)
{
    const struct evidence_dkim *dkim = &t->evidence->dkim;
    if (!dkim->checked)
        return;
    if (!dkim->n)
        authres_result(w, STR("dkim"), STR("none"), STR_NONE);
    for (size_t i = 0; i < dkim->n; i++) {
        const struct dkim_signature *s = &dkim->signatures[i];
        authres_result(w, STR("dkim"), str_of(dkim_result_name(s->result)),
                       key_comment(s, t->arena));
        if (s->reason.n)
            authres_reason(w, s->reason);
        authres_known_property(w, "header.d", s->domain);
        authres_known_property(w, "header.i", s->identity);
        authres_known_property(w, "header.s", s->selector);
        authres_known_property(w, "header.a", s->algorithm);
        authres_known_property(w, "header.b", s->b_start);
    }
}

static void dkim_verify_log(const struct telling *t, struct strbuf *b)
{
    const struct evidence_dkim *dkim = &t->evidence->dkim;
    if (!dkim->checked)
        return;
    if (!dkim->n)
        sb_add(b, STR(" dkim=none"));
    for (size_t i = 0; i < dkim->n && i < NAMED_MAX; i++) {
        const struct dkim_signature *s = &dkim->signatures[i];
        sb_printf(b, "%s%s", i ? "," : " dkim=", dkim_result_name(s->result));
        if (s->domain.n)
            sb_printf(b, "(%.*s/%.*s)", STR_ARG(telling_word(b->arena, s->domain)),
                      STR_ARG(telling_word(b->arena, s->selector)));
    }
    size_t unnamed = dkim->skipped + (dkim->n > NAMED_MAX ? dkim->n - NAMED_MAX : 0);
    if (unnamed)
        sb_printf(b, ",+%zu", unnamed);
}

static void dkim_verify_json(const struct telling *t, struct json *j)
{
    const struct evidence_dkim *e = &t->evidence->dkim;
    json_array(j, "dkim");
    for (size_t i = 0; i < e->n; i++) {
        const struct dkim_signature *s = &e->signatures[i];
        const struct told_body body = t->bodies ? t->bodies[i] : (struct told_body){0};
        json_object(j, NULL);
        telling_signature_json(j, s);
        json_text_or_null(j, "identity", s->identity);
        json_bool(j, "testing", s->testing);
        json_text_or_null(j, "canonicalization", body.canonicalization);
        json_text_or_null(j, "body_change", body.change);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void body_text(const struct told_body *body, struct strbuf *b)
{
    if (body->differs)
        sb_printf(b, "           the body was signed with c=%.*s; %.*s\n",
                  STR_ARG(body->canonicalization),
                  STR_ARG(body->change.n ? body->change
                                         : STR("no footer, transfer encoding, quoting or white "
                                               "space explains the difference")));
}

static void signature_text(const struct dkim_signature *s, struct strbuf *b)
{
    struct arena *a = b->arena;
    sb_printf(b, "  DKIM     %s d=%.*s s=%.*s %.*s", dkim_result_name(s->result),
              STR_ARG(str_safe(a, s->domain, DOMAIN_MAX, true)),
              STR_ARG(str_safe(a, s->selector, DOMAIN_MAX, true)),
              STR_ARG(str_safe(a, s->algorithm, 40, true)));
    if (s->key_bits)
        sb_printf(b, ", key of %u bits%s", s->key_bits, s->testing ? " in testing mode" : "");
    if (s->reason.n)
        sb_printf(b, ": %.*s", STR_ARG(s->reason));
    sb_addc(b, '\n');
}

static void dkim_verify_text(const struct telling *t, struct strbuf *b)
{
    const struct evidence_dkim *e = &t->evidence->dkim;
    if (e->checked && !e->n)
        sb_add(b, STR("  DKIM     no signature\n"));
    for (size_t i = 0; i < e->n; i++) {
        signature_text(&e->signatures[i], b);
        if (t->bodies)
            body_text(&t->bodies[i], b);
    }
    if (e->skipped)
        sb_printf(b, "           %zu older signatures were not evaluated (dkim.max-signatures)\n",
                  e->skipped);
}

static void dkim_verify_count(const struct telling *t)
{
    static const enum counter counters[] = {
        [DKIM_NONE] = CTR_DKIM_NONE,           [DKIM_PASS] = CTR_DKIM_PASS,
        [DKIM_FAIL] = CTR_DKIM_FAIL,           [DKIM_POLICY] = CTR_DKIM_POLICY,
        [DKIM_NEUTRAL] = CTR_DKIM_NEUTRAL,     [DKIM_TEMPERROR] = CTR_DKIM_TEMPERROR,
        [DKIM_PERMERROR] = CTR_DKIM_PERMERROR,
    };
    const struct evidence_dkim *e = &t->evidence->dkim;
    if (e->checked && !e->n)
        counter_inc(CTR_DKIM_NONE);
    for (size_t i = 0; i < e->n; i++)
        counter_inc(counters[e->signatures[i].result]);
    counter_add(CTR_DKIM_SIGNATURES_SKIPPED, e->skipped);
}

const struct stage_telling telling_dkim_verify = {.header = dkim_verify_header,
                                                  .log = dkim_verify_log,
                                                  .json = dkim_verify_json,
                                                  .text = dkim_verify_text,
                                                  .count = dkim_verify_count};
