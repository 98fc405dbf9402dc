/* reverse.c - the sender that an address of our making leads back to.
 *
 * Errors: an outcome that says why it leads nowhere. */
#include "srs/parts.h"

#include "mail/domain.h"

static struct srs_outcome reverse_outcome(enum srs_status status, const char *why)
{
    return (struct srs_outcome){.status = status, .why = why};
}

static struct srs_outcome bad_hash(enum srs_status status)
{
    return status == SRS_UNKNOWN ? reverse_outcome(status, "no secret is to be had")
                                 : reverse_outcome(status, "its hash is not of our making");
}

/* "hash=stamp=host=user" */
static struct srs_outcome reverse_first(const struct srs_scheme *s, const struct srs_address *to,
                                        int64_t now, struct arena *a)
{
    struct str hash, stamp, host, user = str_sub(to->user, SRS_TAG_BYTES + 1, to->user.n);
    if (!str_split(&user, '=', &hash) || !str_split(&user, '=', &stamp) ||
        !str_split(&user, '=', &host) || !user.n || !srs_is_host(host))
        return reverse_outcome(SRS_REFUSED, "it is cut short");
    enum srs_status holds = srs_hash_holds(s, hash, &(struct srs_hashed){{stamp, host, user}}, a);
    if (holds != SRS_DONE)
        return bad_hash(holds);
    int age = srs_stamp_age(stamp, now);
    if (age < 0)
        return reverse_outcome(SRS_REFUSED, "its time stamp is none");
    if (age >= SRS_DAYS - SRS_AHEAD_DAYS && age > s->validity_days)
        return reverse_outcome(SRS_UNKNOWN, "it is of a day to come: is a clock wrong?");
    if (age > s->validity_days)
        return reverse_outcome(SRS_REFUSED, "it has expired");
    return (struct srs_outcome){.status = SRS_DONE, .address = srs_join(user, to->quoted, host, a)};
}

/* "hash=host=rest": SRS0 and the rest is what that host had made. */
static struct srs_outcome reverse_wrapped(const struct srs_scheme *s, const struct srs_address *to,
                                          struct str *host, struct arena *a)
{
    struct str hash, rest = str_sub(to->user, SRS_TAG_BYTES + 1, to->user.n);
    if (!str_split(&rest, '=', &hash) || !str_split(&rest, '=', host) || rest.n < 2 ||
        !srs_is_separator(rest.p[0]) || !srs_is_host(*host))
        return reverse_outcome(SRS_REFUSED, "it is cut short");
    enum srs_status holds = srs_hash_holds(s, hash, &(struct srs_hashed){{*host, rest}}, a);
    if (holds != SRS_DONE)
        return bad_hash(holds);
    struct str user = str_printf(a, "SRS0%.*s", STR_ARG(rest));
    return (struct srs_outcome){.status = SRS_DONE,
                                .address = srs_join(user, to->quoted, *host, a)};
}

struct srs_outcome srs_reverse(const struct srs_scheme *s, struct str recipient, int64_t now,
                               struct arena *a)
{
    struct srs_address to;
    struct str host, domain;
    const char *why = srs_split(recipient, a, &to);
    if (why)
        return reverse_outcome(SRS_UNTOUCHED, why);
    int tag = srs_tag(to.user);
    if (!str_eq(to.domain, s->domain))
        return reverse_outcome(SRS_UNTOUCHED, "its domain is not the one of our SRS addresses");
    if (tag < 0)
        return reverse_outcome(SRS_UNTOUCHED, "it is no SRS address");
    if (tag == 0)
        return reverse_first(s, &to, now, a);
    struct srs_outcome first = reverse_wrapped(s, &to, &host, a);
    /* A message that we had forwarded came to us again and was forwarded again: MTAs ask only once,
     * so both steps are undone. */
    if (first.status == SRS_DONE && domain_normalize(a, host, &domain) &&
        str_eq(domain, s->domain) && !srs_split(first.address, a, &to))
        return reverse_first(s, &to, now, a);
    return first;
}
