/* Authentication-Results: heads of any bytes, and fields written from any bytes. */
#include "fuzz.h"

#include "base/ascii.h"
#include "mail/authres.h"
#include "mail/lex.h"
#include "mail/quote.h"

static const struct str our_ids[] = {STR_INIT("mx.example.org"), STR_INIT("xn--bcher-kva.example")};

static bool is_word_char(char c)
{
    return lex_is_token_char(c) && c != '.';
}

static void require_word(struct lexer *l)
{
    size_t from = l->at;
    while (!lex_end(l) && is_word_char(l->text.p[l->at]))
        l->at++;
    require(l->at > from);
}

/* A token or quoted string; a pvalue may also be [ [ local-part ] "@" ] domain-name: here a run of
 * what neither ends nor begins anything else. */
static void require_value(struct lexer *l, bool pvalue)
{
    struct str quoted;
    if (lex_at(l, '"')) {
        require(lex_quoted(l, &quoted));
        return;
    }
    size_t from = l->at;
    while (!lex_end(l) && (lex_is_token_char(l->text.p[l->at]) ||
                           (pvalue && (lex_at(l, '@') || (unsigned char)l->text.p[l->at] >= 0x80))))
        l->at++;
    require(l->at > from);
    require(lex_is_utf8(str_sub(l->text, from, l->at)));
}

/* RFC 8601 2.2: authres-payload, read by its grammar. */
static void require_payload(struct str field, size_t results)
{
    struct lexer l = lex_begin(field);
    require(lex_cfws(&l));
    require_value(&l, false);
    require(lex_cfws(&l) && lex_take(&l, ';') && lex_cfws(&l));
    for (; results > 0; results--) {
        require_word(&l); /* method=result */
        require(lex_take(&l, '='));
        require_word(&l);
        while (lex_cfws(&l) && !lex_end(&l) && !lex_at(&l, ';')) {
            require_word(&l); /* reason=value or ptype.property=pvalue */
            bool property = lex_take(&l, '.');
            if (property)
                require_word(&l);
            require(lex_take(&l, '=') && lex_cfws(&l));
            require_value(&l, property);
        }
        require(!l.problem && lex_take(&l, ';') == (results > 1) && lex_cfws(&l));
    }
    require(lex_end(&l) || str_eq(str_sub(field, l.at, field.n), STR("none")));
}

/* The next part of the input, as the input itself says where it ends. */
static struct str next_part(struct str *rest)
{
    struct str part;
    return str_split(rest, '|', &part) ? part : STR("");
}

static void write_one(struct arena *a, struct str input)
{
    struct authres w;
    struct authres_head head;
    struct str rest = input, id = next_part(&rest);
    size_t results = 0;
    authres_begin(&w, a, id);
    for (; rest.p && results < 4; results++) {
        authres_result(&w, STR("dkim"), STR("permerror"), next_part(&rest));
        authres_reason(&w, next_part(&rest));
        authres_property(&w, "header.d", next_part(&rest));
        authres_property(&w, "policy.override-reason", next_part(&rest));
    }
    struct str field = authres_end(&w);
    require_field_lines(field, sizeof "Authentication-Results:" - 1);
    require_payload(field, results);
    authres_parse_head(a, field, &head);
    require(head.parsed && head.version_ok);
    struct authres_said said; /* what is written once can be read */
    require(authres_read(a, field, STR("dkim"), "header.d", &said) == (results == 1));
    id = quote_safe(a, id);
    require(str_eq(head.id, id) && authres_is_forged(a, &head, &id, 1));
}

/* --- Fields of other software ---------------------------------------------------------------- */

/* The text with blanks in the place of its comments and quoted strings; false if one has no end.
 * Written without lex.h, to compare with it. */
static bool blanked(struct arena *a, struct str text, struct str *out)
{
    char *copy = arena_copy(a, text.p, text.n);
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        bool within = depth || quoted;
        char c = text.p[i];
        if (c == '"' && !depth)
            quoted = !quoted;
        else if (!quoted && c == '(')
            depth++;
        else if (depth && c == ')')
            depth--;
        if (within || depth || quoted)
            copy[i] = ' ';
        if (within && c == '\\' && i + 1 < text.n)
            copy[++i] = ' ';
    }
    *out = (struct str){copy, text.n};
    return !depth && !quoted;
}

/* How many parts behind the first begin with this method. */
static size_t count_method(struct str plain, struct str method)
{
    size_t n = 0;
    struct str part;
    str_split(&plain, ';', &part);
    while (str_split(&plain, ';', &part)) {
        part = str_trim(part);
        char next = part.n > method.n ? part.p[method.n] : 'x';
        n += str_starts_nocase(part, method) && !ascii_is_alnum(next) && next != '-' && next != '_';
    }
    return n;
}

static size_t count_results(const struct authres_results *results, struct str method)
{
    size_t n = 0;
    for (size_t i = 0; i < results->n; i++)
        n += str_eq_nocase(results->v[i].method, method);
    return n;
}

static void require_same(const struct authres_results *one, const struct authres_results *two)
{
    require(one->n == two->n);
    for (size_t i = 0; i < one->n; i++) {
        require(str_eq(one->v[i].method, two->v[i].method));
        require(str_eq(one->v[i].result, two->v[i].result) && one->v[i].n == two->v[i].n);
        for (size_t k = 0; k < one->v[i].n; k++) {
            require(str_eq(one->v[i].properties[k].name, two->v[i].properties[k].name));
            require(str_eq(one->v[i].properties[k].value, two->v[i].properties[k].value));
        }
    }
}

/* What our own reader reads is read alike; no result on DMARC is made up from quoted text or a
 * comment, and none is stepped over. */
static void read_foreign(struct arena *a, struct str text)
{
    struct authres_results foreign, own;
    struct str plain;
    bool read = authres_parse_foreign(a, text, &foreign);
    if (authres_parse(a, text, &own)) {
        require(read);
        require_same(&own, &foreign);
    }
    require(read == (foreign.n > 0));
    if (!read)
        return;
    require(blanked(a, text, &plain));
    require(count_results(&foreign, STR("dmarc")) == count_method(plain, STR("dmarc")));
    require(count_results(&foreign, STR("spf")) <= count_method(plain, STR("spf")));
    require(count_results(&foreign, STR("dkim")) <= count_method(plain, STR("dkim")));
}

/* Words of an outsider in all places where a sealer may write them change no result. */
static void read_around(struct arena *a, struct str words)
{
    struct authres_results results;
    struct str safe = quote_safe(a, words), quoted = quote_string(a, safe);
    if (safe.n > 256)
        return;
    struct str field = str_printf(
        a, "mx; spf=fail smtp.mailfrom=<%.*s@a.test> for %.*s; x y=%.*s; dkim=pass reason=%.*s",
        STR_ARG(quoted), STR_ARG(quoted), STR_ARG(quoted), STR_ARG(quoted));
    require(authres_parse_foreign(a, field, &results));
    require(results.n == 1 && str_eq(results.v[0].method, STR("dkim")));
    require(str_eq(results.v[0].properties[0].value, safe));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size);
    struct authres_head head, again;
    authres_parse_head(a, text, &head);
    bool forged = authres_is_forged(a, &head, our_ids, 2);
    require(head.parsed || (forged && head.id.n == 0 && !head.version_ok));
    require(forged || !str_eq_nocase(head.id, our_ids[0]));
    struct strbuf b; /* a comment before it changes nothing */
    sb_init(&b, a);
    sb_add(&b, STR(" (a;(b))\r\n\t"));
    sb_add(&b, text);
    authres_parse_head(a, sb_str(&b), &again);
    require(again.parsed == head.parsed && again.version_ok == head.version_ok);
    require(str_eq(again.id, head.id));
    struct authres_said said;
    if (authres_read(a, text, STR("dmarc"), "header.from", &said))
        require(head.parsed);
    write_one(a, text);
    read_foreign(a, text);
    read_around(a, text);
    arena_free(a);
    return 0;
}
