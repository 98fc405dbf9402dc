/* dnsbl_command.c - `assay dnsbl check`: what do the DNS lists say of an address or a domain, and
 * what would that lead to?
 *
 * Without lists in the configuration it asks all that are known and need no key.
 *
 * Errors: exit status 64 without anything to ask about; those of command.c. */
#include "milter/commands/commands.h"
#include "milter/commands/dnsbl_ask.h"

struct dnsbl_words {
    bool own;
};

static const struct command_option dnsbl_options[] = {
    OPTION("own", NULL, take_flag, struct dnsbl_words, own,
           "ask about this host's own addresses and its name"),
    {0},
};

/* --- Saying --- */

static const char *action_of(const struct conf *conf, const struct dnsbl_account *account)
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

static void print_json_list(struct json *j, const struct dnsbl_said *said)
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

static void print_json_account(struct json *j, const struct dnsbl_asking *asking,
                               const struct dnsbl_account *account)
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

static void print_list(const struct dnsbl_asking *asking, const struct dnsbl_said *said)
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

static void print_account(const struct dnsbl_asking *asking, const struct dnsbl_account *account)
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
        printf("  dnsbl.lists names no list: all known lists that need no key were asked\n");
}

/* --- What is asked about --- */

/* Public addresses, and our name. */
static size_t find_own(const struct command *c, struct dnsbl_subject **subjects)
{
    const struct netset *own = &c->conf->host_addresses;
    size_t n = 0;
    *subjects = arena_array(c->arena, struct dnsbl_subject, own->n + 1);
    for (size_t i = 0; i < own->n; i++) {
        char text[NETADDR_TEXT];
        if (!dnsbl_is_private(&own->ranges[i].net))
            n += dnsbl_subject_read(c, netaddr_format(&own->ranges[i].net, text), &(*subjects)[n]);
    }
    n += dnsbl_subject_read(c, str_cstr(c->arena, c->conf->authserv_id), &(*subjects)[n]);
    return n;
}

static size_t find_subjects(struct command *c, struct dnsbl_subject **subjects)
{
    const struct dnsbl_words *words = c->own;
    if (words->own)
        return find_own(c, subjects);
    *subjects = arena_make(c->arena, struct dnsbl_subject);
    return dnsbl_subject_read(c, c->words[0], *subjects) ? 1 : 0;
}

/* 0 nothing, 1 listed, 2 so that it would be refused. */
static int grade(const struct dnsbl_asking *asking, const struct dnsbl_account *account)
{
    if (asking->weighed && account->sum >= asking->command->conf->dnsbl_reject_at)
        return 2;
    return account->listed ? 1 : 0;
}

static int ask_and_tell(const struct dnsbl_asking *asking, const struct dnsbl_subject *subjects,
                        size_t n)
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
        struct dnsbl_account account;
        dnsbl_ask(asking, subjects[i], &account);
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
    struct dnsbl_asking asking;
    struct dnsbl_subject *subjects;
    if (words->own == (c->n_words > 0))
        return command_fail(c, EX_USAGE, "name an address or a domain, or use --own");
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
        return command_fail(c, EX_USAGE, "no DNS list has private addresses");
    dnsbl_asking_init(&asking, c);
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
    .about = "Asks the DNS lists of the configuration (dnsbl.lists), or else all known lists that "
             "need no key, about an address or a domain, and explains every answer.",
    .status = "0 not listed; 1 listed; 2 listed so that mail would be refused.",
};
