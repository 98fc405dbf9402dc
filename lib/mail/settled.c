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

/* Where the commas between members are: outside of quotes, comments and angle brackets. */
struct nesting {
    bool quoted, angle;
    unsigned comments;
};

/* The byte at i; how many bytes belong together (a quoted pair is two). */
static size_t step(struct nesting *n, struct str text, size_t i)
{
    char c = text.p[i];
    if (c == '\\' && (n->quoted || n->comments) && i + 1 < text.n)
        return 2;
    if (c == '"' && !n->comments)
        n->quoted = !n->quoted;
    else if (c == '(' && !n->quoted)
        n->comments++;
    else if (c == ')' && n->comments)
        n->comments--;
    else if ((c == '<' || c == '>') && !n->quoted && !n->comments)
        n->angle = c == '<';
    return 1;
}

/* One member more, behind a comma and a blank or a fold. Empty ones are left out. */
static void add_member(struct header_folder *f, size_t *members, struct str member)
{
    member = str_trim(member);
    if (member.n == 0)
        return;
    if ((*members)++)
        folder_add(f, false, STR(","));
    folder_add(f, true, member);
}

bool address_list_settle(struct arena *a, struct str value, struct str *out)
{
    struct str text = str_trim(value);
    struct nesting nesting = {0};
    struct header_folder f;
    size_t members = 0, from = 0;
    if (address_list_is_settled(value))
        return false;
    folder_init(&f, a, sizeof "Resent-Sender:");
    for (size_t i = 0; i < text.n;) {
        size_t n = step(&nesting, text, i);
        if (text.p[i] == ',' && !nesting.quoted && !nesting.angle && !nesting.comments) {
            add_member(&f, &members, str_sub(text, from, i));
            from = i + 1;
        }
        i += n;
    }
    add_member(&f, &members, str_sub(text, from, text.n));
    *out = folder_str(&f);
    return members > 0 && address_list_is_settled(*out);
}

bool address_field_may_change(struct str name)
{
    static const struct str fields[] = {
        STR_INIT("sender"),    STR_INIT("reply-to"),    STR_INIT("to"),
        STR_INIT("cc"),        STR_INIT("resent-from"), STR_INIT("resent-sender"),
        STR_INIT("resent-to"), STR_INIT("resent-cc"),
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_eq_nocase(name, fields[i]))
            return true;
    return false;
}
