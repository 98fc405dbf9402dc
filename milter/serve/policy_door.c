/* policy_door.c - requests of Postfix's smtpd, and of Exim, one after the other on a connection.
 *
 * Errors: a request that is too long ends the connection, with a line in the log; whatever else
 * comes is answered: no answer would delay mail. */
#include "milter/serve/policy_door.h"

#include <stdlib.h>
#include <string.h>

struct policy {
    const struct policy_events *events;
    struct serve_connection *connection;
    void *state;
};

/* --- Reading -----------------------------------------------------------------------------------*/

static bool is_blank(const char *line, size_t n)
{
    return n == 0 || (n == 1 && line[0] == '\r');
}

/* Up to the first empty line. */
static ptrdiff_t policy_frame(const char *data, size_t n, const char **problem)
{
    size_t at = 0;
    const char *end;
    while (at < n && (end = memchr(data + at, '\n', n - at))) {
        size_t length = (size_t)(end - data) - at;
        bool blank = is_blank(data + at, length);
        at += length + 1;
        if (blank)
            return (ptrdiff_t)at;
    }
    if (n < POLICY_REQUEST_MAX)
        return 0;
    *problem = "a request that is too long";
    return -1;
}

static struct str *attribute(struct policy_request *r, struct str name)
{
    const struct {
        struct str name, *value;
    } known[] = {
        {STR("request"), &r->request},
        {STR("protocol_state"), &r->protocol_state},
        {STR("instance"), &r->instance},
        {STR("queue_id"), &r->queue_id},
        {STR("client_address"), &r->client_address},
        {STR("client_name"), &r->client_name},
        {STR("helo_name"), &r->helo_name},
        {STR("sender"), &r->sender},
        {STR("recipient"), &r->recipient},
        {STR("recipient_count"), &r->recipient_count},
        {STR("sasl_method"), &r->sasl_method},
        {STR("sasl_username"), &r->sasl_username},
        {STR("ccert_subject"), &r->ccert_subject},
        {STR("policy_context"), &r->policy_context},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(name, known[i].name))
            return known[i].value;
    return NULL;
}

void policy_request_read(struct str text, struct policy_request *out)
{
    struct str line;
    *out = (struct policy_request){0};
    while (str_split(&text, '\n', &line)) {
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        size_t equals = str_find(line, 0, '=');
        struct str *value = equals < line.n ? attribute(out, str_sub(line, 0, equals)) : NULL;
        if (value && !value->p)
            *value = str_sub(str_sub(line, equals + 1, line.n), 0, POLICY_VALUE_MAX);
    }
}

/* --- The protocol ------------------------------------------------------------------------------*/

static void *policy_opened(void *context, struct serve_connection *c)
{
    const struct policy_door *door = context;
    struct policy *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->events = door->events;
    p->connection = c;
    p->state = door->events->opened(door->context, c);
    return p;
}

static enum serve_next policy_handle(void *state, const char *frame, size_t n)
{
    const struct policy *p = state;
    struct arena *a = arena_new(0);
    struct policy_request request;
    policy_request_read((struct str){frame, n}, &request);
    struct str action = p->events->asked(p->state, &request, a);
    struct str reply = str_printf(a, "action=%.*s\n\n", STR_ARG(action));
    serve_send(p->connection, reply.p, reply.n);
    arena_free(a);
    return SERVE_GO_ON;
}

static void policy_closed(void *state)
{
    struct policy *p = state;
    p->events->closed(p->state);
    free(p);
}

const struct serve_protocol policy_protocol = {
    .name = "policy",
    .frame_max = POLICY_REQUEST_MAX,
    .frame = policy_frame,
    .opened = policy_opened,
    .handle = policy_handle,
    .closed = policy_closed,
};
