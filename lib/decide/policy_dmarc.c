/* policy_dmarc.c - what DMARC results lead to (RFC 9989 5.4, 7): the published policies, and the
 * operator's exceptions to them.
 *
 * Errors: none; what cannot be known now is never a rejection unless the operator chose that. */
#include "decide/proposal.h"
#include "mail/domain.h"

/* --- Local policy ------------------------------------------------------------------------------*/

static enum dmarc_auth trusted_signer(const struct judging *j)
{
    enum dmarc_auth found = DMARC_AUTH_FAIL;
    for (size_t i = 0; i < j->evidence->dkim.n; i++) {
        const struct dkim_signature *s = &j->evidence->dkim.signatures[i];
        if (!conf_has_domain(&j->conf->dmarc_trusted_signers, s->domain))
            continue;
        if (s->result == DKIM_PASS)
            return DMARC_AUTH_PASS;
        if (s->result == DKIM_TEMPERROR)
            found = DMARC_AUTH_UNKNOWN;
    }
    return found;
}

/* What an ARC chain says for this author domain. */
static const struct arc_excuse *excuse_of(const struct evidence *evidence,
                                          const struct dmarc_outcome *o)
{
    static const struct arc_excuse none = {.granted = DMARC_AUTH_FAIL};
    size_t author = (size_t)(o - evidence->dmarc.outcomes);
    return author < evidence->arc.n_excuses ? &evidence->arc.excuses[author] : &none;
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

/* What was done, in DMARC's three words. A message that is only tagged counts as quarantined,
 * because readers of the tag treat it as suspicious (RFC 9989 7.4). */
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

/* What the operator says about the domain, then about mailing lists, then about policies in
 * general. */
static struct local_policy local_policy_of_domain(const struct judging *j,
                                                  const struct dmarc_outcome *o)
{
    const struct conf *conf = j->conf;
    enum dmarc_auth list_signature = j->evidence->dmarc.list_signature;
    enum action published = published_action(conf, o->policy);
    bool milder_for_lists = conf->dmarc_on_mailing_list < published;
    struct local_policy l = {.action = published};
    if (conf_has_domain(&conf->dmarc_enforce_domains, o->author_domain) &&
        o->policy != DMARC_P_REJECT)
        return (struct local_policy){conf->dmarc_on_reject, OVERRIDE_LOCAL_POLICY,
                                     STR("dmarc.enforce-domains"), false};
    if (conf_has_domain(&conf->dmarc_quarantine_domains, o->author_domain) &&
        o->policy == DMARC_P_REJECT)
        return (struct local_policy){
            action_milder(action_milder(published, conf->dmarc_on_quarantine), ACTION_QUARANTINE),
            OVERRIDE_LOCAL_POLICY, STR("dmarc.quarantine-domains"), false};
    if (milder_for_lists && list_signature == DMARC_AUTH_PASS)
        return (struct local_policy){conf->dmarc_on_mailing_list, OVERRIDE_MAILING_LIST,
                                     STR("dmarc.on-mailing-list"), false};
    if (disposition(published) != o->policy) {
        l.reason = OVERRIDE_LOCAL_POLICY;
        l.comment =
            o->policy == DMARC_P_REJECT ? STR("dmarc.on-reject") : STR("dmarc.on-quarantine");
    } else if (o->record.testing) {
        l.reason = OVERRIDE_TEST_MODE;
        l.comment = STR("t=y");
    }
    l.unsure = milder_for_lists && list_signature == DMARC_AUTH_UNKNOWN;
    return l;
}

/* What to do instead of the published policy, and why: the first rule that applies decides. What
 * cannot be known now is treated as a temporary error, if that is milder. */
static struct local_policy local_policy(const struct judging *j, const struct dmarc_outcome *o)
{
    const struct conf *conf = j->conf;
    enum dmarc_auth signer = trusted_signer(j);
    const struct arc_excuse *excuse = excuse_of(j->evidence, o);
    if (conf_has_domain(&conf->dmarc_ignore_domains, o->author_domain))
        return (struct local_policy){ACTION_ACCEPT, OVERRIDE_LOCAL_POLICY,
                                     STR("dmarc.ignore-domains"), false};
    if (netset_has(&conf->dmarc_trusted_forwarders, &j->session->client))
        return (struct local_policy){ACTION_ACCEPT, OVERRIDE_TRUSTED_FORWARDER,
                                     STR("dmarc.trusted-forwarders"), false};
    if (signer == DMARC_AUTH_PASS)
        return (struct local_policy){ACTION_ACCEPT, OVERRIDE_LOCAL_POLICY,
                                     STR("dmarc.trusted-signers"), false};
    if (excuse->granted == DMARC_AUTH_PASS)
        return (struct local_policy){ACTION_ACCEPT, OVERRIDE_LOCAL_POLICY, excuse->comment, false};
    struct local_policy l = local_policy_of_domain(j, o);
    l.unsure = l.unsure || signer == DMARC_AUTH_UNKNOWN || excuse->granted == DMARC_AUTH_UNKNOWN;
    if (l.unsure && conf->dmarc_on_temperror < l.action) {
        l.action = conf->dmarc_on_temperror;
        l.reason = OVERRIDE_LOCAL_POLICY;
        l.comment = STR("dmarc.on-temperror");
    } else {
        l.unsure = false;
    }
    return l;
}

/* For an outcome that cannot be known now. */
static struct local_policy local_policy_of_doubt(const struct judging *j,
                                                 const struct dmarc_outcome *o)
{
    const struct conf *conf = j->conf;
    bool excused = netset_has(&conf->dmarc_trusted_forwarders, &j->session->client) ||
                   conf_has_domain(&conf->dmarc_ignore_domains, o->author_domain) ||
                   trusted_signer(j) == DMARC_AUTH_PASS ||
                   excuse_of(j->evidence, o)->granted == DMARC_AUTH_PASS;
    return (struct local_policy){.action = excused ? ACTION_ACCEPT : conf->dmarc_on_temperror,
                                 .unsure = true};
}

/* --- Proposals ---------------------------------------------------------------------------------*/

static struct str dmarc_text(const struct dmarc_outcome *o, bool unsure, struct arena *a)
{
    struct str author = str_safe(a, o->author_domain, DOMAIN_MAX, false);
    if (unsure)
        return str_printf(a, "DMARC of %.*s cannot be checked now (DNS trouble), try again later",
                          STR_ARG(author));
    return str_printf(
        a, "DMARC policy of %.*s (p=%s): neither SPF nor DKIM authenticated this message for it",
        STR_ARG(author), dmarc_policy_name(o->policy));
}

static struct proposal propose_author(const struct judging *j, size_t author)
{
    const struct dmarc_outcome *o = &j->evidence->dmarc.outcomes[author];
    struct proposal p = {.cause = "dmarc", .detail = "7.1", .author = author};
    if (o->result == DMARC_FAIL)
        p.local = local_policy(j, o);
    else if (o->result == DMARC_TEMPERROR)
        p.local = local_policy_of_doubt(j, o);
    p.action = p.local.action;
    p.shadow = j->conf->dmarc_mode == CHECK_SHADOW ||
               conf_has_domain(&j->conf->dmarc_shadow_domains, o->author_domain);
    if (p.action > ACTION_TAG)
        p.text = dmarc_text(o, p.local.unsure, j->arena);
    return p;
}

size_t propose_dmarc(const struct judging *j, struct proposal *proposals)
{
    const struct evidence_dmarc *dmarc = &j->evidence->dmarc;
    for (size_t i = 0; i < dmarc->n; i++)
        proposals[i] = propose_author(j, (dmarc->decisive + i) % dmarc->n);
    return dmarc->n;
}

struct proposal propose_from(const struct judging *j)
{
    const struct evidence_dmarc *dmarc = &j->evidence->dmarc;
    struct proposal p = {.cause = "from", .detail = "7.1"};
    if (!dmarc->checked || !from_is_bad(dmarc->from_status))
        return p;
    p.action = j->conf->dmarc_on_bad_from;
    p.shadow = j->conf->dmarc_mode == CHECK_SHADOW;
    p.text = str_printf(j->arena, "This message needs exactly one valid From field: %.*s",
                        STR_ARG(str_safe(j->arena, dmarc->reason, EXPLANATION_MAX, false)));
    return p;
}

/* --- What was done -----------------------------------------------------------------------------*/

/* What a report says if an action is left undone in shadow mode, and no rule of ours is why. */
static struct str shadow_words(const struct conf *conf)
{
    return conf->mode == RUN_SHADOW           ? STR("mode = shadow")
           : conf->dmarc_mode == CHECK_SHADOW ? STR("dmarc.mode = shadow")
                                              : STR("dmarc.shadow-domains");
}

static struct author_verdict author_verdict(const struct conf *conf, const struct dmarc_outcome *o,
                                            const struct proposal *p)
{
    bool done = proposal_is_done(p, conf);
    struct author_verdict v = {.disposition = disposition(done ? p->action : ACTION_ACCEPT)};
    if (o->result != DMARC_FAIL && o->result != DMARC_TEMPERROR)
        return v;
    v.override = p->local.reason;
    v.comment = p->local.comment;
    if (v.override != OVERRIDE_NONE || v.disposition == o->policy)
        return v;
    v.override = OVERRIDE_LOCAL_POLICY;
    v.comment = done ? STR("dmarc.on-temperror") : shadow_words(conf);
    return v;
}

/* Reports go to each author domain, so each has a verdict. */
static const struct author_verdict *author_verdicts(const struct judging *j,
                                                    const struct proposal *proposals, size_t n)
{
    struct author_verdict *v = arena_array(j->arena, struct author_verdict, n);
    for (size_t i = 0; i < n; i++)
        v[proposals[i].author] = author_verdict(
            j->conf, &j->evidence->dmarc.outcomes[proposals[i].author], &proposals[i]);
    return v;
}

/* The disposition is that of the author domain that asks for most, or else of the strictest one. */
void dmarc_fill_verdict(const struct judging *j, const struct proposal *proposals, size_t n,
                        struct verdict *out)
{
    out->authors = author_verdicts(j, proposals, n);
    if (!n)
        return;
    const struct proposal *p = proposals_gravest(proposals, n, j->conf);
    if (!p)
        p = proposals_gravest(proposals, n, NULL);
    if (!p)
        p = &proposals[0];
    out->author = p->author;
    if (j->evidence->dmarc.outcomes[p->author].result != DMARC_FAIL)
        return;
    out->override = p->local.reason;
    out->override_comment = p->local.comment;
    out->disposition = disposition(proposal_is_done(p, j->conf) ? p->action : ACTION_ACCEPT);
}
