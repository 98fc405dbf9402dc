/* daemon.c - `assay milter`: starts, listens to signals, reloads, stops.
 *
 * The order of the start: everything that can be wrong with configuration and keys is found before
 * anything is opened, and mail is served without keys that cannot be used; what needs root (limits,
 * pid file, socket) comes before the identity is dropped, what starts threads after it. Files are
 * made with the rights of the user all the same, unless root alone can change what their path leads
 * to.
 *
 * The order of the end: no thread waits for DNS or for a library any more, then the doors end,
 * then what they used.
 *
 * Errors: a start that fails says why and gives an exit status of sysexits.h; a reload that fails
 * leaves everything as it was. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/outlet.h"
#include "keys/safefile.h"
#include "milter/daemon/daemon.h"
#include "milter/daemon/keywatch.h"
#include "milter/daemon/leftout.h"
#include "milter/daemon/recorder.h"
#include "milter/daemon/sampler.h"
#include "milter/daemon/sandbox.h"
#include "milter/daemon/server.h"
#include "milter/daemon/signals.h"

/* Descriptors besides those of connections: DNS, log, files of a reload. Connections that are
 * refused have theirs too until the MTA closes them, and libmilter's accept loop turns round and
 * round while there is none left. */
#define DESCRIPTORS_SPARE            256
#define DESCRIPTORS_FOR(connections) (2 * (rlim_t)(connections) + DESCRIPTORS_SPARE)
/* How long the last log lines wait for a syslog that does not read. */
#define LAST_LINES_MS 500

/* Settings that a reload cannot change, with their values as text. */
#define FIXED_SETTINGS 13
struct fixed_setting {
    const char *name;
    struct str value;
};

struct daemon {
    struct arena *arena; /* lives as long as the program */
    const char *conf_path;
    enum log_sink sink;
    bool debug;
    struct runtime *runtime;
    struct keywatch *keywatch;
    struct server *server;
    struct leftout leftout;
    struct identity identity;
    struct fixed_setting fixed[FIXED_SETTINGS];
    struct str state_dir; /* of the start */
    const char *pid_file; /* NULL: none */
    struct identity pid_file_maker;
    int signal_fd;
};

/* --- Start -------------------------------------------------------------------------------------*/

static void start_log(const struct daemon *d, const struct conf *conf)
{
    log_open(d->sink, str_cstr(d->arena, conf->syslog_ident),
             d->debug ? LOG_LEVEL_DEBUG : conf->log_level);
}

static void print_problems(const struct conf_problems *problems)
{
    for (size_t i = 0; i < problems->n; i++)
        log_error("%.*s", STR_ARG(problems->v[i]));
}

static void raise_descriptor_limit(const struct conf *conf)
{
    struct rlimit limit;
    unsigned doors = (conf->srs_listen.n ? 1U : 0) + (conf->policy_service_listen.n ? 1U : 0);
    rlim_t need =
        DESCRIPTORS_FOR(conf->limits_connections) + doors * (rlim_t)conf->limits_connections;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= need)
        return;
    struct rlimit enough = {need, limit.rlim_max < need ? need : limit.rlim_max};
    if (!setrlimit(RLIMIT_NOFILE, &enough))
        return;
    limit.rlim_cur = limit.rlim_max; /* as far as it goes without root */
    setrlimit(RLIMIT_NOFILE, &limit);
    log_warning("limits.connections is %lld, but only %llu files may be open (ulimit -n)",
                (long long)conf->limits_connections, (unsigned long long)limit.rlim_cur);
}

static bool write_pid_file(struct daemon *d, const struct conf *conf, struct str *problem)
{
    if (!conf->pid_file.n)
        return true;
    const char *path = str_cstr(d->arena, conf->pid_file);
    struct identity maker = d->pid_file_maker = identity_for_path(&d->identity, path, d->arena);
    struct str text = str_printf(d->arena, "%ld\n", (long)getpid());
    if (!identity_enter(&maker, problem, d->arena))
        return false;
    bool written = file_replace(path, text, 0644, getegid());
    int why = errno;
    identity_leave(&maker);
    if (written)
        d->pid_file = path;
    else
        *problem = str_printf(d->arena, "pid-file: cannot write %s%s%s: %s", path,
                              maker.change ? " as the user " : "", maker.name, strerror(why));
    return written;
}

/* What has to happen with the rights that the program was started with. */
static int open_privileged(struct daemon *d, const struct conf *conf)
{
    struct str problem = STR_NONE;
    if (!identity_find(conf->user, d->arena, &d->identity, &problem)) {
        log_error("user: %.*s", STR_ARG(problem));
        return EX_NOPERM;
    }
    raise_descriptor_limit(conf);
    d->server = server_open(conf, d->conf_path, d->runtime, &d->identity, d->arena, &problem);
    if (!d->server) {
        log_error("%.*s", STR_ARG(problem));
        return EX_UNAVAILABLE;
    }
    if (!write_pid_file(d, conf, &problem)) {
        log_error("%.*s", STR_ARG(problem));
        return EX_CANTCREAT;
    }
    if (!identity_become(&d->identity, &problem, d->arena)) {
        log_error("%.*s", STR_ARG(problem));
        return EX_NOPERM;
    }
    if (geteuid() == 0)
        log_warning("running as root: set user in %s", d->conf_path);
    return 0;
}

/* Before threads and resolvers: what they do, they do within it. */
static void shut_in(struct daemon *d, const struct conf *conf)
{
    struct sandbox made;
    if (conf->sandbox == SWITCH_OFF)
        return;
    sandbox_enter(conf, d->arena, &made);
    sandbox_log(&made);
}

static void clean_up(struct daemon *d)
{
    runtime_give_up(d->runtime);
    server_close(d->server);
    keywatch_free(d->keywatch);
    runtime_free(d->runtime);
    if (d->pid_file)
        identity_unlink(&d->pid_file_maker, d->pid_file);
}

static void fixed_settings(const struct conf *conf, struct arena *a,
                           struct fixed_setting out[FIXED_SETTINGS])
{
    const struct fixed_setting settings[FIXED_SETTINGS] = {
        {"listen", conf_join(&conf->listen, a)},
        {"milter-library", conf->milter_library == MILTER_BY_OWN ? STR("own") : STR("libmilter")},
        {"control", conf->control},
        {"srs.listen", conf->srs_listen},
        {"policy-service.listen", conf->policy_service_listen},
        {"socket-mode", str_printf(a, "%o", conf->socket_mode)},
        {"socket-owner", conf->socket_owner},
        {"socket-group", conf->socket_group},
        {"user", conf->user},
        {"sandbox", conf->sandbox == SWITCH_ON ? STR("on") : STR("off")},
        {"state-dir", conf->state_dir},
        {"pid-file", conf->pid_file},
        {"syslog-ident", conf->syslog_ident},
    };
    for (size_t i = 0; i < FIXED_SETTINGS; i++)
        out[i] = (struct fixed_setting){settings[i].name, str_copy(a, settings[i].value)};
}

/* Puts a candidate in force, with the keys of its directories as they are. */
static bool install_candidate(struct daemon *d, struct candidate *c, struct arena *a)
{
    struct str problem = STR_NONE;
    struct keydirs *dirs = keywatch_prepare(d->keywatch, c);
    if (runtime_install(d->runtime, c, a, &problem)) {
        keywatch_adopt(d->keywatch, dirs);
        return true;
    }
    log_error("%.*s", STR_ARG(problem));
    keydirs_free(dirs);
    return false;
}

static int start_daemon(struct daemon *d)
{
    struct candidate c;
    struct conf_problems problems;
    conf_problems_init(&problems, d->arena);
    conf_problems_init(&d->leftout.keys, d->arena);
    if (!candidate_load(d->conf_path, RIGHTS_OF_USER, &problems, &d->leftout.keys, &c)) {
        print_problems(&problems);
        return EX_CONFIG;
    }
    start_log(d, c.conf);
    leftout_tell(&d->leftout);
    d->signal_fd = signals_open();
    if (d->signal_fd < 0)
        log_fatal("no pipe for signals: %s", strerror(errno));
    d->runtime = runtime_new();
    d->keywatch = keywatch_new(d->runtime);
    fixed_settings(c.conf, d->arena, d->fixed);
    d->state_dir = str_copy(d->arena, c.conf->state_dir);
    int status = open_privileged(d, c.conf);
    if (!status)
        shut_in(d, c.conf);
    if (!status && !install_candidate(d, &c, d->arena))
        status = EX_CONFIG;
    outlet_never_wait();
    if (!status && !server_start(d->server)) {
        log_error("cannot start a thread");
        status = EX_OSERR;
    }
    if (status) {
        clean_up(d);
        candidate_free(&c);
    }
    return status;
}

/* --- Reload ------------------------------------------------------------------------------------*/

/* What only the next start changes is said. The others are not looked at again; where the state
 * lies is, by the code that opens the store, and the sandbox has no other place. */
static void keep_fixed(const struct daemon *d, struct conf *conf, struct arena *a)
{
    struct fixed_setting wanted[FIXED_SETTINGS];
    fixed_settings(conf, a, wanted);
    for (size_t i = 0; i < FIXED_SETTINGS; i++)
        if (!str_eq(d->fixed[i].value, wanted[i].value))
            log_warning("%s has changed: that takes effect at the next start", wanted[i].name);
    conf->state_dir = d->state_dir;
}

static bool install_fresh(struct daemon *d, struct arena *a)
{
    struct candidate c;
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    if (!candidate_load(d->conf_path, RIGHTS_OWN, &problems, NULL, &c)) {
        print_problems(&problems);
        return false;
    }
    const struct conf *fresh = c.conf;
    keep_fixed(d, c.conf, a);
    if (!install_candidate(d, &c, a)) {
        candidate_free(&c);
        return false;
    }
    d->leftout.keys.n = 0;
    if (!d->debug)
        log_set_level(fresh->log_level);
    raise_descriptor_limit(fresh);
    return true;
}

static void reload(struct daemon *d)
{
    struct arena *a = arena_new(0);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_us());
    if (install_fresh(d, a)) {
        counter_inc(CTR_RELOADS);
        log_info("reloaded %s", d->conf_path);
    } else {
        counter_inc(CTR_RELOADS_FAILED);
        log_error("%s was not reloaded: the configuration before it stays in force", d->conf_path);
    }
    sd_notify(0, "READY=1");
    arena_free(a);
}

/* --- The main loop -----------------------------------------------------------------------------*/

/* Waits for a signal or the runtime's bell; tidies up at the bell. The signal, or 0. */
static int next_event(struct daemon *d, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = d->signal_fd, .events = POLLIN},
                           {.fd = runtime_wake_fd(d->runtime), .events = POLLIN}};
    if (poll(fds, 2, timeout_ms) <= 0)
        return 0;
    if (fds[1].revents) {
        uint64_t rung;
        ssize_t n = read(fds[1].fd, &rung, sizeof rung);
        (void)n;
        runtime_tidy(d->runtime);
    }
    return fds[0].revents ? signals_next() : 0;
}

/* Transactions that are open may end, none begins. A second SIGTERM ends the waiting. */
static void drain(struct daemon *d)
{
    struct snapshot *s = snapshot_take(d->runtime);
    int64_t grace_us = s->conf->shutdown_grace * 1000;
    snapshot_release(s);
    int64_t until = clock_us() + grace_us;
    unsigned open = 0;
    runtime_stop(d->runtime);
    while ((open = runtime_open_transactions(d->runtime)) > 0 && clock_us() < until) {
        int sig = next_event(d, (int)((until - clock_us()) / 1000) + 1);
        if (sig == SIGTERM || sig == SIGINT)
            break;
    }
    if (open)
        log_warning("%u open transactions are cut", open);
    if (runtime_sampler(d->runtime))
        sampler_stop(runtime_sampler(d->runtime), until);
}

static int stop_daemon(struct daemon *d)
{
    sd_notify(0, "STOPPING=1");
    log_info("stopping");
    drain(d);
    clean_up(d);
    recorder_log_counters(COUNTERS_THAT_COUNTED);
    log_info("stopped");
    return EX_OK;
}

/* Of two time-outs; -1: none. */
static int sooner_of(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int serve_until_stopped(struct daemon *d)
{
    for (;;) {
        int signal_number =
            next_event(d, sooner_of(keywatch_timeout(d->keywatch), leftout_timeout(&d->leftout)));
        keywatch_run(d->keywatch);
        leftout_tell(&d->leftout);
        switch (signal_number) {
        case SIGHUP:
            reload(d);
            break;
        case SIGUSR1:
            recorder_log_counters(COUNTERS_ALL);
            break;
        case SIGTERM:
        case SIGINT:
            return stop_daemon(d);
        default:
            break;
        }
        if (server_ended(d->server)) {
            log_error("libmilter has given up");
            clean_up(d);
            return EX_SOFTWARE;
        }
    }
}

/* All sockets that anything is asked at, but for the control socket. */
static struct str sockets_of(const struct conf *conf, struct arena *a)
{
    const struct {
        const char *what;
        struct str socket;
    } more[] = {{"the policy service on", conf->policy_service_listen},
                {"SRS look-ups on", conf->srs_listen}};
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, conf_join(&conf->listen, a));
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (more[i].socket.n)
            sb_printf(&b, "; %s %.*s", more[i].what, STR_ARG(more[i].socket));
    return sb_str(&b);
}

static int start_and_serve(struct daemon *d)
{
    int status = start_daemon(d);
    if (status)
        return status;
    struct snapshot *s = snapshot_take(d->runtime);
    struct str sockets = sockets_of(s->conf, d->arena);
    snapshot_release(s);
    log_info("assay %s is listening on %.*s", ASSAY_VERSION, STR_ARG(sockets));
    sd_notifyf(0, "READY=1\nSTATUS=listening on %.*s", STR_ARG(sockets));
    return serve_until_stopped(d);
}

/* glibc makes up to eight heaps for each processor, and each keeps what its busiest moment needed.
 * More heaps than threads that run at once save no waiting. */
static void share_heaps(void)
{
#ifdef M_ARENA_MAX
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    (void)mallopt(M_ARENA_MAX, processors > 0 ? (int)processors : 1);
#endif
}

int daemon_run(const struct daemon_words *words)
{
    share_heaps();
    static struct arena *lasting; /* the log keeps words of it to the last moment */
    lasting = arena_new(0);
    struct daemon d = {
        .arena = lasting,
        .conf_path = words->conf_path,
        .sink = words->sink,
        .debug = words->debug,
    };
    log_open(LOG_TO_STDERR, "assay", LOG_LEVEL_INFO); /* until the configuration is known */
    int status = start_and_serve(&d);
    outlet_drain(LAST_LINES_MS);
    return status;
}
