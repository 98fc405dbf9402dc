/* sender.c - can the sender be answered? Whether the domain of MAIL FROM receives mail (MX, else
 * its addresses; RFC 5321 5.1, RFC 7505), and, of a message with the null sender, whether From,
 * Sender or Reply-To has an address that does.
 *
 * Errors: DNS trouble is a result of its own, which is no reason for anything. */
#include "core/gate.h"
#include "core/stage.h"
#include "mail/domain.h"

#define HOSTS_MAX     10 /* of a domain's MX that are looked at */
#define MAILBOXES_MAX 5  /* of the header */

/* --- A domain --- */

/* What the addresses of a host say of where mail for it would go. */
enum place { PLACE_NOWHERE, PLACE_LOCAL, PLACE_WORLD, PLACE_UNKNOWN, PLACE_PENDING };

static enum place place_of(const struct dns_answer *addresses)
{
    if (addresses->status == DNS_PENDING)
        return PLACE_PENDING;
    if (dns_unknown(addresses))
        return PLACE_UNKNOWN;
    enum place found = PLACE_NOWHERE;
    for (size_t i = 0; i < addresses->n && found != PLACE_WORLD; i++)
        found = dnsbl_is_private(&addresses->rr[i].addr) ? PLACE_LOCAL : PLACE_WORLD;
    return found;
}

/* The order of the enum is that of what may be concluded. */
static enum place better(enum place a, enum place b)
{
    if (a == PLACE_WORLD || b == PLACE_WORLD)
        return PLACE_WORLD;
    return a > b ? a : b;
}

static enum place place_of_host(const struct stage_run *run, struct str host)
{
    gate_start(run->sender_gate, host, DNS_AAAA);
    enum place v4 = place_of(gate_lookup(run->sender_gate, host, DNS_A));
    if (v4 == PLACE_WORLD)
        return v4;
    return better(v4, place_of(gate_lookup(run->sender_gate, host, DNS_AAAA)));
}

static enum sender_domain from_place(enum place place, enum sender_domain nowhere)
{
    static const enum sender_domain results[] = {
        [PLACE_LOCAL] = SENDER_LOCAL_MX,
        [PLACE_WORLD] = SENDER_FINE,
        [PLACE_UNKNOWN] = SENDER_TEMPERROR,
        [PLACE_PENDING] = SENDER_UNCHECKED,
    };
    return place == PLACE_NOWHERE ? nowhere : results[place];
}

/* Hosts without any address are no reason: the domain says that it receives mail, and they may
 * come back. */
static enum sender_domain judge_hosts(const struct stage_run *run, const struct dns_answer *mx)
{
    enum place place = PLACE_NOWHERE;
    size_t n = mx->n < HOSTS_MAX ? mx->n : HOSTS_MAX;
    if (mx->n == 1 && str_eq(mx->rr[0].text, STR(".")))
        return SENDER_NULL_MX;
    for (size_t i = 0; i < n; i++)
        gate_start(run->sender_gate, mx->rr[i].text, DNS_A);
    for (size_t i = 0; i < n && place != PLACE_WORLD; i++)
        place = better(place, place_of_host(run, mx->rr[i].text));
    return from_place(place, SENDER_FINE);
}

static enum sender_domain judge_domain(const struct stage_run *run, struct str domain)
{
    const struct dns_answer *mx = gate_lookup(run->sender_gate, domain, DNS_MX);
    if (mx->status == DNS_PENDING)
        return SENDER_UNCHECKED;
    if (dns_unknown(mx))
        return SENDER_TEMPERROR;
    if (mx->status == DNS_ANSWER)
        return judge_hosts(run, mx);
    return from_place(place_of_host(run, domain), SENDER_UNKNOWN);
}

/* --- The envelope --- */

static bool is_checked(const struct stage_run *run)
{
    return run->conf->sender_mode != CHECK_OFF && !run->message->may_be_forwarded &&
           message_is_checked(run->message, SERVICE_SENDER) &&
           !netset_has(&run->conf->exceptions_networks, &run->session->client);
}

static void check_domain(struct stage_run *run)
{
    struct evidence_sender *e = &run->evidence->sender;
    struct str name;
    if (!is_checked(run) || e->domain != SENDER_UNCHECKED || !run->message->from.domain.n ||
        !domain_normalize(run->message->arena, run->message->from.domain, &name))
        return;
    e->domain = judge_domain(run, name);
}

/* --- The header of a bounce --- */

static const struct str fields[] = {STR_INIT("From"), STR_INIT("Sender"), STR_INIT("Reply-To")};

typedef bool domain_fn(struct stage_run *run, struct str domain);

/* Calls `is_good` for each domain in the three fields; true as soon as it says so. */
static bool any_domain(struct stage_run *run, domain_fn *is_good)
{
    const struct header_list *headers = &run->message->headers;
    struct from_parsed parsed;
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        const struct header_field *field = header_get(headers, fields[f], 0);
        if (!field)
            continue;
        from_parse_value(run->message->arena, field->value, &parsed);
        for (size_t i = 0; i < parsed.n && i < MAILBOXES_MAX; i++)
            if (parsed.mailboxes[i].domain_ok && is_good(run, parsed.mailboxes[i].domain))
                return true;
    }
    return false;
}

static bool start_one(struct stage_run *run, struct str domain)
{
    gate_start(run->sender_gate, domain, DNS_MX);
    return false;
}

/* What is not known is no reason to call it useless. */
static bool may_be_answered(struct stage_run *run, struct str domain)
{
    enum sender_domain result = judge_domain(run, domain);
    return result == SENDER_FINE || result == SENDER_TEMPERROR || result == SENDER_UNCHECKED;
}

static void sender_mail(struct stage_run *run)
{
    check_domain(run);
}

static void sender_eoh(struct stage_run *run)
{
    check_domain(run);
    if (is_checked(run) && run->message->from.null)
        any_domain(run, start_one);
}

static void sender_eom(struct stage_run *run)
{
    check_domain(run);
    if (is_checked(run) && run->message->from.null)
        run->evidence->sender.no_address = !any_domain(run, may_be_answered);
}

const struct stage stage_sender = {
    .name = "sender",
    .mail = sender_mail,
    .rcpt = check_domain,
    .data = check_domain,
    .eoh = sender_eoh,
    .eom = sender_eom,
    .telling = &telling_sender,
};
