/* tool.c - puts cases to our libraries and to the field's, for tests/reference/run.
 *
 *   reference_tool PROGRAM       PROGRAM: assay-reference
 *   reference_tool classes       prints the classes of disagreement, their library, decision and
 *                                section, separated by TAB, and ends
 *
 * On standard input comes a line with a word and a length, and so many bytes; fields in them are
 * separated by NUL:
 *
 *   zone LENGTH      zone text for the cases that follow
 *   spf LENGTH       client, HELO, local part, domain, receiver; the most queries, or nothing
 *   dkim LENGTH      the time in seconds since 1970, the message
 *   dmarc LENGTH     author domain, and for each identifier "spf|dkim pass|fail|unknown DOMAIN"
 *
 * For each case a line goes out, its fields separated by TAB: the status of the report, our result,
 * theirs, the classes of the differences ("-": none), microseconds and questions of the worker, and
 * words for people, which begin with "either" if DMARC's outcome is the same by the tree walk and
 * by the list of public suffixes, else with "walk". Several results, of signatures, are separated
 * by commas. First comes a line with the versions of the three libraries.
 *
 * Errors: what cannot be understood ends the program with status 1 and a message. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void tool_die(const char *what)
{
    fprintf(stderr, "reference_tool: %s\n", what);
    exit(1);
}

struct str tool_field(struct str *rest)
{
    struct str field;
    if (!str_split(rest, '\0', &field))
        tool_die("too few fields");
    return field;
}

static void keep_event(void *context, const struct dns_event *event)
{
    struct tool *t = context;
    t->events = arena_extend(t->arena, t->events, t->n_events, &t->events_cap, sizeof *t->events);
    t->events[t->n_events] = *event;
    t->events[t->n_events++].name = str_copy(t->arena, event->name);
}

static void set_zone(struct tool *t, struct str text)
{
    struct str problem;
    if (t->dns)
        dns_close(t->dns);
    t->dns = dns_open_zone(text, t->arena, &problem);
    if (!t->dns) {
        fprintf(stderr, "zone: %.*s\n", STR_ARG(problem));
        tool_die("no zone");
    }
}

static void begin_case(struct tool *t)
{
    t->n_events = t->events_cap = 0;
    t->events = NULL;
    t->asker = (struct dns_asker){
        .dns = t->dns,
        .arena = t->arena,
        .patience_us = 20000000,
        .trace = keep_event,
        .trace_context = t,
    };
    reference_differences_init(&t->differences, t->arena);
}

struct reference_facts tool_facts(const struct tool *t)
{
    return (struct reference_facts){.events = t->events, .n_events = t->n_events};
}

void tool_answer(struct tool *t, const struct reference_report *report, struct str ours,
                 struct str theirs, struct str words)
{
    struct strbuf b;
    const struct reference_differences *d = &t->differences;
    sb_init(&b, t->arena);
    for (size_t i = 0; i < d->n; i++)
        sb_printf(&b, "%s%s", i ? "," : "", d->v[i].class ? d->v[i].class->id : "unlisted");
    printf("%s\t%.*s\t%.*s\t%.*s\t%lld\t%u\t%.*s%s%.*s\n", reference_status_name(report->status),
           STR_ARG(ours), STR_ARG(theirs), STR_ARG(d->n ? sb_str(&b) : STR("-")),
           (long long)report->took_us, report->questions, STR_ARG(words),
           report->reason.n ? "; they: " : "", STR_ARG(report->reason));
}

static void play(struct tool *t, struct str verb, struct str data)
{
    if (str_eq(verb, STR("zone"))) {
        set_zone(t, data);
        return;
    }
    if (!t->dns)
        tool_die("a case before the zone");
    begin_case(t);
    if (str_eq(verb, STR("spf")))
        tool_spf(t, data);
    else if (str_eq(verb, STR("dkim")))
        tool_dkim(t, data);
    else if (str_eq(verb, STR("dmarc")))
        tool_dmarc(t, data);
    else
        tool_die("an unknown word");
    fflush(stdout);
}

static bool read_command(struct arena *a, struct str *verb, struct str *data)
{
    char line[64], word[16];
    size_t n;
    if (!fgets(line, sizeof line, stdin))
        return false;
    if (sscanf(line, "%15s %zu", word, &n) != 2)
        tool_die("no word with a length");
    char *p = arena_alloc(a, n);
    if (fread(p, 1, n, stdin) != n)
        tool_die("a case is cut short");
    *verb = str_copy(a, str_of(word));
    *data = (struct str){p, n};
    return true;
}

static int print_classes(void)
{
    const struct reference_class *c;
    for (size_t i = 0; (c = reference_class_at(i)) != NULL; i++)
        printf("%s\t%s\t%s\t%s\n", c->id, reference_library_name(c->library),
               reference_decision_name(c->decision), c->section);
    return 0;
}

int main(int argc, char **argv)
{
    struct str problem, verb, data;
    if (argc != 2)
        tool_die("usage: reference_tool PROGRAM|classes");
    if (strcmp(argv[1], "classes") == 0)
        return print_classes();
    struct arena *a = arena_new(0);
    struct tool t = {.arena = arena_new(0), .keys = key_cache_new(1 << 20)};
    const struct reference_settings settings = {
        .program = argv[1], .workers = 1, .time_limit_ms = 30000};
    t.reference = reference_open(&settings, a, &problem);
    t.psl = t.reference ? psl_open(a, STR(""), &problem) : NULL;
    if (!t.psl) {
        fprintf(stderr, "%s: %.*s\n", argv[1], STR_ARG(problem));
        return 1;
    }
    for (int i = 0; i < REFERENCE_LIBRARY_COUNT; i++)
        printf("%s%s", i ? "\t" : "",
               reference_library_version(t.reference, (enum reference_library)i));
    puts("");
    while (read_command(t.arena, &verb, &data)) {
        play(&t, verb, data);
        arena_reset(t.arena);
    }
    arena_free(t.arena);
    key_cache_free(t.keys);
    if (t.dns)
        dns_close(t.dns);
    reference_close(t.reference);
    arena_free(a);
    return fflush(stdout) == 0 ? 0 : 1;
}
