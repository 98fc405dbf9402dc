/* Received-SPF: receiver= of any bytes, and fields written from any bytes. */
#include "fuzz.h"

#include <string.h>

#include "mail/lex.h"
#include "mail/quote.h"
#include "mail/receivedspf.h"

static struct str next_part(struct str *rest)
{
    struct str part;
    return str_split(rest, '|', &part) ? part : STR("");
}

/* The value of a key is read back as it was, if it is short and printable. */
static void require_value(struct arena *a, struct str field, struct str value)
{
    struct str plain = str_trim(value), key = STR("envelope-from=");
    for (size_t i = 0; i < plain.n; i++)
        if (plain.p[i] <= ' ' || plain.p[i] > '~')
            return;
    if (!str_eq(plain, value) || plain.n == 0 || plain.n > 250)
        return;
    char *found = strstr(str_cstr(a, field), key.p);
    require(found != NULL);
    struct lexer l = lex_begin(str_of(found + key.n));
    struct str quoted;
    if (!lex_cfws(&l) || !lex_at(&l, '"'))
        return;
    require(lex_quoted(&l, &quoted) && str_eq(lex_unquote(a, quoted), value));
}

/* RFC 7208 9.1: result FWS [comment FWS] [ key-value-list ] */
static void require_grammar(struct str field)
{
    struct lexer l = lex_begin(field);
    struct str quoted;
    require(lex_cfws(&l) && str_eq(lex_atom(&l), STR("softfail")) && lex_cfws(&l));
    while (!lex_end(&l)) {
        size_t from = l.at;
        while (!lex_at(&l, '='))
            require(!lex_end(&l) && lex_is_atext(l.text.p[l.at++]));
        require(l.at > from && lex_take(&l, '=') && lex_cfws(&l));
        if (lex_at(&l, '"')) {
            require(lex_quoted(&l, &quoted));
        } else {
            do
                require(lex_atom(&l).n > 0);
            while (lex_take(&l, '.'));
        }
        require(lex_cfws(&l) && (lex_end(&l) || lex_take(&l, ';')) && lex_cfws(&l));
    }
}

static const struct str our_id = STR_INIT("mx.example.org");

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size), rest = text;
    received_spf_is_forged(a, text, &our_id, 1);
    struct received_spf r = {.result = STR("softfail")};
    r.comment = next_part(&rest);
    r.client_ip = next_part(&rest);
    r.envelope_from = next_part(&rest);
    r.helo = next_part(&rest);
    r.receiver = next_part(&rest);
    r.mechanism = next_part(&rest);
    r.problem = next_part(&rest);
    struct str field = received_spf_format(a, &r);
    require_field_lines(field, sizeof "Received-SPF:" - 1);
    require_grammar(field);
    struct received_spf alone = {.result = STR("softfail"), .envelope_from = r.envelope_from};
    require_value(a, received_spf_format(a, &alone), r.envelope_from);
    struct str id = str_trim(quote_safe(a, r.receiver));
    require(received_spf_is_forged(a, field, &id, 1) || id.n == 0);
    arena_free(a);
    return 0;
}
