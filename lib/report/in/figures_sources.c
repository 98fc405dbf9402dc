/* figures_sources.c - fills in name and class of each source, and what is known of its addresses.
 *
 * Errors: false, and the store has the reason. */
#include <stdlib.h>
#include <string.h>

#include "mail/domain.h"
#include "report/in/figures_scan.h"

#define LOOKED_AT_MAX 300 /* sources whose addresses are read: those with most messages */

/* --- Classes -----------------------------------------------------------------------------------*/

/* If more than half of a source's mail passes SPF, our record allows the source. Mail that passes
 * only DKIM, or that a list or gateway changed, comes through forwarders. */
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
    char country[3]; /* of most addresses so far, by the majority vote of Boyer and Moore */
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

static struct address_facts look_at_addresses(struct sql *q, const struct figures_filter *f,
                                              int64_t source)
{
    struct address_facts facts = {0};
    sql_bind_number(q, 1, source);
    while (sql_step(q) == SQL_ROW) {
        struct netaddr address = {0};
        struct str ip = sql_text(q, 0);
        if (ip.n == 4 || ip.n == 16) {
            address.family = ip.n == 4 ? 4 : 6;
            memcpy(address.bytes, ip.p, ip.n);
            facts.ours = facts.ours || is_ours_by_address(f, &address);
        }
        vote(&facts, sql_text(q, 1));
    }
    sql_reset(q);
    return facts;
}

/* --- Names, labels -----------------------------------------------------------------------------*/

static int by_id(const void *a, const void *b)
{
    const struct figures_source *const *x = a, *const *y = b;
    return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

/* Finds a source by its number in a sorted list, so that each table is read only once. */
static struct figures_source *find(struct figures_source **sorted, size_t n, int64_t id)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle]->id == id)
            return sorted[middle];
        if (sorted[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static struct figures_source **sort_by_id(struct arena *a, struct figures_source *v, size_t n)
{
    struct figures_source **sorted = arena_array(a, struct figures_source *, n + 1);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &v[i];
    if (n)
        qsort(sorted, n, sizeof(*sorted), by_id);
    return sorted;
}

static void take_name(struct sql *q, struct arena *a, struct figures_source *s)
{
    int64_t kind = sql_number(q, 2);
    s->name = str_copy(a, sql_text(q, 1));
    s->kind = kind == SOURCE_NAME ? SOURCE_NAME : kind == SOURCE_AS ? SOURCE_AS : SOURCE_NETWORK;
    s->labelled = source_class_of_word(sql_text(q, 3), &s->class);
    if (s->labelled)
        s->title = str_copy(a, sql_text(q, 4));
}

/* Few sources are looked up one by one, and for many the tables are read: a page about one of half
 * a million does not read the names of all. */
#define FEW 20

typedef void take_fact(struct sql *q, struct arena *a, struct figures_source *s);

/* Parameters 1 and 2 of the statement are the first and the last number of the sources. */
static bool look_up(struct sql *q, struct arena *a, struct figures_source **sorted, size_t n,
                    take_fact *take)
{
    enum sql_step rc = q ? SQL_DONE : SQL_FAILED;
    bool few = n <= FEW;
    for (size_t i = 0; rc == SQL_DONE && i < (few ? n : 1); i++) {
        sql_bind_number(q, 1, few ? sorted[i]->id : 0);
        sql_bind_number(q, 2, few ? sorted[i]->id : INT64_MAX);
        while ((rc = sql_step(q)) == SQL_ROW) {
            struct figures_source *s = find(sorted, n, sql_number(q, 0));
            if (s)
                take(q, a, s);
        }
        sql_reset(q);
    }
    return sql_end(q, rc);
}

static bool read_names(struct received *r, struct arena *a, struct figures_source **sorted,
                       size_t n)
{
    struct sql *q = sql_prepare(
        &r->db, "SELECT source.id, source.name, source.kind, label.class, label.title FROM source"
                " LEFT JOIN label ON label.source = source.name"
                " WHERE source.id BETWEEN ?1 AND ?2");
    return look_up(q, a, sorted, n, take_name);
}

static void take_days(struct sql *q, struct arena *a, struct figures_source *s)
{
    int64_t first = sql_number(q, 1), last = sql_number(q, 2);
    (void)a;
    if (!s->first_day || first < s->first_day)
        s->first_day = first;
    if (last > s->last_day)
        s->last_day = last;
}

static bool read_days(struct received *r, const struct figures_filter *f, struct arena *a,
                      struct figures_source **sorted, size_t n)
{
    struct sql *q =
        sql_prepare(&r->db, "SELECT source, first, last FROM seen WHERE source BETWEEN ?1 AND ?2"
                            " AND domain IN (SELECT id FROM domain WHERE ?3 = '' OR name = ?3)");
    sql_bind(q, 3, f->domain.p ? f->domain : STR(""));
    return look_up(q, a, sorted, n, take_days);
}

static bool classify(struct received *r, const struct figures_filter *f, struct arena *a,
                     struct figures_source *v, size_t n)
{
    struct sql *q = sql_prepare(
        &r->db, "SELECT ip, country FROM address WHERE source = ?1 ORDER BY id LIMIT 64");
    for (size_t i = 0; q && i < n; i++) { /* most messages first */
        struct address_facts facts = {0};
        if (i < LOOKED_AT_MAX)
            facts = look_at_addresses(q, f, v[i].id);
        if (facts.votes)
            v[i].country = str_copy(a, (struct str){facts.country, 2});
        if (!v[i].labelled)
            v[i].class = facts.ours || is_ours_by_name(f, &v[i]) ? CLASS_OWN : class_of_mail(&v[i]);
    }
    return sql_end(q, SQL_DONE);
}

bool figures_name_sources(struct received *r, const struct figures_filter *f, struct arena *a,
                          struct figures_source *v, size_t n)
{
    struct figures_source **sorted = sort_by_id(a, v, n);
    return read_names(r, a, sorted, n) && read_days(r, f, a, sorted, n) && classify(r, f, a, v, n);
}
