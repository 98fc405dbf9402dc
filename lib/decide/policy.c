/* policy.c - from evidence to verdict. The only place where results become actions.
 *
 * Each cause (header limits, From, DMARC, SPF; of our own mail the sender) is judged on its own and
 * gives a proposal; the gravest one that is not in shadow mode is done, the gravest of all is what
 * enforcing would do.
 *
 * Errors: none; what cannot be known now is never a rejection unless the operator chose that. */
#include "decide/policy.h"

#include "mail/domain.h"

#define TEXT_MAX        400 /* of a reply; SMTP allows 512 bytes a line (RFC 5321 4.5.3.1.5) */
#define EXPLANATION_MAX 200

/* What one cause asks for. */
struct proposal {
    enum action action;
    bool shadow; /* evaluated and logged only */
    const char *cause;
    const char *detail;   /* of the enhanced code: "7.1" */
    const char *codes[2]; /* basic codes for tempfail and reject; NULL: 451, 550 */
    struct str text;
};

const char *override_name(enum override_reason reason)
{
    static const char *const names[] = {"none", "local_policy", "mailing_list", "trusted_forwarder",
                                        "policy_test_mode"};
    return names[reason];
}

static bool listed(const struct conf_strings *domains, struct str domain)
{
    for (size_t i = 0; i < domains->n; i++)
        if (domain_is_at_or_below(domain, domains->v[i]))
            return true;
    return false;
}

static enum action milder(enum action a, enum action b)
{
    return a < b ? a : b;
}

/* --- SPF (RFC 7208 8) ----------------------------------------------------------------------------
 */

static enum action spf_action(const struct conf *conf, enum spf_result result)
{
    switch (result) {
    case SPF_FAIL:
        return conf->spf_on_fail;
    case SPF_SOFTFAIL:
        return conf->spf_on_softfail;
    case SPF_NEUTRAL:
        return conf->spf_on_neutral;
    case SPF_NONE:
        return conf->spf_on_none;
    case SPF_PERMERROR:
        return conf->spf_on_permerror;
    case SPF_TEMPERROR:
        return conf->spf_on_temperror;
    default:
        return ACTION_ACCEPT;
    }
}

static struct str spf_text(const struct session *session, const struct spf_outcome *spf,
                           struct arena *a)
{
    char address[NETADDR_TEXT];
    struct str domain = str_safe(a, spf->domain, DOMAIN_MAX, false);
    netaddr_format(&session->client, address);
    if (spf->result == SPF_TEMPERROR)
        return str_printf(a, "SPF of %.*s cannot be checked now (DNS trouble), try again later",
                          STR_ARG(domain));
    if (spf->result == SPF_PERMERROR)
        return str_printf(a, "SPF record of %.*s is in error: %.*s", STR_ARG(domain),
                          STR_ARG(str_safe(a, spf->problem, EXPLANATION_MAX, false)));
    if (spf->result == SPF_FAIL && spf->explanation.n)
        return str_printf(a, "SPF: %.*s does not permit %s; its explanation: %.*s", STR_ARG(domain),
                          address, STR_ARG(str_safe(a, spf->explanation, EXPLANATION_MAX, false)));
    return str_printf(a, "SPF %s: %.*s does not authorize %s to send its mail (RFC 7208)",
                      spf_result_name(spf->result), STR_ARG(domain), address);
}

/* Before the end of the message only refusals that the operator wants early can happen; SPF's
 * quarantine has no place there. */
static bool spf_happens_at(const struct conf *conf, enum policy_point point, enum action action)
{
    if (point == POINT_EOM)
        return true;
    if (action < ACTION_TEMPFAIL)
        return false;
    return conf->spf_reject_at == (point == POINT_MAIL ? SPF_AT_MAIL : SPF_AT_RCPT);
}

static struct proposal judge_spf(const struct conf *conf, enum policy_point point,
                                 const struct session *session, const struct evidence *evidence,
                                 struct arena *a)
{
    const struct evidence_spf_identity *spf = &evidence->spf.mail_from;
    struct proposal p = {.cause = "spf"};
    if (!spf->checked || netset_has(&conf->spf_trusted_forwarders, &session->client))
        return p;
    if (point == POINT_EOM && conf->spf_dmarc_cancels && evidence->dmarc.checked &&
        evidence->dmarc.result == DMARC_PASS)
        return p;
    enum action action = spf_action(conf, spf->outcome.result);
    if (!spf_happens_at(conf, point, action))
        return p;
    /* A domain that says nothing of this client gives nothing to tag. */
    bool silent = spf->outcome.result == SPF_NONE || spf->outcome.result == SPF_NEUTRAL;
    p.action = silent && action == ACTION_TAG ? ACTION_ACCEPT : action;
    p.shadow = conf->spf_mode == CHECK_SHADOW;
    /* RFC 7372 3.2: 7.23 for fail, 7.24 for errors of the check. */
    p.detail = spf->outcome.result == SPF_TEMPERROR || spf->outcome.result == SPF_PERMERROR
                   ? "7.24"
                   : "7.23";
    if (action > ACTION_TAG)
        p.text = spf_text(session, &spf->outcome, a);
    return p;
}

/* --- DMARC (RFC 9989 5.4, 7)
 * ---------------------------------------------------------------------- */

/* A layer over the published policy: what to do instead, and why. */
struct layered {
    enum action action;
    enum override_reason reason;
    struct str comment;
};

static bool trusted_signer(const struct conf *conf, const struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->dkim.n; i++)
        if (evidence->dkim.signatures[i].result == DKIM_PASS &&
            listed(&conf->dmarc_trusted_signers, evidence->dkim.signatures[i].domain))
            return true;
    return false;
}

static enum action published_action(const struct conf *conf, enum dmarc_policy policy)
{
    switch (policy) {
    case DMARC_P_REJECT:
        return conf->dmarc_on_reject;
    case DMARC_P_QUARANTINE:
        return conf->dmarc_on_quarantine;
    default:
        return ACTION_ACCEPT; /* p=none never changes handling */
    }
}

/* What was done, in DMARC's three words. A message that is only tagged is treated as suspicious by
 * whoever reads the tag (RFC 9989 7.4), so it counts as quarantined. */
static enum dmarc_policy disposition(enum action action)
{
    switch (action) {
    case ACTION_REJECT:
        return DMARC_P_REJECT;
    case ACTION_TAG:
    case ACTION_QUARANTINE:
        return DMARC_P_QUARANTINE;
    default:
        return DMARC_P_NONE;
    }
}

/* The first layer that speaks decides: what the operator says of the domain, then of the way that
 * the message took. */
static struct layered layer(const struct conf *conf, const struct session *session,
                            const struct evidence *evidence, const struct dmarc_outcome *o)
{
    struct str author = o->author_domain;
    enum action published = published_action(conf, o->policy);
    if (listed(&conf->dmarc_ignore_domains, author))
        return (struct layered){ACTION_ACCEPT, OVERRIDE_LOCAL_POLICY, STR("dmarc.ignore-domains")};
    if (netset_has(&conf->dmarc_trusted_forwarders, &session->client))
        return (struct layered){ACTION_ACCEPT, OVERRIDE_TRUSTED_FORWARDER,
                                STR("dmarc.trusted-forwarders")};
    if (trusted_signer(conf, evidence))
        return (struct layered){ACTION_ACCEPT, OVERRIDE_LOCAL_POLICY, STR("dmarc.trusted-signers")};
    if (listed(&conf->dmarc_enforce_domains, author) && o->policy != DMARC_P_REJECT)
        return (struct layered){conf->dmarc_on_reject, OVERRIDE_LOCAL_POLICY,
                                STR("dmarc.enforce-domains")};
    if (listed(&conf->dmarc_quarantine_domains, author) && o->policy == DMARC_P_REJECT)
        return (struct layered){milder(published, conf->dmarc_on_quarantine), OVERRIDE_LOCAL_POLICY,
                                STR("dmarc.quarantine-domains")};
    if (evidence->dmarc.mailing_list && conf->dmarc_on_mailing_list < published)
        return (struct layered){conf->dmarc_on_mailing_list, OVERRIDE_MAILING_LIST,
                                STR("dmarc.on-mailing-list")};
    if (disposition(published) != o->policy)
        return (struct layered){published, OVERRIDE_LOCAL_POLICY,
                                o->policy == DMARC_P_REJECT ? STR("dmarc.on-reject")
                                                            : STR("dmarc.on-quarantine")};
    if (o->record.testing)
        return (struct layered){published, OVERRIDE_TEST_MODE, STR("t=y")};
    return (struct layered){published, OVERRIDE_NONE, STR_NONE};
}

static struct proposal judge_dmarc_fail(const struct conf *conf, const struct session *session,
                                        const struct evidence *evidence, struct arena *a,
                                        struct verdict *verdict)
{
    const struct dmarc_outcome *o = &evidence->dmarc.outcomes[evidence->dmarc.decisive];
    struct layered l = layer(conf, session, evidence, o);
    struct proposal p = {.cause = "dmarc", .detail = "7.1", .action = l.action};
    p.shadow =
        conf->dmarc_mode == CHECK_SHADOW || listed(&conf->dmarc_shadow_domains, o->author_domain);
    verdict->override = l.reason;
    verdict->override_comment = l.comment;
    bool acts = !p.shadow && conf->mode == RUN_ENFORCE;
    verdict->disposition = disposition(acts ? l.action : ACTION_ACCEPT);
    if (l.action > ACTION_TAG)
        p.text = str_printf(
            a,
            "DMARC policy of %.*s (p=%s): neither SPF nor DKIM authenticated this message for it",
            STR_ARG(str_safe(a, o->author_domain, DOMAIN_MAX, false)),
            dmarc_policy_name(o->policy));
    return p;
}

static struct proposal judge_dmarc(const struct conf *conf, const struct session *session,
                                   const struct evidence *evidence, struct arena *a,
                                   struct verdict *verdict)
{
    const struct evidence_dmarc *dmarc = &evidence->dmarc;
    if (dmarc->checked && dmarc->result == DMARC_FAIL)
        return judge_dmarc_fail(conf, session, evidence, a, verdict);
    if (!dmarc->checked || dmarc->result != DMARC_TEMPERROR)
        return (struct proposal){0};
    const struct dmarc_outcome *o = &dmarc->outcomes[dmarc->decisive];
    struct proposal p = {.cause = "dmarc", .detail = "7.1", .action = conf->dmarc_on_temperror};
    p.shadow =
        conf->dmarc_mode == CHECK_SHADOW || listed(&conf->dmarc_shadow_domains, o->author_domain);
    if (netset_has(&conf->dmarc_trusted_forwarders, &session->client) ||
        listed(&conf->dmarc_ignore_domains, o->author_domain))
        p.action = ACTION_ACCEPT;
    p.text = str_printf(a, "DMARC of %.*s cannot be checked now (DNS trouble), try again later",
                        STR_ARG(str_safe(a, o->author_domain, DOMAIN_MAX, false)));
    return p;
}

/* --- From and limits
 * ------------------------------------------------------------------------------ */

static struct proposal judge_from(const struct conf *conf, const struct evidence *evidence,
                                  struct arena *a)
{
    const struct evidence_dmarc *dmarc = &evidence->dmarc;
    struct proposal p = {.cause = "from", .detail = "7.1"};
    if (!dmarc->checked || dmarc->from_status == FROM_OK)
        return p;
    p.action = conf->dmarc_on_bad_from;
    p.shadow = conf->dmarc_mode == CHECK_SHADOW;
    p.text = str_printf(a, "This message needs exactly one valid From field: %.*s",
                        STR_ARG(str_safe(a, dmarc->reason, EXPLANATION_MAX, false)));
    return p;
}

static struct proposal judge_limit(const struct conf *conf, const struct message *message)
{
    struct proposal p = {.cause = "limit", .detail = "3.4", .codes = {"452", "552"}};
    if (!message->over_limit)
        return p;
    p.action = conf->on_header_limit;
    p.text = STR("The header of this message is too large");
    return p;
}

/* --- Mail of ours
 * ---------------------------------------------------------------------------------- */

/* The only thing that mail of ours is refused for, and only where the operator says so. */
static struct proposal judge_sender(const struct conf *conf, const struct evidence *evidence,
                                    struct arena *a)
{
    struct proposal p = {.cause = "sender", .detail = "7.1"};
    if (!evidence->signing.mismatch)
        return p;
    p.action = conf->on_sender_mismatch;
    p.text = str_printf(a, "The sender in From is not allowed: %.*s",
                        STR_ARG(str_safe(a, evidence->signing.why, EXPLANATION_MAX, false)));
    return p;
}

/* --- The verdict
 * ---------------------------------------------------------------------------------- */

static void word_reply(const struct proposal *p, struct arena *a, struct verdict *out)
{
    out->cause = p->cause;
    out->text = str_safe(a, p->text, TEXT_MAX, false);
    if (p->action == ACTION_TEMPFAIL) {
        out->code = str_of(p->codes[0] ? p->codes[0] : "451");
        out->enhanced = str_printf(a, "4.%s", p->detail);
    } else if (p->action == ACTION_REJECT) {
        out->code = str_of(p->codes[1] ? p->codes[1] : "550");
        out->enhanced = str_printf(a, "5.%s", p->detail);
    }
}

/* The proposal that asks for most, the first of equals; NULL if none asks for anything. */
static const struct proposal *gravest(const struct proposal *proposals, size_t n,
                                      bool in_shadow_too)
{
    const struct proposal *found = NULL;
    for (size_t i = 0; i < n; i++)
        if ((in_shadow_too || !proposals[i].shadow) &&
            proposals[i].action > (found ? found->action : ACTION_ACCEPT))
            found = &proposals[i];
    return found;
}

static void combine(const struct conf *conf, const struct proposal *proposals, size_t n,
                    struct arena *a, struct verdict *out)
{
    const struct proposal *would = gravest(proposals, n, true);
    const struct proposal *done = conf->mode == RUN_SHADOW ? NULL : gravest(proposals, n, false);
    if (!would)
        return;
    out->wanted = would->action;
    out->action = done ? done->action : ACTION_ACCEPT;
    word_reply(done ? done : would, a, out);
}

void policy_decide(const struct conf *conf, enum policy_point point, const struct session *session,
                   const struct message *message, const struct evidence *evidence, struct arena *a,
                   struct verdict *out)
{
    *out = (struct verdict){
        .scope = point == POINT_RCPT ? SCOPE_RECIPIENT : SCOPE_MESSAGE,
    };
    struct proposal proposals[4];
    size_t n = 0;
    if (message->origin == ORIGIN_RELAYED)
        return;
    if (message->origin == ORIGIN_OURS) {
        if (point == POINT_EOM)
            proposals[n++] = judge_sender(conf, evidence, a);
        combine(conf, proposals, n, a, out);
        return;
    }
    if (point == POINT_EOM) {
        proposals[n++] = judge_limit(conf, message);
        proposals[n++] = judge_from(conf, evidence, a);
        proposals[n++] = judge_dmarc(conf, session, evidence, a, out);
    }
    proposals[n++] = judge_spf(conf, point, session, evidence, a);
    combine(conf, proposals, n, a, out);
}

bool policy_may_refuse(const struct conf *conf, enum policy_point point)
{
    if (point == POINT_EOM)
        return true;
    if (conf->spf_mode == CHECK_OFF)
        return false;
    for (int r = 0; r < SPF_RESULT_COUNT; r++)
        if (spf_happens_at(conf, point, spf_action(conf, (enum spf_result)r)))
            return true;
    return false;
}
