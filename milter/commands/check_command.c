/* check_command.c - `assay check`: its words, the loop over messages, progress and summary.
 *
 * Errors: exit status 64 and what is missing, 66 for a message that cannot be read; those of
 * command.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "keys/keyset.h"
#include "milter/commands/check.h"
#include "milter/commands/commands.h"
#include "milter/commands/terminal.h"
#include "milter/daemon/workers.h"

#define MANY 20 /* messages, from which on a summary is worth more than each account */

/* The command's own. */
struct check {
    struct command *command;
    struct check_words words;
    const char *save_path;
    bool trace, explain, with_reference, data_only;
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

static const struct command_option check_options[] = {
    OPTION("ip", "ADDRESS", take_address, struct check, words.ip, "the client's address"),
    OPTION("name", "NAME", take_text, struct check, words.name,
           "the client's name, as the MTA found it"),
    OPTION("helo", "NAME", take_text, struct check, words.helo, "what the client said in HELO"),
    OPTION("from", "SENDER", take_text, struct check, words.from, "MAIL FROM; empty for a bounce"),
    OPTION("rcpt", "RECIPIENT", take_text, struct check, words.rcpt, "the first recipient"),
    OPTION("auth", "USER", take_text, struct check, words.auth,
           "the user that the client authenticated as"),
    OPTION("daemon", "NAME", take_text, struct check, words.daemon,
           "the MTA's service ({daemon_name}), such as MSA"),
    OPTION("mta", "NAME", take_text, struct check, words.mta,
           "what the MTA calls itself in Received ({j}); default: authserv-id"),
    OPTION("save-dns", "FILE", take_text, struct check, save_path,
           "write the DNS answers to a zone file for --dns"),
    OPTION("trace", NULL, take_flag, struct check, trace, "print every look-up with its answer"),
    OPTION("explain", NULL, take_flag, struct check, explain,
           "print for each ARC set what holds, what is broken, and which sealer is trusted"),
    OPTION("data-only", NULL, take_flag, struct check, data_only,
           "print what the answer at DATA would be, before the message comes"),
    OPTION("reference", NULL, take_flag, struct check, with_reference,
           "ask libspf2, libopendkim and libopendmarc too, and say where they differ"),
    {0},
};

/* Keeps the event for the account. Its answer is held by the message's arena. */
static void keep_event(const struct conf *conf, struct check_case *c, const struct dns_event *event)
{
    struct arena *a = c->arena;
    c->events = arena_extend(a, c->events, c->n_events, &c->events_cap, sizeof *c->events);
    c->events[c->n_events] = *event;
    c->events[c->n_events++].name =
        str_copy(a, conf_public_name(conf, event->name, a)); /* keys of lists are secrets */
}

static void on_event(void *context, const struct dns_event *event)
{
    struct check *check = context;
    if (check->save_path)
        check_recorder_add(&check->recorder, event);
    keep_event(check->command->conf, check->under_way, event);
}

static void account(struct check *check, const struct check_case *c)
{
    check->count[c->t->verdict.action]++;
    if (check->command->json)
        check_json(&check->json, c);
    else if (check->messages.n < MANY)
        check_report(c, terminal_has_colours(STDOUT_FILENO));
}

/* It was turned away before anything was known of it. */
static void check_unheard(struct check *check, const struct check_case *c,
                          const struct verdict *refusal)
{
    check->count[refusal->action]++;
    command_fail(check->command, EX_OK, "%.*s: %.*s %.*s", STR_ARG(c->input.label),
                 STR_ARG(refusal->code), STR_ARG(refusal->text));
}

/* Everything about it, to the answer. */
static void judge_message(struct check *check, struct check_case *c)
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
    struct check_case c = {
        .arena = arena_new(0), .input = input, .trace = check->trace, .explain = check->explain};
    struct dialogue *d = dialogue_new(&check->host.host, &peer);
    check->under_way = &c;
    check_facts(&check->words, &c);
    c.letter.envelope_only = check->data_only;
    play_letter(d, &c.letter);
    c.t = d->transaction;
    if (c.t)
        judge_message(check, &c);
    else
        check_unheard(check, &c, &d->refusal);
    dialogue_free(d);
    arena_free(c.arena);
}

static void tell_progress(const struct check *check, size_t done, int64_t *last)
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
    if (check->messages.n < MANY || check->command->json)
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

/* The calling user may have no right to read the keys; then mail of ours is shown unsigned. */
static void load_keys(struct check *check)
{
    struct conf_problems problems;
    conf_problems_init(&problems, check->command->arena);
    if (!key_set_load(check->command->conf, &problems, &check->signing_keys))
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
    h->now = check->command->now;
    h->snapshot.conf = check->command->conf;
    h->snapshot.dns = check->command->dns;
    h->snapshot.keys = check->signing_keys;
    h->snapshot.key_cache = key_cache_new(check->command->conf->dkim_key_cache_size);
    h->host.copies = &check->copies;
    check->bodies = (struct after){.name = "bodies", .chooses = every_message, .whole_body = true};
    h->host.after = &check->bodies;
    h->host.n_after = check->reference ? 1 : 0;
}

/* The processes of the field's libraries, if the configuration or --reference wants them. */
static int open_reference(struct check *check)
{
    struct arena *a = check->command->arena;
    const struct conf *conf = check->command->conf;
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

static int check_all(struct check *check)
{
    struct command *c = check->command;
    int64_t last = 0;
    int status = EX_OK;
    check_recorder_init(&check->recorder, c->arena);
    check->messages.arena = c->arena;
    for (int i = 0; i < c->n_words; i++)
        if (!check_input(c, c->words[i], &check->messages))
            status = EX_NOINPUT;
    load_keys(check);
    prepare_host(check);
    if (c->json) {
        json_begin(&check->json, c->arena);
        json_array(&check->json, "messages");
    }
    for (size_t i = 0; i < check->messages.n; i++) {
        check_one(check, check->messages.v[i]);
        tell_progress(check, i + 1, &last);
    }
    summary(check);
    if (c->json) {
        json_end(&check->json, ']');
        command_print_json(&check->json);
    }
    if (check->save_path && save_dns(check) != EX_OK)
        status = EX_CANTCREAT;
    return status != EX_OK ? status : exit_status(check);
}

static int check_run(struct command *c)
{
    struct check *check = c->own;
    check->command = c;
    fixed_host_init(&check->host);
    int status = command_open(c);
    if (status == EX_OK)
        status = open_reference(check);
    if (status == EX_OK)
        status = check_all(check);
    if (check->reference)
        reference_close(check->reference);
    key_set_free(check->signing_keys);
    key_cache_free(check->host.snapshot.key_cache);
    return status;
}

const struct command_row check_command = {
    .name = "check",
    .brief = "what would be done with a saved message, and why",
    .words = "MESSAGE...",
    .options = check_options,
    .common = COMMON_CONF | COMMON_DNS | COMMON_JSON | COMMON_AT,
    .size = sizeof(struct check),
    .run = check_run,
    .about =
        "Says what the daemon would do with saved messages under the configuration in force, and "
        "why: SPF, each signature, DMARC, policy, header fields. MESSAGE is a file, an mbox, a "
        "Maildir, a folder, or - for standard input. What the options do not say comes from the "
        "message.",
    .status =
        "0 delivered, 1 delivered and tagged, 2 quarantined, 3 rejected, 75 asked to come again: "
        "for several messages that of the gravest.",
};
