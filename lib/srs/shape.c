/* shape.c - what looks like an SRS address of ours, without a secret.
 *
 * Errors: none. */
#include "srs/parts.h"

#include "mail/address.h"

/* The beginning of a local part as the MTA will read it: without its quotes and backslashes. */
static struct str beginning(struct str local, char out[SRS_TAG_BYTES + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < local.n && n < SRS_TAG_BYTES + 1; i++) {
        if (local.p[i] == '"')
            continue;
        i += local.p[i] == '\\' && i + 1 < local.n;
        out[n++] = local.p[i];
    }
    return (struct str){out, n};
}

bool srs_is_of(struct str domain, struct str address)
{
    char begins[SRS_TAG_BYTES + 1];
    struct mail_path path;
    if (!mail_path_parse(address, &path))
        return false;
    if (str_ends_nocase(path.domain, STR(".")))
        path.domain.n--;
    return srs_tag(beginning(path.local, begins)) >= 0 && str_eq_nocase(path.domain, domain);
}
