/* dnsbl_command.c - `assay dnsbl check`: what do the DNS lists say of an address or a domain, and
 * what would that lead to?
 *
 * Without lists in the configuration it asks all that are known and need no key.
 *
 * Errors: exit status 64 without anything to ask about; those of command.c. */
#include "core/message.h"
#include "mail/domain.h"
#include "milter/commands/commands.h"

struct dnsbl_words {
    bool own;
};

static const struct command_option dnsbl_options[] = {
    OPTION("own", NULL, take_flag, struct dnsbl_words, own,
           "ask about this host's own addresses and its name: am I listed?"),
    {0},
};

/* What is asked about: an address, or a domain. */
struct subject {
    struct netaddr address; /* family 0: the domain */
    struct str text;
};

struct said {
    const struct conf_list *list;
    struct dnsbl_answer answer;
    bool unprobed; /* what must be listed is not */
};

struct account {
    struct subject subject;
    size_t n;
    struct said *v;
    int sum, doubt;
    bool listed, unknown;
};

struct asking {
    struct command *command;
    size_t n;
    const struct conf_list *lists;
    const struct psl *psl;
    bool weighed; /* the lists are those of the configuration */
};

/* --- Lists --- */

static void take_known(const struct dnsbl_known *known, struct conf_list *list, struct arena *a)
{
    *list = (struct conf_list){
        .asked = {.zone = str_of(known->zone), .kind = known->kind, .form = known->form},
        .label = str_of(known->label),
        .public_zone = str_of(known->zone),
        .known = known,
    };
    dnsbl_codes_add(&list->asked.codes, str_of(known->codes), a);
    if (*known->errors)
        dnsbl_codes_add(&list->asked.errors, str_of(known->errors), a);
}

static void choose_lists(struct asking *asking)
{
    struct command *c = asking->command;
    struct conf_list *lists;
    struct str problem;
    asking->weighed = c->conf->n_lists > 0;
    asking->lists = c->conf->lists;
    asking->n = c->conf->n_lists;
    asking->psl = c->conf->lists_psl;
    if (asking->weighed)
        return;
    asking->psl = psl_open(c->arena, STR(""), &problem);
    lists = arena_array(c->arena, struct conf_list, dnsbl_known_count());
    for (size_t i = 0; i < dnsbl_known_count(); i++) {
        const struct dnsbl_known *known = dnsbl_known_at(i);
        if (!known->keyed && !known->gone)
            take_known(known, &lists[asking->n++], c->arena);
    }
    asking->lists = lists;
}

static bool is_about(const struct subject *subject, const struct conf_list *list)
{
    return (list->asked.kind == DNSBL_DOMAIN) == !subject->address.family;
}

static struct str name_in(const struct asking *asking, const struct subject *subject,
                          const struct dnsbl_list *list)
{
    struct arena *a = asking->command->arena;
    if (subject->address.family)
        return dnsbl_address_name(a, &subject->address, list->zone);
    struct str domain = subject->text;
    if (list->form == DNSBL_ORGANIZATIONAL && asking->psl)
        domain = psl_organizational(asking->psl, domain);
    return dnsbl_domain_name(a, domain, list->zone);
}

/* --- Asking --- */

static void start_all(const struct asking *asking, const struct subject *subject)
{
    struct command *c = asking->command;
    int family = subject->address.family;
    for (size_t i = 0; i < asking->n; i++) {
        const struct conf_list *list = &asking->lists[i];
        if (!is_about(subject, list) || (list->known && list->known->gone))
            continue;
        struct str zone = list->asked.zone;
        dns_start(&c->asker, name_in(asking, subject, &list->asked), DNS_A);
        dns_start(&c->asker, dnsbl_probe_never(c->arena, family, zone), DNS_A);
        dns_start(&c->asker, dnsbl_probe_always(c->arena, family, zone), DNS_A);
    }
}

static void ask_list(const struct asking *asking, const struct subject *subject, struct said *said)
{
    struct command *c = asking->command;
    const struct dnsbl_list *list = &said->list->asked;
    int family = subject->address.family;
    if (said->list->known && said->list->known->gone) {
        said->answer =
            (struct dnsbl_answer){.result = DNSBL_BROKEN, .cause = said->list->known->gone};
        return;
    }
    dnsbl_read(list, dns_lookup(&c->asker, name_in(asking, subject, list), DNS_A), &said->answer);
    const struct dns_answer *never =
        dns_lookup(&c->asker, dnsbl_probe_never(c->arena, family, list->zone), DNS_A);
    const struct dns_answer *always =
        dns_lookup(&c->asker, dnsbl_probe_always(c->arena, family, list->zone), DNS_A);
    const char *unfit = dnsbl_unfit(list, never, always, &said->unprobed);
    if (unfit)
        said->answer = (struct dnsbl_answer){.result = DNSBL_BROKEN, .cause = unfit};
    said->unprobed = said->unprobed && family == 4 && said->answer.result == DNSBL_CLEAR;
}

static void sum_up(struct account *account, const struct said *said)
{
    bool allow = said->list->asked.kind == DNSBL_ALLOW;
    if (said->answer.counts) {
        account->sum += said->list->weight;
        account->listed = account->listed || !allow;
    }
    if (said->answer.result < DNSBL_UNKNOWN)
        return;
    account->unknown = true;
    if (allow && said->answer.result == DNSBL_UNKNOWN)
        account->doubt += said->list->weight;
}

static void ask_all(const struct asking *asking, struct subject subject, struct account *account)
{
    *account = (struct account){.subject = subject};
    account->v = arena_array(asking->command->arena, struct said, asking->n);
    start_all(asking, &subject);
    for (size_t i = 0; i < asking->n; i++) {
        if (!is_about(&subject, &asking->lists[i]))
            continue;
        struct said *said = &account->v[account->n++];
        said->list = &asking->lists[i];
        ask_list(asking, &subject, said);
        sum_up(account, said);
    }
}

/* --- Saying --- */

static const char *action_of(const struct conf *conf, const struct account *account)
{
    if (account->sum < conf->dnsbl_tag_at)
        return "accept";
    if (account->sum < conf->dnsbl_reject_at)
        return "tag";
    if (account->sum + account->doubt < conf->dnsbl_reject_at)
        return action_name(conf->dnsbl_on_doubt);
    return "reject";
}

static const char *kind_name(enum dnsbl_kind kind)
{
    static const char *const names[] = {
        [DNSBL_CLIENT] = "client", [DNSBL_ALLOW] = "allow", [DNSBL_DOMAIN] = "domain"};
    return names[kind];
}

#define UNPROBED "its test point 127.0.0.2 is not listed: it is empty, or dead"

static void print_json_list(struct json *j, const struct said *said)
{
    char address[NETADDR_TEXT];
    const struct dnsbl_answer *a = &said->answer;
    json_object(j, NULL);
    json_text(j, "label", said->list->label);
    json_text(j, "zone", said->list->public_zone);
    json_text(j, "kind", str_of(kind_name(said->list->asked.kind)));
    json_text(j, "result", str_of(dnsbl_result_name(a->result)));
    json_bool(j, "counts", a->counts);
    json_number(j, "weight", said->list->weight);
    json_text(j, "code", a->code.family ? str_of(netaddr_format(&a->code, address)) : STR_NONE);
    json_text(j, "problem", str_of(said->unprobed ? UNPROBED : a->cause));
    json_end(j, '}');
}

static void print_json_account(struct json *j, const struct asking *asking,
                               const struct account *account)
{
    json_text(j, account->subject.address.family ? "address" : "domain", account->subject.text);
    json_bool(j, "listed", account->listed);
    json_number(j, "score", account->sum);
    json_text(j, "action", str_of(action_of(asking->command->conf, account)));
    json_array(j, "lists");
    for (size_t i = 0; i < account->n; i++)
        print_json_list(j, &account->v[i]);
    json_end(j, ']');
}

static void print_list(const struct asking *asking, const struct said *said)
{
    char address[NETADDR_TEXT];
    const struct dnsbl_answer *a = &said->answer;
    printf("  %-9s %.*s (%.*s)", dnsbl_result_name(a->result), STR_ARG(said->list->label),
           STR_ARG(said->list->public_zone));
    if (a->code.family)
        printf(": %s", netaddr_format(&a->code, address));
    if (a->counts && asking->weighed)
        printf(", weight %d", said->list->weight);
    else if (a->result == DNSBL_LISTED && !a->counts)
        printf(", which does not count");
    if (a->cause)
        printf(": %s", a->cause);
    else if (said->unprobed)
        printf(": " UNPROBED);
    printf("\n");
}

static void print_account(const struct asking *asking, const struct account *account)
{
    const struct conf *conf = asking->command->conf;
    printf("%.*s: %s\n", STR_ARG(account->subject.text),
           account->listed    ? "listed"
           : account->unknown ? "not listed, as far as is known"
                              : "not listed");
    for (size_t i = 0; i < account->n; i++)
        print_list(asking, &account->v[i]);
    if (asking->weighed)
        printf("  sum %d: %s (dnsbl.reject-at %lld, dnsbl.tag-at %lld)\n", account->sum,
               action_of(conf, account), (long long)conf->dnsbl_reject_at,
               (long long)conf->dnsbl_tag_at);
    else
        printf("  dnsbl.lists names no list: all were asked that are known and need no key\n");
}

/* --- What is asked about --- */

static bool read_subject(const struct command *c, const char *text, struct subject *subject)
{
    char address[NETADDR_TEXT];
    *subject = (struct subject){0};
    if (netaddr_parse(str_of(text), &subject->address)) {
        subject->text = str_copy(c->arena, str_of(netaddr_format(&subject->address, address)));
        return true;
    }
    return conf_plain_name(c->arena, str_of(text), &subject->text) &&
           domain_labels(subject->text) > 1;
}

/* Public addresses, and our name. */
static size_t find_own(const struct command *c, struct subject **subjects)
{
    const struct netset *own = &c->conf->host_addresses;
    size_t n = 0;
    *subjects = arena_array(c->arena, struct subject, own->n + 1);
    for (size_t i = 0; i < own->n; i++) {
        char text[NETADDR_TEXT];
        if (!dnsbl_is_private(&own->ranges[i].net))
            n += read_subject(c, netaddr_format(&own->ranges[i].net, text), &(*subjects)[n]);
    }
    n += read_subject(c, str_cstr(c->arena, c->conf->authserv_id), &(*subjects)[n]);
    return n;
}

static size_t find_subjects(struct command *c, struct subject **subjects)
{
    const struct dnsbl_words *words = c->own;
    if (words->own)
        return find_own(c, subjects);
    *subjects = arena_make(c->arena, struct subject);
    return read_subject(c, c->words[0], *subjects) ? 1 : 0;
}

/* 0 nothing, 1 listed, 2 so that it would be refused. */
static int grade(const struct asking *asking, const struct account *account)
{
    if (asking->weighed && account->sum >= asking->command->conf->dnsbl_reject_at)
        return 2;
    return account->listed ? 1 : 0;
}

static int ask_and_tell(const struct asking *asking, const struct subject *subjects, size_t n)
{
    struct command *c = asking->command;
    bool own = ((const struct dnsbl_words *)c->own)->own;
    struct json j;
    int status = 0;
    if (c->json)
        json_begin(&j, c->arena);
    if (c->json && own)
        json_array(&j, "own");
    for (size_t i = 0; i < n; i++) {
        struct account account;
        ask_all(asking, subjects[i], &account);
        if (c->json && own)
            json_object(&j, NULL);
        if (c->json)
            print_json_account(&j, asking, &account);
        else
            print_account(asking, &account);
        if (c->json && own)
            json_end(&j, '}');
        int graded = grade(asking, &account);
        status = graded > status ? graded : status;
    }
    if (c->json && own)
        json_end(&j, ']');
    if (c->json)
        command_print_json(&j);
    return status;
}

static int dnsbl_check_run(struct command *c)
{
    const struct dnsbl_words *words = c->own;
    struct asking asking = {.command = c};
    struct subject *subjects;
    if (words->own == (c->n_words > 0))
        return command_fail(c, EX_USAGE, "wanted is an address or a domain, or --own");
    int status = command_open(c);
    if (status != EX_OK)
        return status;
    size_t n = find_subjects(c, &subjects);
    if (!n)
        return command_fail(c, EX_USAGE,
                            words->own ? "this host has no public address: name the one that it "
                                         "sends from"
                                       : "wanted is an address or a domain, such as 192.0.2.1");
    if (subjects[0].address.family && dnsbl_is_private(&subjects[0].address))
        return command_fail(c, EX_USAGE, "no list knows anything of private addresses");
    choose_lists(&asking);
    return ask_and_tell(&asking, subjects, n);
}

const struct command_row dnsbl_check_command = {
    .name = "check",
    .brief = "is this address or domain in a DNS list, and what would that lead to",
    .words = "[ADDRESS]",
    .options = dnsbl_options,
    .common = COMMON_CONF | COMMON_DNS | COMMON_JSON,
    .size = sizeof(struct dnsbl_words),
    .run = dnsbl_check_run,
    .about =
        "Asks the DNS lists of the configuration (dnsbl.lists), or else all that are known and "
        "need no key, about an address or a domain, and explains every answer.",
    .status = "0 not listed; 1 listed; 2 listed so that mail would be refused.",
};
