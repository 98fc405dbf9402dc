/* domain.c - domain names as text.
 *
 * Errors: false for what is no domain name. The only foreign call is libidn2, for names with
 * U-labels. */
#include "mail/domain.h"

#include <idn2.h>
#include <string.h>

#include "base/ascii.h"

#define LABEL_MAX 63 /* RFC 1035 2.3.4 */
/* No code point takes more than 4 bytes. What mapping drops, such as variation selectors, has room
 * beside a name that is shorter; with more of it a text is no name. */
#define ULABEL_TEXT_MAX (4 * (DOMAIN_MAX + 1))

bool domain_has_labels(struct str name, unsigned char lowest)
{
    size_t label = 0;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c < lowest || c >= 0x7F)
            return false;
        if (c != '.' && ++label > LABEL_MAX)
            return false;
        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
        }
    }
    return label > 0;
}

bool domain_normalize_ascii(struct arena *a, struct str text, struct str *out)
{
    *out = STR_NONE;
    if (text.n && text.p[text.n - 1] == '.')
        text.n--;
    if (text.n > DOMAIN_MAX || !domain_has_labels(text, 0x21) || text.p[0] == '[')
        return false;
    *out = str_lower(a, text);
    return true;
}

bool domain_is_host_text(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!ascii_is_alnum(name.p[i]) && (!name.p[i] || !strchr("-_.", name.p[i])))
            return false;
    return name.n > 0;
}

static bool normalize_idn(struct arena *a, struct str text, int mapping, struct str *out)
{
    uint8_t *mapped = NULL;
    if (text.n > ULABEL_TEXT_MAX || memchr(text.p, '\0', text.n))
        return false;
    const uint8_t *name = (const uint8_t *)str_cstr(a, text);
    if (idn2_lookup_u8(name, &mapped, IDN2_NFC_INPUT | mapping) != IDN2_OK)
        return false;
    /* Mappings of UTS 46 can yield any ASCII: U+2100 becomes "a/c". */
    struct str alabels = str_of((const char *)mapped);
    bool ok = domain_is_host_text(alabels) && domain_normalize_ascii(a, alabels, out);
    idn2_free(mapped);
    return ok;
}

bool domain_normalize(struct arena *a, struct str text, struct str *out)
{
    *out = STR_NONE;
    return str_is_ascii(text) ? domain_normalize_ascii(a, text, out)
                              : normalize_idn(a, text, IDN2_NONTRANSITIONAL, out);
}

bool domain_normalize_2003(struct arena *a, struct str text, struct str *out)
{
    *out = STR_NONE;
    return str_is_ascii(text) ? domain_normalize_ascii(a, text, out)
                              : normalize_idn(a, text, IDN2_TRANSITIONAL, out);
}

bool domain_is_unmapped(struct arena *a, struct str text)
{
    struct str name;
    return str_is_ascii(text) ? domain_normalize_ascii(a, text, &name)
                              : normalize_idn(a, text, IDN2_NO_TR46, &name);
}

size_t domain_labels(struct str name)
{
    size_t n = name.n ? 1 : 0;
    for (size_t i = 0; i < name.n; i++)
        n += name.p[i] == '.';
    return n;
}

struct str domain_last_labels(struct str name, size_t n)
{
    size_t start = name.n;
    if (n == 0)
        return str_sub(name, start, start);
    while (start > 0 && (name.p[start - 1] != '.' || --n > 0))
        start--;
    return str_sub(name, start, name.n);
}

bool domain_is_at_or_below(struct str name, struct str parent)
{
    if (parent.n == 0 || name.n < parent.n)
        return false;
    struct str tail = str_sub(name, name.n - parent.n, name.n);
    return str_eq(tail, parent) && (tail.p == name.p || tail.p[-1] == '.');
}

bool domain_ends_in_number(struct str name)
{
    unsigned long long number;
    return str_to_u64(domain_last_labels(name, 1), UINT64_MAX, &number);
}

struct str domain_common(struct str a, struct str b)
{
    struct str label;
    while (a.n && !domain_is_at_or_below(b, a))
        str_split(&a, '.', &label);
    return a;
}
