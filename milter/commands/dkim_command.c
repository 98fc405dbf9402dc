/* dkim_command.c - `assay dkim`: the commands about signing keys and signatures.
 *
 * Errors: exit status 64 for a wrong call; otherwise the command's own. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "milter/commands/commands.h"
#include "milter/commands/dkim_commands.h"
#include "milter/commands/keygen_command.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"keygen", keygen_command, "make a key and its DNS record"},
    {"list", dkim_list_command, "every configured key: type, age, state, published or not"},
    {"test", dkim_test_command, "do the records in the DNS fit the keys? for monitoring"},
    {"rotate", dkim_rotate_command, "make the key that takes over in a key directory"},
    {"sign", dkim_sign_command, "sign a message"},
    {"verify", dkim_verify_command, "verify the signatures of a message"},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static void print_help(FILE *to)
{
    fputs("usage: assay dkim COMMAND [OPTION...]\n\n", to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
    fputs("\n\"assay dkim COMMAND --help\" tells more of one.\n", to);
}

int command_dkim(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(word, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    bool help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
    print_help(help ? stdout : stderr);
    return help ? EX_OK : EX_USAGE;
}
