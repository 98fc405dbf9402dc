/* mechanisms.c - does a mechanism match? And the names of the client, for ptr and %{p}.
 *
 * Errors: SPF_STOP, with the result and the problem set. DNS errors stop a, mx and exists with
 * temperror; for the names of the client they only make a name invalid (RFC 7208 5.5). */
#include "spf/evaluate.h"

#include "mail/domain.h"

enum dns_type spf_address_type(const struct spf_eval *ev)
{
    return ev->values.client.family == 6 ? DNS_AAAA : DNS_A;
}

static bool has_client(const struct spf_eval *ev, const struct dns_answer *answer, unsigned bits)
{
    for (size_t i = 0; i < answer->n; i++)
        if (netaddr_in(&ev->values.client, &answer->rr[i].addr, bits))
            return true;
    return false;
}

static unsigned prefix_of(const struct spf_eval *ev, const struct spf_term *term)
{
    return ev->values.client.family == 6 ? term->bits6 : term->bits4;
}

/* RFC 7208 5.3; and 5.7, where any address matches. exists asks for A whatever the client is, so a
 * name without one is void (4.6.4): other addresses that it may have change nothing. */
static enum spf_match match_address(struct spf_eval *ev, const struct spf_term *term)
{
    enum dns_type type = term->kind == SPF_EXISTS ? DNS_A : spf_address_type(ev);
    const struct dns_answer *answer = spf_ask(ev, term->target, type);
    if (!answer)
        return SPF_STOP;
    if (dns_unknown(answer))
        return spf_stop_unknown(ev, term->target, type, answer);
    bool exists = term->kind == SPF_EXISTS;
    if (answer->n == 0)
        return spf_charge_void(ev, type, &term->target, !exists && answer->status == DNS_NODATA);
    bool match = exists || has_client(ev, answer, prefix_of(ev, term));
    return match ? SPF_MATCH : SPF_NO_MATCH;
}

/* What the exchanges of an mx have. */
struct exchanges {
    bool found;        /* some address of the client's family */
    struct str *names; /* of those that exist without one */
    size_t n;
};

/* One exchange of an mx. */
static enum spf_match match_exchange(struct spf_eval *ev, const struct spf_term *term,
                                     struct str exchange, struct exchanges *seen)
{
    enum dns_type type = spf_address_type(ev);
    if (str_eq(exchange, STR("."))) /* RFC 7505: no mail */
        return SPF_NO_MATCH;
    const struct dns_answer *answer = spf_ask(ev, exchange, type);
    if (!answer)
        return SPF_STOP;
    if (dns_unknown(answer))
        return spf_stop_unknown(ev, exchange, type, answer);
    seen->found = seen->found || answer->n > 0;
    if (answer->status == DNS_NODATA)
        seen->names[seen->n++] = exchange;
    return has_client(ev, answer, prefix_of(ev, term)) ? SPF_MATCH : SPF_NO_MATCH;
}

/* RFC 7208 5.4. A term is void once, however many of its exchanges have no address: otherwise a
 * client on IPv6 would break the records of all who have several exchanges on IPv4 only. */
static enum spf_match match_mx(struct spf_eval *ev, const struct spf_term *term)
{
    const struct dns_answer *mx = spf_ask(ev, term->target, DNS_MX);
    struct exchanges seen = {0};
    if (!mx)
        return SPF_STOP;
    if (dns_unknown(mx))
        return spf_stop_unknown(ev, term->target, DNS_MX, mx);
    if (mx->n > ev->request->limits.names)
        return spf_stop(ev, SPF_PERMERROR, "%.*s has more than %u MX records (RFC 7208 4.6.4)",
                        STR_ARG(spf_clean(ev, term->target)), ev->request->limits.names);
    for (size_t i = 1; i < mx->n; i++) /* the first is asked for at once */
        if (!str_eq(mx->rr[i].text, STR(".")))
            dns_prefetch(ev->asker, mx->rr[i].text, spf_address_type(ev));
    seen.names = arena_array(ev->arena, struct str, mx->n);
    for (size_t i = 0; i < mx->n; i++) {
        enum spf_match match = match_exchange(ev, term, mx->rr[i].text, &seen);
        if (match != SPF_NO_MATCH)
            return match;
    }
    return seen.found ? SPF_NO_MATCH
                      : spf_charge_void(ev, spf_address_type(ev), seen.names, seen.n);
}

struct str spf_reverse_name(struct arena *a, const struct netaddr *client)
{
    struct spf_macro_values values = {.client = *client};
    return spf_expand_name(a, STR("%{ir}.%{v}.arpa"), &values);
}

/* Asks for the client's names once. False: stop. */
static bool find_client_names(struct spf_eval *ev)
{
    struct spf_client_names *c = &ev->client_names;
    if (c->asked)
        return true;
    const struct dns_answer *ptr =
        spf_ask(ev, spf_reverse_name(ev->arena, &ev->values.client), DNS_PTR);
    if (!ptr)
        return false;
    c->asked = true;
    c->none = !dns_unknown(ptr) && ptr->n == 0;
    /* RFC 7208 4.6.4: names beyond the limit are ignored. */
    c->n = ptr->n < ev->request->limits.names ? ptr->n : ev->request->limits.names;
    c->names = arena_array(ev->arena, struct spf_client_name, c->n);
    for (size_t i = 0; i < c->n; i++)
        c->names[i].name = ptr->rr[i].text;
    return true;
}

/* RFC 7208 5.5: a name is valid if the client is among its addresses. False: stop. */
static bool check_client_name(struct spf_eval *ev, struct spf_client_name *name)
{
    if (name->checked)
        return true;
    const struct dns_answer *answer = spf_ask(ev, name->name, spf_address_type(ev));
    if (!answer)
        return false;
    name->checked = true;
    name->valid = has_client(ev, answer, ev->values.client.family == 6 ? 128 : 32);
    return true;
}

/* Which of the client's names are looked at. */
enum relation { SAME, BELOW, ANY };

static bool related(struct str name, struct str domain, enum relation relation)
{
    if (relation == SAME)
        return str_eq(name, domain);
    return relation == ANY || domain_is_at_or_below(name, domain);
}

/* The first valid name that stands in the relation to `domain`, or STR_NONE. False: stop. */
static bool find_valid_name(struct spf_eval *ev, struct str domain, enum relation relation,
                            struct str *found)
{
    struct spf_client_names *c = &ev->client_names;
    *found = STR_NONE;
    for (size_t i = 1; i < c->n; i++) /* the first is asked for at once */
        if (!c->names[i].checked && related(c->names[i].name, domain, relation))
            dns_prefetch(ev->asker, c->names[i].name, spf_address_type(ev));
    for (size_t i = 0; i < c->n; i++) {
        if (!related(c->names[i].name, domain, relation))
            continue;
        if (!check_client_name(ev, &c->names[i]))
            return false;
        if (c->names[i].valid) {
            *found = c->names[i].name;
            return true;
        }
    }
    return true;
}

/* RFC 7208 5.5. */
static enum spf_match match_ptr(struct spf_eval *ev, const struct spf_term *term)
{
    struct str found;
    if (!find_client_names(ev))
        return SPF_STOP;
    if (ev->client_names.none)
        return spf_charge_void(ev, DNS_PTR, NULL, 0);
    if (!find_valid_name(ev, term->target, BELOW, &found))
        return SPF_STOP;
    return found.p ? SPF_MATCH : SPF_NO_MATCH;
}

bool spf_find_validated(struct spf_eval *ev)
{
    struct str domain = ev->values.domain;
    ev->values.validated = STR_NONE;
    if (!find_client_names(ev))
        return false;
    for (enum relation r = SAME; r <= ANY && !ev->values.validated.p; r++)
        if (!find_valid_name(ev, domain, r, &ev->values.validated))
            return false;
    return true;
}

enum spf_match spf_mechanism(struct spf_eval *ev, const struct spf_term *term)
{
    switch (term->kind) {
    case SPF_ALL:
        return SPF_MATCH;
    case SPF_IP4:
    case SPF_IP6:
        return spf_network_has(term, &ev->values.client) ? SPF_MATCH : SPF_NO_MATCH;
    case SPF_A:
    case SPF_EXISTS:
        return match_address(ev, term);
    case SPF_MX:
        return match_mx(ev, term);
    case SPF_PTR:
        return match_ptr(ev, term);
    case SPF_INCLUDE:
    case SPF_REDIRECT:
        break; /* evaluate.c's */
    }
    return SPF_NO_MATCH;
}
