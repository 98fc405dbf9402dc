/* frame_help.c - what --help prints of a command, from its row. */
#include <string.h>

#include "milter/commands/command.h"

#define WIDTH      80
#define COLUMN_MAX 28 /* where what an option does begins, at most */

/* Prints the text from column `at` on, its further lines from `indent` on. A line end in it begins
 * a line. */
static void print_wrapped(FILE *to, const char *text, size_t at, size_t indent)
{
    struct str rest = str_of(text), line, word;
    while (str_split(&rest, '\n', &line)) {
        bool first = true;
        while (str_split(&line, ' ', &word)) {
            if (!first && at + 1 + word.n > WIDTH) {
                fprintf(to, "\n%*s", (int)indent, "");
                at = indent;
                first = true;
            }
            fprintf(to, "%s%.*s", first ? "" : " ", STR_ARG(word));
            at += word.n + (first ? 0 : 1);
            first = false;
        }
        fprintf(to, "\n");
        at = indent;
        if (rest.p)
            fprintf(to, "%*s", (int)indent, "");
    }
}

/* "  -c, --config FILE", without a terminator in the worst case. */
static size_t option_words(char *out, size_t room, const struct command_option *o)
{
    const char letter[] = {'-', o->letter, ',', '\0'};
    int n = snprintf(out, room, "  %3s --%s%s%s", o->letter ? letter : "", o->name,
                     o->argument ? " " : "", o->argument ? o->argument : "");
    return (size_t)n < room ? (size_t)n : room - 1;
}

static void print_options(FILE *to, const struct command_row *row)
{
    char words[WIDTH];
    size_t column = 0;
    bool common;
    const struct command_option *o;
    for (size_t i = 0; (o = frame_option(row, i, &common)); i++) {
        size_t n = option_words(words, sizeof words, o) + 2;
        if (n > column && n <= COLUMN_MAX)
            column = n;
    }
    for (size_t i = 0; (o = frame_option(row, i, &common)); i++) {
        size_t n = option_words(words, sizeof words, o);
        if (n + 2 > column)
            fprintf(to, "%s\n%*s", words, (int)column, "");
        else
            fprintf(to, "%-*s", (int)column, words);
        print_wrapped(to, o->help, column, column);
    }
}

/* Options that have to be given are named. */
static void print_usage(FILE *to, const struct command_row *row, const char *name)
{
    char words[2 * WIDTH] = "";
    size_t n = 0;
    for (const struct command_option *o = row->options; o && o->name; o++)
        if (o->required && n < sizeof words)
            n += (size_t)snprintf(words + n, sizeof words - n, "--%s %s ", o->name, o->argument);
    if (n < sizeof words)
        snprintf(words + n, sizeof words - n, "[OPTION...]%s%s", row->words ? " " : "",
                 row->words ? row->words : "");
    size_t indent = (size_t)fprintf(to, "usage: %s ", name);
    print_wrapped(to, words, indent, indent);
    fputc('\n', to);
}

static void print_command(FILE *to, const struct command_row *row, const char *name)
{
    print_usage(to, row, name);
    if (row->about) {
        print_wrapped(to, row->about, 0, 0);
        fprintf(to, "\n");
    }
    print_options(to, row);
    if (row->notes || row->status)
        fprintf(to, "\n");
    if (row->notes)
        print_wrapped(to, row->notes, 0, 0);
    if (row->status) {
        static const char title[] = "Exit status: ";
        fputs(title, to);
        print_wrapped(to, row->status, strlen(title), 0);
    }
}

static void print_group(FILE *to, const struct command_row *row, const char *name)
{
    size_t width = 0;
    if (row->about) {
        print_wrapped(to, row->about, 0, 0);
        fprintf(to, "\n");
    }
    fprintf(to, "usage: %s COMMAND [OPTION...]\n\n", name);
    for (size_t i = 0; row->commands[i]; i++) {
        size_t n = strlen(row->commands[i]->name);
        width = n > width ? n : width;
    }
    for (size_t i = 0; row->commands[i]; i++) {
        fprintf(to, "  %-*s  ", (int)width, row->commands[i]->name);
        print_wrapped(to, row->commands[i]->brief, width + 4, width + 4);
    }
    fprintf(to, "\n\"%s COMMAND --help\" tells more of one.\n", name);
    if (row->notes)
        print_wrapped(to, row->notes, 0, 0);
}

void frame_print_help(FILE *to, const struct command_row *row, const char *name)
{
    if (row->commands)
        print_group(to, row, name);
    else
        print_command(to, row, name);
}
