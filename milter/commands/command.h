/* command.h - the frame of all commands.
 *
 * A command is a row of a table (struct command_row): its name, its options, the words it takes,
 * its help, and a function. The frame finds the row, reads the options into the command's own
 * struct, prints help and complaints, runs the function, and cleans up behind it.
 *
 *   commands.c     the table of `assay COMMAND`, and the groups in it
 *   frame.c        from the command line to the function that is run
 *   frame_help.c   --help, from the table
 *   take.c         values of options: texts, flags, lists, times, addresses, domains
 *   command.c      what several commands need when they run: configuration, DNS, files, JSON */
#ifndef ASSAY_MILTER_COMMAND_H
#define ASSAY_MILTER_COMMAND_H

#include <stddef.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/json.h"
#include "conf/conf.h"
#include "dns/dns.h"

#define DEFAULT_CONF "/etc/assay/assay.conf"

struct command_row;

/* A command that runs. */
struct command {
    struct arena *arena; /* lives until the function has returned */
    const char *name;    /* "assay spf check": for complaints */
    const struct command_row *row;
    void *own;    /* row->size bytes, zeroed, where the row's options were written */
    int n_words;  /* what is no option */
    char **words; /* these */

    /* Common options (enum command_common). */
    const char *conf_path; /* of -c; NULL: the default file if there is one, else all defaults */
    const char *zone_path; /* of --dns: answers come from this file and from nowhere else */
    int64_t now;           /* of --at, seconds since 1970; default: the clock's */
    bool explain, json, help;

    /* Opened on request, closed by the frame. */
    struct conf *conf;
    struct dns *dns;
    struct dns_asker asker;
};

/* --- The table ---------------------------------------------------------------------------------*/

/* Writes the value of an option to its place. NULL, or a phrase (in the command's arena) to stand
 * behind the text in quotes: `is no address`. */
typedef const char *command_take(struct command *c, const char *text, void *to);

struct command_option {
    const char *name;     /* "ip": without hyphens */
    const char *argument; /* "ADDRESS"; NULL: it takes none */
    command_take *take;
    size_t to;        /* offsetof() in the command's own struct */
    const char *help; /* wrapped when it is printed */
    bool required;
    char letter; /* 'c'; 0: it has no short form */
};

/* Rows of a table of options; `own`.`field` takes the value. */
#define OPTION(name, argument, take, own, field, help)                                             \
    {                                                                                              \
        name, argument, take, offsetof(own, field), help, false, 0                                 \
    }
#define OPTION_REQUIRED(name, argument, take, own, field, help)                                    \
    {                                                                                              \
        name, argument, take, offsetof(own, field), help, true, 0                                  \
    }

/* Options that many commands have; in a row's `common`. --help has every command. */
enum command_common {
    COMMON_CONF = 1,    /* -c, --config FILE */
    COMMON_DNS = 2,     /* --dns FILE */
    COMMON_EXPLAIN = 4, /* --explain */
    COMMON_JSON = 8,    /* --json */
    COMMON_AT = 16,     /* --at TIME: what judges by time judges as of this one */
    COMMON_QUESTION = COMMON_CONF | COMMON_DNS | COMMON_EXPLAIN | COMMON_JSON,
};

struct command_row {
    const char *name;
    const char *brief; /* its line in the help of the group it belongs to */
    /* A group of commands: these, up to NULL. It has nothing of what follows but `about` and
     * `notes`. */
    const struct command_row *const *commands;
    /* The words it takes: "DOMAIN", "[FILE]" (may be left out), "FILE..." (once or more),
     * "[FILE...]". NULL: none. They are counted by this. */
    const char *words;
    const struct command_option *options; /* a row without name ends them; NULL: none of its own */
    unsigned common;                      /* enum command_common */
    size_t size;                          /* of its own struct */
    int (*run)(struct command *c);        /* the exit status (sysexits.h) */
    /* For --help, each wrapped when it is printed; NULL: nothing to say. */
    const char *about, *notes, *status;
};

extern const struct command_row assay_command; /* the group of all: commands.c */

/* Runs what the words ask for, argv[0] being the program. The exit status. */
int frame_main(const struct command_row *root, int argc, char **argv);

/* The option number i of a row, its own first; NULL behind the last. *common: its place is in
 * struct command. */
const struct command_option *frame_option(const struct command_row *row, size_t i, bool *common);

/* `name` is all words up to the row's own. */
void frame_print_help(FILE *to, const struct command_row *row, const char *name);

/* --- Values ------------------------------------------------------------------------------------*/

/* A list of texts, for an option that may be given again. */
struct command_texts {
    size_t n, cap;
    const char **v;
};

command_take take_flag;     /* bool */
command_take take_text;     /* const char *; NULL: it was not given */
command_take take_texts;    /* struct command_texts */
command_take take_time;     /* int64_t, seconds since 1970 */
command_take take_address;  /* struct netaddr; family 0: it was not given */
command_take take_domain;   /* struct str, normalised; absent: it was not given */
command_take take_selector; /* struct str, normalised */

/* --- When it runs ------------------------------------------------------------------------------*/

/* Complains on standard error, "assay spf check: ...". The status. */
int command_fail(const struct command *c, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The exit status of a command that a mail server hands a mail to: what is wrong is wrong for now,
 * and with any status but 75 the mail would go back to its sender, who may be forged. */
int command_delivered(bool deliver, int status);

/* On standard error, and what helps whoever may not read a file. */
void command_print_problems(const struct conf_problems *problems);
/* What to write behind a problem that root would not have, or "". */
const char *command_help_by_root(struct str problem);

/* Opens configuration, DNS and asker. 0, or an exit status after a complaint. */
int command_open(struct command *c);
/* The configuration alone, and what command_open() does after it. */
int command_load_conf(struct command *c);
/* The same, and where the daemon is asked. With EX_CONFIG, too: one that runs has kept the
 * configuration of before. */
int command_load_control(struct command *c, struct str *control);
/* The rest: DNS and asker. */
int command_open_dns(struct command *c);

/* The whole file in the arena, standard input for "-"; false after a complaint. */
bool command_read_file(struct command *c, const char *path, struct str *text);

/* With --explain, and without --json: every look-up is printed with its records. */
void command_trace(struct command *c);

/* A step_fn of lib/spf and lib/dmarc: prints the step, indented, on standard output. */
void command_print_step(void *context, unsigned depth, struct str text);

/* Ends the outermost object, or array, and prints everything. */
void command_print_json(struct json *j);
void command_print_json_list(struct json *j);

#endif
