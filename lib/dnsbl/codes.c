/* codes.c - sets of answers of a DNS list, as they are written.
 *
 * Errors: a phrase that says what is wanted. */
#include <string.h>

#include "dnsbl/dnsbl.h"

#define WANTED                                                                                     \
    "is no answer of a DNS list: wanted are 127.0.0.2, 127.0.0.2-127.0.0.11, 127.0.0.[2..11], "    \
    "127.0.0.&6 (any of these bits)"

static bool octet_number(struct str text, uint8_t *out)
{
    unsigned long long value;
    if (!str_to_u64(text, 255, &value))
        return false;
    *out = (uint8_t)value;
    return true;
}

/* "[2..11]" */
static bool octet_range(struct str text, uint8_t *low, uint8_t *high)
{
    struct str inside = str_sub(text, 1, text.n - 1);
    size_t dot = str_find(inside, 0, '.');
    return text.n > 2 && text.p[text.n - 1] == ']' && dot + 1 < inside.n &&
           inside.p[dot + 1] == '.' && octet_number(str_sub(inside, 0, dot), low) &&
           octet_number(str_sub(inside, dot + 2, inside.n), high) && *low <= *high;
}

static bool read_octet(struct str text, unsigned i, struct dnsbl_code *code)
{
    code->low[i] = 0;
    code->high[i] = 255;
    if (str_eq(text, STR("*")))
        return true;
    if (text.n && text.p[0] == '[')
        return octet_range(text, &code->low[i], &code->high[i]);
    if (text.n && text.p[0] == '&')
        return i == 3 && octet_number(str_sub(text, 1, text.n), &code->bits) && code->bits;
    bool good = octet_number(text, &code->low[i]);
    code->high[i] = code->low[i];
    return good;
}

/* The end of an octet's text: a dot that stands in no brackets. */
static size_t octet_end(struct str text, size_t from)
{
    bool inside = false;
    while (from < text.n && (inside || text.p[from] != '.')) {
        inside = text.p[from] == '[' || (inside && text.p[from] != ']');
        from++;
    }
    return from;
}

static bool read_code(struct str text, struct dnsbl_code *code)
{
    size_t at = 0;
    *code = (struct dnsbl_code){{0}, {0}, 0};
    for (unsigned i = 0; i < 4; i++) {
        size_t end = octet_end(text, at);
        if ((i < 3) != (end < text.n) || !read_octet(str_sub(text, at, end), i, code))
            return false;
        at = end + 1;
    }
    return code->low[0] == 127 && code->high[0] == 127;
}

static void append_range(struct dnsbl_codes *codes, const struct dnsbl_code *code, struct arena *a)
{
    codes->v = arena_grow(a, codes->v, codes->n * sizeof *code, (codes->n + 1) * sizeof *codes->v);
    codes->v[codes->n++] = *code;
}

/* "127.0.0.2-127.0.0.11", within one block of 256 */
static const char *add_range(struct dnsbl_codes *codes, struct str text, size_t dash,
                             struct arena *a)
{
    struct dnsbl_code first, last;
    if (!read_code(str_sub(text, 0, dash), &first) ||
        !read_code(str_sub(text, dash + 1, text.n), &last) || first.bits || last.bits ||
        memcmp(first.low, last.high, 3) != 0 || memcmp(first.low, first.high, 4) != 0 ||
        memcmp(last.low, last.high, 4) != 0 || first.low[3] > last.high[3])
        return WANTED;
    first.high[3] = last.high[3];
    append_range(codes, &first, a);
    return NULL;
}

static const char *add_one(struct dnsbl_codes *codes, struct str text, struct arena *a)
{
    struct dnsbl_code code;
    size_t dash = str_find(text, 0, '-');
    if (dash < text.n)
        return add_range(codes, text, dash, a);
    if (!read_code(text, &code))
        return WANTED;
    append_range(codes, &code, a);
    return NULL;
}

const char *dnsbl_codes_add(struct dnsbl_codes *codes, struct str text, struct arena *a)
{
    struct str rest = text, part;
    const char *problem = str_trim(text).n ? NULL : WANTED;
    while (!problem && str_split(&rest, ',', &part))
        problem = add_one(codes, str_trim(part), a);
    return problem;
}

static struct str octet_text(uint8_t low, uint8_t high, struct arena *a)
{
    if (low == high)
        return str_printf(a, "%u", low);
    if (low == 0 && high == 255)
        return STR("*");
    return str_printf(a, "[%u..%u]", low, high);
}

struct str dnsbl_code_text(const struct dnsbl_code *code, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (unsigned i = 0; i < 4; i++) {
        struct str octet = i == 3 && code->bits ? str_printf(a, "&%u", code->bits)
                                                : octet_text(code->low[i], code->high[i], a);
        sb_printf(&b, "%s%.*s", i ? "." : "", STR_ARG(octet));
    }
    return sb_str(&b);
}

static bool codes_have(const struct dnsbl_code *code, const struct netaddr *answer)
{
    for (unsigned i = 0; i < 4; i++)
        if (answer->bytes[i] < code->low[i] || answer->bytes[i] > code->high[i])
            return false;
    return !code->bits || (answer->bytes[3] & code->bits);
}

bool dnsbl_codes_have(const struct dnsbl_codes *codes, const struct netaddr *answer)
{
    for (size_t i = 0; answer->family == 4 && i < codes->n; i++)
        if (codes_have(&codes->v[i], answer))
            return true;
    return false;
}
