/* status_command.c - `assay status` and `assay metrics`: asks the running daemon, and prints what
 * it says.
 *
 * Errors: exit status 64 for a wrong call, 69 if no daemon answers, 77 if it does not answer us, 78
 * if none answers and the configuration is wrong. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "conf/listen.h"
#include "milter/commands/commands.h"
#include "milter/commands/control_ask.h"
#include "milter/commands/terminal.h"

static int no_daemon(const struct command *c, struct str path, int reason)
{
    if (reason == EACCES || reason == EPERM)
        return command_fail(c, EX_NOPERM, "you may not ask the daemon at %.*s: run this as root",
                            STR_ARG(path));
    return command_fail(c, EX_UNAVAILABLE,
                        "no daemon answers at %.*s (%s); \"systemctl status assay\" may say why",
                        STR_ARG(path), strerror(reason));
}

static int ask_daemon(const struct command *c, struct str path, const char *question)
{
    struct str answer;
    int problem = control_ask(path, question, c->arena, &answer);
    if (problem) {
        int status = no_daemon(c, path, problem);
        return c->conf ? status : EX_CONFIG;
    }
    if (!c->conf)
        command_fail(c, EX_OK, "the running daemon has kept its old configuration");
    /* Root asks; what answers is the daemon's user, and need not be the daemon. */
    answer = terminal_harmless(c->arena, answer);
    fwrite(answer.p, 1, answer.n, stdout);
    return EX_OK;
}

/* What is wrong with a new configuration is no reason to say nothing of the daemon. */
static int find_and_ask(struct command *c, const char *question)
{
    struct listen_address address;
    struct str control, problem;
    int status = command_load_control(c, &control);
    if (!control.n)
        return command_fail(c, EX_UNAVAILABLE,
                            "the configuration names no control socket (control)");
    if (!listen_parse(control, c->arena, &address, &problem) || address.kind != LISTEN_UNIX)
        return status; /* conf_load() has complained of it */
    return ask_daemon(c, address.path, question);
}

static int status_run(struct command *c)
{
    return find_and_ask(c, c->json ? "status json\n" : "status\n");
}

static int metrics_run(struct command *c)
{
    return find_and_ask(c, "metrics\n");
}

const struct command_row status_command = {
    .name = "status",
    .brief = "how is the running daemon",
    .common = COMMON_CONF | COMMON_JSON,
    .run = status_run,
    .about =
        "Says how the running daemon is: version, configuration, what is on, messages, keys, DNS, "
        "and its last errors. The daemon is found by the socket in the configuration (control).",
    .status = "0; 69 no daemon answers; 77 it does not answer you; 78 none answers, and "
              "the configuration is wrong.",
};

const struct command_row metrics_command = {
    .name = "metrics",
    .brief = "what the running daemon has counted, for Prometheus",
    .common = COMMON_CONF,
    .run = metrics_run,
    .about =
        "Prints what the running daemon has counted, as Prometheus reads it. The daemon is found "
        "by the socket in the configuration (control).",
    .status = "0; 69 no daemon answers; 77 it does not answer you; 78 none answers, and "
              "the configuration is wrong.",
};
