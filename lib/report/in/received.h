/* received.h - the store of reports that came to us: STATE-DIR/received.db.
 *
 * All writing happens in transactions, so nothing half-written is left after a kill. A report has
 * an identity (organization, id, domain, period, digest of the XML) and is counted once, however
 * often it comes. Daily sums are kept for ever; rows as long as keep-rows says. The identity of a
 * report whose rows were deleted stays (`gone`), so that it is not counted again.
 *
 * Errors: false or a failure, and received_problem() is a phrase. A store is one thread's. */
#ifndef ASSAY_REPORT_IN_RECEIVED_H
#define ASSAY_REPORT_IN_RECEIVED_H

#include "report/in/find.h"

/* How far the mail with the report can be trusted. */
enum trust {
    TRUST_NONE,    /* nothing passed */
    TRUST_OTHER,   /* SPF or DKIM passed for another domain than that in From */
    TRUST_ALIGNED, /* DMARC passed */
    TRUST_FILE,    /* no mail: somebody with the right to do so handed over a file */
};
#define TRUST_COUNTED TRUST_ALIGNED       /* the lowest trust that counts by default */
const char *trust_word(enum trust trust); /* "none", "other", "aligned", "file" */
bool trust_of_word(struct str word, enum trust *trust);

struct received;

/* Opens the store for writing, and makes it if there is none. On failure NULL, and *problem (in
 * `a`) is a phrase. */
struct received *received_open(struct str path, struct arena *a, struct str *problem);

/* Opens the store for reading, while others write. One of an earlier version is brought up to date,
 * if its files may be written. NULL with an empty *problem: there is no store yet. */
struct received *received_open_read(struct str path, struct arena *a, struct str *problem);
void received_close(struct received *r); /* NULL is allowed */
struct str received_problem(const struct received *r);

bool received_begin(struct received *r);
bool received_commit(struct received *r);
void received_undo(struct received *r);

/* Sets a place within the transaction that received_back() goes back to. */
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
    int64_t day;      /* the day that its messages count for: that in the middle of its period */
    uint64_t size;    /* of the XML */
    uint64_t records, skipped, messages;
    struct str origin; /* where the report came from, for people */
    struct str author; /* the domain that its mail passed DMARC for; empty: none */
    bool other;        /* this is not the reporter that the report names (reporter.h) */
    struct str sender; /* whose share of a day it is stored in: received_put() alone looks at it */
    uint64_t share;    /* that share, in bytes of XML; 0: no bound */
};

/* RECEIVED_FULL: nothing was stored, because the share of its sender is full. */
enum received_result { RECEIVED_NEW, RECEIVED_KNOWN, RECEIVED_FAILED, RECEIVED_FULL };

/* Fills in key and day. */
void received_identify(struct received_report *report);

/* If the report is new, begins it: its rows follow, then received_end(). If it is known, nothing
 * follows; the higher trust and the earlier arrival are kept, and of two authors the one that is
 * the reporter. */
enum received_result received_put(struct received *r, struct received_report *report);
bool received_put_row(struct received *r, const struct received_report *report,
                      const struct aggregate_row *row);
/* The XML, compressed (zlib). */
bool received_put_raw(struct received *r, const struct received_report *report, struct str packed);
bool received_end(struct received *r, struct received_report *report);

/* Stores a failure report; RECEIVED_KNOWN if one with this digest is stored. */
enum received_result received_put_failure(struct received *r, const struct failure_report *report,
                                          const unsigned char digest[FIND_DIGEST],
                                          int64_t received);
enum received_result received_put_tls(struct received *r, const struct tlsrpt *report,
                                      const unsigned char digest[FIND_DIGEST], int64_t received);

/* An input that was refused; RECEIVED_KNOWN if one with the same digest, part and reason is stored.
 * The earlier arrival counts; the newest RECEIVED_REFUSED_MAX are kept. Texts are as they came: the
 * code that prints them makes them safe. */
struct received_refusal {
    int64_t received;
    struct str origin, from, subject, what, why;
    unsigned char digest[FIND_DIGEST]; /* of the whole input */
};
#define RECEIVED_REFUSED_MAX 10000
enum received_result received_put_refusal(struct received *r,
                                          const struct received_refusal *refusal);

/* How long things are kept, in milliseconds, as in the configuration. received_drop_old() deletes
 * what is older, at most once an hour. The age of reports and TLS reports counts from the end of
 * the report period, that of failure reports from their arrival. */
struct received_keeping {
    int64_t rows_ms, raw_ms, failures_ms;
};
bool received_drop_old(struct received *r, const struct received_keeping *keeping, int64_t now);

/* Where the store is a file: the bytes in it that hold nothing any more, and are used before it
 * grows; and what waits beside the file is moved into it, as far as nobody reads meanwhile. */
uint64_t received_unused(struct received *r);
void received_shrink(struct received *r);

/* --- Addresses and their owners --- */

/* Addresses of which nothing is known yet, or whose look-up failed before `again`; those with most
 * messages come first. */
struct received_address {
    int64_t id;
    struct netaddr address;
};
size_t received_unknown_addresses(struct received *r, int64_t again, struct received_address *out,
                                  size_t max);
enum source_kind { SOURCE_NETWORK, SOURCE_NAME, SOURCE_AS };
struct received_owner {
    bool known;      /* false: DNS did not answer; it is asked again later */
    struct str name; /* verified name of the host; empty: it has none */
    enum source_kind kind;
    struct str source;  /* "example.net", "AS64496 Example"; empty: its network */
    struct str country; /* two letters; empty: not known */
};
/* Moves all that was counted for the address to this source. */
bool received_set_owner(struct received *r, const struct received_address *address,
                        const struct received_owner *owner, int64_t now);

/* The operator's label of a source. An empty class removes it. Of two labels the later one counts.
 */
struct received_label {
    struct str source, class, title;
    int64_t time; /* when the label was set; 0 for received_put_label(): now */
};
bool received_put_label(struct received *r, const struct received_label *label);
/* A report named this source. False, too, if the store failed. */
bool received_has_source(struct received *r, struct str name);

/* --- Reading: calls `each` with what there is, and ends if that returns false. --- */

/* When a report period ended, or when the report came (`received`) if it does not say that, or says
 * a time far ahead. */
int64_t received_believed_end(int64_t end, int64_t received);

struct received_wanted {
    struct str domain; /* empty: all */
    int64_t since;     /* only reports whose believed end is then or later; 0: all */
    struct str report; /* report_id; empty: all */
    int64_t changed;   /* only what was stored then or later; 0: all */
    /* Of failure reports alone: */
    struct str source; /* only those of this source; empty: all */
    int64_t before;    /* only those that count for a time before this one; 0: all */
};

typedef bool received_report_fn(void *context, const struct received_report *report);
typedef bool received_row_fn(void *context, const struct aggregate_row *row);
/* Newest first: by the end of the period, or by the arrival if the period ends after that. */
bool received_each(struct received *r, const struct received_wanted *wanted,
                   received_report_fn *each, void *context);
bool received_each_row(struct received *r, int64_t report_id, received_row_fn *each, void *context);

/* The XML, or its compressed form; STR_NONE if it is not kept. */
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
