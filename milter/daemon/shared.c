/* shared.c - opened for one snapshot, kept for the next, closed after the last.
 *
 * Errors: NULL or false, and a phrase for the operator. */
#include "milter/daemon/shared.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "core/listhealth.h"
#include "crypto/keys.h"
#include "milter/daemon/memory.h"
#include "milter/daemon/resolver.h"
#include "milter/daemon/workers.h"
#include "store/rows.h"

static struct shared *shared_new(void *object, void (*close_it)(void *))
{
    struct shared *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->users = 1;
    s->object = object;
    s->close = close_it;
    return s;
}

struct shared *shared_hold(struct shared *s)
{
    if (s)
        s->users++;
    return s;
}

void shared_release(struct shared *s)
{
    if (!s || --s->users)
        return;
    s->close(s->object);
    free(s);
}

static void close_dns(void *dns)
{
    dns_close(dns);
}

static void close_conf(void *conf)
{
    conf_free(conf);
}

struct shared *shared_conf(struct conf *conf)
{
    return shared_new(conf, close_conf);
}

static void close_key_cache(void *cache)
{
    key_cache_free(cache);
}

static void close_list_health(void *health)
{
    list_health_free(health);
}

struct shared *shared_list_health(struct shared *old)
{
    return old ? shared_hold(old) : shared_new(list_health_new(), close_list_health);
}

static void close_workers(void *reference)
{
    reference_close(reference);
}

static void close_state(void *state)
{
    state_close(state);
}

static int64_t resolv_conf_stamp(const struct conf *conf)
{
    struct stat st;
    if (conf->dns_servers.set || stat("/etc/resolv.conf", &st))
        return 0;
    return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static bool same_servers(const struct conf_strings *a, const struct conf_strings *b)
{
    if (a->set != b->set || a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->v[i], b->v[i]))
            return false;
    return true;
}

static bool same_dns(const struct conf *a, const struct conf *b)
{
    return same_servers(&a->dns_servers, &b->dns_servers) && a->dns_timeout == b->dns_timeout &&
           a->dns_dnssec == b->dns_dnssec && str_eq(a->dns_trust_anchor, b->dns_trust_anchor) &&
           a->dns_cache_size == b->dns_cache_size && a->dns_max_ttl == b->dns_max_ttl &&
           a->dns_negative_ttl == b->dns_negative_ttl && a->dns_failure_ttl == b->dns_failure_ttl &&
           a->dns_max_in_flight == b->dns_max_in_flight;
}

struct shared *shared_dns(const struct conf *conf, const struct conf *before, struct shared *old,
                          struct arena *a, struct str *problem)
{
    int64_t stamp = resolv_conf_stamp(conf);
    if (before && same_dns(conf, before) && old->stamp == stamp)
        return shared_hold(old);
    struct dns *dns = resolver_open(conf, a, problem);
    if (!dns) {
        *problem = str_printf(a, "dns: %.*s", STR_ARG(*problem));
        return NULL;
    }
    struct shared *s = shared_new(dns, close_dns);
    s->stamp = stamp;
    return s;
}

bool shared_workers(const struct conf *conf, const struct conf *before, struct shared *old,
                    struct shared **workers, struct arena *a, struct str *problem)
{
    *workers = NULL;
    if (!reference_wanted(conf))
        return true;
    if (old && workers_same(conf, before)) {
        *workers = shared_hold(old);
        return true;
    }
    struct reference *reference = workers_open(conf, a, problem);
    if (reference)
        *workers = shared_new(reference, close_workers);
    return reference;
}

static bool same_state(const struct conf *a, const struct conf *b)
{
    return same_servers(&a->state, &b->state) && str_eq(a->state_dir, b->state_dir);
}

bool shared_state(const struct conf *conf, const struct conf *before, struct shared *old,
                  struct shared **state, struct arena *a, struct str *problem)
{
    *state = NULL;
    if (conf->greylist_mode == CHECK_OFF)
        return true;
    if (old && same_state(conf, before)) {
        *state = shared_hold(old);
        return true;
    }
    struct state *opened = memory_open(conf, a, problem);
    if (opened)
        *state = shared_new(opened, close_state);
    return opened;
}

static void close_rows(void *rows)
{
    rows_close(rows);
}

bool shared_rows(const struct conf *conf, const struct conf *before, struct shared *old,
                 struct shared **rows, struct arena *a, struct str *problem)
{
    *rows = NULL;
    if (!conf->reports_record)
        return true;
    if (old && str_eq(conf->state_dir, before->state_dir) && str_eq(conf->store, before->store)) {
        *rows = shared_hold(old);
        return true;
    }
    const struct rows_settings settings = memory_rows_settings(conf, a);
    struct rows *opened = rows_open(&settings, a, problem);
    if (opened)
        *rows = shared_new(opened, close_rows);
    else
        *problem = str_printf(a, "reports.record: %.*s", STR_ARG(*problem));
    return opened;
}

struct shared *shared_key_cache(const struct conf *conf, const struct conf *before,
                                struct shared *old)
{
    if (before && conf->dkim_key_cache_size == before->dkim_key_cache_size)
        return shared_hold(old);
    return shared_new(key_cache_new(conf->dkim_key_cache_size), close_key_cache);
}
