/* mime.h - the parts of a mail (RFC 2045, 2046), as far as reports need them. Headers are not
 * trusted: there are multiparts without a boundary, headers with typing errors, and base64 with
 * junk in it.
 *
 * Names of files are not read: the first bytes of a part say what it is. */
#ifndef ASSAY_REPORT_IN_MIME_H
#define ASSAY_REPORT_IN_MIME_H

#include "mail/header.h"

enum mime_kind {
    MIME_LEAF,
    MIME_FEEDBACK, /* message/feedback-report (RFC 5965) */
    MIME_ORIGINAL, /* beside a feedback report: the message that it is about, or its header */
    MIME_RETURNED_MESSAGE, /* in a bounce: the message that came back */
};

struct mime_part {
    enum mime_kind kind;
    struct str type;                   /* "text/plain", lower case; empty: not said */
    const struct header_list *message; /* of the message that contains the part */
    unsigned message_depth;            /* 0: the mail itself; 1: a message in it */
    struct str bytes;                  /* decoded; an original is not decoded */
};

/* Calls `each` for every part that has no parts of its own; what it gets lives until it returns,
 * and false ends the walk. At most IN_PARTS_MAX parts, IN_MAIL_DEPTH deep. */
typedef bool mime_part_fn(void *context, const struct mime_part *part);
void mime_walk(struct str message, mime_part_fn *each, void *context);

/* The fields in the first 256 kB of a message's header, and the body. A line "From ..." of an mbox
 * before them is skipped. */
void mime_split(struct arena *a, struct str message, struct header_list *headers, struct str *body);

/* Tolerant base64: skips what is not a digit, and ignores everything behind the padding. */
struct str mime_decode_base64(struct arena *a, struct str text);

/* A parameter of a field such as Content-Type, unquoted. RFC 2231 continuations ("name*0") are
 * joined, and their percent-encoding is undone. STR_NONE: not there. */
struct str mime_parameter(struct arena *a, struct str value, struct str name);

#endif
