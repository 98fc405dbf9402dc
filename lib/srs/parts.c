/* parts.c - an address in parts, and together again.
 *
 * A local part is what it means: quotes and backslashes are taken off before it is looked at, and
 * put around the result where its characters want them (RFC 5321 4.1.2), so that it makes no
 * difference how the servers on the way have written it.
 *
 * Errors: a phrase that says why something is no address to rewrite. */
#include "srs/parts.h"

#include <string.h>

#include "base/ascii.h"
#include "mail/address.h"
#include "mail/domain.h"

bool srs_is_separator(char c)
{
    return c == '=' || c == '+' || c == '-';
}

int srs_tag(struct str user)
{
    if (user.n <= SRS_TAG_BYTES || !str_starts_nocase(user, STR("SRS")) ||
        !srs_is_separator(user.p[SRS_TAG_BYTES]))
        return -1;
    return user.p[3] == '0' ? 0 : user.p[3] == '1' ? 1 : -1;
}

bool srs_is_host(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!ascii_is_alnum(text.p[i]) && !strchr("-_.", text.p[i]))
            return false;
    return text.n > 0 && text.n <= DOMAIN_MAX;
}

/* atext of RFC 5322, and what is UTF-8 (RFC 6531 3.3). */
static bool is_plain(char c)
{
    return ascii_is_alnum(c) || ascii_is_8bit(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* A Dot-string (RFC 5321 4.1.2). */
static bool is_dot_string(struct str user)
{
    bool may_end = false;
    for (size_t i = 0; i < user.n; i++) {
        bool dot = user.p[i] == '.';
        if (dot ? !may_end : !is_plain(user.p[i]))
            return false;
        may_end = !dot;
    }
    return may_end;
}

/* Control characters and bad UTF-8 stand in no address that anybody could answer to. */
static bool is_clean(struct str user)
{
    for (size_t i = 0; i < user.n;) {
        size_t long_one = ascii_is_8bit(user.p[i]) ? str_utf8(user, i) : 1;
        if (!long_one || ascii_is_control(user.p[i]))
            return false;
        i += long_one;
    }
    return user.n > 0;
}

/* Takes quotes and backslashes off. False if something stands outside quotes that may not. */
static bool unquote_local(struct str local, struct arena *a, struct str *user, bool *quoted)
{
    struct strbuf b;
    bool inside = false;
    sb_init(&b, a);
    *quoted = false;
    for (size_t i = 0; i < local.n; i++) {
        char c = local.p[i];
        if (c == '"') {
            inside = !inside;
            *quoted = true;
            continue;
        }
        if (inside && c == '\\' && ++i < local.n)
            c = local.p[i];
        else if (!inside && c != '.' && !is_plain(c))
            return false;
        sb_addc(&b, c);
    }
    *user = sb_str(&b);
    return !inside && is_clean(*user);
}

const char *srs_split(struct str text, struct arena *a, struct srs_address *out)
{
    struct mail_path path;
    *out = (struct srs_address){0};
    if (!mail_path_parse(text, &path))
        return "it is no address";
    if (path.null)
        return "it is the null sender";
    if (!path.domain.n)
        return "it has no domain";
    if (!unquote_local(path.local, a, &out->user, &out->quoted))
        return "its local part is no local part";
    if (!domain_normalize(a, path.domain, &out->domain) || !srs_is_host(out->domain))
        return "its domain is no host name";
    struct str host = path.domain;
    if (host.p[host.n - 1] == '.')
        host.n--;
    out->host = srs_is_host(host) ? host : out->domain;
    return NULL;
}

struct str srs_join(struct str user, bool quoted, struct str host, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    bool quotes = quoted && !is_dot_string(user);
    if (quotes)
        sb_addc(&b, '"');
    for (size_t i = 0; i < user.n; i++) {
        if (quotes && (user.p[i] == '"' || user.p[i] == '\\'))
            sb_addc(&b, '\\');
        sb_addc(&b, user.p[i]);
    }
    if (quotes)
        sb_addc(&b, '"');
    sb_addc(&b, '@');
    sb_add(&b, host);
    return sb_str(&b);
}
