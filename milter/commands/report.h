/* report.h - what the commands of `assay report` that deal with received reports share.
 *
 * report_receive_command.c  what comes in is stored
 * report_input.c            files, mailboxes and standard input, one message after the other
 * report_room.c             what is too old goes, and a disk that is nearly full takes no more
 * report_trust.c            how far the mail is to be believed that a report came with
 * report_owners.c           whose the addresses are
 * report_list_command.c     what is stored, in a terminal and as JSON
 * report_figures.h          the filter of those that follow, and their forms
 * report_sources_command.c  who sends in our name, and who says so
 * report_failures_command.c what fails, and why
 * report_judge_command.c    readiness and alarms
 * report_label_command.c    the operator's word on a source
 * report_exchange_command.c twin servers
 * report_pages.h            the stores behind pages
 * report_html_command.c     pages as files
 * report_digest_command.c   the weekly mail */
#ifndef ASSAY_MILTER_REPORT_H
#define ASSAY_MILTER_REPORT_H

#include "milter/commands/command.h"
#include "report/in/received.h"

/* The store of received reports, as the daemon's user. The configuration is loaded first. 0, or an
 * exit status after a complaint: 75 if the store is not to be had. */
int report_open_write(struct command *c, struct received **store);
/* *store is NULL if nothing was ever received. */
int report_open_read(struct command *c, struct received **store);

struct str report_store_name(const struct command *c);              /* for people */
int report_store_failed(struct command *c, struct received *store); /* 75, after a complaint */

/* Our domains: `reports.domains`, else those that mail is signed for. */
const struct conf_strings *report_domains(struct command *c);

/* A time before now: "30d", "12h", or a point of time. */
command_take take_since; /* int64_t, seconds since 1970 */

/* --- Inputs --- */

#define REPORT_INPUT_MAX (25U << 20)

/* One message or file. */
struct report_input {
    struct str bytes;
    struct str label;    /* "FILE", "FILE:3" */
    const char *path;    /* of a file of a Maildir; else NULL */
    const char *refused; /* it could not be read: too large; `bytes` is the beginning */
};

/* Called with each; false ends it. */
typedef bool report_input_fn(void *context, const struct report_input *input);

struct report_reading {
    struct command *command;
    bool one_mail;   /* standard input is one mail, whatever it holds */
    bool skip_taken; /* of a Maildir: what was refused before, and marked so */
    report_input_fn *each;
    void *context;
};

/* A file, an mbox, a Maildir or a folder, or "-". An exit status: 66 after a complaint. */
int report_read_input(const struct report_reading *reading, const char *path);

/* --- Room --- */

/* Removes what is older than the configuration says, and complains if that fails. */
void report_drop_old(struct command *c, struct received *store);

/* True if less is free than reports.min-free; what is free within the file counts, too. */
bool report_is_full(struct command *c, struct received *store);

/* Removes what is too old; no transaction is open. False, after a complaint, if that is not enough:
 * nothing more is stored, and the exit status is 75. */
bool report_make_room(struct command *c, struct received *store);

/* --- Trust --- */

struct report_trust {
    enum trust trust;
    struct str author; /* the domain that passed DMARC, normalised; empty: none, or not said */
};

/* False if our Authentication-Results do not say. Texts live in `a`. */
bool report_trust_said(struct command *c, struct str mail, struct arena *a,
                       struct report_trust *out);
/* Judges the mail now: by its signatures, and by SPF if the topmost Received tells the client. */
struct report_trust report_judge(struct command *c, struct str mail, struct arena *a);

/* --- Owners of addresses --- */

/* Asks the DNS about addresses that nothing is known of, at most so many and for so long. False if
 * the store failed. */
bool report_find_owners(struct command *c, struct received *store, size_t max, int64_t patience_us);

#endif
