/* own_results.c - our own results, for comparison.
 *
 * Errors: theirs. */
#include "reference/own_results.h"

struct spf_outcome own_results_spf(const struct engines *engines, const struct evidence *evidence,
                                   const struct spf_request *request, struct dns_asker *asker)
{
    struct spf_outcome outcome = evidence->spf.mail_from.outcome;
    if (engines && engines->spf != engines_own.spf)
        spf_check(request, asker, &outcome);
    return outcome;
}

const struct dkim_signature *own_results_dkim(const struct engines *engines,
                                              const struct evidence *evidence,
                                              const struct dkim_verify_settings *settings,
                                              const struct message *message, struct key_cache *keys,
                                              struct dns_asker *asker, size_t *n)
{
    const struct kept_body *body = &message->body;
    size_t skipped;
    *n = evidence->dkim.n;
    if (!engines || engines->dkim == engines_own.dkim)
        return evidence->dkim.signatures;
    struct dkim_verifier *v = dkim_verifier_new(settings, &message->headers, keys, asker);
    for (size_t i = 0; i < body->n; i++)
        dkim_verifier_body(v, body->pieces[i].p, body->pieces[i].n);
    return dkim_verifier_finish(v, asker, n, &skipped);
}
