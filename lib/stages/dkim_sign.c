/* dkim_sign.c - signs mail of ours with the keys that are configured for its author.
 *
 * What has to be true of a message is a list of rules, asked in their order (assay.conf(5),
 * SIGNING); the first that is not says why the message is not signed. That the mail is ours, or
 * forwarded, was decided before (core/message.c).
 *
 * Errors: why a message was not signed stands in the evidence; policy alone makes something of it.
 */
#include "conf/senders.h"
#include "core/entry.h"
#include "core/stage.h"

struct state {
    struct from_parsed from;
    struct str because; /* it may be signed */
    struct signing_choice choice;
    struct dkim_sign_settings settings;
    struct dkim_signer *signer;
    struct dkim_verifier *before; /* of our signatures in the message; NULL: there are none */
};

/* The rules: what speaks against signing, or STR_NONE. */

static struct str one_author(struct stage_run *run, struct state *state)
{
    const struct message *m = run->message;
    struct from_parsed *from = &state->from;
    from_parse(m->arena, &m->headers, from);
    if (m->over_limit)
        return STR("the header exceeds our limits");
    if (from->status != FROM_OK && from->status != FROM_UNPARSED)
        return from->problem;
    if (from->doubtful)
        return str_printf(m->arena, "From does not show one author for certain: %.*s",
                          STR_ARG(from->problem));
    if (from->n > 1)
        return STR("From has several authors");
    if (!from->mailboxes[0].domain_ok)
        return STR("From has no domain name");
    return STR_NONE;
}

static struct str may_not_use(const struct message *m, const struct mailbox *author)
{
    struct str user =
        m->auth_user.n ? str_safe(m->arena, m->auth_user, 64, true) : STR("a user without name");
    struct str local = str_safe(m->arena, author->local, 64, true);
    struct str domain = str_safe(m->arena, author->domain, 128, true);
    return str_printf(m->arena, "%.*s may not use %.*s%s%.*s", STR_ARG(user), STR_ARG(local),
                      domain.n ? "@" : "", STR_ARG(domain));
}

/* Of what the user may write in From (senders-must-match). A From that does not name its authors
 * for certain belongs to no user: programs for reading mail may still show an author in it.
 * Of one that does not parse, all addresses count that such programs may find. */
static struct str own_address(struct stage_run *run, struct state *state)
{
    const struct message *m = run->message;
    const struct senders *map = run->conf->senders;
    const struct from_parsed *from = &state->from;
    if (!map || !(m->auth_type.n || m->auth_user.n))
        return STR_NONE;
    run->evidence->signing.mismatch = true;
    if (from->doubtful || (from->status != FROM_OK && from->status != FROM_UNPARSED))
        return STR_NONE; /* one_author() says why */
    for (size_t i = 0; i < from->n; i++)
        if (!senders_allow(map, m->auth_user, &from->mailboxes[i], m->arena))
            return may_not_use(m, &from->mailboxes[i]);
    run->evidence->signing.mismatch = false;
    return STR_NONE;
}

/* Mail of outsiders that passes again: what was found out when it came in has to speak for it. */
static struct str vouched(struct stage_run *run, struct state *state)
{
    const struct message *m = run->message;
    struct str why;
    state->because = m->origin_why;
    if (m->origin != ORIGIN_FORWARDED)
        return STR_NONE;
    if (!entry_vouches(run->conf, m, state->from.mailboxes[0].domain, &why))
        return str_printf(m->arena, "%.*s: %.*s", STR_ARG(m->origin_why), STR_ARG(why));
    state->because = why;
    return STR_NONE;
}

static struct str some_key(struct stage_run *run, struct state *state)
{
    const struct key_set *set = run->signing_keys;
    const struct mailbox *author = &state->from.mailboxes[0];
    struct arena *a = run->message->arena;
    if (set)
        set->find(set, author, a, &state->choice);
    if (state->choice.n)
        return STR_NONE;
    if (state->choice.not_a_sender)
        return str_printf(a, "no entry has %.*s@%.*s among its senders",
                          STR_ARG(str_safe(a, author->local, 64, true)), STR_ARG(author->domain));
    return str_printf(a, "no key for %.*s", STR_ARG(author->domain));
}

/* The rules that the header can answer. own_address() is asked where one_author() objects, too: an
 * odd From is no way around it. */
static struct str signing_objection(struct stage_run *run, struct state *state)
{
    struct str author = one_author(run, state), address = own_address(run, state);
    if (author.n)
        return author;
    if (address.n)
        return address;
    struct str doubt = vouched(run, state);
    return doubt.n ? doubt : some_key(run, state);
}

/* Whether a signature of ours still holds is known when the body is. */
static void look_for_own(struct stage_run *run, struct state *state)
{
    const struct conf *conf = run->conf;
    const struct message *m = run->message;
    const struct dkim_verify_settings settings = {
        .max_signatures = (unsigned)conf->dkim_max_signatures,
        .min_key_bits = KEY_RSA_BITS_MIN,
        .clock_skew_s = conf->dkim_clock_skew / 1000,
        .now = m->now,
    };
    state->before = dkim_verifier_new_own(m->arena, &settings, &m->headers, run->keys,
                                          state->choice.keys, state->choice.n);
}

static struct str reason_to_sign(struct arena *a, const struct state *state)
{
    if (state->from.status == FROM_OK)
        return state->because;
    return str_printf(a, "%.*s, From does not parse (%.*s)", STR_ARG(state->because),
                      STR_ARG(state->from.problem));
}

static void dkim_sign_eoh(struct stage_run *run)
{
    struct evidence_signing *signing = &run->evidence->signing;
    const struct message *m = run->message;
    struct state *state = arena_make(m->arena, struct state);
    signing->tried = true;
    signing->why = signing_objection(run, state);
    if (signing->why.n)
        return;
    signing->why = reason_to_sign(m->arena, state);
    state->settings = *state->choice.settings;
    state->settings.now = m->now;
    /* Not where others have signed the message: theirs hold for the form that it has. */
    state->settings.may_rewrite = header_count(&m->headers, STR("DKIM-Signature")) == 0;
    state->signer = dkim_signer_new(m->arena, &state->settings, &m->headers);
    signing->rewritten = dkim_signer_rewritten(state->signer, &signing->n_rewritten);
    look_for_own(run, state);
    run->state = state;
}

static bool wants_body(const struct stage_run *run)
{
    return run->state != NULL;
}

static void dkim_sign_body(struct stage_run *run, const void *data, size_t n)
{
    struct state *state = run->state;
    dkim_signer_body(state->signer, data, n);
    if (state->before)
        dkim_verifier_body(state->before, data, n);
}

static bool has_signed(const struct dkim_signature *signatures, size_t n,
                       const struct dkim_signing_key *key)
{
    for (size_t i = 0; i < n; i++)
        if (signatures[i].result == DKIM_PASS && str_eq(signatures[i].domain, key->domain) &&
            str_eq(signatures[i].selector, key->selector))
            return true;
    return false;
}

/* The last rule: no key signs a message that it has signed already. A signature of ours that does
 * not hold any more is no signature. */
static void leave_out_signed(struct stage_run *run, const struct state *state)
{
    struct evidence_signing *signing = &run->evidence->signing;
    struct arena *a = run->message->arena;
    struct dkim_signing_key *keys = arena_array(a, struct dkim_signing_key, state->choice.n);
    struct strbuf already;
    size_t n, skipped;
    const struct dkim_signature *signatures =
        dkim_verifier_finish(state->before, NULL, &n, &skipped);
    sb_init(&already, a);
    signing->n = 0;
    signing->keys = keys;
    for (size_t i = 0; i < state->choice.n; i++) {
        const struct dkim_signing_key *key = &state->choice.keys[i];
        if (has_signed(signatures, n, key))
            sb_printf(&already, "%s%.*s/%.*s", already.n ? "," : "already signed by ",
                      STR_ARG(key->domain), STR_ARG(key->selector));
        else
            keys[signing->n++] = *key;
    }
    if (already.n)
        signing->why = signing->n ? str_printf(a, "%.*s, %.*s", STR_ARG(signing->why),
                                               STR_ARG(sb_str(&already)))
                                  : sb_str(&already);
}

static void dkim_sign_eom(struct stage_run *run)
{
    struct evidence_signing *signing = &run->evidence->signing;
    struct state *state = run->state;
    if (!state)
        return;
    signing->n = state->choice.n;
    signing->keys = state->choice.keys;
    if (state->before)
        leave_out_signed(run, state);
    signing->risks = dkim_signer_risks(state->signer);
    struct str *values = arena_array(run->message->arena, struct str, signing->n);
    if (dkim_signer_finish(state->signer, signing->keys, signing->n, values, &signing->problem))
        signing->values = values;
    else
        signing->n = 0;
}

const struct stage stage_dkim_sign = {
    .name = "dkim-sign",
    .eoh = dkim_sign_eoh,
    .body = dkim_sign_body,
    .eom = dkim_sign_eom,
    .wants_body = wants_body,
    .telling = &telling_dkim_sign,
};
