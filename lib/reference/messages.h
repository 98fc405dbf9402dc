/* messages.h - what stands in the frames between assay and assay-reference, both directions.
 *
 *     worker                     assay
 *     HELLO                                        once, when the worker is ready
 *                                JOB               SPF and DMARC: all of it
 *                                BODY*, BODY_END   DKIM: the body follows
 *     QUESTION                                     any number of times, one open at once,
 *                                ANSWER            and only after the job is told to its end
 *     RESULT or REFUSAL                            ends the job
 *
 * After a REFUSAL or RESULT the worker waits for the next job, or ends itself where it has used up
 * its CPU: assay takes the end of the stream between two jobs for that. Assay that does not want to
 * wait for the end of a job kills the worker. The worker dies with the thread that started it
 * (PR_SET_PDEATHSIG): start it from one that lasts. Both ends are the same release's: the version
 * tells strangers apart, there is no negotiation.
 *
 * Writers return false if it does not fit into a frame: nothing has been appended then. Readers
 * return false for what the other side may not say. Strings that were read are views of the
 * payload, which must outlive them, except phrases and normalised names: these live in the arena.
 */
#ifndef ASSAY_REFERENCE_MESSAGES_H
#define ASSAY_REFERENCE_MESSAGES_H

#include "reference/frame.h"
#include "reference/reference.h"

#define MESSAGES_VERSION 1
#define WORKER_SOCKET    3 /* the descriptor that the worker finds its socket at */

/* Names and versions of the libraries, "libspf2 1.2.10". */
struct hello {
    struct str versions[REFERENCE_LIBRARY_COUNT];
};

bool hello_write(struct strbuf *out, const struct hello *hello);
bool hello_read(struct arena *a, struct str payload, struct hello *hello);

/* What a worker is asked: of the three the one of its library. */
struct job {
    enum reference_library library;
    struct spf_request spf; /* without limits and step */
    struct dkim_verify_settings dkim;
    struct header_list headers;
    struct dmarc_request dmarc; /* without list and step */
};

bool job_write_spf(struct strbuf *out, const struct spf_request *request);
bool job_write_dkim(struct strbuf *out, const struct dkim_verify_settings *settings,
                    const struct header_list *headers);
bool job_write_dmarc(struct strbuf *out, const struct dmarc_request *request);
bool job_read(struct arena *a, struct str payload, struct job *job);

/* A piece of the body may be written from where it lies: frame_head() with FRAME_BODY and at most
 * FRAME_BODY_MAX bytes at once. */

#define QUESTION_NAME_MAX 255
struct question {
    struct str name; /* any bytes: dns_lookup() decides whether it is a name */
    enum dns_type type;
};

bool question_write(struct strbuf *out, const struct question *question);
bool question_read(struct str payload, struct question *question);

/* An answer that no frame holds is said as DNS_SERVFAIL; DNS_PENDING as DNS_TIMEOUT. */
void answer_write(struct strbuf *out, const struct dns_answer *answer);
bool answer_read(struct arena *a, struct str payload, struct dns_answer *answer);

/* Texts in results; what is longer is cut by the writer. */
#define RESULT_TERM_MAX 512   /* a name, a mechanism, the beginning of b= */
#define RESULT_TEXT_MAX 16384 /* an explanation, an identity */

/* Of an outcome: result, mechanism, problem, explanation, lookup_terms. The domain is the
 * request's. */
bool result_write_spf(struct strbuf *out, const struct spf_outcome *outcome);
bool result_read_spf(struct arena *a, struct str payload, const struct spf_request *request,
                     struct spf_outcome *outcome);

/* At most settings->max_signatures. A worker says d= and s= as they are written; a pass for what is
 * no domain name is read as permerror. */
bool result_write_dkim(struct strbuf *out, const struct dkim_signature *signatures, size_t n,
                       size_t skipped);
bool result_read_dkim(struct arena *a, struct str payload,
                      const struct dkim_verify_settings *settings,
                      const struct dkim_signature **signatures, size_t *n, size_t *skipped);

/* Of an outcome: what reference.h names, and record.has_sp, policy_tag and reason. The result
 * may be DMARC_PERMERROR, for a record that opendmarc reports so. A domain that is neither the
 * author domain nor above it is read as none. */
bool result_write_dmarc(struct strbuf *out, const struct dmarc_outcome *outcome);
bool result_read_dmarc(struct arena *a, struct str payload, const struct dmarc_request *request,
                       struct dmarc_outcome *outcome);

/* Why the library is not given this, or has no result: a phrase. */
void refusal_write(struct strbuf *out, struct str reason);
bool refusal_read(struct arena *a, struct str payload, struct str *reason);

#endif
