/* dnsbl.h - DNS lists (RFC 5782): what is asked, and what an answer means.
 *
 * An answer is an address in 127.0.0.0/8, which is a code and no address. Whether a code is a
 * listing says the list's filter; some codes are complaints of the list about who asks. All that is
 * no clear answer is "unknown": no listing, of block lists as of allow lists. */
#ifndef ASSAY_DNSBL_DNSBL_H
#define ASSAY_DNSBL_DNSBL_H

#include "base/arena.h"
#include "base/netset.h"
#include "base/str.h"
#include "dns/dns.h"

enum dnsbl_kind { DNSBL_CLIENT, DNSBL_ALLOW, DNSBL_DOMAIN };
enum dnsbl_form { DNSBL_WHOLE, DNSBL_ORGANIZATIONAL };

/* A set of codes. Each octet has its bounds; with `bits` the last one has one of these. */
struct dnsbl_codes {
    size_t n;
    struct dnsbl_code {
        uint8_t low[4], high[4], bits;
    } * v;
};

/* Adds codes from text: "127.0.0.2", "127.0.0.2-127.0.0.11", and for each octet a number, "*",
 * "[2..11]" or, for the last one, "&6": any of these bits. Several are parted by commas. NULL, or
 * what is wrong, as a phrase behind the text in quotes. */
const char *dnsbl_codes_add(struct dnsbl_codes *codes, struct str text, struct arena *a);
/* The codes as dnsbl_codes_add() takes them, the i-th of them. */
struct str dnsbl_code_text(const struct dnsbl_code *code, struct arena *a);
bool dnsbl_codes_have(const struct dnsbl_codes *codes, const struct netaddr *answer);

/* A list that is known by its zone. */
struct dnsbl_known {
    const char *zone;
    bool keyed; /* asked as KEY.zone */
    enum dnsbl_kind kind;
    enum dnsbl_form form;
    const char *codes, *errors; /* for dnsbl_codes_add(); empty: those of all lists */
    const char *label;
    const char *gone; /* "was closed on ..."; NULL: it is alive */
};
/* NULL: none is known by this zone (normalised), with or without a key. */
const struct dnsbl_known *dnsbl_find(struct str zone);
size_t dnsbl_known_count(void);
const struct dnsbl_known *dnsbl_known_at(size_t i);
/* The zone without the key in it, for people: what looks like a key goes from zones that are not
 * known, too. A part of `zone`. */
struct str dnsbl_public_zone(struct str zone);

/* A list as it is asked. */
struct dnsbl_list {
    struct str zone; /* normalised; may hold a secret */
    enum dnsbl_kind kind;
    enum dnsbl_form form;
    struct dnsbl_codes codes;  /* listings */
    struct dnsbl_codes errors; /* beside those of all lists */
};

/* Codes where a list has none of its own: 127.0.0.2 to 127.0.0.254. */
#define DNSBL_CODES "127.0.0.2-127.0.0.254"

/* What is asked about an address, a domain: the name in the zone; absent if it would be too long.
 * Of a domain as many labels are left out, from the left, as make it fit. */
struct str dnsbl_address_name(struct arena *a, const struct netaddr *address, struct str zone);
struct str dnsbl_domain_name(struct arena *a, struct str domain, struct str zone);
/* What is never listed, and what always is (RFC 5782 5): for addresses of this family, or, with 0,
 * domains. */
struct str dnsbl_probe_never(struct arena *a, int family, struct str zone);
struct str dnsbl_probe_always(struct arena *a, int family, struct str zone);

enum dnsbl_result {
    DNSBL_NOT_ASKED,
    DNSBL_CLEAR,
    DNSBL_LISTED,
    DNSBL_UNKNOWN, /* DNS trouble: could be either */
    DNSBL_REFUSED, /* the list does not answer us */
    DNSBL_BROKEN,  /* what it says is no answer of a DNS list, or it lists the whole world */
    DNSBL_PENDING, /* the answer is still under way */
};
const char *dnsbl_result_name(enum dnsbl_result result);

struct dnsbl_answer {
    enum dnsbl_result result;
    bool counts;         /* listed, with a code that the filter has */
    struct netaddr code; /* of a listing, the first that counts; of an error, that one */
    const char *cause;   /* of what is not known, and the cure; else NULL */
};

/* Any listing counts once, whatever the number of codes; one complaint makes the whole answer no
 * listing. */
void dnsbl_read(const struct dnsbl_list *list, const struct dns_answer *answer,
                struct dnsbl_answer *out);

/* What the answers to both probes say of the list: NULL if it may be used, else why not. *empty:
 * what always is listed is not, so "not listed" means little. */
const char *dnsbl_unfit(const struct dnsbl_list *list, const struct dns_answer *never,
                        const struct dns_answer *always, bool *empty);

/* True for addresses that no list knows anything of: loopback, private, link-local, shared (RFC
 * 6598), unspecified and multicast. */
bool dnsbl_is_private(const struct netaddr *address);

#endif
