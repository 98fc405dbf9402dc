/* dnsbl_ask.h - what the DNS lists say of an address or a domain, asked one by one and explained.
 *
 * The lists are those of the configuration; without any, all that are known and need no key. */
#ifndef ASSAY_MILTER_DNSBL_ASK_H
#define ASSAY_MILTER_DNSBL_ASK_H

#include "milter/commands/command.h"

/* What is asked about: an address, or a domain. */
struct dnsbl_subject {
    struct netaddr address; /* family 0: the domain */
    struct str text;
};

/* What one list says. */
struct dnsbl_said {
    const struct conf_list *list;
    struct dnsbl_answer answer;
    bool unprobed; /* what must be listed is not */
};

struct dnsbl_account {
    struct dnsbl_subject subject;
    size_t n;
    struct dnsbl_said *v;
    int sum, doubt;
    bool listed, unknown;
};

struct dnsbl_asking {
    struct command *command;
    size_t n;
    const struct conf_list *lists;
    const struct psl *psl;
    bool weighed; /* the lists are those of the configuration */
};

/* Chooses the lists; the command's configuration and DNS are open. */
void dnsbl_asking_init(struct dnsbl_asking *asking, struct command *c);

/* False if the text is neither an address nor the name of a domain. */
bool dnsbl_subject_read(const struct command *c, const char *text, struct dnsbl_subject *subject);

/* Starts all queries about it, so that those of several subjects run at once. */
void dnsbl_ask_start(const struct dnsbl_asking *asking, const struct dnsbl_subject *subject);

/* Asks all lists that are about such a subject. */
void dnsbl_ask(const struct dnsbl_asking *asking, struct dnsbl_subject subject,
               struct dnsbl_account *account);

#endif
