/* dkim_sign.c - signs mail of ours with every key that is configured for its author domain.
 *
 * Errors: why a message was not signed stands in the evidence; mail of ours is never refused for
 * it. */
#include "core/stage.h"

struct state {
    struct dkim_sign_settings settings;
    struct dkim_signer *signer;
};

static struct str why_not(const struct message *m, const struct from_parsed *from)
{
    if (m->over_limit)
        return STR("the header exceeds our limits");
    if (from->status != FROM_OK)
        return from->problem;
    if (from->n > 1)
        return STR("From has several authors");
    if (!from->mailboxes[0].domain_ok)
        return STR("From has no domain name");
    return STR_NONE;
}

/* Settings of the operator, lists included, as lib/dkim wants them. */
static void fill_settings(const struct conf *conf, const struct message *m,
                          struct dkim_sign_settings *s)
{
    *s = (struct dkim_sign_settings){
        .header_canon = conf->header_canonicalization,
        .body_canon = conf->body_canonicalization,
        .now = m->now,
        .lifetime_s = conf->signature_lifetime / 1000,
    };
    if (conf->sign_headers.set) {
        s->sign_headers = conf->sign_headers.v;
        s->n_sign_headers = conf->sign_headers.n;
    }
    if (conf->oversign_headers.set) {
        s->oversign_headers = conf->oversign_headers.v;
        s->n_oversign_headers = conf->oversign_headers.n;
    }
}

static void eoh(struct stage_run *run)
{
    struct evidence_signing *signing = &run->evidence->signing;
    const struct message *m = run->message;
    struct from_parsed from;
    signing->tried = true;
    from_parse(m->arena, &m->headers, &from);
    signing->why = why_not(m, &from);
    if (signing->why.n)
        return;
    struct str domain = from.mailboxes[0].domain;
    const struct key_set *set = run->signing_keys;
    signing->n = set ? set->find(set, &from.mailboxes[0], m->arena, &signing->keys) : 0;
    if (!signing->n) {
        signing->why = str_printf(m->arena, "no key for %.*s", STR_ARG(domain));
        return;
    }
    signing->why = m->origin_why;
    struct state *state = arena_make(m->arena, struct state);
    fill_settings(run->conf, m, &state->settings);
    state->signer =
        dkim_signer_new(m->arena, &state->settings, &m->headers, signing->keys, signing->n);
    run->state = state;
}

static bool wants_body(const struct stage_run *run)
{
    return run->state != NULL;
}

static void body(struct stage_run *run, const void *data, size_t n)
{
    struct state *state = run->state;
    dkim_signer_body(state->signer, data, n);
}

static void eom(struct stage_run *run)
{
    struct evidence_signing *signing = &run->evidence->signing;
    struct state *state = run->state;
    if (!state)
        return;
    struct str *values = arena_array(run->message->arena, struct str, signing->n);
    if (dkim_signer_finish(state->signer, values, &signing->problem))
        signing->values = values;
    else
        signing->n = 0;
}

const struct stage stage_dkim_sign = {
    .name = "dkim-sign",
    .eoh = eoh,
    .body = body,
    .eom = eom,
    .wants_body = wants_body,
};
