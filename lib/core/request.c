/* request.c - facts and configuration as questions to the protocol libraries.
 *
 * Errors: none. */
#include "core/request.h"

#define DMARC_QUERIES_MIN 10 /* an author domain takes nine */

static unsigned at_least(unsigned value, unsigned least)
{
    return value > least ? value : least;
}

struct request_shares request_shares(const struct conf *conf)
{
    unsigned all = (unsigned)conf->dns_max_queries;
    struct request_shares s = {
        .dmarc = at_least(all / 5, DMARC_QUERIES_MIN),
        .keys = at_least(all / 10, 1),
        .spare = at_least(all / 10, 1),
        .gate = all,
    };
    s.spf = all - s.dmarc - s.keys - s.spare;
    return s;
}

struct request_memory request_memory(const struct conf *conf)
{
    const struct request_shares s = request_shares(conf);
    size_t half = (size_t)conf->limits_dns_memory / 2;
    return (struct request_memory){.common = half,
                                   .set_aside = half / (s.dmarc + s.keys + s.spare)};
}

/* With libspf2 two evaluations ask: its own, and ours behind it. */
static unsigned spf_queries(const struct conf *conf)
{
    unsigned share = request_shares(conf).spf;
    return conf->spf_engine == SPF_BY_OWN ? share : share / 2;
}

static struct spf_request about(const struct conf *conf, const struct session *session,
                                const struct message *message, struct str local, struct str domain)
{
    struct spf_request request = {
        .client = session->client,
        .helo = session->helo,
        .local = local,
        .domain = domain,
        .receiver = conf->authserv_id,
        .now = message->now,
        .limits = spf_limits_default,
        .want_explanation = conf->spf_on_fail == ACTION_REJECT,
    };
    request.limits.void_lookups = (unsigned)conf->spf_void_lookups;
    request.limits.queries = spf_queries(conf);
    return request;
}

struct spf_request request_spf_helo(const struct conf *conf, const struct session *session,
                                    const struct message *message)
{
    return about(conf, session, message, STR("postmaster"), session->helo);
}

struct spf_request request_spf(const struct conf *conf, const struct session *session,
                               const struct message *message)
{
    const struct mail_path *from = &message->from;
    if (from->null)
        return request_spf_helo(conf, session, message);
    return about(conf, session, message, from->local, from->domain);
}

struct dkim_verify_settings request_dkim(const struct conf *conf, const struct message *message)
{
    return (struct dkim_verify_settings){
        .max_signatures = (unsigned)conf->dkim_max_signatures,
        .max_queries = request_shares(conf).keys,
        .min_key_bits = (unsigned)conf->dkim_min_key_bits,
        .max_key_bits = (unsigned)conf->dkim_max_key_bits,
        .partial_body = conf->dkim_partial_body,
        .clock_skew_s = conf->dkim_clock_skew / 1000,
        .now = message->now,
    };
}

bool request_arc(const struct conf *conf, const struct message *message, size_t n_signatures,
                 struct dkim_verify_settings *settings)
{
    unsigned keys = request_shares(conf).keys;
    *settings = request_dkim(conf, message);
    settings->max_queries = n_signatures < keys ? keys - (unsigned)n_signatures : 0;
    return settings->max_queries > 0;
}

enum dmarc_auth request_auth_of(const struct dkim_signature *signature)
{
    return signature->result == DKIM_PASS        ? DMARC_AUTH_PASS
           : signature->result == DKIM_TEMPERROR ? DMARC_AUTH_UNKNOWN
                                                 : DMARC_AUTH_FAIL;
}

/* False: SPF has nothing to say for DMARC. */
static bool spf_identifier(const struct evidence_spf_identity *mail_from,
                           struct dmarc_identifier *id)
{
    enum spf_result result = mail_from->outcome.result;
    *id = (struct dmarc_identifier){
        .domain = mail_from->outcome.domain,
        .auth = result == SPF_PASS        ? DMARC_AUTH_PASS
                : result == SPF_TEMPERROR ? DMARC_AUTH_UNKNOWN
                                          : DMARC_AUTH_FAIL,
        .spf = true,
    };
    return mail_from->checked && mail_from->outcome.domain.n;
}

struct dmarc_request request_dmarc(const struct conf *conf, const struct message *message,
                                   const struct evidence *evidence)
{
    unsigned *left = arena_make(message->arena, unsigned);
    const struct evidence_dkim *dkim = &evidence->dkim;
    struct dmarc_identifier *ids =
        arena_array(message->arena, struct dmarc_identifier, dkim->n + 1);
    size_t n = spf_identifier(&evidence->spf.mail_from, &ids[0]);
    for (size_t i = 0; i < dkim->n; i++) {
        const struct dkim_signature *s = &dkim->signatures[i];
        if (s->domain.n)
            ids[n++] = (struct dmarc_identifier){.domain = s->domain, .auth = request_auth_of(s)};
    }
    *left = evidence->dmarc.identifier_queries;
    return (struct dmarc_request){
        .ids = ids, .n_ids = n, .psl = conf->psl, .identifier_queries = left};
}
