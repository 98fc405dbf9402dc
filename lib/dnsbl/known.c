/* known.c - the table of known lists, and names that are fit for people.
 *
 * Errors: NULL where there is no such list. */
#include "base/ascii.h"
#include "dnsbl/dnsbl.h"
#include "mail/domain.h"

#define KEY_MIN 16 /* characters of a label that looks like a key; those of Spamhaus have 26 */

static const struct dnsbl_known table[] = {
#define DNSBL_LIST(z, k, d, f, c, e, l, g)                                                         \
    {.zone = z,                                                                                    \
     .keyed = k,                                                                                   \
     .kind = DNSBL_##d,                                                                            \
     .form = DNSBL_##f,                                                                            \
     .codes = c,                                                                                   \
     .errors = e,                                                                                  \
     .label = l,                                                                                   \
     .gone = g},
#include "dnsbl/known.def"
#undef DNSBL_LIST
};

static bool is_zone_of(const struct dnsbl_known *list, struct str zone)
{
    struct str own = str_of(list->zone);
    if (list->gone)
        return domain_is_at_or_below(zone, own);
    struct str parent = str_sub(zone, str_find(zone, 0, '.') + 1, zone.n);
    return str_eq(list->keyed ? parent : zone, own);
}

const struct dnsbl_known *dnsbl_find(struct str zone)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (is_zone_of(&table[i], zone))
            return &table[i];
    return NULL;
}

size_t dnsbl_known_count(void)
{
    return sizeof table / sizeof *table;
}

const struct dnsbl_known *dnsbl_known_at(size_t i)
{
    return &table[i];
}

/* Letters and digits mixed, and long. */
static bool looks_like_key(struct str label)
{
    size_t digits = 0, letters = 0;
    for (size_t i = 0; i < label.n; i++) {
        digits += ascii_is_digit(label.p[i]);
        letters += ascii_is_alpha(label.p[i]);
    }
    return label.n >= KEY_MIN && digits && letters && digits + letters == label.n;
}

struct str dnsbl_public_zone(struct str zone)
{
    const struct dnsbl_known *known = dnsbl_find(zone);
    if (known && !known->gone)
        return str_sub(zone, zone.n - str_of(known->zone).n, zone.n);
    size_t dot = str_find(zone, 0, '.');
    while (dot < zone.n && looks_like_key(str_sub(zone, 0, dot))) {
        zone = str_sub(zone, dot + 1, zone.n);
        dot = str_find(zone, 0, '.');
    }
    return zone;
}
