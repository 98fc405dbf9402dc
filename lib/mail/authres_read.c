/* authres_read.c - the results of a received Authentication-Results field (RFC 8601 2.2).
 *
 * authres_parse() is for fields in our own form: one strict reading and no guess.
 *
 * authres_parse_foreign() is for those that other software wrote. It knows more forms of a value
 * (RFC 8601 2.2 has some of them), and steps over a result that it cannot read. It must not be made
 * to see what is not there: quoted strings and comments are the same for both, whatever cannot be
 * split for sure into results makes the whole field unreadable, and a step never hides what is
 * said of DMARC.
 *
 * Errors: false for all that cannot be read. */
#include <string.h>

#include "base/ascii.h"
#include "mail/authres.h"
#include "mail/lex.h"

struct reader {
    struct arena *arena;
    struct lexer l;
    struct authres_resinfo *results;
    size_t n, cap;
    struct authres_property_said *properties; /* of the result under way */
    size_t properties_cap;
    size_t total;   /* of all results */
    size_t strange; /* resinfos that cannot be read */
    bool foreign;
};

static struct str take_run(struct lexer *l, bool (*is_char)(char c))
{
    size_t from = l->at;
    while (!lex_end(l) && is_char(l->text.p[l->at]))
        l->at++;
    return str_sub(l->text, from, l->at);
}

static bool is_keyword_char(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_';
}

static bool is_property_char(char c)
{
    return is_keyword_char(c) || c == '.';
}

/* A token, and what a pvalue may have beside it: "@", U-labels. */
static bool is_value_char(char c)
{
    return lex_is_token_char(c) || c == '@' || c == '/' || ascii_is_8bit(c);
}

static bool is_digit(char c)
{
    return ascii_is_digit(c);
}

/* Addresses of networks beside it. */
static bool is_foreign_char(char c)
{
    return is_value_char(c) || c == ':' || c == '[' || c == ']' || c == '?';
}

/* What a local part may have besides (SRS0=..., prvs=...). */
static bool is_local_char(char c)
{
    return is_foreign_char(c) || c == '=';
}

static bool take_equals(struct lexer *l)
{
    return lex_cfws(l) && lex_take(l, '=');
}

/* A quoted string, and what may stand behind it: "@" domain-name. */
static bool read_quoted(struct reader *r, struct str *value)
{
    if (!lex_quoted(&r->l, value))
        return false;
    *value = lex_unquote(r->arena, *value);
    struct str domain = lex_at(&r->l, '@') ? take_run(&r->l, is_foreign_char) : STR_NONE;
    if (domain.n)
        *value = str_printf(r->arena, "%.*s%.*s", STR_ARG(*value), STR_ARG(domain));
    return true;
}

/* A pvalue as others write it: none at all; an address in angle brackets; a local part with "=" in
 * it, which has to begin behind the "=" of the property, as else it might be the next property. */
static bool read_pvalue(struct reader *r, struct str *value)
{
    struct lexer *l = &r->l;
    if (!take_equals(l))
        return false;
    size_t from = l->at;
    if (!lex_cfws(l))
        return false;
    bool near = l->at == from;
    bool angle = lex_take(l, '<');
    if (!lex_at(l, '"'))
        *value = take_run(l, near ? is_local_char : is_foreign_char);
    else if (!read_quoted(r, value))
        return false;
    return !angle || lex_take(l, '>');
}

/* [CFWS] "=" [CFWS] value: a token or a quoted string. */
static bool read_value(struct reader *r, struct str *value)
{
    if (!take_equals(&r->l) || !lex_cfws(&r->l))
        return false;
    if (!lex_at(&r->l, '"')) {
        *value = take_run(&r->l, is_value_char);
        return value->n > 0;
    }
    if (!lex_quoted(&r->l, value))
        return false;
    *value = lex_unquote(r->arena, *value);
    return true;
}

/* [ "/" version ]: true if it is absent, or 1. */
static bool skip_version(struct lexer *l)
{
    return !lex_take(l, '/') || (lex_cfws(l) && str_eq(take_run(l, is_digit), STR("1")));
}

/* method [ "/" version ] "=" result */
static bool read_method(struct reader *r, struct authres_resinfo *out)
{
    out->method = take_run(&r->l, is_keyword_char);
    return out->method.n > 0 && lex_cfws(&r->l) && skip_version(&r->l) &&
           read_value(r, &out->result);
}

/* reason=value, or ptype.property=pvalue */
static bool read_property(struct reader *r, struct authres_resinfo *out)
{
    struct authres_property_said said = {.name = take_run(&r->l, is_property_char)};
    bool read = said.name.n && (r->foreign ? read_pvalue : read_value)(r, &said.value);
    if (!read || r->total == AUTHRES_PROPERTIES_MAX)
        return false;
    r->properties = arena_extend(r->arena, r->properties, out->n, &r->properties_cap, sizeof said);
    r->properties[out->n++] = said;
    r->total++;
    return true;
}

/* One resinfo, up to the ";" behind it or to the end. */
static bool read_resinfo(struct reader *r)
{
    struct authres_resinfo result = {0};
    r->properties = NULL;
    r->properties_cap = 0;
    if (r->n + r->strange == AUTHRES_RESULTS_MAX || !read_method(r, &result))
        return false;
    while (lex_cfws(&r->l) && !lex_end(&r->l) && !lex_at(&r->l, ';'))
        if (!read_property(r, &result))
            return false;
    if (r->l.problem)
        return false;
    result.properties = r->properties;
    r->results = arena_extend(r->arena, r->results, r->n, &r->cap, sizeof result);
    r->results[r->n++] = result;
    return true;
}

/* Takes one byte, or a quoted string if one may begin here, of a resinfo that cannot be read. */
static bool skip_piece(struct lexer *l, bool quoted_may_begin)
{
    struct str quoted;
    if (lex_at(l, '"'))
        return quoted_may_begin && lex_quoted(l, &quoted);
    return !lex_at(l, '\\') && !lex_at(l, ')') && ++l->at;
}

/* Finds the end of a resinfo that cannot be read. False if there is no doubtless one (a quoted
 * string that neither begins a value nor stands alone, a backslash, a ")" without a "("), or if
 * something in it may be said of DMARC. */
static bool find_end(struct lexer *l)
{
    for (char before = ' ';; before = l->text.p[l->at - 1]) {
        size_t from = l->at;
        if (!lex_cfws(l))
            return false;
        if (lex_end(l) || lex_at(l, ';'))
            return true;
        if (l->at > from)
            before = ' ';
        if (strchr(" ,\"", before) &&
            str_starts_nocase(str_sub(l->text, l->at, l->text.n), STR("dmarc")))
            return false;
        if (!skip_piece(l, before == ' ' || before == '=' || before == '<'))
            return false;
    }
}

/* Steps over the resinfo that begins at `from`. */
static bool step_over(struct reader *r, size_t from)
{
    r->l = (struct lexer){.text = r->l.text, .at = from};
    return r->n + r->strange++ < AUTHRES_RESULTS_MAX && r->total < AUTHRES_PROPERTIES_MAX &&
           find_end(&r->l);
}

/* All resinfos. Some writers leave a ";" behind the last one. */
static bool read_resinfos(struct reader *r)
{
    while (lex_take(&r->l, ';')) {
        if (!lex_cfws(&r->l))
            return false;
        if (lex_end(&r->l) && r->n > 0)
            return true;
        size_t from = r->l.at;
        if (!read_resinfo(r) && (!r->foreign || !step_over(r, from)))
            return false;
    }
    return r->n > 0;
}

static bool parse_results(struct arena *a, struct str value, bool foreign,
                          struct authres_results *out)
{
    struct reader r = {.arena = a, .l = lex_begin(value), .foreign = foreign};
    struct authres_head head;
    authres_parse_head(a, value, &head);
    r.l.at = head.end;
    bool read = head.parsed && head.version_ok && read_resinfos(&r);
    *out = read ? (struct authres_results){r.n, r.results} : (struct authres_results){0};
    return read;
}

bool authres_parse(struct arena *a, struct str value, struct authres_results *out)
{
    return parse_results(a, value, false, out);
}

bool authres_parse_foreign(struct arena *a, struct str value, struct authres_results *out)
{
    return parse_results(a, value, true, out);
}

struct str authres_property_of(const struct authres_resinfo *result, const char *ptype_property)
{
    for (size_t i = 0; i < result->n; i++)
        if (str_eq_nocase(result->properties[i].name, str_of(ptype_property)))
            return result->properties[i].value;
    return STR_NONE;
}

static size_t count_property(const struct authres_resinfo *result, struct str name)
{
    size_t n = 0;
    for (size_t i = 0; i < result->n; i++)
        n += str_eq_nocase(result->properties[i].name, name);
    return n;
}

bool authres_read(struct arena *a, struct str value, struct str method, const char *ptype_property,
                  struct authres_said *out)
{
    struct authres_results all;
    size_t found = 0, properties = 0;
    *out = (struct authres_said){0};
    if (!authres_parse(a, value, &all))
        return false;
    for (size_t i = 0; i < all.n; i++) {
        if (!str_eq_nocase(all.v[i].method, method))
            continue;
        found++;
        properties += count_property(&all.v[i], str_of(ptype_property));
        out->result = all.v[i].result;
        out->property = authres_property_of(&all.v[i], ptype_property);
    }
    if (found == 1 && properties <= 1)
        return true;
    *out = (struct authres_said){0};
    return false;
}
