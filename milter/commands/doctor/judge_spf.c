/* judge_spf.c - judges a domain's SPF record: does it exist, is it valid, does it have our
 * addresses?
 *
 * Errors: none. */
#include "milter/commands/doctor/judge.h"
#include "milter/commands/doctor/suggest.h"

#define ALL_COSTS                                                                                  \
    "with ~all receivers let DKIM and DMARC decide about mail from elsewhere; with -all some "     \
    "refuse it at once, forwarded mail too, before they look at its signature"

struct spf_case {
    const struct doctor_facts *facts;
    const struct domain_facts *domain;
    struct findings *out;
};

static void publish_better(const struct spf_case *c, struct finding *f)
{
    f->publish = suggest_spf(c->facts, c->domain, c->out->arena);
}

/* For a client that no term matches, all look-ups are made. */
static void explain_better(const struct spf_case *c, struct finding *f)
{
    bool v6 = c->domain->voids6 && !c->domain->voids4;
    f->command = command_about(v6 ? "assay spf check --explain --ip 3fff::1 --from"
                                  : "assay spf check --explain --ip 255.255.255.254 --from",
                               c->domain->name, c->out);
}

static void say_absent(const struct spf_case *c)
{
    struct finding *f =
        find(c->out, CHECK_SPF, LEVEL_WARNING, c->domain->name, "it has no SPF record");
    f->why = STR("anybody may use it in MAIL FROM, and large receivers refuse mail without SPF or "
                 "DKIM; " ALL_COSTS);
    f->mend =
        domain_is_silent(c->domain)
            ? STR("it sends no mail, so nobody may use it")
            : STR("publish this one, with the addresses of all other hosts that send its mail");
    publish_better(c, f);
}

static bool say_broken(const struct spf_case *c)
{
    const struct domain_facts *d = c->domain;
    struct str problem = d->n_records > 1                   ? STR("it has several SPF records")
                         : d->record_problem.n              ? d->record_problem
                         : d->worst.result == SPF_PERMERROR ? d->worst.problem
                                                            : STR_NONE;
    if (!problem.n)
        return false;
    struct finding *f =
        find(c->out, CHECK_SPF, LEVEL_GRAVE, d->name, "%.*s", STR_ARG(clean(c->out, problem)));
    f->why = STR("receivers do not use such a record (permerror): no mail passes SPF");
    f->mend = d->n_records > 1 ? STR("leave one record that has what all of them have")
                               : STR("mend the record");
    explain_better(c, f);
    return true;
}

static struct str costs_in_words(const struct spf_case *c)
{
    struct strbuf b;
    sb_init(&b, c->out->arena);
    for (size_t i = 0; i < c->domain->n_costs; i++)
        sb_printf(&b, "%s%.*s %u", i ? ", " : "", STR_ARG(clean(c->out, c->domain->costs[i].term)),
                  c->domain->costs[i].lookups);
    return sb_str(&b);
}

static bool sends_over_v6(const struct doctor_facts *facts)
{
    for (size_t i = 0; i < facts->n_addresses; i++)
        if (facts->addresses[i].address.family == 6)
            return true;
    return false;
}

static void judge_voids(const struct spf_case *c)
{
    const struct domain_facts *d = c->domain;
    unsigned most = spf_limits_default.void_lookups;
    if (!d->voids4 && !(d->voids6 && sends_over_v6(c->facts)))
        return;
    struct finding *f =
        find(c->out, CHECK_SPF, LEVEL_GRAVE, d->name, "more than %u of its look-ups find nothing%s",
             most, d->voids4 ? "" : " for a client with IPv6");
    f->why = STR("receivers stop there (RFC 7208 4.6.4): mail of hosts behind it gets permerror");
    f->mend = STR("take out names that do not exist any more");
    explain_better(c, f);
}

static void judge_limits(const struct spf_case *c)
{
    const struct domain_facts *d = c->domain;
    unsigned terms = spf_limits_default.lookup_terms;
    if (d->worst.lookup_terms > terms) {
        struct finding *f =
            find(c->out, CHECK_SPF, LEVEL_GRAVE, d->name,
                 "its record takes %u look-ups, and %u are allowed", d->worst.lookup_terms, terms);
        f->why = STR("receivers stop at the limit (RFC 7208 4.6.4): mail of hosts behind it gets "
                     "permerror");
        f->mend = str_printf(c->out->arena,
                             "take out services that do not send any more, or give them a "
                             "subdomain with a record of its own; what each takes: %.*s",
                             STR_ARG(costs_in_words(c)));
        explain_better(c, f);
    }
    judge_voids(c);
}

static void judge_all_term(const struct spf_case *c)
{
    const struct domain_facts *d = c->domain;
    struct finding *f;
    switch (d->worst.result) {
    case SPF_PASS:
        f = find(c->out, CHECK_SPF, LEVEL_GRAVE, d->name, "its record lets everybody pass (%.*s)",
                 STR_ARG(clean(c->out, d->worst.mechanism)));
        f->why = STR("anybody's mail passes SPF, and with it DMARC");
        f->mend = STR("end the record with ~all: " ALL_COSTS);
        publish_better(c, f);
        return;
    case SPF_NEUTRAL:
        f = find(c->out, CHECK_SPF, LEVEL_WARNING, d->name,
                 "its record says nothing of other hosts");
        f->why = STR("it protects against nothing (?all, or no \"all\" at its end); " ALL_COSTS);
        f->mend = STR("end the record with ~all, or with -all where no mail is forwarded");
        publish_better(c, f);
        return;
    case SPF_FAIL:
        if (!domain_is_silent(d))
            find(c->out, CHECK_SPF, LEVEL_NOTE, d->name, "its record ends in -all")->why =
                STR(ALL_COSTS);
        return;
    default:
        return;
    }
}

static bool is_refused(enum spf_result result)
{
    return result == SPF_FAIL;
}

/* Results that may do harm some day; other findings are about permerror and temperror. */
static bool is_doubted(enum spf_result result)
{
    return result == SPF_SOFTFAIL || result == SPF_NEUTRAL;
}

/* All our addresses with such a result; empty: none has it. */
static struct str own_with(const struct spf_case *c, bool (*such)(enum spf_result))
{
    struct strbuf b;
    sb_init(&b, c->out->arena);
    for (size_t i = 0; c->domain->own && i < c->facts->n_addresses; i++)
        if (such(c->domain->own[i]))
            sb_printf(&b, "%s%.*s", b.n ? ", " : "", STR_ARG(c->facts->addresses[i].text));
    return sb_str(&b);
}

static void say_own(const struct spf_case *c, enum doctor_level level, struct str addresses,
                    const char *results)
{
    if (!addresses.n)
        return;
    struct finding *f = find(c->out, CHECK_SPF, level, c->domain->name, "mail from %.*s gets %s",
                             STR_ARG(addresses), results);
    f->why = STR("this server sends from there, and the record does not allow it");
    f->mend = STR("if it sends mail of this domain, publish this");
    publish_better(c, f);
}

static void judge_own(const struct spf_case *c)
{
    if (domain_is_silent(c->domain))
        return;
    say_own(c, LEVEL_GRAVE, own_with(c, is_refused), "fail");
    say_own(c, LEVEL_WARNING, own_with(c, is_doubted), "softfail or neutral");
}

static void judge_good_record(const struct spf_case *c)
{
    const struct domain_facts *d = c->domain;
    size_t before = c->out->n;
    judge_limits(c);
    judge_all_term(c);
    judge_own(c);
    if (d->has_ptr) {
        struct finding *f = find(c->out, CHECK_SPF, LEVEL_WARNING, d->name, "its record has ptr");
        f->why = STR("it is slow, depends on others, and should not be used (RFC 7208 5.5)");
        f->mend = STR("name the addresses with ip4: and ip6: instead");
    }
    bool complaints = false;
    for (size_t i = before; i < c->out->n; i++)
        complaints = complaints || c->out->v[i].level > LEVEL_NOTE;
    if (!complaints)
        find(c->out, CHECK_SPF, LEVEL_GOOD, d->name, "its record takes %u of %u look-ups",
             d->worst.lookup_terms, spf_limits_default.lookup_terms);
}

static void judge_spf_of(const struct spf_case *c)
{
    const struct domain_facts *d = c->domain;
    if (!d->txt || dns_unknown(d->txt))
        find(c->out, CHECK_SPF, LEVEL_UNSEEN, d->name, "DNS did not tell");
    else if (!d->n_records)
        say_absent(c);
    else if (say_broken(c))
        return;
    else if (d->worst.result == SPF_TEMPERROR)
        find(c->out, CHECK_SPF, LEVEL_UNSEEN, d->name, "DNS did not give all of its record");
    else
        judge_good_record(c);
}

void judge_spf(const struct doctor_facts *facts, struct findings *out)
{
    for (size_t i = 0; i < facts->n_domains; i++) {
        const struct spf_case c = {facts, &facts->domains[i], out};
        judge_spf_of(&c);
    }
}
