/* edits.c - the header fields that assay removes and writes.
 *
 * Errors: none; every value is well-formed whatever the evidence holds, because the writers of
 * lib/mail quote and clean. */
#include "decide/edits.h"

#include "mail/authres.h"
#include "mail/domain.h"
#include "mail/receivedspf.h"

static void push(struct edit_list *list, struct edit e)
{
    list->v[list->n++] = e;
}

static void delete_all(struct edit_list *list, struct str name, const unsigned *ordinals, size_t n)
{
    while (n-- > 0)
        push(list, (struct edit){.kind = EDIT_DELETE, .ordinal = ordinals[n], .name = name});
}

/* The result needs words: it is an error, or there was no domain to ask about. */
static bool needs_reason(const struct spf_outcome *o)
{
    return o->result == SPF_TEMPERROR || o->result == SPF_PERMERROR || !o->domain.n;
}

/* A property that is known. */
static void add_property(struct authres *w, const char *name, struct str value)
{
    if (value.n)
        authres_property(w, name, value);
}

static void add_spf(struct authres *w, const struct session *session,
                    const struct evidence_spf *spf)
{
    if (spf->mail_from.checked) {
        const struct spf_outcome *o = &spf->mail_from.outcome;
        authres_result(w, STR("spf"), str_of(spf_result_name(o->result)), STR_NONE);
        if (needs_reason(o))
            authres_reason(w, o->problem);
        add_property(w, "smtp.mailfrom", o->domain);
    }
    if (spf->helo.checked) {
        authres_result(w, STR("spf"), str_of(spf_result_name(spf->helo.outcome.result)), STR_NONE);
        add_property(w, "smtp.helo", session->helo);
    }
}

static struct str key_comment(const struct dkim_signature *s, struct arena *a)
{
    if (!s->key_bits)
        return STR_NONE;
    return str_printf(a, "%u-bit %s%s%s", s->key_bits,
                      s->key_type == KEY_ED25519 ? "ed25519" : "rsa",
                      s->security == DNS_SECURE ? ", dnssec" : "", s->testing ? ", testing" : "");
}

static void add_dkim(struct authres *w, const struct evidence_dkim *dkim, struct arena *a)
{
    if (!dkim->checked)
        return;
    if (!dkim->n)
        authres_result(w, STR("dkim"), STR("none"), STR_NONE);
    for (size_t i = 0; i < dkim->n; i++) {
        const struct dkim_signature *s = &dkim->signatures[i];
        authres_result(w, STR("dkim"), str_of(dkim_result_name(s->result)), key_comment(s, a));
        if (s->reason.n)
            authres_reason(w, s->reason);
        add_property(w, "header.d", s->domain);
        add_property(w, "header.i", s->identity);
        add_property(w, "header.s", s->selector);
        add_property(w, "header.a", s->algorithm);
        add_property(w, "header.b", s->b_start);
    }
}

/* The published policy that governs the author domain, before t=y lowers it. */
static enum dmarc_policy published(const struct dmarc_outcome *o)
{
    return o->policy_tag == 'n' ? o->record.np : o->policy_tag == 's' ? o->record.sp : o->record.p;
}

static struct str dmarc_comment(const struct dmarc_outcome *o, const struct verdict *verdict,
                                struct arena *a)
{
    if (!o->record_domain.n)
        return STR_NONE;
    struct str text = str_printf(a, "p=%s dis=%s", dmarc_policy_name(published(o)),
                                 dmarc_policy_name(verdict->disposition));
    if (verdict->override == OVERRIDE_NONE)
        return text;
    return str_printf(a, "%.*s override=%s %.*s", STR_ARG(text), override_name(verdict->override),
                      STR_ARG(verdict->override_comment));
}

static void add_dmarc(struct authres *w, const struct evidence_dmarc *dmarc,
                      const struct verdict *verdict, struct arena *a)
{
    if (!dmarc->checked)
        return;
    const struct dmarc_outcome *o = dmarc->n ? &dmarc->outcomes[verdict->author] : NULL;
    enum dmarc_result result = o ? o->result : dmarc->result;
    authres_result(w, STR("dmarc"), str_of(dmarc_result_name(result)),
                   o ? dmarc_comment(o, verdict, a) : STR_NONE);
    struct str reason = o ? o->reason : dmarc->reason;
    if (reason.n && (!o || result == DMARC_TEMPERROR || dmarc->from_problem.n))
        authres_reason(w, reason);
    if (!o)
        return;
    authres_property(w, "header.from", o->author_domain);
    if (o->record_domain.n)
        authres_property(w, "policy.dmarc", str_of(dmarc_policy_name(o->policy)));
}

static struct str authentication_results(const struct conf *conf, const struct session *session,
                                         const struct evidence *evidence,
                                         const struct verdict *verdict, struct arena *a)
{
    struct authres w;
    authres_begin(&w, a, conf->authserv_id);
    add_spf(&w, session, &evidence->spf);
    add_dkim(&w, &evidence->dkim, a);
    add_dmarc(&w, &evidence->dmarc, verdict, a);
    return authres_end(&w);
}

static struct str auth_result(const struct conf *conf, const struct message *message,
                              struct arena *a)
{
    struct authres w;
    authres_begin(&w, a, conf->authserv_id);
    authres_result(&w, STR("auth"), STR("pass"), STR_NONE);
    authres_property(&w, "smtp.auth", message->auth_user);
    return authres_end(&w);
}

static struct str spf_words(const struct spf_outcome *o, struct str domain, const char *address,
                            struct arena *a)
{
    if (!domain.n)
        return STR("the sender has no domain");
    switch (o->result) {
    case SPF_PASS:
        return str_printf(a, "%.*s authorizes %s", STR_ARG(domain), address);
    case SPF_FAIL:
        return str_printf(a, "%.*s does not authorize %s", STR_ARG(domain), address);
    case SPF_SOFTFAIL:
        return str_printf(a, "%.*s does not want to authorize %s", STR_ARG(domain), address);
    case SPF_NEUTRAL:
        return str_printf(a, "%.*s says nothing about %s", STR_ARG(domain), address);
    case SPF_NONE:
        return str_printf(a, "%.*s publishes no SPF record", STR_ARG(domain));
    default:
        return str_printf(a, "SPF of %.*s cannot be evaluated", STR_ARG(domain));
    }
}

static struct str received_spf(const struct conf *conf, const struct session *session,
                               const struct message *message, const struct spf_outcome *o,
                               struct arena *a)
{
    char address[NETADDR_TEXT];
    struct str domain = str_safe(a, o->domain, DOMAIN_MAX, true);
    netaddr_format(&session->client, address);
    struct received_spf r = {
        .result = str_of(spf_result_name(o->result)),
        .comment = str_printf(a, "%.*s: %.*s", STR_ARG(conf->authserv_id),
                              STR_ARG(spf_words(o, domain, address, a))),
        .client_ip = str_of(address),
        .envelope_from = message->from.null ? str_printf(a, "postmaster@%.*s", STR_ARG(domain))
                                            : message->from.whole,
        .helo = session->helo,
        .identity = STR("mailfrom"),
        .receiver = conf->authserv_id,
        .mechanism = o->mechanism.n ? o->mechanism : STR_NONE,
        .problem = needs_reason(o) ? o->problem : STR_NONE,
    };
    return received_spf_format(a, &r);
}

static void change(struct edit_list *list, const struct dkim_rewritten *field)
{
    push(list, (struct edit){.kind = EDIT_CHANGE,
                             .ordinal = field->ordinal,
                             .name = field->name,
                             .value = field->value});
}

static void insert(struct edit_list *list, struct str name, struct str value)
{
    push(list, (struct edit){.kind = EDIT_INSERT, .name = name, .value = value});
}

void edits_plan(const struct conf *conf, const struct session *session,
                const struct message *message, const struct evidence *evidence,
                const struct verdict *verdict, struct arena *a, struct edit_list *out)
{
    static const struct str ar = STR_INIT("Authentication-Results");
    static const struct str rspf = STR_INIT("Received-SPF");
    const struct evidence_forged *forged = &evidence->forged;
    const struct evidence_signing *signing = &evidence->signing;
    out->n = 0;
    out->v = arena_array(
        a, struct edit, forged->n + forged->n_received_spf + signing->n_rewritten + signing->n + 2);
    delete_all(out, ar, forged->ordinals, forged->n);
    delete_all(out, rspf, forged->received_spf, forged->n_received_spf);
    if (message->origin == ORIGIN_OURS || message->origin == ORIGIN_FORWARDED) {
        for (size_t i = 0; signing->values && signing->n && i < signing->n_rewritten; i++)
            change(out, &signing->rewritten[i]);
        /* The first key's signature ends on top. */
        for (size_t i = signing->values ? signing->n : 0; i-- > 0;)
            insert(out, STR("DKIM-Signature"), signing->values[i]);
        if (conf->auth_header && message->auth_user.n)
            insert(out, ar, auth_result(conf, message, a));
    } else if (message->origin == ORIGIN_INBOUND) {
        if (conf->received_spf && evidence->spf.mail_from.checked)
            insert(out, rspf,
                   received_spf(conf, session, message, &evidence->spf.mail_from.outcome, a));
        insert(out, ar, authentication_results(conf, session, evidence, verdict, a));
    }
}
