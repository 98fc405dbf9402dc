/* config.c - `assay config check` and `assay config show`.
 *
 * Errors: problems go to standard error, one a line, `file:line: what is wrong`; exit status 78. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "milter/commands/commands.h"
#include "milter/daemon/identity.h"
#include "milter/daemon/runtime.h"
#include "milter/daemon/surroundings.h"
#include "milter/daemon/workers.h"

static const char usage[] =
    "usage: assay config check [-c FILE]\n"
    "       assay config show [-c FILE]\n"
    "\n"
    "check reads the configuration and the keys as the daemon would, looks at the directories and\n"
    "groups that it needs, and says everything that is wrong; run it as root, so that it can look\n"
    "with the rights of the user that the configuration names. Warnings change no exit status. "
    "show prints every option with the value in force, in the file's own\n"
    "syntax; of those that were set it says where.\n"
    "  -c, --config FILE    default: " DEFAULT_CONF "\n";

static void print_problems(const struct conf_problems *problems)
{
    for (size_t i = 0; i < problems->n; i++)
        fprintf(stderr, "%.*s\n", STR_ARG(problems->v[i]));
}

static void print_warnings(const struct conf_problems *warnings)
{
    for (size_t i = 0; i < warnings->n; i++)
        fprintf(stderr, "warning: %.*s\n", STR_ARG(warnings->v[i]));
}

/* The option that asks for the libraries. */
static const char *asker_of(const struct conf *conf)
{
    return conf->spf_engine != SPF_BY_OWN     ? "spf.engine"
           : conf->dkim_engine != DKIM_BY_OWN ? "dkim.engine"
                                              : "reference.sample";
}

static void check_workers(const struct conf *conf, struct conf_problems *problems)
{
    struct str problem;
    if (!reference_wanted(conf))
        return;
    struct reference *reference = workers_open(conf, problems->arena, &problem);
    if (reference) {
        reference_close(reference);
        return;
    }
    const char *option = asker_of(conf);
    conf_problem(problems, conf_place_of(conf, option), "%s: %.*s", option, STR_ARG(problem));
}

/* A reload checks as the user itself, and root has become it. */
static void tell_whose_rights(const struct candidate *c, struct arena *a)
{
    struct identity user;
    struct str problem;
    if (c->keys && geteuid() != 0 && identity_find(c->conf->user, a, &user, &problem) &&
        user.change)
        printf("(the keys were read with your rights, not with those of the user \"%s\")\n",
               user.name);
}

static int check(const char *path, struct arena *a)
{
    struct conf_problems problems, warnings;
    struct candidate c;
    bool root = geteuid() == 0;
    conf_problems_init(&problems, a);
    conf_problems_init(&warnings, a);
    if (!candidate_load(path, root ? RIGHTS_OF_USER : RIGHTS_OWN, &problems, NULL, &c)) {
        print_problems(&problems);
        return EX_CONFIG;
    }
    check_workers(c.conf, &problems);
    surroundings_check(c.conf, path, &problems, &warnings);
    print_warnings(&warnings);
    if (problems.n) {
        print_problems(&problems);
        candidate_free(&c);
        return EX_CONFIG;
    }
    printf("%s is good\n", path);
    tell_whose_rights(&c, a);
    candidate_free(&c);
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
