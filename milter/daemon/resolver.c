/* resolver.c - from the options of the dns group to lib/dns.
 *
 * Errors: NULL and a phrase for the operator. */
#include "milter/daemon/resolver.h"

struct dns *resolver_open(const struct conf *conf, struct arena *a, struct str *problem)
{
    struct dns_settings settings = {
        .servers = conf->dns_servers.v,
        .n_servers = conf->dns_servers.n,
        .recurse = conf->dns_servers.set && !conf->dns_servers.n,
        .dnssec = conf->dns_dnssec,
        .timeout_ms = conf->dns_timeout,
        .cache_bytes = conf->dns_cache_size,
        .max_ttl_s = conf->dns_max_ttl / 1000,
        .negative_ttl_s = conf->dns_negative_ttl / 1000,
        .failure_ttl_s = conf->dns_failure_ttl / 1000,
        .max_in_flight = (unsigned)conf->dns_max_in_flight,
        .trust_anchor = conf->dns_trust_anchor.n ? str_cstr(a, conf->dns_trust_anchor) : NULL,
    };
    return dns_open(&settings, a, problem);
}
