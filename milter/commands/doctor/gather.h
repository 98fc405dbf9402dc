/* gather.h - fills in the facts of `assay doctor`.
 *
 * Order matters: code that takes another user's rights has to run before threads exist, so the
 * machine and the MTA come before DNS is opened. */
#ifndef ASSAY_MILTER_DOCTOR_GATHER_H
#define ASSAY_MILTER_DOCTOR_GATHER_H

#include "milter/commands/command.h"
#include "milter/commands/doctor/facts.h"

/* The options of the command. */
struct doctor_words {
    const char *root;               /* the root of the file system to look at; NULL: / */
    struct command_texts addresses; /* addresses that mail leaves from */
    bool quiet;                     /* leave out good findings */
};

/* A path on the machine that is looked at. */
const char *path_within(const struct command *c, const char *path);
/* The text of a file there; absent if it cannot be read. */
struct str file_within(const struct command *c, const char *path);

/* Configuration, rights, daemon, clock. */
void gather_machine(struct command *c, struct doctor_facts *facts);
/* The resolvers; with --dns they are not asked. Sets no_dns. */
void gather_resolvers(struct command *c, struct doctor_facts *facts);

/* Both MTAs, if their files exist. */
void gather_mtas(struct command *c, struct doctor_facts *facts);
/* Each adds what it finds; false: its configuration does not exist. */
bool gather_postfix(struct command *c, struct doctor_facts *facts, struct mta_facts *mta);
bool gather_sendmail(struct command *c, struct doctor_facts *facts, struct mta_facts *mta);
/* Finds out whether a filter leads to one of our sockets. `chroot` is the directory that the MTA's
 * process sees as /; a relative path begins at `directory`. */
void gather_filter_target(const struct doctor_facts *facts, struct mta_filter *filter,
                          struct str chroot, struct str directory, struct arena *a);

/* The keys of the configuration. Called before DNS is opened. */
struct key_inventory {
    bool seen;
    size_t n;
    struct configured_key *keys;
};
void gather_keys(struct command *c, struct doctor_facts *facts, struct key_inventory *keys);

/* Chooses the domains: those of the command line; without them, those that the configuration signs
 * for; without any, that of /etc/mailname, or of our name. Called before DNS is opened. */
void gather_domain_names(struct command *c, struct doctor_facts *facts,
                         const struct key_inventory *keys);

/* The stores of reports. Called before DNS is opened, when the domains are chosen. */
void gather_reports(struct command *c, struct doctor_facts *facts);

/* With DNS open: our name and addresses, then the records of the domains, then the lists. */
void gather_addresses(struct command *c, struct doctor_facts *facts);
void gather_domains(struct command *c, struct doctor_facts *facts,
                    const struct key_inventory *keys);
void gather_lists(struct command *c, struct doctor_facts *facts);

#endif
