/* reference.h - the field's libraries - libspf2, libopendkim, libopendmarc - asked at arm's length.
 *
 * They run in worker processes (lib/reference/worker, the program assay-reference) that can do
 * nothing but compute: no network, no files, bounded memory and time. A worker is told the facts,
 * asks for DNS answers over its socket - which are fetched here, by the asker, and pass our own
 * parsers on their way -, and returns what its library concludes, in the structures that our own
 * libraries fill. What comes from a worker is checked like anything remote.
 *
 * A crash, a time-out and a refusal are answers: the caller has a result of our own beside it. */
#ifndef ASSAY_REFERENCE_REFERENCE_H
#define ASSAY_REFERENCE_REFERENCE_H

#include "dkim/dkim.h"
#include "dmarc/dmarc.h"
#include "dns/dns.h"
#include "spf/spf.h"

enum reference_library { REFERENCE_LIBSPF2, REFERENCE_LIBOPENDKIM, REFERENCE_LIBOPENDMARC };
#define REFERENCE_LIBRARY_COUNT 3

const char *reference_library_name(enum reference_library library); /* "libspf2" */

enum reference_status {
    REFERENCE_ANSWERED,
    REFERENCE_REFUSED,   /* the library is not given this: the reason says what */
    REFERENCE_CRASHED,   /* the worker ended, or broke the protocol */
    REFERENCE_TIMED_OUT, /* the worker was killed at the time limit */
    REFERENCE_BUSY,      /* no worker was free within the time limit */
    REFERENCE_ABSENT,    /* no worker could be started */
    REFERENCE_STATUS_COUNT
};

const char *reference_status_name(enum reference_status status); /* "timed out" */

struct reference_settings {
    const char *program;   /* assay-reference; NULL: beside the running program */
    unsigned workers;      /* processes, each asked by one thread at a time */
    int64_t time_limit_ms; /* of one question to a library; time in our own DNS is not counted */
};

/* The program that is started where the settings name none, in `a`: beside the running program if
 * it is there, else where it is installed. */
const char *reference_find_program(struct arena *a);

/* The pool of workers. Any thread may ask. */
struct reference;

/* Starts the workers. NULL, and *problem (in `a`): the program cannot be started, or is not of this
 * version. A worker that ends later is replaced, not more often than a few times in a second. */
struct reference *reference_open(const struct reference_settings *settings, struct arena *a,
                                 struct str *problem);
/* The caller hears at once that no library is there. For an orderly end. */
void reference_give_up(struct reference *r);
/* Ends them. No caller may ask any more. */
void reference_close(struct reference *r);

/* "libspf2 1.2.10": what the workers said of themselves. */
const char *reference_library_version(const struct reference *r, enum reference_library library);

/* How it went; what else is returned has meaning only with REFERENCE_ANSWERED. */
struct reference_report {
    enum reference_status status;
    struct str reason;  /* a phrase, clean, in the asker's arena; empty if answered */
    int64_t took_us;    /* in the worker, without our DNS */
    unsigned questions; /* DNS questions that the library had */
    bool unknown;       /* one of them was not answered */
};

/* libspf2's check_host(). Limits of the request that libspf2 does not have are ignored. `pending`
 * is never set: ask when the asker may wait, or when the answers are there already. */
struct reference_report reference_spf(struct reference *r, const struct spf_request *request,
                                      struct dns_asker *asker, struct spf_outcome *out);

/* A body in pieces, as it came. */
struct reference_body {
    size_t n;
    const struct str *pieces;
};

/* libopendkim's verification of the newest settings->max_signatures signatures. Signatures in the
 * order of the message, as dkim_verifier_finish() gives them. */
struct reference_report reference_dkim(struct reference *r,
                                       const struct dkim_verify_settings *settings,
                                       const struct header_list *headers,
                                       const struct reference_body *body, struct dns_asker *asker,
                                       const struct dkim_signature **signatures, size_t *n,
                                       size_t *skipped);

/* libopendmarc's policy and alignment (RFC 7489 with the public suffix list of the worker), given
 * the identifiers and what became of their checks. Of an outcome those fields are filled in that
 * libopendmarc knows: result, record_domain, organizational_domain, record.p and sp and adkim and
 * aspf, policy, spf_aligned, dkim_aligned. */
struct reference_report reference_dmarc(struct reference *r, const struct dmarc_request *request,
                                        struct dns_asker *asker, struct dmarc_outcome *out);

#endif
