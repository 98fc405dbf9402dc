/* address.c - envelope paths, as MTAs hand them to milters.
 *
 * The MTA has accepted the path by its own rules, so this is a division into parts, not a check:
 * it fails only where the parts cannot be told apart.
 *
 * Errors: false. */
#include "mail/address.h"

/* Position behind the source route "@a,@b:" (RFC 5321 4.1.2), 0 if there is none; a domain literal
 * in it may hold colons. */
static size_t route_length(struct str path)
{
    bool in_literal = false;
    if (!str_starts(path, STR("@")))
        return 0;
    for (size_t i = 1; i < path.n; i++) {
        if (path.p[i] == '[')
            in_literal = true;
        else if (path.p[i] == ']')
            in_literal = false;
        else if (path.p[i] == ':' && !in_literal)
            return i + 1;
    }
    return 0;
}

/* Position of the last '@' outside quotes; path.n if there is none. False if a quote has no end. */
static bool find_at(struct str path, size_t *at)
{
    bool quoted = false;
    *at = path.n;
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == '\\')
            i++;
        else if (path.p[i] == '"')
            quoted = !quoted;
        else if (path.p[i] == '@' && !quoted)
            *at = i;
    }
    return !quoted;
}

bool mail_path_parse(struct str text, struct mail_path *out)
{
    size_t at;
    *out = (struct mail_path){false, STR(""), STR(""), STR("")};
    struct str path = str_trim(text);
    bool angle = path.n > 0 && path.p[0] == '<';
    out->whole = path;
    if (angle) {
        if (path.p[path.n - 1] != '>')
            return false;
        path = str_trim(str_sub(path, 1, path.n - 1));
        out->whole = path;
    }
    out->null = angle && path.n == 0;
    if (out->null)
        return true;
    path = str_sub(path, route_length(path), path.n);
    if (!find_at(path, &at) || at == 0 || at + 1 == path.n)
        return false;
    out->whole = path;
    out->local = str_sub(path, 0, at);
    out->domain = str_sub(path, at + 1, path.n); /* str_sub() stays within it */
    return true;
}
