/* state.c - the asker's side of the state store: gives a question to all backends, and waits as
 * long as the asker's patience lasts.
 *
 * Errors: a key that cannot be asked for is unknown. */
#include "store/state.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/question.h"

struct state {
    size_t n;
    struct state_backend *backends[STATE_SERVERS_MAX];
    atomic_ullong questions, cached, unknown, touches_lost;
};

/* --- Its life ----------------------------------------------------------------------------------*/

static bool open_backends(struct state *s, const struct state_settings *settings)
{
    size_t n = settings->n_servers ? settings->n_servers : 1;
    for (size_t i = 0; i < n; i++) {
        struct state_backend *b = settings->n_servers
                                      ? state_redis_open(&settings->servers[i], settings->pause_us)
                                      : state_local_open(settings);
        if (!b)
            return false;
        s->backends[s->n++] = b;
    }
    return true;
}

struct state *state_open(const struct state_settings *settings, struct arena *a,
                         struct str *problem)
{
    if (settings->n_servers > STATE_SERVERS_MAX) {
        *problem = str_printf(a, "more than %d servers", STATE_SERVERS_MAX);
        return NULL;
    }
    struct state *s = calloc(1, sizeof *s);
    if (s && open_backends(s, settings))
        return s;
    *problem = STR("no memory, or no thread");
    state_close(s);
    return NULL;
}

void state_close(struct state *s)
{
    for (size_t i = 0; s && i < s->n; i++)
        s->backends[i]->close(s->backends[i]);
    free(s);
}

/* --- Asking ------------------------------------------------------------------------------------*/

/* A backend whose queue has no room counts as having answered "unknown". False: none had room. */
static bool give_to_all(struct state *s, struct question *q)
{
    bool given = false;
    for (size_t i = 0; i < s->n; i++) {
        if (s->backends[i]->take(s->backends[i], q))
            given = true;
        else
            question_answer(q, NULL);
    }
    return given;
}

static bool recall(struct state *s, int64_t now, struct state_key *keys, size_t n)
{
    struct state_backend *b = s->backends[0];
    for (size_t i = 0; i < n; i++)
        if (s->n > 1 || !b->recall || !b->recall(b, now, &keys[i]))
            return false;
    return true;
}

/* Time counts from when the deadline was set, even if the thread was stopped in between. */
static void wait_for_answers(struct state_asker *asker, struct question *q, struct state_key *keys,
                             int64_t began)
{
    if (asker->waits)
        asker->waits(asker->waits_context, true);
    question_wait(q, keys);
    if (asker->waits)
        asker->waits(asker->waits_context, false);
    int64_t took = clock_us() - began;
    asker->waited_us += took;
    asker->patience_us = took < asker->patience_us ? asker->patience_us - took : 0;
}

static void send_question(struct state_asker *asker, struct question *like, struct state_key *keys)
{
    struct state *s = asker->state;
    int64_t began = clock_us();
    like->keys = keys;
    like->deadline_us = began + asker->patience_us;
    struct question *q = asker->patience_us > 0 ? question_new(like, (unsigned)s->n) : NULL;
    if (!q)
        return;
    if (give_to_all(s, q))
        wait_for_answers(asker, q, keys, began);
    else
        question_let_go(q);
}

static bool fits(const struct state_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (keys[i].key.n > STATE_KEY_MAX)
            return false;
    return n <= STATE_KEYS_MAX;
}

/* `like` is the question. */
static void ask_store(struct state_asker *asker, struct question like, struct state_key *keys)
{
    struct state *s = asker->state;
    bool unknown = false;
    for (size_t i = 0; i < like.n; i++)
        keys[i].result = STATE_UNKNOWN;
    atomic_fetch_add(&s->questions, 1);
    if (like.op <= STATE_OP_PUT && recall(s, like.now, keys, like.n))
        atomic_fetch_add(&s->cached, 1);
    else if (fits(keys, like.n))
        send_question(asker, &like, keys);
    for (size_t i = 0; i < like.n; i++)
        unknown = unknown || keys[i].result == STATE_UNKNOWN;
    atomic_fetch_add(&s->unknown, unknown);
}

void state_get(struct state_asker *asker, int64_t now, struct state_key *keys, size_t n)
{
    ask_store(asker, (struct question){.op = STATE_OP_GET, .now = now, .n = n}, keys);
}

void state_put_if_absent(struct state_asker *asker, int64_t now, int64_t value, int64_t ttl_s,
                         struct state_key *keys, size_t n)
{
    const struct question like = {
        .op = STATE_OP_PUT, .now = now, .value = value, .ttl_s = ttl_s, .n = n};
    ask_store(asker, like, keys);
}

void state_forget(struct state_asker *asker, struct state_key *keys, size_t n)
{
    ask_store(asker, (struct question){.op = STATE_OP_FORGET, .n = n}, keys);
}

void state_touch(struct state *s, int64_t now, int64_t ttl_s, const struct state_key *keys,
                 size_t n)
{
    const struct question like = {
        .op = STATE_OP_TOUCH, .now = now, .ttl_s = ttl_s, .n = n, .keys = keys};
    struct question *q = fits(keys, n) ? question_new(&like, (unsigned)s->n) : NULL;
    if (!q || !give_to_all(s, q))
        atomic_fetch_add(&s->touches_lost, 1);
    if (q)
        question_let_go(q);
}

/* --- For tools and figures ---------------------------------------------------------------------*/

bool state_list(const struct state_settings *settings, int64_t now, struct str prefix,
                state_each_fn *each, void *context, struct arena *a, struct str *problem)
{
    if (!settings->n_servers)
        return state_local_list(settings, now, prefix, each, context, a, problem);
    bool all = true;
    for (size_t i = 0; i < settings->n_servers; i++)
        all =
            state_redis_list(&settings->servers[i], now, prefix, each, context, a, problem) && all;
    return all;
}

struct state_figures state_figures(struct state *s)
{
    return (struct state_figures){
        .questions = atomic_load(&s->questions),
        .cached = atomic_load(&s->cached),
        .unknown = atomic_load(&s->unknown),
        .touches_lost = atomic_load(&s->touches_lost),
    };
}
