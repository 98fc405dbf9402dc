/* dns.c - one message's way of asking: names checked, answers held, time counted.
 *
 * Errors: none are returned. Everything is an answer with a status; what cannot be known says so.
 */
#include "dns/dns.h"

#include "base/clock.h"
#include "base/counters.h"
#include "dns/backend.h"
#include "dns/message_answers.h"

#define TICK_US     1000000 /* between two calls of asker->waiting */
#define AHEAD_BYTES 8192    /* an answer beyond it is no errand's: it takes long to read */

static const struct dns_answer no_such_name = {.status = DNS_NXDOMAIN};
static const struct dns_answer still_pending = {.status = DNS_PENDING};
static const struct dns_answer out_of_patience = {.status = DNS_TIMEOUT};
static const struct dns_answer out_of_memory = {.status = DNS_SERVFAIL};

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

static void let_go(void *held)
{
    message_answers_end(held);
    message_answers_release(held);
}

/* The entry for this question, held by the asker, with a reference for the caller; NULL only if it
 * is not needed. *sent: its query went out just here. */
static struct dns_entry *ask_cached(struct dns_asker *asker, const struct dns_question *q,
                                    enum dns_need need, bool *sent)
{
    if (!asker->answers) {
        asker->answers = message_answers_new(asker->memory, asker->set_aside, asker->spare);
        arena_defer(asker->arena, let_go, asker->answers);
    }
    return message_answers_ask(asker->answers, asker->dns, q, need, asker->favoured, sent,
                               &asker->queries);
}

static enum dns_need look_up_need(const struct dns_asker *asker)
{
    return asker->ahead ? DNS_NEEDED_ONCE : DNS_NEEDED;
}

/* Waits as long as the patience lasts; only time spent here counts against it. */
static const struct dns_answer *wait_for(struct dns_asker *asker, struct dns_entry *e)
{
    int64_t began = clock_us(), now = began, end = began + asker->patience_us;
    const struct dns_answer *answer = NULL;
    if (asker->waits && began < end)
        asker->waits(asker->waiting_context, true);
    while (!answer && now < end && !dns_is_given_up(asker->dns)) {
        int64_t tick = now + TICK_US;
        answer = dns_entry_wait(asker->dns, e, tick < end ? tick : end);
        now = clock_us();
        if (!answer && asker->waiting && now < end)
            asker->waiting(asker->waiting_context);
    }
    if (asker->waits && began < end)
        asker->waits(asker->waiting_context, false);
    int64_t waited = now - began;
    asker->waited_us += waited;
    asker->patience_us = waited < asker->patience_us ? asker->patience_us - waited : 0;
    return answer ? answer : dns_entry_answer(e);
}

static void tell_event(struct dns_asker *asker, struct str name, enum dns_type type,
                       const struct dns_answer *answer, bool from_cache, int64_t waited_us)
{
    struct dns_event event = {name, type, answer, from_cache, waited_us};
    if (asker->trace && answer->status != DNS_PENDING)
        asker->trace(asker->trace_context, &event);
}

static void count_look_up(const struct dns_asker *asker, bool answered, bool sent)
{
    if (sent || asker->ahead)
        return;
    counter_inc(answered ? CTR_DNS_CACHE_HITS : CTR_DNS_JOINED);
}

/* Without an answer. */
static const struct dns_answer *nothing_yet(struct dns_asker *asker, struct dns_entry *e)
{
    if (!asker->may_pend)
        return &out_of_patience;
    asker->pending_entry = e; /* held by asker->answers */
    return &still_pending;
}

/* The asker's answer from an entry of its own. */
static const struct dns_answer *take_answer(struct dns_asker *asker, struct dns_entry *e)
{
    const struct dns_answer *answer = dns_entry_answer(e);
    if (!answer)
        answer = wait_for(asker, e);
    if (!answer)
        return nothing_yet(asker, e);
    if (asker->ahead && dns_entry_bytes(e) > AHEAD_BYTES)
        return &still_pending;
    answer = message_answers_answer(asker->answers, e);
    return answer ? answer : &out_of_memory;
}

const struct dns_answer *dns_lookup(struct dns_asker *asker, struct str name, enum dns_type type)
{
    struct dns_question q = {.type = type};
    const struct dns_answer *answer = &no_such_name;
    int64_t waited_before = asker->waited_us;
    bool sent = false, at_once = true;

    asker->lookups++;
    if (dns_name_parse(name, &q.name)) {
        struct dns_entry *e = ask_cached(asker, &q, look_up_need(asker), &sent);
        bool answered = dns_entry_answer(e);
        at_once = answered && !sent;
        count_look_up(asker, answered, sent);
        answer = take_answer(asker, e);
        dns_entry_release(e);
    }
    tell_event(asker, name, type, answer, at_once, asker->waited_us - waited_before);
    return answer;
}

/* A message may start dozens of queries at once, and look up one after the other: those of senders
 * whose servers are silent would take all places. */
static void start_query(struct dns_asker *asker, struct str name, enum dns_type type,
                        enum dns_need need)
{
    struct dns_question q = {.type = type};
    bool sent;
    if (dns_is_busy(asker->dns))
        return;
    struct dns_entry *e = dns_name_parse(name, &q.name) ? ask_cached(asker, &q, need, &sent) : NULL;
    if (e)
        dns_entry_release(e);
}

void dns_start(struct dns_asker *asker, struct str name, enum dns_type type)
{
    start_query(asker, name, type, look_up_need(asker));
}

void dns_prefetch(struct dns_asker *asker, struct str name, enum dns_type type)
{
    start_query(asker, name, type, DNS_NOT_NEEDED_YET);
}

struct dns *dns_open(const struct dns_settings *settings, struct arena *a, struct str *problem)
{
    const struct dns_limits limits = {.cache_bytes = settings->cache_bytes,
                                      .max_ttl_s = settings->max_ttl_s,
                                      .negative_ttl_s = settings->negative_ttl_s,
                                      .failure_ttl_s = settings->failure_ttl_s,
                                      .max_in_flight = settings->max_in_flight,
                                      .watch = true};
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
