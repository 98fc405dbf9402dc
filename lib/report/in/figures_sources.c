/* figures_sources.c - who a source is: its name, its class, and what is known of its addresses.
 *
 * Errors: false, and why stands in the store. */
#include <string.h>

#include "mail/domain.h"
#include "report/in/figures_scan.h"

#define LOOKED_AT_MAX 500 /* sources whose addresses are looked at, those of most messages */

/* --- Classes -----------------------------------------------------------------------------------*/

/* More than half of what it sends passes by SPF: we allowed it. DKIM alone comes through
 * forwarders, as does what a list or a gateway changed. */
static enum source_class class_of_mail(const struct figures_source *s)
{
    const uint64_t *k = s->kinds;
    uint64_t allowed = k[KIND_BOTH] + k[KIND_SPF];
    uint64_t forwarded = k[KIND_DKIM] + k[KIND_FORWARDED] + k[KIND_MODIFIED];
    uint64_t foreign = k[KIND_FOREIGN], nothing = k[KIND_NOTHING];
    if (allowed && allowed >= forwarded && allowed >= foreign + nothing)
        return CLASS_APPROVED;
    if (forwarded && forwarded >= foreign + nothing)
        return CLASS_FORWARDER;
    return nothing > foreign ? CLASS_SPOOF : CLASS_UNKNOWN;
}

static bool is_ours_by_name(const struct figures_filter *f, const struct figures_source *s)
{
    const struct conf_strings *ours = f->owner.domains;
    if (s->kind != SOURCE_NAME || ours->all)
        return false;
    if (conf_has_domain(ours, s->name))
        return true;
    for (size_t i = 0; i < ours->n; i++) /* the organization of one of ours, which has two labels */
        if (domain_is_at_or_below(ours->v[i], s->name) && domain_labels(s->name) > 1)
            return true;
    return false;
}

static bool is_ours_by_address(const struct figures_filter *f, const struct netaddr *address)
{
    return (f->owner.hosts && netset_has(f->owner.hosts, address)) ||
           (f->owner.networks && netset_has(f->owner.networks, address));
}

/* --- Addresses ---------------------------------------------------------------------------------*/

struct address_facts {
    bool ours;
    char country[3]; /* of the most addresses so far, by the vote of Boyer and Moore */
    unsigned votes;
};

static void vote(struct address_facts *facts, struct str country)
{
    if (country.n != 2)
        return;
    if (!facts->votes)
        memcpy(facts->country, country.p, 2);
    facts->votes += memcmp(facts->country, country.p, 2) == 0 ? 1U : -1U;
}

static struct address_facts look_at_addresses(sqlite3_stmt *q, const struct figures_filter *f,
                                              int64_t source)
{
    struct address_facts facts = {0};
    sqlite3_bind_int64(q, 1, source);
    while (sqlite3_step(q) == SQLITE_ROW) {
        struct netaddr address = {0};
        struct str ip = received_column(q, 0);
        if (ip.n == 4 || ip.n == 16) {
            address.family = ip.n == 4 ? 4 : 6;
            memcpy(address.bytes, ip.p, ip.n);
            facts.ours = facts.ours || is_ours_by_address(f, &address);
        }
        vote(&facts, received_column(q, 1));
    }
    sqlite3_reset(q);
    return facts;
}

/* --- Names, labels -----------------------------------------------------------------------------*/

static bool read_names(struct received *r, struct arena *a, struct figures_source *v, size_t n)
{
    sqlite3_stmt *q = database_prepare(
        &r->db, "SELECT source.name, source.kind, label.class, label.title FROM source"
                " LEFT JOIN label ON label.source = source.name WHERE source.id = ?1");
    for (size_t i = 0; q && i < n; i++) {
        sqlite3_bind_int64(q, 1, v[i].id);
        if (sqlite3_step(q) == SQLITE_ROW) {
            int kind = sqlite3_column_int(q, 1);
            v[i].name = str_copy(a, received_column(q, 0));
            v[i].kind = kind == SOURCE_NAME ? SOURCE_NAME
                        : kind == SOURCE_AS ? SOURCE_AS
                                            : SOURCE_NETWORK;
            v[i].labelled = source_class_of_word(received_column(q, 2), &v[i].class);
            if (v[i].labelled)
                v[i].title = str_copy(a, received_column(q, 3));
        }
        sqlite3_reset(q);
    }
    return figures_end(r, q, SQLITE_DONE);
}

static bool read_days(struct received *r, const struct figures_filter *f, struct figures_source *v,
                      size_t n)
{
    sqlite3_stmt *q = database_prepare(
        &r->db,
        "SELECT min(first), max(last) FROM domain CROSS JOIN seen ON seen.domain = domain.id"
        " AND seen.source = ?1 WHERE ?2 = '' OR domain.name = ?2");
    if (q)
        received_bind(q, 2, f->domain.p ? f->domain : STR(""));
    for (size_t i = 0; q && i < n; i++) {
        sqlite3_bind_int64(q, 1, v[i].id);
        if (sqlite3_step(q) == SQLITE_ROW) {
            v[i].first_day = sqlite3_column_int64(q, 0);
            v[i].last_day = sqlite3_column_int64(q, 1);
        }
        sqlite3_reset(q);
    }
    return figures_end(r, q, SQLITE_DONE);
}

static bool classify(struct received *r, const struct figures_filter *f, struct arena *a,
                     struct figures_source *v, size_t n)
{
    sqlite3_stmt *q = database_prepare(
        &r->db, "SELECT ip, country FROM address WHERE source = ?1 ORDER BY id LIMIT 64");
    for (size_t i = 0; q && i < n; i++) {
        struct address_facts facts = {0};
        if (i < LOOKED_AT_MAX)
            facts = look_at_addresses(q, f, v[i].id);
        if (facts.votes)
            v[i].country = str_copy(a, (struct str){facts.country, 2});
        if (!v[i].labelled)
            v[i].class = facts.ours || is_ours_by_name(f, &v[i]) ? CLASS_OWN : class_of_mail(&v[i]);
    }
    return figures_end(r, q, SQLITE_DONE);
}

bool figures_name_sources(struct received *r, const struct figures_filter *f, struct arena *a,
                          struct figures_source *v, size_t n)
{
    return read_names(r, a, v, n) && read_days(r, f, v, n) && classify(r, f, a, v, n);
}
