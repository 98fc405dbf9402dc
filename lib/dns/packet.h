/* packet.h - DNS messages: queries written, answers read (RFC 1035 4, RFC 6891, RFC 2308). */
#ifndef ASSAY_DNS_PACKET_H
#define ASSAY_DNS_PACKET_H

#include "dns/backend.h"

#define DNS_PACKET_QUERY_MAX (12 + DNS_NAME_MAX + 4 + 11)
#define DNS_PACKET_UDP_SIZE  1232 /* what we accept over UDP: no fragments on any path */

/* Writes a query: RD and AD (RFC 6840 5.7), one question, EDNS(0) with its OPT record last. The
 * letters whose bit in `cases` is set are written in upper case (letter i takes bit i % 64): a
 * forged answer has to repeat them. Returns the length. */
size_t dns_packet_query(uint8_t out[DNS_PACKET_QUERY_MAX], const struct dns_question *q,
                        uint16_t id, uint64_t cases);

/* The query without its OPT record: its length. For servers that know no EDNS. */
size_t dns_packet_drop_opt(uint8_t *query, size_t n);

/* Of a message of at least DNS_PACKET_HEADER bytes. */
#define DNS_PACKET_HEADER 12
uint16_t dns_packet_id(const uint8_t *packet);
bool dns_packet_truncated(const uint8_t *packet);

/* True if the message says FORMERR or NOTIMP without an OPT record of its own: a server that knows
 * no EDNS says that of a query that has it (RFC 6891 7). */
bool dns_packet_denies_edns(const uint8_t *packet);

/* Makes SERVFAIL of what the message says. */
void dns_packet_make_servfail(uint8_t *packet);

/* True if the message repeats the query's question byte for byte. */
bool dns_packet_echoes(const uint8_t *packet, size_t n, const uint8_t *query);

/* True if the message says that it is about the query's question, in letters of any case, or has
 * no question at all, as some errors have none. */
bool dns_packet_is_about(const uint8_t *packet, size_t n, const uint8_t *query);

struct dns_packet {
    struct dns_answer answer; /* texts and records in the arena; security is UNCHECKED */
    bool authentic;           /* AD */
    bool follow; /* the chain of CNAMEs ends at `target` and nothing is said about that: ask */
    struct dns_name target;
};

/* Reads the answer to q. What cannot be used (malformed, another question, truncated, a referral,
 * an rcode other than NOERROR and NXDOMAIN) is DNS_SERVFAIL. */
void dns_packet_read(const uint8_t *packet, size_t n, const struct dns_question *q, struct arena *a,
                     struct dns_packet *out);

#endif
