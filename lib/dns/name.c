/* name.c - domain names between text and wire form (RFC 1035 3.1).
 *
 * Errors: false for what is no name; nothing else can go wrong. */
#include "dns/name.h"

#include <string.h>

#include "base/ascii.h"

bool dns_name_add_label(struct dns_name *name, const void *label, size_t n)
{
    const char *bytes = label;
    /* One byte stays free for the root. */
    if (n == 0 || n > DNS_LABEL_MAX || name->n + 1 + n > DNS_NAME_MAX - 1)
        return false;
    name->wire[name->n++] = (uint8_t)n;
    for (size_t i = 0; i < n; i++)
        name->wire[name->n++] = (uint8_t)ascii_lower(bytes[i]);
    return true;
}

bool dns_name_end(struct dns_name *name)
{
    if (name->n >= DNS_NAME_MAX)
        return false;
    name->wire[name->n++] = 0;
    return true;
}

bool dns_name_parse(struct str text, struct dns_name *out)
{
    struct str label;
    out->n = 0;
    if (text.n && text.p[text.n - 1] == '.')
        text.n--;
    if (text.n == 0)
        return false;
    while (str_split(&text, '.', &label))
        if (!dns_name_add_label(out, label.p, label.n))
            return false;
    return dns_name_end(out);
}

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
    return a->n == b->n && memcmp(a->wire, b->wire, a->n) == 0;
}

void dns_name_parent(const struct dns_name *name, struct dns_name *out)
{
    size_t skip = name->wire[0] ? (size_t)name->wire[0] + 1 : 0;
    uint8_t n = (uint8_t)(name->n - skip);
    memmove(out->wire, name->wire + skip, n);
    out->n = n;
}

struct str dns_name_text(struct arena *a, const struct dns_name *name)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t at = 0; name->wire[at]; at += (size_t)name->wire[at] + 1) {
        if (at)
            sb_addc(&b, '.');
        for (size_t i = 1; i <= name->wire[at]; i++) {
            uint8_t c = name->wire[at + i];
            if (c > 0x20 && c < 0x7F && c != '.' && c != '\\')
                sb_addc(&b, (char)c);
            else
                sb_printf(&b, "\\%03u", c);
        }
    }
    if (b.n == 0)
        sb_addc(&b, '.');
    return sb_str(&b);
}
