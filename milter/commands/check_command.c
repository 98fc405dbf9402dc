/* check_command.c - `assay check`: its words, the loop over messages, progress and summary.
 *
 * Errors: exit status 64 and what is missing, 66 for a message that cannot be read; those of ask.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "keys/keyset.h"
#include "milter/commands/check.h"
#include "milter/commands/commands.h"
#include "milter/daemon/workers.h"

static const char usage[] =
    "usage: assay check [OPTION...] MESSAGE...\n"
    "\n"
    "Says what the daemon would do with saved messages under the configuration in force, and why:\n"
    "SPF, each signature, DMARC, policy, header fields. MESSAGE is a file, an mbox, a Maildir, a\n"
    "folder, or - for standard input. What the options do not say is taken from the message.\n"
    "\n"
    "      --ip ADDRESS     the client's address\n"
    "      --name NAME      the client's name, as the MTA found it\n"
    "      --helo NAME      what the client said in HELO\n"
    "      --from SENDER    MAIL FROM; empty for a bounce\n"
    "      --rcpt RECIPIENT the first recipient\n"
    "      --auth USER      the client had authenticated as this user\n"
    "      --daemon NAME    the MTA's service ({daemon_name}), such as MSA\n"
    "      --mta NAME       what the MTA calls itself in Received ({j}); default: authserv-id\n"
    "      --at TIME        when the message came: seconds since 1970, default: now\n"
    "      --save-dns FILE  write what is asked of the DNS to a zone file for --dns\n"
    "      --trace          say every look-up with its answer\n"
    "      --reference      ask libspf2, libopendkim and libopendmarc too, and say where they\n"
    "                       differ\n"
    "  -c, --config FILE    the configuration; default: " DEFAULT_CONF "\n"
    "      --dns FILE       answer from this zone file instead of the DNS\n"
    "      --json           print the result for a program\n"
    "      --help           print this\n"
    "\n"
    "Exit status, of the gravest: 0 delivered, 1 delivered and tagged, 2 quarantined, 3 rejected,\n"
    "75 asked to come again.\n";

#define MANY 20 /* messages, from which on a summary is worth more than each account */

enum {
    OPT_IP = 256,
    OPT_NAME,
    OPT_HELO,
    OPT_FROM,
    OPT_RCPT,
    OPT_AUTH,
    OPT_DAEMON,
    OPT_MTA,
    OPT_AT,
    OPT_SAVE,
    OPT_TRACE,
    OPT_REFERENCE
};

struct check {
    struct ask ask;
    struct check_words words;
    const char *save_path;
    bool trace, with_reference;
    int64_t now; /* 0: the clock's */
    struct check_recorder recorder;
    struct check_case *under_way;
    struct check_messages messages;
    struct fixed_host host;
    struct after bodies; /* of host: keeps bodies for the libraries */
    struct budget copies;
    struct key_set *signing_keys;
    struct reference *reference;
    struct check_reference_counts reference_counts;
    struct json json;
    size_t count[ACTION_COUNT];
};

static bool take_time(struct check *check, const char *text)
{
    unsigned long long seconds;
    if (!str_to_u64(str_of(text), INT64_MAX, &seconds)) {
        fprintf(stderr, "assay check: --at wants seconds since 1970, such as 1700000000\n");
        return false;
    }
    check->now = (int64_t)seconds;
    return true;
}

static bool take_option(struct check *check, int c, const char *argument)
{
    const char **texts[] = {
        [OPT_IP - 256] = &check->words.ip,         [OPT_NAME - 256] = &check->words.name,
        [OPT_HELO - 256] = &check->words.helo,     [OPT_FROM - 256] = &check->words.from,
        [OPT_RCPT - 256] = &check->words.rcpt,     [OPT_AUTH - 256] = &check->words.auth,
        [OPT_DAEMON - 256] = &check->words.daemon, [OPT_MTA - 256] = &check->words.mta,
    };
    if (c >= OPT_IP && c <= OPT_MTA)
        *texts[c - OPT_IP] = argument;
    else if (c == OPT_AT)
        return take_time(check, argument);
    else if (c == OPT_SAVE)
        check->save_path = argument;
    else if (c == OPT_TRACE)
        check->trace = true;
    else if (c == OPT_REFERENCE)
        check->with_reference = true;
    else
        return ask_option(&check->ask, c, argument);
    return true;
}

static int read_words(struct check *check, int argc, char **argv, bool *help)
{
    static const struct option options[] = {{"ip", required_argument, NULL, OPT_IP},
                                            {"name", required_argument, NULL, OPT_NAME},
                                            {"helo", required_argument, NULL, OPT_HELO},
                                            {"from", required_argument, NULL, OPT_FROM},
                                            {"rcpt", required_argument, NULL, OPT_RCPT},
                                            {"auth", required_argument, NULL, OPT_AUTH},
                                            {"daemon", required_argument, NULL, OPT_DAEMON},
                                            {"mta", required_argument, NULL, OPT_MTA},
                                            {"at", required_argument, NULL, OPT_AT},
                                            {"save-dns", required_argument, NULL, OPT_SAVE},
                                            {"trace", no_argument, NULL, OPT_TRACE},
                                            {"reference", no_argument, NULL, OPT_REFERENCE},
                                            ASK_OPTIONS,
                                            {0}};
    struct netaddr address;
    int c;
    optind = 0; /* glibc: begin anew */
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'h')
            *help = true;
        else if (!take_option(check, c, optarg))
            return EX_USAGE;
    }
    if (check->words.ip && !netaddr_parse(str_of(check->words.ip), &address)) {
        fprintf(stderr, "assay check: --ip wants an address such as 192.0.2.1 or 2001:db8::1\n");
        return EX_USAGE;
    }
    if (*help || optind < argc)
        return EX_OK;
    fprintf(stderr,
            "assay check: no message is named: a file, a folder, or - for standard input\n");
    return EX_USAGE;
}

/* Keeps the event for the account. Its answer is held by the message's arena. */
static void keep_event(struct check_case *c, const struct dns_event *event)
{
    struct arena *a = c->arena;
    c->events = arena_extend(a, c->events, c->n_events, &c->events_cap, sizeof *c->events);
    c->events[c->n_events] = *event;
    c->events[c->n_events++].name = str_copy(a, event->name);
}

static void on_event(void *context, const struct dns_event *event)
{
    struct check *check = context;
    if (check->save_path)
        check_recorder_add(&check->recorder, event);
    keep_event(check->under_way, event);
}

static void account(struct check *check, const struct check_case *c)
{
    check->count[c->t->verdict.action]++;
    if (check->ask.json)
        check_json(&check->json, c);
    else if (check->messages.n < MANY)
        check_report(c, isatty(STDOUT_FILENO));
}

/* It was turned away before anything is known of it. */
static void check_unheard(struct check *check, const struct check_case *c,
                          const struct verdict *refusal)
{
    check->count[refusal->action]++;
    fprintf(stderr, "assay check: %.*s: %.*s %.*s\n", STR_ARG(c->input.label),
            STR_ARG(refusal->code), STR_ARG(refusal->text));
}

/* Everything about it, to the answer. */
static void judge(struct check *check, struct check_case *c)
{
    struct check_reference reference;
    c->n_own = c->n_events;
    if (check->with_reference) {
        check_reference_ask(check->reference, &check->reference_counts, c, &reference);
        c->reference = &reference;
    }
    account(check, c);
}

static void check_one(struct check *check, struct check_message input)
{
    const struct session_peer peer = {.context = check, .trace = on_event};
    struct check_case c = {.arena = arena_new(0), .input = input, .trace = check->trace};
    struct dialogue *d = dialogue_new(&check->host.host, &peer);
    check->under_way = &c;
    check_facts(&check->words, &c);
    play_letter(d, &c.letter);
    c.t = d->transaction;
    if (c.t)
        judge(check, &c);
    else
        check_unheard(check, &c, &d->refusal);
    dialogue_free(d);
    arena_free(c.arena);
}

static void progress(const struct check *check, size_t done, int64_t *last)
{
    if (check->messages.n < MANY || !isatty(STDERR_FILENO))
        return;
    int64_t now = clock_us();
    if (done < check->messages.n && now - *last < 200000)
        return;
    *last = now;
    fprintf(stderr, "\r%zu of %zu messages%s", done, check->messages.n,
            done == check->messages.n ? "\n" : "");
}

static void summary(const struct check *check)
{
    if (check->messages.n < MANY || check->ask.json)
        return;
    for (int i = 0; i < ACTION_COUNT; i++) {
        struct verdict v = {.action = (enum action)i};
        printf("%8zu %s\n", check->count[i], check_verdict_words(&v));
    }
    if (check->with_reference)
        check_reference_summary(&check->reference_counts);
}

static int save_dns(struct check *check)
{
    struct str zone = sb_str(&check->recorder.zone);
    FILE *f = fopen(check->save_path, "w");
    bool good = f && fwrite(zone.p, 1, zone.n, f) == zone.n;
    if (f && fclose(f))
        good = false;
    if (!good)
        fprintf(stderr, "assay check: %s: %s\n", check->save_path, strerror(errno));
    return good ? EX_OK : EX_CANTCREAT;
}

static int exit_status(const struct check *check)
{
    static const int statuses[ACTION_COUNT] = {
        [ACTION_ACCEPT] = 0,     [ACTION_TAG] = 1,
        [ACTION_QUARANTINE] = 2, [ACTION_TEMPFAIL] = EX_TEMPFAIL,
        [ACTION_REJECT] = 3,
    };
    for (int i = ACTION_COUNT; i-- > 0;)
        if (check->count[i])
            return statuses[i];
    return 0;
}

/* Keys may be unreadable to whoever asks; then mail of ours is shown unsigned. */
static void load_keys(struct check *check)
{
    struct conf_problems problems;
    conf_problems_init(&problems, check->ask.arena);
    if (!key_set_load(check->ask.conf, &problems, &check->signing_keys))
        for (size_t i = 0; i < problems.n; i++)
            fprintf(stderr, "assay check: without this key: %.*s\n", STR_ARG(problems.v[i]));
}

static bool every_message(void *context, const struct transaction *t)
{
    (void)context, (void)t;
    return true;
}

/* The daemon as it would be with this configuration. */
static void prepare_host(struct check *check)
{
    struct fixed_host *h = &check->host;
    h->now = check->now;
    h->snapshot.conf = check->ask.conf;
    h->snapshot.dns = check->ask.dns;
    h->snapshot.keys = check->signing_keys;
    h->snapshot.key_cache = key_cache_new(check->ask.conf->dkim_key_cache_size);
    h->host.copies = &check->copies;
    check->bodies = (struct after){.name = "bodies", .chooses = every_message, .whole_body = true};
    h->host.after = &check->bodies;
    h->host.n_after = check->reference ? 1 : 0;
}

/* The processes of the field's libraries, if the configuration or --reference wants them. */
static int open_reference(struct check *check)
{
    struct arena *a = check->ask.arena;
    const struct conf *conf = check->ask.conf;
    bool engines = conf->spf_engine != SPF_BY_OWN || conf->dkim_engine != DKIM_BY_OWN;
    struct str problem;
    if (!check->with_reference && !engines)
        return EX_OK;
    check_reference_counts_init(&check->reference_counts, a);
    check->reference = workers_open(conf, a, &problem);
    if (check->reference) {
        check->host.snapshot.engines = reference_engines(conf, check->reference, a);
        return EX_OK;
    }
    fprintf(stderr, "assay check: %.*s\n", STR_ARG(problem));
    return EX_UNAVAILABLE;
}

static int run(struct check *check, int n, char **paths)
{
    int status = ask_open(&check->ask);
    int64_t last = 0;
    if (status == EX_OK)
        status = open_reference(check);
    if (status != EX_OK)
        return status;
    check_recorder_init(&check->recorder, check->ask.arena);
    check->messages.arena = check->ask.arena;
    for (int i = 0; i < n; i++)
        if (!check_input(&check->ask, paths[i], &check->messages))
            status = EX_NOINPUT;
    load_keys(check);
    prepare_host(check);
    if (check->ask.json) {
        json_begin(&check->json, check->ask.arena);
        json_array(&check->json, "messages");
    }
    for (size_t i = 0; i < check->messages.n; i++) {
        check_one(check, check->messages.v[i]);
        progress(check, i + 1, &last);
    }
    summary(check);
    if (check->ask.json) {
        json_end(&check->json, ']');
        json_end(&check->json, '}');
        struct str text = json_str(&check->json);
        fwrite(text.p, 1, text.n, stdout);
    }
    if (check->save_path && save_dns(check) != EX_OK)
        status = EX_CANTCREAT;
    return status != EX_OK ? status : exit_status(check);
}

int command_check(int argc, char **argv)
{
    bool help = false;
    struct check check = {.ask = {.arena = arena_new(0), .command = "assay check"}};
    fixed_host_init(&check.host);
    int status = read_words(&check, argc, argv, &help);
    if (status != EX_OK)
        fputs("\"assay check --help\" tells more\n", stderr);
    else if (help)
        fputs(usage, stdout);
    else
        status = run(&check, argc - optind, argv + optind);
    if (check.reference)
        reference_close(check.reference);
    key_set_free(check.signing_keys);
    key_cache_free(check.host.snapshot.key_cache);
    ask_close(&check.ask);
    return status;
}
