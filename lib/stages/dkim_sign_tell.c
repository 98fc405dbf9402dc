/* dkim_sign_tell.c - how the results of signing are told.
 *
 * Errors: none. */
#include "base/counters.h"
#include "core/stage.h"

/* Why the signatures may not hold on the way. */
static void add_risks(struct strbuf *b, unsigned risks)
{
    const char *before = " risk=";
    for (unsigned risk = 1; risk <= risks; risk *= 2) {
        if (!(risks & risk))
            continue;
        sb_printf(b, "%s%s", before, dkim_risk_name(risk));
        before = ",";
    }
}

static void dkim_sign_log(const struct telling *t, struct strbuf *b)
{
    const struct evidence_signing *signing = &t->evidence->signing;
    if (!signing->tried)
        return;
    if (signing->problem.n) {
        sb_printf(b, " signing-failed=\"%.*s\"",
                  STR_ARG(telling_quoted(b->arena, signing->problem)));
        return;
    }
    if (!signing->n) {
        sb_printf(b, " not-signed=\"%.*s\"", STR_ARG(telling_quoted(b->arena, signing->why)));
        return;
    }
    for (size_t i = 0; i < signing->n; i++)
        sb_printf(b, "%s%.*s/%.*s", i ? "," : " signed=", STR_ARG(signing->keys[i].domain),
                  STR_ARG(signing->keys[i].selector));
    sb_printf(b, " because=\"%.*s\"", STR_ARG(telling_quoted(b->arena, signing->why)));
    add_risks(b, signing->risks);
}

static void dkim_sign_json(const struct telling *t, struct json *j)
{
    const struct evidence_signing *e = &t->evidence->signing;
    json_array(j, "signed_with");
    for (size_t i = 0; i < e->n; i++) {
        json_object(j, NULL);
        json_text(j, "domain", e->keys[i].domain);
        json_text(j, "selector", e->keys[i].selector);
        json_end(j, '}');
    }
    json_end(j, ']');
    json_text_or_null(j, "signing_reason", e->problem.n ? e->problem : e->why);
    json_array(j, "signing_risks");
    for (unsigned risk = 1; e->n && risk <= e->risks; risk *= 2)
        if (e->risks & risk)
            json_text(j, NULL, str_of(dkim_risk_name(risk)));
    json_end(j, ']');
}

static void dkim_sign_text(const struct telling *t, struct strbuf *b)
{
    const struct evidence_signing *e = &t->evidence->signing;
    if (!e->tried)
        return;
    if (e->problem.n || !e->n)
        sb_printf(b, "  signing  not signed: %.*s\n", STR_ARG(e->problem.n ? e->problem : e->why));
    for (size_t i = 0; i < e->n; i++)
        sb_printf(b, "  signing  d=%.*s s=%.*s: %.*s\n", STR_ARG(e->keys[i].domain),
                  STR_ARG(e->keys[i].selector), STR_ARG(e->why));
    for (unsigned risk = 1; e->n && risk <= e->risks; risk *= 2)
        if (e->risks & risk)
            sb_printf(b, "  signing  risk: %s\n", dkim_risk_name(risk));
}

static void dkim_sign_edits(const struct telling *t, struct edit_list *out)
{
    const struct evidence_signing *signing = &t->evidence->signing;
    if (!signing->values || !signing->n)
        return;
    for (size_t i = 0; i < signing->n_rewritten; i++)
        edit_push(out, t->arena,
                  (struct edit){.kind = EDIT_CHANGE,
                                .ordinal = signing->rewritten[i].ordinal,
                                .name = signing->rewritten[i].name,
                                .value = signing->rewritten[i].value});
    /* The first key's signature ends on top. */
    for (size_t i = signing->n; i-- > 0;)
        edit_push(out, t->arena,
                  (struct edit){.kind = EDIT_INSERT,
                                .name = STR("DKIM-Signature"),
                                .value = signing->values[i]});
}

static void dkim_sign_count(const struct telling *t)
{
    const struct evidence_signing *signing = &t->evidence->signing;
    if (!signing->tried)
        return;
    if (signing->problem.n)
        counter_inc(CTR_SIGN_FAILED);
    else if (signing->n)
        counter_inc(CTR_SIGNED);
    else if (t->message->origin == ORIGIN_OURS) /* others need not be */
        counter_inc(CTR_NOT_SIGNED);
    if (signing->mismatch)
        counter_inc(CTR_SENDER_MISMATCH);
}

const struct stage_telling telling_dkim_sign = {.log = dkim_sign_log,
                                                .json = dkim_sign_json,
                                                .text = dkim_sign_text,
                                                .count = dkim_sign_count,
                                                .edits = dkim_sign_edits};
