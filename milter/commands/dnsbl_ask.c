/* dnsbl_ask.c - asks the DNS lists.
 *
 * Errors: none; what DNS does not tell is unknown. */
#include "milter/commands/dnsbl_ask.h"

#include "core/message.h"
#include "mail/domain.h"

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

void dnsbl_asking_init(struct dnsbl_asking *asking, struct command *c)
{
    struct conf_list *lists;
    struct str problem;
    *asking = (struct dnsbl_asking){.command = c};
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

static bool is_about(const struct dnsbl_subject *subject, const struct conf_list *list)
{
    return (list->asked.kind == DNSBL_DOMAIN) == !subject->address.family;
}

static struct str name_in(const struct dnsbl_asking *asking, const struct dnsbl_subject *subject,
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

void dnsbl_ask_start(const struct dnsbl_asking *asking, const struct dnsbl_subject *subject)
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

static void ask_list(const struct dnsbl_asking *asking, const struct dnsbl_subject *subject,
                     struct dnsbl_said *said)
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

static void sum_up(struct dnsbl_account *account, const struct dnsbl_said *said)
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

void dnsbl_ask(const struct dnsbl_asking *asking, struct dnsbl_subject subject,
               struct dnsbl_account *account)
{
    *account = (struct dnsbl_account){.subject = subject};
    account->v = arena_array(asking->command->arena, struct dnsbl_said, asking->n);
    dnsbl_ask_start(asking, &subject);
    for (size_t i = 0; i < asking->n; i++) {
        if (!is_about(&subject, &asking->lists[i]))
            continue;
        struct dnsbl_said *said = &account->v[account->n++];
        said->list = &asking->lists[i];
        ask_list(asking, &subject, said);
        sum_up(account, said);
    }
}

/* --- What is asked about --- */

bool dnsbl_subject_read(const struct command *c, const char *text, struct dnsbl_subject *subject)
{
    char address[NETADDR_TEXT];
    *subject = (struct dnsbl_subject){0};
    if (netaddr_parse(str_of(text), &subject->address)) {
        subject->text = str_copy(c->arena, str_of(netaddr_format(&subject->address, address)));
        return true;
    }
    return conf_plain_name(c->arena, str_of(text), &subject->text) &&
           domain_labels(subject->text) > 1;
}
