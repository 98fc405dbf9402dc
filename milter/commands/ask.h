/* ask.h - what the commands that ask the DNS a question have in common: their options, the
 * configuration, a resolver or a zone file instead of one, and one asker. */
#ifndef ASSAY_MILTER_ASK_H
#define ASSAY_MILTER_ASK_H

#include <getopt.h>

#include "conf/conf.h"
#include "dns/dns.h"

struct ask {
    struct arena *arena;
    const char *command;   /* "assay spf check": for complaints */
    const char *conf_path; /* of -c; NULL: the default file if there is one, else all defaults */
    const char *zone_path; /* of --dns: answers come from this file and from nowhere else */
    bool explain, json;
    struct conf *conf;
    struct dns *dns;
    struct dns_asker asker;
};

/* Entries for a command's table of long options, and what they are in its help. */
#define ASK_OPTIONS                                                                                \
    {"config", required_argument, NULL, 'c'}, {"dns", required_argument, NULL, 'd'},               \
        {"explain", no_argument, NULL, 'e'}, {"json", no_argument, NULL, 'j'},                     \
    {                                                                                              \
        "help", no_argument, NULL, 'h'                                                             \
    }
#define ASK_HELP                                                                                   \
    "  -c, --config FILE   take resolvers and limits from this configuration\n"                    \
    "      --dns FILE      answer from this zone file instead of the DNS\n"                        \
    "      --explain       say every step: record, term, look-up\n"                                \
    "      --json          print the result for a program\n"                                       \
    "      --help          print this\n"

/* Takes one option of ASK_OPTIONS; false if it is none of them, or 'h'. */
bool ask_option(struct ask *ask, int option, const char *argument);

/* Opens everything. 0, or an exit status after a complaint on standard error. */
int ask_open(struct ask *ask);
/* The configuration alone, without DNS. */
int ask_load_conf(struct ask *ask);
void ask_close(struct ask *ask); /* the arena too */

/* The whole file in the arena, standard input for "-"; false after a complaint. */
bool ask_read_file(struct ask *ask, const char *path, struct str *text);

/* With --explain, and without --json: every look-up is printed with its records. */
void ask_trace(struct ask *ask);

/* A step_fn of lib/spf and lib/dmarc: prints the step, indented, on standard output. */
void ask_print_step(void *context, unsigned depth, struct str text);

#endif
