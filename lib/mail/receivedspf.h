/* receivedspf.h - Received-SPF (RFC 7208 9.1): ours written, others' receiver= read. */
#ifndef ASSAY_MAIL_RECEIVEDSPF_H
#define ASSAY_MAIL_RECEIVEDSPF_H

#include "base/str.h"

struct received_spf {
    struct str result;    /* "pass", "fail", ... */
    struct str comment;   /* text in parentheses; cleaned here */
    struct str client_ip; /* keys; an absent or empty one is left out */
    struct str envelope_from;
    struct str helo;
    struct str identity; /* "mailfrom" or "helo" */
    struct str receiver;
    struct str mechanism;
    struct str problem;
};

/* The field's value with its leading space, folded; every value that is no dot-atom is quoted. */
struct str received_spf_format(struct arena *a, const struct received_spf *r);

/* True if a received field must not reach readers who trust `ids` (as claim_of() takes them): one
 * of its receiver= keys names one of them, or cannot be read for sure. */
bool received_spf_is_forged(struct arena *a, struct str value, const struct str *ids, size_t n_ids);

#endif
