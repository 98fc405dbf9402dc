/* memory.c - from options to lib/store.
 *
 * Errors: NULL and a phrase for the operator. */
#include "milter/daemon/memory.h"

struct state_settings memory_settings(const struct conf *conf, struct arena *a)
{
    size_t n = conf->n_state_servers;
    struct state_server *servers = arena_array(a, struct state_server, n);
    for (size_t i = 0; i < n; i++) {
        const struct conf_state_server *s = &conf->state_servers[i];
        servers[i] =
            (struct state_server){s->host, s->port, s->user, s->password, s->database, s->prefix};
    }
    return (struct state_settings){
        .path = str_printf(a, "%.*s/state.db", STR_ARG(conf->state_dir)),
        .n_servers = n,
        .servers = servers,
    };
}

bool memory_store_is_shared(const struct conf *conf)
{
    return !str_eq(conf->store, STR("local"));
}

static struct str file_of_store(const struct conf *conf, struct arena *a, const char *name)
{
    return str_printf(a, "%.*s/%s", STR_ARG(conf->state_dir), name);
}

struct str memory_rows_path(const struct conf *conf, struct arena *a)
{
    return memory_store_is_shared(conf) ? conf->store : file_of_store(conf, a, "rows.db");
}

struct str memory_received_path(const struct conf *conf, struct arena *a)
{
    return memory_store_is_shared(conf) ? conf->store : file_of_store(conf, a, "received.db");
}

struct rows_settings memory_rows_settings(const struct conf *conf, struct arena *a)
{
    bool shared = memory_store_is_shared(conf);
    return (struct rows_settings){
        .path = file_of_store(conf, a, shared ? "spool.db" : "rows.db"),
        .server = shared ? conf->store : STR(""),
    };
}

struct state *memory_open(const struct conf *conf, struct arena *a, struct str *problem)
{
    const struct state_settings settings = memory_settings(conf, a);
    struct state *state = state_open(&settings, a, problem);
    if (!state)
        *problem = str_printf(a, "state: %.*s", STR_ARG(*problem));
    return state;
}
