/* receivedspf.c - Received-SPF (RFC 7208 9.1).
 *
 * Errors: none. What is written is well-formed whatever the bytes of a value are. The reader of
 * received fields forgives values that should have been quoted: it looks for claims, and a claim in
 * bad form is still one. */
#include "mail/receivedspf.h"

#include "base/ascii.h"
#include "mail/claim.h"
#include "mail/lex.h"
#include "mail/quote.h"

#define FIELD_NAME "Received-SPF:"

/* A dot-atom that needs no quotes even for readers who take '=' or '/' for something else. */
static bool is_plain(struct str value)
{
    struct str part;
    while (str_split(&value, '.', &part)) {
        for (size_t i = 0; i < part.n; i++)
            if (!lex_is_atext(part.p[i]) || part.p[i] == '=' || part.p[i] == '/')
                return false;
        if (part.n == 0)
            return false;
    }
    return true;
}

/* Adds the pair, with a ';' before it if it is not the first. */
static void add_pair(struct header_folder *f, struct str key, struct str value, bool *first)
{
    if (value.n == 0)
        return;
    struct str safe = quote_safe(f->out.arena, value);
    if (!*first)
        folder_add(f, false, STR(";"));
    *first = false;
    quote_add_pair(f, key, is_plain(safe) ? safe : quote_string(f->out.arena, safe));
}

struct str received_spf_format(struct arena *a, const struct received_spf *r)
{
    struct header_folder f;
    bool first = true;
    folder_init(&f, a, sizeof FIELD_NAME - 1);
    f.reserve = 1; /* the ';' behind each pair */
    folder_add(&f, true, r->result);
    quote_add_comment(&f, r->comment);
    add_pair(&f, STR("client-ip"), r->client_ip, &first);
    add_pair(&f, STR("envelope-from"), r->envelope_from, &first);
    add_pair(&f, STR("helo"), r->helo, &first);
    add_pair(&f, STR("identity"), r->identity, &first);
    add_pair(&f, STR("receiver"), r->receiver, &first);
    add_pair(&f, STR("mechanism"), r->mechanism, &first);
    add_pair(&f, STR("problem"), r->problem, &first);
    return folder_str(&f);
}

static bool is_key_char(char c)
{
    return lex_is_atext(c) && c != '=';
}

static bool is_value_char(char c)
{
    return (unsigned char)c > 0x20 && c != 0x7F && c != ';' && c != '(';
}

static struct str take_run(struct lexer *l, bool (*is_char)(char c))
{
    size_t from = l->at;
    while (!lex_end(l) && is_char(l->text.p[l->at]))
        l->at++;
    return str_sub(l->text, from, l->at);
}

/* A value: a quoted string, or all up to white space, ';' or a comment. A quote without an end is
 * passed over. */
static struct str read_value(struct arena *a, struct lexer *l)
{
    struct str quoted;
    size_t from = l->at;
    if (!lex_at(l, '"'))
        return take_run(l, is_value_char);
    if (lex_quoted(l, &quoted))
        return lex_unquote(a, quoted);
    l->at = from + 1;
    return take_run(l, is_value_char);
}

static bool is_space_or_control(char c)
{
    return c == ' ' || ascii_is_control(c);
}

/* White space to some readers: Unicode's is made of bytes beyond ASCII. */
static bool is_space_to_some(char c)
{
    return is_space_or_control(c) || ascii_is_8bit(c);
}

/* Goes over white space and comments; what is no comment to its end is taken for text. */
static void skip_space(struct lexer *l, bool (*is_space)(char c))
{
    for (;;) {
        take_run(l, is_space);
        size_t from = l->at;
        if (!lex_at(l, '('))
            return;
        if (!lex_comment(l))
            l->at = from + 1;
    }
}

/* The value of the next receiver= key. */
static bool next_receiver(struct arena *a, struct lexer *l, struct str *value)
{
    while (!lex_end(l)) {
        skip_space(l, is_space_to_some);
        struct str key = take_run(l, is_key_char);
        if (key.n == 0) {
            l->at++; /* ';' or what does not belong here */
            continue;
        }
        skip_space(l, is_space_to_some);
        if (!lex_take(l, '='))
            continue;
        skip_space(l, is_space_or_control); /* the value may begin with a U-label */
        *value = read_value(a, l);
        if (str_eq_nocase(key, STR("receiver")))
            return true;
    }
    return false;
}

bool received_spf_is_forged(struct arena *a, struct str value, const struct str *ids, size_t n_ids)
{
    struct lexer l = lex_begin(value);
    struct str receiver;
    while (next_receiver(a, &l, &receiver))
        if (claim_of(a, receiver, ids, n_ids) != CLAIM_FOREIGN)
            return true;
    return claim_has_encoded_word(value, value.n);
}
