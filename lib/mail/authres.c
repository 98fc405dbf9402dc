/* authres.c - Authentication-Results, written and recognised (RFC 8601).
 *
 * Errors: none. Whatever the bytes of a value are, the field written is well-formed. Of a received
 * field only the head is read; a head that cannot be read is a finding, not an error. */
#include "mail/authres.h"

#include <assert.h>

#include "base/ascii.h"
#include "mail/claim.h"
#include "mail/lex.h"
#include "mail/quote.h"

#define FIELD_NAME "Authentication-Results:"

/* --- heads of received fields --- */

static bool is_token_here(const struct lexer *l)
{
    if (lex_end(l))
        return false;
    char c = l->text.p[l->at];
    return lex_is_token_char(c) || ascii_is_8bit(c);
}

/* authserv-id = value: a token or quoted string (RFC 2045 5.1), U-labels included. */
static bool read_id(struct arena *a, struct lexer *l, struct str *id)
{
    if (lex_at(l, '"')) {
        if (!lex_quoted(l, id))
            return false;
        *id = lex_unquote(a, *id);
        return true;
    }
    size_t from = l->at;
    while (is_token_here(l))
        l->at++;
    *id = str_sub(l->text, from, l->at);
    return id->n > 0;
}

/* [ CFWS authres-version ]: true and *ok if it is absent or well-formed and 1. */
static bool read_version(struct lexer *l, bool *ok)
{
    size_t from = l->at;
    while (!lex_end(l) && ascii_is_digit(l->text.p[l->at]))
        l->at++;
    struct str digits = str_sub(l->text, from, l->at);
    unsigned long long version = 0;
    *ok = digits.n == 0 || (str_to_u64(digits, 1, &version) && version > 0);
    return lex_cfws(l);
}

void authres_parse_head(struct arena *a, struct str value, struct authres_head *out)
{
    struct lexer l = lex_begin(value);
    out->parsed = lex_cfws(&l) && read_id(a, &l, &out->id) && lex_cfws(&l) &&
                  read_version(&l, &out->version_ok) && (lex_end(&l) || lex_at(&l, ';'));
    if (!out->parsed) {
        *out = (struct authres_head){0};
        return;
    }
    out->end = l.at;
    out->encoded = claim_has_encoded_word(value, l.at);
}

bool authres_is_forged(struct arena *a, const struct authres_head *head, const struct str *ids,
                       size_t n_ids)
{
    return !head->parsed || !head->version_ok || head->encoded ||
           claim_of(a, head->id, ids, n_ids) != CLAIM_FOREIGN;
}

/* --- writer --- */

static bool is_label_char(char c)
{
    return ascii_is_alnum(c) || c == '-';
}

/* RFC 5321 4.1.2 Keyword */
static bool is_keyword(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_label_char(s.p[i]))
            return false;
    return s.n > 0 && s.p[s.n - 1] != '-';
}

/* ptype "." property */
static bool is_property_name(struct str name)
{
    struct str ptype;
    return str_split(&name, '.', &ptype) && is_keyword(ptype) && is_keyword(name);
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!lex_is_token_char(s.p[i]))
            return false;
    return s.n > 0;
}

/* At least `least` parts with dots between them, each of such characters and UTF-8, none empty. */
static bool is_dotted(struct str text, size_t least, bool (*is_char)(char c))
{
    struct str part;
    size_t n = 0;
    for (; str_split(&text, '.', &part); n++) {
        if (part.n == 0)
            return false;
        for (size_t i = 0; i < part.n; i++)
            if (!is_char(part.p[i]) && !ascii_is_8bit(part.p[i]))
                return false;
    }
    return n >= least;
}

/* atext without what ends a token: '/', '=' and '?' are left to quotes, as not all readers know the
 * right side of the pvalue rule. */
static bool is_local_char(char c)
{
    return lex_is_atext(c) && lex_is_token_char(c);
}

/* RFC 8601 2.2, the right side of pvalue: [ [ local-part ] "@" ] domain-name, with RFC 6531. */
static bool is_plain_address(struct str text)
{
    size_t at = str_find_last(text, '@');
    struct str local = STR_NONE, domain = text;
    if (at < text.n) {
        local = str_sub(text, 0, at);
        domain = str_sub(text, at + 1, text.n);
    }
    if ((local.n > 0 && !is_dotted(local, 1, is_local_char)) ||
        !is_dotted(domain, 2, is_label_char))
        return false;
    for (struct str label; str_split(&domain, '.', &label);)
        if (label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
    return true;
}

/* RFC 2045 5.1 value: a token or quoted string, from any bytes. */
static struct str value_of(struct arena *a, struct str text)
{
    struct str safe = quote_safe(a, text);
    return is_token(safe) ? safe : quote_string(a, safe);
}

/* RFC 8601 2.2 pvalue. */
static struct str pvalue_of(struct arena *a, struct str text)
{
    struct str safe = quote_safe(a, text);
    return is_token(safe) || is_plain_address(safe) ? safe : quote_string(a, safe);
}

static void begin_result(struct authres *w, struct arena *a, size_t used)
{
    *w = (struct authres){0};
    folder_init(&w->fold, a, used);
    w->fold.reserve = 1; /* the ';' behind each resinfo */
}

static void add_id(struct authres *w, struct str authserv_id)
{
    struct arena *a = w->fold.out.arena;
    quote_add_pieces(&w->fold, str_printf(a, " %.*s", STR_ARG(value_of(a, authserv_id))));
}

void authres_begin(struct authres *w, struct arena *a, struct str authserv_id)
{
    begin_result(w, a, sizeof FIELD_NAME - 1);
    add_id(w, authserv_id);
}

void authres_begin_sealed(struct authres *w, struct arena *a, struct str authserv_id,
                          unsigned instance)
{
    begin_result(w, a, sizeof "ARC-" FIELD_NAME - 1);
    w->bare = true;
    folder_add(&w->fold, true, str_printf(a, "i=%u;", instance));
    add_id(w, authserv_id);
}

void authres_result(struct authres *w, struct str method, struct str result, struct str comment)
{
    assert(is_keyword(method) && is_keyword(result));
    folder_add(&w->fold, false, STR(";"));
    folder_break(&w->fold);
    folder_add(&w->fold, false, method);
    folder_add(&w->fold, false, STR("="));
    folder_add(&w->fold, false, result);
    if (!w->bare)
        quote_add_comment(&w->fold, comment);
    w->results++;
    w->properties = false;
}

void authres_reason(struct authres *w, struct str reason)
{
    assert(w->results > 0 && !w->properties);
    if (!w->bare)
        quote_add_pair(&w->fold, STR("reason"), value_of(w->fold.out.arena, reason));
}

void authres_property(struct authres *w, const char *ptype_property, struct str value)
{
    struct str name = str_of(ptype_property);
    assert(w->results > 0 && is_property_name(name));
    quote_add_pair(&w->fold, name, pvalue_of(w->fold.out.arena, value));
    w->properties = true;
}

void authres_known_property(struct authres *w, const char *name, struct str value)
{
    if (value.n)
        authres_property(w, name, value);
}

void authres_copy(struct authres *w, const struct authres_results *results)
{
    for (size_t i = 0; i < results->n; i++) {
        const struct authres_resinfo *r = &results->v[i];
        if (!is_keyword(r->method) || !is_keyword(r->result))
            continue;
        authres_result(w, r->method, r->result, STR_NONE);
        for (size_t k = 0; k < r->n; k++)
            if (is_property_name(r->properties[k].name))
                authres_property(w, str_cstr(w->fold.out.arena, r->properties[k].name),
                                 r->properties[k].value);
    }
}

struct str authres_end(struct authres *w)
{
    if (w->results == 0) {
        folder_add(&w->fold, false, STR(";"));
        folder_add(&w->fold, true, STR("none"));
    }
    return folder_str(&w->fold);
}
