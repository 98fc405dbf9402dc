/* server.c - opens the doors and runs them.
 *
 * Errors: NULL and a phrase that names the socket. */
#include "milter/daemon/server.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "milter/daemon/bounds.h"
#include "milter/daemon/callbacks.h"
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

struct server {
    struct serve *serve;
    bool by_libmilter;
    atomic_bool ended;        /* libmilter has given up */
    struct mta_events events; /* for libmilter, whose context is the server */
    struct runtime *runtime;
    struct milter_door milter;
    struct control_door control;
    struct socketmap_door srs;
    struct policy_door policy;
    struct policy_service *policy_service; /* NULL: none is wanted */
    struct status_source status;
    struct socket_file *files; /* of all sockets, in the order in which they were opened */
    size_t n_files;
};

/* --- libmilter ---------------------------------------------------------------------------------*/

static void *opened_by_libmilter(void *object, struct mta *mta)
{
    struct server *s = object;
    return mta_events.opened(s->runtime, mta);
}

static void libmilter_has_ended(void *object)
{
    struct server *s = object;
    atomic_store(&s->ended, true);
    runtime_wake(s->runtime);
}

/* What libmilter is to open. */
struct libmilter_socket {
    struct server *server;
    const char *name, *ident;
};

/* The library does not tell why it could not open a socket: trying it again does. */
static bool open_for_libmilter(void *context, int family, const struct sockaddr *address,
                               socklen_t length)
{
    const struct libmilter_socket *its = context;
    int fd = -1;
    its->server->events = mta_events;
    its->server->events.opened = opened_by_libmilter;
    const struct libmilter_door door = {
        .events = &its->server->events,
        .context = its->server,
        .ended = libmilter_has_ended,
        .ident = its->ident,
        .backlog = BACKLOG,
        .silence_seconds = SILENCE_SECONDS,
    };
    if (libmilter_door_open(&door, its->name))
        return true;
    errno = EIO;
    if (socket_listen(&fd, family, address, length, false)) {
        close(fd);
        errno = EIO;
    }
    return false;
}

/* --- Our own doors -----------------------------------------------------------------------------*/

/* What a door of ours serves on. */
struct own_socket {
    struct serve *serve;
    const struct serve_door *door;
    bool v6_only;
};

static bool open_for_own(void *context, int family, const struct sockaddr *address,
                         socklen_t length)
{
    const struct own_socket *own = context;
    int fd;
    return socket_listen(&fd, family, address, length, own->v6_only) &&
           serve_listen(own->serve, fd, own->door);
}

static bool open_at(struct server *s, const struct listen_address *address,
                    const struct socket_rights *rights, const struct identity *id,
                    socket_opener *open, void *context, struct arena *a, struct str *problem)
{
    if (socket_open(address, rights, id, open, context, &s->files[s->n_files++], a, problem))
        return true;
    *problem = str_printf(a, "cannot listen on %.*s: %.*s", STR_ARG(listen_format(address, a)),
                          STR_ARG(*problem));
    return false;
}

/* Is there a socket for IPv4 at the port of this one? */
static bool has_v4_twin(const struct conf *conf, const struct listen_address *address,
                        struct arena *a)
{
    struct listen_address other;
    for (size_t i = 0; address->kind == LISTEN_INET6 && i < conf->listen.n; i++)
        if (!listen_problem(conf->listen.v[i], a, &other) && other.kind == LISTEN_INET &&
            other.port == address->port)
            return true;
    return false;
}

static bool open_milter(struct server *s, const struct conf *conf, const struct identity *id,
                        struct arena *a, struct str *problem)
{
    const struct socket_rights rights = {conf->socket_owner, conf->socket_group, conf->socket_mode};
    const struct serve_door door = {
        .protocol = &milter_protocol,
        .context = &s->milter,
        .connections_max = SERVER_CROWD * (unsigned)conf->limits_connections,
        .silence_ms = SILENCE_SECONDS * 1000,
        .frame_ms = 300000,
        .write_ms = 300000,
    };
    struct own_socket own = {s->serve, &door, false};
    s->milter = (struct milter_door){&mta_events, s->runtime};
    for (size_t i = 0; i < conf->listen.n; i++) {
        struct listen_address address;
        if (!listen_parse(conf->listen.v[i], a, &address, problem))
            return false;
        own.v6_only = has_v4_twin(conf, &address, a);
        struct libmilter_socket its = {s, str_cstr(a, listen_format(&address, a)),
                                       str_cstr(a, conf->syslog_ident)};
        if (s->by_libmilter
                ? !open_at(s, &address, &rights, id, open_for_libmilter, &its, a, problem)
                : !open_at(s, &address, &rights, id, open_for_own, &own, a, problem))
            return false;
    }
    return true;
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
    struct own_socket own = {s->serve, &with_context, false};
    if (!conf->control.n)
        return true;
    s->control = (struct control_door){status_questions, &s->status};
    with_context.context = &s->control;
    struct listen_address address;
    if (listen_parse(conf->control, a, &address, problem) &&
        open_at(s, &address, &rights, id, open_for_own, &own, a, problem))
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
        .connections_max = (unsigned)conf->limits_connections, /* one for each process of an MTA */
        .silence_ms = SILENCE_SECONDS * 1000, /* Sendmail's processes keep theirs */
        .frame_ms = 10000,
        .write_ms = 10000,
    };
    struct own_socket own = {s->serve, &door, false};
    struct listen_address address;
    s->srs = (struct socketmap_door){srs_maps, s->runtime};
    return !conf->srs_listen.n ||
           (listen_parse(conf->srs_listen, a, &address, problem) &&
            open_at(s, &address, &rights, id, open_for_own, &own, a, problem));
}

static bool open_policy(struct server *s, const struct conf *conf, const struct identity *id,
                        struct arena *a, struct str *problem)
{
    const struct socket_rights rights = {conf->socket_owner, conf->socket_group, conf->socket_mode};
    const struct serve_door door = {
        .protocol = &policy_protocol,
        .context = &s->policy,
        .connections_max = (unsigned)conf->limits_connections, /* one for each smtpd */
        .silence_ms = SILENCE_SECONDS * 1000,
        .frame_ms = 100000, /* Postfix gives up then, too */
        .write_ms = 100000,
    };
    struct own_socket own = {s->serve, &door, false};
    struct listen_address address;
    if (!conf->policy_service_listen.n)
        return true;
    s->policy_service = policy_service_new(s->runtime);
    s->policy = (struct policy_door){&policy_events, s->policy_service};
    return listen_parse(conf->policy_service_listen, a, &address, problem) &&
           open_at(s, &address, &rights, id, open_for_own, &own, a, problem);
}

/* --- The server --------------------------------------------------------------------------------*/

struct server *server_open(const struct conf *conf, const char *conf_path, struct runtime *rt,
                           const struct identity *id, struct arena *a, struct str *problem)
{
    const struct serve_settings settings = {.workers_max = SERVER_WORKERS_MAX,
                                            .kept_max = bounds_kept(conf)};
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->runtime = rt;
    s->files = arena_array(a, struct socket_file, conf->listen.n + 3); /* control, SRS, policy */
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
    return serve_start(s->serve) && (!s->by_libmilter || libmilter_door_start());
}

bool server_ended(const struct server *s)
{
    return atomic_load(&s->ended);
}

void server_close(struct server *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_files; i++)
        socket_remove(&s->files[i]);
    if (s->by_libmilter)
        libmilter_door_stop();
    serve_stop(s->serve);
    serve_free(s->serve);
    policy_service_free(s->policy_service);
    free(s);
}
