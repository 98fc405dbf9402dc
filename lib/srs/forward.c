/* forward.c - the address that a message is forwarded with.
 *
 * Errors: an outcome that says why the sender stays. */
#include "srs/parts.h"

#include "mail/domain.h"

#define LOCAL_OCTETS 64  /* RFC 5321 4.5.3.1.1 */
#define PATH_OCTETS  254 /* RFC 5321 4.5.3.1.3, without the angle brackets */

static struct srs_outcome untouched(const char *why)
{
    return (struct srs_outcome){.status = SRS_UNTOUCHED, .why = why};
}

static struct srs_outcome too_long(const char *why)
{
    return (struct srs_outcome){.status = SRS_TOO_LONG, .why = why};
}

static bool is_ours(const struct srs_scheme *s, struct str domain)
{
    return str_eq(domain, s->domain) || (s->is_local && s->is_local(s->context, domain));
}

/* The host that made the address "SRS1=hash=HOST=REST", and what it shall get back. False if it is
 * none that could be undone: then it is a sender like any other. */
static bool read_wrapped(struct str user, struct str *host, struct str *rest)
{
    struct str hash, all = str_sub(user, SRS_TAG_BYTES + 1, user.n);
    if (!str_split(&all, '=', &hash) || !str_split(&all, '=', host))
        return false;
    *rest = all;
    return srs_is_host(*host) && rest->n > 1 && srs_is_separator(rest->p[0]);
}

static struct str wrapped(const struct srs_scheme *s, struct str host, struct str rest,
                          struct arena *a)
{
    struct str hash = srs_hash(s, &(struct srs_hashed){{host, rest}}, a);
    if (!hash.p)
        return STR_NONE;
    return str_printf(a, "SRS1=%.*s=%.*s=%.*s", STR_ARG(hash), STR_ARG(host), STR_ARG(rest));
}

/* The new local part, STR_NONE if no hash can be made. */
static struct str local_part(const struct srs_scheme *s, const struct srs_address *from,
                             int64_t now, struct arena *a)
{
    struct str host, rest;
    int tag = srs_tag(from->user);
    if (tag == 0 && from->user.n > SRS_TAG_BYTES + 1) /* else nothing could be undone there */
        return wrapped(s, from->host, str_sub(from->user, SRS_TAG_BYTES, from->user.n), a);
    if (tag == 1 && read_wrapped(from->user, &host, &rest))
        return wrapped(s, host, rest, a);
    struct str stamp = srs_stamp(now, a);
    struct str hash = srs_hash(s, &(struct srs_hashed){{stamp, from->host, from->user}}, a);
    if (!hash.p)
        return STR_NONE;
    return str_printf(a, "SRS0=%.*s=%.*s=%.*s=%.*s", STR_ARG(hash), STR_ARG(stamp),
                      STR_ARG(from->host), STR_ARG(from->user));
}

struct srs_outcome srs_forward(const struct srs_scheme *s, struct str sender, int64_t now,
                               struct arena *a)
{
    struct srs_address from;
    const char *why = srs_split(sender, a, &from);
    if (why)
        return untouched(why);
    if (is_ours(s, from.domain))
        return untouched("its domain is ours");
    struct str local = local_part(s, &from, now, a);
    if (!local.p)
        return (struct srs_outcome){.status = SRS_UNKNOWN, .why = "no secret is to be had"};
    struct str address = srs_join(local, from.quoted, s->domain, a);
    if (address.n - s->domain.n - 1 > LOCAL_OCTETS)
        return too_long("its local part would be longer than 64 octets");
    if (address.n > PATH_OCTETS)
        return too_long("it would be longer than 254 octets");
    return (struct srs_outcome){.status = SRS_DONE, .address = address};
}
