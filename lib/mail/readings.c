/* readings.c - every at sign of a field, and what stands on both sides of it.
 *
 * Behind an at sign has to stand one run of characters of a domain name, and behind that nothing
 * that any program joins to it: some drop quotes, backslashes, comments or white
 * space before they look for the end of a domain. Then all of them read the same name, and if all
 * at signs have the same, it is the only one that anybody can be shown.
 *
 * Errors: none; what is not certain is unclear. */
#include "mail/readings.h"

#include <string.h>

#include "base/ascii.h"
#include "base/netset.h"
#include "mail/domain.h"
#include "mail/encodedword.h"
#include "mail/lex.h"

struct scan {
    struct arena *arena;
    struct str text;
    bool literals;
    bool legacy;  /* may be in a charset that is not named: programs try those of their users */
    bool escapes; /* holds an ESC: it may be ISO-2022-JP */
    size_t signs;
    struct readings *out;
};

static bool starts_at(struct str text, size_t i, const char *what, size_t n)
{
    return i + n <= text.n && memcmp(text.p + i, what, n) == 0;
}

/* Length of the at sign at i, 0 if there is none: "@", its forms of other width, as some charsets
 * have them, and as URIs do (mailto:). */
static size_t at_sign(const struct scan *s, size_t i)
{
    struct str t = s->text;
    if (t.p[i] == '@')
        return 1;
    if (starts_at(t, i, "%40", 3) || starts_at(t, i, "\xef\xbc\xa0", 3) ||
        starts_at(t, i, "\xef\xb9\xab", 3))
        return 3;
    if (s->escapes && starts_at(t, i, "!w", 2))
        return 2;
    return s->legacy ? wide_at_sign(t, i) : 0;
}

static bool is_blank(char c)
{
    return ascii_is_wsp(c) || c == '\r' || c == '\n';
}

/* What some programs drop before they join what is left. */
static bool is_dropped(char c)
{
    return is_blank(c) || c == '"' || c == '\\';
}

static bool is_atom_char(char c)
{
    return lex_is_atext(c) || c == '.' || ascii_is_8bit(c);
}

/* Of a domain name as people know them; not all that domain_normalize() takes. */
static bool is_name_char(char c)
{
    return ascii_is_alnum(c) || ascii_is_8bit(c) || c == '.' || c == '-' || c == '_';
}

static char char_at(const struct scan *s, size_t i)
{
    return s->text.p[i];
}

/* Behind the comment that begins at i; the end of the text if it has no end. */
static size_t skip_comment(const struct scan *s, size_t i)
{
    size_t depth = 0;
    for (; i < s->text.n; i++) {
        char c = char_at(s, i);
        if (c == '\\')
            i++;
        else if (c == '(')
            depth++;
        else if (c == ')' && --depth == 0)
            return i + 1;
    }
    return s->text.n;
}

/* True if no program can join what stands at i to the domain that ends there. */
static bool ends_domain(const struct scan *s, size_t i)
{
    for (;;) {
        bool unquoted = false;
        for (; i < s->text.n && is_dropped(char_at(s, i)); i++)
            unquoted = unquoted || !is_blank(char_at(s, i));
        if (i >= s->text.n)
            return true;
        if (char_at(s, i) != '(')
            break;
        if (unquoted)
            return false; /* a comment here, and text elsewhere */
        i = skip_comment(s, i);
    }
    char c = char_at(s, i);
    return !is_atom_char(c) && c != '[' && !ascii_is_control(c);
}

/* An IP address in brackets. */
static bool passes_literal(const struct scan *s, size_t i)
{
    struct netaddr address;
    size_t end = str_find(s->text, i, ']');
    return s->literals && end < s->text.n &&
           netaddr_parse(str_trim(str_sub(s->text, i + 1, end)), &address) &&
           ends_domain(s, end + 1);
}

/* A name with letters beyond ASCII has to be one name to all programs, whatever they know of IDNA.
 */
static bool normalize(const struct scan *s, struct str name, struct str *domain)
{
    struct str older;
    return domain_normalize(s->arena, name, domain) &&
           (str_is_ascii(name) ||
            (domain_is_unmapped(s->arena, name) && domain_normalize_2003(s->arena, name, &older) &&
             str_eq(older, *domain)));
}

/* The domain whose first character, or what some programs drop, stands at i. False if it is
 * unclear; *domain is empty for a literal. */
static bool read_domain(const struct scan *s, size_t i, struct str *domain)
{
    *domain = STR("");
    while (i < s->text.n && is_dropped(char_at(s, i)))
        i++;
    if (i < s->text.n && char_at(s, i) == '[')
        return passes_literal(s, i);
    size_t from = i;
    while (i < s->text.n && is_name_char(char_at(s, i)) && !at_sign(s, i))
        i++;
    size_t to = i;
    while (to > from && char_at(s, to - 1) == '.')
        to--;
    /* "a@x'": programs may take it or leave it, as long as it is no further label. */
    for (; i < s->text.n && is_atom_char(char_at(s, i)) && !at_sign(s, i); i++)
        if (ascii_is_alnum(char_at(s, i)) || ascii_is_8bit(char_at(s, i)))
            return false;
    return ends_domain(s, i) && normalize(s, str_sub(s->text, from, to), domain);
}

/* The local part that ends before `at`. False if programs may find another one. */
static bool read_local(const struct scan *s, size_t at, struct str *local)
{
    size_t from = at;
    bool blank = false, dropped = false;
    while (from > 0 && is_atom_char(char_at(s, from - 1)))
        from--;
    *local = str_sub(s->text, from, at);
    size_t i = from;
    for (; i > 0 && is_dropped(char_at(s, i - 1)); i--) {
        blank = blank || is_blank(char_at(s, i - 1));
        dropped = true;
    }
    if (local->n == 0 || local->p[0] == '.' || !lex_is_utf8(*local))
        return false;
    if (i == 0)
        return true;
    char c = char_at(s, i - 1);
    if (c == '.' || c == ')' || (is_atom_char(c) && dropped && !blank))
        return false;
    return dropped || (c != ']' && !ascii_is_control(c));
}

static void add_box(struct scan *s, struct str local, struct str domain)
{
    struct readings *out = s->out;
    for (size_t i = 0; i < out->n; i++)
        if (str_eq(out->boxes[i].local, local))
            return;
    out->boxes[out->n++] = (struct mailbox){.local = local, .domain = domain, .domain_ok = true};
}

/* What stands around the sign of length n at `at`. */
static void take_sign(struct scan *s, size_t at, size_t n)
{
    struct readings *out = s->out;
    struct str local, domain;
    if (++s->signs > READINGS_MAX_SIGNS || !read_domain(s, at + n, &domain) ||
        (out->domain.n && domain.n && !str_eq(out->domain, domain))) {
        out->unclear = true;
        return;
    }
    if (domain.n == 0)
        return;
    out->domain = domain;
    if (!read_local(s, at, &local))
        out->local_unclear = true;
    add_box(s, local, domain);
}

/* A line end that folds nothing ends the field for some programs. */
static bool is_one_line(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
            i++;
        else if (text.p[i] == '\r')
            return false;
        if (text.p[i] == '\n' && i + 1 < text.n && !ascii_is_wsp(text.p[i + 1]))
            return false;
    }
    return true;
}

/* `raw`: 8-bit bytes stand in the field, where no charset is named. */
static void scan_text(struct arena *a, struct str text, bool raw, bool literals,
                      struct readings *out)
{
    struct scan s = {
        .arena = a,
        .text = text,
        .literals = literals,
        .legacy = raw || !lex_is_utf8(text),
        .escapes = str_find(text, 0, '\x1b') < text.n,
        .out = out,
    };
    for (size_t i = 0; i < text.n && !out->unclear;) {
        size_t n = at_sign(&s, i);
        if (n)
            take_sign(&s, i, n);
        i += n ? n : 1;
    }
}

/* False if an encoded word in the text cannot be decoded for certain. */
static bool scan_decoded(struct arena *a, struct str text, bool raw, bool literals,
                         struct readings *out)
{
    struct str joined, apart;
    if (!encoded_words_in(text))
        return true;
    if (!encoded_words_decode(a, text, true, &joined) ||
        !encoded_words_decode(a, text, false, &apart))
        return false;
    scan_text(a, joined, raw, literals, out);
    scan_text(a, apart, raw, literals, out);
    return true;
}

/* The text without quotes and backslashes: they may hide an encoded word. */
static struct str without_quotes(struct arena *a, struct str text)
{
    char *opened = arena_copy(a, text.p, text.n);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '"' && text.p[i] != '\\')
            opened[n++] = text.p[i];
    opened[n] = '\0';
    return (struct str){opened, n};
}

void readings_of(struct arena *a, struct str field, bool literals, struct readings *out)
{
    bool raw = !str_is_ascii(field);
    *out = (struct readings){
        .domain = STR(""),
        .boxes = arena_array(a, struct mailbox, READINGS_MAX),
    };
    scan_text(a, field, raw, literals, out);
    struct str opened = without_quotes(a, field);
    if (!is_one_line(field) || !scan_decoded(a, field, raw, literals, out) ||
        (opened.n < field.n && !scan_decoded(a, opened, raw, literals, out)))
        out->unclear = true;
}
