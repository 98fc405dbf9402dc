/* shape.c - what looks like an SRS address of ours, without a secret.
 *
 * Errors: none. */
#include "srs/parts.h"

bool srs_is_of(struct str domain, struct str address)
{
    size_t at = str_find_last(address, '@');
    struct str user = str_sub(address, address.n && address.p[0] == '"', at);
    return at < address.n && srs_tag(user) >= 0 &&
           str_eq_nocase(str_sub(address, at + 1, address.n), domain);
}
