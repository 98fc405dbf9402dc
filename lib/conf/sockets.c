/* sockets.c - that no two options name the same socket.
 *
 * Errors: complaints with file and line. */
#include "conf/check.h"
#include "conf/listen.h"

/* A socket that some option names. */
struct named_socket {
    const char *option;
    struct str text;
    struct listen_address address;
};

static bool same_socket(const struct listen_address *a, const struct listen_address *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == LISTEN_UNIX)
        return str_eq(a->path, b->path);
    return a->port == b->port && (str_eq(a->host, b->host) || listen_is_everywhere(a->host) ||
                                  listen_is_everywhere(b->host));
}

struct named_sockets {
    const struct conf *conf;
    struct conf_problems *problems;
    struct arena *scratch;
    struct named_socket *v;
    size_t n;
};

/* What does not parse has had its complaint. */
static void add_socket(struct named_sockets *s, const char *option, struct str text)
{
    struct named_socket *added = &s->v[s->n];
    struct arena *a = s->scratch;
    if (!text.n || listen_problem(text, a, &added->address))
        return;
    added->option = option;
    added->text = text;
    for (size_t i = 0; i < s->n; i++) {
        if (!same_socket(&s->v[i].address, &added->address))
            continue;
        conf_problem(s->problems, conf_place_of(s->conf, option),
                     "%s: \"%.*s\" is taken by %s (\"%.*s\"): choose another %s", option,
                     STR_ARG(str_safe(a, text, 120, true)), s->v[i].option,
                     STR_ARG(str_safe(a, s->v[i].text, 120, true)),
                     added->address.kind == LISTEN_UNIX ? "path" : "port");
        return;
    }
    s->n++;
}

void conf_check_sockets(const struct conf *conf, struct conf_problems *problems,
                        struct arena *scratch)
{
    struct named_sockets s = {.conf = conf, .problems = problems, .scratch = scratch};
    s.v = arena_array(scratch, struct named_socket, conf->listen.n + 3);
    for (size_t i = 0; i < conf->listen.n; i++)
        add_socket(&s, "listen", conf->listen.v[i]);
    add_socket(&s, "control", conf->control);
    add_socket(&s, "policy-service.listen", conf->policy_service_listen);
    add_socket(&s, "srs.listen", conf->srs_listen);
}
