/* status_command.c - `assay status` and `assay metrics`: asks the running daemon, and prints what
 * it says.
 *
 * Errors: exit status 64 for a wrong call, 69 if no daemon answers, 77 if it does not answer us. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/listen.h"
#include "milter/commands/ask.h"
#include "milter/commands/commands.h"

#define PATIENCE_S 10

static const char status_usage[] =
    "usage: assay status [--json] [-c FILE]\n"
    "\n"
    "Says how the running daemon is: version, configuration, what is on, messages, keys, DNS,\n"
    "and its last errors.\n"
    "\n"
    "  -c, --config FILE   find the daemon by the socket in this configuration (control)\n"
    "      --json          print it for a program\n"
    "      --help          print this\n"
    "\n"
    "Exit status: 0, or 69 if no daemon answers.\n";

static const char metrics_usage[] =
    "usage: assay metrics [-c FILE]\n"
    "\n"
    "Prints what the running daemon has counted, as Prometheus reads it.\n"
    "\n"
    "  -c, --config FILE   find the daemon by the socket in this configuration (control)\n"
    "      --help          print this\n"
    "\n"
    "Exit status: 0, or 69 if no daemon answers.\n";

static int no_daemon(const struct ask *ask, struct str path, int reason)
{
    if (reason == EACCES || reason == EPERM) {
        fprintf(stderr, "%s: you may not ask the daemon at %.*s: run this as root\n", ask->command,
                STR_ARG(path));
        return EX_NOPERM;
    }
    fprintf(stderr, "%s: no daemon answers at %.*s (%s); \"systemctl status assay\" may tell why\n",
            ask->command, STR_ARG(path), strerror(reason));
    return EX_UNAVAILABLE;
}

static int print_answer(const struct ask *ask, int fd, struct str path)
{
    char block[16384];
    size_t all = 0;
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) > 0) {
        all += (size_t)n;
        fwrite(block, 1, (size_t)n, stdout);
    }
    if (n < 0)
        return no_daemon(ask, path, errno);
    if (all)
        return EX_OK;
    return no_daemon(ask, path, EACCES); /* it closed without a word: we are nobody to it */
}

static int ask_daemon(const struct ask *ask, struct str path, const char *question)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.n >= sizeof address.sun_path)
        return no_daemon(ask, path, ENAMETOOLONG);
    memcpy(address.sun_path, path.p, path.n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) ||
        send(fd, question, strlen(question), MSG_NOSIGNAL) < 0)
        status = no_daemon(ask, path, errno);
    else
        status = print_answer(ask, fd, path);
    if (fd >= 0)
        close(fd);
    return status;
}

static int find_and_ask(struct ask *ask, const char *question)
{
    struct listen_address address;
    struct str problem;
    int status = ask_load_conf(ask);
    if (status != EX_OK)
        return status;
    if (!ask->conf->control.n) {
        fprintf(stderr, "%s: the configuration names no control socket (control)\n", ask->command);
        return EX_UNAVAILABLE;
    }
    if (!listen_parse(ask->conf->control, ask->arena, &address, &problem))
        return EX_CONFIG; /* conf_load() has checked it */
    return ask_daemon(ask, address.path, question);
}

static int command(int argc, char **argv, const char *name, const char *usage, bool with_json)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct ask ask = {.arena = arena_new(0), .command = name};
    int c, status = -1;
    optind = 0; /* glibc: begin anew */
    while (status < 0 && (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(usage, stdout);
            status = EX_OK;
        } else if ((c == 'j' && !with_json) || !ask_option(&ask, c, optarg)) {
            status = EX_USAGE;
        }
    }
    if (status < 0 && optind < argc)
        status = EX_USAGE;
    if (status < 0)
        status = find_and_ask(&ask, !with_json ? "metrics\n"
                                    : ask.json ? "status json\n"
                                               : "status\n");
    else if (status == EX_USAGE)
        fputs(usage, stderr);
    ask_close(&ask);
    return status;
}

int command_status(int argc, char **argv)
{
    return command(argc, argv, "assay status", status_usage, true);
}

int command_metrics(int argc, char **argv)
{
    return command(argc, argv, "assay metrics", metrics_usage, false);
}
