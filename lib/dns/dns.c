/* dns.c - one message's way of asking: names checked, answers held, time counted.
 *
 * Errors: none are returned. Everything is an answer with a status; what cannot be known says so.
 */
#include "dns/dns.h"

#include "base/clock.h"
#include "base/counters.h"
#include "dns/backend.h"
#include "dns/cache.h"

#define TICK_US 1000000 /* between two calls of asker->waiting */

/* What an asker has asked for so far: one entry per question, released with the arena. A message
 * thus sees one answer to one question, whatever its TTL. */
struct dns_held {
    struct held_entry {
        struct held_entry *next;
        struct dns_entry *entry;
    } * first;
};

static const struct dns_answer no_such_name = {.status = DNS_NXDOMAIN};
static const struct dns_answer still_pending = {.status = DNS_PENDING};
static const struct dns_answer out_of_patience = {.status = DNS_TIMEOUT};

const char *dns_status_name(enum dns_status status)
{
    switch (status) {
    case DNS_ANSWER:
        return "answer";
    case DNS_NODATA:
        return "nodata";
    case DNS_NXDOMAIN:
        return "nxdomain";
    case DNS_SERVFAIL:
        return "servfail";
    case DNS_TIMEOUT:
        return "timeout";
    case DNS_BOGUS:
        return "bogus";
    case DNS_PENDING:
        return "pending";
    }
    return "unknown";
}

const char *dns_type_name(enum dns_type type)
{
    switch (type) {
    case DNS_A:
        return "A";
    case DNS_CNAME:
        return "CNAME";
    case DNS_PTR:
        return "PTR";
    case DNS_MX:
        return "MX";
    case DNS_TXT:
        return "TXT";
    case DNS_AAAA:
        return "AAAA";
    }
    return "unknown";
}

static void release_held(void *object)
{
    const struct dns_held *held = object;
    for (struct held_entry *h = held->first; h; h = h->next)
        dns_entry_release(h->entry);
}

static void keep(struct dns_asker *asker, struct dns_entry *e)
{
    if (!asker->held) {
        asker->held = arena_make(asker->arena, struct dns_held);
        arena_defer(asker->arena, release_held, asker->held);
    }
    struct held_entry *h = arena_make(asker->arena, struct held_entry);
    h->entry = e;
    h->next = asker->held->first;
    asker->held->first = h;
}

/* The asker's own entry for this question, unless it failed: a failure is worth asking again as
 * soon as the cache lets go of it. */
static struct dns_entry *find_held(const struct dns_asker *asker, const struct dns_question *q)
{
    for (struct held_entry *h = asker->held ? asker->held->first : NULL; h; h = h->next) {
        const struct dns_question *asked = dns_entry_question(h->entry);
        if (asked->type != q->type || !dns_name_eq(&asked->name, &q->name))
            continue;
        const struct dns_answer *answer = dns_entry_answer(h->entry);
        return answer && dns_unknown(answer) ? NULL : h->entry;
    }
    return NULL;
}

/* The entry for this question, held by the asker. *sent: its query went out just here. */
static struct dns_entry *ask(struct dns_asker *asker, const struct dns_question *q, bool *sent)
{
    *sent = false;
    struct dns_entry *e = find_held(asker, q);
    if (e)
        return e;
    e = dns_ask(asker->dns, q, sent);
    keep(asker, e);
    asker->queries += *sent;
    return e;
}

/* Waits as long as the patience lasts; only time spent here counts against it. */
static const struct dns_answer *wait_for(struct dns_asker *asker, struct dns_entry *e)
{
    int64_t began = clock_us(), now = began, end = began + asker->patience_us;
    const struct dns_answer *answer = NULL;
    while (!answer && now < end) {
        int64_t tick = now + TICK_US;
        answer = dns_entry_wait(asker->dns, e, tick < end ? tick : end);
        now = clock_us();
        if (!answer && asker->waiting && now < end)
            asker->waiting(asker->waiting_context);
    }
    int64_t waited = now - began;
    asker->waited_us += waited;
    asker->patience_us = waited < asker->patience_us ? asker->patience_us - waited : 0;
    return answer ? answer : dns_entry_answer(e);
}

static void tell(struct dns_asker *asker, struct str name, enum dns_type type,
                 const struct dns_answer *answer, bool from_cache, int64_t waited_us)
{
    struct dns_event event = {name, type, answer, from_cache, waited_us};
    if (asker->trace && answer->status != DNS_PENDING)
        asker->trace(asker->trace_context, &event);
}

const struct dns_answer *dns_lookup(struct dns_asker *asker, struct str name, enum dns_type type)
{
    struct dns_question q = {.type = type};
    const struct dns_answer *answer;
    int64_t waited_before = asker->waited_us;
    bool sent = false, at_once = true;

    asker->lookups++;
    if (dns_name_parse(name, &q.name)) {
        struct dns_entry *e = ask(asker, &q, &sent);
        answer = dns_entry_answer(e);
        at_once = answer && !sent;
        if (at_once)
            counter_inc(CTR_DNS_CACHE_HITS);
        else if (!sent)
            counter_inc(CTR_DNS_JOINED);
        if (!answer)
            answer = wait_for(asker, e);
        if (!answer)
            answer = asker->may_pend ? &still_pending : &out_of_patience;
    } else {
        answer = &no_such_name;
    }
    tell(asker, name, type, answer, at_once, asker->waited_us - waited_before);
    return answer;
}

void dns_prefetch(struct dns_asker *asker, struct str name, enum dns_type type)
{
    struct dns_question q = {.type = type};
    bool sent;
    if (dns_name_parse(name, &q.name))
        ask(asker, &q, &sent);
}

struct dns *dns_open(const struct dns_settings *settings, struct arena *a, struct str *problem)
{
    const struct dns_limits limits = {.cache_bytes = settings->cache_bytes,
                                      .max_ttl_s = settings->max_ttl_s,
                                      .negative_ttl_s = settings->negative_ttl_s,
                                      .failure_ttl_s = settings->failure_ttl_s,
                                      .max_in_flight = settings->max_in_flight};
    bool unbound = settings->recurse || settings->dnssec == DNSSEC_VALIDATE;
    struct dns_backend *backend = unbound ? dns_backend_unbound(settings, a, problem)
                                          : dns_backend_cares(settings, a, problem);
    return backend ? dns_new(backend, &limits) : NULL;
}

struct dns *dns_open_zone(struct str zone_text, struct arena *a, struct str *problem)
{
    static const struct dns_limits limits = {
        .cache_bytes = 16U << 20, .max_ttl_s = 86400, .negative_ttl_s = 60, .failure_ttl_s = 5};
    struct dns_backend *backend = dns_backend_zone(zone_text, a, problem);
    return backend ? dns_new(backend, &limits) : NULL;
}
