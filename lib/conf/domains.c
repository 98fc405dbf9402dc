/* domains.c - is a domain, or an address, on a list?
 *
 * Errors: none. */
#include "conf/conf.h"
#include "mail/domain.h"
#include "mail/pattern.h"

static bool is_sorted_in(const struct conf_strings *list, struct str name)
{
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp_nocase(list->sorted[middle], name);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* The domain, then those above it. */
static bool sorted_has(const struct conf_strings *list, struct str domain)
{
    bool found = domain.n && is_sorted_in(list, domain);
    for (size_t dot = str_find(domain, 0, '.'); !found && dot < domain.n;
         dot = str_find(domain, dot + 1, '.'))
        found = is_sorted_in(list, str_sub(domain, dot + 1, domain.n));
    return found;
}

bool conf_has_domain(const struct conf_strings *list, struct str domain)
{
    if (list->all)
        return domain.n > 0;
    if (list->sorted)
        return sorted_has(list, domain);
    for (size_t i = 0; i < list->n; i++)
        if (domain_is_at_or_below(domain, list->v[i]))
            return true;
    return false;
}

bool conf_has_address(const struct conf_strings *list, struct arena *a, struct str address)
{
    bool found = false;
    struct str subject = list->n ? pattern_normalize(a, address) : STR("");
    for (size_t i = 0; i < list->n && !found; i++)
        found = pattern_match(list->v[i], subject);
    return found;
}
