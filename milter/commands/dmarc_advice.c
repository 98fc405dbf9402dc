/* dmarc_advice.c - what is wrong with a DMARC record, or weaker than its owner may think.
 *
 * Errors: none; what DNS does not tell now gives no advice. */
#include "milter/commands/dmarc_advice.h"

#include <string.h>

#include "mail/domain.h"
#include "mail/taglist.h"

#define SHOWN 200 /* bytes of a value */

static void add_advice(struct advice *out, struct str text)
{
    if (out->n < sizeof out->v / sizeof *out->v)
        out->v[out->n++] = text;
}

/* What is wrong, and not only weak. */
static void add_wrong(struct advice *out, struct str text)
{
    size_t at = out->n;
    add_advice(out, text);
    if (out->n > at)
        out->wrong[at] = true;
}

static struct str shown_value(struct dns_asker *asker, struct str text)
{
    return str_safe(asker->arena, text, SHOWN, true);
}

/* Tags of RFC 7489 that RFC 9989 removed, and tags that nobody knows. */
static void advise_tags(struct str text, struct dns_asker *asker, struct advice *out)
{
    static const char known[] = " v p sp np adkim aspf rua ruf fo psd t ";
    static const char removed[] = " pct rf ri ";
    struct taglist tags;
    taglist_parse_lenient(asker->arena, text, TAGLIST_ANY_CASE, &tags);
    for (size_t i = 0; i < tags.n; i++) {
        struct str name = shown_value(asker, tags.tags[i].name);
        struct str lower = str_lower(asker->arena, name);
        char *word = str_cstr(asker->arena, str_printf(asker->arena, " %.*s ", STR_ARG(lower)));
        if (strstr(removed, word))
            add_advice(out,
                       str_printf(asker->arena,
                                  "%.*s= was removed by RFC 9989 and has no effect: take it out%s",
                                  STR_ARG(name),
                                  str_eq(lower, STR("pct")) ? "; to test a policy use t=y" : ""));
        else if (!strstr(known, word))
            add_wrong(out, str_printf(asker->arena,
                                      "%.*s= is no DMARC tag: it is ignored, check its "
                                      "spelling",
                                      STR_ARG(name)));
    }
}

static void advise_policy(const struct dmarc_outcome *o, struct dns_asker *asker,
                          struct advice *out)
{
    const struct dmarc_record *r = &o->record;
    if (r->p == DMARC_P_NONE && !r->testing)
        add_advice(
            out,
            STR("p=none asks receivers to do nothing: when the reports show that all your mail "
                "passes, go on to quarantine or reject"));
    if (r->testing)
        add_advice(
            out, STR("t=y asks receivers to apply the policy one step milder than published: take "
                     "it out when the test is over"));
    if (!r->has_sp && r->p == DMARC_P_NONE)
        add_advice(
            out, str_printf(asker->arena,
                            "sp= is missing, so p=none holds for your subdomains too: if they send "
                            "no mail, sp=reject does no harm%s",
                            r->has_np ? "" : "; np=reject covers those that do not exist"));
    if (r->has_sp && r->sp < r->p)
        add_wrong(out,
                  str_printf(asker->arena,
                             "sp=%s is weaker than p=%s: anybody can use a subdomain of yours that "
                             "has no record of its own",
                             dmarc_policy_name(r->sp), dmarc_policy_name(r->p)));
    if (r->has_np && r->np < r->p)
        add_wrong(out,
                  str_printf(asker->arena, "np=%s lets anybody use subdomains that do not exist",
                             dmarc_policy_name(r->np)));
    if (!r->n_rua)
        add_wrong(out,
                  STR("there is no rua=: without reports you do not know what fails, and why"));
}

/* The domain of a mailto: URI; false for others. */
static bool uri_domain(struct arena *a, struct str uri, struct str *domain)
{
    if (!str_starts_nocase(uri, STR("mailto:")))
        return false;
    size_t at = str_find_last(uri, '@');
    return at < uri.n && domain_normalize(a, str_sub(uri, at + 1, str_find(uri, at, '?')), domain);
}

/* A receiver of reports outside the organizational domain, and no other, has to say that it wants
 * them. */
static bool needs_permission(const struct dmarc_outcome *o, struct str host,
                             struct dns_asker *asker)
{
    struct str here, there;
    return dmarc_organizational_domain(o->record_domain, asker, &here) &&
           dmarc_organizational_domain(host, asker, &there) && !str_eq(here, there);
}

static bool has_dmarc_record(const struct dns_answer *answer, struct arena *a)
{
    struct dmarc_record record;
    bool usable; /* it need not have a policy here */
    for (size_t i = 0; answer->status == DNS_ANSWER && i < answer->n; i++)
        if (dmarc_record_parse(a, answer->rr[i].text, &record, &usable))
            return true;
    return false;
}

static void advise_receiver(const struct dmarc_outcome *o, struct str uri, struct dns_asker *asker,
                            struct advice *out)
{
    struct arena *a = asker->arena;
    struct str host;
    if (!uri_domain(a, uri, &host))
        return;
    const struct dns_answer *mx = dns_lookup(asker, host, DNS_MX);
    bool refuses = mx->status == DNS_ANSWER && str_eq(mx->rr[0].text, STR("."));
    if (mx->status == DNS_NXDOMAIN || refuses)
        add_wrong(out, str_printf(a, "reports to %.*s cannot arrive: %.*s %s",
                                  STR_ARG(shown_value(asker, uri)), STR_ARG(host),
                                  refuses ? "accepts no mail" : "does not exist"));
    if (!needs_permission(o, host, asker))
        return;
    struct str name =
        str_printf(a, "%.*s._report._dmarc.%.*s", STR_ARG(o->record_domain), STR_ARG(host));
    const struct dns_answer *answer = dns_lookup(asker, name, DNS_TXT);
    if (!dns_unknown(answer) && !has_dmarc_record(answer, a))
        add_wrong(
            out, str_printf(a,
                            "reports to %.*s are not sent: %.*s needs a TXT record \"v=DMARC1\" at "
                            "%.*s (RFC 9990 4)",
                            STR_ARG(shown_value(asker, uri)), STR_ARG(host), STR_ARG(name)));
}

/* The text of the record in force: the only DMARC record at its name. */
static struct str record_text(const struct dmarc_outcome *o, struct dns_asker *asker)
{
    struct str name = str_printf(asker->arena, "_dmarc.%.*s", STR_ARG(o->record_domain));
    const struct dns_answer *answer = dns_lookup(asker, name, DNS_TXT);
    for (size_t i = 0; answer->status == DNS_ANSWER && i < answer->n; i++) {
        struct dmarc_record record;
        bool usable;
        if (dmarc_record_parse(asker->arena, answer->rr[i].text, &record, &usable))
            return answer->rr[i].text;
    }
    return STR_NONE;
}

void dmarc_advise(const struct dmarc_outcome *outcome, struct dns_asker *asker, struct advice *out)
{
    *out = (struct advice){0};
    if (outcome->result == DMARC_TEMPERROR && !outcome->record_domain.n)
        return;
    if (!outcome->record_domain.n) {
        add_advice(out, str_printf(asker->arena,
                                   "publish a record: _dmarc.%.*s TXT \"v=DMARC1; p=none; "
                                   "rua=mailto:ADDRESS\", read the reports, then go on to p=reject",
                                   STR_ARG(shown_value(asker, outcome->author_domain))));
        return;
    }
    out->record = record_text(outcome, asker);
    advise_tags(out->record, asker, out);
    advise_policy(outcome, asker, out);
    for (size_t i = 0; i < outcome->record.n_rua; i++)
        advise_receiver(outcome, outcome->record.rua[i], asker, out);
}
