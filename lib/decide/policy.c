/* policy.c - from evidence to verdict. The only place where results become actions.
 *
 * Each cause (limits, From, DMARC, SPF, the gate; for our own mail the sender) is judged on its own
 * and gives a proposal (policy_*.c). The most severe proposal that is not in shadow mode is done;
 * the most severe of all is what enforcing would do.
 *
 * Errors: none; what cannot be known now is never a rejection unless the operator chose that. */
#include "decide/policy.h"

#include "decide/proposal.h"

#define TEXT_MAX 400 /* of a reply; SMTP allows 512 bytes a line (RFC 5321 4.5.3.1.5) */

/* --- Limits, and mail of ours ------------------------------------------------------------------*/

static struct proposal propose_limit(const struct judging *j)
{
    struct proposal p = {.cause = "limit", .detail = "3.4", .storage = true};
    if (!j->message->over_limit)
        return p;
    p.action = j->conf->limits_on_header_limit;
    p.text = STR("The header of this message is too large");
    return p;
}

/* Mail of any origin: thousands of fields to delete would hurt the MTA. */
static struct proposal propose_forged(const struct judging *j)
{
    struct proposal p = {.cause = "forged", .detail = "7.1", .always = true};
    if (!j->evidence->forged.too_many)
        return p;
    p.action = ACTION_REJECT;
    p.text = str_printf(j->arena, "More than %lld header fields claim to be results of this host",
                        (long long)j->conf->limits_forged_fields);
    return p;
}

/* Mail of ours is refused for this only if the operator says so. */
static struct proposal propose_sender(const struct judging *j)
{
    struct proposal p = {.cause = "sender", .detail = "7.1"};
    if (!j->evidence->signing.mismatch)
        return p;
    p.action = j->conf->on_sender_mismatch;
    p.text =
        str_printf(j->arena, "The sender in From is not allowed: %.*s",
                   STR_ARG(str_safe(j->arena, j->evidence->signing.why, EXPLANATION_MAX, false)));
    return p;
}

/* --- The verdict -------------------------------------------------------------------------------*/

/* Adds the operator's own words to a refusal. */
static struct str with_contact(const struct conf *conf, struct str text, struct arena *a)
{
    if (!conf->reply_contact.n)
        return text;
    return str_printf(a, "%.*s; %.*s", STR_ARG(text), STR_ARG(conf->reply_contact));
}

/* The parts of a text are clean already, and a second cleaning would escape their backslashes
 * again.
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
        out->code = p->storage ? STR("452") : STR("451");
        out->enhanced = str_printf(a, "4.%s", p->detail);
    } else if (p->action == ACTION_REJECT) {
        out->code = p->storage ? STR("552") : STR("550");
        out->enhanced = str_printf(a, "5.%s", p->detail);
    }
}

bool proposal_is_done(const struct proposal *p, const struct conf *conf)
{
    return p->always || (conf->mode != RUN_SHADOW && !p->shadow);
}

const struct proposal *proposals_gravest(const struct proposal *proposals, size_t n,
                                         const struct conf *conf)
{
    const struct proposal *found = NULL;
    for (size_t i = 0; i < n; i++)
        if ((!conf || proposal_is_done(&proposals[i], conf)) &&
            proposals[i].action > (found ? found->action : ACTION_ACCEPT))
            found = &proposals[i];
    return found;
}

static void combine(const struct judging *j, const struct proposal *proposals, size_t n,
                    struct verdict *out)
{
    const struct proposal *would = proposals_gravest(proposals, n, NULL);
    const struct proposal *done = proposals_gravest(proposals, n, j->conf);
    if (!would)
        return;
    out->if_enforced = would->action;
    out->action = done ? done->action : ACTION_ACCEPT;
    word_reply(j->conf, done ? done : would, j->arena, out);
}

/* Before the end only SPF has a say, and at DATA the gate. There may be many recipients, so the
 * arena keeps nothing for one of them unless there is something to say. */
static void decide_early(const struct judging *j, struct verdict *out)
{
    struct proposal proposals[2 + GATE_CAUSES];
    size_t n = 0;
    if (j->message->origin != ORIGIN_INBOUND)
        return;
    proposals[n++] = propose_spf(j);
    if (j->point == POINT_DATA)
        n += propose_gate(j, proposals + n);
    proposals[n++] = propose_greylist(j);
    combine(j, proposals, n, out);
}

/* Forwarded mail, too. */
static void decide_ours(const struct judging *j, struct verdict *out)
{
    const struct proposal proposals[] = {propose_forged(j), propose_sender(j)};
    combine(j, proposals, sizeof proposals / sizeof *proposals, out);
}

static void decide_inbound(const struct judging *j, struct verdict *out)
{
    struct proposal *proposals =
        arena_array(j->arena, struct proposal, j->evidence->dmarc.n + 5 + GATE_CAUSES);
    size_t n = 0;
    proposals[n++] = propose_forged(j);
    proposals[n++] = propose_limit(j);
    proposals[n++] = propose_from(j);
    size_t authors = propose_dmarc(j, proposals + n);
    dmarc_fill_verdict(j, proposals + n, authors, out);
    n += authors;
    proposals[n++] = propose_spf(j);
    n += propose_gate(j, proposals + n);
    proposals[n++] = propose_greylist(j);
    combine(j, proposals, n, out);
}

void policy_decide(const struct conf *conf, enum policy_point point, const struct session *session,
                   const struct message *message, const struct evidence *evidence, struct arena *a,
                   struct verdict *out)
{
    const struct judging j = {conf, point, session, message, evidence, a};
    *out = (struct verdict){
        .scope = point == POINT_RCPT ? SCOPE_RECIPIENT : SCOPE_MESSAGE,
    };
    /* Whether mail is forwarded is known at the end of the header: nothing is refused before. */
    bool early = message->may_be_forwarded && point != POINT_EOM;
    if (message->origin == ORIGIN_RELAYED || early || (message->checks && point != POINT_DATA))
        return;
    if (point != POINT_EOM)
        decide_early(&j, out);
    else if (message->origin == ORIGIN_INBOUND)
        decide_inbound(&j, out);
    else
        decide_ours(&j, out);
}

void policy_decide_recipient(const struct conf *conf, const struct session *session,
                             const struct message *message, const struct evidence *evidence,
                             struct str address, struct arena *a, struct verdict *out)
{
    const struct judging j = {conf, POINT_RCPT, session, message, evidence, a};
    *out = (struct verdict){.scope = SCOPE_RECIPIENT};
    if (message->origin != ORIGIN_INBOUND || message->may_be_forwarded || message->checks)
        return;
    const struct proposal p = propose_recipient(&j, address);
    combine(&j, &p, 1, out);
}

bool policy_may_refuse(const struct conf *conf, enum policy_point point)
{
    if (point == POINT_EOM || (point == POINT_DATA && gate_may_refuse(conf)))
        return true;
    /* In shadow mode, too, to find out what greylisting would do. */
    if (point == POINT_DATA && conf->greylist_mode != CHECK_OFF &&
        conf->greylist_at == GREYLIST_AT_DATA)
        return true;
    return spf_may_refuse(conf, point);
}
