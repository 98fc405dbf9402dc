/* answer.h - figures and reports as JSON, in one form for terminals and pages. assay-report(1)
 * describes the members.
 *
 * A function writes one object of an array, unless it says otherwise. */
#ifndef ASSAY_REPORT_IN_ANSWER_H
#define ASSAY_REPORT_IN_ANSWER_H

#include "base/json.h"
#include "report/in/alarms.h"
#include "report/in/readiness.h"

/* Members of the object that is open. */
void answer_counts(struct json *j, const struct figures_counts *c);
void answer_source(struct json *j, const struct figures_source *s);
void answer_detail(struct json *j, const struct figures_detail *d);

/* What fails: of one source, or, with null as the source, of all of them. */
void answer_failing(struct json *j, const struct figures_source *s);
void answer_failing_all(struct json *j, const struct figures *f);
void answer_reporter(struct json *j, const struct figures_reporter *r);
void answer_readiness(struct json *j, const struct readiness *r);
void answer_alarm(struct json *j, const struct alarm *a);

/* The tags of the record, as the report names them; empty: it does not say. */
#define ANSWER_TAGS 9
void answer_tags(const struct aggregate_policy *p, struct json_member tags[static ANSWER_TAGS]);

/* Opens an object, which stays open for its rows: answer_head(), then an array of answer_row(). */
void answer_report(struct json *j, const struct received_report *r);
void answer_head(struct json *j, const struct aggregate_head *h); /* members */
void answer_row(struct json *j, const struct aggregate_row *row);

void answer_refusal(struct json *j, const struct received_refusal *r);
void answer_tls(struct json *j, const struct tlsrpt *r, int64_t received); /* with its policies */

/* A report about a single message: opens an object, which stays open. */
void answer_single(struct json *j, const struct failure_report *r, int64_t received);
void answer_failures(struct json *j, const struct figures_failures *f); /* sums of a source */

#endif
