/* check_reference.h - `assay check --reference`: what the field's libraries say of a message.
 *
 * check_reference.c       asks them, and compares
 * check_reference_say.c   the account, for people and for programs */
#ifndef ASSAY_MILTER_CHECK_REFERENCE_H
#define ASSAY_MILTER_CHECK_REFERENCE_H

#include "base/json.h"
#include "reference/compare.h"

struct check_case;

struct check_opinion {
    bool asked; /* there was something to ask */
    struct reference_report report;
    struct strbuf words; /* the result, if it was answered */
    bool renamed;        /* of signatures that do not hold some are called otherwise than by us */
};

/* Of all messages of a call. */
struct check_reference_counts {
    size_t statuses[REFERENCE_LIBRARY_COUNT][REFERENCE_STATUS_COUNT];
    size_t unlisted[REFERENCE_LIBRARY_COUNT];
    size_t *classes; /* in the order of reference_class_at() */
};

void check_reference_counts_init(struct check_reference_counts *counts, struct arena *a);

/* What they say of one message; it lives in the message's arena. */
struct check_reference {
    struct reference *libraries;
    struct check_reference_counts *counts;
    struct check_opinion opinions[REFERENCE_LIBRARY_COUNT];
    struct reference_differences differences;
};

/* Asks about a message that was judged. libopendmarc is given our identifiers and what we found of
 * them. Look-ups are traced like those of the message. */
void check_reference_ask(struct reference *libraries, struct check_reference_counts *counts,
                         const struct check_case *c, struct check_reference *out);

void check_reference_report(const struct check_reference *r);
void check_reference_json(struct json *j, const struct check_reference *r);
void check_reference_summary(const struct check_reference_counts *counts);

#endif
