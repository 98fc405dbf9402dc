/* record.c - the parser for SPF records.
 *
 * Errors: one phrase for the first syntax error, fit for people. Memory is bounded whatever the
 * record holds: only terms that evaluation can reach, and does not pass by, are kept, and they
 * point into the text. */
#include "spf/record.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/ascii.h"
#include "spf/macro.h"

#define PHRASE_MAX 120 /* bytes of a term that are shown in a problem */

static const struct str VERSION = STR_INIT("v=spf1");
static const struct str REDIRECT = STR_INIT("redirect");

enum argument { ARG_NONE, ARG_DOMAIN, ARG_DOMAIN_OR_NONE, ARG_IP4, ARG_IP6 };

static const struct mechanism {
    struct str name;
    enum spf_kind kind;
    enum argument argument;
    bool prefix; /* takes dual-cidr-length */
} MECHANISMS[] = {
    {STR_INIT("all"), SPF_ALL, ARG_NONE, false},
    {STR_INIT("include"), SPF_INCLUDE, ARG_DOMAIN, false},
    {STR_INIT("a"), SPF_A, ARG_DOMAIN_OR_NONE, true},
    {STR_INIT("mx"), SPF_MX, ARG_DOMAIN_OR_NONE, true},
    {STR_INIT("ptr"), SPF_PTR, ARG_DOMAIN_OR_NONE, false},
    {STR_INIT("ip4"), SPF_IP4, ARG_IP4, false},
    {STR_INIT("ip6"), SPF_IP6, ARG_IP6, false},
    {STR_INIT("exists"), SPF_EXISTS, ARG_DOMAIN, false},
};

struct parser {
    struct arena *arena;
    struct spf_record *record;
    size_t cap;
    const struct netaddr *client; /* or NULL */
    unsigned lookups, max_lookups;
    bool all, over; /* nothing behind these is reached */
    bool redirected;
    struct spf_term redirect;
};

struct str spf_kind_name(enum spf_kind kind)
{
    for (size_t i = 0; i < sizeof MECHANISMS / sizeof *MECHANISMS; i++)
        if (MECHANISMS[i].kind == kind)
            return MECHANISMS[i].name;
    return REDIRECT;
}

bool spf_is_record(struct str text)
{
    return str_starts_nocase(text, VERSION) && (text.n == VERSION.n || text.p[VERSION.n] == ' ');
}

bool spf_needs_lookup(enum spf_kind kind)
{
    return kind != SPF_ALL && kind != SPF_IP4 && kind != SPF_IP6;
}

/* A prefix length without leading zeros. */
static bool parse_bits(struct str digits, unsigned max, uint8_t *bits)
{
    unsigned long long value;
    if (digits.n > 1 && digits.p[0] == '0')
        return false;
    if (!str_to_u64(digits, max, &value))
        return false;
    *bits = (uint8_t)value;
    return true;
}

/* Takes "/digits" off the end of *text if it ends so. */
static bool take_length(struct str *text, struct str *digits)
{
    size_t at = text->n;
    while (at > 0 && ascii_is_digit(text->p[at - 1]))
        at--;
    if (at == text->n || at == 0 || text->p[at - 1] != '/')
        return false;
    *digits = str_sub(*text, at, text->n);
    *text = str_sub(*text, 0, at - 1);
    return true;
}

/* Takes a dual-cidr-length off the end of *text. From the end, because a domain-spec may hold
 * slashes too. */
static const char *take_prefix(struct str *text, struct spf_term *term)
{
    struct str digits;
    if (!take_length(text, &digits))
        return NULL;
    if (text->n && text->p[text->n - 1] == '/') {
        text->n--;
        if (!parse_bits(digits, 128, &term->bits6))
            return "has an IPv6 prefix length that is not between 0 and 128";
        if (!take_length(text, &digits))
            return NULL;
    }
    if (!parse_bits(digits, 32, &term->bits4))
        return "has an IPv4 prefix length that is not between 0 and 32";
    return NULL;
}

static const char *parse_domain(const struct mechanism *m, struct str rest, struct spf_term *term)
{
    bool colon = rest.n && rest.p[0] == ':';
    if (colon)
        rest = str_sub(rest, 1, rest.n);
    else if (m->argument == ARG_DOMAIN)
        return "has no ':' with a domain name";
    if (m->prefix) {
        const char *problem = take_prefix(&rest, term);
        if (problem)
            return problem;
    }
    if (colon) {
        term->spec = rest;
        return spf_domain_spec_check(rest, &term->letters);
    }
    if (rest.n == 0)
        return NULL;
    return m->prefix ? "has a prefix length that cannot be read"
                     : "has a prefix length, which this mechanism does not take";
}

/* `rest` begins with ':' or '/', or is empty. */
static const char *parse_network(struct str rest, int family, struct spf_term *term)
{
    char text[INET6_ADDRSTRLEN];
    bool v4 = family == AF_INET;
    size_t slash = str_find(rest, 0, '/');
    struct str network = str_sub(rest, 1, slash);
    if (network.n == 0)
        return "has no ':' with an IP address";
    if (network.n >= sizeof text || memchr(network.p, '\0', network.n))
        return "has no valid IP address";
    memcpy(text, network.p, network.n);
    text[network.n] = '\0';
    if (inet_pton(family, text, term->net.bytes) != 1)
        return v4 ? "has no valid IPv4 address" : "has no valid IPv6 address";
    term->net.family = v4 ? 4 : 6;
    struct str digits = str_sub(rest, slash + 1, rest.n);
    if (slash < rest.n && !parse_bits(digits, v4 ? 32 : 128, v4 ? &term->bits4 : &term->bits6))
        return v4 ? "has a prefix length that is not between 0 and 32"
                  : "has a prefix length that is not between 0 and 128";
    return NULL;
}

static const struct mechanism *find_mechanism(struct str name)
{
    for (size_t i = 0; i < sizeof MECHANISMS / sizeof *MECHANISMS; i++)
        if (str_eq_nocase(MECHANISMS[i].name, name))
            return &MECHANISMS[i];
    return NULL;
}

static enum spf_result take_qualifier(struct str *text)
{
    static const struct str qualifiers = STR_INIT("+-~?");
    static const enum spf_result results[] = {SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_NEUTRAL};
    size_t which = str_find(qualifiers, 0, text->p[0]);
    if (which == qualifiers.n)
        return SPF_PASS;
    *text = str_sub(*text, 1, text->n);
    return results[which];
}

bool spf_network_has(const struct spf_term *term, const struct netaddr *client)
{
    return netaddr_in(client, &term->net, term->kind == SPF_IP4 ? term->bits4 : term->bits6);
}

/* True if evaluation looks at the term and goes on. */
static bool passes_by(const struct spf_term *term, const struct netaddr *client)
{
    return (term->kind == SPF_IP4 || term->kind == SPF_IP6) && !spf_network_has(term, client);
}

static void store_term(struct parser *p, const struct spf_term *term)
{
    struct spf_record *record = p->record;
    if (p->all || p->over || (p->client && passes_by(term, p->client)))
        return;
    record->terms = arena_extend(p->arena, record->terms, record->n, &p->cap, sizeof *term);
    record->terms[record->n++] = *term;
    if (spf_needs_lookup(term->kind))
        p->over = ++p->lookups > p->max_lookups;
    p->all = p->all || term->kind == SPF_ALL;
}

static const char *parse_mechanism(struct parser *p, struct str text)
{
    struct spf_term term = {.text = text, .bits4 = 32, .bits6 = 128};
    struct str rest = text;
    term.result = take_qualifier(&rest);
    size_t end = str_find(str_sub(rest, 0, str_find(rest, 0, '/')), 0, ':');
    const struct mechanism *m = find_mechanism(str_sub(rest, 0, end));
    if (!m)
        return str_starts_nocase(rest, REDIRECT) || str_starts_nocase(rest, STR("exp"))
                   ? "is no mechanism; modifiers are written as name=value"
                   : "is no mechanism that exists";
    term.kind = m->kind;
    rest = str_sub(rest, end, rest.n);
    const char *problem = NULL;
    switch (m->argument) {
    case ARG_NONE:
        problem = rest.n ? "takes no argument" : NULL;
        break;
    case ARG_DOMAIN:
    case ARG_DOMAIN_OR_NONE:
        problem = parse_domain(m, rest, &term);
        break;
    case ARG_IP4:
        problem = parse_network(rest, AF_INET, &term);
        break;
    case ARG_IP6:
        problem = parse_network(rest, AF_INET6, &term);
        break;
    }
    if (!problem)
        store_term(p, &term);
    return problem;
}

static const char *parse_modifier(struct parser *p, struct str text, size_t equals)
{
    struct str name = str_sub(text, 0, equals), value = str_sub(text, equals + 1, text.n);
    uint32_t letters;
    if (str_eq_nocase(name, REDIRECT)) {
        if (p->redirected)
            return "is the second redirect";
        p->redirected = true;
        p->redirect = (struct spf_term){.kind = SPF_REDIRECT, .text = text, .spec = value};
        return spf_domain_spec_check(value, &p->redirect.letters);
    }
    if (str_eq_nocase(name, STR("exp"))) {
        if (p->record->explanation.p)
            return "is the second exp";
        p->record->explanation = value;
        return spf_domain_spec_check(value, &p->record->explanation_letters);
    }
    return spf_macro_check(value, SPF_MACRO_IN_MODIFIER, &letters);
}

/* The position of the '=' if the term begins with a modifier's name and '=', else 0. */
static size_t modifier_name(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool alpha = ascii_is_alpha(c);
        if (c == '=')
            return i;
        if (!alpha && (i == 0 || !(ascii_is_digit(c) || c == '-' || c == '_' || c == '.')))
            return 0;
    }
    return 0;
}

static const char *parse_term(struct parser *p, struct str text)
{
    size_t equals = modifier_name(text);
    return equals ? parse_modifier(p, text, equals) : parse_mechanism(p, text);
}

bool spf_record_parse(struct arena *a, struct str text, unsigned max_lookups,
                      const struct netaddr *client, struct spf_record *out, struct str *problem)
{
    struct parser p = {.arena = a, .record = out, .max_lookups = max_lookups, .client = client};
    struct str rest = str_sub(text, VERSION.n, text.n), term;
    *out = (struct spf_record){0};
    while (str_split(&rest, ' ', &term)) {
        const char *phrase = term.n ? parse_term(&p, term) : NULL;
        if (!phrase)
            continue;
        struct str shown = str_safe(a, term, PHRASE_MAX, false);
        *problem = str_printf(a, "\"%.*s\" %s", STR_ARG(shown), phrase);
        return false;
    }
    if (p.redirected)
        store_term(&p, &p.redirect);
    return true;
}
