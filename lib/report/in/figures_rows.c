/* figures_rows.c - figures that come from rows: one source, countries.
 *
 * Errors: false, and the store has the reason. */
#include <stdlib.h>
#include <string.h>

#include "report/in/figures_scan.h"

#define IDENTITIES_MAX 500
#define ADDRESSES_MAX  2000

static int more_first(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

bool figures_is_ours(const struct figures_filter *f, struct str domain)
{
    return (f->owner.domains->all || conf_has_domain(f->owner.domains, domain)) &&
           (!f->domain.n || str_eq(f->domain, domain));
}

/* --- One source --------------------------------------------------------------------------------*/

struct detail {
    const struct figures_filter *filter;
    struct arena *arena;
    struct figures_detail *out;
    size_t addresses_cap, identities_cap;
};

static void read_address(struct str ip, struct netaddr *out)
{
    *out = (struct netaddr){0};
    if (ip.n != 4 && ip.n != 16)
        return;
    out->family = ip.n == 4 ? 4 : 6;
    memcpy(out->bytes, ip.p, ip.n);
}

/* Rows are in the order of addresses, so the address is the last one or a new one. */
static struct figures_address *address_of(struct detail *d, struct sql *q)
{
    struct figures_detail *out = d->out;
    struct netaddr address;
    read_address(sql_text(q, 0), &address);
    struct figures_address *last = out->n_addresses ? &out->addresses[out->n_addresses - 1] : NULL;
    if (last && (netaddr_eq(&last->address, &address) || out->n_addresses == ADDRESSES_MAX))
        return last;
    out->addresses = arena_extend(d->arena, out->addresses, out->n_addresses, &d->addresses_cap,
                                  sizeof *out->addresses);
    out->addresses[out->n_addresses] = (struct figures_address){
        .address = address,
        .name = str_copy(d->arena, sql_text(q, 1)),
        .country = str_copy(d->arena, sql_text(q, 2)),
    };
    return &out->addresses[out->n_addresses++];
}

static void add_identity(struct detail *d, const char *what, struct str domain, struct str selector,
                         struct str result, uint64_t messages)
{
    struct figures_detail *out = d->out;
    for (size_t i = 0; i < out->n_identities; i++) {
        struct figures_identity *id = &out->identities[i];
        if (str_eq(id->what, str_of(what)) && str_eq(id->domain, domain) &&
            str_eq(id->selector, selector) && str_eq(id->result, result)) {
            id->messages += messages;
            return;
        }
    }
    if (out->n_identities == IDENTITIES_MAX)
        return;
    out->identities = arena_extend(d->arena, out->identities, out->n_identities, &d->identities_cap,
                                   sizeof *out->identities);
    out->identities[out->n_identities++] = (struct figures_identity){
        str_of(what), str_copy(d->arena, domain), str_copy(d->arena, selector),
        str_copy(d->arena, result), messages};
}

static void add_row(struct detail *d, struct sql *q, struct aggregate_row *row)
{
    const struct outcome o = outcome_unpack(sql_number(q, 3));
    uint64_t messages = (uint64_t)sql_number(q, 4);
    if (!figures_wants(d->filter->result, &o) || !figures_is_ours(d->filter, sql_text(q, 6)))
        return;
    figures_count(&address_of(d, q)->counts, &o, messages);
    received_unpack_results(sql_text(q, 5), row);
    for (size_t i = 0; i < row->n_dkim; i++)
        add_identity(d, "dkim", row->auth_dkim[i].domain, row->auth_dkim[i].selector,
                     row->auth_dkim[i].result, messages);
    for (size_t i = 0; i < row->n_spf; i++)
        add_identity(d, "spf", row->auth_spf[i].domain, STR(""), row->auth_spf[i].result, messages);
}

static int by_identity(const void *a, const void *b)
{
    const struct figures_identity *x = a, *y = b;
    return more_first(x->messages, y->messages);
}

static int by_address(const void *a, const void *b)
{
    const struct figures_address *x = a, *y = b;
    return more_first(figures_all(&x->counts), figures_all(&y->counts));
}

bool figures_source_detail(struct received *r, const struct figures_filter *f, int64_t source,
                           struct arena *a, struct figures_detail *out)
{
    enum sql_step rc;
    size_t n = 0;
    *out = (struct figures_detail){0};
    struct detail d = {.filter = f, .arena = a, .out = out};
    struct aggregate_row *row = arena_make(a, struct aggregate_row);
    struct sql *q = sql_prepare(
        &r->db,
        "SELECT ip, address.name, country, outcome, row.messages, text, domain.name FROM address"
        " JOIN row ON row.address = address.id JOIN report ON report.id = row.report"
        " JOIN domain ON domain.id = report.domain JOIN results ON results.id = row.results"
        " WHERE address.source = ?1 AND report.day BETWEEN ?2 AND ?3 AND report.trust >= ?4"
        " ORDER BY address.id LIMIT ?5");
    sql_bind_number(q, 1, source);
    sql_bind_number(q, 2, f->from_day);
    sql_bind_number(q, 3, f->to_day);
    sql_bind_number(q, 4, f->all_trust ? TRUST_NONE : TRUST_COUNTED);
    sql_bind_number(q, 5, FIGURES_ROWS_MAX);
    for (; (rc = sql_step(q)) == SQL_ROW; n++)
        add_row(&d, q, row);
    out->cut = n == FIGURES_ROWS_MAX;
    if (out->n_addresses)
        qsort(out->addresses, out->n_addresses, sizeof *out->addresses, by_address);
    if (out->n_identities)
        qsort(out->identities, out->n_identities, sizeof *out->identities, by_identity);
    return sql_end(q, rc);
}

/* --- Countries ---------------------------------------------------------------------------------*/

static int by_country(const void *a, const void *b)
{
    const struct figures_country *x = a, *y = b;
    int order = more_first(x->fail, y->fail);
    return order ? order : more_first(x->all, y->all);
}

static struct figures_country *country_at(struct arena *a, struct str country, size_t *n,
                                          size_t *cap, struct figures_country **out)
{
    for (size_t i = 0; i < *n; i++)
        if (str_eq((*out)[i].country, country))
            return &(*out)[i];
    *out = arena_extend(a, *out, *n, cap, sizeof **out);
    (*out)[*n] = (struct figures_country){.country = str_copy(a, country)};
    return &(*out)[(*n)++];
}

#define OF_DAYS                                                                                    \
    " FROM domain CROSS JOIN report WHERE report.domain = domain.id AND day BETWEEN ?1 AND ?2"
#define BETWEEN_NUMBERS                                                                            \
    " AND row.report BETWEEN (SELECT min(report.id)" OF_DAYS                                       \
    ") AND (SELECT max(report.id)" OF_DAYS ")"

/* The query joins in this order because few reports are of these days, and SQLite cannot know that
 * from its indexes. PostgreSQL joins as it likes: between two numbers it expects few rows, and then
 * does not read all there are. */
bool figures_countries(struct received *r, const struct figures_filter *f, struct arena *a,
                       size_t *n, struct figures_country **out)
{
    enum sql_step rc;
    size_t cap = 0;
    *n = 0;
    *out = NULL;
    struct sql *q = sql_prepare(
        &r->db, "SELECT country, outcome, sum(row.messages), domain.name FROM domain"
                " CROSS JOIN report CROSS JOIN row CROSS JOIN address"
                " WHERE report.domain = domain.id AND report.day BETWEEN ?1 AND ?2"
                " AND row.report = report.id AND address.id = row.address" BETWEEN_NUMBERS
                " AND report.trust >= ?3"
                " AND (?4 IS NULL OR address.source IN (SELECT id FROM source WHERE name = ?4))"
                " AND (?5 IS NULL OR report.reporter IN (SELECT id FROM reporter WHERE name = ?5))"
                " GROUP BY domain.id, country, outcome");
    sql_bind_number(q, 1, f->from_day);
    sql_bind_number(q, 2, f->to_day);
    sql_bind_number(q, 3, f->all_trust ? TRUST_NONE : TRUST_COUNTED);
    sql_bind(q, 4, f->source.n ? f->source : STR_NONE);
    sql_bind(q, 5, f->reporter);
    while ((rc = sql_step(q)) == SQL_ROW) {
        const struct outcome o = outcome_unpack(sql_number(q, 1));
        uint64_t messages = (uint64_t)sql_number(q, 2);
        if (!figures_is_ours(f, sql_text(q, 3)) || !figures_wants(f->result, &o))
            continue;
        struct figures_country *c = country_at(a, sql_text(q, 0), n, &cap, out);
        c->all += messages;
        c->fail += outcome_passes(&o) ? 0 : messages;
    }
    if (*n)
        qsort(*out, *n, sizeof **out, by_country);
    return sql_end(q, rc);
}
