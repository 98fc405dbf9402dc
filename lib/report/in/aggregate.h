/* aggregate.h - aggregate reports (RFC 9990, RFC 7489 appendix C) as reporters really write them,
 * read from a stream.
 *
 * Prefixes of element names and attributes are ignored. Everything but the report's id may be
 * missing. Rows without an address are left out and counted. Texts are without control characters,
 * white space at their ends and more than one blank within, and cut at IN_FIELD_MAX. */
#ifndef ASSAY_REPORT_IN_AGGREGATE_H
#define ASSAY_REPORT_IN_AGGREGATE_H

#include <stdint.h>

#include "base/netset.h"
#include "report/in/stream.h"

struct aggregate_policy {
    struct str domain; /* lower case, A-labels if it is a domain name */
    struct str p, sp, np, pct, adkim, aspf, fo, testing, discovery; /* as written */
};

struct aggregate_head {
    struct str version, org_name, email, contact, report_id, error, generator;
    int64_t begin, end; /* seconds since 1970; 0: not said */
    struct aggregate_policy policy;
    bool has_metadata, has_policy; /* their end tags were seen */
};

struct aggregate_dkim {
    struct str domain, selector, result; /* result: lower case, else as written */
};

struct aggregate_spf {
    struct str domain, scope, result;
};

struct aggregate_reason {
    struct str type, comment;
};

/* What was done with a message; missing and unknown words are AGGREGATE_UNSAID. */
enum aggregate_disposition {
    AGGREGATE_NONE,
    AGGREGATE_PASS,
    AGGREGATE_QUARANTINE,
    AGGREGATE_REJECT,
    AGGREGATE_UNSAID,
};
const char *aggregate_disposition_word(enum aggregate_disposition d); /* NULL: unsaid */

struct aggregate_row {
    struct netaddr source;
    int64_t count;
    enum aggregate_disposition disposition;
    bool dkim, spf; /* the evaluation says "pass"; any other word counts as no pass */
    size_t n_reasons, n_dkim, n_spf;
    struct aggregate_reason reasons[IN_REASONS];
    struct aggregate_dkim auth_dkim[IN_SIGNATURES];
    struct aggregate_spf auth_spf[IN_SPF_RESULTS];
    struct str header_from, envelope_from, envelope_to; /* lower case; absent: not said */
};

enum aggregate_end {
    AGGREGATE_WHOLE,
    AGGREGATE_BROKEN,  /* not well-formed from some place on */
    AGGREGATE_FOREIGN, /* something else: its outermost element is not <feedback> */
    AGGREGATE_REFUSED, /* beyond a limit, or with a DOCTYPE */
};

struct aggregate {
    enum aggregate_end end;
    struct str why; /* not whole: a phrase */
    struct aggregate_head head;
    size_t rows, skipped; /* given to row(); without an address */
    uint64_t messages;    /* of the rows */
    bool more;            /* with `repair`: another report stands behind this one */
};

/* What the caller wants to see while a report is read; each function may be NULL. A row lives until
 * its function returns; if it returns false, reading ends, and the report counts as refused. */
struct aggregate_watch {
    void *context;
    bool (*row)(void *context, const struct aggregate_row *row);
    void (*bytes)(void *context, struct str piece); /* all bytes of the report, as they came */
};

/* Reads the stream to its end, with `repair` through repair.h. Texts of the head live in `a`. */
void aggregate_read(struct stream *s, struct arena *a, bool repair,
                    const struct aggregate_watch *watch, struct aggregate *out);

#endif
