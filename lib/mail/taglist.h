/* taglist.h - tag=value lists of DKIM signatures and keys (RFC 6376 3.2) and DMARC records
 * (RFC 9989 4.7), parsed once into an array. */
#ifndef ASSAY_MAIL_TAGLIST_H
#define ASSAY_MAIL_TAGLIST_H

#include "base/str.h"

struct tag {
    struct str name;  /* as written */
    struct str value; /* trimmed of FWS at both ends; inner FWS kept */
};

enum taglist_status { TAGLIST_OK, TAGLIST_SYNTAX, TAGLIST_DUPLICATE, TAGLIST_TOO_MANY };

#define TAGLIST_MAX 256

/* Names are compared byte by byte (RFC 6376 3.2), or as literals of ABNF, which are of either case
 * (RFC 5234 2.3, for RFC 9989 4.8). */
enum taglist_names { TAGLIST_EXACT, TAGLIST_ANY_CASE };

struct taglist {
    enum taglist_names names;
    size_t n;
    struct tag *tags; /* in order, in the arena; values point into the text */
};

/* RFC 6376 3.2: strict; a trailing ';' is allowed, and valid UTF-8 in values (RFC 8616 5). On an
 * error *problem is a phrase. */
enum taglist_status taglist_parse(struct arena *a, struct str text, struct taglist *out,
                                  struct str *problem);

/* The lenient form for DMARC: parts that are no tag=value are skipped (in the first place one
 * leaves a tag without name, so that tags[0] is what the text begins with), of duplicates the first
 * counts. Values may hold any byte but ';'. */
void taglist_parse_lenient(struct arena *a, struct str text, enum taglist_names names,
                           struct taglist *out);

/* The value of the tag of this name, or STR_NONE if it is absent (an empty value has p != NULL). */
struct str taglist_get(const struct taglist *list, struct str name);

/* The value without any white space (FWS): base64 and colon lists. */
struct str taglist_strip(struct arena *a, struct str value);

#endif
