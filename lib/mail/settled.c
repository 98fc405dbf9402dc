/* settled.c - will this address list leave the MTA as it stands?
 *
 * Sendmail 8.17 writes address fields anew after its filters have seen them. Measured: it puts one
 * blank behind each comma and none before, qualifies bare names, drops routes, trailing dots and
 * empty list members, moves blanks around comments and '@', quotes dots in display names. A
 * signature over a field that it changes fails at every receiver. Errors: none; a form that is not
 * known here counts as not settled. */
#include "mail/address.h"
#include "mail/lex.h"

/* White space without comments; *some tells if there was any. */
static bool blanks(struct lexer *l, bool *some)
{
    size_t from = l->at;
    if (!lex_cfws(l))
        return false;
    struct str gap = str_sub(l->text, from, l->at);
    *some = gap.n > 0;
    return str_find(gap, 0, '(') == gap.n;
}

/* atom *("." atom); *dots counts. */
static bool dot_atom(struct lexer *l, size_t *dots)
{
    for (*dots = 0;; ++*dots) {
        if (lex_atom(l).n == 0)
            return false;
        if (!lex_take(l, '.'))
            return true;
    }
}

/* "@" and a qualified domain or a literal. */
static bool at_domain(struct lexer *l)
{
    struct str literal;
    size_t dots;
    if (!lex_take(l, '@'))
        return false;
    if (lex_at(l, '['))
        return lex_literal(l, &literal);
    return dot_atom(l, &dots) && dots > 0;
}

static bool address(struct lexer *l)
{
    struct str quoted;
    size_t dots;
    bool local = lex_at(l, '"') ? lex_quoted(l, &quoted) : dot_atom(l, &dots);
    return local && at_domain(l);
}

/* An address, or words, perhaps none, and an address in angle brackets. */
static bool mailbox(struct lexer *l)
{
    bool some;
    for (size_t words = 0; !lex_take(l, '<'); words++) {
        struct lexer before = *l;
        struct str quoted;
        if (lex_at(l, '"') ? !lex_quoted(l, &quoted) : lex_atom(l).n == 0)
            return false;
        if (words == 0 && (lex_at(l, '@') || lex_at(l, '.'))) {
            *l = before;
            return address(l);
        }
        if (!blanks(l, &some))
            return false;
    }
    return address(l) && lex_take(l, '>');
}

bool address_list_is_settled(struct str value)
{
    struct str text = str_trim(value);
    struct lexer l = lex_begin(text);
    bool some;
    if (text.n == 0 || str_eq_nocase(text, STR("undisclosed-recipients:;")) ||
        str_eq_nocase(text, STR("undisclosed-recipients: ;")))
        return true;
    while (mailbox(&l)) {
        if (lex_end(&l))
            return true;
        if (!lex_take(&l, ',') || !blanks(&l, &some) || !some)
            return false;
    }
    return false;
}
