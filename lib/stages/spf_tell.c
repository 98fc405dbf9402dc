/* spf_tell.c - how the results of SPF are told.
 *
 * Errors: none. */
#include "base/counters.h"
#include "core/stage.h"
#include "mail/domain.h"
#include "mail/receivedspf.h"

#define SHOWN 400 /* bytes of a text from the network */

/* The result needs words: it is an error, or there was no domain to ask about. */
static bool needs_reason(const struct spf_outcome *o)
{
    return o->result == SPF_TEMPERROR || o->result == SPF_PERMERROR || !o->domain.n;
}

static void spf_header(const struct telling *t, struct authres *w)
{
    const struct evidence_spf *spf = &t->evidence->spf;
    if (spf->mail_from.checked) {
        const struct spf_outcome *o = &spf->mail_from.outcome;
        authres_result(w, STR("spf"), str_of(spf_result_name(o->result)), STR_NONE);
        if (needs_reason(o))
            authres_reason(w, o->problem);
        authres_known_property(w, "smtp.mailfrom", o->domain);
    }
    if (spf->helo.checked) {
        authres_result(w, STR("spf"), str_of(spf_result_name(spf->helo.outcome.result)), STR_NONE);
        authres_known_property(w, "smtp.helo", t->session->helo);
    }
}

static struct str spf_words(const struct spf_outcome *o, struct str domain, const char *address,
                            struct arena *a)
{
    if (!domain.n)
        return STR("the sender has no domain");
    switch (o->result) {
    case SPF_PASS:
        return str_printf(a, "%.*s authorizes %s", STR_ARG(domain), address);
    case SPF_FAIL:
        return str_printf(a, "%.*s does not authorize %s", STR_ARG(domain), address);
    case SPF_SOFTFAIL:
        return str_printf(a, "%.*s does not want to authorize %s", STR_ARG(domain), address);
    case SPF_NEUTRAL:
        return str_printf(a, "%.*s says nothing about %s", STR_ARG(domain), address);
    case SPF_NONE:
        return str_printf(a, "%.*s publishes no SPF record", STR_ARG(domain));
    default:
        return str_printf(a, "SPF of %.*s cannot be evaluated", STR_ARG(domain));
    }
}

static struct str received_spf(const struct conf *conf, const struct session *session,
                               const struct message *message, const struct spf_outcome *o,
                               struct arena *a)
{
    char address[NETADDR_TEXT];
    struct str domain = str_safe(a, o->domain, DOMAIN_MAX, true);
    netaddr_format(&session->client, address);
    struct received_spf r = {
        .result = str_of(spf_result_name(o->result)),
        .comment = str_printf(a, "%.*s: %.*s", STR_ARG(conf->authserv_id),
                              STR_ARG(spf_words(o, domain, address, a))),
        .client_ip = str_of(address),
        .envelope_from = message->from.null ? str_printf(a, "postmaster@%.*s", STR_ARG(domain))
                                            : message->from.whole,
        .helo = session->helo,
        .identity = STR("mailfrom"),
        .receiver = conf->authserv_id,
        .mechanism = o->mechanism.n ? o->mechanism : STR_NONE,
        .problem = needs_reason(o) ? o->problem : STR_NONE,
    };
    return received_spf_format(a, &r);
}

static void spf_edits(const struct telling *t, struct edit_list *out)
{
    const struct evidence_spf *spf = &t->evidence->spf;
    if (t->message->origin != ORIGIN_INBOUND || !t->conf->received_spf || !spf->mail_from.checked ||
        !message_is_checked(t->message, SERVICE_SPF))
        return;
    edit_push(out, t->arena,
              (struct edit){.kind = EDIT_INSERT,
                            .name = STR("Received-SPF"),
                            .value = received_spf(t->conf, t->session, t->message,
                                                  &spf->mail_from.outcome, t->arena)});
}

static void spf_log(const struct telling *t, struct strbuf *b)
{
    const struct evidence_spf *spf = &t->evidence->spf;
    if (spf->mail_from.checked)
        sb_printf(b, " spf=%s", spf_result_name(spf->mail_from.outcome.result));
    if (spf->helo.checked)
        sb_printf(b, " spf-helo=%s", spf_result_name(spf->helo.outcome.result));
}

static void spf_json(const struct telling *t, struct json *j)
{
    const struct evidence_spf *e = &t->evidence->spf;
    const struct spf_outcome *o = &e->mail_from.outcome;
    if (!e->mail_from.checked) {
        json_text(j, "spf", STR_NONE);
        return;
    }
    json_object(j, "spf");
    json_text(j, "result", str_of(spf_result_name(o->result)));
    json_text(j, "domain", o->domain);
    json_text_or_null(j, "mechanism", o->mechanism);
    json_text_or_null(j, "problem", o->problem);
    json_end(j, '}');
}

static void spf_text(const struct telling *t, struct strbuf *b)
{
    const struct evidence_spf *e = &t->evidence->spf;
    const struct spf_outcome *o = &e->mail_from.outcome;
    struct arena *a = t->arena;
    if (!e->mail_from.checked) {
        if (e->skipped.n)
            sb_printf(b, "  SPF      not checked: %.*s\n", STR_ARG(e->skipped));
        return;
    }
    sb_printf(b, "  SPF      %s", spf_result_name(o->result));
    if (o->domain.n)
        sb_printf(b, " for %.*s", STR_ARG(str_safe(a, o->domain, DOMAIN_MAX, true)));
    if (o->mechanism.n)
        sb_printf(b, ", by %.*s", STR_ARG(str_safe(a, o->mechanism, SHOWN, false)));
    if (o->problem.n)
        sb_printf(b, ": %.*s", STR_ARG(o->problem));
    sb_addc(b, '\n');
    if (e->helo.checked)
        sb_printf(b, "           %s for HELO\n", spf_result_name(e->helo.outcome.result));
}

static void spf_count(const struct telling *t)
{
    static const enum counter counters[] = {
        [SPF_NONE] = CTR_SPF_NONE,           [SPF_NEUTRAL] = CTR_SPF_NEUTRAL,
        [SPF_PASS] = CTR_SPF_PASS,           [SPF_FAIL] = CTR_SPF_FAIL,
        [SPF_SOFTFAIL] = CTR_SPF_SOFTFAIL,   [SPF_TEMPERROR] = CTR_SPF_TEMPERROR,
        [SPF_PERMERROR] = CTR_SPF_PERMERROR,
    };
    if (t->evidence->spf.mail_from.checked)
        counter_inc(counters[t->evidence->spf.mail_from.outcome.result]);
}

const struct stage_telling telling_spf = {.header = spf_header,
                                          .log = spf_log,
                                          .json = spf_json,
                                          .text = spf_text,
                                          .count = spf_count,
                                          .edits = spf_edits};
