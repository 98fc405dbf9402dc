/* received.c - Received fields (RFC 5321 4.4), as servers write them.
 *
 * A client chooses what stands behind "from" and "for". So its address is read from the comment
 * alone that the server writes behind the name, "(NAME [ADDRESS])", and only if there is one of
 * these. What stands before the by clause has to be understood; behind it any words may follow.
 *
 * Errors: none; what cannot be understood is unclear. */
#include "mail/received.h"

#include "base/ascii.h"
#include "mail/lex.h"

/* The clauses whose values are read, and those that are told apart from them. */
enum clause { CLAUSE_NONE, CLAUSE_FROM, CLAUSE_BY, CLAUSE_WITH, CLAUSE_OTHER };

struct reader {
    struct lexer l;
    struct received *out;
    unsigned by_clauses, addresses;
    bool commented; /* behind "from" stands what the server says of the client */
    bool local;     /* "(root@localhost)" */
    bool odd;       /* words where none belong, or a comment that is not understood */
};

static enum clause clause_of(struct str word)
{
    static const struct {
        struct str word;
        enum clause clause;
    } clauses[] = {
        {STR_INIT("from"), CLAUSE_FROM}, {STR_INIT("by"), CLAUSE_BY},
        {STR_INIT("with"), CLAUSE_WITH}, {STR_INIT("via"), CLAUSE_OTHER},
        {STR_INIT("id"), CLAUSE_OTHER},  {STR_INIT("for"), CLAUSE_OTHER},
    };
    for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++)
        if (str_eq_nocase(word, clauses[i].word))
            return clauses[i].clause;
    return CLAUSE_NONE;
}

/* Of a name in a comment, which has no other control characters than white space. */
static bool is_name_char(char c)
{
    return (unsigned char)c > 0x20 && c != '(' && c != ')' && c != '"' && c != '\\' && c != ']';
}

static bool is_word_or_nothing(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!is_name_char(text.p[i]))
            return false;
    return true;
}

/* Sendmail writes "(from NAME [ADDRESS])" where no from clause comes before. */
static struct str without_from(struct str text)
{
    return str_starts_nocase(text, STR("from ")) ? str_trim(str_sub(text, 5, text.n)) : text;
}

/* "NAME [ADDRESS]", "[ADDRESS]", and Sendmail's "NAME [ADDRESS] (may be forged)". */
static void read_address(struct reader *r, struct str inside)
{
    size_t open = str_find(inside, 0, '['), close = str_find(inside, open, ']');
    struct str rest = str_trim(str_sub(inside, close + 1, inside.n));
    r->addresses++;
    r->odd = r->odd || close >= inside.n ||
             !is_word_or_nothing(str_trim(str_sub(inside, 0, open))) ||
             (rest.n && !str_eq(rest, STR("(may be forged)"))) ||
             !netaddr_parse(str_sub(inside, open + 1, close), &r->out->client);
}

/* What the server says of the client; other comments (TLS, AUTH) have no brackets. */
static void read_client(struct reader *r, struct str comment)
{
    struct str inside = without_from(str_trim(str_sub(comment, 1, comment.n - 1)));
    r->commented = true;
    if (str_find(inside, 0, '[') < inside.n)
        read_address(r, inside);
    else if (str_ends_nocase(inside, STR("@localhost")) && is_word_or_nothing(inside))
        r->local = true;
}

/* Skips white space and comments; those before the by clause may be about the client. */
static bool skip_space(struct reader *r)
{
    while (!lex_end(&r->l) && (ascii_is_wsp(r->l.text.p[r->l.at]) || lex_at(&r->l, '\n') ||
                               lex_at(&r->l, '\r') || lex_at(&r->l, '('))) {
        size_t from = r->l.at;
        if (!lex_at(&r->l, '(')) {
            r->l.at++;
            continue;
        }
        if (!lex_comment(&r->l))
            return false;
        if (r->by_clauses == 0)
            read_client(r, str_sub(r->l.text, from, r->l.at));
    }
    return !lex_end(&r->l) && !lex_at(&r->l, ';');
}

static bool ends_word(char c)
{
    return ascii_is_wsp(c) || ascii_is_control(c) || c == '(' || c == ';';
}

/* A run of anything, in which quotes may hold what else ends it: <"a b"@example.org>. */
static struct str take_word(struct reader *r)
{
    struct lexer *l = &r->l;
    size_t from = l->at;
    struct str quoted;
    while (!lex_end(l) && !ends_word(l->text.p[l->at])) {
        if (!lex_at(l, '"'))
            l->at++;
        else
            lex_quoted(l, &quoted); /* what breaks it off ends the word as well */
    }
    return str_sub(l->text, from, l->at);
}

static void take_value(struct reader *r, enum clause clause, struct str value)
{
    struct received *out = r->out;
    if (clause == CLAUSE_FROM) {
        r->odd = r->odd || out->from.n || r->commented;
        out->from = value;
    } else if (clause == CLAUSE_BY && r->by_clauses++) {
        out->last_by = value;
    } else if (clause == CLAUSE_BY) {
        out->by = value;
    } else if (clause == CLAUSE_WITH && r->by_clauses && !out->with.n) {
        out->with = value;
    }
}

/* The value of a clause; none if the next one begins at once. */
static bool read_value(struct reader *r, enum clause clause)
{
    if (clause == CLAUSE_NONE || !skip_space(r))
        return false;
    size_t from = r->l.at;
    struct str value = take_word(r);
    if (clause_of(value) == CLAUSE_NONE) {
        take_value(r, clause, value);
        return true;
    }
    r->l.at = from;
    return false;
}

/* One clause, or a word that is none. False at a control character, or quotes that do not end. */
static bool read_clause(struct reader *r)
{
    size_t from = r->l.at;
    enum clause clause = clause_of(take_word(r));
    if (!read_value(r, clause) && r->by_clauses == 0)
        r->odd = true;
    return r->l.at > from;
}

static enum received_source source_of(const struct reader *r)
{
    const struct received *out = r->out;
    if (r->odd || r->by_clauses != 1 || r->addresses > 1)
        return RECEIVED_UNCLEAR;
    if (r->addresses)
        return RECEIVED_ADDRESS;
    if (r->local || (!out->from.n && !r->commented && !out->with.n))
        return RECEIVED_LOCAL;
    return out->from.n && !r->commented ? RECEIVED_NAMED : RECEIVED_UNCLEAR;
}

void received_parse(struct str value, struct received *out)
{
    *out = (struct received){0};
    struct reader r = {.l = lex_begin(value), .out = out};
    while (skip_space(&r) && read_clause(&r))
        continue;
    r.odd =
        r.odd || r.l.problem || !(lex_end(&r.l) || lex_at(&r.l, ';')); /* more could stand behind */
    out->source = source_of(&r);
    if (out->source != RECEIVED_ADDRESS)
        out->client = (struct netaddr){0};
}

static bool take_end(struct str *text, const char *suffix)
{
    bool there = str_ends_nocase(*text, str_of(suffix));
    if (there)
        text->n -= str_of(suffix).n;
    return there;
}

bool received_with_smtp(struct str with, bool *authenticated)
{
    static const struct str protocols[] = {STR_INIT("SMTP"), STR_INIT("ESMTP"), STR_INIT("LMTP"),
                                           STR_INIT("UTF8SMTP"), STR_INIT("UTF8LMTP")};
    *authenticated = take_end(&with, "A");
    take_end(&with, "S");
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (str_eq_nocase(with, protocols[i]))
            return true;
    *authenticated = false;
    return false;
}
