/* reply.h - an answer in one block of memory, as the cache keeps it. */
#ifndef ASSAY_DNS_REPLY_H
#define ASSAY_DNS_REPLY_H

#include "dns/dns.h"

struct dns_reply {
    size_t bytes; /* of the whole block */
    struct dns_answer answer;
    struct dns_rr rr[]; /* what answer.rr points to; the texts stand behind them */
};

/* A copy of *answer, MX records sorted by preference. Never NULL; free with free(). */
struct dns_reply *dns_reply_new(const struct dns_answer *answer, enum dns_type type);

/* The same for an answer without records. */
struct dns_reply *dns_reply_empty(enum dns_status status, uint32_t ttl);

#endif
