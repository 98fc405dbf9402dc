/* stateurl.c - Redis servers as they stand in `state`.
 *
 * Errors: a phrase that says what is wrong, without the text, which may hold a password. */
#include "conf/conf.h"

#define WANTED "is neither \"local\" alone nor a server such as redis://user:password@host:6379/0"

static int url_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %XX as a byte; false if there is a % without. */
static bool decode_percent(struct arena *a, struct str text, struct str *out)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '%') {
            sb_addc(&b, text.p[i]);
            continue;
        }
        int high = i + 2 < text.n ? url_digit(text.p[i + 1]) : -1;
        int low = i + 2 < text.n ? url_digit(text.p[i + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        sb_addc(&b, (char)(high * 16 + low));
        i += 2;
    }
    *out = sb_str(&b);
    return true;
}

static bool take_login(struct arena *a, struct str login, struct conf_state_server *out)
{
    size_t colon = str_find(login, 0, ':');
    return decode_percent(a, str_sub(login, 0, colon), &out->user) &&
           decode_percent(a, str_sub(login, colon + 1, login.n), &out->password) &&
           (colon < login.n || !login.n);
}

static bool is_plain(struct str host)
{
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] <= ' ' || host.p[i] >= 0x7F || host.p[i] == '%')
            return false;
    return host.n > 0 && host.n <= 253;
}

static bool take_host(struct arena *a, struct str text, struct conf_state_server *out)
{
    unsigned long long port = 6379;
    bool bracket = str_starts(text, STR("["));
    size_t end = bracket ? str_find(text, 0, ']') : str_find(text, 0, ':');
    struct str rest = str_sub(text, bracket ? end + 1 : end, text.n);
    out->host = str_copy(a, str_sub(text, bracket, end));
    if (bracket && end == text.n)
        return false;
    if (rest.n && (rest.p[0] != ':' || !str_to_u64(str_sub(rest, 1, rest.n), 65535, &port)))
        return false;
    out->port = (uint16_t)port;
    return port && is_plain(out->host);
}

static const char *take_query(struct arena *a, struct str query, struct conf_state_server *out)
{
    static const struct str prefix = STR_INIT("prefix=");
    out->prefix = STR("assay1:");
    if (!query.n)
        return NULL;
    if (!str_starts(query, prefix) ||
        !decode_percent(a, str_sub(query, prefix.n, query.n), &out->prefix))
        return "has something else than prefix=TEXT behind its question mark";
    return out->prefix.n > 60 ? "has a prefix of more than 60 bytes" : NULL;
}

/* The @ behind user and password is the last one before a / or ?, as it is when the URL is read. */
struct str conf_state_masked(struct arena *a, struct str url)
{
    size_t login = str_find(url, 0, ':') + 3, end = str_find(url, 0, '?');
    size_t slash = str_find(url, login, '/');
    end = slash < end ? slash : end;
    size_t at = str_find_last(str_sub(url, 0, end), '@'), colon = str_find(url, login, ':');
    if (at >= end || colon + 1 >= at)
        return url;
    return str_printf(a, "%.*s" CONF_MASK "%.*s", STR_ARG(str_sub(url, 0, colon + 1)),
                      STR_ARG(str_sub(url, at, url.n)));
}

const char *conf_state_server(struct arena *a, struct str url, struct conf_state_server *out)
{
    static const struct str scheme = STR_INIT("redis://");
    unsigned long long database = 0;
    *out = (struct conf_state_server){.user = STR(""), .password = STR("")};
    if (!str_starts(url, scheme))
        return WANTED;
    struct str rest = str_sub(url, scheme.n, url.n);
    size_t question = str_find(rest, 0, '?');
    struct str query = str_sub(rest, question + 1, rest.n);
    rest = str_sub(rest, 0, question);
    size_t slash = str_find(rest, 0, '/');
    struct str number = str_sub(rest, slash + 1, rest.n);
    rest = str_sub(rest, 0, slash);
    size_t at = str_find_last(rest, '@');
    if (at < rest.n && !take_login(a, str_sub(rest, 0, at), out))
        return "has no USER:PASSWORD before its @ (write %40 for an @ in them, %2F for a /)";
    if (!take_host(a, str_sub(rest, at < rest.n ? at + 1 : 0, rest.n), out))
        return WANTED;
    if (number.n && !str_to_u64(number, 9999, &database))
        return "has no number of a database behind its /";
    out->database = (unsigned)database;
    return take_query(a, query, out);
}
