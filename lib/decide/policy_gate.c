/* policy_gate.c - clients, DNS lists and senders: from evidence to proposals.
 *
 * They are judged at DATA, where no content was carried yet, and again at the end, when all is
 * known that can be. At DATA only refusals count, and only of what is known by then.
 *
 * Errors: none; what cannot be known now is no reason for anything, but for dnsbl.on-doubt. */
#include "core/gate.h"
#include "decide/proposal.h"
#include "mail/domain.h"
#include "srs/srs.h"

static struct str client_text(const struct judging *j)
{
    char address[NETADDR_TEXT];
    return str_printf(j->arena, "[%s]", netaddr_format(&j->session->client, address));
}

static struct str domain_text(const struct judging *j)
{
    return str_safe(j->arena, j->message->from.domain, DOMAIN_MAX, false);
}

/* --- The client --- */

static struct proposal propose_iprev(const struct judging *j)
{
    struct proposal p = {
        .cause = "iprev",
        .detail = "7.25", /* RFC 7372 3.3 */
        .shadow = j->conf->client_mode == CHECK_SHADOW,
    };
    if (j->evidence->client.iprev != IPREV_FAIL)
        return p;
    p.action = j->conf->client_on_iprev_fail;
    p.text =
        str_printf(j->arena, "The name of %.*s does not lead back to it", STR_ARG(client_text(j)));
    return p;
}

static struct proposal propose_helo(const struct judging *j)
{
    struct proposal p = {
        .cause = "helo", .detail = "7.1", .shadow = j->conf->client_mode == CHECK_SHADOW};
    if (j->evidence->client.helo == HELO_OTHER)
        p.action = ACTION_TAG;
    if (j->evidence->client.helo != HELO_OURS)
        return p;
    p.action = j->conf->client_on_own_helo;
    p.text =
        str_printf(j->arena, "%.*s calls itself by a name of this host", STR_ARG(client_text(j)));
    return p;
}

/* --- Lists --- */

/* The listing that weighs most. */
static const struct evidence_list *gravest_listing(const struct evidence_lists *lists)
{
    const struct evidence_list *found = NULL;
    for (size_t i = 0; i < lists->n; i++)
        if (lists->v[i].answer.counts && (!found || lists->v[i].list->weight > found->list->weight))
            found = &lists->v[i];
    return found;
}

static struct str listing_text(const struct judging *j)
{
    const struct evidence_list *e = gravest_listing(&j->evidence->lists);
    struct str about = e->list->asked.kind == DNSBL_DOMAIN
                           ? str_safe(j->arena, e->about, DOMAIN_MAX, false)
                           : client_text(j);
    return str_printf(j->arena, "%.*s is listed at %.*s", STR_ARG(about), STR_ARG(e->list->label));
}

static struct proposal propose_lists(const struct judging *j)
{
    const struct evidence_lists *lists = &j->evidence->lists;
    const struct conf *conf = j->conf;
    struct proposal p = {.cause = "dnsbl", .detail = "7.1"};
    if (!lists->checked || lists->sum < conf->dnsbl_tag_at)
        return p;
    p.shadow = conf->dnsbl_mode == CHECK_SHADOW;
    p.action = ACTION_TAG;
    if (lists->sum < conf->dnsbl_reject_at)
        return p;
    p.text = listing_text(j);
    if (lists->sum + lists->doubt + lists->pending >= conf->dnsbl_reject_at)
        p.action = ACTION_REJECT;
    else if (!lists->pending) /* else an answer that is still under way may save the client */
        p.action = conf->dnsbl_on_doubt;
    if (p.action == ACTION_TEMPFAIL)
        p.text =
            str_printf(j->arena, "%.*s, and an allow list cannot be asked now; try again later",
                       STR_ARG(p.text));
    return p;
}

/* --- The sender --- */

/* A domain that names its clients, and this one among them, knows what it does. What is not known
 * yet, or now, is no reason to refuse. */
static enum action unless_spf_passes(const struct judging *j, enum action action)
{
    const struct evidence_spf *spf = &j->evidence->spf;
    enum spf_result result = spf->mail_from.outcome.result;
    if (spf->skipped.n)
        return action;
    if (spf->mail_from.checked && result == SPF_PASS)
        return ACTION_ACCEPT;
    bool known = spf->mail_from.checked && result != SPF_TEMPERROR;
    return known ? action : ACTION_TAG;
}

static struct proposal propose_sender_domain(const struct judging *j)
{
    const struct conf *conf = j->conf;
    struct str domain = domain_text(j);
    struct proposal p = {.cause = "sender-domain", .shadow = conf->sender_mode == CHECK_SHADOW};
    switch (j->evidence->sender.domain) {
    case SENDER_UNKNOWN:
        p.text = str_printf(j->arena, "The sender's domain %.*s has neither MX nor address",
                            STR_ARG(domain));
        break;
    case SENDER_LOCAL_MX:
        p.text =
            str_printf(j->arena, "The sender's domain %.*s can receive no mail: its MX is local",
                       STR_ARG(domain));
        break;
    case SENDER_NULL_MX:
        p.text = str_printf(j->arena,
                            "The sender's domain %.*s says that it receives no mail "
                            "(RFC 7505)",
                            STR_ARG(domain));
        p.action = conf->sender_on_null_mx;
        p.detail = "7.27";
        return p;
    default:
        return p;
    }
    p.action = conf->sender_on_unknown_domain;
    if (j->evidence->sender.domain == SENDER_UNKNOWN)
        p.action = unless_spf_passes(j, p.action);
    p.detail = "1.8";
    return p;
}

static struct proposal propose_no_address(const struct judging *j)
{
    struct proposal p = {
        .cause = "no-address", .detail = "7.1", .shadow = j->conf->sender_mode == CHECK_SHADOW};
    if (!j->evidence->sender.no_address)
        return p;
    p.action = j->conf->sender_on_no_address;
    p.text = STR("This message has no usable address in From, Sender or Reply-To");
    return p;
}

/* --- SRS addresses of ours --- */

static struct proposal no_bounce(const struct conf *conf)
{
    return (struct proposal){.cause = "no-bounce",
                             .detail = "7.1",
                             .action = conf->srs_on_no_bounce,
                             .text = STR("This address is for bounces, which have no sender")};
}

/* Those that had to be refused were at RCPT, if they could be: one that is left among others costs
 * these nothing. */
static struct proposal propose_no_bounce(const struct judging *j)
{
    const struct evidence_srs *srs = &j->evidence->srs;
    if (!srs->no_bounce)
        return (struct proposal){.cause = "no-bounce"};
    struct proposal p = no_bounce(j->conf);
    if (srs->others)
        p.action = ACTION_TAG;
    return p;
}

struct proposal propose_recipient(const struct judging *j, struct str address)
{
    if (j->conf->srs_on_no_bounce < ACTION_TEMPFAIL || j->message->from.null ||
        !j->conf->srs_domain.n || !srs_is_of(j->conf->srs_domain, address) ||
        gate_freedom(j->conf, j->session, j->message, j->evidence, j->arena) != GATE_BOUND)
        return (struct proposal){.cause = "no-bounce"};
    return no_bounce(j->conf);
}

/* --- All --- */

typedef struct proposal cause_fn(const struct judging *j);

/* Their order is that of the reasons that are given. */
static cause_fn *const causes[] = {propose_iprev,         propose_helo,       propose_lists,
                                   propose_sender_domain, propose_no_address, propose_no_bounce};
_Static_assert(sizeof causes / sizeof *causes <= GATE_CAUSES, "there is room for all causes");

/* An exception that cannot be known now is a doubt, too. */
static void soften(const struct judging *j, struct proposal *p)
{
    if (p->action > j->conf->dnsbl_on_doubt)
        p->action = j->conf->dnsbl_on_doubt;
}

size_t propose_gate(const struct judging *j, struct proposal *proposals)
{
    bool early = j->point != POINT_EOM;
    enum action least = !early               ? ACTION_TAG
                        : j->message->checks ? ACTION_QUARANTINE
                                             : ACTION_TEMPFAIL;
    size_t n = 0;
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        proposals[n] = causes[i](j);
        n += proposals[n].action >= least;
    }
    if (!n)
        return 0;
    enum gate_freedom freedom =
        gate_freedom(j->conf, j->session, j->message, j->evidence, j->arena);
    if (freedom == GATE_FREE || (early && freedom == GATE_UNSURE))
        return 0;
    for (size_t i = 0; freedom == GATE_UNSURE && i < n; i++)
        soften(j, &proposals[i]);
    return n;
}

bool gate_may_refuse(const struct conf *conf)
{
    bool lists = conf->n_lists && conf->dnsbl_mode != CHECK_OFF;
    bool client =
        conf->client_mode != CHECK_OFF &&
        ((conf->client_iprev != IPREV_OFF && conf->client_on_iprev_fail >= ACTION_TEMPFAIL) ||
         conf->client_on_own_helo >= ACTION_TEMPFAIL);
    bool sender =
        conf->sender_mode != CHECK_OFF && (conf->sender_on_unknown_domain >= ACTION_TEMPFAIL ||
                                           conf->sender_on_null_mx >= ACTION_TEMPFAIL);
    return lists || client || sender;
}
