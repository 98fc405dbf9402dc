/* zone.h - a zone held in memory.
 *
 * One record a line, in the manner of RFC 1035 5.1:
 *
 *     $ORIGIN example.com.             ; what relative names end with; "." at the beginning
 *     $TTL 300                         ; for the records that follow; 3600 at the beginning
 *     $SECURE yes                      ; the names that follow are DNS_SECURE; "no" ends that
 *     @            TXT   "v=spf1 mx -all"
 *     www 60 IN    A     192.0.2.1     ; TTL and class may be left out
 *                  AAAA  2001:db8::1   ; a line that begins with a space keeps the name above
 *     @            MX    10 mail       ; "MX 0 ." is the null MX
 *     s1._domainkey TXT  ( "v=DKIM1; k=rsa; "
 *                          "p=MIIB..." ) ; parentheses join lines, TXT joins its strings
 *     alias        CNAME www.example.net.
 *     *.wild       A     192.0.2.9     ; RFC 4592
 *
 * Absolute names end with a dot; with no $ORIGIN all names are absolute, and the dot may be left
 * out. In strings and names \DDD is a byte and \X the character X (a dot so written is part of its
 * label). A TXT string may be longer than 255 bytes. SOA and NS say that the name exists and are
 * otherwise ignored. A name with others below it exists too (NODATA, not NXDOMAIN).
 *
 * Pseudo types:
 *
 *     down         SERVFAIL            ; whatever is asked of this name that it has no records of
 *     silent       TIMEOUT             ; the same, and at once: combine it with DELAY
 *     forged       BOGUS               ; the same
 *     slow         DELAY 200ms         ; every answer about this name comes so much later (ms, s)
 */
#ifndef ASSAY_DNS_ZONE_H
#define ASSAY_DNS_ZONE_H

#include "dns/dns.h"
#include "dns/name.h"

struct zone_record {
    struct zone_record *next;
    enum dns_type type;
    uint32_t ttl;
    struct dns_rr rr;
    struct dns_name target; /* CNAME */
};

struct zone_node {
    struct zone_node *next; /* in its bucket */
    struct dns_name name;
    bool given; /* stands in the text; else it is only the parent of others */
    bool secure;
    enum dns_status otherwise; /* the answer for types without records */
    int64_t delay_us;
    struct zone_record *records; /* in the order of the text */
};

#define ZONE_BUCKETS 1024 /* a power of two */

struct zone {
    struct arena *arena;
    bool delays; /* some name has a delay */
    struct zone_node *buckets[ZONE_BUCKETS];
};

/* The node of exactly this name, or NULL. */
struct zone_node *zone_find(const struct zone *zone, const struct dns_name *name);

/* The same, but it and its ancestors are made where they are missing. */
struct zone_node *zone_make(struct zone *zone, const struct dns_name *name);

/* Fills the zone from text; false, and *problem is a phrase with the line's number (in `a`). */
bool zone_load(struct zone *zone, struct str text, struct arena *a, struct str *problem);

/* The answer (in `a`), and *delay_us, the time that it is to take. */
struct dns_answer zone_answer(const struct zone *zone, const struct dns_name *name,
                              enum dns_type type, struct arena *a, int64_t *delay_us);

#endif
