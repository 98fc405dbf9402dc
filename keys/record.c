/* record.c - the DNS record of a signing key, for people to publish.
 *
 * Errors: none. */
#include "keys/record.h"

#include "crypto/canon.h"

#define STRING_MAX 255 /* RFC 1035 3.3 */

struct str key_record_name(struct arena *a, struct str selector, struct str domain)
{
    return str_printf(a, "%.*s._domainkey.%.*s", STR_ARG(selector), STR_ARG(domain));
}

struct str key_record_value(struct arena *a, const struct private_key *key)
{
    const char *type = private_key_type(key) == KEY_RSA ? "rsa" : "ed25519";
    struct str public = base64_encode(a, private_key_public(key, a));
    return str_printf(a, "v=DKIM1; k=%s; p=%.*s", type, STR_ARG(public));
}

static void add_quoted(struct strbuf *b, struct str text)
{
    sb_addc(b, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            sb_addc(b, '\\');
        sb_addc(b, text.p[i]);
    }
    sb_addc(b, '"');
}

struct str key_record_zone(struct arena *a, struct str name, struct str value)
{
    struct strbuf b;
    bool several = value.n > STRING_MAX;
    sb_init(&b, a);
    sb_printf(&b, "%.*s. IN TXT %s", STR_ARG(name), several ? "( " : "");
    for (size_t i = 0; i < value.n; i += STRING_MAX) {
        if (i)
            sb_add(&b, STR("\n    "));
        add_quoted(&b, str_sub(value, i, i + STRING_MAX));
    }
    sb_add(&b, several ? STR(" )\n") : STR("\n"));
    return sb_str(&b);
}
