/* status.c - gathers what there is to say of the daemon, and says it.
 *
 * Runs on a worker of the control door: it takes a snapshot, reads counters, and looks at the keys
 * as they lie on the disk; nothing waits for it.
 *
 * Errors: a key or table that cannot be read is told of in its place. */
#include "milter/daemon/status.h"

#include <time.h>

#include "base/counters.h"
#include "base/histogram.h"
#include "base/json.h"
#include "base/log.h"
#include "keys/inventory.h"
#include "milter/daemon/macros.h"
#include "milter/daemon/memory.h"

#define DAY 86400

struct status {
    struct arena *arena;
    const struct status_source *source;
    const struct conf *conf;
    int64_t now, loaded;
    unsigned connections, transactions;
    struct serve_figures serving;
    struct rows_figures rows; /* zeroed without reports.record */
    struct configured_key *keys;
    size_t n_keys;
    struct log_recent recent[LOG_RECENT];
    size_t n_recent;
};

static void gather(struct status *s, const struct snapshot *snapshot)
{
    struct conf_problems problems;
    struct runtime *rt = s->source->runtime;
    s->conf = snapshot->conf;
    s->now = time(NULL);
    s->loaded = runtime_loaded(rt);
    s->connections = runtime_open_connections(rt);
    s->transactions = runtime_open_transactions(rt);
    if (s->source->serve)
        s->serving = serve_figures(s->source->serve);
    if (snapshot->rows)
        s->rows = rows_figures(snapshot->rows);
    conf_problems_init(&problems, s->arena);
    inventory_load(s->conf, s->now, s->arena, &problems, &s->keys, &s->n_keys);
    s->n_recent = log_recent(s->recent, LOG_RECENT);
}

static void with_status(struct status_source *source, struct strbuf *out,
                        void (*write)(struct status *, struct strbuf *))
{
    struct snapshot *snapshot = snapshot_take(source->runtime);
    struct status s = {.arena = out->arena, .source = source};
    gather(&s, snapshot);
    write(&s, out);
    snapshot_release(snapshot);
}

/* --- What is on --------------------------------------------------------------------------------*/

static const char *check_word(enum check_mode mode)
{
    return mode == CHECK_OFF ? "off" : mode == CHECK_SHADOW ? "shadow" : "enforce";
}

static const char *arc_word(const struct status *s)
{
    static const char *const words[] = {"off", "verify", "seal"};
    return words[s->conf->arc_mode];
}

static const char *lists_word(const struct status *s)
{
    return s->conf->n_lists ? check_word(s->conf->dnsbl_mode) : "off";
}

static const char *signing_word(const struct status *s)
{
    return s->n_keys ? "on" : "off";
}

static int64_t days_since(const struct status *s, int64_t since)
{
    return since && s->now > since ? (s->now - since) / DAY : 0;
}

/* A counter, and its name in JSON; for people it has spaces. */
struct count {
    const char *name;
    enum counter counter;
};

/* The messages by what became of them, and where from. */
static const struct count messages[] = {
    {"total", CTR_MESSAGES},
    {"inbound", CTR_INBOUND},
    {"ours", CTR_OURS},
    {"relayed", CTR_RELAYED},
    {"forwarded", CTR_FORWARDED},
    {"accepted", CTR_ACCEPTED},
    {"quarantined", CTR_QUARANTINED},
    {"tempfailed", CTR_TEMPFAILED},
    {"rejected", CTR_REJECTED},
    {"would_reject", CTR_WOULD_REJECT},
    {"aborted", CTR_MESSAGES_ABORTED},
    {"signed", CTR_SIGNED},
    {"not_signed", CTR_NOT_SIGNED},
};

static const struct count dns[] = {
    {"queries", CTR_DNS_QUERIES},   {"cache_hits", CTR_DNS_CACHE_HITS},
    {"timeouts", CTR_DNS_TIMEOUTS}, {"servfail", CTR_DNS_SERVFAIL},
    {"bogus", CTR_DNS_BOGUS},       {"refused", CTR_DNS_REFUSED},
};

static const struct count srs[] = {
    {"forwarded", CTR_SRS_FORWARDED},     {"too_long", CTR_SRS_TOO_LONG},
    {"reversed", CTR_SRS_REVERSED},       {"refused", CTR_SRS_REFUSED},
    {"unavailable", CTR_SRS_UNAVAILABLE},
};

/* Of reports.record. */
static const struct count rows[] = {{"rows_added", CTR_ROWS_ADDED}, {"rows_lost", CTR_ROWS_LOST}};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* --- For programs ------------------------------------------------------------------------------*/

static void keys_json(struct json *j, const struct status *s)
{
    json_array(j, "keys");
    for (size_t i = 0; i < s->n_keys; i++) {
        const struct configured_key *k = &s->keys[i];
        json_object(j, NULL);
        json_text(j, "domain", k->domain);
        json_text(j, "selector", k->selector);
        json_text(j, "state", str_of(k->state));
        json_number(j, "days", days_since(s, k->since));
        json_text(j, "problem", k->problem);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void recent_json(struct json *j, const struct status *s)
{
    json_array(j, "last_errors");
    for (size_t i = 0; i < s->n_recent; i++) {
        json_object(j, NULL);
        json_number(j, "time", s->recent[i].time);
        json_text(j, "level",
                  s->recent[i].level == LOG_LEVEL_ERROR ? STR("error") : STR("warning"));
        json_text(j, "text", str_of(s->recent[i].text));
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void on_json(struct json *j, const struct status *s)
{
    json_object(j, "on");
    json_text(j, "mode", str_of(s->conf->mode == RUN_SHADOW ? "shadow" : "enforce"));
    json_text(j, "spf", str_of(check_word(s->conf->spf_mode)));
    json_text(j, "dkim", str_of(s->conf->dkim_mode == SWITCH_OFF ? "off" : "on"));
    json_text(j, "dmarc", str_of(check_word(s->conf->dmarc_mode)));
    json_text(j, "arc", str_of(arc_word(s)));
    json_text(j, "dnsbl", str_of(lists_word(s)));
    json_text(j, "sender", str_of(check_word(s->conf->sender_mode)));
    json_text(j, "greylist", str_of(check_word(s->conf->greylist_mode)));
    json_text(j, "signing", str_of(signing_word(s)));
    json_end(j, '}');
}

static void macros_json(struct json *j)
{
    json_number(j, "last_connection", macros_last_seen(DEED_CONNECTION));
    json_number(j, "last_message", macros_last_seen(DEED_MESSAGE));
    json_object(j, "macros");
    for (int i = 0; i < MACRO_COUNT; i++)
        json_number(j, macro_name((enum mta_macro)i), macros_last_seen(i));
    json_end(j, '}');
}

static void srs_json(struct json *j, const struct status *s)
{
    if (!s->conf->srs_listen.n)
        return;
    json_object(j, "srs");
    json_text(j, "listen", s->conf->srs_listen);
    json_text(j, "domain", s->conf->srs_domain);
    for (size_t i = 0; i < COUNT(srs); i++)
        json_number(j, srs[i].name, (int64_t)counter_get(srs[i].counter));
    json_end(j, '}');
}

static void policy_service_json(struct json *j, const struct status *s)
{
    if (!s->conf->policy_service_listen.n)
        return;
    json_object(j, "policy_service");
    json_text(j, "listen", s->conf->policy_service_listen);
    json_number(j, "requests", (int64_t)counter_get(CTR_POLICY_REQUESTS));
    json_end(j, '}');
}

static void reports_json(struct json *j, const struct status *s)
{
    json_object(j, "reports");
    json_bool(j, "record", s->conf->reports_record);
    json_bool(j, "send", s->conf->reports_send);
    for (size_t i = 0; i < COUNT(rows); i++)
        json_number(j, rows[i].name, (int64_t)counter_get(rows[i].counter));
    if (memory_store_is_shared(s->conf)) {
        json_text(j, "store", rows_title(s->conf->store, s->arena));
        json_number(j, "batches_waiting", (int64_t)s->rows.spooled);
    }
    json_end(j, '}');
}

static void configuration_json(struct json *j, const struct status *s)
{
    json_object(j, "configuration");
    json_text(j, "file", str_of(s->source->conf_path));
    json_number(j, "loaded", s->loaded);
    json_number(j, "reloads", (int64_t)counter_get(CTR_RELOADS));
    json_number(j, "reloads_failed", (int64_t)counter_get(CTR_RELOADS_FAILED));
    json_end(j, '}');
}

static void listeners_json(struct json *j, const struct status *s)
{
    json_array(j, "listeners");
    for (size_t i = 0; i < s->conf->listen.n; i++)
        json_text(j, NULL, s->conf->listen.v[i]);
    if (s->conf->srs_listen.n)
        json_text(j, NULL, s->conf->srs_listen);
    if (s->conf->policy_service_listen.n)
        json_text(j, NULL, s->conf->policy_service_listen);
    json_end(j, ']');
}

static void write_json(struct status *s, struct strbuf *out)
{
    struct json j;
    json_begin(&j, s->arena);
    json_text(&j, "version", STR(ASSAY_VERSION));
    json_number(&j, "started", s->source->started);
    configuration_json(&j, s);
    on_json(&j, s);
    listeners_json(&j, s);
    json_number(&j, "connections", s->connections);
    json_number(&j, "transactions", s->transactions);
    json_object(&j, "workers");
    json_number(&j, "all", s->serving.workers);
    json_number(&j, "waiting", s->serving.waiting);
    json_end(&j, '}');
    json_object(&j, "messages");
    for (size_t i = 0; i < COUNT(messages); i++)
        json_number(&j, messages[i].name, (int64_t)counter_get(messages[i].counter));
    json_end(&j, '}');
    macros_json(&j);
    srs_json(&j, s);
    policy_service_json(&j, s);
    reports_json(&j, s);
    keys_json(&j, s);
    json_object(&j, "dns");
    for (size_t i = 0; i < COUNT(dns); i++)
        json_number(&j, dns[i].name, (int64_t)counter_get(dns[i].counter));
    json_end(&j, '}');
    recent_json(&j, s);
    json_end(&j, '}');
    sb_add(out, json_str(&j));
}

/* --- For people --------------------------------------------------------------------------------*/

static const char *time_text(int64_t seconds, char out[32])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm);
    return out;
}

static void keys_text(const struct status *s, struct strbuf *out)
{
    for (size_t i = 0; i < s->n_keys; i++) {
        const struct configured_key *k = &s->keys[i];
        sb_printf(out, "%-14s%.*s of %.*s: %s for %lld days%s%.*s\n", i ? "" : "keys",
                  STR_ARG(k->selector), STR_ARG(k->domain), k->state,
                  (long long)days_since(s, k->since), k->problem.n ? "; " : "",
                  STR_ARG(k->problem));
    }
}

static void counts_text(const struct count *v, size_t n, struct strbuf *out)
{
    for (size_t i = 0; i < n; i++) {
        sb_printf(out, "%s%llu ", i ? ", " : "", (unsigned long long)counter_get(v[i].counter));
        for (const char *c = v[i].name; *c; c++)
            sb_addc(out, *c == '_' ? ' ' : *c);
    }
    sb_addc(out, '\n');
}

static void srs_text(const struct status *s, struct strbuf *out)
{
    if (!s->conf->srs_listen.n)
        return;
    sb_printf(out, "%-14s%.*s, for %.*s, ", "SRS", STR_ARG(s->conf->srs_listen),
              STR_ARG(s->conf->srs_domain));
    counts_text(srs, COUNT(srs), out);
}

static void policy_service_text(const struct status *s, struct strbuf *out)
{
    if (!s->conf->policy_service_listen.n)
        return;
    sb_printf(out, "%-14s%.*s, %llu requests\n", "policy", STR_ARG(s->conf->policy_service_listen),
              (unsigned long long)counter_get(CTR_POLICY_REQUESTS));
}

static void reports_text(const struct status *s, struct strbuf *out)
{
    sb_printf(out, "%-14srecording %s, sending %s, ", "reports",
              s->conf->reports_record ? "on" : "off", s->conf->reports_send ? "on" : "off");
    counts_text(rows, COUNT(rows), out);
    if (memory_store_is_shared(s->conf))
        sb_printf(out, "%-14s%.*s, %llu batches of rows wait for it in spool.db\n", "",
                  STR_ARG(rows_title(s->conf->store, s->arena)),
                  (unsigned long long)s->rows.spooled);
}

static void on_text(const struct status *s, struct strbuf *out)
{
    sb_printf(out, "%-14smode %s, SPF %s, DKIM %s, DMARC %s, signing %s\n", "on",
              s->conf->mode == RUN_SHADOW ? "shadow" : "enforce", check_word(s->conf->spf_mode),
              s->conf->dkim_mode == SWITCH_OFF ? "off" : "on", check_word(s->conf->dmarc_mode),
              signing_word(s));
    sb_printf(out, "%-14sARC %s, DNS lists %s, sender %s, greylisting %s\n", "", arc_word(s),
              lists_word(s), check_word(s->conf->sender_mode), check_word(s->conf->greylist_mode));
}

static void write_text(struct status *s, struct strbuf *out)
{
    char at[32];
    sb_printf(out, "assay %s, up since %s\n", ASSAY_VERSION, time_text(s->source->started, at));
    sb_printf(out, "%-14s%s, loaded %s\n", "configuration", s->source->conf_path,
              time_text(s->loaded, at));
    on_text(s, out);
    sb_printf(out, "%-14s%.*s, %u connections, %u messages under way\n", "listening",
              STR_ARG(conf_join(&s->conf->listen, s->arena)), s->connections, s->transactions);
    sb_printf(out, "%-14s", "messages");
    counts_text(messages, COUNT(messages), out);
    srs_text(s, out);
    policy_service_text(s, out);
    reports_text(s, out);
    keys_text(s, out);
    sb_printf(out, "%-14s", "DNS");
    counts_text(dns, COUNT(dns), out);
    for (size_t i = 0; i < s->n_recent; i++)
        sb_printf(out, "%-14s%s %s%s\n", i ? "" : "last errors", time_text(s->recent[i].time, at),
                  s->recent[i].level == LOG_LEVEL_ERROR ? "error: " : "", s->recent[i].text);
}

/* --- For Prometheus ----------------------------------------------------------------------------*/

/* "assay_" and the name with _ for -. */
static struct str metric_name(struct arena *a, const char *name, const char *unit)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("assay_"));
    for (; *name; name++)
        sb_addc(&b, *name == '-' ? '_' : *name);
    sb_add(&b, str_of(unit));
    return sb_str(&b);
}

static void head(struct strbuf *out, struct str name, const char *help, const char *type)
{
    sb_printf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", STR_ARG(name), help, STR_ARG(name), type);
}

static void gauge(struct strbuf *out, const char *name, const char *help, int64_t value)
{
    struct str full = metric_name(out->arena, name, "");
    head(out, full, help, "gauge");
    sb_printf(out, "%.*s %lld\n", STR_ARG(full), (long long)value);
}

static void counters(struct strbuf *out)
{
    for (int i = 0; i < COUNTER_COUNT; i++) {
        struct str name = metric_name(out->arena, counter_name((enum counter)i), "_total");
        head(out, name, counter_help((enum counter)i), "counter");
        sb_printf(out, "%.*s %llu\n", STR_ARG(name),
                  (unsigned long long)counter_get((enum counter)i));
    }
}

static void histograms(struct strbuf *out)
{
    for (int i = 0; i < HISTOGRAM_COUNT; i++) {
        struct histogram_values v;
        struct str name = metric_name(out->arena, histogram_name((enum histogram)i), "");
        histogram_get((enum histogram)i, &v);
        head(out, name, histogram_help((enum histogram)i), "histogram");
        for (int k = 0; k < HISTOGRAM_BUCKETS; k++)
            sb_printf(out, "%.*s_bucket{le=\"%g\"} %llu\n", STR_ARG(name),
                      (double)histogram_ends_us[k] / 1e6, (unsigned long long)v.below[k]);
        sb_printf(out, "%.*s_bucket{le=\"+Inf\"} %llu\n%.*s_sum %.6f\n%.*s_count %llu\n",
                  STR_ARG(name), (unsigned long long)v.n, STR_ARG(name), (double)v.sum_us / 1e6,
                  STR_ARG(name), (unsigned long long)v.n);
    }
}

/* Names of domains and selectors were checked when the configuration was read: nothing in them has
 * to be escaped. */
static void keys_metrics(const struct status *s, struct strbuf *out)
{
    struct str name = STR("assay_key_state_days");
    if (!s->n_keys)
        return;
    head(out, name, "how long a signing key has been in its state", "gauge");
    for (size_t i = 0; i < s->n_keys; i++)
        sb_printf(out, "%.*s{domain=\"%.*s\",selector=\"%.*s\",state=\"%s\"} %lld\n", STR_ARG(name),
                  STR_ARG(s->keys[i].domain), STR_ARG(s->keys[i].selector), s->keys[i].state,
                  (long long)days_since(s, s->keys[i].since));
}

static void write_metrics(struct status *s, struct strbuf *out)
{
    struct str info = STR("assay_build_info");
    head(out, info, "the program", "gauge");
    sb_printf(out, "%.*s{version=\"%s\"} 1\n", STR_ARG(info), ASSAY_VERSION);
    gauge(out, "start-time-seconds", "when the daemon started", s->source->started);
    gauge(out, "config-load-time-seconds", "when the configuration in force was read", s->loaded);
    gauge(out, "connections", "open connections of MTAs", s->connections);
    gauge(out, "transactions", "messages under way", s->transactions);
    gauge(out, "rows-batches-waiting", "batches of report rows that a shared store does not have",
          (int64_t)s->rows.spooled);
    gauge(out, "workers", "threads that serve", s->serving.workers);
    gauge(out, "workers-waiting", "threads that wait for DNS or for a library", s->serving.waiting);
    keys_metrics(s, out);
    histograms(out);
    counters(out);
}

/* --- For assay doctor --------------------------------------------------------------------------*/

/* "NAME SECONDS" a line: when it was last there, in seconds since 1970. */
static void write_macros(struct status *s, struct strbuf *out)
{
    (void)s;
    sb_printf(out, "connection %lld\nmessage %lld\n", (long long)macros_last_seen(DEED_CONNECTION),
              (long long)macros_last_seen(DEED_MESSAGE));
    for (int i = 0; i < MACRO_COUNT; i++)
        sb_printf(out, "%s %lld\n", macro_name((enum mta_macro)i), (long long)macros_last_seen(i));
}

/* --- The questions -----------------------------------------------------------------------------*/

static void answer_status(void *source, struct strbuf *text)
{
    with_status(source, text, write_text);
}

static void answer_status_json(void *source, struct strbuf *text)
{
    with_status(source, text, write_json);
}

static void answer_metrics(void *source, struct strbuf *text)
{
    with_status(source, text, write_metrics);
}

static void answer_macros(void *source, struct strbuf *text)
{
    with_status(source, text, write_macros);
}

const struct control_question status_questions[] = {
    {"status", answer_status},
    {"status json", answer_status_json},
    {"metrics", answer_metrics},
    {"macros", answer_macros},
    {0},
};
