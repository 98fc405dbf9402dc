/* destination.c - asks DNS whether destinations outside of the domain agree to get its reports.
 *
 * Errors: DNS trouble is DESTINATION_UNKNOWN. */
#include "report/out/destination.h"

#include "dmarc/dmarc.h"
#include "mail/domain.h"

#define NAME_MAX 253

bool destination_is_mail(struct str uri, struct arena *a)
{
    struct str local, domain;
    return dmarc_mailto(a, uri, &local, &domain);
}

static void refuse_destination(struct destination *out, enum destination_answer answer,
                               struct str why)
{
    out->answer = answer;
    out->why = why;
}

/* --- Organizational domains --------------------------------------------------------------------*/

/* False: cannot be known now. */
static bool find_organizational(struct dns_asker *asker, const struct psl *psl, struct str domain,
                                struct str *out)
{
    if (!psl)
        return dmarc_organizational_domain(domain, asker, out);
    *out = psl_organizational(psl, domain);
    return true;
}

/* Do both names have the same organizational domain? */
static enum dmarc_auth is_own(struct dns_asker *asker, const struct psl *psl, struct str domain,
                              struct str host)
{
    struct str here, there;
    if (str_eq(domain, host))
        return DMARC_AUTH_PASS;
    if (!find_organizational(asker, psl, domain, &here) ||
        !find_organizational(asker, psl, host, &there))
        return DMARC_AUTH_UNKNOWN;
    return str_eq(here, there) ? DMARC_AUTH_PASS : DMARC_AUTH_FAIL;
}

/* --- The record of the destination -------------------------------------------------------------*/

static struct str address_of(struct arena *a, struct str local, struct str domain)
{
    return str_printf(a, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain));
}

/* The addresses that the record names instead: the first one counts, and all have to be at the same
 * host (RFC 9990 4, step 9). */
static void take_replacement(struct arena *a, const struct dmarc_record *record, struct str host,
                             struct destination *out)
{
    bool replaced = false;
    struct str local, domain;
    for (size_t i = 0; i < record->n_rua; i++) {
        if (!dmarc_mailto(a, record->rua[i], &local, &domain))
            continue;
        if (!str_eq(domain, host)) {
            refuse_destination(out, DESTINATION_REFUSES,
                               str_printf(a, "its record wants them sent on to another host, %.*s",
                                          STR_ARG(domain)));
            return;
        }
        if (!replaced)
            out->address = address_of(a, local, domain);
        replaced = true;
    }
}

static void read_consent(struct arena *a, const struct dns_answer *answer, struct str host,
                         struct str name, struct destination *out)
{
    struct dmarc_record record;
    bool usable, found = false;
    for (size_t i = 0; answer->status == DNS_ANSWER && i < answer->n; i++) {
        if (!dmarc_record_parse(a, answer->rr[i].text, &record, &usable))
            continue;
        found = true;
        take_replacement(a, &record, host, out);
        if (out->answer != DESTINATION_AGREES)
            return;
    }
    if (!found)
        refuse_destination(out, DESTINATION_REFUSES,
                           str_printf(a, "there is no record of consent at %.*s", STR_ARG(name)));
}

static void ask(struct dns_asker *asker, struct str policy_domain, struct str host,
                struct destination *out)
{
    struct arena *a = asker->arena;
    struct str name =
        str_printf(a, "%.*s._report._dmarc.%.*s", STR_ARG(policy_domain), STR_ARG(host));
    if (name.n > NAME_MAX) {
        refuse_destination(out, DESTINATION_REFUSES,
                           STR("the name of its record of consent is too long"));
        return;
    }
    const struct dns_answer *answer = dns_lookup(asker, name, DNS_TXT);
    if (dns_unknown(answer))
        refuse_destination(out, DESTINATION_UNKNOWN,
                           str_printf(a, "look-up of TXT for %.*s failed: %s", STR_ARG(name),
                                      dns_status_name(answer->status)));
    else
        read_consent(a, answer, host, name, out);
}

void destination_check(struct dns_asker *asker, const struct psl *psl, struct str policy_domain,
                       struct str uri, struct destination *out)
{
    struct arena *a = asker->arena;
    struct str local, host;
    *out = (struct destination){.answer = DESTINATION_AGREES, .why = STR("")};
    if (!dmarc_mailto(a, uri, &local, &host)) {
        refuse_destination(out, DESTINATION_REFUSES, STR("it is no address for mail"));
        return;
    }
    out->address = address_of(a, local, host);
    enum dmarc_auth own = is_own(asker, psl, policy_domain, host);
    if (own == DMARC_AUTH_UNKNOWN)
        refuse_destination(
            out, DESTINATION_UNKNOWN,
            str_printf(a, "the organizational domain of %.*s or %.*s cannot be known now",
                       STR_ARG(policy_domain), STR_ARG(host)));
    else if (own == DMARC_AUTH_FAIL)
        ask(asker, policy_domain, host, out);
}
