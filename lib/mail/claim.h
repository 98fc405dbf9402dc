/* claim.h - whose name a header field gives itself: that of Authentication-Results (RFC 8601 2.5)
 * or of receiver= in Received-SPF (RFC 7208 9.1). */
#ifndef ASSAY_MAIL_CLAIM_H
#define ASSAY_MAIL_CLAIM_H

#include "base/str.h"

enum claim {
    CLAIM_FOREIGN,
    CLAIM_OURS,       /* one of our ids: case, trailing dot, U-labels and IDNA's mappings aside */
    CLAIM_UNREADABLE, /* readers may take it for another name than it is */
};

/* `ids` are normalised by domain_normalize() where possible. A name that is not all ASCII and not
 * made of U-labels (RFC 8616 lets ids be that) is unreadable: beside Unicode's white space, bytes
 * that are no UTF-8, and invisible characters, readers that decode and trim would find one of our
 * ids. */
enum claim claim_of(struct arena *a, struct str name, const struct str *ids, size_t n_ids);

/* True if an encoded word (RFC 2047 2) begins in the first `n` bytes of the text. None has a place
 * in these fields, but some readers decode all of a field before they parse it. */
bool claim_has_encoded_word(struct str text, size_t n);

#endif
