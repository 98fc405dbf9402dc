/* bounds.c - the limits of the configuration, and those in the code, as one sum.
 *
 * Each part is what really stops it from growing: a budget, the bytes of a cache, or a number of
 * things of a size that is known. Sizes that are not ours (a thread's stack, OpenSSL's keys, the
 * libraries) are measured, and rounded up.
 *
 * Errors: none. */
#include "milter/daemon/bounds.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/outlet.h"
#include "dns/servers.h"
#include "milter/daemon/instances.h"
#include "milter/daemon/memory.h"
#include "milter/daemon/server.h"
#include "milter/serve/milter_packet.h"
#include "milter/serve/serve.h"
#include "reference/engines.h"
#include "store/rows.h"
#include "store/state.h"

#define KB UINT64_C(1024)
#define MB (1024 * KB)

#define PROGRAM_BYTES    (20 * MB)  /* code and libraries that are loaded, with their own data */
#define STACK_BYTES      (64 * KB)  /* of a thread, as far as it is touched */
#define CONNECTION_BYTES (12 * KB)  /* its objects, and the names of its session */
#define KEPT_EACH        (64 * KB)  /* what a connection may keep on an average, ... */
#define KEPT_LEAST       (2 * MB)   /* ... and any number of them together */
#define POLICY_BYTES     (2 * KB)   /* of a connection of the policy service or of socketmap */
#define REQUEST_BYTES    (128 * KB) /* of a request while it is answered: its values, copied twice */
#define KEY_BYTES        (16 * KB)  /* a signing key, with what OpenSSL makes of it */
#define TABLE_LINE       32         /* the shortest line of a key table */
#define QUICK_THREADS    12 /* resolver, stores, log, keys, signals: those that do not serve */
#define CARRIED_BYTES    (4 * MB)   /* four times what is carried over at once */
#define REPORT_BYTES     (64 * MB)  /* a report command, whatever it reads */
#define WORKER_BYTES     (192 * MB) /* assay-reference: its limit of address space */
#define WEB_BYTES        (96 * MB)

/* --- Writing -----------------------------------------------------------------------------------*/

struct bounding {
    const struct conf *conf;
    struct arena *arena;
    struct bounds *out;
};

__attribute__((format(printf, 5, 6))) static void add_part(struct bounding *b, const char *part,
                                                           const char *option, uint64_t bytes,
                                                           const char *format, ...)
{
    va_list args;
    struct strbuf formula;
    struct bounds *out = b->out;
    sb_init(&formula, b->arena);
    va_start(args, format);
    sb_vprintf(&formula, format, args);
    va_end(args);
    out->parts[out->n++] = (struct bound){part, option, sb_str(&formula), bytes};
    out->sum += bytes;
}

static void add_other(struct bounding *b, const char *part, const char *option, uint64_t bytes,
                      const char *formula)
{
    struct bounds *out = b->out;
    out->others[out->n_others++] = (struct bound){part, option, str_of(formula), bytes};
}

static unsigned long long kb(uint64_t bytes)
{
    return (unsigned long long)(bytes / KB);
}

/* --- Connections and threads -------------------------------------------------------------------*/

size_t bounds_kept(const struct conf *conf)
{
    return KEPT_LEAST + (size_t)conf->limits_connections * KEPT_EACH;
}

static unsigned policy_connections(const struct conf *conf)
{
    return conf->policy_service_listen.n ? (unsigned)conf->limits_connections : 0;
}

static unsigned srs_connections(const struct conf *conf)
{
    return conf->srs_listen.n ? (unsigned)conf->limits_connections : 0;
}

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 2 ? (unsigned)n : 2;
}

unsigned bounds_workers(const struct conf *conf)
{
    uint64_t all = (uint64_t)conf->limits_connections + policy_connections(conf) + processors();
    return all < SERVER_WORKERS_MAX ? (unsigned)all : SERVER_WORKERS_MAX;
}

static void add_connections(struct bounding *b)
{
    const struct conf *conf = b->conf;
    uint64_t n = SERVER_CROWD * (uint64_t)conf->limits_connections;
    uint64_t each = CONNECTION_BYTES + ARENA_KEPT + MILTER_MACROS_MAX;
    add_part(b, "connections of MTAs", "limits.connections", n * each,
             "%u x %lld connections x %llu KB: names and macros of a session, and a block for the "
             "next message",
             SERVER_CROWD, (long long)conf->limits_connections, kb(each));
    add_part(b, "commands that are not whole", "limits.connections", bounds_kept(conf),
             "%lld connections x %llu KB + %llu KB: what MTAs have begun to send, or do not take; "
             "of all doors together",
             (long long)conf->limits_connections, kb(KEPT_EACH), kb(KEPT_LEAST));
}

/* A thread for each connection, with a command in a buffer of its own. */
static void add_libmilter(struct bounding *b)
{
    uint64_t n = SERVER_CROWD * (uint64_t)b->conf->limits_connections;
    if (b->conf->milter_library == MILTER_BY_LIBMILTER)
        add_part(b, "threads of libmilter", "milter-library", n * (STACK_BYTES + KEPT_EACH),
                 "%llu threads x %llu KB; libmilter itself takes any number of connections: let "
                 "only the MTA reach its socket",
                 (unsigned long long)n, kb(STACK_BYTES + KEPT_EACH));
}

static void add_workers(struct bounding *b)
{
    const struct conf *conf = b->conf;
    unsigned n = bounds_workers(conf), running = processors();
    uint64_t each = SERVE_WORKER_BYTES + STACK_BYTES;
    uint64_t answer = 2 * (SERVE_ANSWERS_MAX + conf->limits_header_bytes);
    add_part(b, "threads that serve", "limits.connections", n * each,
             "%u threads x %llu KB: buffers and stack; one for each message that waits, and one "
             "for each processor",
             n, kb(each));
    add_part(b, "answers that are written", "limits.header-bytes", running * answer,
             "%u processors x 2 x (%llu KB + %llu KB): the edits of a message", running,
             kb(SERVE_ANSWERS_MAX), kb(conf->limits_header_bytes));
    add_part(b, "other threads", NULL, QUICK_THREADS * (STACK_BYTES + 2 * 64 * KB),
             "%d threads: resolver, stores, log, keys", QUICK_THREADS);
}

static void add_services(struct bounding *b)
{
    unsigned policy = policy_connections(b->conf), srs = srs_connections(b->conf);
    if (policy) {
        add_part(b, "policy service", "policy-service.listen",
                 policy * (POLICY_BYTES + REQUEST_BYTES),
                 "%u connections x %llu KB: a request that is being answered", policy,
                 kb(POLICY_BYTES + REQUEST_BYTES));
        add_part(b, "answers of the policy service", "policy-service.listen", INSTANCES_BYTES_MAX,
                 "a cache of %llu KB", kb(INSTANCES_BYTES_MAX));
    }
    if (srs)
        add_part(b, "socketmap", "srs.listen", srs * POLICY_BYTES, "%u connections x %llu KB", srs,
                 kb(POLICY_BYTES));
}

/* --- Messages and DNS --------------------------------------------------------------------------*/

static void add_messages(struct bounding *b)
{
    const struct conf *conf = b->conf;
    add_part(b, "messages under way", "limits.memory", conf->limits_memory,
             "headers, recipients, evaluation and DNS answers of all messages together, each "
             "within limits.message-memory (%llu KB) and limits.dns-memory (%llu KB)",
             kb(conf->limits_message_memory), kb(conf->limits_dns_memory));
}

static bool uses_unbound(const struct conf *conf)
{
    return (conf->dns_servers.set && !conf->dns_servers.n) || conf->dns_dnssec == DNSSEC_VALIDATE;
}

static void add_dns_connections(struct bounding *b)
{
    const struct conf *conf = b->conf;
    size_t resolvers = conf->dns_servers.set ? conf->dns_servers.n : DNS_SERVERS_MAX;
    add_part(b, "DNS over TCP", "dns.servers",
             (uint64_t)resolvers * DNS_CONNECTIONS_MAX * DNS_CONNECTION_BYTES,
             "%zu x %d connections to a resolver x %d KB", resolvers, DNS_CONNECTIONS_MAX,
             DNS_CONNECTION_BYTES / 1024);
}

static void add_dns(struct bounding *b)
{
    const struct conf *conf = b->conf;
    uint64_t queries = (uint64_t)conf->dns_max_in_flight;
    add_part(b, "DNS cache", "dns.cache-size", conf->dns_cache_size, "answers, with their names");
    add_part(b, "DNS queries under way", "dns.max-in-flight", queries * DNS_QUERY_BYTES,
             "%llu queries x %d KB", (unsigned long long)queries, DNS_QUERY_BYTES / 1024);
    add_part(b, "DNS errands", NULL, (uint64_t)DNS_ERRANDS_MAX * DNS_ERRAND_BYTES,
             "%d errands x %d KB: includes and policies that are asked for ahead", DNS_ERRANDS_MAX,
             DNS_ERRAND_BYTES / 1024);
    if (uses_unbound(conf))
        add_part(b, "libunbound", "dns.servers, dns.dnssec", DNS_UNBOUND_BYTES,
                 "its caches (29 MB) and 4096 questions x 16 KB");
    else
        add_dns_connections(b);
    add_part(b, "public keys", "dkim.key-cache-size", conf->dkim_key_cache_size, "decoded keys");
}

/* --- Stores ------------------------------------------------------------------------------------*/

static void add_state(struct bounding *b)
{
    const struct conf *conf = b->conf;
    uint64_t questions = (uint64_t)STATE_QUEUE_MAX * STATE_QUESTION_BYTES;
    if (conf->greylist_mode == CHECK_OFF)
        return;
    if (conf->n_state_servers)
        add_part(b, "Redis", "state", conf->n_state_servers * (questions + STATE_REDIS_BYTES),
                 "%zu servers x (%d questions that wait + %llu KB of commands and replies)",
                 conf->n_state_servers, STATE_QUEUE_MAX, kb(STATE_REDIS_BYTES));
    else
        add_part(b, "local state", "state", questions + STATE_CACHE_BYTES + STORE_DATABASE_BYTES,
                 "%d questions that wait + a cache of %llu KB + SQLite's pages (%llu KB)",
                 STATE_QUEUE_MAX, kb(STATE_CACHE_BYTES), kb(STORE_DATABASE_BYTES));
}

static void add_rows(struct bounding *b)
{
    if (b->conf->reports_record)
        add_part(b, "rows for reports", "reports.record",
                 2 * ROWS_QUEUE_BYTES + ROWS_TABLE_BYTES + STORE_DATABASE_BYTES,
                 "2 x %llu KB of rows that wait or are written + SQLite's pages (%llu KB) + known "
                 "texts (%llu KB)",
                 kb(ROWS_QUEUE_BYTES), kb(STORE_DATABASE_BYTES), kb(ROWS_TABLE_BYTES));
}

/* What is carried over at once stands in memory as it is stored and as it is sent. */
static void add_shared_rows(struct bounding *b)
{
    if (b->conf->reports_record && memory_store_is_shared(b->conf))
        add_part(b, "rows on their way to PostgreSQL", "store",
                 STORE_DATABASE_BYTES + ROWS_TABLE_BYTES + CARRIED_BYTES,
                 "%llu KB that are carried at once + SQLite's pages (%llu KB) + known texts (%llu "
                 "KB)",
                 kb(CARRIED_BYTES), kb(STORE_DATABASE_BYTES), kb(ROWS_TABLE_BYTES));
}

static void add_reference(struct bounding *b)
{
    if (reference_wanted(b->conf))
        add_part(b, "messages for the field's libraries", "reference.memory",
                 b->conf->reference_memory, "copies of bodies, and sampled messages that wait");
}

/* --- What is loaded ----------------------------------------------------------------------------*/

/* Entries of a table, at most. */
static uint64_t table_entries(struct str text, struct arena *a)
{
    struct str path;
    bool patterns;
    struct stat st;
    if (!text.n || !conf_table_path(text, &path, &patterns) || stat(str_cstr(a, path), &st))
        return 0;
    return (uint64_t)st.st_size / TABLE_LINE;
}

static uint64_t signing_keys(const struct conf *conf, struct arena *a)
{
    uint64_t n = table_entries(conf->key_table, a);
    for (size_t i = 0; i < conf->n_signing; i++)
        n += conf->signing[i].directory.n ? 4 : conf->signing[i].n_keys;
    return n;
}

static void add_loaded(struct bounding *b)
{
    uint64_t keys = signing_keys(b->conf, b->arena), conf = arena_used(b->conf->arena) + 64 * KB;
    add_part(b, "configuration", NULL, 2 * conf,
             "2 x %llu KB, as its files are now: that of before goes with its last message",
             kb(conf));
    if (keys)
        add_part(b, "signing keys", "signing, key-table", 2 * keys * KEY_BYTES,
                 "2 x %llu keys x %llu KB", (unsigned long long)keys, kb(KEY_BYTES));
    add_part(b, "lines for the log", NULL, OUTLET_BYTES_MAX + OUTLET_LINES_MAX * 64,
             "%llu KB of lines that nothing takes now", kb(OUTLET_BYTES_MAX));
    add_part(b, "the program itself", NULL, PROGRAM_BYTES, "code and libraries that are loaded");
}

/* What malloc() keeps between pieces, and does not give back at once. */
static void add_allocator(struct bounding *b)
{
    uint64_t share = b->out->sum / 8;
    add_part(b, "malloc", NULL, share, "an eighth of all this: what lies between pieces in use");
}

static void add_others(struct bounding *b)
{
    if (reference_wanted(b->conf))
        add_other(b, "assay-reference", "reference.workers",
                  (uint64_t)b->conf->reference_workers * WORKER_BYTES,
                  "192 MB of address space for each worker");
    add_other(b, "assay report", NULL, REPORT_BYTES, "each command, whatever it reads or sends");
    add_other(b, "assay-web", NULL, WEB_BYTES,
              "128 connections, 64 MB of pages that they have not read, and those under way");
}

void bounds_of(const struct conf *conf, struct arena *a, struct bounds *out)
{
    struct bounding b = {conf, a, out};
    *out = (struct bounds){0};
    add_messages(&b);
    add_connections(&b);
    add_libmilter(&b);
    add_workers(&b);
    add_services(&b);
    add_dns(&b);
    add_state(&b);
    add_rows(&b);
    add_shared_rows(&b);
    add_reference(&b);
    add_loaded(&b);
    add_allocator(&b);
    add_others(&b);
}
