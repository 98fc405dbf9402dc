/* reports.c - which mail is about reports: what goes to our report addresses alone, and reports of
 * others that pass DMARC. It makes no row, lest a report on it beget another (RFC 9990 has no word
 * for this; two reporters would write to each other for ever).
 *
 * Our report addresses are reports.from, with any extension, and those in `rua` of the records of
 * our own domains. A stranger cannot keep other mail out of the reports by naming one of them
 * beside its victim, nor by a report's Subject alone.
 *
 * Errors: what the DNS does not say in time counts as no address of ours. */
#include "core/request.h"
#include "core/stage.h"
#include "mail/domain.h"

#define DOMAINS_MAX 8      /* of ours, whose records are looked up */
#define PATIENCE_US 200000 /* for all of them */

struct state {
    struct dns_asker asker;
    size_t n;
    struct str domains[DOMAINS_MAX];
};

/* --- Our domains -------------------------------------------------------------------------------*/

static void add_domain(struct state *state, struct str domain)
{
    for (size_t i = 0; i < state->n; i++)
        if (str_eq(state->domains[i], domain))
            return;
    if (state->n < DOMAINS_MAX)
        state->domains[state->n++] = domain;
}

static void add_our_domains(const struct conf *conf, struct state *state)
{
    for (size_t i = 0; i < conf->reports_domains.n; i++)
        add_domain(state, conf->reports_domains.v[i]);
    for (size_t i = 0; !conf->reports_domains.set && i < conf->n_signing; i++)
        add_domain(state, conf->signing[i].domain);
}

static struct str record_name(struct arena *a, struct str domain)
{
    return str_printf(a, "_dmarc.%.*s", STR_ARG(domain));
}

static void reports_mail(struct stage_run *run)
{
    struct arena *a = run->message->arena;
    if (!run->conf->reports_record || run->message->checks)
        return;
    struct state *state = arena_make(a, struct state);
    state->asker =
        (struct dns_asker){.dns = run->asker->dns, .arena = a, .memory = CONF_REPORTS_MEMORY};
    add_our_domains(run->conf, state);
    for (size_t i = 0; i < state->n; i++)
        dns_start(&state->asker, record_name(a, state->domains[i]), DNS_TXT);
    run->state = state;
}

/* --- Our addresses -----------------------------------------------------------------------------*/

/* `local` is that of reports.from, or has an extension behind the delimiter. */
static bool is_sender_local(const struct conf *conf, struct str local, struct str ours)
{
    if (!str_starts_nocase(local, ours))
        return false;
    struct str rest = str_sub(local, ours.n, local.n);
    return !rest.n || (conf->reports_delimiter.n && str_starts(rest, conf->reports_delimiter));
}

static bool is_sender(const struct conf *conf, struct arena *a, const struct mail_path *to)
{
    size_t at = str_find_last(conf->reports_from, '@');
    struct str ours, theirs;
    return at < conf->reports_from.n &&
           domain_normalize(a, str_sub(conf->reports_from, at + 1, conf->reports_from.n), &ours) &&
           domain_normalize(a, to->domain, &theirs) && str_eq(ours, theirs) &&
           is_sender_local(conf, to->local, str_sub(conf->reports_from, 0, at));
}

static bool is_in_record(struct arena *a, struct str text, const struct mail_path *to)
{
    struct dmarc_record record;
    struct str local, domain, theirs;
    bool usable;
    if (!dmarc_record_parse(a, text, &record, &usable) || !domain_normalize(a, to->domain, &theirs))
        return false;
    for (size_t i = 0; i < record.n_rua; i++)
        if (dmarc_mailto(a, record.rua[i], &local, &domain) && str_eq(domain, theirs) &&
            str_eq_nocase(local, to->local))
            return true;
    return false;
}

static bool is_published(struct stage_run *run, const struct mail_path *to)
{
    struct state *state = run->state;
    struct arena *a = run->message->arena;
    for (size_t i = 0; i < state->n; i++) {
        const struct dns_answer *answer =
            dns_lookup(&state->asker, record_name(a, state->domains[i]), DNS_TXT);
        for (size_t k = 0; answer->status == DNS_ANSWER && k < answer->n; k++)
            if (is_in_record(a, answer->rr[k].text, to))
                return true;
    }
    return false;
}

static bool all_are_report_addresses(struct stage_run *run)
{
    const struct message *m = run->message;
    struct mail_path to;
    size_t n = 0;
    if (m->n_recipients != m->recipients_kept || m->n_recipients > DOMAINS_MAX)
        return false;
    for (size_t i = 0; i < m->n_recipients; i++) {
        if (m->recipients[i].refused)
            continue;
        if (!mail_path_parse(m->recipients[i].address, &to) ||
            !(is_sender(run->conf, m->arena, &to) || is_published(run, &to)))
            return false;
        n++;
    }
    return n > 0;
}

/* --- Reports of others -------------------------------------------------------------------------*/

/* RFC 9990 3.5.1. */
static bool has_report_subject(const struct message *m)
{
    static const struct str words = STR_INIT("Report Domain:");
    const struct header_field *f = header_get(&m->headers, STR("Subject"), 0);
    if (!f)
        return false;
    return str_starts_nocase(header_unfold(m->arena, f->value), words);
}

static void reports_eom(struct stage_run *run)
{
    struct state *state = run->state;
    if (!state)
        return;
    int64_t left = run->asker->patience_us;
    state->asker.patience_us = left < PATIENCE_US ? left : PATIENCE_US;
    if (all_are_report_addresses(run))
        run->evidence->reports.exempt = "it is for our report address";
    else if (run->evidence->dmarc.result == DMARC_PASS && has_report_subject(run->message))
        run->evidence->reports.exempt = "it is a DMARC report";
}

const struct stage stage_reports = {
    .name = "reports", .mail = reports_mail, .eom = reports_eom, .telling = &telling_reports};
