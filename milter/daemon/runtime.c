/* runtime.c - snapshots and what outlives them.
 *
 * The main thread alone makes and frees snapshots; sessions take and release references. A snapshot
 * that was replaced waits in a list until its last message has ended, and that message only rings a
 * bell (an eventfd): closing a resolver or wiping keys is no work for a session.
 *
 * Errors: false and a phrase; a reload that fails leaves everything as it was. */
#include "milter/daemon/runtime.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "keys/keyset.h"
#include "keys/srssecrets.h"
#include "milter/daemon/host.h"
#include "milter/daemon/identity.h"
#include "milter/daemon/sampler.h"
#include "milter/daemon/shared.h"
#include "reference/engines.h"

struct held_snapshot {
    struct snapshot s; /* first: sessions see only this */
    struct runtime *runtime;
    struct held_snapshot *next; /* replaced before this one */
    atomic_uint users;          /* messages, and the runtime while it is in force */
    struct key_set *keys;
    struct shared *conf, *dns, *key_cache, *list_health;
    struct shared *state;   /* NULL: nobody asks it */
    struct shared *rows;    /* NULL: none are kept */
    struct shared *workers; /* NULL: none are wanted */
};

struct runtime {
    pthread_mutex_t lock; /* of `current` */
    struct held_snapshot *current;
    struct held_snapshot *replaced; /* main thread only */
    int wake_fd;
    atomic_uint connections, transactions;
    atomic_bool stopping;
    struct budget memory, copies;
    struct session_host host;
    _Atomic int64_t loaded;
    _Atomic(struct sampler *) sampler; /* once there is one, it stays */
};

/* --- Candidates --------------------------------------------------------------------------------*/

static bool load_keys(enum rights rights, struct conf_problems *problems,
                      struct conf_problems *left_out, struct candidate *c)
{
    struct arena *a = problems->arena;
    struct identity user;
    struct str problem = STR_NONE;
    if (!identity_find(c->conf->user, a, &user, &problem) ||
        (rights == RIGHTS_OF_USER && !identity_enter(&user, &problem, a))) {
        conf_problem(problems, conf_place_of(c->conf, "user"), "user: %.*s", STR_ARG(problem));
        return false;
    }
    bool loaded = key_set_load_dirs(c->conf, problems, left_out, &c->keys, &c->dirs);
    size_t before = problems->n;
    c->srs = srs_scheme_load(c->conf, c->conf->arena, left_out ? left_out : problems);
    loaded = loaded && problems->n == before;
    if (rights == RIGHTS_OF_USER)
        identity_leave(&user);
    return loaded;
}

bool candidate_load(const char *path, enum rights rights, struct conf_problems *problems,
                    struct conf_problems *left_out, struct candidate *out)
{
    *out = (struct candidate){0};
    out->conf = conf_load(path, problems);
    if (out->conf && load_keys(rights, problems, left_out, out))
        return true;
    candidate_free(out);
    return false;
}

void candidate_free(struct candidate *c)
{
    key_set_free(c->keys);
    keydirs_free(c->dirs);
    conf_free(c->conf);
    *c = (struct candidate){0};
}

/* --- Snapshots ---------------------------------------------------------------------------------*/

static void snapshot_free(struct held_snapshot *s)
{
    if (!s)
        return;
    key_set_free(s->keys);
    shared_release(s->conf);
    shared_release(s->dns);
    shared_release(s->key_cache);
    shared_release(s->list_health);
    shared_release(s->workers);
    shared_release(s->state);
    shared_release(s->rows);
    free(s);
}

/* Takes over what *fresh holds. */
static void put_in_force(struct runtime *rt, const struct held_snapshot *fresh)
{
    struct held_snapshot *old = rt->current, *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    *s = *fresh;
    s->runtime = rt;
    s->s.conf = s->conf->object;
    s->s.keys = s->keys;
    s->s.dns = s->dns->object;
    s->s.key_cache = s->key_cache->object;
    s->s.list_health = s->list_health->object;
    s->s.state = s->state ? s->state->object : NULL;
    s->s.rows = s->rows ? s->rows->object : NULL;
    s->s.reference = s->workers ? s->workers->object : NULL;
    atomic_init(&s->users, 1);
    pthread_mutex_lock(&rt->lock);
    rt->current = s;
    pthread_mutex_unlock(&rt->lock);
    if (old) {
        old->next = rt->replaced;
        rt->replaced = old;
        atomic_fetch_sub(&old->users, 1);
    }
    runtime_tidy(rt);
}

/* Lives with the configuration. */
static const struct engines *engines_for(struct conf *conf, const struct shared *workers)
{
    return workers ? reference_engines(conf, workers->object, conf->arena) : &engines_own;
}

static bool start_sampler(struct runtime *rt, const struct conf *conf, struct str *problem)
{
    if (conf->reference_sample <= 0 || atomic_load(&rt->sampler))
        return true;
    struct sampler *sampler = sampler_new(&rt->copies);
    if (!sampler)
        *problem = STR("reference.sample: cannot start a thread");
    atomic_store(&rt->sampler, sampler);
    return sampler;
}

bool runtime_install(struct runtime *rt, struct candidate *c, struct arena *a, struct str *problem)
{
    struct held_snapshot *old = rt->current, fresh = {.keys = c->keys};
    const struct conf *before = old ? old->s.conf : NULL;
    fresh.dns = shared_dns(c->conf, before, old ? old->dns : NULL, a, problem);
    if (!fresh.dns)
        return false;
    if (!shared_workers(c->conf, before, old ? old->workers : NULL, &fresh.workers, a, problem) ||
        !shared_state(c->conf, before, old ? old->state : NULL, &fresh.state, a, problem) ||
        !shared_rows(c->conf, before, old ? old->rows : NULL, &fresh.rows, a, problem) ||
        !start_sampler(rt, c->conf, problem)) {
        shared_release(fresh.rows);
        shared_release(fresh.state);
        shared_release(fresh.workers);
        shared_release(fresh.dns);
        return false;
    }
    fresh.key_cache = shared_key_cache(c->conf, before, old ? old->key_cache : NULL);
    fresh.list_health = shared_list_health(old ? old->list_health : NULL);
    fresh.conf = shared_conf(c->conf);
    fresh.s.engines = engines_for(c->conf, fresh.workers);
    fresh.s.srs = c->srs;
    put_in_force(rt, &fresh);
    atomic_store(&rt->loaded, time(NULL));
    keydirs_free(c->dirs);
    *c = (struct candidate){0};
    return true;
}

void runtime_install_keys(struct runtime *rt, struct key_set *keys)
{
    struct held_snapshot *old = rt->current;
    const struct held_snapshot fresh = {
        .s = {.engines = old->s.engines, .srs = old->s.srs},
        .keys = keys,
        .conf = shared_hold(old->conf),
        .dns = shared_hold(old->dns),
        .key_cache = shared_hold(old->key_cache),
        .list_health = shared_hold(old->list_health),
        .workers = shared_hold(old->workers),
        .state = shared_hold(old->state),
        .rows = shared_hold(old->rows),
    };
    put_in_force(rt, &fresh);
}

struct snapshot *snapshot_take(struct runtime *rt)
{
    pthread_mutex_lock(&rt->lock);
    struct held_snapshot *s = rt->current;
    atomic_fetch_add(&s->users, 1);
    pthread_mutex_unlock(&rt->lock);
    return &s->s;
}

void snapshot_release(struct snapshot *snapshot)
{
    struct held_snapshot *s = (struct held_snapshot *)snapshot;
    struct runtime *rt = s->runtime; /* s may be gone once its count is down */
    if (atomic_fetch_sub(&s->users, 1) == 1)
        runtime_wake(rt);
}

void runtime_tidy(struct runtime *rt)
{
    struct held_snapshot **link = &rt->replaced;
    while (*link) {
        struct held_snapshot *s = *link;
        if (atomic_load(&s->users)) {
            link = &s->next;
            continue;
        }
        *link = s->next;
        snapshot_free(s);
    }
}

/* --- The runtime -------------------------------------------------------------------------------*/

struct runtime *runtime_new(void)
{
    struct runtime *rt = calloc(1, sizeof *rt);
    if (!rt)
        abort();
    pthread_mutex_init(&rt->lock, NULL);
    rt->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (rt->wake_fd < 0)
        log_fatal("eventfd: %s", strerror(errno));
    host_init(&rt->host, rt);
    return rt;
}

void runtime_free(struct runtime *rt)
{
    sampler_free(atomic_load(&rt->sampler));
    while (rt->replaced) {
        struct held_snapshot *s = rt->replaced;
        rt->replaced = s->next;
        snapshot_free(s);
    }
    snapshot_free(rt->current);
    close(rt->wake_fd);
    pthread_mutex_destroy(&rt->lock);
    free(rt);
}

int runtime_wake_fd(const struct runtime *rt)
{
    return rt->wake_fd;
}

void runtime_wake(struct runtime *rt)
{
    uint64_t one = 1;
    ssize_t n = write(rt->wake_fd, &one, sizeof one);
    (void)n; /* full: then it is readable already */
}

unsigned runtime_connection_opened(struct runtime *rt)
{
    return atomic_fetch_add(&rt->connections, 1) + 1;
}

void runtime_connection_closed(struct runtime *rt)
{
    atomic_fetch_sub(&rt->connections, 1);
}

bool runtime_transaction_begins(struct runtime *rt)
{
    /* Counted before it looks: either the main thread sees it, or it sees that we stop. */
    atomic_fetch_add(&rt->transactions, 1);
    if (!atomic_load(&rt->stopping))
        return true;
    runtime_transaction_ended(rt);
    return false;
}

void runtime_transaction_ended(struct runtime *rt)
{
    if (atomic_fetch_sub(&rt->transactions, 1) == 1 && atomic_load(&rt->stopping))
        runtime_wake(rt);
}

unsigned runtime_open_transactions(const struct runtime *rt)
{
    return atomic_load(&rt->transactions);
}

unsigned runtime_open_connections(const struct runtime *rt)
{
    return atomic_load(&rt->connections);
}

int64_t runtime_loaded(const struct runtime *rt)
{
    return atomic_load(&rt->loaded);
}

const struct session_host *runtime_host(const struct runtime *rt)
{
    return &rt->host;
}

struct budget *runtime_memory(struct runtime *rt)
{
    return &rt->memory;
}

struct budget *runtime_copies(struct runtime *rt)
{
    return &rt->copies;
}

struct sampler *runtime_sampler(struct runtime *rt)
{
    return atomic_load(&rt->sampler);
}

void runtime_stop(struct runtime *rt)
{
    atomic_store(&rt->stopping, true);
}

static void snapshot_give_up(const struct held_snapshot *s)
{
    dns_give_up(s->dns->object);
    if (s->workers)
        reference_give_up(s->workers->object);
}

void runtime_give_up(struct runtime *rt)
{
    for (struct held_snapshot *s = rt->replaced; s; s = s->next)
        snapshot_give_up(s);
    if (rt->current)
        snapshot_give_up(rt->current);
}
