/* outgoing.h - a day's rows under one policy as reports that others can read: the compatible form
 * of RFC 9990, which readers made for RFC 7489 take too.
 *
 * Elements stand in a fixed order, defaults are written out, nothing is empty but envelope_from of
 * bounces, and texts are clean. For destinations in `legacy-destinations` there is a second form,
 * without namespace, which knows no disposition `pass`. What is too large is split by rows into
 * several reports, each with an id of its own. */
#ifndef ASSAY_REPORT_OUT_OUTGOING_H
#define ASSAY_REPORT_OUT_OUTGOING_H

#include "store/rows.h"

enum outgoing_form { FORM_STANDARD, FORM_LEGACY, FORM_COUNT };

/* What all reports of this host have in common. */
struct outgoing {
    struct str org_name; /* who we are, for people */
    struct str email;    /* whom to ask */
    struct str sender;   /* the address that reports come from; its domain is the submitter */
    struct str host;     /* tells the hosts of one submitter apart: it goes into ids */
    struct str secret;   /* likewise, so that nobody else can tell an id beforehand */
    uint64_t xml_bytes, gz_bytes; /* of one report, at most; a row more is allowed */
};

#define OUTGOING_ID 32 /* letters and digits of a Report-ID */

struct str outgoing_submitter(const struct outgoing *o);

/* The id of a part (from 1), in `a`: the same whenever it is asked for. */
struct str outgoing_id(const struct outgoing *o, const struct rows_period *period, int64_t number,
                       struct arena *a);

/* The first and last second of a day. */
int64_t outgoing_begin(int64_t day);
int64_t outgoing_end(int64_t day);

struct outgoing_part {
    int64_t number; /* from 1 */
    struct str report_id;
    uint64_t rows, messages;
    struct str gz[FORM_COUNT]; /* empty: this form was not asked for */
};
/* What is given lives until it returns; false ends the building. */
typedef bool outgoing_part_fn(void *context, const struct outgoing_part *part);

/* Reads the rows and gives the parts, in the forms of this set (bits). False if the reading failed
 * (rows_reader_problem()). Rows without a client's address are left out: *left_out is their number;
 * if there are no others, there is no part. */
bool outgoing_build(const struct outgoing *o, struct rows_reader *reader,
                    const struct rows_period *period, unsigned forms, outgoing_part_fn *each,
                    void *context, uint64_t *left_out);

#endif
