/* frame.c - from the command line to the function that is run.
 *
 * Options may stand anywhere among the words; "--" ends them. "--name VALUE" and "--name=VALUE" are
 * the same, "-c VALUE" and "-cVALUE" too, and a name may be shortened while one option alone begins
 * like that.
 *
 * Errors: exit status 64 and what is wrong with the call; 74 if what was printed could not be
 * written; otherwise the function's own. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "milter/commands/command.h"

#define SHOWN_MAX    100
#define MISTAKES_MAX 2 /* more than that make another word */

/* --- Options of a row --------------------------------------------------------------------------*/

static const struct {
    unsigned which; /* enum command_common; 0: every command has it */
    struct command_option option;
} common_options[] = {
    {COMMON_CONF,
     {"config", "FILE", take_text, offsetof(struct command, conf_path),
      "the configuration; default: " DEFAULT_CONF, false, 'c'}},
    {COMMON_DNS,
     {"dns", "FILE", take_text, offsetof(struct command, zone_path),
      "answer from this zone file instead of the DNS", false, 0}},
    {COMMON_AT,
     {"at", "TIME", take_time, offsetof(struct command, now),
      "as of this time: 2026-11-29T20:00:00Z, or seconds since 1970; default: now", false, 0}},
    {COMMON_EXPLAIN,
     {"explain", NULL, take_flag, offsetof(struct command, explain),
      "print every step: record, term, look-up", false, 0}},
    {COMMON_JSON,
     {"json", NULL, take_flag, offsetof(struct command, json), "print the result for a program",
      false, 0}},
    {0, {"help", NULL, take_flag, offsetof(struct command, help), "print this", false, 'h'}},
};
#define COMMON_COUNT (sizeof common_options / sizeof *common_options)

const struct command_option *frame_option(const struct command_row *row, size_t i, bool *common)
{
    size_t own = 0;
    *common = false;
    for (const struct command_option *o = row->options; o && o->name; o++)
        if (own++ == i)
            return o;
    *common = true;
    i -= own;
    for (size_t k = 0; k < COMMON_COUNT; k++) {
        unsigned which = common_options[k].which;
        if ((!which || row->common & which) && i-- == 0)
            return &common_options[k].option;
    }
    return NULL;
}

/* --- Complaints --------------------------------------------------------------------------------*/

static struct str shown_word(struct command *c, const char *text)
{
    return str_safe(c->arena, str_of(text), SHOWN_MAX, true);
}

static int tell_more(const struct command *c)
{
    fprintf(stderr, "\"%s --help\" tells more\n", c->name);
    return EX_USAGE;
}

/* A name that a wrong word may stand for. */
struct guess {
    struct str word;
    const char *nearest; /* NULL: none */
    size_t distance;
};

static void guess_name(struct guess *g, const char *name)
{
    size_t distance = str_distance(g->word, str_of(name));
    if (distance > MISTAKES_MAX || distance >= strlen(name) ||
        (g->nearest && distance >= g->distance))
        return;
    g->nearest = name;
    g->distance = distance;
}

static int unknown_option(struct command *c, struct str name)
{
    struct guess guess = {.word = name};
    const struct command_option *o;
    bool common;
    for (size_t i = 0; (o = frame_option(c->row, i, &common)); i++)
        guess_name(&guess, o->name);
    name = str_safe(c->arena, name, SHOWN_MAX, true);
    if (guess.nearest)
        command_fail(c, EX_USAGE, "there is no option --%.*s; do you mean --%s?", STR_ARG(name),
                     guess.nearest);
    else
        command_fail(c, EX_USAGE, "there is no option --%.*s", STR_ARG(name));
    return tell_more(c);
}

static int unknown_command(struct command *c, const char *word)
{
    struct guess guess = {.word = str_of(word)};
    for (size_t i = 0; c->row->commands[i]; i++)
        guess_name(&guess, c->row->commands[i]->name);
    if (guess.nearest)
        return command_fail(c, EX_USAGE, "there is no command \"%.*s\"; do you mean \"%s\"?",
                            STR_ARG(shown_word(c, word)), guess.nearest);
    return command_fail(c, EX_USAGE, "there is no command \"%.*s\"; \"%s help\" lists them",
                        STR_ARG(shown_word(c, word)), c->name);
}

/* --- Reading options ---------------------------------------------------------------------------*/

#define NO_OPTION SIZE_MAX

struct reading {
    struct command *c;
    char **next, **end; /* the words that are still to be read */
    uint64_t given;     /* a bit for each option of the row */
};

/* The number of an exact name, or of what a name begins with if it is one option alone. */
static size_t find_option(const struct command_row *row, struct str name)
{
    size_t found = NO_OPTION;
    bool common, ambiguous = false;
    const struct command_option *o;
    for (size_t i = 0; (o = frame_option(row, i, &common)); i++) {
        struct str whole = str_of(o->name);
        if (!str_starts(whole, name))
            continue;
        if (whole.n == name.n)
            return i;
        ambiguous = found != NO_OPTION;
        found = i;
    }
    return name.n && !ambiguous ? found : NO_OPTION;
}

static size_t find_letter(const struct command_row *row, char letter)
{
    bool common;
    const struct command_option *o;
    for (size_t i = 0; (o = frame_option(row, i, &common)); i++)
        if (o->letter == letter)
            return i;
    return NO_OPTION;
}

/* `text`: the value that stands in the same word; NULL: none does. */
static int take_option(struct reading *r, size_t i, const char *text)
{
    bool common;
    struct command *c = r->c;
    const struct command_option *o = frame_option(c->row, i, &common);
    if (!o->argument && text) {
        command_fail(c, EX_USAGE, "--%s takes no value", o->name);
        return tell_more(c);
    }
    if (o->argument && !text && r->next == r->end) {
        command_fail(c, EX_USAGE, "--%s: %s is missing", o->name, o->argument);
        return tell_more(c);
    }
    if (o->argument && !text)
        text = *r->next++;
    r->given |= UINT64_C(1) << i;
    const char *problem = o->take(c, text, (common ? (char *)c : (char *)c->own) + o->to);
    if (!problem)
        return EX_OK;
    return command_fail(c, EX_USAGE, "--%s: \"%.*s\" %s", o->name, STR_ARG(shown_word(c, text)),
                        problem);
}

/* "--name" or "--name=VALUE". */
static int read_long(struct reading *r, char *word)
{
    struct str name = str_of(word + 2);
    size_t equals = str_find(name, 0, '=');
    const char *text = equals < name.n ? name.p + equals + 1 : NULL;
    name = str_sub(name, 0, equals);
    size_t i = find_option(r->c->row, name);
    return i != NO_OPTION ? take_option(r, i, text) : unknown_option(r->c, name);
}

/* "-c" or "-cVALUE". */
static int read_short(struct reading *r, char *word)
{
    size_t i = find_letter(r->c->row, word[1]);
    if (i != NO_OPTION)
        return take_option(r, i, word[2] ? word + 2 : NULL);
    command_fail(r->c, EX_USAGE, "there is no option %.*s", STR_ARG(shown_word(r->c, word)));
    return tell_more(r->c);
}

/* Words that are no options are gathered at the front of c->words. */
static int read_options(struct reading *r)
{
    struct command *c = r->c;
    bool options = true;
    int status = EX_OK;
    while (r->next < r->end && status == EX_OK) {
        char *word = *r->next++;
        if (!options || word[0] != '-' || !word[1])
            c->words[c->n_words++] = word;
        else if (word[1] != '-')
            status = read_short(r, word);
        else if (word[2])
            status = read_long(r, word);
        else
            options = false;
    }
    return status;
}

/* --- Is the call complete? ---------------------------------------------------------------------*/

static int check_required(const struct reading *r)
{
    bool common;
    const struct command_option *o;
    for (size_t i = 0; (o = frame_option(r->c->row, i, &common)); i++) {
        if (o->required && !(r->given >> i & 1))
            return command_fail(r->c, EX_USAGE, "--%s is missing: %s", o->name, o->help);
    }
    return EX_OK;
}

/* Compares the words with what the row takes, such as "SOCKET [FILE]" or "MESSAGE...". */
static int check_words(const struct command *c)
{
    struct str rest = str_of(c->row->words ? c->row->words : ""), want;
    int n = 0;
    bool more = false;
    while (str_split(&rest, ' ', &want) && want.n) {
        if (n++ >= c->n_words && want.p[0] != '[') {
            command_fail(c, EX_USAGE, "%.*s is missing", (int)str_find(want, 0, '.'), want.p);
            return tell_more(c);
        }
        more = str_find(want, 0, '.') < want.n;
    }
    if (n >= c->n_words || more)
        return EX_OK;
    command_fail(c, EX_USAGE, "unexpected \"%.*s\"",
                 STR_ARG(str_safe(c->arena, str_of(c->words[n]), SHOWN_MAX, true)));
    return tell_more(c);
}

/* --- Running -----------------------------------------------------------------------------------*/

static void close_command(struct command *c)
{
    struct dns *dns = c->dns;
    conf_free(c->conf);
    arena_free(c->arena); /* holds answers of dns */
    dns_close(dns);
}

/* An error if what was printed could not be written. */
static int flush_output(const struct command *c, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    return command_fail(c, status ? status : EX_IOERR, "standard output: %s", strerror(errno));
}

static int run_command(struct command *c, int argc, char **argv)
{
    struct reading r = {.c = c, .next = argv, .end = argv + argc};
    c->own = arena_alloc(c->arena, c->row->size);
    c->words = argv;
    int status = read_options(&r);
    if (status == EX_OK && c->help) {
        frame_print_help(stdout, c->row, c->name);
        return EX_OK;
    }
    if (status == EX_OK)
        status = check_required(&r);
    if (status == EX_OK)
        status = check_words(c);
    return status == EX_OK ? c->row->run(c) : status;
}

static bool asks_for_help(const char *word)
{
    return !strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h");
}

static const struct command_row *find_command(const struct command_row *group, const char *word)
{
    for (size_t i = 0; group->commands[i]; i++)
        if (!strcmp(word, group->commands[i]->name))
            return group->commands[i];
    return NULL;
}

/* Goes from group to group, down to the command. */
static int find_and_run(struct command *c, int argc, char **argv)
{
    bool help = false;
    for (; c->row->commands && argc > 0; argc--, argv++) {
        if (asks_for_help(*argv)) { /* "assay help dkim sign", "assay dkim help sign" */
            help = true;
            continue;
        }
        const struct command_row *row = find_command(c->row, *argv);
        if (!row)
            return unknown_command(c, *argv);
        c->row = row;
        c->name = str_printf(c->arena, "%s %s", c->name, row->name).p;
    }
    if (!help && !c->row->commands)
        return run_command(c, argc, argv);
    frame_print_help(help ? stdout : stderr, c->row, c->name);
    return help ? EX_OK : EX_USAGE;
}

int frame_main(const struct command_row *root, int argc, char **argv)
{
    struct command c = {.arena = arena_new(0), .name = root->name, .row = root, .now = time(NULL)};
    int status = argc > 0 ? find_and_run(&c, argc - 1, argv + 1) : EX_USAGE;
    status = flush_output(&c, status);
    close_command(&c);
    return status;
}
