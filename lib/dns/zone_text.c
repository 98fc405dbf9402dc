/* zone_text.c - reads zone text into a zone. The syntax stands in zone.h.
 *
 * Errors: the first one ends the reading; it is a phrase with the line's number. */
#include "dns/zone.h"

#define TOKENS_MAX   512
#define TTL_MAX      2147483647U /* RFC 2181 8 */
#define TTL_DEFAULT  3600
#define DELAY_MAX_MS 86400000U

struct token {
    struct str text; /* escapes not yet undone */
    bool quoted;
};

struct reader {
    struct zone *zone;
    struct arena *arena; /* for the problem */
    struct str *problem;
    struct str text;
    size_t at;
    unsigned line;

    struct dns_name origin;
    uint32_t ttl, default_ttl;
    bool secure;
    struct zone_node *owner; /* of the record being read and of the one before */

    struct token tokens[TOKENS_MAX]; /* of the record being read */
    size_t n_tokens;
};

static bool fail_line(struct reader *r, const char *what, struct str which)
{
    struct str safe = str_safe(r->arena, which, 60, false);
    *r->problem = str_printf(r->arena, "line %u: %s \"%.*s\"", r->line, what, STR_ARG(safe));
    return false;
}

/* --- tokens --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Past the token that begins at r->at; an escape hides the character behind it. */
static struct str take_token(struct reader *r, bool quoted)
{
    size_t from = r->at;
    for (; r->at < r->text.n; r->at++) {
        char c = r->text.p[r->at];
        if (c == '\\' && r->at + 1 < r->text.n)
            r->at++;
        else if (c == '\n' || (quoted && c == '"'))
            break;
        else if (!quoted && (is_blank(c) || c == ';' || c == '(' || c == ')' || c == '"'))
            break;
    }
    return str_sub(r->text, from, r->at);
}

static bool add_token(struct reader *r)
{
    bool quoted = r->text.p[r->at] == '"';
    if (r->n_tokens == TOKENS_MAX)
        return fail_line(r, "too many words in one record at", str_sub(r->text, r->at, r->at + 20));
    r->at += quoted;
    struct str text = take_token(r, quoted);
    if (quoted && (r->at == r->text.n || r->text.p[r->at] != '"'))
        return fail_line(r, "a string without its closing quote:", text);
    r->at += quoted;
    r->tokens[r->n_tokens++] = (struct token){text, quoted};
    return true;
}

/* Collects the words of the next record, which parentheses stretch over lines. */
static bool read_record(struct reader *r)
{
    unsigned depth = 0;
    r->n_tokens = 0;
    for (; r->at < r->text.n; r->at++) {
        char c = r->text.p[r->at];
        if (c == '\n' && depth == 0)
            return true;
        if (c == '\n') {
            r->line++;
        } else if (c == ';') {
            r->at = str_find(r->text, r->at, '\n') - 1;
        } else if (c == '(') {
            depth++;
        } else if (c == ')') {
            if (depth-- == 0)
                return fail_line(r, "a parenthesis too many:", STR(")"));
        } else if (!is_blank(c)) {
            if (!add_token(r))
                return false;
            r->at--;
        }
    }
    return depth == 0 || fail_line(r, "a parenthesis is never closed:", STR("("));
}

/* --- words --- */

/* The byte that an escape at s[*i] stands for, and *i moves to its last character. */
static char unescape(struct str s, size_t *i)
{
    unsigned long long value;
    if (*i + 3 < s.n && str_to_u64(str_sub(s, *i + 1, *i + 4), 255, &value)) {
        *i += 3;
        return (char)value;
    }
    return s.p[++*i];
}

static struct str read_string(struct reader *r, struct str s)
{
    struct strbuf b;
    sb_init(&b, r->zone->arena);
    for (size_t i = 0; i < s.n; i++)
        sb_addc(&b, s.p[i] == '\\' && i + 1 < s.n ? unescape(s, &i) : s.p[i]);
    return sb_str(&b);
}

static bool add_origin(const struct reader *r, struct dns_name *name)
{
    const struct dns_name *o = &r->origin;
    for (size_t at = 0; o->wire[at]; at += (size_t)o->wire[at] + 1)
        if (!dns_name_add_label(name, o->wire + at + 1, o->wire[at]))
            return false;
    return dns_name_end(name);
}

static bool parse_name(const struct reader *r, struct str s, struct dns_name *out)
{
    char label[DNS_LABEL_MAX + 1];
    size_t n = 0;
    out->n = 0;
    if (str_eq(s, STR("@")))
        return add_origin(r, out);
    if (str_eq(s, STR(".")))
        return dns_name_end(out);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.') {
            if (!dns_name_add_label(out, label, n))
                return false;
            n = 0;
        } else if (n == sizeof label) {
            return false;
        } else {
            label[n++] = s.p[i] == '\\' && i + 1 < s.n ? unescape(s, &i) : s.p[i];
        }
    }
    if (n == 0)
        return out->n && dns_name_end(out);
    return dns_name_add_label(out, label, n) && add_origin(r, out);
}

static bool read_name(struct reader *r, const struct token *t, struct dns_name *out)
{
    if (!t->quoted && parse_name(r, t->text, out))
        return true;
    return fail_line(r, "not a name:", t->text);
}

static bool read_number(struct reader *r, const struct token *t, unsigned max, unsigned *out)
{
    unsigned long long value;
    if (t->quoted || !str_to_u64(t->text, max, &value))
        return fail_line(r, "not a number, or too large:", t->text);
    *out = (unsigned)value;
    return true;
}

/* --- records: what stands behind the type's word --- */

static struct zone_record *add_record(struct reader *r, enum dns_type type)
{
    struct zone_record **end = &r->owner->records;
    while (*end)
        end = &(*end)->next;
    *end = arena_make(r->zone->arena, struct zone_record);
    (*end)->type = type;
    (*end)->ttl = r->ttl;
    return *end;
}

static bool read_address(struct reader *r, const struct token *t, enum dns_type type)
{
    struct netaddr addr;
    if (!netaddr_parse(t->text, &addr) || addr.family != (type == DNS_A ? 4 : 6))
        return fail_line(r, "not an address of this type:", t->text);
    add_record(r, type)->rr.addr = addr;
    return true;
}

static bool read_a(struct reader *r, const struct token *t, size_t n)
{
    (void)n;
    return read_address(r, t, DNS_A);
}

static bool read_aaaa(struct reader *r, const struct token *t, size_t n)
{
    (void)n;
    return read_address(r, t, DNS_AAAA);
}

static bool read_mx(struct reader *r, const struct token *t, size_t n)
{
    struct dns_name name;
    unsigned preference = 0;
    (void)n;
    if (!read_number(r, &t[0], 65535, &preference) || !read_name(r, &t[1], &name))
        return false;
    struct zone_record *record = add_record(r, DNS_MX);
    record->rr.preference = (uint16_t)preference;
    record->rr.text = dns_name_text(r->zone->arena, &name);
    return true;
}

static bool read_target(struct reader *r, const struct token *t, enum dns_type type)
{
    struct dns_name name;
    if (!read_name(r, t, &name))
        return false;
    struct zone_record *record = add_record(r, type);
    record->target = name;
    record->rr.text = dns_name_text(r->zone->arena, &name);
    return true;
}

static bool read_ptr(struct reader *r, const struct token *t, size_t n)
{
    (void)n;
    return read_target(r, t, DNS_PTR);
}

static bool read_cname(struct reader *r, const struct token *t, size_t n)
{
    (void)n;
    return read_target(r, t, DNS_CNAME);
}

static bool read_txt(struct reader *r, const struct token *t, size_t n)
{
    struct strbuf b;
    sb_init(&b, r->zone->arena);
    for (size_t i = 0; i < n; i++)
        sb_add(&b, read_string(r, t[i].text));
    add_record(r, DNS_TXT)->rr.text = sb_str(&b);
    return true;
}

static bool read_servfail(struct reader *r, const struct token *t, size_t n)
{
    (void)t, (void)n;
    r->owner->otherwise = DNS_SERVFAIL;
    return true;
}

static bool read_timeout(struct reader *r, const struct token *t, size_t n)
{
    (void)t, (void)n;
    r->owner->otherwise = DNS_TIMEOUT;
    return true;
}

static bool read_bogus(struct reader *r, const struct token *t, size_t n)
{
    (void)t, (void)n;
    r->owner->otherwise = DNS_BOGUS;
    return true;
}

static bool read_delay(struct reader *r, const struct token *t, size_t n)
{
    bool ms = str_ends_nocase(t->text, STR("ms"));
    unsigned long long value;
    (void)n;
    if ((!ms && !str_ends_nocase(t->text, STR("s"))) ||
        !str_to_u64(str_sub(t->text, 0, t->text.n - (ms ? 2 : 1)), DELAY_MAX_MS, &value))
        return fail_line(r, "not a time such as 200ms or 2s:", t->text);
    r->owner->delay_us = (int64_t)value * (ms ? 1000 : 1000000);
    r->zone->delays = true;
    return true;
}

static bool read_nothing(struct reader *r, const struct token *t, size_t n)
{
    (void)r, (void)t, (void)n;
    return true;
}

static const struct record_type {
    struct str word;
    size_t least, most; /* words behind it */
    bool (*read)(struct reader *r, const struct token *t, size_t n);
} record_types[] = {
    {STR_INIT("A"), 1, 1, read_a},
    {STR_INIT("AAAA"), 1, 1, read_aaaa},
    {STR_INIT("MX"), 2, 2, read_mx},
    {STR_INIT("PTR"), 1, 1, read_ptr},
    {STR_INIT("CNAME"), 1, 1, read_cname},
    {STR_INIT("TXT"), 1, TOKENS_MAX, read_txt},
    {STR_INIT("SOA"), 7, 7, read_nothing},
    {STR_INIT("NS"), 1, 1, read_nothing},
    {STR_INIT("SERVFAIL"), 0, 0, read_servfail},
    {STR_INIT("TIMEOUT"), 0, 0, read_timeout},
    {STR_INIT("BOGUS"), 0, 0, read_bogus},
    {STR_INIT("DELAY"), 1, 1, read_delay},
};

static bool read_data(struct reader *r, const struct token *t, size_t n)
{
    if (n == 0)
        return fail_line(r, "a name without a type", STR(""));
    for (size_t i = 0; i < sizeof record_types / sizeof record_types[0]; i++) {
        const struct record_type *type = &record_types[i];
        if (t->quoted || !str_eq_nocase(t->text, type->word))
            continue;
        if (n - 1 < type->least || n - 1 > type->most)
            return fail_line(r, "too few or too many words behind", t->text);
        return type->read(r, t + 1, n - 1);
    }
    return fail_line(r, "unknown type", t->text);
}

static bool read_owner(struct reader *r, const struct token *t)
{
    struct dns_name name;
    if (!read_name(r, t, &name))
        return false;
    r->owner = zone_make(r->zone, &name);
    r->owner->given = true;
    return true;
}

/* [name] [TTL] [class] TYPE data; TTL and class in any order. */
static bool read_line(struct reader *r, bool same_owner)
{
    const struct token *t = r->tokens, *end = t + r->n_tokens;
    if (!same_owner && !read_owner(r, t++))
        return false;
    if (!r->owner)
        return fail_line(r, "no name to go on with before", t->text);
    if (r->secure)
        r->owner->secure = true;
    r->ttl = r->default_ttl;
    for (; t < end && !t->quoted; t++) {
        unsigned long long ttl;
        if (str_to_u64(t->text, TTL_MAX, &ttl))
            r->ttl = (uint32_t)ttl;
        else if (!str_eq_nocase(t->text, STR("IN")))
            break;
    }
    return read_data(r, t, (size_t)(end - t));
}

static bool read_directive(struct reader *r)
{
    const struct token *t = r->tokens;
    unsigned ttl = 0;
    if (r->n_tokens != 2)
        return fail_line(r, "one word is needed behind", t->text);
    if (str_eq_nocase(t->text, STR("$ORIGIN")))
        return read_name(r, &t[1], &r->origin);
    if (str_eq_nocase(t->text, STR("$TTL"))) {
        if (!read_number(r, &t[1], TTL_MAX, &ttl))
            return false;
        r->default_ttl = ttl;
        return true;
    }
    if (!str_eq_nocase(t->text, STR("$SECURE")))
        return fail_line(r, "unknown directive", t->text);
    r->secure = str_eq_nocase(t[1].text, STR("yes"));
    if (!r->secure && !str_eq_nocase(t[1].text, STR("no")))
        return fail_line(r, "$SECURE is yes or no, not", t[1].text);
    return true;
}

bool zone_load(struct zone *zone, struct str text, struct arena *a, struct str *problem)
{
    struct reader *r = arena_make(a, struct reader);
    *r = (struct reader){.zone = zone,
                         .arena = a,
                         .problem = problem,
                         .text = text,
                         .line = 1,
                         .default_ttl = TTL_DEFAULT};
    dns_name_end(&r->origin);
    for (; r->at < text.n; r->at++, r->line++) {
        bool same_owner = is_blank(text.p[r->at]);
        bool ok = read_record(r);
        if (ok && r->n_tokens && r->tokens[0].text.n && r->tokens[0].text.p[0] == '$')
            ok = read_directive(r);
        else if (ok && r->n_tokens)
            ok = read_line(r, same_owner);
        if (!ok)
            return false;
    }
    return true;
}
