/* pattern.c - addresses with asterisks in them, and the authors that they match.
 *
 * Errors: a phrase for a text that is no pattern for senders. */
#include "mail/pattern.h"

#include <stdint.h>

#include "mail/domain.h"

static void add_name(struct strbuf *b, struct arena *a, struct str name)
{
    struct str normal;
    sb_add(b, domain_normalize(a, name, &normal) ? normal : name);
}

static bool has_asterisk(struct str domain)
{
    return str_find(domain, 0, '*') < domain.n;
}

/* Label by label, since a name with asterisks is none yet; without the dot at its end. */
static void add_wild(struct strbuf *b, struct arena *a, struct str domain)
{
    struct str label, rest = str_sub(domain, 0, domain.n - (domain.p[domain.n - 1] == '.'));
    while (str_split(&rest, '.', &label)) {
        add_name(b, a, label);
        if (rest.p)
            sb_addc(b, '.');
    }
}

struct str pattern_normalize(struct arena *a, struct str pattern)
{
    struct str lower = str_lower(a, pattern);
    size_t at = str_find_last(lower, '@'), from = at < lower.n ? at + 1 : 0;
    struct str domain = str_sub(lower, from, lower.n);
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, str_sub(lower, 0, from));
    (has_asterisk(domain) ? add_wild : add_name)(&b, a, domain);
    return sb_str(&b);
}

/* A name, or one that asterisks would make one. */
static bool is_domain_pattern(struct arena *a, struct str text)
{
    struct str normal;
    char *filled = str_cstr(a, text);
    for (size_t i = 0; i < text.n; i++)
        filled[i] = filled[i] == '*' ? 'a' : filled[i];
    return domain_normalize(a, (struct str){filled, text.n}, &normal) &&
           domain_is_host_text(normal);
}

const char *sender_pattern_parse(struct arena *a, struct str text, struct str *out)
{
    size_t at = str_find_last(text, '@');
    struct str domain = str_sub(text, at + 1, text.n);
    if (at == text.n && !str_eq(text, STR("*")))
        return "has no @: wanted is an address, @example.org for all of a domain, or a pattern";
    if (at < text.n && !is_domain_pattern(a, domain))
        return "has no domain name behind its @";
    struct str normal =
        pattern_normalize(a, at == 0 ? str_printf(a, "*%.*s", STR_ARG(text)) : text);
    if (!str_is_ascii(str_sub(normal, str_find_last(normal, '@'), normal.n)))
        return "has an asterisk and letters beyond ASCII in one label, which DNS writes as xn--...";
    *out = normal;
    return NULL;
}

struct str pattern_domain(struct str pattern)
{
    size_t at = str_find_last(pattern, '@');
    struct str domain = str_sub(pattern, at + 1, pattern.n);
    return at < pattern.n && !has_asterisk(domain) ? domain : STR_NONE;
}

struct str pattern_subject(struct arena *a, const struct mailbox *author)
{
    return str_lower(a,
                     str_printf(a, "%.*s@%.*s", STR_ARG(author->local), STR_ARG(author->domain)));
}

/* On a mismatch the last asterisk takes one byte more; those before it need not be tried again. */
bool pattern_match(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.n && pattern.p[p] == text.p[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}
