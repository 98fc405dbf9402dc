/* macro.c - SPF macros: one scanner for the checks and the expansion.
 *
 * Errors: the checks answer with a phrase; expansion takes checked text only and cannot fail.
 * The work is bounded: a name is built from its end as far as names can go, a text stops at its
 * limit. */
#include "spf/macro.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "mail/domain.h"

/* What is kept of the end of a name while it is built: more than DOMAIN_MAX, so that what is longer
 * is cut as if all of it were there. */
#define NAME_TAIL 320U

/* RFC 7208 7.1 delimiter: a bit each. */
#define DELIMITER_DOT 1U
static const uint8_t DELIMITERS[256] = {
    ['.'] = DELIMITER_DOT, ['-'] = 2, ['+'] = 4, [','] = 8, ['/'] = 16, ['_'] = 32, ['='] = 64};

/* A run of literal text, or one macro. */
struct token {
    bool macro;
    bool expands; /* "%%" and the like count as macro-expand in a domain-end */
    struct str literal;
    char letter; /* lower case */
    bool escape; /* the letter was upper case */
    bool reverse;
    unsigned keep;       /* right-hand parts to keep; 0: all */
    unsigned delimiters; /* 0: none given */
};

#define VALUE_TEXT                                                                                 \
    64 /* room for the values that are made when asked for: 63 of an IPv6 address                  \
        */
_Static_assert(VALUE_TEXT >= NETADDR_TEXT, "an address fits");

static unsigned delimiter_bit(char c)
{
    return DELIMITERS[(unsigned char)c];
}

static const char *scan_transformers(struct str text, size_t *at, struct token *t)
{
    size_t i = *at, digits = i;
    for (; i < text.n && ascii_is_digit(text.p[i]); i++)
        if (t->keep < 100000000) /* more parts than any value has */
            t->keep = t->keep * 10 + (unsigned)(text.p[i] - '0');
    if (i > digits && t->keep == 0)
        return "asks for 0 parts in a macro";
    if (i < text.n && (text.p[i] == 'r' || text.p[i] == 'R')) {
        t->reverse = true;
        i++;
    }
    for (; i < text.n && delimiter_bit(text.p[i]); i++)
        t->delimiters |= delimiter_bit(text.p[i]);
    *at = i;
    return NULL;
}

static const char *scan_macro(struct str text, size_t *at, struct token *t)
{
    size_t i = *at + 2; /* behind "%{" */
    if (i >= text.n || !ascii_is_alpha(text.p[i]))
        return "has a '%{' without a macro letter";
    t->macro = t->expands = true;
    t->escape = text.p[i] < 'a';
    t->letter = t->escape ? (char)(text.p[i] + ('a' - 'A')) : text.p[i];
    if (!memchr("slodiphcrtv", t->letter, 11))
        return "has a macro letter that does not exist";
    i++;
    const char *problem = scan_transformers(text, &i, t);
    if (problem)
        return problem;
    if (i >= text.n || text.p[i] != '}')
        return "has a macro that is not closed by '}'";
    *at = i + 1;
    return NULL;
}

/* Takes the token at *at; there must be text left. NULL, or what is wrong with it. */
static const char *next_token(struct str text, size_t *at, struct token *t)
{
    *t = (struct token){0};
    if (text.p[*at] != '%') {
        size_t end = str_find(text, *at, '%');
        t->literal = str_sub(text, *at, end);
        *at = end;
        return NULL;
    }
    char second = *at + 1 < text.n ? text.p[*at + 1] : '\0';
    if (second == '{')
        return scan_macro(text, at, t);
    t->expands = true;
    t->literal = second == '%'   ? STR("%")
                 : second == '_' ? STR(" ")
                 : second == '-' ? STR("%20")
                                 : STR_NONE;
    *at += 2;
    return t->literal.p ? NULL : "has a '%' that is not followed by '{', '%', '-' or '_'";
}

static const char *literal_problem(struct str literal, enum spf_macro_place place)
{
    for (size_t i = 0; i < literal.n; i++) {
        unsigned char c = (unsigned char)literal.p[i];
        if (c == ' ' && place == SPF_MACRO_IN_EXPLANATION)
            continue;
        if (c < 0x21 || c > 0x7E)
            return "has a character that is not visible ASCII";
    }
    return NULL;
}

/* Checks a macro-string; *tail becomes the literal text behind the last macro. */
static const char *check_macro(struct str text, enum spf_macro_place place, uint32_t *letters,
                               struct str *tail)
{
    size_t at = 0, tail_at = 0;
    *letters = 0;
    while (at < text.n) {
        struct token t;
        const char *problem = next_token(text, &at, &t);
        if (!problem && !t.expands)
            problem = literal_problem(t.literal, place);
        if (problem)
            return problem;
        if (t.macro)
            *letters |= SPF_LETTER(t.letter);
        if (t.expands)
            tail_at = at;
    }
    if (place == SPF_MACRO_IN_TERM &&
        (*letters & (SPF_LETTER('c') | SPF_LETTER('r') | SPF_LETTER('t'))))
        return "has %{c}, %{r} or %{t}, which only explanations may have";
    *tail = str_sub(text, tail_at, text.n);
    return NULL;
}

const char *spf_macro_check(struct str text, enum spf_macro_place place, uint32_t *letters)
{
    struct str tail;
    return check_macro(text, place, letters, &tail);
}

/* RFC 7208 7.1 toplabel: letters, digits and inner hyphens, not digits only; nor empty, then. */
static bool is_toplabel(struct str label)
{
    bool digits_only = true;
    for (size_t i = 0; i < label.n; i++) {
        char c = label.p[i];
        if (!ascii_is_alnum(c) && c != '-')
            return false;
        digits_only = digits_only && ascii_is_digit(c);
    }
    return !digits_only && label.p[0] != '-' && label.p[label.n - 1] != '-';
}

static bool is_dotted_quad(struct str text)
{
    struct netaddr addr;
    return netaddr_parse(text, &addr) && str_find(text, 0, ':') == text.n;
}

const char *spf_domain_spec_check(struct str text, uint32_t *letters)
{
    struct str tail;
    if (text.n == 0)
        return "has no domain name where one must be";
    const char *problem = check_macro(text, SPF_MACRO_IN_TERM, letters, &tail);
    if (problem || tail.n == 0)
        return problem;
    if (is_dotted_quad(text))
        return "has an IP address where a domain name must be";
    if (tail.p[tail.n - 1] == '.')
        tail.n--;
    size_t dot = str_find_last(tail, '.');
    if (dot == tail.n)
        return "has a domain name that is no fully qualified one";
    if (!is_toplabel(str_sub(tail, dot + 1, tail.n)))
        return "has a domain name without a valid top-level name";
    return NULL;
}

/* RFC 7208 7.3: the dot format of an IPv6 address, a nibble per label. */
static struct str dotted(const struct netaddr *addr, char text[VALUE_TEXT])
{
    static const char hex[] = "0123456789ABCDEF";
    if (addr->family != 6)
        return str_of(netaddr_format(addr, text));
    for (size_t i = 0; i < 32; i++) {
        unsigned byte = addr->bytes[i / 2];
        text[2 * i] = hex[i % 2 ? byte & 15 : byte >> 4];
        text[2 * i + 1] = '.';
    }
    return (struct str){text, 63};
}

static struct str or_unknown(struct str s)
{
    return s.n ? s : STR("unknown");
}

/* What the letter stands for; `scratch` may hold it. */
static struct str value_of(char letter, const struct spf_macro_values *v, char scratch[VALUE_TEXT])
{
    switch (letter) {
    case 's':
        return v->sender;
    case 'l':
        return v->local;
    case 'o':
        return v->sender_domain;
    case 'd':
        return v->domain;
    case 'i':
        return dotted(&v->client, scratch);
    case 'p':
        return or_unknown(v->validated);
    case 'v':
        return v->client.family == 6 ? STR("ip6") : STR("in-addr");
    case 'h':
        return v->helo;
    case 'c':
        return str_of(netaddr_format(&v->client, scratch));
    case 'r':
        return or_unknown(v->receiver);
    default: /* t */
        snprintf(scratch, VALUE_TEXT, "%" PRId64, v->now);
        return str_of(scratch);
    }
}

/* Adds text as it is, or with all but RFC 3986's unreserved characters escaped. */
static void add_expanded(struct strbuf *out, struct str text, bool escape)
{
    static const char hex[] = "0123456789ABCDEF";
    if (!escape) {
        sb_add(out, text);
        return;
    }
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        unsigned char byte = (unsigned char)c;
        char escaped[] = {'%', hex[byte >> 4], hex[byte & 15]};
        if (ascii_is_alnum(c) || (c && strchr("-._~", c)))
            sb_addc(out, c);
        else
            sb_add(out, (struct str){escaped, sizeof escaped});
    }
}

/* The position of the n-th (from 1) delimiter, or the end. */
static size_t nth_delimiter(struct str value, unsigned delimiters, size_t n)
{
    for (size_t i = 0; i < value.n; i++)
        if ((delimiter_bit(value.p[i]) & delimiters) && --n == 0)
            return i;
    return value.n;
}

/* The parts from..to of value, last one first. */
static void add_reversed(struct strbuf *out, struct str value, unsigned delimiters, bool escape)
{
    size_t end = value.n;
    for (size_t i = value.n; i-- > 0;) {
        if (!(delimiter_bit(value.p[i]) & delimiters))
            continue;
        add_expanded(out, str_sub(value, i + 1, end), escape);
        sb_addc(out, '.');
        end = i;
    }
    add_expanded(out, str_sub(value, 0, end), escape);
}

static void add_forward(struct strbuf *out, struct str value, unsigned delimiters, bool escape)
{
    size_t from = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (!(delimiter_bit(value.p[i]) & delimiters))
            continue;
        add_expanded(out, str_sub(value, from, i), escape);
        sb_addc(out, '.');
        from = i + 1;
    }
    add_expanded(out, str_sub(value, from, value.n), escape);
}

/* RFC 7208 7.3: split at the delimiters, reverse, keep the right-hand parts, join with dots. */
static void add_transformed(struct strbuf *out, struct str value, const struct token *t)
{
    unsigned delimiters = t->delimiters ? t->delimiters : DELIMITER_DOT;
    size_t parts = 1;
    for (size_t i = 0; i < value.n; i++)
        parts += (delimiter_bit(value.p[i]) & delimiters) != 0;
    size_t keep = t->keep && t->keep < parts ? t->keep : parts;
    if (t->reverse) {
        /* The right-hand parts of the reversed list are the left-hand ones of the value. */
        value = str_sub(value, 0, nth_delimiter(value, delimiters, keep));
        add_reversed(out, value, delimiters, t->escape);
    } else {
        if (keep < parts)
            value = str_sub(value, nth_delimiter(value, delimiters, parts - keep) + 1, value.n);
        add_forward(out, value, delimiters, t->escape);
    }
}

static void add_token(struct strbuf *out, const struct token *t,
                      const struct spf_macro_values *values)
{
    char scratch[VALUE_TEXT];
    if (!t->macro) {
        sb_add(out, t->literal);
        return;
    }
    struct str value = value_of(t->letter, values, scratch);
    if (t->keep || t->reverse || t->delimiters)
        add_transformed(out, value, t);
    else
        add_expanded(out, value, t->escape);
}

/* The expansion, or no less of its end than a name can hold. It is made from the right and stops
 * there, so that a hostile text costs no more than finding its macros. */
static struct str expand_tail(struct arena *a, struct str spec,
                              const struct spf_macro_values *values)
{
    struct token t;
    struct strbuf piece;
    size_t macros = 0, n = 0, used = 0;
    for (size_t i = 0; i < spec.n; i++)
        if (spec.p[i] == '%') {
            macros++;
            i++; /* of "%%" */
        }
    uint32_t *starts = arena_array(a, uint32_t, 2 * macros + 1);
    for (size_t at = 0; at < spec.n;) {
        starts[n++] = (uint32_t)at;
        next_token(spec, &at, &t);
    }
    char *tail = arena_alloc(a, NAME_TAIL);
    sb_init(&piece, a);
    while (n-- > 0 && used <= DOMAIN_MAX + 1) { /* + 1: a last dot does not count */
        size_t at = starts[n];
        next_token(spec, &at, &t);
        piece.n = 0;
        add_token(&piece, &t, values);
        struct str end = sb_str(&piece);
        size_t take = end.n < NAME_TAIL - used ? end.n : NAME_TAIL - used;
        used += take;
        memcpy(tail + (NAME_TAIL - used), end.p + (end.n - take), take);
    }
    return (struct str){tail + (NAME_TAIL - used), used};
}

struct str spf_expand_name(struct arena *a, struct str spec, const struct spf_macro_values *values)
{
    bool plain = str_find(spec, 0, '%') == spec.n;
    struct str name = plain ? spec : expand_tail(a, spec, values);
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    while (name.n > DOMAIN_MAX) {
        size_t dot = str_find(name, 0, '.');
        if (dot == name.n)
            break;
        name = str_sub(name, dot + 1, name.n);
    }
    return str_lower(a, name);
}

struct str spf_expand_text(struct arena *a, struct str text, const struct spf_macro_values *values,
                           size_t max)
{
    struct strbuf b;
    struct token t;
    sb_init(&b, a);
    for (size_t at = 0; at < text.n && b.n < max && !next_token(text, &at, &t);)
        add_token(&b, &t, values);
    return str_sub(sb_str(&b), 0, max);
}
