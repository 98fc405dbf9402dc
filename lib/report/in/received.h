/* received.h - the store of reports that came to us: STATE-DIR/received.db.
 *
 * Who writes does so in transactions, so what was killed in its midst was never there. A report has
 * an identity (organization, id, domain, period, digest of the XML) and is counted once, however
 * often and by whichever way it comes. Daily sums are kept for ever; rows, and the identity of a
 * report whose rows went, as long as keep-rows says: what is known stays known (`gone`).
 *
 * Errors: false or a failure, and received_problem() is a phrase. A store is one thread's. */
#ifndef ASSAY_REPORT_IN_RECEIVED_H
#define ASSAY_REPORT_IN_RECEIVED_H

#include "report/in/find.h"

/* How far the mail that a report came with is to be believed. */
enum trust {
    TRUST_NONE,    /* DMARC did not pass, and nothing else */
    TRUST_OTHER,   /* SPF or DKIM passed, for another domain than From */
    TRUST_ALIGNED, /* DMARC passed */
    TRUST_FILE,    /* there was no mail: who has the right to hand files over did */
};
#define TRUST_COUNTED TRUST_ALIGNED       /* from here on it counts, unless somebody wants all */
const char *trust_word(enum trust trust); /* "none", "other", "aligned", "file" */
bool trust_of_word(struct str word, enum trust *trust);

struct received;

/* Opens for writing, and makes it if there is none. NULL and *problem (in `a`). */
struct received *received_open(struct str path, struct arena *a, struct str *problem);

/* Opens for reading, beside others that write. NULL with an empty *problem: there is no store yet.
 */
struct received *received_open_read(struct str path, struct arena *a, struct str *problem);
void received_close(struct received *r); /* NULL is allowed */
struct str received_problem(const struct received *r);

bool received_begin(struct received *r);
bool received_commit(struct received *r);
void received_undo(struct received *r);

/* Within a transaction: a place to go back to. */
bool received_mark(struct received *r);
bool received_release(struct received *r); /* what was written since stays */
bool received_back(struct received *r);    /* what was written since is undone */

/* --- Writing, between received_begin() and received_commit() ---*/

#define RECEIVED_KEY 16

/* A report as it is stored, without its rows. */
struct received_report {
    int64_t id; /* in this store */
    struct aggregate_head head;
    unsigned char digest[FIND_DIGEST];
    unsigned char key[RECEIVED_KEY]; /* its identity; received_identify() makes it */
    enum trust trust;
    bool damaged, repaired;
    int64_t received; /* seconds since 1970 */
    int64_t day;      /* that its messages count for: of the middle of its period */
    uint64_t size;    /* of the XML */
    uint64_t records, skipped, messages;
    struct str origin; /* where it came from, for people */
};

enum received_result { RECEIVED_NEW, RECEIVED_KNOWN, RECEIVED_FAILED };

/* Fills in key and day. */
void received_identify(struct received_report *report);

/* If it is new it is begun: its rows follow, then received_end(); else nothing is. Of one that was
 * known the higher trust and the earlier arrival count from now on. */
enum received_result received_put(struct received *r, struct received_report *report);
bool received_put_row(struct received *r, const struct received_report *report,
                      const struct aggregate_row *row);
/* The XML, compressed (zlib). */
bool received_put_raw(struct received *r, const struct received_report *report, struct str packed);
bool received_end(struct received *r, struct received_report *report);

/* `domain_of` the failure and the rest; RECEIVED_KNOWN by the digest. */
enum received_result received_put_failure(struct received *r, const struct failure_report *report,
                                          const unsigned char digest[FIND_DIGEST],
                                          int64_t received);
enum received_result received_put_tls(struct received *r, const struct tlsrpt *report,
                                      const unsigned char digest[FIND_DIGEST], int64_t received);

/* Something that could not be taken: RECEIVED_KNOWN by the input's digest, the part and the reason.
 * The earlier arrival counts; the newest RECEIVED_REFUSED_MAX are kept. Texts are as they came: who
 * shows them makes them safe. */
struct received_refusal {
    int64_t received;
    struct str origin, from, subject, what, why;
    unsigned char digest[FIND_DIGEST]; /* of the whole input */
};
#define RECEIVED_REFUSED_MAX 10000
enum received_result received_put_refusal(struct received *r,
                                          const struct received_refusal *refusal);

/* What is older goes; milliseconds, as in the configuration. At most once an hour.
 * Reports and TLS reports have the age of the end of their period, failure reports that of their
 * arrival. */
struct received_keeping {
    int64_t rows_ms, raw_ms, failures_ms;
};
bool received_drop_old(struct received *r, const struct received_keeping *keeping, int64_t now);

/* --- Addresses and who they belong to ---*/

/* Addresses of which nothing is known yet, those of most messages first, or whose question failed
 * before `again`. */
struct received_address {
    int64_t id;
    struct netaddr address;
};
size_t received_unknown_addresses(struct received *r, int64_t again, struct received_address *out,
                                  size_t max);
enum source_kind { SOURCE_NETWORK, SOURCE_NAME, SOURCE_AS };
struct received_owner {
    bool known;      /* false: the DNS did not answer; asked again later */
    struct str name; /* verified name of the host; empty: it has none */
    enum source_kind kind;
    struct str source;  /* "example.net", "AS64496 Example"; empty: its network */
    struct str country; /* two letters; empty: not known */
};
/* All that counted for the address counts for this source from now on. */
bool received_set_owner(struct received *r, const struct received_address *address,
                        const struct received_owner *owner, int64_t now);

/* The operator's word on a source. An empty class takes it back. The later of two words counts. */
struct received_label {
    struct str source, class, title;
    int64_t time; /* it was said; 0, when it is put: now */
};
bool received_put_label(struct received *r, const struct received_label *label);

/* --- Reading: each calls its function with what there is; false from that ends it. ---*/

struct received_wanted {
    struct str domain; /* empty: all */
    int64_t since;     /* whose period ends then or later; 0: all */
    struct str report; /* report_id; empty: all */
    int64_t changed;   /* stored then or later; 0: all */
};

typedef bool received_report_fn(void *context, const struct received_report *report);
typedef bool received_row_fn(void *context, const struct aggregate_row *row);
/* Newest period first. */
bool received_each(struct received *r, const struct received_wanted *wanted,
                   received_report_fn *each, void *context);
bool received_each_row(struct received *r, int64_t report_id, received_row_fn *each, void *context);

/* The XML; STR_NONE if it is not kept. */
struct str received_raw(struct received *r, int64_t report_id, struct arena *a);
struct str received_packed_raw(struct received *r, int64_t report_id, struct arena *a);

typedef bool received_refusal_fn(void *context, const struct received_refusal *refusal);
bool received_each_refusal(struct received *r, int64_t since, received_refusal_fn *each,
                           void *context);

typedef bool received_failure_fn(void *context, const struct failure_report *report,
                                 const unsigned char *digest, int64_t received);
bool received_each_failure(struct received *r, const struct received_wanted *wanted,
                           received_failure_fn *each, void *context);

typedef bool received_tls_fn(void *context, const struct tlsrpt *report,
                             const unsigned char *digest, int64_t received);
bool received_each_tls(struct received *r, const struct received_wanted *wanted,
                       received_tls_fn *each, void *context);

typedef bool received_label_fn(void *context, const struct received_label *label);
bool received_each_label(struct received *r, received_label_fn *each, void *context);

#endif
