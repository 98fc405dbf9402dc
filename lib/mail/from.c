/* from.c - the From field: one pass over an address list (RFC 5322 3.4 and 4.4, groups by RFC
 * 6854).
 *
 * What stands before '<', '@' or ':' looks alike, so words are read first, and the byte behind them
 * tells what they were: a display name, a local part, a group's name.
 *
 * The grammar is strict where an address is made up. Names and comments may hold any 8-bit bytes:
 * old mail has them, and no reader takes an address from there. Control characters are allowed
 * where the obsolete syntax has them: ISO-2022-JP is written so.
 *
 * What is outside of the grammar, or names no domain, is read again as loosely as any program may
 * (readings.c).
 *
 * Errors: FROM_SYNTAX and a phrase. Time is linear in the field's length. */
#include "mail/address.h"
#include "mail/domain.h"
#include "mail/lex.h"
#include "mail/readings.h"

struct reader {
    struct lexer lex;
    struct arena *arena;
    struct from_parsed *out;
    size_t cap;    /* of out->mailboxes */
    bool too_many; /* stopped for FROM_MAX_MAILBOXES */
    bool group;    /* there is one */
    bool empty;    /* there is a "<>" */
    bool domain;   /* an address has something else than a literal for its domain */
};

/* Words and dots, and what they can be. */
struct words {
    size_t from, to;
    bool any;      /* not empty */
    bool is_local; /* word *(1*"." word) *"." */
    bool is_name;  /* word *(word / ".") */
};

/* Takes an atom or a quoted string. False if neither begins here, or (with a problem) it is broken.
 */
static bool take_word(struct lexer *l)
{
    struct str quoted;
    return lex_at(l, '"') ? lex_quoted(l, &quoted) : lex_atom(l).n > 0;
}

static bool read_words(struct lexer *l, struct words *w)
{
    bool behind_word = false;
    *w = (struct words){.from = l->at, .is_local = true};
    for (;;) {
        lex_cfws(l); /* if that breaks off, no word stands there */
        size_t start = l->at;
        if (lex_take(l, '.')) {
            w->is_local = w->is_local && w->any;
            behind_word = false;
        } else if (take_word(l)) {
            w->is_local = w->is_local && !behind_word;
            w->is_name = w->is_name || !w->any;
            behind_word = true;
        } else {
            break;
        }
        if (!w->any)
            w->from = start;
        w->any = true;
        w->to = l->at;
    }
    w->is_local = w->is_local && w->any;
    return !l->problem;
}

/* The text, which consists of words and dots, without the comments and white space between them. */
static struct str without_cfws(struct arena *a, struct str text)
{
    struct lexer l = {.text = text, .obsolete = true};
    struct strbuf b;
    sb_init(&b, a);
    while (lex_cfws(&l) && !lex_end(&l)) {
        size_t start = l.at;
        while (take_word(&l) || lex_take(&l, '.'))
            ;
        if (l.at == start || l.at - start == text.n)
            return text; /* nothing is between them */
        sb_add(&b, str_sub(text, start, l.at));
    }
    return sb_str(&b);
}

/* Atoms with dots between them, one dot more at the end, or a literal. */
static bool read_domain(struct lexer *l, struct str *text)
{
    lex_cfws(l); /* if that breaks off, neither an atom nor a dot stands there */
    if (lex_at(l, '['))
        return lex_literal(l, text);
    size_t from = l->at, to = from;
    while (lex_atom(l).n > 0) {
        to = l->at;
        lex_cfws(l);
        if (!lex_take(l, '.'))
            break;
        to = l->at; /* the dot may be the last of the name */
        lex_cfws(l);
    }
    *text = str_sub(l->text, from, to);
    return to > from ? !l->problem : lex_fail(l, "no domain behind an @");
}

static bool add_mailbox(struct reader *r, struct str local, struct str domain)
{
    struct from_parsed *out = r->out;
    struct mailbox box = {0};
    if (out->n == FROM_MAX_MAILBOXES) {
        r->too_many = true;
        return lex_fail(&r->lex, "too many addresses");
    }
    box.local = without_cfws(r->arena, local);
    if (!lex_is_utf8(box.local) || !lex_is_utf8(domain))
        return lex_fail(&r->lex, "an address with 8-bit bytes that are not UTF-8");
    r->domain = r->domain || domain.p[0] != '[';
    box.domain_ok = domain_normalize(r->arena, without_cfws(r->arena, domain), &box.domain);
    out->mailboxes = arena_extend(r->arena, out->mailboxes, out->n, &r->cap, sizeof box);
    out->mailboxes[out->n++] = box;
    return true;
}

/* The rest of an address whose local part was read. */
static bool read_addr_spec(struct reader *r, const struct words *w)
{
    struct lexer *l = &r->lex;
    struct str domain;
    if (!lex_take(l, '@'))
        return lex_fail(l, w->any ? "an address without a domain" : "an empty address");
    if (!w->is_local)
        return lex_fail(l, w->any ? "what stands before an @ is no local part"
                                  : "an address without a local part");
    return read_domain(l, &domain) && add_mailbox(r, str_sub(l->text, w->from, w->to), domain);
}

/* RFC 5322 4.4 obs-route; ignored, as it says there. What is wrong stays in the lexer, and
 * read_words() says it. */
static void skip_route(struct lexer *l)
{
    struct str domain;
    if (!lex_at(l, ',') && !lex_at(l, '@'))
        return;
    while (lex_take(l, ','))
        lex_cfws(l);
    if (!lex_at(l, '@'))
        lex_fail(l, "a route without a domain");
    do {
        lex_cfws(l);
        if (lex_take(l, '@'))
            read_domain(l, &domain);
        lex_cfws(l);
    } while (lex_take(l, ','));
    if (!lex_take(l, ':'))
        lex_fail(l, "a route has no end");
}

/* Behind '<'. */
static bool read_angle(struct reader *r)
{
    struct lexer *l = &r->lex;
    struct words w;
    if (!lex_cfws(l))
        return false;
    if (lex_take(l, '>'))
        return r->empty = true;
    skip_route(l);
    if (!read_words(l, &w) || !read_addr_spec(r, &w) || !lex_cfws(l))
        return false;
    return lex_take(l, '>') || lex_fail(l, "a < without its >");
}

static bool read_list(struct reader *r, bool in_group);

static bool read_address(struct reader *r, bool in_group)
{
    struct lexer *l = &r->lex;
    struct words w;
    if (!read_words(l, &w))
        return false;
    bool name_ok = !w.any || w.is_name;
    if (name_ok && lex_take(l, '<'))
        return read_angle(r);
    if (w.is_name && !in_group && lex_take(l, ':')) {
        r->group = true;
        if (!read_list(r, true))
            return false;
        return lex_take(l, ';') || lex_fail(l, "a group has no end");
    }
    return read_addr_spec(r, &w);
}

static bool read_list(struct reader *r, bool in_group)
{
    struct lexer *l = &r->lex;
    for (;;) {
        if (!lex_cfws(l))
            return false;
        if (lex_take(l, ','))
            continue; /* RFC 5322 4.4: null members */
        if (lex_end(l) || (in_group && lex_at(l, ';')))
            return true;
        if (!read_address(r, in_group) || !lex_cfws(l))
            return false;
        if (lex_at(l, '<'))
            return lex_fail(l, "a display name with an unquoted @");
        if (!lex_at(l, ',') && !lex_end(l) && !(in_group && lex_at(l, ';')))
            return lex_fail(l, "something behind an address that does not belong there");
    }
}

static void set_problem(struct from_parsed *out, enum from_status status, const char *problem)
{
    out->status = status;
    out->problem = str_of(problem);
    if (status != FROM_TOO_MANY)
        out->n = 0;
}

/* A field that is well formed and names no domain, unless something in it looks like one. */
static void read_without_domain(const struct reader *r, struct from_parsed *out)
{
    struct readings found;
    readings_of(r->arena, r->lex.text, true, &found);
    if (found.unclear || found.domain.n)
        set_problem(out, FROM_SYNTAX, "From holds no address with a domain name, but shows one");
    else if (r->empty)
        set_problem(out, FROM_EMPTY, "an empty address");
    else
        set_problem(out, FROM_NO_DOMAIN, "From names no domain");
}

/* A field that does not parse. */
static void read_loosely(const struct reader *r, struct from_parsed *out)
{
    struct readings found;
    set_problem(out, FROM_SYNTAX, r->lex.problem);
    readings_of(r->arena, r->lex.text, false, &found);
    if (found.unclear || found.domain.n == 0)
        return;
    out->status = FROM_UNPARSED;
    out->n = found.n;
    out->mailboxes = found.boxes;
    out->doubtful = found.local_unclear;
}

void from_parse_value(struct arena *a, struct str value, struct from_parsed *out)
{
    struct reader r = {.arena = a, .out = out, .lex = {.text = value, .obsolete = true}};
    *out = (struct from_parsed){.status = FROM_OK};
    bool parses =
        read_list(&r, false) && (!r.empty || !r.domain || lex_fail(&r.lex, "an empty address"));
    if (r.too_many) {
        set_problem(out, FROM_TOO_MANY, r.lex.problem);
    } else if (!parses) {
        read_loosely(&r, out);
    } else if (!r.domain && (r.empty || r.group || out->n)) {
        read_without_domain(&r, out);
    } else if (out->n == 0) {
        set_problem(out, FROM_SYNTAX, "From holds no address");
    }
}

void from_parse(struct arena *a, const struct header_list *headers, struct from_parsed *out)
{
    static const struct str name = STR_INIT("From");
    size_t count = header_count(headers, name);
    *out = (struct from_parsed){.status = FROM_MISSING, .problem = STR("no From field")};
    if (count == 1)
        from_parse_value(a, header_get(headers, name, 0)->value, out);
    else if (count > 1)
        *out = (struct from_parsed){.status = FROM_SEVERAL,
                                    .problem = STR("more than one From field")};
}
