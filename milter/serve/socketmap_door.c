/* socketmap_door.c - look-ups in maps.
 *
 * PERM and TIMEOUT are never answered: Postfix takes them for trouble, and mail would wait for what
 * is only unknown.
 *
 * Errors: what is no netstring ends the connection, with a line in the log; a map that there is not
 * has nothing in it, which is logged once for a connection. */
#include "milter/serve/socketmap_door.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "base/log.h"

#define LENGTH_DIGITS 5 /* of SOCKETMAP_QUERY_MAX */
#define FRAME_MAX     (LENGTH_DIGITS + 1 + SOCKETMAP_QUERY_MAX + 1)
#define SHOWN_MAX     100

struct socketmap {
    const struct socketmap_door *door;
    struct serve_connection *connection;
    bool told; /* of a map that there is not */
};

static ptrdiff_t malformed(const char **problem, const char *why)
{
    *problem = why;
    return -1;
}

/* "5:hello," */
static ptrdiff_t socketmap_frame(const char *data, size_t n, const char **problem)
{
    size_t length = 0, digits = 0;
    while (digits < n && digits <= LENGTH_DIGITS && ascii_is_digit(data[digits]))
        length = 10 * length + (size_t)(data[digits++] - '0');
    if (digits > LENGTH_DIGITS || length > SOCKETMAP_QUERY_MAX)
        return malformed(problem, "a query that is too long");
    if (digits < n && (digits == 0 || data[digits] != ':' || (data[0] == '0' && digits > 1)))
        return malformed(problem, "what came is no netstring");
    size_t whole = digits + 1 + length + 1;
    if (n < whole)
        return 0;
    return data[whole - 1] == ',' ? (ptrdiff_t)whole : malformed(problem, "a netstring has no end");
}

static void *socketmap_opened(void *context, struct serve_connection *c)
{
    struct socketmap *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->door = context;
    s->connection = c;
    return s;
}

static const struct socketmap_map *find_map(struct socketmap *s, struct str name, struct arena *a)
{
    const struct socketmap_map *m = s->door->maps;
    while (m->name && !str_eq(name, str_of(m->name)))
        m++;
    if (m->name)
        return m;
    if (!s->told)
        log_warning("socketmap connection of %s asks for the map \"%.*s\", which there is not",
                    serve_peer(s->connection), STR_ARG(str_safe(a, name, SHOWN_MAX, true)));
    s->told = true;
    return NULL;
}

static void answer_lookup(const struct socketmap *s, const char *word, struct str value,
                          struct arena *a)
{
    struct str text = str_printf(a, "%s %.*s", word, STR_ARG(value));
    struct str reply = str_printf(a, "%zu:%.*s,", text.n, STR_ARG(text));
    serve_send(s->connection, reply.p, reply.n);
}

static enum serve_next socketmap_handle(void *state, const char *frame, size_t n)
{
    static const char *const words[] = {
        [SOCKETMAP_OK] = "OK", [SOCKETMAP_NOTFOUND] = "NOTFOUND", [SOCKETMAP_TEMP] = "TEMP"};
    struct socketmap *s = state;
    struct arena *a = arena_new(0);
    struct str query = {frame, n - 1}, value = STR_NONE;
    query = str_sub(query, str_find(query, 0, ':') + 1, query.n);
    size_t space = str_find(query, 0, ' ');
    const struct socketmap_map *map = find_map(s, str_sub(query, 0, space), a);
    enum socketmap_status status = SOCKETMAP_NOTFOUND;
    if (map)
        status = map->look_up(s->door->context, str_sub(query, space + 1, query.n), a, &value);
    answer_lookup(s, words[status], status == SOCKETMAP_NOTFOUND ? STR_NONE : value, a);
    arena_free(a);
    return SERVE_GO_ON;
}

const struct serve_protocol socketmap_protocol = {
    .name = "socketmap",
    .frame_max = FRAME_MAX,
    .frame = socketmap_frame,
    .opened = socketmap_opened,
    .handle = socketmap_handle,
    .closed = free,
};
