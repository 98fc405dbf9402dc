/* authres_read.c - the results of a received Authentication-Results field (RFC 8601 2.2).
 *
 * For fields that this host wrote: what is not well-formed was not written by it, so there is one
 * strict reading and no guess.
 *
 * Errors: false for all that cannot be read. */
#include "base/ascii.h"
#include "mail/authres.h"
#include "mail/lex.h"

struct reader {
    struct arena *arena;
    struct lexer l;
    struct str method, property; /* that are asked for */
    struct authres_said *out;
    unsigned found, properties;
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

/* [CFWS] "=" [CFWS] value: a token or a quoted string. */
static bool read_value(struct reader *r, struct str *value)
{
    if (!lex_cfws(&r->l) || !lex_take(&r->l, '=') || !lex_cfws(&r->l))
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

/* method [ "/" version ] "=" result */
static bool read_method(struct reader *r, bool *wanted, struct str *result)
{
    *wanted = str_eq_nocase(take_run(&r->l, is_keyword_char), r->method);
    if (!lex_cfws(&r->l))
        return false;
    if (lex_take(&r->l, '/') && (!lex_cfws(&r->l) || !str_eq(take_run(&r->l, is_digit), STR("1"))))
        return false;
    return read_value(r, result);
}

/* reason=value, or ptype.property=pvalue */
static bool read_property(struct reader *r, bool wanted)
{
    struct str name = take_run(&r->l, is_property_char), value;
    if (!name.n || !read_value(r, &value))
        return false;
    if (wanted && str_eq_nocase(name, r->property)) {
        r->out->property = value;
        r->properties++;
    }
    return true;
}

/* One resinfo, up to the ";" behind it or to the end. */
static bool read_resinfo(struct reader *r)
{
    bool wanted;
    struct str result;
    if (!read_method(r, &wanted, &result))
        return false;
    if (wanted) {
        r->out->result = result;
        r->found++;
    }
    while (lex_cfws(&r->l) && !lex_end(&r->l) && !lex_at(&r->l, ';'))
        if (!read_property(r, wanted))
            return false;
    return !r->l.problem;
}

/* Behind the authserv-id and its version. */
static bool skip_head(struct reader *r)
{
    struct str quoted;
    while (lex_cfws(&r->l) && !lex_end(&r->l) && !lex_at(&r->l, ';'))
        if (lex_at(&r->l, '"') ? !lex_quoted(&r->l, &quoted) : !take_run(&r->l, is_value_char).n)
            return false;
    return !r->l.problem && lex_at(&r->l, ';');
}

bool authres_read(struct arena *a, struct str value, struct str method, const char *ptype_property,
                  struct authres_said *out)
{
    struct reader r = {.arena = a,
                       .l = lex_begin(value),
                       .method = method,
                       .property = str_of(ptype_property),
                       .out = out};
    *out = (struct authres_said){0};
    if (!skip_head(&r))
        return false;
    while (lex_take(&r.l, ';')) {
        if (!lex_cfws(&r.l) || !read_resinfo(&r)) {
            *out = (struct authres_said){0};
            return false;
        }
    }
    if (r.found == 1 && r.properties <= 1)
        return true;
    *out = (struct authres_said){0};
    return false;
}
