/* http.c - HTTP, by libmicrohttpd.
 *
 * Limited are connections and bytes of answers (crowd.h), bytes of a request, and seconds in which
 * nothing moves. Only GET and HEAD are allowed.
 *
 * Errors: a refusal is an answer with the reason. Nothing is logged, because all clients are on
 * this host. */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "milter/web/crowd.h"
#include "milter/web/web.h"

#define WORKERS 2
/* The library divides them evenly among the workers, and one alone may get all: those that are
 * kept, and those that are being closed. */
#define CONNECTIONS_MAX (WORKERS * (CROWD_MAX + 64))
#define PATIENCE_S      30    /* a worker may be at other answers meanwhile */
#define REQUEST_MAX     32768 /* bytes of a connection's memory: line and header fields */

struct web_server {
    const struct web *web;
    struct MHD_Daemon *daemon;
    struct crowd *crowd;
};

/* A connection and its request. The library does not always report the end of a request whose first
 * line it has read. */
struct request {
    struct crowd_guest guest;
    struct arena *arena; /* of the request line */
    struct str uri;
};

/* --- Names -------------------------------------------------------------------------------------*/

static struct str without_port(struct str host)
{
    size_t colon = str_find_last(host, ':'), bracket = str_find_last(host, ']');
    bool has_port = colon < host.n && (bracket == host.n || bracket < colon);
    return has_port ? str_sub(host, 0, colon) : host;
}

bool web_is_our_name(const struct web *web, struct str host)
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "[::1]"};
    struct str name = without_port(host);
    for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++)
        if (str_eq_nocase(name, str_of(loopback[i])))
            return true;
    for (size_t i = 0; i < web->n_names; i++)
        if (str_eq_nocase(name, str_of(web->names[i])))
            return true;
    return false;
}

/* --- Answers -----------------------------------------------------------------------------------*/

static void add_headers(struct MHD_Response *r, const struct web_answer *answer, struct arena *a)
{
    struct str policy = str_printf(a, "%.*s; frame-ancestors 'none'", STR_ARG(page_policy(a)));
    const struct {
        const char *name, *value;
    } fields[] = {
        {"Content-Type", answer->type},
        {"Content-Security-Policy", policy.p},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
        {"Allow", answer->status == MHD_HTTP_METHOD_NOT_ALLOWED ? "GET, HEAD" : NULL},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].value)
            MHD_add_response_header(r, fields[i].name, fields[i].value);
}

/* Copies the answer, so that the much larger memory that it was made in can be freed. */
static enum MHD_Result send_answer(struct MHD_Connection *c, const struct web_answer *answer,
                                   struct arena *a)
{
    char *copy = malloc(answer->body.n + 1);
    if (!copy)
        return MHD_NO;
    memcpy(copy, answer->body.p, answer->body.n);
    struct MHD_Response *r =
        MHD_create_response_from_buffer(answer->body.n, copy, MHD_RESPMEM_MUST_FREE);
    if (!r) {
        free(copy);
        return MHD_NO;
    }
    add_headers(r, answer, a);
    enum MHD_Result queued = MHD_queue_response(c, answer->status, r);
    MHD_destroy_response(r);
    return queued;
}

static struct web_answer refuse_request(unsigned status, const char *text)
{
    return (struct web_answer){status, "text/plain; charset=utf-8", str_of(text)};
}

static struct web_answer answer_request(const struct web *web, struct MHD_Connection *c,
                                        const char *method, struct str uri, struct arena *a)
{
    const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return refuse_request(MHD_HTTP_METHOD_NOT_ALLOWED, "pages can be read, and nothing else\n");
    if (!host || !web_is_our_name(web, str_of(host)))
        return refuse_request(
            MHD_HTTP_MISDIRECTED_REQUEST,
            "this is not a name of ours: assay-web --name says by which it is asked\n");
    return web_answer(web, uri, a);
}

/* --- Callbacks of libmicrohttpd ----------------------------------------------------------------*/

static void begin_connection(struct web_server *s, struct MHD_Connection *connection, void **state)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        abort();
    request->arena = arena_new(0);
    *state = request;
    crowd_enter(s->crowd, &request->guest,
                MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
}

/* Afterwards the library closes the descriptor. */
static void end_connection(struct web_server *s, void **state)
{
    struct request *request = *state;
    crowd_leave(s->crowd, &request->guest);
    arena_free(request->arena);
    free(request);
    *state = NULL;
}

static void connection_changes(void *server, struct MHD_Connection *connection, void **state,
                               enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        begin_connection(server, connection, state);
    else if (*state)
        end_connection(server, state);
}

static void *begin_request(void *server, const char *uri, struct MHD_Connection *connection)
{
    (void)server;
    struct request *request =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    arena_reset(request->arena);
    request->uri = str_copy(request->arena, str_of(uri));
    return request;
}

static enum MHD_Result handle_request(void *server, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *data, size_t *n, void **state)
{
    const struct web_server *s = server;
    struct request *request = *state;
    struct arena *a = arena_new(0);
    (void)url, (void)version, (void)data;
    crowd_serve(s->crowd, &request->guest);
    *n = 0; /* a body is not read */
    struct web_answer answer = answer_request(s->web, connection, method, request->uri, a);
    enum MHD_Result queued = send_answer(connection, &answer, a);
    crowd_answered(s->crowd, &request->guest, answer.body.n);
    arena_free(a);
    return queued;
}

static void request_ends(void *server, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
    const struct web_server *s = server;
    struct request *request = *state;
    (void)connection, (void)how;
    if (request)
        crowd_sent(s->crowd, &request->guest);
}

/* Leaves percent signs as they are: page_query_read() decodes them. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context, (void)connection;
    return strlen(text);
}

static void say_nothing(void *context, const char *format, va_list args)
{
    (void)context, (void)format, (void)args;
}

/* --- Start and end -----------------------------------------------------------------------------*/

struct web_server *web_start(const struct web *web, int fd)
{
    struct web_server *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->web = web;
    s->crowd = crowd_new();
    s->daemon = MHD_start_daemon(
        MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        handle_request, s, MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL, MHD_OPTION_LISTEN_SOCKET,
        fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)WORKERS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)PATIENCE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MAX, MHD_OPTION_URI_LOG_CALLBACK,
        begin_request, s, MHD_OPTION_NOTIFY_COMPLETED, request_ends, s,
        MHD_OPTION_NOTIFY_CONNECTION, connection_changes, s, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, s, MHD_OPTION_END);
    if (s->daemon)
        return s;
    crowd_free(s->crowd);
    free(s);
    return NULL;
}

void web_stop(struct web_server *server)
{
    MHD_stop_daemon(server->daemon);
    crowd_free(server->crowd);
    free(server);
}
