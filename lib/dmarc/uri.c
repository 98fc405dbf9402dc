/* uri.c - the syntax of reporting URIs (RFC 3986, as narrowed by RFC 9989 4.8).
 *
 * Errors: false for what is no URI, or no address. */
#include "dmarc/uri.h"

#include <string.h>

#include "base/ascii.h"
#include "base/netset.h"
#include "dmarc/dmarc.h"
#include "mail/domain.h"

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* True if `s` consists of unreserved characters, percent-encoded bytes, the sub-delims that RFC
 * 9989 4.8 leaves, and the characters of `more`. */
static bool consists_of(struct str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%' && i + 2 < s.n && ascii_is_hex(s.p[i + 1]) && ascii_is_hex(s.p[i + 2]))
            i += 2;
        else if (!ascii_is_alnum(c) && !is_one_of(c, "-._~$&'()*+;=") && !is_one_of(c, more))
            return false;
    }
    return true;
}

/* RFC 3986 3.1 */
static bool is_scheme(struct str s)
{
    if (s.n == 0 || !ascii_is_alpha(s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!ascii_is_alnum(s.p[i]) && !is_one_of(s.p[i], "+-."))
            return false;
    return true;
}

static bool is_port(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_digit(s.p[i]))
            return false;
    return true;
}

/* RFC 3986 3.2.2, IPv6address. */
static bool is_ipv6(struct str s)
{
    struct netaddr addr;
    bool prefixed = str_starts_nocase(s, STR("IPv6:")); /* as MTAs write it */
    return str_find(s, 0, ':') < s.n && !prefixed && netaddr_parse(s, &addr);
}

/* RFC 3986 3.2: [userinfo@]host[:port]. An IPvFuture is not known to anyone, so it is no host. */
static bool is_authority(struct str s)
{
    size_t at = str_find(s, 0, '@');
    if (at < s.n) {
        if (!consists_of(str_sub(s, 0, at), ":"))
            return false;
        s = str_sub(s, at + 1, s.n);
    }
    size_t end = s.n && s.p[0] == '[' ? str_find(s, 0, ']') + 1 : str_find(s, 0, ':');
    if (end > s.n || (end < s.n && s.p[end] != ':') || !is_port(str_sub(s, end + 1, s.n)))
        return false;
    struct str host = str_sub(s, 0, end);
    if (host.n && host.p[0] == '[')
        return is_ipv6(str_sub(host, 1, host.n - 1));
    return consists_of(host, "");
}

/* RFC 6068 2: local part, '@', and a domain without empty labels. */
static bool is_mailbox(struct str s)
{
    size_t at = str_find(s, 0, '@');
    if (at == 0 || at == s.n)
        return false;
    struct str rest = str_sub(s, at + 1, s.n), label;
    while (str_split(&rest, '.', &label))
        if (label.n == 0 || !consists_of(label, ""))
            return false;
    return consists_of(str_sub(s, 0, at), ":/");
}

bool dmarc_uri_valid(struct str uri)
{
    size_t colon = str_find(uri, 0, ':');
    struct str scheme = str_sub(uri, 0, colon), part = str_sub(uri, colon + 1, uri.n);
    if (colon == uri.n || !is_scheme(scheme))
        return false;

    size_t hash = str_find(part, 0, '#');
    if (!consists_of(str_sub(part, hash + 1, part.n), ":@/?"))
        return false;
    part = str_sub(part, 0, hash);

    size_t query = str_find(part, 0, '?');
    if (!consists_of(str_sub(part, query + 1, part.n), ":@/?"))
        return false;
    part = str_sub(part, 0, query);

    if (str_eq_nocase(scheme, STR("mailto")))
        return is_mailbox(part);
    if (str_starts(part, STR("//"))) {
        size_t slash = str_find(part, 2, '/');
        if (!is_authority(str_sub(part, 2, slash)))
            return false;
        part = str_sub(part, slash, part.n);
    }
    return consists_of(part, ":@/");
}

/* --- mailto: -----------------------------------------------------------------------------------*/

static int hex_value(char c)
{
    return ascii_is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

static struct str percent_decode(struct arena *a, struct str s)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < s.n; i++) {
        bool coded = s.p[i] == '%' && i + 2 < s.n;
        sb_addc(&b, coded ? (char)(hex_value(s.p[i + 1]) * 16 + hex_value(s.p[i + 2])) : s.p[i]);
        i += coded ? 2 : 0;
    }
    return sb_str(&b);
}

/* A dot-atom (RFC 5321 4.1.2): quoted local parts are no address that reports go to. */
static bool is_dot_atom(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool dot = s.p[i] == '.';
        if (dot ? i == 0 || i + 1 == s.n || s.p[i + 1] == '.'
                : !ascii_is_alnum(s.p[i]) && !is_one_of(s.p[i], "!#$%&'*+-/=?^_`{|}~"))
            return false;
    }
    return s.n > 0 && s.n <= 64;
}

bool dmarc_mailto(struct arena *a, struct str uri, struct str *local, struct str *domain)
{
    size_t colon = str_find(uri, 0, ':');
    if (!str_eq_nocase(str_sub(uri, 0, colon), STR("mailto")) || !dmarc_uri_valid(uri))
        return false;
    struct str part = str_sub(uri, colon + 1, str_find(uri, 0, '#'));
    part = percent_decode(a, str_sub(part, 0, str_find(part, 0, '?')));
    size_t at = str_find_last(part, '@');
    *local = str_sub(part, 0, at);
    return at < part.n && is_dot_atom(*local) &&
           domain_normalize(a, str_sub(part, at + 1, part.n), domain) && domain_labels(*domain) > 1;
}
