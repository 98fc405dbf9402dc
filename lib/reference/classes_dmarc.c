/* classes_dmarc.c - what has to hold for a difference from libopendmarc to be of a class.
 *
 * Errors: what is not known is of no class. */
#include "mail/domain.h"
#include "reference/classes.h"

static bool any_identifier(const struct reference_pair *pair, enum dmarc_auth auth)
{
    const struct dmarc_request *request = pair->facts->dmarc;
    for (size_t i = 0; request && i < request->n_ids; i++)
        if (request->ids[i].auth == auth)
            return true;
    return false;
}

bool class_dmarc_unknown_identifier(const struct reference_pair *pair)
{
    return pair->ours.dmarc->result == DMARC_TEMPERROR &&
           pair->theirs.dmarc->result != DMARC_TEMPERROR &&
           any_identifier(pair, DMARC_AUTH_UNKNOWN);
}

/* Of the policy, or of the author domain's existence. */
static bool any_unknown_answer(const struct reference_pair *pair)
{
    for (size_t i = 0; i < pair->facts->n_events; i++)
        if (dns_unknown(pair->facts->events[i].answer) &&
            (str_starts_nocase(pair->facts->events[i].name, STR("_dmarc.")) ||
             str_eq_nocase(pair->facts->events[i].name, pair->ours.dmarc->author_domain)))
            return true;
    return false;
}

bool class_dmarc_failed_lookup(const struct reference_pair *pair)
{
    return pair->ours.dmarc->result != DMARC_NONE && pair->theirs.dmarc->result == DMARC_NONE &&
           any_unknown_answer(pair);
}

bool class_dmarc_unknown_walk(const struct reference_pair *pair)
{
    const struct dmarc_outcome *ours = pair->ours.dmarc, *theirs = pair->theirs.dmarc;
    bool less_sure = pair->about == ABOUT_RESULT ? ours->result == DMARC_TEMPERROR
                     : pair->about == ABOUT_SPF_ALIGNMENT
                         ? !ours->spf_aligned
                         : pair->about == ABOUT_DKIM_ALIGNMENT && !ours->dkim_aligned;
    return less_sure && theirs->result != DMARC_TEMPERROR && any_unknown_answer(pair);
}

bool class_dmarc_np(const struct reference_pair *pair)
{
    return pair->about == ABOUT_POLICY && pair->ours.dmarc->policy_tag == 'n';
}

bool class_dmarc_testing(const struct reference_pair *pair)
{
    return pair->about == ABOUT_POLICY && pair->ours.dmarc->record.testing;
}

/* By a tree walk that did not have to go further, only the author domain itself aligns. */
static struct str organization(const struct dmarc_outcome *o)
{
    return o->organizational_domain.n ? o->organizational_domain : o->author_domain;
}

/* True if one of the records that were seen draws a boundary between organizations (psd=). */
static bool any_boundary(const struct reference_pair *pair)
{
    for (size_t i = 0; i < pair->facts->n_events; i++) {
        const struct dns_answer *answer = pair->facts->events[i].answer;
        for (size_t k = 0; pair->facts->events[i].type == DNS_TXT && k < answer->n; k++) {
            struct dmarc_record record;
            bool usable;
            if (dmarc_record_parse(pair->arena, answer->rr[k].text, &record, &usable) &&
                record.psd != 'u')
                return true;
        }
    }
    return false;
}

bool class_dmarc_discovery(const struct reference_pair *pair)
{
    const struct dmarc_outcome *ours = pair->ours.dmarc, *theirs = pair->theirs.dmarc;
    if (ours->discovery != DMARC_TREEWALK)
        return false;
    return !str_eq(organization(ours), organization(theirs)) ||
           !str_eq(ours->record_domain, theirs->record_domain) || any_boundary(pair);
}

/* Both look at the same place, and only one finds a policy there. */
bool class_dmarc_record_grammar(const struct reference_pair *pair)
{
    const struct dmarc_outcome *ours = pair->ours.dmarc, *theirs = pair->theirs.dmarc;
    if (pair->about == ABOUT_POLICY)
        return str_eq(ours->record_domain, theirs->record_domain);
    if (ours->result == DMARC_NONE)
        return theirs->record_domain.n > 0;
    return theirs->result == DMARC_PERMERROR ||
           (theirs->result == DMARC_NONE &&
            (str_eq(ours->record_domain, ours->author_domain) ||
             str_eq(ours->record_domain, theirs->organizational_domain)));
}

bool class_dmarc_above(const struct reference_pair *pair)
{
    const struct dmarc_request *request = pair->facts->dmarc;
    struct str organization_here = organization(pair->ours.dmarc);
    for (size_t i = 0; request && i < request->n_ids; i++) {
        const struct dmarc_identifier *id = &request->ids[i];
        if (id->auth == DMARC_AUTH_PASS && !str_eq(id->domain, organization_here) &&
            domain_is_at_or_below(organization_here, id->domain))
            return pair->about != ABOUT_POLICY;
    }
    return false;
}

bool class_dmarc_strict(const struct reference_pair *pair)
{
    const struct dmarc_outcome *ours = pair->ours.dmarc, *theirs = pair->theirs.dmarc;
    bool spf = ours->record.aspf == DMARC_STRICT && !ours->spf_aligned && theirs->spf_aligned;
    bool dkim = ours->record.adkim == DMARC_STRICT && !ours->dkim_aligned && theirs->dkim_aligned;
    return pair->about == ABOUT_SPF_ALIGNMENT    ? spf
           : pair->about == ABOUT_DKIM_ALIGNMENT ? dkim
                                                 : pair->about == ABOUT_RESULT && (spf || dkim);
}
