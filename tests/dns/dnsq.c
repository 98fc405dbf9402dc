/* dnsq.c - asks lib/dns what the ring's scripts want to know.
 *
 *     dnsq [-s server]... [-r] [-d off|trust-ad|validate] [-k anchor] [-h hints]
 *          [-t timeout-ms] [-m max-in-flight] [-f failure-ttl-s] [-w workers]
 *          [-R resolv.conf]
 *
 * Lines on stdin: "A name" is a look-up with 20 s of patience, "A name MS" one with MS ms; "+A
 * name" a prefetch; "=counter" asks for a counter. A look-up is answered by a line
 *
 *     name type status security ttl cached|asked waited-ms|record|record...
 *
 * "SPF name MS" is a message from there whose client, 192.0.2.1, says nothing for MS ms after MAIL;
 * its line is "name SPF result - 0 - waited-ms". At the end of stdin, when all are answered, the
 * program ends; "!" in its place ends it at once, and what is under way with it. */
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/thread.h"
#include "dns/dns.h"
#include "spf/spf.h"

#define SERVERS_MAX 8
#define WORKERS_MAX 256

struct task {
    struct task *next;
    bool spf;
    enum dns_type type;
    int64_t patience_us;
    struct str name;
    char text[];
};

static struct dns *dns;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows, and of stdout */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER, hurry;
static struct task *first, **last = &first;
static bool ended, at_once;
static struct arena *over; /* of messages that outlive the resolver */

static void print_answer(struct arena *a, const struct task *t, const struct dns_answer *answer,
                         bool cached, int64_t waited_us)
{
    static const char *const security[] = {"unchecked", "insecure", "secure", "bogus"};
    struct strbuf b;
    char text[NETADDR_TEXT];
    sb_init(&b, a);
    sb_printf(&b, "%s %s %s %s %u %s %.1f", t->name.p, dns_type_name(t->type),
              dns_status_name(answer->status), security[answer->security], (unsigned)answer->ttl,
              cached ? "cached" : "asked", (double)waited_us / 1000);
    for (size_t i = 0; i < answer->n; i++) {
        const struct dns_rr *rr = &answer->rr[i];
        sb_addc(&b, '|');
        if (t->type == DNS_MX)
            sb_printf(&b, "%u ", rr->preference);
        sb_add(&b, rr->addr.family ? str_of(netaddr_format(&rr->addr, text))
                                   : str_safe(a, rr->text, 10000, false));
    }
    pthread_mutex_lock(&lock);
    puts(sb_str(&b).p);
    fflush(stdout);
    pthread_mutex_unlock(&lock);
}

static void note_cached(void *context, const struct dns_event *event)
{
    *(bool *)context = event->from_cache;
}

static void free_later(void *arena)
{
    arena_free(arena);
}

/* True if the end came first. */
static bool say_nothing(int64_t until_us)
{
    pthread_mutex_lock(&lock);
    while (!at_once && clock_us() < until_us)
        thread_cond_wait(&hurry, &lock, until_us);
    bool hurried = at_once;
    pthread_mutex_unlock(&lock);
    return hurried;
}

/* One message: its errand walks while the client is silent, and at the end it waits for the rest.
 */
static void do_message(const struct task *t)
{
    struct arena *a = arena_new(0);
    struct dns_asker asker = {.dns = dns, .arena = a, .may_pend = true};
    struct spf_request request = {.local = STR("x"),
                                  .domain = t->name,
                                  .helo = STR("client.example"),
                                  .receiver = STR("mx.example"),
                                  .limits = spf_limits_default};
    struct spf_outcome out;
    netaddr_parse(STR("192.0.2.1"), &request.client);
    spf_check(&request, &asker, &out);
    if (out.pending)
        spf_check_ahead(&request, &asker);
    bool hurried = say_nothing(clock_us() + t->patience_us);
    asker.patience_us = hurried ? 0 : 20000000;
    asker.may_pend = false;
    spf_check(&request, &asker, &out);
    pthread_mutex_lock(&lock);
    printf("%s SPF %s - 0 - %.1f\n", t->name.p, spf_result_name(out.result),
           (double)asker.waited_us / 1000);
    fflush(stdout);
    if (hurried)
        arena_defer(over, free_later, a);
    pthread_mutex_unlock(&lock);
    if (!hurried)
        arena_free(a);
}

static void do_task(const struct task *t)
{
    if (t->spf) {
        do_message(t);
        return;
    }
    struct arena *a = arena_new(0);
    bool cached = false;
    struct dns_asker asker = {.dns = dns,
                              .arena = a,
                              .patience_us = t->patience_us,
                              .trace = note_cached,
                              .trace_context = &cached};
    const struct dns_answer *answer = dns_lookup(&asker, t->name, t->type);
    print_answer(a, t, answer, cached, asker.waited_us);
    arena_free(a);
}

static void *work(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!first && !ended)
            pthread_cond_wait(&changed, &lock);
        struct task *t = first;
        if (!t)
            break;
        first = t->next;
        if (!first)
            last = &first;
        pthread_mutex_unlock(&lock);
        do_task(t);
        free(t);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static enum dns_type type_of(const char *word)
{
    static const enum dns_type types[] = {DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(word, dns_type_name(types[i])) == 0)
            return types[i];
    fprintf(stderr, "dnsq: unknown type %s\n", word);
    exit(1);
}

static void put_task(const char *type, const char *name, long patience_ms)
{
    size_t n = strlen(name);
    struct task *t = calloc(1, sizeof *t + n + 1);
    if (!t)
        abort();
    memcpy(t->text, name, n);
    t->name = (struct str){t->text, n};
    t->spf = strcmp(type, "SPF") == 0;
    t->type = t->spf ? DNS_TXT : type_of(type);
    t->patience_us = patience_ms * 1000;
    pthread_mutex_lock(&lock);
    *last = t;
    last = &t->next;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void print_counter(const char *name)
{
    for (enum counter c = 0; c < COUNTER_COUNT; c++) {
        if (strcmp(counter_name(c), name) != 0)
            continue;
        pthread_mutex_lock(&lock);
        printf("=%s %llu\n", name, (unsigned long long)counter_get(c));
        fflush(stdout);
        pthread_mutex_unlock(&lock);
    }
}

static void prefetch(const char *type, const char *name)
{
    struct arena *a = arena_new(0);
    struct dns_asker asker = {.dns = dns, .arena = a};
    dns_prefetch(&asker, str_of(name), type_of(type));
    arena_free(a);
}

/* True if the end is to be at once. */
static bool read_lines(void)
{
    char line[1024], word[32], name[512];
    while (fgets(line, sizeof line, stdin)) {
        long patience_ms = 20000;
        int n = sscanf(line, "%31s %511s %ld", word, name, &patience_ms);
        if (n >= 1 && word[0] == '!')
            return true;
        if (n >= 1 && word[0] == '=')
            print_counter(word + 1);
        else if (n >= 2 && word[0] == '+')
            prefetch(word + 1, name);
        else if (n >= 2)
            put_task(word, name, patience_ms);
    }
    return false;
}

static enum dnssec_mode mode_of(const char *word)
{
    if (strcmp(word, "validate") == 0)
        return DNSSEC_VALIDATE;
    return strcmp(word, "trust-ad") == 0 ? DNSSEC_TRUST_AD : DNSSEC_OFF;
}

static unsigned read_options(int argc, char **argv, struct dns_settings *s, struct str *servers)
{
    unsigned workers = 8;
    for (int c; (c = getopt(argc, argv, "s:rd:k:h:t:m:f:w:R:")) != -1;) {
        if (c == 's' && s->n_servers < SERVERS_MAX)
            servers[s->n_servers++] = str_of(optarg);
        else if (c == 'r')
            s->recurse = true;
        else if (c == 'd')
            s->dnssec = mode_of(optarg);
        else if (c == 'k')
            s->trust_anchor = optarg;
        else if (c == 'R')
            s->resolv_conf = optarg;
        else if (c == 'h')
            s->root_hints = optarg;
        else if (c == 't')
            s->timeout_ms = atol(optarg);
        else if (c == 'm')
            s->max_in_flight = (unsigned)atoi(optarg);
        else if (c == 'f')
            s->failure_ttl_s = atol(optarg);
        else if (c == 'w')
            workers = (unsigned)atoi(optarg);
        else
            exit(2);
    }
    return workers <= WORKERS_MAX ? workers : WORKERS_MAX;
}

int main(int argc, char **argv)
{
    struct str servers[SERVERS_MAX], problem = STR_NONE;
    struct dns_settings settings = {.servers = servers,
                                    .timeout_ms = 5000,
                                    .cache_bytes = 16U << 20,
                                    .max_ttl_s = 86400,
                                    .negative_ttl_s = 60,
                                    .failure_ttl_s = 2,
                                    .max_in_flight = 4096};
    pthread_t threads[WORKERS_MAX];
    unsigned workers = read_options(argc, argv, &settings, servers);
    struct arena *a = arena_new(0);
    dns = dns_open(&settings, a, &problem);
    if (!dns) {
        fprintf(stderr, "dnsq: %.*s\n", STR_ARG(problem));
        arena_free(a);
        return 1;
    }
    arena_free(a);
    thread_cond_init(&hurry);
    over = arena_new(0);
    for (unsigned i = 0; i < workers; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            abort();
    bool quick = read_lines();
    pthread_mutex_lock(&lock);
    ended = true;
    at_once = quick;
    pthread_cond_broadcast(&hurry);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    dns_close(dns);
    arena_free(over);
    return 0;
}
