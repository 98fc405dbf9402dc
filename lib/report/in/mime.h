/* mime.h - the parts of a mail (RFC 2045, 2046), as far as reports need them, read without trust in
 * what headers say: multiparts without a boundary, headers with typing errors, base64 with junk.
 *
 * Names of files are not read: what a part is, its first bytes tell. */
#ifndef ASSAY_REPORT_IN_MIME_H
#define ASSAY_REPORT_IN_MIME_H

#include "mail/header.h"

enum mime_kind {
    MIME_LEAF,
    MIME_FEEDBACK,         /* message/feedback-report (RFC 5965) */
    MIME_ORIGINAL,         /* beside one: the message that it is about, or its header */
    MIME_RETURNED_MESSAGE, /* in a bounce: what somebody sent, and got back */
};

struct mime_part {
    enum mime_kind kind;
    struct str type;                   /* "text/plain", lower case; empty: not said */
    const struct header_list *message; /* of the message that it stands in */
    unsigned message_depth;            /* 0: the mail itself; 1: a message in it */
    struct str bytes;                  /* decoded; of an original as it stands */
};

/* Calls `each` for every part without parts of its own; what is given lives until it returns, and
 * false ends the walk. At most IN_PARTS_MAX parts, IN_MAIL_DEPTH deep. */
typedef bool mime_part_fn(void *context, const struct mime_part *part);
void mime_walk(struct str message, mime_part_fn *each, void *context);

/* The fields of a message's header, of the first 256 kB of them, and the body. A line "From ..."
 * of an mbox before it is passed over. */
void mime_split(struct arena *a, struct str message, struct header_list *headers, struct str *body);

/* Base64 as it comes: what is no digit is passed over; what stands behind padding is left out. */
struct str mime_decode_base64(struct arena *a, struct str text);

/* A parameter of a field such as Content-Type, unquoted; with RFC 2231 continuations ("name*0"),
 * and their percent-encoding undone. STR_NONE: not there. */
struct str mime_parameter(struct arena *a, struct str value, struct str name);

#endif
