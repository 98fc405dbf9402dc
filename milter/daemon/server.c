/* server.c - opens the doors and runs them.
 *
 * Errors: NULL and a phrase that names the socket. */
#include "milter/daemon/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

#include "base/log.h"
#include "milter/daemon/callbacks.h"
#include "milter/daemon/override.h"
#include "milter/daemon/policyservice.h"
#include "milter/daemon/socket.h"
#include "milter/daemon/srsmaps.h"
#include "milter/daemon/status.h"
#include "milter/serve/libmilter_door.h"
#include "milter/serve/milter_door.h"

/* How long an MTA may be silent within a session: longer than any SMTP time-out (RFC 5321 4.5.3.2).
 * A client that vanished without a word is found by TCP's keep-alive. */
#define SILENCE_SECONDS 7200
#define BACKLOG         1024
#define WORKERS_MAX     4096 /* they wait for DNS, most of them */
#define SOCKETS         4

struct server {
    struct serve *serve;
    bool by_libmilter;
    atomic_bool ended;
    struct runtime *runtime;
    struct milter_door milter;
    struct control_door control;
    struct socketmap_door srs;
    struct policy_door policy;
    struct status_source status;
    struct socket_file files[SOCKETS];
    size_t n_files;
};

/* --- libmilter ---------------------------------------------------------------------------------*/

/* Accepted connections inherit these from the listening socket, which libmilter keeps to itself.
 * Without TCP_NODELAY our own second write of a message waits 40 ms for an acknowledgement. */
static void tune_listening_socket(void)
{
    static const struct {
        int name, value;
    } options[] = {{TCP_NODELAY, 1}, {TCP_KEEPIDLE, 120}, {TCP_KEEPINTVL, 30}, {TCP_KEEPCNT, 4}};
    for (int fd = 3; fd < 256; fd++) {
        int listening = 0;
        socklen_t n = sizeof listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) || !listening)
            continue;
        for (size_t i = 0; i < sizeof options / sizeof *options; i++)
            if (setsockopt(fd, IPPROTO_TCP, options[i].name, &options[i].value,
                           sizeof options[i].value))
                log_warning("setsockopt on the listening socket: %s", strerror(errno));
    }
}

/* What libmilter would log is told by the caller, with the reason. */
static bool let_libmilter_open(void)
{
    override_let_libmilter_log(false);
    bool opened = smfi_opensocket(false) == MI_SUCCESS;
    override_let_libmilter_log(true);
    return opened;
}

/* libmilter does not tell why it could not open a socket: trying it again does. */
static bool open_for_libmilter(void *context, int family, const struct sockaddr *address,
                               socklen_t length)
{
    int fd = -1;
    (void)context;
    if (let_libmilter_open()) {
        if (family != AF_UNIX) {
            tune_listening_socket();
            override_acknowledge_at_once();
        }
        return true;
    }
    errno = EIO;
    if (socket_listen(&fd, family, address, length)) {
        close(fd);
        errno = EIO;
    }
    return false;
}

static bool prepare_libmilter(struct server *s, struct str name, struct arena *a)
{
    smfi_setdbg(0);
    smfi_setbacklog(BACKLOG);
    smfi_settimeout(SILENCE_SECONDS);
    return libmilter_door_register(&mta_events, s->runtime) &&
           smfi_setconn(str_cstr(a, name)) == MI_SUCCESS;
}

static void *run_libmilter(void *object)
{
    struct server *s = object;
    smfi_main();
    atomic_store(&s->ended, true);
    runtime_wake(s->runtime);
    return NULL;
}

static bool start_libmilter(struct server *s)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_libmilter, s))
        return false;
    pthread_detach(thread);
    return true;
}

/* --- Our own doors -----------------------------------------------------------------------------*/

/* What a door of ours serves on. */
struct own_socket {
    struct serve *serve;
    const struct serve_door *door;
};

static bool open_for_own(void *context, int family, const struct sockaddr *address,
                         socklen_t length)
{
    const struct own_socket *own = context;
    int fd;
    return socket_listen(&fd, family, address, length) && serve_listen(own->serve, fd, own->door);
}

static bool open_at(struct server *s, struct str text, const struct socket_rights *rights,
                    const struct identity *id, socket_opener *open, void *context, struct arena *a,
                    struct str *problem)
{
    struct listen_address address;
    if (!listen_parse(text, a, &address, problem))
        return false;
    struct str name = listen_format(&address, a);
    bool opened =
        (!s->by_libmilter || open != open_for_libmilter || prepare_libmilter(s, name, a)) &&
        socket_open(&address, rights, id, open, context, &s->files[s->n_files++], a, problem);
    if (!opened)
        *problem = str_printf(a, "cannot listen on %.*s: %.*s", STR_ARG(name), STR_ARG(*problem));
    return opened;
}

static bool open_milter(struct server *s, const struct conf *conf, const struct identity *id,
                        struct arena *a, struct str *problem)
{
    const struct socket_rights rights = {conf->socket_owner, conf->socket_group, conf->socket_mode};
    const struct serve_door door = {
        .protocol = &milter_protocol,
        .context = &s->milter,
        .connections_max = 2 * (unsigned)conf->limits_connections, /* those beyond get 451 */
        .silence_ms = SILENCE_SECONDS * 1000,
        .frame_ms = 300000,
        .write_ms = 300000,
    };
    struct own_socket own = {s->serve, &door};
    s->milter = (struct milter_door){&mta_events, s->runtime};
    return open_at(s, conf->listen, &rights, id,
                   s->by_libmilter ? open_for_libmilter : open_for_own, &own, a, problem);
}

/* Where nobody has asked for it, a directory that is not there is no reason not to start. */
static bool open_control(struct server *s, const struct conf *conf, const struct identity *id,
                         struct arena *a, struct str *problem)
{
    static const struct serve_door door = {
        .protocol = &control_protocol,
        .connections_max = 32,
        .silence_ms = 10000,
        .frame_ms = 10000,
        .write_ms = 10000,
    };
    const struct socket_rights rights = {.mode = 0660};
    struct serve_door with_context = door;
    struct own_socket own = {s->serve, &with_context};
    if (!conf->control.n)
        return true;
    s->control = (struct control_door){status_questions, &s->status};
    with_context.context = &s->control;
    if (open_at(s, conf->control, &rights, id, open_for_own, &own, a, problem))
        return true;
    if (conf_place_of(conf, "control").file)
        return false;
    log_debug("no control door: %.*s", STR_ARG(*problem));
    return true;
}

static bool open_srs(struct server *s, const struct conf *conf, const struct identity *id,
                     struct arena *a, struct str *problem)
{
    const struct socket_rights rights = {conf->socket_owner, conf->socket_group, conf->socket_mode};
    const struct serve_door door = {
        .protocol = &socketmap_protocol,
        .context = &s->srs,
        .connections_max = SRS_CONNECTIONS_MAX,
        .silence_ms = SILENCE_SECONDS * 1000, /* Sendmail's processes keep theirs */
        .frame_ms = 10000,
        .write_ms = 10000,
    };
    struct own_socket own = {s->serve, &door};
    s->srs = (struct socketmap_door){srs_maps, s->runtime};
    return !conf->srs_listen.n ||
           open_at(s, conf->srs_listen, &rights, id, open_for_own, &own, a, problem);
}

static bool open_policy(struct server *s, const struct conf *conf, const struct identity *id,
                        struct arena *a, struct str *problem)
{
    const struct socket_rights rights = {conf->socket_owner, conf->socket_group, conf->socket_mode};
    const struct serve_door door = {
        .protocol = &policy_protocol,
        .context = &s->policy,
        .connections_max = POLICY_CONNECTIONS_MAX,
        .silence_ms = SILENCE_SECONDS * 1000,
        .frame_ms = 100000, /* Postfix gives up then, too */
        .write_ms = 100000,
    };
    struct own_socket own = {s->serve, &door};
    s->policy = (struct policy_door){&policy_events, s->runtime};
    return !conf->policy_service_listen.n ||
           open_at(s, conf->policy_service_listen, &rights, id, open_for_own, &own, a, problem);
}

/* --- The server --------------------------------------------------------------------------------*/

struct server *server_open(const struct conf *conf, const char *conf_path, struct runtime *rt,
                           const struct identity *id, struct arena *a, struct str *problem)
{
    const struct serve_settings settings = {.workers_max = WORKERS_MAX};
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->runtime = rt;
    s->by_libmilter = conf->milter_library == MILTER_BY_LIBMILTER;
    s->serve = serve_new(&settings);
    s->status = (struct status_source){
        .runtime = rt, .serve = s->serve, .conf_path = conf_path, .started = time(NULL)};
    if (!s->serve)
        *problem = str_of(strerror(errno));
    if (s->serve && open_milter(s, conf, id, a, problem) && open_control(s, conf, id, a, problem) &&
        open_srs(s, conf, id, a, problem) && open_policy(s, conf, id, a, problem))
        return s;
    for (size_t i = 0; i < s->n_files; i++)
        socket_remove(&s->files[i]);
    if (s->serve)
        serve_free(s->serve);
    free(s);
    return NULL;
}

bool server_start(struct server *s)
{
    return serve_start(s->serve) && (!s->by_libmilter || start_libmilter(s));
}

bool server_ended(const struct server *s)
{
    return atomic_load(&s->ended);
}

/* libmilter's threads cannot be waited for: what it uses stays. */
void server_close(struct server *s, bool cut)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_files; i++)
        socket_remove(&s->files[i]);
    if (cut || s->by_libmilter)
        return;
    serve_stop(s->serve);
    serve_free(s->serve);
    free(s);
}
