/* config.c - `assay config check` and `assay config show`.
 *
 * Errors: problems go to standard error, one a line, `file:line: what is wrong`; exit status 78. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "milter/commands.h"
#include "milter/runtime.h"

static const char usage[] =
    "usage: assay config check [-c FILE]\n"
    "       assay config show [-c FILE]\n"
    "\n"
    "check reads the configuration and the keys as the daemon would (as root: with the rights of\n"
    "the user that it names) and says everything that is wrong. show prints every option with the\n"
    "value in force, in the file's own syntax; those that differ from the default are marked.\n"
    "  -c, --config FILE    default: " DEFAULT_CONF "\n";

static void print_problems(const struct conf_problems *problems)
{
    for (size_t i = 0; i < problems->n; i++)
        fprintf(stderr, "%.*s\n", STR_ARG(problems->v[i]));
}

static int check(const char *path, struct arena *a)
{
    struct conf_problems problems;
    struct candidate c;
    conf_problems_init(&problems, a);
    if (!candidate_load(path, RIGHTS_OF_USER, &problems, &c)) {
        print_problems(&problems);
        return EX_CONFIG;
    }
    candidate_free(&c);
    printf("%s is good\n", path);
    return EX_OK;
}

static int show(const char *path, struct arena *a)
{
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    struct conf *conf = conf_load(path, &problems);
    if (!conf) {
        print_problems(&problems);
        return EX_CONFIG;
    }
    struct str text = conf_show(conf, a, true);
    fwrite(text.p, 1, text.n, stdout);
    conf_free(conf);
    return EX_OK;
}

int command_config(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *path = DEFAULT_CONF;
    int c;
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'c') {
            path = optarg;
        } else {
            fputs(usage, c == 'h' ? stdout : stderr);
            return c == 'h' ? EX_OK : EX_USAGE;
        }
    }
    const char *what = optind < argc ? argv[optind] : "";
    int (*command)(const char *, struct arena *) = !strcmp(what, "check")  ? check
                                                   : !strcmp(what, "show") ? show
                                                                           : NULL;
    if (!command || optind + 1 != argc) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    struct arena *a = arena_new(0);
    int status = command(path, a);
    arena_free(a);
    return status;
}
