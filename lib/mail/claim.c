/* claim.c - whose name a header field gives itself.
 *
 * Errors: none; a name that cannot be read is a finding. */
#include "mail/claim.h"

#include "base/ascii.h"
#include "mail/domain.h"

static bool is_one_of(struct str name, const struct str *ids, size_t n_ids)
{
    for (size_t i = 0; i < n_ids; i++)
        if (str_eq_nocase(name, str_trim(ids[i])))
            return true;
    return false;
}

enum claim claim_of(struct arena *a, struct str name, const struct str *ids, size_t n_ids)
{
    struct str normal;
    name = str_trim(name);
    if (is_one_of(name, ids, n_ids))
        return CLAIM_OURS;
    if (domain_normalize(a, name, &normal) && is_one_of(normal, ids, n_ids))
        return CLAIM_OURS;
    if (str_is_ascii(name))
        return CLAIM_FOREIGN;
    if (!domain_is_unmapped(a, name))
        return CLAIM_UNREADABLE;
    if (domain_normalize_2003(a, name, &normal) && is_one_of(normal, ids, n_ids))
        return CLAIM_OURS;
    return CLAIM_FOREIGN;
}

/* "=?charset?q?" or "=?charset?b?" at `at`: the position behind it, or 0. Readers take an empty
 * charset for one. */
static size_t encoded_word_begins(struct str text, size_t at)
{
    size_t mark = str_find(text, at + 2, '?');
    if (mark + 2 >= text.n || text.p[mark + 2] != '?')
        return 0;
    char encoding = ascii_lower(text.p[mark + 1]);
    return encoding == 'q' || encoding == 'b' ? mark + 3 : 0;
}

bool claim_has_encoded_word(struct str text, size_t n)
{
    size_t end = text.n; /* the last "?=" */
    while (end > 1 && !(text.p[end - 2] == '?' && text.p[end - 1] == '='))
        end--;
    for (size_t at = 0; at < n && at + 1 < end; at++) {
        if (text.p[at] != '=' || text.p[at + 1] != '?')
            continue;
        size_t inside = encoded_word_begins(text, at);
        if (inside && inside + 2 <= end)
            return true;
    }
    return false;
}
