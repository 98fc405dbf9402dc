/* address_rewrite.h - the form in which a header field is delivered.
 *
 * What MTAs do to fields after their filters have seen them breaks signatures over them. Measured
 * with Sendmail 8.17 and Postfix 3.7: Sendmail writes address lists anew, and both break long
 * lines. A field is settled if no MTA has a reason to touch it; most others can be written so that
 * they are, and mean the same. */
#ifndef ASSAY_MAIL_ADDRESS_REWRITE_H
#define ASSAY_MAIL_ADDRESS_REWRITE_H

#include "mail/header.h"

/* The longest line, without its line end, that every MTA passes on: Sendmail's mailers for SMTP
 * break lines of more than 990 bytes, Postfix's those of more than 998 (RFC 5322 2.1.1). Of bodies
 * too. */
#define STABLE_LINE_MAX 990

enum address_rewrite {
    FIELD_IS_STABLE,
    FIELD_IS_REWRITTEN, /* *out is the value that is settled, with its leading space */
    FIELD_MAY_CHANGE,   /* neither */
};

/* What becomes of a field. `exact`: white space counts too (simple canonicalisation); else it is
 * all the same where it stands, and how much. *out may live in the arena. */
enum address_rewrite field_rewrite(struct arena *a, const struct header_field *field, bool exact,
                                   struct str *out);

/* True for a list that Sendmail leaves as it is, white space aside. False for some that it leaves,
 * too: what is rare is left to address_list_rewrite(). */
bool address_list_is_stable(struct str value);

/* The same list as Sendmail writes it, folds and all, behind a name of `used` columns with its
 * colon: display names quoted where they have to be, comments behind addresses, routes and empty
 * members dropped. False where Sendmail would still change it (a bare name, a literal), for what is
 * no list, and where a member is too long. */
bool address_list_rewrite(struct arena *a, struct str value, size_t used, struct str *out);

/* True if a line of the field is longer than STABLE_LINE_MAX; `used` as above. */
bool field_has_long_line(struct str value, size_t used);

/* The value with its long lines folded at white space, so that unfolding restores it (RFC 5322
 * 2.2.3). False if there is none to fold at. */
bool field_fold_long_lines(struct arena *a, struct str value, size_t used, struct str *out);

#endif
