/* gather.h - what fills in the facts of `assay doctor`.
 *
 * Order matters: what takes another user's rights comes before threads exist, so the machine and
 * the MTA come before DNS is opened. */
#ifndef ASSAY_MILTER_DOCTOR_GATHER_H
#define ASSAY_MILTER_DOCTOR_GATHER_H

#include "milter/commands/command.h"
#include "milter/commands/doctor/facts.h"

/* The command's own words. */
struct doctor_words {
    const char *root;               /* where the file system to look at begins; NULL: here */
    struct command_texts addresses; /* that mail leaves from */
    bool quiet;                     /* what is good is not told */
};

/* A path of the machine that is looked at. */
const char *path_within(const struct command *c, const char *path);
/* A file of it; absent if it cannot be read. */
struct str file_within(const struct command *c, const char *path);

/* Configuration, rights, daemon, clock. */
void gather_machine(struct command *c, struct doctor_facts *facts);
/* The resolvers; with --dns none is asked. Sets no_dns. */
void gather_resolvers(struct command *c, struct doctor_facts *facts);

/* Both MTAs, where there are files of theirs. */
void gather_mtas(struct command *c, struct doctor_facts *facts);
/* Each adds what it finds; false: there is no such configuration. */
bool gather_postfix(struct command *c, struct doctor_facts *facts, struct mta_facts *mta);
bool gather_sendmail(struct command *c, struct doctor_facts *facts, struct mta_facts *mta);
/* Whether a filter leads to one of our sockets; `chroot`: the directory that the MTA's process sees
 * as /, and `directory` what a relative path begins with. */
void gather_filter_target(const struct doctor_facts *facts, struct mta_filter *filter,
                          struct str chroot, struct str directory, struct arena *a);

/* The keys of the configuration: before DNS is opened. */
struct key_inventory {
    bool seen;
    size_t n;
    struct configured_key *keys;
};
void gather_keys(struct command *c, struct doctor_facts *facts, struct key_inventory *keys);

/* Which domains: those of the command line; else those that are signed for; else that of
 * /etc/mailname, or of our name. Before DNS is opened. */
void gather_domain_names(struct command *c, struct doctor_facts *facts,
                         const struct key_inventory *keys);

/* The stores of reports: before DNS is opened, with the domains chosen. */
void gather_reports(struct command *c, struct doctor_facts *facts);

/* With DNS open: our name and addresses, then what the domains publish, then the lists. */
void gather_addresses(struct command *c, struct doctor_facts *facts);
void gather_domains(struct command *c, struct doctor_facts *facts,
                    const struct key_inventory *keys);
void gather_lists(struct command *c, struct doctor_facts *facts);

#endif
