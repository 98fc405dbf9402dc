/* macro.h - the macro language of SPF (RFC 7208 7): checked once, expanded when used. */
#ifndef ASSAY_SPF_MACRO_H
#define ASSAY_SPF_MACRO_H

#include <stdint.h>

#include "base/netset.h"
#include "base/str.h"

/* The macro letters a text uses: one bit each, either case. */
#define SPF_LETTER(c) (1U << ((c) - 'a'))

enum spf_macro_place {
    SPF_MACRO_IN_TERM,        /* c, r and t are not allowed (RFC 7208 7.2) */
    SPF_MACRO_IN_MODIFIER,    /* an unknown modifier: any letter */
    SPF_MACRO_IN_EXPLANATION, /* any letter, and spaces (explain-string) */
};

/* NULL if `text` is a macro-string of RFC 7208 7.1 for this place, else a phrase that says what is
 * wrong. *letters becomes the letters used. */
const char *spf_macro_check(struct str text, enum spf_macro_place place, uint32_t *letters);

/* The same for a domain-spec: a macro-string that ends in a top-level name or a macro. The letters
 * of one that is none are not told. */
const char *spf_domain_spec_check(struct str text, uint32_t *letters);

/* What the letters stand for (RFC 7208 7.2). */
struct spf_macro_values {
    struct str sender;        /* s */
    struct str local;         /* l */
    struct str sender_domain; /* o */
    struct str domain;        /* d */
    struct netaddr client;    /* i, c, v */
    struct str validated;     /* p; empty: "unknown" */
    struct str helo;          /* h */
    struct str receiver;      /* r; empty: "unknown" */
    int64_t now;              /* t */
};

/* A checked domain-spec as a name for DNS: lower case, without its last dot, and cut from the left,
 * label by label, to 253 bytes (RFC 7208 7.3). It need not be a name that can exist. */
struct str spf_expand_name(struct arena *a, struct str spec, const struct spf_macro_values *values);

/* A checked explain-string, cut at `max` bytes. */
struct str spf_expand_text(struct arena *a, struct str text, const struct spf_macro_values *values,
                           size_t max);

#endif
