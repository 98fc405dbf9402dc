/* suggest.c - records to publish.
 *
 * Errors: none; if no address is known, a new SPF record has only the MX. */
#include "milter/commands/doctor/suggest.h"

#include <string.h>

bool domain_is_silent(const struct domain_facts *domain)
{
    bool null_mx =
        domain->mx && domain->mx->status == DNS_ANSWER && str_eq(domain->mx->rr[0].text, STR("."));
    return null_mx && domain->keys_seen && !domain->n_keys;
}

static struct str zone_line(struct arena *a, const char *prefix, struct str name, struct str text)
{
    return str_printf(a, "%s%.*s. IN TXT \"%.*s\"", prefix, STR_ARG(name), STR_ARG(text));
}

/* --- SPF ---------------------------------------------------------------------------------------*/

static bool answer_has(const struct dns_answer *answer, const struct netaddr *address)
{
    for (size_t i = 0; answer && answer->status == DNS_ANSWER && i < answer->n; i++)
        if (netaddr_eq(&answer->rr[i].addr, address))
            return true;
    return false;
}

static bool in_mx(const struct domain_facts *domain, const struct netaddr *address)
{
    for (size_t i = 0; i < domain->n_mx; i++)
        if (answer_has(domain->mx_hosts[i].v4, address) ||
            answer_has(domain->mx_hosts[i].v6, address))
            return true;
    return false;
}

static void add_addresses(const struct doctor_facts *facts, const struct domain_facts *domain,
                          bool mx_counts, struct strbuf *b)
{
    for (size_t i = 0; i < facts->n_addresses; i++) {
        const struct address_facts *address = &facts->addresses[i];
        bool allowed = mx_counts ? in_mx(domain, &address->address)
                                 : domain->own && domain->own[i] == SPF_PASS;
        if (!allowed)
            sb_printf(b, " ip%d:%.*s", address->address.family, STR_ARG(address->text));
    }
}

static struct str new_spf(const struct doctor_facts *facts, const struct domain_facts *domain,
                          struct arena *a)
{
    struct strbuf b;
    bool has_mx = domain->n_mx > 0;
    if (domain_is_silent(domain))
        return STR("v=spf1 -all");
    sb_init(&b, a);
    sb_printf(&b, "v=spf1%s", has_mx ? " mx" : "");
    add_addresses(facts, domain, has_mx, &b);
    sb_add(&b, STR(" ~all"));
    return sb_str(&b);
}

static bool is_all(struct str term)
{
    if (term.n && strchr("+-~?", term.p[0]))
        term = str_sub(term, 1, term.n);
    return str_eq_nocase(term, STR("all"));
}

/* The terms of a record, with our addresses right behind the version, and the proper "all". */
static struct str better_spf(const struct doctor_facts *facts, const struct domain_facts *domain,
                             struct arena *a)
{
    struct str rest = domain->record, term;
    bool strict = domain->worst.result == SPF_FAIL || domain->worst.result == SPF_SOFTFAIL;
    bool ends = false, begun = false;
    struct strbuf b;
    sb_init(&b, a);
    while (str_split(&rest, ' ', &term)) {
        if (!term.n)
            continue;
        bool all = is_all(term);
        ends = ends || all || str_starts_nocase(term, STR("redirect="));
        sb_printf(&b, "%s%.*s", begun ? " " : "", STR_ARG(all && !strict ? STR("~all") : term));
        if (!begun)
            add_addresses(facts, domain, false, &b);
        begun = true;
    }
    if (!ends)
        sb_add(&b, STR(" ~all"));
    return sb_str(&b);
}

struct str suggest_spf(const struct doctor_facts *facts, const struct domain_facts *domain,
                       struct arena *a)
{
    bool good = domain->n_records == 1 && !domain->record_problem.n;
    struct str text = good ? better_spf(facts, domain, a) : new_spf(facts, domain, a);
    return zone_line(a, "", domain->name, str_safe(a, text, 2000, false));
}

/* --- DMARC -------------------------------------------------------------------------------------*/

static void add_tags(const struct dmarc_record *r, struct strbuf *b)
{
    if (r->has_sp)
        sb_printf(b, "; sp=%s", dmarc_policy_name(r->sp));
    if (r->has_np)
        sb_printf(b, "; np=%s", dmarc_policy_name(r->np));
    if (r->adkim == DMARC_STRICT)
        sb_add(b, STR("; adkim=s"));
    if (r->aspf == DMARC_STRICT)
        sb_add(b, STR("; aspf=s"));
}

static void add_rua(const struct domain_facts *domain, struct strbuf *b)
{
    const struct dmarc_record *r = &domain->dmarc.record;
    sb_add(b, STR("; rua="));
    for (size_t i = 0; i < r->n_rua; i++)
        sb_printf(b, "%s%.*s", i ? "," : "", STR_ARG(str_safe(b->arena, r->rua[i], 500, false)));
    if (!r->n_rua)
        sb_printf(b, "mailto:dmarc-reports@%.*s", STR_ARG(domain->name));
}

struct str suggest_dmarc(const struct domain_facts *domain, enum dmarc_policy policy,
                         struct arena *a)
{
    struct strbuf b;
    if (!domain->dmarc.record_domain.n && domain_is_silent(domain))
        return zone_line(a, "_dmarc.", domain->name, STR("v=DMARC1; p=reject"));
    sb_init(&b, a);
    sb_printf(&b, "v=DMARC1; p=%s", dmarc_policy_name(policy));
    if (domain->dmarc.record_domain.n)
        add_tags(&domain->dmarc.record, &b);
    add_rua(domain, &b);
    struct str name = domain->dmarc.record_domain.n ? domain->dmarc.record_domain : domain->name;
    return zone_line(a, "_dmarc.", name, sb_str(&b));
}
