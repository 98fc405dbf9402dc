/* milter_command.c - `assay milter`: the words of the command line, and then the daemon.
 *
 * Errors: those of daemon.c. */
#include <string.h>
#include <unistd.h>

#include "milter/commands/commands.h"
#include "milter/daemon/daemon.h"
#include "milter/daemon/sandbox.h"

/* The command's own. */
struct milter_words {
    enum log_sink sink;
    bool sink_given, debug, try_sandbox;
};

static const char *take_sink(struct command *c, const char *text, void *to)
{
    struct milter_words *w = c->own;
    (void)to;
    w->sink_given = true;
    w->sink = strcmp(text, "stderr") == 0 ? LOG_TO_STDERR : LOG_TO_SYSLOG;
    return w->sink == LOG_TO_STDERR || strcmp(text, "syslog") == 0 ? NULL
                                                                   : "is neither stderr nor syslog";
}

static const struct command_option milter_options[] = {
    OPTION("log", "WHERE", take_sink, struct milter_words, sink,
           "stderr or syslog; default: syslog, but stderr if that is a terminal or there is no "
           "syslog"),
    OPTION("debug", NULL, take_flag, struct milter_words, debug,
           "log debug lines too, whatever log-level says"),
    OPTION("try-sandbox", NULL, take_flag, struct milter_words, try_sandbox,
           "do not serve: try what the running daemon must not be able to do, and what it needs, "
           "outside and inside its sandbox, and print the outcome"),
    {0},
};

static int milter_run(struct command *c)
{
    const struct milter_words *w = c->own;
    if (w->try_sandbox)
        return sandbox_try(c->conf_path ? c->conf_path : DEFAULT_CONF);
    return daemon_run(&(struct daemon_words){
        .conf_path = c->conf_path ? c->conf_path : DEFAULT_CONF,
        .sink = w->sink_given ? w->sink : log_default_sink(isatty(STDERR_FILENO)),
        .debug = w->debug,
    });
}

const struct command_row milter_command = {
    .name = "milter",
    .brief = "serve Postfix or Sendmail, in the foreground",
    .options = milter_options,
    .common = COMMON_CONF,
    .size = sizeof(struct milter_words),
    .run = milter_run,
    .about = "Serves an MTA, in the foreground, until SIGTERM.",
    .notes = "Try \"assay config check\" first. assay(8) describes signals, log lines and exit "
             "statuses.",
};
