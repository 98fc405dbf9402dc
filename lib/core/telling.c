/* telling.c - texts of the network as log fields.
 *
 * Errors: none; every text is cleaned and cut. */
#include "core/telling.h"

#define WORD_MAX 128

static struct str without(struct arena *a, struct str s, char unwanted)
{
    struct strbuf b;
    if (str_find(s, 0, unwanted) == s.n)
        return s;
    sb_init(&b, a);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == unwanted)
            sb_printf(&b, "\\x%02X", (unsigned char)unwanted);
        else
            sb_addc(&b, s.p[i]);
    }
    return sb_str(&b);
}

struct str telling_word(struct arena *a, struct str s)
{
    return without(a, str_safe(a, s, WORD_MAX, true), ' ');
}

struct str telling_quoted(struct arena *a, struct str s)
{
    return without(a, str_safe(a, s, WORD_MAX, true), '"');
}
