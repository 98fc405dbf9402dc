/* lists.c - asks the DNS lists of the configuration (RFC 5782): about the client, and about the
 * domains that the message names - HELO, the client's verified name, MAIL FROM, and at its end From
 * and the signatures that pass.
 *
 * All lists are asked at once, at MAIL; what they say is read at DATA, where policy may refuse, and
 * at the end. A list is believed only if it does not list what must never be listed. Private
 * addresses are nobody's business, and mail of ours never comes here.
 *
 * Errors: what is no clear answer is told as such, and counts for nothing. */
#include "core/gate.h"
#include "core/listhealth.h"
#include "core/stage.h"
#include "mail/domain.h"

#define NAMES_MAX GATE_LIST_NAMES /* domains that are asked about */

struct state {
    bool address, domains; /* some list is asked about these */
    bool settled;          /* all answers to what was asked about are known */
    struct evidence_list *v;
    bool begun;        /* lists have been asked ahead, about the address, and */
    size_t n, n_begun; /* about so many of the names */
    struct str names[NAMES_MAX];
};

/* --- What is asked about --- */

static bool is_asked(const struct stage_run *run)
{
    return run->conf->n_lists && run->conf->dnsbl_mode != CHECK_OFF &&
           message_is_checked(run->message, SERVICE_DNSBL) &&
           !netset_has(&run->conf->exceptions_networks, &run->session->client);
}

static bool is_known(const struct state *state, struct str name)
{
    for (size_t i = 0; i < state->n; i++)
        if (str_eq(state->names[i], name))
            return true;
    return false;
}

/* A name without a dot is a host's own business, and an address literal no name. */
static void add_name(struct stage_run *run, struct str text)
{
    struct state *state = run->state;
    struct str name;
    struct netaddr address;
    if (!state->domains || state->n == NAMES_MAX || !text.n || netaddr_parse(text, &address) ||
        !domain_normalize(run->message->arena, text, &name) || domain_labels(name) < 2 ||
        !domain_is_host_text(name) || is_known(state, name))
        return;
    state->names[state->n++] = name;
    state->settled = false;
}

/* The MTA gives a name only where it leads back; what we have found out ourselves comes first. */
static void add_client_name(struct stage_run *run)
{
    add_name(run, conf_looks_up_client(run->conf) ? run->evidence->client.name
                                                  : run->session->client_name);
}

static void add_envelope(struct stage_run *run)
{
    add_name(run, run->session->helo);
    add_name(run, run->message->from.domain);
    add_client_name(run);
}

static void add_authors(struct stage_run *run)
{
    struct from_parsed from;
    if (!((struct state *)run->state)->domains)
        return;
    from_parse(run->message->arena, &run->message->headers, &from);
    for (size_t i = 0; i < from.n; i++)
        add_name(run, from.mailboxes[i].domain);
}

static void add_signers(struct stage_run *run)
{
    const struct evidence_dkim *dkim = &run->evidence->dkim;
    for (size_t i = 0; i < dkim->n; i++)
        if (dkim->signatures[i].result == DKIM_PASS)
            add_name(run, dkim->signatures[i].domain);
}

/* --- Names --- */

static struct str address_name(const struct stage_run *run, const struct conf_list *list)
{
    return dnsbl_address_name(run->message->arena, &run->session->client, list->asked.zone);
}

static struct str domain_name(const struct stage_run *run, const struct conf_list *list,
                              struct str domain)
{
    if (list->asked.form == DNSBL_ORGANIZATIONAL && run->conf->lists_psl)
        domain = psl_organizational(run->conf->lists_psl, domain);
    return dnsbl_domain_name(run->message->arena, domain, list->asked.zone);
}

static int probe_family(const struct stage_run *run, const struct conf_list *list)
{
    return list->asked.kind == DNSBL_DOMAIN ? 0 : run->session->client.family;
}

/* Nothing is asked of a list that is dead, or that has given no answers lately. */
static const char *left_out(const struct stage_run *run, const struct conf_list *list)
{
    if (list->known && list->known->gone)
        return list->known->gone;
    return list_health_resting(run->list_health, list->public_zone);
}

/* --- Asking ahead --- */

static void start_probes(const struct stage_run *run, const struct conf_list *list)
{
    struct arena *a = run->message->arena;
    int family = probe_family(run, list);
    gate_start(run->lists_gate, dnsbl_probe_never(a, family, list->asked.zone), DNS_A);
    if (family == 4)
        gate_start(run->lists_gate, dnsbl_probe_always(a, family, list->asked.zone), DNS_A);
}

static void start_list(const struct stage_run *run, const struct conf_list *list)
{
    const struct state *state = run->state;
    bool domains = list->asked.kind == DNSBL_DOMAIN;
    bool fresh = domains ? state->n > state->n_begun : state->address && !state->begun;
    if (!fresh || left_out(run, list))
        return;
    if (!domains || !state->n_begun)
        start_probes(run, list);
    if (!domains)
        gate_start(run->lists_gate, address_name(run, list), DNS_A);
    for (size_t i = state->n_begun; domains && i < state->n; i++)
        gate_start(run->lists_gate, domain_name(run, list, state->names[i]), DNS_A);
}

/* What was not asked ahead before. */
static void start_all(struct stage_run *run)
{
    struct state *state = run->state;
    for (size_t i = 0; i < run->conf->n_lists; i++)
        start_list(run, &run->conf->lists[i]);
    state->begun = true;
    state->n_begun = state->n;
}

static void begin_lists(struct stage_run *run)
{
    const struct conf *conf = run->conf;
    const struct netaddr *client = &run->session->client;
    if (!is_asked(run) || run->message->may_be_forwarded)
        return;
    struct state *state = run->state = arena_make(run->message->arena, struct state);
    state->v = arena_array(run->message->arena, struct evidence_list, conf->n_lists);
    for (size_t i = 0; i < conf->n_lists; i++)
        state->domains = state->domains || conf->lists[i].asked.kind == DNSBL_DOMAIN;
    state->address =
        client->family && !dnsbl_is_private(client) && !message_from_this_host(conf, client);
    add_envelope(run);
    start_all(run);
}

/* --- Reading --- */

static void judge_lists(const struct stage_run *run, struct evidence_list *e, struct str name,
                        struct str about)
{
    struct dnsbl_answer answer;
    if (!name.n)
        return;
    dnsbl_read(&e->list->asked, gate_lookup(run->lists_gate, name, DNS_A), &answer);
    /* The gravest of its answers stays: a listing, then one that is not known. */
    if (answer.counts || (!e->answer.counts && answer.result >= e->answer.result)) {
        e->answer = answer;
        e->about = about;
    }
}

static void ask_about_all(const struct stage_run *run, struct evidence_list *e)
{
    const struct state *state = run->state;
    char address[NETADDR_TEXT];
    if (e->list->asked.kind != DNSBL_DOMAIN) {
        netaddr_format(&run->session->client, address);
        judge_lists(run, e, address_name(run, e->list),
                    str_copy(run->message->arena, str_of(address)));
        return;
    }
    for (size_t i = 0; i < state->n && !e->answer.counts; i++)
        judge_lists(run, e, domain_name(run, e->list, state->names[i]), state->names[i]);
}

static void suspend(struct evidence_list *e, const char *cause)
{
    e->answer = (struct dnsbl_answer){.result = DNSBL_BROKEN, .cause = cause};
}

/* What the list says of its test points (RFC 5782 5). One that lists the world is out; of one that
 * is empty, "not listed" says nothing. */
static void probe_list(const struct stage_run *run, struct evidence_list *e)
{
    static const struct dns_answer not_asked = {.status = DNS_PENDING};
    struct arena *a = run->message->arena;
    const struct dnsbl_list *list = &e->list->asked;
    int family = probe_family(run, e->list);
    bool empty;
    const struct dns_answer *never =
        gate_lookup(run->lists_gate, dnsbl_probe_never(a, family, list->zone), DNS_A);
    const struct dns_answer *always =
        family == 4 ? gate_lookup(run->lists_gate, dnsbl_probe_always(a, family, list->zone), DNS_A)
                    : &not_asked;
    const char *unfit = dnsbl_unfit(list, never, always, &empty);
    if (unfit)
        suspend(e, unfit);
    else if (e->answer.counts && never->status == DNS_PENDING)
        e->answer = (struct dnsbl_answer){.result = DNSBL_PENDING};
    else if (e->answer.result == DNSBL_CLEAR && empty)
        suspend(e, "it does not list 127.0.0.2, as every list does (RFC 5782 5): it is empty, or "
                   "dead");
}

/* True if the message has used up most of its time, and waits for no answer: that a list has given
 * none is not the list's fault then. Senders choose how long their own names take. */
static bool in_a_hurry(const struct stage_run *run)
{
    const struct dns_asker *asker = run->asker;
    return !asker->may_pend && 2 * asker->patience_us < run->conf->dns_deadline * 1000;
}

static void note_health(const struct stage_run *run, const struct evidence_list *e, bool hurried)
{
    if (e->answer.result != DNSBL_UNKNOWN || !hurried)
        list_health_note(run->list_health, e->list->public_zone, e->list->label, &e->answer);
}

static void read_list(const struct stage_run *run, struct evidence_list *e)
{
    const struct state *state = run->state;
    bool hurried = in_a_hurry(run);
    bool nothing = e->list->asked.kind == DNSBL_DOMAIN ? !state->n : !state->address;
    const char *why = nothing ? NULL : left_out(run, e->list);
    if (nothing)
        return;
    if (why) {
        suspend(e, why);
        return;
    }
    ask_about_all(run, e);
    if (e->answer.result == DNSBL_CLEAR || e->answer.result == DNSBL_LISTED)
        probe_list(run, e);
    note_health(run, e, hurried);
}

/* DNSWL: the last octet is how far to trust the client, 2 medium, 3 high. */
static bool is_trust(const struct evidence_list *e)
{
    bool graded = str_eq(e->list->asked.zone, STR("list.dnswl.org"));
    return e->answer.counts && (!graded || e->answer.code.bytes[3] >= 2);
}

static void sum_up(struct evidence_lists *lists, const struct evidence_list *e)
{
    bool allow = e->list->asked.kind == DNSBL_ALLOW;
    enum dnsbl_result result = e->answer.result;
    if (e->answer.counts)
        lists->sum += e->list->weight;
    if (!allow)
        return;
    lists->trusted = lists->trusted || is_trust(e);
    if (result == DNSBL_UNKNOWN)
        lists->doubt += e->list->weight;
    if (result == DNSBL_PENDING)
        lists->pending += e->list->weight;
    lists->trust_unknown =
        lists->trust_unknown || result == DNSBL_UNKNOWN || result == DNSBL_PENDING;
}

static void read_all(struct stage_run *run)
{
    struct evidence_lists lists = {.checked = true, .n = run->conf->n_lists};
    struct state *state = run->state;
    if (state->settled)
        return;
    state->settled = true;
    for (size_t i = 0; i < lists.n; i++) {
        state->v[i] = (struct evidence_list){.list = &run->conf->lists[i]};
        read_list(run, &state->v[i]);
        sum_up(&lists, &state->v[i]);
        enum dnsbl_result result = state->v[i].answer.result;
        state->settled = state->settled && result != DNSBL_PENDING && result != DNSBL_UNKNOWN;
    }
    lists.v = state->v;
    run->evidence->lists = lists;
}

/* --- The points --- */

static void lists_mail(struct stage_run *run)
{
    begin_lists(run);
}

static void lists_data(struct stage_run *run)
{
    if (!run->state)
        return;
    add_client_name(run);
    start_all(run);
    read_all(run);
}

/* What might have been forwarded, and was not, begins here. */
static void lists_eoh(struct stage_run *run)
{
    if (!run->state)
        begin_lists(run);
    if (!run->state)
        return;
    add_authors(run);
    start_all(run);
}

static void lists_eom(struct stage_run *run)
{
    if (!run->state)
        return;
    add_client_name(run);
    add_signers(run);
    start_all(run);
    read_all(run);
}

const struct stage stage_lists = {
    .name = "lists",
    .mail = lists_mail,
    .data = lists_data,
    .eoh = lists_eoh,
    .eom = lists_eom,
    .telling = &telling_lists,
};
