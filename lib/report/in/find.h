/* find.h - what there is of reports in a mail or a file: aggregate reports, failure reports, TLS
 * reports, however they are packed.
 *
 * What something is, its first bytes tell; types and names say nothing here. A report that is not
 * well-formed is read again, mended (repair.h); if that is not enough, and metadata and policy
 * came, the rows that are whole are kept, and it is damaged. */
#ifndef ASSAY_REPORT_IN_FIND_H
#define ASSAY_REPORT_IN_FIND_H

#include "report/in/aggregate.h"
#include "report/in/content.h"
#include "report/in/failure.h"
#include "report/in/tlsrpt.h"

#define FIND_DIGEST 32

struct found_aggregate {
    const struct aggregate *report; /* its head, and what it has of rows */
    bool repaired, damaged;
    unsigned char digest[FIND_DIGEST]; /* SHA-256 of the XML as it came */
    uint64_t size;                     /* of it, in bytes */
    const struct content *content;     /* for found_rows() */
};

/* Reads the report once more, for its rows and its bytes. */
void found_rows(const struct found_aggregate *found, const struct aggregate_watch *watch);

/* Who wants to know. What is given lives until the function returns; false ends the search. */
struct find_sink {
    void *context;
    bool (*aggregate)(void *context, const struct found_aggregate *found);
    bool (*failure)(void *context, const struct failure_report *report,
                    const unsigned char digest[FIND_DIGEST]);
    bool (*tls)(void *context, const struct tlsrpt *report,
                const unsigned char digest[FIND_DIGEST]);
    /* Something that looks like a report and cannot be taken, or an input that holds none. `what`:
     * of a member of an archive, its name; may be absent. */
    bool (*refused)(void *context, struct str what, struct str why);
};

/* A mail, an XML document, or what is packed: of at most IN_XML_MAX bytes. False: a function of the
 * sink said so. */
bool find_reports(struct str input, const struct find_sink *sink);

/* True if the input begins as a mail does: with a header field, or the "From " of an mbox. */
bool find_is_mail(struct str input);

#endif
