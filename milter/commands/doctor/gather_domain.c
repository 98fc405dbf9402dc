/* gather_domain.c - our domains, and their records.
 *
 * Errors: what DNS does not answer stays unknown. */
#include <string.h>

#include "keys/record.h"
#include "mail/domain.h"
#include "milter/commands/doctor/gather.h"
#include "spf/record.h"

#define DOMAINS_MAX 200
#define MX_MAX      20
#define NO_LIMIT    100 /* look-ups of an SPF record, to count them */

/* --- Which domains -----------------------------------------------------------------------------*/

static void add_domain(struct doctor_facts *facts, struct str name)
{
    if (facts->n_domains == DOMAINS_MAX || !name.n || str_eq(name, STR("%")))
        return;
    for (size_t i = 0; i < facts->n_domains; i++)
        if (str_eq(facts->domains[i].name, name))
            return;
    facts->domains[facts->n_domains++] = (struct domain_facts){.name = name};
}

static void guess_domain(struct command *c, struct doctor_facts *facts)
{
    struct str name = str_trim(file_within(c, "/etc/mailname")), normal;
    if (!name.n)
        name = facts->host;
    facts->domains_guessed = true;
    if (domain_normalize(c->arena, name, &normal) && domain_labels(normal) > 1)
        add_domain(facts, normal);
}

void gather_domain_names(struct command *c, struct doctor_facts *facts,
                         const struct key_inventory *keys)
{
    facts->domains = arena_array(c->arena, struct domain_facts, DOMAINS_MAX);
    for (int i = 0; i < c->n_words; i++) {
        struct str name;
        if (domain_normalize(c->arena, str_of(c->words[i]), &name))
            add_domain(facts, name);
    }
    if (facts->n_domains)
        return;
    for (size_t i = 0; i < facts->conf->n_signing; i++)
        add_domain(facts, facts->conf->signing[i].domain);
    for (size_t i = 0; i < keys->n; i++)
        add_domain(facts, keys->keys[i].domain);
    if (!facts->n_domains)
        guess_domain(c, facts);
}

/* --- MX ----------------------------------------------------------------------------------------*/

static void start_mx(struct command *c, const struct dns_answer *mx)
{
    for (size_t i = 0; mx->status == DNS_ANSWER && i < mx->n && i < MX_MAX; i++) {
        dns_start(&c->asker, mx->rr[i].text, DNS_A);
        dns_start(&c->asker, mx->rr[i].text, DNS_AAAA);
    }
}

static void add_mx(struct command *c, struct domain_facts *d, struct str host)
{
    d->mx_hosts[d->n_mx++] = (struct mx_facts){
        .host = host,
        .v4 = dns_lookup(&c->asker, host, DNS_A),
        .v6 = dns_lookup(&c->asker, host, DNS_AAAA),
    };
}

static void look_up_mx(struct command *c, struct domain_facts *d)
{
    d->mx = dns_lookup(&c->asker, d->name, DNS_MX);
    d->mx_hosts = arena_array(c->arena, struct mx_facts, MX_MAX);
    start_mx(c, d->mx);
    if (d->mx->status == DNS_NODATA)
        add_mx(c, d, d->name);
    for (size_t i = 0; d->mx->status == DNS_ANSWER && i < d->mx->n && i < MX_MAX; i++)
        if (!str_eq(d->mx->rr[i].text, STR(".")))
            add_mx(c, d, d->mx->rr[i].text);
}

/* --- SPF ---------------------------------------------------------------------------------------*/

static void check_spf(struct command *c, const struct doctor_facts *facts, struct str domain,
                      const struct netaddr *client, struct spf_limits limits,
                      struct spf_outcome *out)
{
    const struct spf_request request = {
        .client = *client,
        .helo = facts->host,
        .domain = domain,
        .receiver = facts->host,
        .now = facts->machine.now,
        .limits = limits,
    };
    spf_check(&request, &c->asker, out);
}

/* Clients that no record should match: addresses that are reserved for documentation. */
static const struct netaddr strangers[] = {
    {.family = 4, .bytes = {255, 255, 255, 254}},
    {.family = 6, .bytes = {0x3f, 0xff, [15] = 1}},
};

static void count_lookups(struct command *c, const struct doctor_facts *facts, struct str domain,
                          struct spf_outcome *worst)
{
    struct spf_limits none = spf_limits_default;
    struct spf_outcome other;
    none.lookup_terms = none.void_lookups = NO_LIMIT;
    check_spf(c, facts, domain, &strangers[0], none, worst);
    check_spf(c, facts, domain, &strangers[1], none, &other);
    if (other.lookup_terms > worst->lookup_terms)
        worst->lookup_terms = other.lookup_terms;
}

static bool has_voids(struct command *c, const struct doctor_facts *facts, struct str domain,
                      const struct netaddr *client)
{
    struct spf_limits limits = spf_limits_default;
    struct spf_outcome outcome;
    limits.lookup_terms = NO_LIMIT;
    check_spf(c, facts, domain, client, limits, &outcome);
    return outcome.result == SPF_PERMERROR && outcome.void_lookups == limits.void_lookups;
}

static void add_cost(struct command *c, const struct doctor_facts *facts, struct domain_facts *d,
                     const struct spf_term *term)
{
    struct spf_cost *cost = &d->costs[d->n_costs++];
    *cost = (struct spf_cost){term->text, 1};
    if ((term->kind != SPF_INCLUDE && term->kind != SPF_REDIRECT) || term->letters)
        return;
    struct spf_outcome inner;
    count_lookups(c, facts, term->spec, &inner);
    cost->lookups += inner.lookup_terms;
}

static void read_spf(struct command *c, const struct doctor_facts *facts, struct domain_facts *d)
{
    struct spf_record record;
    if (!spf_record_parse(c->arena, d->record, NO_LIMIT, NULL, &record, &d->record_problem))
        return;
    for (size_t i = 0; i < record.n; i++) {
        d->has_ptr = d->has_ptr || record.terms[i].kind == SPF_PTR;
        if (spf_needs_lookup(record.terms[i].kind) && d->n_costs < SPF_COSTS_MAX)
            add_cost(c, facts, d, &record.terms[i]);
    }
    count_lookups(c, facts, d->name, &d->worst);
    d->voids4 = has_voids(c, facts, d->name, &strangers[0]);
    d->voids6 = has_voids(c, facts, d->name, &strangers[1]);
    d->own = arena_array(c->arena, enum spf_result, facts->n_addresses);
    for (size_t i = 0; i < facts->n_addresses; i++) {
        struct spf_outcome outcome;
        check_spf(c, facts, d->name, &facts->addresses[i].address, spf_limits_default, &outcome);
        d->own[i] = outcome.result;
    }
}

static void look_up_spf(struct command *c, const struct doctor_facts *facts, struct domain_facts *d)
{
    d->txt = dns_lookup(&c->asker, d->name, DNS_TXT);
    for (size_t i = 0; d->txt->status == DNS_ANSWER && i < d->txt->n; i++) {
        if (!spf_is_record(d->txt->rr[i].text))
            continue;
        d->record = d->txt->rr[i].text;
        d->n_records++;
    }
    if (d->n_records == 1)
        read_spf(c, facts, d);
}

/* --- Keys --------------------------------------------------------------------------------------*/

static bool is_active(const struct configured_key *key)
{
    return strcmp(key->state, "active") == 0;
}

static bool others_sign(const struct key_inventory *keys, const struct configured_key *key)
{
    for (size_t i = 0; i < keys->n; i++)
        if (&keys->keys[i] != key && is_active(&keys->keys[i]) &&
            str_eq(keys->keys[i].domain, key->domain))
            return true;
    return false;
}

static void look_up_key(struct command *c, const struct key_inventory *keys,
                        const struct configured_key *key, struct key_facts *k)
{
    struct arena *a = c->arena;
    *k = (struct key_facts){.key = key, .signs = is_active(key) || !others_sign(keys, key)};
    k->name = key_record_name(a, key->selector, key->domain);
    if (!key->key || !k->name.p)
        return;
    k->value = key_record_value(a, key->key);
    k->zone = key_record_zone(a, k->name, k->value);
    k->finding = record_compare(dns_lookup(&c->asker, k->name, DNS_TXT), key->key, a);
}

static void look_up_keys(struct command *c, const struct key_inventory *keys,
                         struct domain_facts *d)
{
    d->keys_seen = keys->seen;
    d->keys = arena_array(c->arena, struct key_facts, keys->n);
    for (size_t i = 0; i < keys->n; i++)
        if (str_eq(keys->keys[i].domain, d->name))
            look_up_key(c, keys, &keys->keys[i], &d->keys[d->n_keys++]);
}

static struct str below_root(struct command *c, struct str path)
{
    return path.p && path.n && path.p[0] == '/' ? str_of(path_within(c, str_cstr(c->arena, path)))
                                                : path;
}

/* The keys of another machine are below its root; relative paths stay as they are. */
static void move_keys(struct command *c)
{
    c->conf->user = STR_NONE; /* its user does not exist here */
    for (size_t i = 0; i < c->conf->n_signing; i++) {
        struct conf_signing *entry = &c->conf->signing[i];
        entry->directory = below_root(c, entry->directory);
        for (size_t k = 0; k < entry->n_keys; k++)
            entry->keys[k].file = below_root(c, entry->keys[k].file);
    }
}

void gather_keys(struct command *c, struct doctor_facts *facts, struct key_inventory *keys)
{
    struct conf_problems problems;
    conf_problems_init(&problems, c->arena);
    if (facts->elsewhere)
        move_keys(c);
    keys->seen =
        inventory_load(c->conf, facts->machine.now, c->arena, &problems, &keys->keys, &keys->n);
}

/* --- All of it ---------------------------------------------------------------------------------*/

static struct str below(struct command *c, const char *label, const struct domain_facts *d)
{
    return str_printf(c->arena, "%s.%.*s", label, STR_ARG(d->name));
}

static void start_domain(struct command *c, const struct key_inventory *keys,
                         const struct domain_facts *d)
{
    dns_start(&c->asker, d->name, DNS_MX);
    dns_start(&c->asker, d->name, DNS_TXT);
    dns_start(&c->asker, below(c, "_smtp._tls", d), DNS_TXT);
    dns_start(&c->asker, below(c, "_mta-sts", d), DNS_TXT);
    dmarc_prefetch(d->name, c->conf->psl, &c->asker);
    for (size_t i = 0; i < keys->n; i++)
        if (str_eq(keys->keys[i].domain, d->name))
            dns_start(&c->asker, key_record_name(c->arena, keys->keys[i].selector, d->name),
                      DNS_TXT);
}

/* Starts the look-ups that follow from the first answers before anything waits for them: the
 * addresses of the MX, and what the SPF record includes. */
static void start_second(struct command *c, const struct doctor_facts *facts,
                         const struct domain_facts *d)
{
    struct dns_asker hurried = c->asker;
    struct spf_outcome outcome;
    const struct spf_request request = {
        .client = strangers[0],
        .helo = facts->host,
        .domain = d->name,
        .receiver = facts->host,
        .now = facts->machine.now,
        .limits = spf_limits_default,
    };
    start_mx(c, dns_lookup(&c->asker, d->name, DNS_MX));
    dns_lookup(&c->asker, d->name, DNS_TXT);
    hurried.patience_us = 0;
    hurried.may_pend = true;
    spf_check(&request, &hurried, &outcome);
    if (outcome.pending)
        spf_check_ahead(&request, &hurried);
}

static void look_up_domain(struct command *c, const struct doctor_facts *facts,
                           const struct key_inventory *keys, struct domain_facts *d)
{
    const struct dmarc_request request = {.author_domain = d->name, .psl = c->conf->psl};
    look_up_mx(c, d);
    look_up_spf(c, facts, d);
    look_up_keys(c, keys, d);
    dmarc_evaluate(&request, &c->asker, &d->dmarc);
    dmarc_advise(&d->dmarc, &c->asker, &d->advice);
    d->tls_report = dns_lookup(&c->asker, below(c, "_smtp._tls", d), DNS_TXT);
    d->mta_sts = dns_lookup(&c->asker, below(c, "_mta-sts", d), DNS_TXT);
}

void gather_domains(struct command *c, struct doctor_facts *facts, const struct key_inventory *keys)
{
    for (size_t i = 0; i < facts->n_domains; i++)
        start_domain(c, keys, &facts->domains[i]);
    for (size_t i = 0; i < facts->n_domains; i++)
        start_second(c, facts, &facts->domains[i]);
    for (size_t i = 0; i < facts->n_domains; i++)
        look_up_domain(c, facts, keys, &facts->domains[i]);
}
