/* record.h - an SPF record, parsed (RFC 7208 4.5, 4.6.1 and 12). */
#ifndef ASSAY_SPF_RECORD_H
#define ASSAY_SPF_RECORD_H

#include <stdint.h>

#include "base/netset.h"
#include "base/str.h"
#include "spf/spf.h"

enum spf_kind {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
    SPF_REDIRECT, /* the modifier; the last of the terms, whatever its place in the text */
};

/* A mechanism, or redirect. */
struct spf_term {
    enum spf_kind kind;
    enum spf_result result; /* of a match: pass, fail, softfail or neutral */
    struct str text;        /* as published, with its qualifier */
    struct str spec;        /* the domain-spec; STR_NONE: none was given */
    uint32_t letters;       /* the macros in it (macro.h) */
    uint8_t bits4, bits6;   /* prefix lengths */
    struct netaddr net;     /* ip4, ip6 (an IPv4-mapped network stays IPv6) */

    /* What evaluation finds out once. */
    bool target_known, target_is_name, asked;
    struct str target; /* target-name; DNS can be asked for it if target_is_name */
};

struct spf_record {
    struct spf_term *terms; /* those that evaluation can reach: none behind "all", none behind the
                               first look-up beyond the limit; no redirect beside an "all"; and that
                               may match: see spf_record_parse() */
    size_t n;
    struct str explanation; /* the domain-spec of exp=, or STR_NONE */
    uint32_t explanation_letters;
};

/* True if a TXT record's text is an SPF record: version "v=spf1", then a space or the end. */
bool spf_is_record(struct str text);

/* "include"; the modifier "redirect" too. */
struct str spf_kind_name(enum spf_kind kind);

/* True if evaluating the term needs DNS and counts for the limit (RFC 7208 4.6.4). */
bool spf_needs_lookup(enum spf_kind kind);

/* True if the client is in the network of an ip4 or ip6. */
bool spf_network_has(const struct spf_term *term, const struct netaddr *client);

/* Parses what spf_is_record() accepted. The whole text is checked; of the terms with a look-up no
 * more than max_lookups + 1 are stored, since evaluation cannot get beyond them, and of ip4 and ip6
 * only those with the client, since evaluation passes the others by (NULL: all are stored). On a
 * syntax error false, and *problem is a clean phrase in `a`. */
bool spf_record_parse(struct arena *a, struct str text, unsigned max_lookups,
                      const struct netaddr *client, struct spf_record *out, struct str *problem);

#endif
