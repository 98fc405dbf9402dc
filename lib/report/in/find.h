/* find.h - finds the reports in a mail or a file, however they are packed: aggregate reports,
 * failure reports, TLS reports.
 *
 * The first bytes say what something is; types and names are ignored. A report that is not
 * well-formed is read again through repair.h. If that is not enough, but metadata and policy are
 * there, the complete rows are kept, and the report is marked as damaged. */
#ifndef ASSAY_REPORT_IN_FIND_H
#define ASSAY_REPORT_IN_FIND_H

#include "report/in/aggregate.h"
#include "report/in/content.h"
#include "report/in/failure.h"
#include "report/in/tlsrpt.h"

#define FIND_DIGEST 32

struct found_aggregate {
    const struct aggregate *report; /* its head, and the numbers of its rows */
    bool repaired, damaged;
    unsigned char digest[FIND_DIGEST]; /* SHA-256 of the XML as it came */
    uint64_t size;                     /* of the XML, in bytes */
    const struct content *content;     /* for found_rows() */
};

/* Reads the report once more, for its rows and its bytes. */
void found_rows(const struct found_aggregate *found, const struct aggregate_watch *watch);

/* The functions that get what is found. What they get lives until they return; false ends the
 * search. */
struct find_sink {
    void *context;
    bool (*aggregate)(void *context, const struct found_aggregate *found);
    bool (*failure)(void *context, const struct failure_report *report,
                    const unsigned char digest[FIND_DIGEST]);
    bool (*tls)(void *context, const struct tlsrpt *report,
                const unsigned char digest[FIND_DIGEST]);
    /* Something that looks like a report and cannot be read, or an input without a report. `what`:
     * the name of a member of an archive; absent for others. */
    bool (*refused)(void *context, struct str what, struct str why);
};

/* The input is a mail, an XML document, or a compressed file or archive, of at most IN_XML_MAX
 * bytes. False: a function of the sink returned false. */
bool find_reports(struct str input, const struct find_sink *sink);

/* True if the input begins as a mail does: with a header field, or the "From " of an mbox. */
bool find_is_mail(struct str input);

#endif
