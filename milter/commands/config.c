/* config.c - `assay config check` and `assay config show`.
 *
 * Errors: problems go to standard error, one a line, `file:line: what is wrong`; exit status 78. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "milter/commands/commands.h"
#include "milter/commands/config_bounds.h"
#include "milter/daemon/identity.h"
#include "milter/daemon/runtime.h"
#include "milter/daemon/surroundings.h"
#include "milter/daemon/workers.h"

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

/* Without such a key nothing is sealed, and only the log would say so. */
static void check_sealer(const struct candidate *c, struct conf_problems *warnings)
{
    static const char option[] = "arc.sealing-domain";
    struct str domain = c->conf->arc_sealing_domain;
    struct dkim_sign_settings settings;
    if (c->conf->arc_mode != ARC_MODE_SEAL ||
        signing_find_sealer(c->keys, domain, warnings->arena, &settings))
        return;
    conf_problem(warnings, conf_place_of(c->conf, option),
                 "%s: no RSA key signs for \"%.*s\": nothing is sealed", option, STR_ARG(domain));
}

/* A reload checks as the daemon's user, which root has become by then. */
static void tell_whose_rights(const struct candidate *c, struct arena *a)
{
    struct identity user;
    struct str problem;
    if (c->keys && geteuid() != 0 && identity_find(c->conf->user, a, &user, &problem) &&
        user.change)
        printf("(the keys were read with your rights, not with those of the user \"%s\")\n",
               user.name);
}

static int check_conf(struct command *command)
{
    const char *path = command->conf_path ? command->conf_path : DEFAULT_CONF;
    struct arena *a = command->arena;
    struct conf_problems problems, warnings;
    struct candidate c;
    bool root = geteuid() == 0;
    conf_problems_init(&problems, a);
    conf_problems_init(&warnings, a);
    if (!candidate_load(path, root ? RIGHTS_OF_USER : RIGHTS_OWN, &problems, NULL, &c)) {
        command_print_problems(&problems);
        return EX_CONFIG;
    }
    check_workers(c.conf, &problems);
    surroundings_check(c.conf, path, &problems, &warnings);
    check_sealer(&c, &warnings);
    print_warnings(&warnings);
    if (problems.n) {
        command_print_problems(&problems);
        candidate_free(&c);
        return EX_CONFIG;
    }
    printf("%s is good\n", path);
    tell_whose_rights(&c, a);
    candidate_free(&c);
    return EX_OK;
}

struct showing {
    bool secrets, bounds;
};

static void show_options_of(struct command *command, const struct conf *conf)
{
    const struct showing *own = command->own;
    struct str text =
        conf_show(conf, command->arena, CONF_SHOWN_PLACES | (own->secrets ? 0 : CONF_SHOWN_MASKED));
    fwrite(text.p, 1, text.n, stdout);
}

static int show_conf(struct command *command)
{
    const struct showing *own = command->own;
    const char *path = command->conf_path ? command->conf_path : DEFAULT_CONF;
    struct arena *a = command->arena;
    struct conf_problems problems;
    if (command->json && !own->bounds)
        return command_fail(command, EX_USAGE, "--json is for --bounds: add that");
    conf_problems_init(&problems, a);
    struct conf *conf = conf_load(path, &problems);
    if (!conf) {
        command_print_problems(&problems);
        return EX_CONFIG;
    }
    if (own->bounds)
        config_show_bounds(command, conf);
    else
        show_options_of(command, conf);
    conf_free(conf);
    return EX_OK;
}

const struct command_row config_check_command = {
    .name = "check",
    .brief = "test the configuration and the keys as the daemon would read them",
    .common = COMMON_CONF,
    .run = check_conf,
    .about =
        "Reads the configuration and the keys as the daemon would, looks at the directories and "
        "groups that it needs, and lists everything that is wrong. Run it as root: then it looks "
        "with the rights of the user that the configuration names.",
    .status = "0 good, with or without warnings; 78 something is wrong.",
};

static const struct command_option show_options[] = {
    OPTION("secrets", NULL, take_flag, struct showing, secrets,
           "print passwords and keys too, so that the text can be loaded again"),
    OPTION("bounds", NULL, take_flag, struct showing, bounds,
           "instead, how much memory the daemon takes at most with this configuration, part by "
           "part"),
    {0},
};

const struct command_row config_show_command = {
    .name = "show",
    .brief = "print every option with the value in force, or what memory that may take",
    .options = show_options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct showing),
    .run = show_conf,
    .about =
        "Prints every option with the value in force, in the syntax of the file, and where it was "
        "set. Passwords of Redis servers and of PostgreSQL, and keys in the names of DNS lists, "
        "are printed as *** unless --secrets is given. With --bounds: each part of the daemon's "
        "memory, what bounds it, and the option that sets it.",
    .status = "0; 78 the configuration is wrong.",
};
