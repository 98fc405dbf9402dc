/* probe.h - what a resolver can: asked directly, past the cache. */
#ifndef ASSAY_DNS_PROBE_H
#define ASSAY_DNS_PROBE_H

#include "dns/dns.h"

struct dns_probe {
    struct dns_server server; /* filled in by the caller */
    bool udp, tcp;            /* it answers, whatever it answers */
    bool edns;                /* over UDP with an OPT record (RFC 6891) */
    bool authentic;           /* it says that it has validated the root's own name (AD) */
};

#define DNS_PROBES_MAX 16

/* Asks all of them at once (at most DNS_PROBES_MAX), over UDP twice if need be and over TCP, and
 * returns when all have answered or after `timeout_us`. */
void dns_probe(struct dns_probe *probes, size_t n, int64_t timeout_us);

#endif
