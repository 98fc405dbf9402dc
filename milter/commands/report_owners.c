/* report_owners.c - whose the addresses are that send in our name: the organization of the host's
 * name, if that leads back to the address, and the country. Each address is asked about once, and
 * again a day later if the DNS did not answer.
 *
 * Errors: false if the store failed. */
#include <time.h>

#include "mail/domain.h"
#include "mail/psl.h"
#include "milter/commands/report.h"
#include "report/in/country.h"
#include "report/in/mmdb.h"
#include "report/in/reporter.h"
#include "spf/evaluate.h"

#define AGAIN_S   86400
#define NAMES_MAX 5 /* of an address */
/* A dead DNS holds nobody up for long, and many addresses have some time each. */
#define PATIENCE_US      3000000
#define PATIENCE_EACH_US 20000

struct owners {
    struct command *command;
    struct received *store;
    struct arena *arena;
    struct dns_asker asker;
    const struct psl *psl;
    struct countries *countries; /* of text files, */
    struct mmdb *country_file;   /* or of this one */
    struct mmdb *network_file;
    int64_t now;
};

static bool leads_back(struct owners *o, struct str name, const struct netaddr *address)
{
    const struct dns_answer *answer =
        dns_lookup(&o->asker, name, address->family == 4 ? DNS_A : DNS_AAAA);
    for (size_t i = 0; i < answer->n; i++)
        if (netaddr_eq(&answer->rr[i].addr, address))
            return true;
    return false;
}

static struct str organization_of(const struct owners *o, struct str name)
{
    return str_copy(o->arena, reporter_organization(o->psl, name));
}

/* A file that cannot be read is no reason to store nothing: it is told. */
static struct mmdb *open_mmdb(const struct owners *o, struct str path)
{
    const char *why = "";
    struct mmdb *m = mmdb_open(path, o->arena, &why);
    if (!m)
        command_fail(o->command, 0, "%.*s: %s", STR_ARG(str_safe(o->arena, path, 200, true)), why);
    return m;
}

static void open_files(struct owners *o)
{
    const struct conf *conf = o->command->conf;
    struct str problem;
    o->psl = psl_open(o->arena, conf->dmarc_public_suffix_list, &problem);
    if (str_ends_nocase(conf->reports_country_file, STR(".mmdb")))
        o->country_file = open_mmdb(o, conf->reports_country_file);
    else
        o->countries = countries_open(conf->reports_country_file, o->arena);
    if (conf->reports_network_file.n)
        o->network_file = open_mmdb(o, conf->reports_network_file);
}

static struct str country_at(const struct owners *o, const struct netaddr *address)
{
    return o->country_file ? mmdb_country(o->country_file, address, o->arena)
                           : country_of(o->countries, address, o->arena);
}

static void look_up(struct owners *o, const struct netaddr *address, struct received_owner *out)
{
    const struct dns_answer *names =
        dns_lookup(&o->asker, spf_reverse_name(o->arena, address), DNS_PTR);
    *out = (struct received_owner){.known = !dns_unknown(names), .country = country_at(o, address)};
    for (size_t i = 0; i < names->n && i < NAMES_MAX && !out->name.n; i++) {
        struct str name;
        if (!domain_normalize_ascii(o->arena, names->rr[i].text, &name) ||
            !leads_back(o, name, address))
            continue;
        out->name = str_copy(o->arena, name);
        out->kind = SOURCE_NAME;
        out->source = organization_of(o, name);
    }
    if (!out->name.n && out->known) {
        out->kind = SOURCE_AS;
        out->source = mmdb_network(o->network_file, address, o->arena);
    }
}

/* All questions are on their way before the first answer is waited for. */
static void start_all(struct owners *o, const struct received_address *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dns_start(&o->asker, spf_reverse_name(o->arena, &v[i].address), DNS_PTR);
}

static bool store_all(struct owners *o, const struct received_address *v,
                      const struct received_owner *owners, size_t n)
{
    if (!received_begin(o->store))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!received_set_owner(o->store, &v[i], &owners[i], o->now)) {
            received_undo(o->store);
            return false;
        }
    return received_commit(o->store);
}

static bool find_some(struct owners *o, const struct received_address *v, size_t n)
{
    struct received_owner *owners = arena_array(o->arena, struct received_owner, n);
    start_all(o, v, n);
    for (size_t i = 0; i < n; i++)
        look_up(o, &v[i].address, &owners[i]);
    return store_all(o, v, owners, n);
}

bool report_find_owners(struct command *c, struct received *store, size_t max, int64_t patience_us)
{
    struct arena *a = arena_new(0);
    struct received_address *v = arena_array(a, struct received_address, max);
    int64_t now = time(NULL);
    size_t n = received_unknown_addresses(store, now - AGAIN_S, v, max);
    bool good = true;
    if (n && (c->dns || command_open_dns(c) == EX_OK)) {
        struct owners o = {.command = c, .store = store, .arena = a, .now = now};
        int64_t fair_us = PATIENCE_US + (int64_t)n * PATIENCE_EACH_US;
        o.asker = (struct dns_asker){.dns = c->dns, .arena = a};
        o.asker.patience_us = fair_us < patience_us ? fair_us : patience_us;
        open_files(&o);
        good = find_some(&o, v, n);
    }
    arena_free(a);
    return good;
}
