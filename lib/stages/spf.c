/* spf.c - asks the SPF engine about MAIL FROM (of postmaster@HELO for a null sender, RFC 7208 2.4)
 * and, where configured, about HELO too.
 *
 * The evaluation is tried at MAIL and RCPT, where policy may decide, and at DATA, where the gate
 * asks for its result, and finished at the end of the message. From the first try on its look-ups
 * run beside the SMTP dialogue (spf_check_ahead).
 *
 * Errors: DNS trouble is the result temperror. */
#include "core/request.h"
#include "core/stage.h"
#include "mail/domain.h"

/* A try evaluates from the start with what the cache has by then: a few are worth it. */
#define EARLY_TRIES 8

struct state {
    unsigned tries;
    bool mail_from_ahead, helo_ahead; /* goes on by itself */
};

static bool has_domain(struct arena *a, const struct conf_strings *domains, struct str domain)
{
    struct str name;
    return domains->n && domain_normalize(a, domain, &name) && conf_has_domain(domains, name);
}

/* A policy service that does not judge SPF may need its result: for greylisting's keys, for domains
 * without MX, for exceptions. */
static bool is_wanted(const struct stage_run *run)
{
    return message_is_checked(run->message, SERVICE_SPF) ||
           message_is_checked(run->message, SERVICE_GREYLIST) ||
           message_is_checked(run->message, SERVICE_SENDER) || run->conf->exceptions_domains.n;
}

/* Why SPF is not asked, or STR_NONE. */
static struct str why_skipped(const struct stage_run *run)
{
    const struct conf *conf = run->conf;
    const struct session *s = run->session;
    struct arena *a = run->message->arena;
    if (conf->spf_mode == CHECK_OFF)
        return STR("spf.mode is off");
    if (!is_wanted(run))
        return STR("policy-service.checks");
    if (!s->client.family)
        return STR("the MTA told no client address");
    if (netset_has(&conf->spf_skip_networks, &s->client))
        return STR("spf.skip-networks");
    if (has_domain(a, &conf->spf_skip_helo, s->helo))
        return STR("spf.skip-helo");
    if (has_domain(a, &conf->spf_skip_domains, run->message->from.domain))
        return STR("spf.skip-domains");
    return STR_NONE;
}

static void check_identity(struct stage_run *run, struct evidence_spf_identity *identity,
                           const struct spf_request *request, bool *ahead)
{
    const struct spf_engine *engine = run->engines->spf;
    engine->check(engine, request, run->asker, &identity->outcome);
    identity->checked = !identity->outcome.pending;
    if (identity->outcome.pending && !*ahead)
        spf_check_ahead(request, run->asker);
    *ahead = true;
}

/* HELO has the queries that MAIL FROM leaves: how many is known when that is checked. */
static void check_helo(struct stage_run *run)
{
    struct evidence_spf *spf = &run->evidence->spf;
    struct state *state = run->state;
    struct spf_request request = request_spf_helo(run->conf, run->session, run->message);
    if (!spf->mail_from.checked) {
        spf_prefetch(request.domain, run->asker);
        return;
    }
    unsigned spent = spf->mail_from.outcome.queries, all = request.limits.queries;
    request.limits.queries = spent < all ? all - spent : 0;
    check_identity(run, &spf->helo, &request, &state->helo_ahead);
}

static void check_all(struct stage_run *run)
{
    struct evidence_spf *spf = &run->evidence->spf;
    struct state *state = run->state;
    struct spf_request request;
    if (spf->skipped.n)
        return;
    if (!spf->mail_from.checked) {
        request = request_spf(run->conf, run->session, run->message);
        check_identity(run, &spf->mail_from, &request, &state->mail_from_ahead);
    }
    if (run->conf->spf_check_helo && !spf->helo.checked)
        check_helo(run);
}

static void try_early(struct stage_run *run)
{
    struct state *state = run->state;
    if (state->tries++ < EARLY_TRIES)
        check_all(run);
}

static void spf_mail(struct stage_run *run)
{
    run->state = arena_make(run->message->arena, struct state);
    run->evidence->spf.skipped = why_skipped(run);
    try_early(run);
}

const struct stage stage_spf = {
    .name = "spf",
    .mail = spf_mail,
    .rcpt = try_early,
    .data = check_all,
    .eom = check_all,
    .telling = &telling_spf,
};
