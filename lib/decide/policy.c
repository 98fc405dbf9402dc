/* policy.c - from evidence to verdict. The only place where results become actions.
 *
 * Each cause (limits, From, DMARC, SPF, the gate; of our own mail the sender) is judged on its own
 * and gives a proposal; the gravest one that is not in shadow mode is done, the gravest of all is
 * what enforcing would do.
 *
 * Errors: none; what cannot be known now is never a rejection unless the operator chose that. */
#include "decide/policy.h"

#include "decide/proposal.h"
#include "mail/domain.h"

#define TEXT_MAX 400 /* of a reply; SMTP allows 512 bytes a line (RFC 5321 4.5.3.1.5) */
static enum action milder(enum action a, enum action b)
{
    return a < b ? a : b;
}

/* --- SPF (RFC 7208 8) --- */

static enum action spf_action(const struct conf *conf, enum spf_result result)
{
    switch (result) {
    case SPF_FAIL:
        return conf->spf_on_fail;
    case SPF_SOFTFAIL:
        return conf->spf_on_softfail;
    case SPF_NEUTRAL:
        return conf->spf_on_neutral;
    case SPF_NONE:
        return conf->spf_on_none;
    case SPF_PERMERROR:
        return conf->spf_on_permerror;
    case SPF_TEMPERROR:
        return conf->spf_on_temperror;
    default:
        return ACTION_ACCEPT;
    }
}

static struct str spf_text(const struct session *session, const struct spf_outcome *spf,
                           struct arena *a)
{
    char address[NETADDR_TEXT];
    struct str domain = str_safe(a, spf->domain, DOMAIN_MAX, false);
    netaddr_format(&session->client, address);
    if (!domain.n)
        return STR("SPF none: the sender has no domain (RFC 7208)");
    if (spf->result == SPF_TEMPERROR)
        return str_printf(a, "SPF of %.*s cannot be checked now (DNS trouble), try again later",
                          STR_ARG(domain));
    if (spf->result == SPF_PERMERROR)
        return str_printf(a, "SPF record of %.*s is in error: %.*s", STR_ARG(domain),
                          STR_ARG(str_safe(a, spf->problem, EXPLANATION_MAX, false)));
    if (spf->result == SPF_FAIL && spf->explanation.n)
        return str_printf(a, "SPF: %.*s does not permit %s; its explanation: %.*s", STR_ARG(domain),
                          address, STR_ARG(str_safe(a, spf->explanation, EXPLANATION_MAX, false)));
    return str_printf(a, "SPF %s: %.*s does not authorize %s to send its mail (RFC 7208)",
                      spf_result_name(spf->result), STR_ARG(domain), address);
}

/* Before the end of the message only refusals that the operator wants early can happen; SPF's
 * quarantine has no place there. */
static bool spf_happens_at(const struct conf *conf, enum policy_point point, enum action action)
{
    if (point == POINT_EOM)
        return true;
    if (action < ACTION_TEMPFAIL || point == POINT_DATA)
        return false;
    return conf->spf_reject_at == (point == POINT_MAIL ? SPF_AT_MAIL : SPF_AT_RCPT);
}

/* Could DMARC still pass, for every author domain? */
static bool dmarc_may_pass(const struct evidence_dmarc *dmarc)
{
    for (size_t i = 0; i < dmarc->n; i++)
        if (dmarc->outcomes[i].result != DMARC_PASS && dmarc->outcomes[i].result != DMARC_TEMPERROR)
            return false;
    return dmarc->n > 0;
}

/* A policy service has no later point: spf.reject-at does not matter to it. */
static struct proposal judge_spf(const struct judging *j)
{
    const struct conf *conf = j->conf;
    const struct evidence *evidence = j->evidence;
    enum policy_point point = j->point;
    const struct evidence_spf_identity *spf = &evidence->spf.mail_from;
    struct proposal p = {.cause = "spf"};
    if (!spf->checked || !message_is_checked(j->message, SERVICE_SPF) ||
        netset_has(&conf->spf_trusted_forwarders, &j->session->client))
        return p;
    enum action action = spf_action(conf, spf->outcome.result);
    if (point == POINT_EOM && conf->spf_dmarc_pass_cancels && dmarc_may_pass(&evidence->dmarc)) {
        /* Not known yet whether that cancels this: no reason to refuse for good. */
        if (evidence->dmarc.result == DMARC_PASS)
            return p;
        action = milder(action, conf->dmarc_on_temperror);
    }
    if (!j->message->checks && !spf_happens_at(conf, point, action))
        return p;
    /* A domain that says nothing of this client gives nothing to tag. */
    bool silent = spf->outcome.result == SPF_NONE || spf->outcome.result == SPF_NEUTRAL;
    p.action = silent && action == ACTION_TAG ? ACTION_ACCEPT : action;
    p.shadow = conf->spf_mode == CHECK_SHADOW;
    /* RFC 7372 3.2: 7.23 for fail, 7.24 for errors of the check. */
    p.detail = spf->outcome.result == SPF_TEMPERROR || spf->outcome.result == SPF_PERMERROR
                   ? "7.24"
                   : "7.23";
    if (action > ACTION_TAG)
        p.text = spf_text(j->session, &spf->outcome, j->arena);
    return p;
}

/* --- DMARC (RFC 9989 5.4, 7) --- */

static enum dmarc_auth trusted_signer(const struct conf *conf, const struct evidence *evidence)
{
    enum dmarc_auth found = DMARC_AUTH_FAIL;
    for (size_t i = 0; i < evidence->dkim.n; i++) {
        const struct dkim_signature *s = &evidence->dkim.signatures[i];
        if (!conf_has_domain(&conf->dmarc_trusted_signers, s->domain))
            continue;
        if (s->result == DKIM_PASS)
            return DMARC_AUTH_PASS;
        if (s->result == DKIM_TEMPERROR)
            found = DMARC_AUTH_UNKNOWN;
    }
    return found;
}

/* What a chain says for this author domain. */
static const struct arc_excuse *excuse_of(const struct evidence *evidence,
                                          const struct dmarc_outcome *o)
{
    static const struct arc_excuse none = {.granted = DMARC_AUTH_FAIL};
    size_t author = (size_t)(o - evidence->dmarc.outcomes);
    return author < evidence->arc.n_excuses ? &evidence->arc.excuses[author] : &none;
}

static enum action published_action(const struct conf *conf, enum dmarc_policy policy)
{
    switch (policy) {
    case DMARC_P_REJECT:
        return conf->dmarc_on_reject;
    case DMARC_P_QUARANTINE:
        return conf->dmarc_on_quarantine;
    default:
        return ACTION_ACCEPT; /* p=none never changes handling */
    }
}

/* What was done, in DMARC's three words. A message that is only tagged is treated as suspicious by
 * whoever reads the tag (RFC 9989 7.4), so it counts as quarantined. */
static enum dmarc_policy disposition(enum action action)
{
    switch (action) {
    case ACTION_REJECT:
        return DMARC_P_REJECT;
    case ACTION_TAG:
    case ACTION_QUARANTINE:
        return DMARC_P_QUARANTINE;
    default:
        return DMARC_P_NONE;
    }
}

/* What the operator says of the domain, then of mailing lists, then of policies at large. */
static struct local_policy local_policy_of_domain(const struct conf *conf,
                                                  const struct evidence *evidence,
                                                  const struct dmarc_outcome *o)
{
    enum action published = published_action(conf, o->policy);
    bool milder_for_lists = conf->dmarc_on_mailing_list < published;
    struct local_policy l = {.action = published};
    if (conf_has_domain(&conf->dmarc_enforce_domains, o->author_domain) &&
        o->policy != DMARC_P_REJECT)
        return (struct local_policy){conf->dmarc_on_reject, OVERRIDE_LOCAL_POLICY,
                                     STR("dmarc.enforce-domains"), false};
    if (conf_has_domain(&conf->dmarc_quarantine_domains, o->author_domain) &&
        o->policy == DMARC_P_REJECT)
        return (struct local_policy){
            milder(milder(published, conf->dmarc_on_quarantine), ACTION_QUARANTINE),
            OVERRIDE_LOCAL_POLICY, STR("dmarc.quarantine-domains"), false};
    if (milder_for_lists && evidence->dmarc.list_signature == DMARC_AUTH_PASS)
        return (struct local_policy){conf->dmarc_on_mailing_list, OVERRIDE_MAILING_LIST,
                                     STR("dmarc.on-mailing-list"), false};
    if (disposition(published) != o->policy) {
        l.reason = OVERRIDE_LOCAL_POLICY;
        l.comment =
            o->policy == DMARC_P_REJECT ? STR("dmarc.on-reject") : STR("dmarc.on-quarantine");
    } else if (o->record.testing) {
        l.reason = OVERRIDE_TEST_MODE;
        l.comment = STR("t=y");
    }
    l.unsure = milder_for_lists && evidence->dmarc.list_signature == DMARC_AUTH_UNKNOWN;
    return l;
}

/* What to do instead of the published policy, and why: the first rule that applies decides. What
 * cannot be known now is treated as a temporary error, if that is milder. */
static struct local_policy local_policy(const struct conf *conf, const struct session *session,
                                        const struct evidence *evidence,
                                        const struct dmarc_outcome *o)
{
    enum dmarc_auth signer = trusted_signer(conf, evidence);
    const struct arc_excuse *excuse = excuse_of(evidence, o);
    if (conf_has_domain(&conf->dmarc_ignore_domains, o->author_domain))
        return (struct local_policy){ACTION_ACCEPT, OVERRIDE_LOCAL_POLICY,
                                     STR("dmarc.ignore-domains"), false};
    if (netset_has(&conf->dmarc_trusted_forwarders, &session->client))
        return (struct local_policy){ACTION_ACCEPT, OVERRIDE_TRUSTED_FORWARDER,
                                     STR("dmarc.trusted-forwarders"), false};
    if (signer == DMARC_AUTH_PASS)
        return (struct local_policy){ACTION_ACCEPT, OVERRIDE_LOCAL_POLICY,
                                     STR("dmarc.trusted-signers"), false};
    if (excuse->granted == DMARC_AUTH_PASS)
        return (struct local_policy){ACTION_ACCEPT, OVERRIDE_LOCAL_POLICY, excuse->comment, false};
    struct local_policy l = local_policy_of_domain(conf, evidence, o);
    l.unsure = l.unsure || signer == DMARC_AUTH_UNKNOWN || excuse->granted == DMARC_AUTH_UNKNOWN;
    if (l.unsure && conf->dmarc_on_temperror < l.action) {
        l.action = conf->dmarc_on_temperror;
        l.reason = OVERRIDE_LOCAL_POLICY;
        l.comment = STR("dmarc.on-temperror");
    } else {
        l.unsure = false;
    }
    return l;
}

/* For an outcome that cannot be known now. */
static struct local_policy local_policy_of_doubt(const struct conf *conf,
                                                 const struct session *session,
                                                 const struct evidence *evidence,
                                                 const struct dmarc_outcome *o)
{
    bool excused = netset_has(&conf->dmarc_trusted_forwarders, &session->client) ||
                   conf_has_domain(&conf->dmarc_ignore_domains, o->author_domain) ||
                   trusted_signer(conf, evidence) == DMARC_AUTH_PASS ||
                   excuse_of(evidence, o)->granted == DMARC_AUTH_PASS;
    return (struct local_policy){.action = excused ? ACTION_ACCEPT : conf->dmarc_on_temperror,
                                 .unsure = true};
}

static struct str dmarc_text(const struct dmarc_outcome *o, bool unsure, struct arena *a)
{
    struct str author = str_safe(a, o->author_domain, DOMAIN_MAX, false);
    if (unsure)
        return str_printf(a, "DMARC of %.*s cannot be checked now (DNS trouble), try again later",
                          STR_ARG(author));
    return str_printf(
        a, "DMARC policy of %.*s (p=%s): neither SPF nor DKIM authenticated this message for it",
        STR_ARG(author), dmarc_policy_name(o->policy));
}

static struct proposal judge_author(const struct conf *conf, const struct session *session,
                                    const struct evidence *evidence, size_t author, struct arena *a)
{
    const struct dmarc_outcome *o = &evidence->dmarc.outcomes[author];
    struct proposal p = {.cause = "dmarc", .detail = "7.1", .author = author};
    if (o->result == DMARC_FAIL)
        p.local = local_policy(conf, session, evidence, o);
    else if (o->result == DMARC_TEMPERROR)
        p.local = local_policy_of_doubt(conf, session, evidence, o);
    p.action = p.local.action;
    p.shadow = conf->dmarc_mode == CHECK_SHADOW ||
               conf_has_domain(&conf->dmarc_shadow_domains, o->author_domain);
    if (p.action > ACTION_TAG)
        p.text = dmarc_text(o, p.local.unsure, a);
    return p;
}

/* Every author domain on its own, so that an override for one is none for the others; the strictest
 * first. */
static size_t judge_dmarc(const struct conf *conf, const struct session *session,
                          const struct evidence *evidence, struct arena *a,
                          struct proposal *proposals)
{
    const struct evidence_dmarc *dmarc = &evidence->dmarc;
    for (size_t i = 0; i < dmarc->n; i++)
        proposals[i] = judge_author(conf, session, evidence, (dmarc->decisive + i) % dmarc->n, a);
    return dmarc->n;
}

/* --- From and limits --- */

static struct proposal judge_from(const struct conf *conf, const struct evidence *evidence,
                                  struct arena *a)
{
    const struct evidence_dmarc *dmarc = &evidence->dmarc;
    struct proposal p = {.cause = "from", .detail = "7.1"};
    if (!dmarc->checked || !from_is_bad(dmarc->from_status))
        return p;
    p.action = conf->dmarc_on_bad_from;
    p.shadow = conf->dmarc_mode == CHECK_SHADOW;
    p.text = str_printf(a, "This message needs exactly one valid From field: %.*s",
                        STR_ARG(str_safe(a, dmarc->reason, EXPLANATION_MAX, false)));
    return p;
}

static struct proposal judge_limit(const struct conf *conf, const struct message *message)
{
    struct proposal p = {.cause = "limit", .detail = "3.4", .codes = {"452", "552"}};
    if (!message->over_limit)
        return p;
    p.action = conf->limits_on_header_limit;
    p.text = STR("The header of this message is too large");
    return p;
}

/* Mail of any origin: an MTA that has to delete thousands of fields suffers. */
static struct proposal judge_forged(const struct conf *conf, const struct evidence *evidence,
                                    struct arena *a)
{
    struct proposal p = {.cause = "forged", .detail = "7.1", .always = true};
    if (!evidence->forged.too_many)
        return p;
    p.action = ACTION_REJECT;
    p.text = str_printf(a, "More than %lld header fields claim to be results of this host",
                        (long long)conf->limits_forged_fields);
    return p;
}

/* --- Mail of ours --- */

/* The only thing that mail of ours is refused for, and only where the operator says so. */
static struct proposal judge_sender(const struct conf *conf, const struct evidence *evidence,
                                    struct arena *a)
{
    struct proposal p = {.cause = "sender", .detail = "7.1"};
    if (!evidence->signing.mismatch)
        return p;
    p.action = conf->on_sender_mismatch;
    p.text = str_printf(a, "The sender in From is not allowed: %.*s",
                        STR_ARG(str_safe(a, evidence->signing.why, EXPLANATION_MAX, false)));
    return p;
}

/* --- The verdict --- */

/* The operator's own words stand behind every refusal. */
static struct str with_contact(const struct conf *conf, struct str text, struct arena *a)
{
    if (!conf->reply_contact.n)
        return text;
    return str_printf(a, "%.*s; %.*s", STR_ARG(text), STR_ARG(conf->reply_contact));
}

/* The parts of a text are clean already, and a second cleaning would write their backslashes anew.
 */
static struct str cut_text(struct str text, struct arena *a)
{
    return text.n <= TEXT_MAX ? text : str_printf(a, "%.*s...", TEXT_MAX - 3, text.p);
}

static void word_reply(const struct conf *conf, const struct proposal *p, struct arena *a,
                       struct verdict *out)
{
    out->cause = p->cause;
    out->text = cut_text(p->text, a);
    if (p->action >= ACTION_TEMPFAIL)
        out->text = with_contact(conf, out->text, a);
    if (p->action == ACTION_TEMPFAIL) {
        out->code = str_of(p->codes[0] ? p->codes[0] : "451");
        out->enhanced = str_printf(a, "4.%s", p->detail);
    } else if (p->action == ACTION_REJECT) {
        out->code = str_of(p->codes[1] ? p->codes[1] : "550");
        out->enhanced = str_printf(a, "5.%s", p->detail);
    }
}

/* Done, and not only evaluated. */
static bool is_done(const struct conf *conf, const struct proposal *p)
{
    return p->always || (conf->mode != RUN_SHADOW && !p->shadow);
}

/* The proposal that asks for most, the first of equals; NULL if none asks for anything. With `conf`
 * of those that are done under it, else of all. */
static const struct proposal *gravest(const struct proposal *proposals, size_t n,
                                      const struct conf *conf)
{
    const struct proposal *found = NULL;
    for (size_t i = 0; i < n; i++)
        if ((!conf || is_done(conf, &proposals[i])) &&
            proposals[i].action > (found ? found->action : ACTION_ACCEPT))
            found = &proposals[i];
    return found;
}

static void combine(const struct conf *conf, const struct proposal *proposals, size_t n,
                    struct arena *a, struct verdict *out)
{
    const struct proposal *would = gravest(proposals, n, NULL);
    const struct proposal *done = gravest(proposals, n, conf);
    if (!would)
        return;
    out->if_enforced = would->action;
    out->action = done ? done->action : ACTION_ACCEPT;
    word_reply(conf, done ? done : would, a, out);
}

/* What a report says where an action is left undone in shadow mode, and no rule of ours is why. */
static struct str shadow_words(const struct conf *conf)
{
    return conf->mode == RUN_SHADOW           ? STR("mode = shadow")
           : conf->dmarc_mode == CHECK_SHADOW ? STR("dmarc.mode = shadow")
                                              : STR("dmarc.shadow-domains");
}

static struct author_verdict author_verdict(const struct conf *conf, const struct dmarc_outcome *o,
                                            const struct proposal *p)
{
    bool done = is_done(conf, p);
    struct author_verdict v = {.disposition = disposition(done ? p->action : ACTION_ACCEPT)};
    if (o->result != DMARC_FAIL && o->result != DMARC_TEMPERROR)
        return v;
    v.override = p->local.reason;
    v.comment = p->local.comment;
    if (v.override != OVERRIDE_NONE || v.disposition == o->policy)
        return v;
    v.override = OVERRIDE_LOCAL_POLICY;
    v.comment = done ? STR("dmarc.on-temperror") : shadow_words(conf);
    return v;
}

/* For reports, which go to each of them. */
static const struct author_verdict *author_verdicts(const struct conf *conf,
                                                    const struct evidence *evidence,
                                                    const struct proposal *proposals, size_t n,
                                                    struct arena *a)
{
    struct author_verdict *v = arena_array(a, struct author_verdict, n);
    for (size_t i = 0; i < n; i++)
        v[proposals[i].author] =
            author_verdict(conf, &evidence->dmarc.outcomes[proposals[i].author], &proposals[i]);
    return v;
}

/* What became of DMARC's part: of the author domain that asks for most, or else the strictest. */
static void fill_disposition(const struct conf *conf, const struct evidence *evidence,
                             const struct proposal *proposals, size_t n, struct verdict *out)
{
    const struct proposal *p = gravest(proposals, n, conf);
    if (!n)
        return;
    if (!p)
        p = gravest(proposals, n, NULL);
    if (!p)
        p = &proposals[0];
    bool acts = is_done(conf, p);
    out->author = p->author;
    if (evidence->dmarc.outcomes[p->author].result != DMARC_FAIL)
        return;
    out->override = p->local.reason;
    out->override_comment = p->local.comment;
    out->disposition = disposition(acts ? p->action : ACTION_ACCEPT);
}

/* Before the end only SPF has a say, and at DATA the gate. There may be many recipients: the arena
 * keeps nothing of them, unless there is something to tell. */
static void decide_early(const struct conf *conf, enum policy_point point,
                         const struct session *session, const struct message *message,
                         const struct evidence *evidence, struct arena *a, struct verdict *out)
{
    if (message->origin != ORIGIN_INBOUND)
        return;
    const struct judging j = {conf, point, session, message, evidence, a};
    struct proposal proposals[2 + GATE_CAUSES];
    size_t n = 0;
    proposals[n++] = judge_spf(&j);
    if (point == POINT_DATA)
        n += gate_judge(&j, proposals + n);
    proposals[n++] = judge_greylist(&j);
    combine(conf, proposals, n, a, out);
}

/* Forwarded mail, too. */
static void decide_ours(const struct conf *conf, const struct evidence *evidence, struct arena *a,
                        struct verdict *out)
{
    const struct proposal proposals[] = {judge_forged(conf, evidence, a),
                                         judge_sender(conf, evidence, a)};
    combine(conf, proposals, sizeof proposals / sizeof *proposals, a, out);
}

static void decide_inbound(const struct conf *conf, const struct session *session,
                           const struct message *message, const struct evidence *evidence,
                           struct arena *a, struct verdict *out)
{
    const struct judging j = {conf, POINT_EOM, session, message, evidence, a};
    struct proposal *proposals =
        arena_array(a, struct proposal, evidence->dmarc.n + 5 + GATE_CAUSES);
    size_t n = 0;
    proposals[n++] = judge_forged(conf, evidence, a);
    proposals[n++] = judge_limit(conf, message);
    proposals[n++] = judge_from(conf, evidence, a);
    size_t authors = judge_dmarc(conf, session, evidence, a, proposals + n);
    fill_disposition(conf, evidence, proposals + n, authors, out);
    out->authors = author_verdicts(conf, evidence, proposals + n, authors, a);
    n += authors;
    proposals[n++] = judge_spf(&j);
    n += gate_judge(&j, proposals + n);
    proposals[n++] = judge_greylist(&j);
    combine(conf, proposals, n, a, out);
}

void policy_decide(const struct conf *conf, enum policy_point point, const struct session *session,
                   const struct message *message, const struct evidence *evidence, struct arena *a,
                   struct verdict *out)
{
    *out = (struct verdict){
        .scope = point == POINT_RCPT ? SCOPE_RECIPIENT : SCOPE_MESSAGE,
    };
    /* What may be forwarded is known at the end of the header: nothing is refused before. */
    bool early = message->may_be_forwarded && point != POINT_EOM;
    if (message->origin == ORIGIN_RELAYED || early || (message->checks && point != POINT_DATA))
        return;
    if (point != POINT_EOM)
        decide_early(conf, point, session, message, evidence, a, out);
    else if (message->origin == ORIGIN_INBOUND)
        decide_inbound(conf, session, message, evidence, a, out);
    else
        decide_ours(conf, evidence, a, out);
}

void policy_decide_recipient(const struct conf *conf, const struct session *session,
                             const struct message *message, const struct evidence *evidence,
                             struct str address, struct arena *a, struct verdict *out)
{
    const struct judging j = {conf, POINT_RCPT, session, message, evidence, a};
    *out = (struct verdict){.scope = SCOPE_RECIPIENT};
    if (message->origin != ORIGIN_INBOUND || message->may_be_forwarded || message->checks)
        return;
    const struct proposal p = judge_recipient(&j, address);
    combine(conf, &p, 1, a, out);
}

bool policy_may_refuse(const struct conf *conf, enum policy_point point)
{
    if (point == POINT_EOM || (point == POINT_DATA && gate_may_refuse(conf)))
        return true;
    /* In shadow mode, too: what it would do is found out there. */
    if (point == POINT_DATA && conf->greylist_mode != CHECK_OFF &&
        conf->greylist_at == GREYLIST_AT_DATA)
        return true;
    if (conf->spf_mode == CHECK_OFF)
        return false;
    for (int r = 0; r < SPF_RESULT_COUNT; r++)
        if (spf_happens_at(conf, point, spf_action(conf, (enum spf_result)r)))
            return true;
    return false;
}
