/* report_own_command.c - `assay report own`: what this host did with mail from outside, by day:
 * messages with a DMARC record, which have rows, and those without, which are tallied.
 *
 * Errors: exit status 75 if the store cannot be opened, 78 for the configuration. */
#include <stdlib.h>
#include <string.h>

#include "milter/commands/commands.h"
#include "milter/commands/owner.h"
#include "milter/commands/report.h"
#include "milter/commands/report_out.h"
#include "milter/daemon/memory.h"
#include "store/rows.h"

struct own {
    int64_t since;
};

struct entry {
    int64_t day;
    bool record;
    struct str name;
    uint64_t messages;
};

struct own_listing {
    struct command *c;
    size_t n, cap;
    struct entry *v;
};

/* --- Reading -----------------------------------------------------------------------------------*/

static void add_entry(struct own_listing *l, const struct entry *entry)
{
    l->v = arena_extend(l->c->arena, l->v, l->n, &l->cap, sizeof *l->v);
    l->v[l->n++] = *entry;
}

static bool add_rows(void *listing, int64_t day, enum row_disposition disposition,
                     uint64_t messages)
{
    static const struct str names[] = {
        [ROW_NONE] = STR_INIT("none"),
        [ROW_PASS] = STR_INIT("pass"),
        [ROW_QUARANTINE] = STR_INIT("quarantine"),
        [ROW_REJECT] = STR_INIT("reject"),
    };
    add_entry(listing, &(struct entry){day, true, names[disposition], messages});
    return true;
}

static bool add_tally(void *listing, int64_t day, struct str name, uint64_t messages)
{
    struct own_listing *l = listing;
    struct str clean = str_safe(l->c->arena, name, 100, true);
    add_entry(l, &(struct entry){day, false, clean, messages});
    return true;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    if (x->record != y->record)
        return x->record ? -1 : 1;
    return str_cmp_nocase(x->name, y->name);
}

/* Rows differ in more than what became of the message: one entry for each of that. */
static void join_entries(struct own_listing *l)
{
    size_t n = 0;
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, compare_entries);
    for (size_t i = 0; i < l->n; i++) {
        if (n && compare_entries(&l->v[n - 1], &l->v[i]) == 0)
            l->v[n - 1].messages += l->v[i].messages;
        else
            l->v[n++] = l->v[i];
    }
    l->n = n;
}

static int read_entries(struct own_listing *l)
{
    const struct own *own = l->c->own;
    struct str problem = STR_NONE;
    int64_t from = own->since ? rows_day(own->since) : 0, to = INT64_MAX;
    struct rows_reader *reader =
        rows_reader_open(memory_rows_path(l->c->conf, l->c->arena), l->c->arena, &problem);
    if (!reader)
        return command_no_store(l->c, problem);
    bool good = rows_read_dispositions(reader, from, to, add_rows, l) &&
                rows_read_tallies(reader, from, to, add_tally, l);
    int status =
        good ? EX_OK
             : command_fail(l->c, EX_TEMPFAIL, "%.*s", STR_ARG(rows_reader_problem(reader)));
    rows_reader_close(reader);
    return status;
}

/* --- Telling -----------------------------------------------------------------------------------*/

static void print_json(const struct own_listing *l)
{
    struct json j;
    char day[REPORT_DAY_TEXT];
    json_begin_array(&j, l->c->arena);
    for (size_t i = 0; i < l->n; i++) {
        json_object(&j, NULL);
        json_text(&j, "day", str_of(report_day_text(l->v[i].day * 86400, day)));
        json_bool(&j, "record", l->v[i].record);
        json_text(&j, "name", l->v[i].name);
        json_number(&j, "messages", (int64_t)l->v[i].messages);
        json_end(&j, '}');
    }
    command_print_json_list(&j);
}

static void print_text(const struct own_listing *l)
{
    char day[REPORT_DAY_TEXT];
    for (size_t i = 0; i < l->n; i++)
        printf("%s  %-16s  %-20.*s %10llu\n", report_day_text(l->v[i].day * 86400, day),
               l->v[i].record ? "with a record" : "without a record", STR_ARG(l->v[i].name),
               (unsigned long long)l->v[i].messages);
    if (!l->n)
        printf("nothing was counted\n");
}

static int own_run(struct command *c)
{
    struct own_listing l = {.c = c};
    int status = command_load_conf(c);
    if (status == EX_OK)
        status = command_become_owner(c);
    if (status == EX_OK)
        status = read_entries(&l);
    if (status != EX_OK)
        return status;
    join_entries(&l);
    if (c->json)
        print_json(&l);
    else
        print_text(&l);
    return EX_OK;
}

static const struct command_option options[] = {
    OPTION("since", "TIME", take_since, struct own, since,
           "from this day on: 30d, 12h, or a point of time; default: all that is kept"),
    {0},
};

const struct command_row report_own_command = {
    .name = "own",
    .brief = "what this host did with mail from outside, by day",
    .options = options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct own),
    .run = own_run,
    .about = "Prints how many messages were counted on each day (UTC). Those whose author domain "
             "has a DMARC record, by the disposition in our reports: none, pass, quarantine, "
             "reject. Those without, by the result of DMARC, or the command at which "
             "they were refused, and the action: none/accept, at-rcpt/reject.",
    .notes = "A message with several authors is counted for each that has a record.",
    .status = "0; 75 the store cannot be opened now; 78 the configuration.",
};
