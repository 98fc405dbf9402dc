/* authres.h - Authentication-Results (RFC 8601): ours written, others' ids read. */
#ifndef ASSAY_MAIL_AUTHRES_H
#define ASSAY_MAIL_AUTHRES_H

#include "base/str.h"
#include "mail/header.h"

/* What stands before the first ';' of a received field (RFC 8601 2.2): comments, quoted string,
 * case and version understood. */
struct authres_head {
    bool parsed;     /* false: the id cannot be read */
    struct str id;   /* without quotes and comments; as written otherwise */
    bool version_ok; /* no version, or 1 */
    bool encoded;    /* an encoded word stands here, which may hide another id */
    size_t end;      /* where the ';' is, or the end of the value */
};
void authres_parse_head(struct arena *a, struct str value, struct authres_head *out);

/* True if a field with this head must not reach readers who trust `ids` (authserv-ids, normalised
 * by domain_normalize where possible): the id is one of them or cannot be read for sure (claim.h),
 * or the version is not 1 (RFC 8601 5). */
bool authres_is_forged(struct arena *a, const struct authres_head *head, const struct str *ids,
                       size_t n_ids);

/* The results of a received field. */
struct authres_property_said {
    struct str name, value; /* "header.from", as written; "reason"; unquoted */
};

struct authres_resinfo {
    struct str method, result; /* as written, unquoted */
    size_t n;
    const struct authres_property_said *properties;
};

struct authres_results {
    size_t n;
    const struct authres_resinfo *v;
};

#define AUTHRES_RESULTS_MAX    100
#define AUTHRES_PROPERTIES_MAX 500 /* of all results */

/* Reads the results of a field (RFC 8601 2.2): false unless all of it can be read, its version is
 * 1, and it is within these bounds. A ";" behind the last result is allowed. "none" has no results
 * and is not read. */
bool authres_parse(struct arena *a, struct str value, struct authres_results *out);

/* The same for a field that other software wrote: values may be empty, addresses in angle brackets,
 * network addresses without quotes, local parts with "="; and a result that cannot be read is left
 * out, if it is clear where it ends and that it is not about DMARC (then false). */
bool authres_parse_foreign(struct arena *a, struct str value, struct authres_results *out);

/* The value of the first property of this name (any case), or STR_NONE. */
struct str authres_property_of(const struct authres_resinfo *result, const char *ptype_property);

/* What a received field says of one method. */
struct authres_said {
    struct str result;   /* as written */
    struct str property; /* unquoted; empty: not there */
};

/* True if all of a field can be read, as by authres_parse(), and it says something of `method`
 * once; *out is what, with its property of this name ("header.from"). A method that stands there
 * twice counts as missing. */
bool authres_read(struct arena *a, struct str value, struct str method, const char *ptype_property,
                  struct authres_said *out);

/* Writer. Values are quoted where they are neither an RFC 2045 token nor a plain
 * [local-part]@domain, made safe, and cut at 256 bytes; comments likewise. Methods, results and
 * properties are the program's own words (RFC 8601 2.7). */
struct authres {
    struct header_folder fold;
    size_t results;
    bool properties; /* the resinfo begun last has some */
    bool bare;       /* no comments and no reasons */
};

void authres_begin(struct authres *w, struct arena *a, struct str authserv_id);
/* The value of ARC-Authentication-Results instead (RFC 8617 4.1.1). Comments and reasons are left
 * out: some who verify cannot read the field with them, and call the chain broken. */
void authres_begin_sealed(struct authres *w, struct arena *a, struct str authserv_id,
                          unsigned instance);
/* Starts a resinfo on a line of its own: method=result, and `comment` in parentheses if not empty.
 */
void authres_result(struct authres *w, struct str method, struct str result, struct str comment);
/* reason="..." of the resinfo begun last; the grammar wants it before the properties. */
void authres_reason(struct authres *w, struct str reason);
/* ptype.property=value of the resinfo begun last. */
void authres_property(struct authres *w, const char *ptype_property, struct str value);
/* The same, unless the value is empty: not known. */
void authres_known_property(struct authres *w, const char *name, struct str value);
/* The results of a received field once more, in our own writing. What has another form than words
 * and properties is left out. */
void authres_copy(struct authres *w, const struct authres_results *results);
/* The field's value with its leading space; "id; none" if there was no result. */
struct str authres_end(struct authres *w);

#endif
