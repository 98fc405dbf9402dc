/* policy_spf.c - what SPF results lead to (RFC 7208 8).
 *
 * Errors: none; what cannot be known now is never a rejection unless the operator chose that. */
#include "decide/proposal.h"
#include "mail/domain.h"

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
    if (!domain.n)
        return STR("SPF none: the sender has no domain (RFC 7208)");
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

/* Before the end of the message only refusals can happen, and only those that the operator wants
 * early. */
static bool spf_happens_at(const struct conf *conf, enum policy_point point, enum action action)
{
    if (point == POINT_EOM)
        return true;
    if (action < ACTION_TEMPFAIL || point == POINT_DATA)
        return false;
    return conf->spf_reject_at == (point == POINT_MAIL ? SPF_AT_MAIL : SPF_AT_RCPT);
}

/* Could DMARC still pass, for every author domain? */
static bool dmarc_may_pass(const struct evidence_dmarc *dmarc)
{
    for (size_t i = 0; i < dmarc->n; i++)
        if (dmarc->outcomes[i].result != DMARC_PASS && dmarc->outcomes[i].result != DMARC_TEMPERROR)
            return false;
    return dmarc->n > 0;
}

/* A policy service has no later point, so spf.reject-at does not matter to it. */
struct proposal propose_spf(const struct judging *j)
{
    const struct conf *conf = j->conf;
    const struct evidence *evidence = j->evidence;
    const struct evidence_spf_identity *spf = &evidence->spf.mail_from;
    struct proposal p = {.cause = "spf"};
    if (!spf->checked || !message_is_checked(j->message, SERVICE_SPF) ||
        netset_has(&conf->spf_trusted_forwarders, &j->session->client))
        return p;
    enum action action = spf_action(conf, spf->outcome.result);
    if (j->point == POINT_EOM && conf->spf_dmarc_pass_cancels && dmarc_may_pass(&evidence->dmarc)) {
        /* If it is not known yet whether a pass cancels this, nothing is refused for good. */
        if (evidence->dmarc.result == DMARC_PASS)
            return p;
        action = action_milder(action, conf->dmarc_on_temperror);
    }
    if (!j->message->checks && !spf_happens_at(conf, j->point, action))
        return p;
    /* A domain that says nothing about this client gives nothing to tag. */
    bool silent = spf->outcome.result == SPF_NONE || spf->outcome.result == SPF_NEUTRAL;
    p.action = silent && action == ACTION_TAG ? ACTION_ACCEPT : action;
    p.shadow = conf->spf_mode == CHECK_SHADOW;
    /* RFC 7372 3.2: 7.23 for fail, 7.24 for errors of the check. */
    p.detail = spf->outcome.result == SPF_TEMPERROR || spf->outcome.result == SPF_PERMERROR
                   ? "7.24"
                   : "7.23";
    if (action > ACTION_TAG)
        p.text = spf_text(j->session, &spf->outcome, j->arena);
    return p;
}

bool spf_may_refuse(const struct conf *conf, enum policy_point point)
{
    if (conf->spf_mode == CHECK_OFF)
        return false;
    for (int r = 0; r < SPF_RESULT_COUNT; r++)
        if (spf_happens_at(conf, point, spf_action(conf, (enum spf_result)r)))
            return true;
    return false;
}
