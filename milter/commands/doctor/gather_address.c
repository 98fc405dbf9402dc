/* gather_address.c - our name, the addresses that mail leaves from, their names, and the DNS lists
 * that have them.
 *
 * Errors: what DNS does not answer stays unknown. */
#include "dnsbl/dnsbl.h"
#include "milter/commands/doctor/gather.h"

#define ADDRESSES_MAX 64
#define NAMES_MAX     10

static void add_address(struct doctor_facts *facts, const struct netaddr *address, struct arena *a)
{
    char text[NETADDR_TEXT];
    if (facts->n_addresses == ADDRESSES_MAX || (address->family == 6 && facts->no_v6))
        return;
    for (size_t i = 0; i < facts->n_addresses; i++)
        if (netaddr_eq(&facts->addresses[i].address, address))
            return;
    facts->addresses[facts->n_addresses++] = (struct address_facts){
        .address = *address, .text = str_copy(a, str_of(netaddr_format(address, text)))};
}

static void add_answer(struct doctor_facts *facts, const struct dns_answer *answer, struct arena *a)
{
    for (size_t i = 0; answer->status == DNS_ANSWER && i < answer->n; i++)
        if (!dnsbl_is_private(&answer->rr[i].addr))
            add_address(facts, &answer->rr[i].addr, a);
}

static void add_text(struct doctor_facts *facts, struct str text, struct arena *a)
{
    struct netaddr address;
    if (netaddr_parse(text, &address))
        add_address(facts, &address, a);
}

static void add_own(struct doctor_facts *facts, struct arena *a)
{
    const struct netset *own = &facts->conf->host_addresses;
    for (size_t i = 0; i < own->n; i++)
        if (!dnsbl_is_private(&own->ranges[i].net))
            add_address(facts, &own->ranges[i].net, a);
}

/* Takes the addresses that the command line names. Without them, and if mail leaves from this
 * machine, it takes those in the MTA's configuration, or else the public ones of this machine, or
 * else those of its name. */
static void choose_addresses(struct command *c, struct doctor_facts *facts)
{
    const struct doctor_words *words = c->own;
    for (size_t i = 0; i < words->addresses.n; i++)
        add_text(facts, str_of(words->addresses.v[i]), c->arena);
    if (facts->n_addresses || facts->relay.n)
        return;
    add_text(facts, facts->bound[0], c->arena);
    add_text(facts, facts->bound[1], c->arena);
    if (!facts->n_addresses && !facts->elsewhere)
        add_own(facts, c->arena);
    if (facts->n_addresses)
        return;
    facts->addresses_by_name = true;
    add_answer(facts, facts->host_v4, c->arena);
    add_answer(facts, facts->host_v6, c->arena);
}

/* --- Names -------------------------------------------------------------------------------------*/

static struct str reverse_name(const struct address_facts *address, struct arena *a)
{
    return dnsbl_address_name(a, &address->address,
                              address->address.family == 4 ? STR("in-addr.arpa") : STR("ip6.arpa"));
}

static void follow_name(struct command *c, struct address_facts *address, struct str name)
{
    const struct dns_answer *back =
        dns_lookup(&c->asker, name, address->address.family == 4 ? DNS_A : DNS_AAAA);
    bool same = false;
    for (size_t i = 0; back->status == DNS_ANSWER && i < back->n; i++)
        same = same || netaddr_eq(&back->rr[i].addr, &address->address);
    if (same) {
        address->name = name;
        address->leads_back = SEEN_YES;
    } else if (dns_unknown(back)) {
        address->leads_back = UNSEEN;
    }
}

static void look_up_name(struct command *c, struct address_facts *address)
{
    address->ptr = dns_lookup(&c->asker, reverse_name(address, c->arena), DNS_PTR);
    address->leads_back = dns_unknown(address->ptr) ? UNSEEN : SEEN_NO;
    if (address->ptr->status != DNS_ANSWER)
        return;
    address->name = address->ptr->rr[0].text;
    for (size_t i = 0; i < address->ptr->n && i < NAMES_MAX && address->leads_back != SEEN_YES; i++)
        follow_name(c, address, address->ptr->rr[i].text);
}

/* --- Lists -------------------------------------------------------------------------------------*/

void gather_lists(struct command *c, struct doctor_facts *facts)
{
    struct dnsbl_asking asking;
    size_t n = facts->n_addresses + facts->n_domains;
    struct dnsbl_account *accounts = arena_array(c->arena, struct dnsbl_account, n);
    struct dnsbl_subject *subjects = arena_array(c->arena, struct dnsbl_subject, n);
    dnsbl_asking_init(&asking, c);
    for (size_t i = 0; i < n; i++) {
        bool domain = i >= facts->n_addresses;
        if (domain)
            subjects[i].text = facts->domains[i - facts->n_addresses].name;
        else
            subjects[i] =
                (struct dnsbl_subject){facts->addresses[i].address, facts->addresses[i].text};
        dnsbl_ask_start(&asking, &subjects[i]);
    }
    for (size_t i = 0; i < n; i++) {
        dnsbl_ask(&asking, subjects[i], &accounts[i]);
        if (i < facts->n_addresses)
            facts->addresses[i].lists = &accounts[i];
        else
            facts->domains[i - facts->n_addresses].lists = &accounts[i];
    }
}

void gather_addresses(struct command *c, struct doctor_facts *facts)
{
    dns_start(&c->asker, facts->host, DNS_AAAA);
    facts->host_v4 = dns_lookup(&c->asker, facts->host, DNS_A);
    facts->host_v6 = dns_lookup(&c->asker, facts->host, DNS_AAAA);
    facts->addresses = arena_array(c->arena, struct address_facts, ADDRESSES_MAX);
    choose_addresses(c, facts);
    for (size_t i = 0; i < facts->n_addresses; i++)
        dns_start(&c->asker, reverse_name(&facts->addresses[i], c->arena), DNS_PTR);
    for (size_t i = 0; i < facts->n_addresses; i++)
        look_up_name(c, &facts->addresses[i]);
}
