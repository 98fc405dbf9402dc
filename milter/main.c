/* main.c - the commands of the program.
 *
 * Errors: exit status 64 (EX_USAGE) for a wrong call; otherwise the command's own. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/str.h"
#include "milter/commands/commands.h"
#include "milter/daemon/identity.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
};

static int command_version(int argc, char **argv);
static int command_help(int argc, char **argv);

static const struct command commands[] = {
    {"milter", command_milter, "serve Postfix or Sendmail, in the foreground"},
    {"config", command_config, "config check: test the configuration; config show: print it"},
    {"dkim", command_dkim, "keys and signatures: keygen, list, test, rotate, sign, verify"},
    {"check", command_check, "what would be done with a saved message, and why"},
    {"spf", command_spf, "spf check: may this client send for this domain, and why"},
    {"dmarc", command_dmarc, "dmarc check: what does a domain ask for, and what would mail get"},
    {"status", command_status, "how is the running daemon"},
    {"metrics", command_metrics, "what the running daemon has counted, for Prometheus"},
    {"version", command_version, "print the version"},
    {"help", command_help, "print this"},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void print_help(FILE *to)
{
    fputs("assay checks SPF, DKIM and DMARC of incoming mail and signs outgoing mail with DKIM.\n"
          "\n"
          "usage: assay COMMAND [OPTION...]\n\n",
          to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
    fputs("\n"
          "\"assay COMMAND --help\" tells more of one. Begin with an empty assay.conf, which is a\n"
          "working verify-only configuration: assay(8), assay.conf(5).\n",
          to);
}

static int command_help(int argc, char **argv)
{
    (void)argc, (void)argv;
    print_help(stdout);
    return EX_OK;
}

static int command_version(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("assay %s\n", ASSAY_VERSION);
    return EX_OK;
}

static int unknown_command(const char *word)
{
    const struct command *near = NULL;
    size_t least = 3; /* more mistakes than that are another word */
    for (size_t i = 0; i < COMMANDS; i++) {
        size_t d = str_distance(str_of(word), str_of(commands[i].name));
        if (d < least) {
            least = d;
            near = &commands[i];
        }
    }
    fprintf(stderr, "assay: there is no command \"%s\"", word);
    if (near)
        fprintf(stderr, "; do you mean \"%s\"?\n", near->name);
    else
        fputs("; \"assay help\" lists them\n", stderr);
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EX_USAGE;
    }
    identity_hide_memory();
    const char *word = argv[1];
    if (!strcmp(word, "--help") || !strcmp(word, "-h"))
        word = "help";
    else if (!strcmp(word, "--version") || !strcmp(word, "-V"))
        word = "version";
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(word, commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    return unknown_command(word);
}
