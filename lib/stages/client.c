/* client.c - what the client's address and HELO say: iprev (RFC 8601 3), and whether it calls
 * itself by our name.
 *
 * Its look-ups run beside the dialogue: names at MAIL, their addresses from RCPT on.
 *
 * Errors: DNS trouble is the result temperror. */
#include "core/entry.h"
#include "core/gate.h"
#include "core/stage.h"
#include "mail/domain.h"

#define NAMES_MAX 10 /* of an address; RFC 7208 4.6.4 has the same bound for ptr */

/* "d.c.b.a.in-addr.arpa": lists are asked with the same names. */
static struct str reverse_name(struct arena *a, const struct netaddr *client)
{
    return dnsbl_address_name(a, client,
                              client->family == 4 ? STR("in-addr.arpa") : STR("ip6.arpa"));
}

static enum dns_type address_type(const struct netaddr *client)
{
    return client->family == 4 ? DNS_A : DNS_AAAA;
}

static bool leads_back(const struct dns_answer *addresses, const struct netaddr *client)
{
    for (size_t i = 0; i < addresses->n; i++)
        if (netaddr_eq(&addresses->rr[i].addr, client))
            return true;
    return false;
}

static size_t names_looked_at(const struct dns_answer *names)
{
    return names->n < NAMES_MAX ? names->n : NAMES_MAX;
}

/* One name that leads back is enough, whatever becomes of the others. */
static void follow_names(struct stage_run *run, const struct dns_answer *names)
{
    struct evidence_client *e = &run->evidence->client;
    const struct netaddr *client = &run->session->client;
    bool unknown = false, pending = false;
    e->capped = names->n > NAMES_MAX;
    for (size_t i = 0; i < names_looked_at(names); i++)
        gate_start(run->client_gate, names->rr[i].text, address_type(client));
    for (size_t i = 0; i < names_looked_at(names); i++) {
        const struct dns_answer *addresses =
            gate_lookup(run->client_gate, names->rr[i].text, address_type(client));
        if (leads_back(addresses, client)) {
            e->iprev = IPREV_PASS;
            e->name = names->rr[i].text;
            return;
        }
        pending = pending || addresses->status == DNS_PENDING;
        unknown = unknown || dns_unknown(addresses);
    }
    if (!pending)
        e->iprev = unknown ? IPREV_TEMPERROR : IPREV_FAIL;
}

static void check_iprev(struct stage_run *run)
{
    struct evidence_client *e = &run->evidence->client;
    const struct netaddr *client = &run->session->client;
    if (!conf_looks_up_client(run->conf) || !client->family || dnsbl_is_private(client) ||
        e->iprev != IPREV_NONE || run->message->may_be_forwarded ||
        !message_is_checked(run->message, SERVICE_CLIENT))
        return;
    const struct dns_answer *names =
        gate_lookup(run->client_gate, reverse_name(run->message->arena, client), DNS_PTR);
    if (names->status == DNS_ANSWER)
        follow_names(run, names);
    else if (!dns_unknown(names))
        e->iprev = IPREV_PERMERROR;
    else if (names->status != DNS_PENDING)
        e->iprev = IPREV_TEMPERROR;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]", or an address without its brackets. */
static bool read_literal(struct str helo, struct netaddr *address)
{
    if (str_starts(helo, STR("[")) && str_ends_nocase(helo, STR("]")))
        helo = str_sub(helo, 1, helo.n - 1);
    return netaddr_parse(helo, address);
}

static bool is_our_name(const struct stage_run *run, struct str helo)
{
    struct arena *a = run->message->arena;
    struct entry_names ours;
    struct str name, mta;
    if (!domain_normalize(a, helo, &name))
        return false;
    entry_authserv_ids(run->conf, a, &ours);
    for (size_t i = 0; i < ours.n; i++)
        if (str_eq(name, ours.v[i]))
            return true;
    return domain_normalize(a, run->session->mta_name, &mta) && str_eq(name, mta);
}

static enum helo_result judge_helo(const struct stage_run *run)
{
    const struct session *s = run->session;
    struct netaddr literal;
    if (!s->client.family || message_from_this_host(run->conf, &s->client))
        return HELO_FINE;
    if (read_literal(s->helo, &literal)) {
        if (netaddr_eq(&literal, &s->client))
            return HELO_FINE;
        return netset_has(&run->conf->host_addresses, &literal) ? HELO_OURS : HELO_OTHER;
    }
    return is_our_name(run, s->helo) ? HELO_OURS : HELO_FINE;
}

static void client_mail(struct stage_run *run)
{
    if (run->conf->client_mode != CHECK_OFF && message_is_checked(run->message, SERVICE_CLIENT))
        run->evidence->client.helo = judge_helo(run);
    check_iprev(run);
}

const struct stage stage_client = {
    .name = "client",
    .mail = client_mail,
    .rcpt = check_iprev,
    .data = check_iprev,
    .eoh = check_iprev,
    .eom = check_iprev,
    .telling = &telling_client,
};
