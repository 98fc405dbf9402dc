/* judge_address.c - judges the addresses that mail leaves from: their names, and the lists that
 * have them.
 *
 * Errors: none. */
#include "milter/commands/doctor/judge.h"

static struct str owner_of_address(void)
{
    return STR("the provider of the address sets its PTR record: ask it for reverse DNS, or see "
               "its web page");
}

static void judge_name(const struct doctor_facts *facts, const struct address_facts *address,
                       struct findings *out)
{
    struct finding *f;
    if (!address->ptr || dns_unknown(address->ptr) || address->leads_back == UNSEEN) {
        find(out, CHECK_PTR, LEVEL_UNSEEN, address->text, "its name could not be looked up");
        return;
    }
    if (address->leads_back == SEEN_YES && str_eq_nocase(address->name, facts->host)) {
        find(out, CHECK_PTR, LEVEL_GOOD, address->text, "its name %.*s leads back to it",
             STR_ARG(clean(out, address->name)));
        return;
    }
    if (address->leads_back == SEEN_YES) {
        find(out, CHECK_PTR, LEVEL_NOTE, address->text,
             "its name is %.*s, and leads back to it; the mail server calls itself %.*s",
             STR_ARG(clean(out, address->name)), STR_ARG(clean(out, facts->host)))
            ->why = STR("some receivers count it against a client if both differ");
        return;
    }
    f = find(out, CHECK_PTR, LEVEL_GRAVE, address->text,
             address->ptr->status == DNS_ANSWER ? "its name %.*s does not lead back to it"
                                                : "it has no name (PTR record)%.*s",
             STR_ARG(clean(out, address->name)));
    f->why = STR("large receivers refuse mail from such an address");
    f->mend = address->ptr->status == DNS_ANSWER
                  ? str_printf(out->arena, "publish the address of %.*s; or else: %.*s",
                               STR_ARG(clean(out, address->name)), STR_ARG(owner_of_address()))
                  : owner_of_address();
    if (address->ptr->status == DNS_ANSWER)
        f->publish =
            str_printf(out->arena, "%.*s. IN %s %.*s", STR_ARG(clean(out, address->name)),
                       address->address.family == 4 ? "A" : "AAAA", STR_ARG(address->text));
}

static bool is_absent(const struct dns_answer *answer)
{
    return answer && (answer->status == DNS_NODATA || answer->status == DNS_NXDOMAIN);
}

static void judge_host(const struct doctor_facts *facts, struct findings *out)
{
    if (facts->relay.n || !is_absent(facts->host_v4) || !is_absent(facts->host_v6))
        return;
    struct finding *f = find(out, CHECK_PTR, LEVEL_WARNING, clean(out, facts->host),
                             "the name that the mail server uses in HELO has no address");
    f->why = STR("some receivers refuse mail from a client whose name does not exist");
    f->mend = STR("publish an address for it, or set myhostname (Postfix), confDOMAIN_NAME "
                  "(Sendmail) to a name that has one");
}

void judge_ptr(const struct doctor_facts *facts, struct findings *out)
{
    judge_host(facts, out);
    if (facts->addresses_by_name && facts->n_addresses)
        find(out, CHECK_PTR, LEVEL_NOTE, clean(out, facts->host),
             "this machine has no public address of its own: those of its name are looked at")
            ->mend = STR("if mail leaves from another one: assay doctor --address ADDRESS");
    for (size_t i = 0; i < facts->n_addresses; i++)
        judge_name(facts, &facts->addresses[i], out);
    if (!facts->n_addresses && facts->relay.n)
        find(out, CHECK_PTR, LEVEL_UNSEEN, clean(out, facts->relay),
             "mail leaves through this host: its addresses were not looked at")
            ->mend = STR("name those that it sends from: assay doctor --address ADDRESS");
    else if (!facts->n_addresses)
        find(
            out, CHECK_PTR, LEVEL_UNSEEN, STR_NONE,
            "this machine has no public address of its own, and its name %s: the address that mail "
            "leaves from was not looked at",
            is_absent(facts->host_v4) && is_absent(facts->host_v6) ? "has none"
                                                                   : "could not be looked up")
            ->mend = STR("name it: assay doctor --address ADDRESS");
}

/* --- Listed ------------------------------------------------------------------------------------*/

static void say_listed(struct str subject, const struct dnsbl_said *said, struct findings *out)
{
    struct finding *f =
        find(out, CHECK_LISTED, LEVEL_WARNING, subject, "it is listed at %.*s (%.*s)",
             STR_ARG(said->list->label), STR_ARG(said->list->public_zone));
    f->why = STR("receivers who ask that list refuse mail, or count it against the message");
    f->mend = STR("find out what was sent (the log, the queue), stop it, then ask the list to take "
                  "it out on its web page");
    f->command = command_about("assay dnsbl check", subject, out);
}

static void judge_account(struct str subject, const struct dnsbl_account *account,
                          struct findings *out)
{
    size_t asked = 0, unknown = 0, before = out->n;
    if (!account)
        return;
    for (size_t i = 0; i < account->n; i++) {
        const struct dnsbl_said *said = &account->v[i];
        if (said->list->asked.kind == DNSBL_ALLOW)
            continue;
        asked++;
        unknown += said->answer.result >= DNSBL_UNKNOWN || said->unprobed;
        if (said->answer.result == DNSBL_LISTED && said->answer.counts)
            say_listed(subject, said, out);
    }
    if (out->n > before || !asked)
        return;
    if (unknown == asked)
        find(out, CHECK_LISTED, LEVEL_UNSEEN, subject, "no list answered");
    else if (unknown)
        find(out, CHECK_LISTED, LEVEL_GOOD, subject, "not listed (%zu lists; %zu did not answer)",
             asked, unknown);
    else
        find(out, CHECK_LISTED, LEVEL_GOOD, subject, "not listed (%zu lists)", asked);
}

void judge_listed(const struct doctor_facts *facts, struct findings *out)
{
    for (size_t i = 0; i < facts->n_addresses; i++)
        judge_account(facts->addresses[i].text, facts->addresses[i].lists, out);
    for (size_t i = 0; i < facts->n_domains; i++)
        judge_account(facts->domains[i].name, facts->domains[i].lists, out);
}
