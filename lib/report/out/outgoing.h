/* outgoing.h - writes the rows of a day under one policy as reports, in the compatible form of RFC
 * 9990, which readers for RFC 7489 accept too.
 *
 * Elements have a fixed order, defaults are written out, only the envelope_from of bounces is
 * empty, and texts are clean. For destinations in `legacy-destinations` there is a second form,
 * without a namespace and without the disposition `pass`. A report that is too large is split by
 * rows into several ones, each with an id of its own. */
#ifndef ASSAY_REPORT_OUT_OUTGOING_H
#define ASSAY_REPORT_OUT_OUTGOING_H

#include "store/rows.h"

enum outgoing_form { FORM_STANDARD, FORM_LEGACY, FORM_COUNT };

/* What all reports of this host have in common. */
struct outgoing {
    struct str org_name; /* who we are, for people */
    struct str email;    /* for questions */
    struct str sender;   /* the address that reports come from; its domain is the submitter */
    struct str host;     /* tells the hosts of one submitter apart; it is a part of ids */
    struct str secret;   /* likewise; with it nobody else can guess an id */
    uint64_t xml_bytes, gz_bytes; /* limits of a report; it may have one row more */
};

#define OUTGOING_ID 32 /* letters and digits of a Report-ID */

struct str outgoing_submitter(const struct outgoing *o);

/* The id of a part (from 1), in `a`; always the same for the same part. */
struct str outgoing_id(const struct outgoing *o, const struct rows_period *period, int64_t number,
                       struct arena *a);

/* The first and last second of a day. */
int64_t outgoing_begin(int64_t day);
int64_t outgoing_end(int64_t day);

struct outgoing_part {
    int64_t number; /* from 1 */
    struct str report_id;
    uint64_t rows, messages;
    struct str gz[FORM_COUNT]; /* empty: this form is not wanted */
};
/* The part lives until the function returns; false ends building. */
typedef bool outgoing_part_fn(void *context, const struct outgoing_part *part);

/* Reads the rows and gives the parts, in the forms of this set (bits). False if reading failed
 * (rows_reader_problem()). Rows without a client's address are left out, and *left_out is their
 * number; if there are no other rows, there is no part. */
bool outgoing_build(const struct outgoing *o, struct rows_reader *reader,
                    const struct rows_period *period, unsigned forms, outgoing_part_fn *each,
                    void *context, uint64_t *left_out);

#endif
