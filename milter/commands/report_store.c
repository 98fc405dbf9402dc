/* report_store.c - opens the store of received reports for the commands.
 *
 * Errors: an exit status after a complaint. */
#include <string.h>
#include <time.h>

#include "base/instant.h"
#include "conf/value.h"
#include "keys/tables.h"
#include "milter/commands/owner.h"
#include "milter/commands/report.h"
#include "milter/daemon/memory.h"

static int prepare_store(struct command *c)
{
    int status = c->conf ? EX_OK : command_load_conf(c);
    return status == EX_OK ? command_become_owner(c) : status;
}

int report_open_write(struct command *c, struct received **store)
{
    struct str problem;
    int status = prepare_store(c);
    if (status != EX_OK)
        return status;
    *store = received_open(memory_received_path(c->conf, c->arena), c->arena, &problem);
    return *store ? EX_OK : command_no_store(c, problem);
}

int report_open_read(struct command *c, struct received **store)
{
    struct str problem;
    int status = prepare_store(c);
    if (status != EX_OK)
        return status;
    *store = received_open_read(memory_received_path(c->conf, c->arena), c->arena, &problem);
    return *store || !problem.n ? EX_OK : command_no_store(c, problem);
}

struct str report_store_name(const struct command *c)
{
    return memory_store_is_shared(c->conf) ? rows_title(c->conf->store, c->arena)
                                           : STR("received.db");
}

int report_store_failed(struct command *c, struct received *store)
{
    return command_fail(c, EX_TEMPFAIL, "%.*s: %.*s", STR_ARG(report_store_name(c)),
                        STR_ARG(received_problem(store)));
}

/* --- Our domains -------------------------------------------------------------------------------*/

static void add_domain(struct command *c, struct conf_strings *list, size_t *cap, struct str name)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i], name))
            return;
    list->v = arena_extend(c->arena, list->v, list->n, cap, sizeof *list->v);
    list->v[list->n++] = name;
}

/* The table may be nobody's to read but the daemon's: then `reports.domains` has to say it. */
static void add_key_table(struct command *c, struct conf_strings *list, size_t *cap)
{
    struct conf_problems problems;
    struct table table;
    struct str path, problem;
    struct key_row row;
    bool patterns;
    if (!c->conf->key_table.n || !conf_table_path(c->conf->key_table, &path, &patterns))
        return;
    FILE *f = fopen(str_cstr(c->arena, path), "re");
    if (!f)
        return;
    char *text = arena_alloc(c->arena, 1U << 20);
    size_t n = fread(text, 1, 1U << 20, f);
    fclose(f);
    conf_problems_init(&problems, c->arena);
    table_parse((struct str){text, n}, "key-table", c->arena, &problems, &table);
    for (size_t i = 0; i < table.n; i++)
        if (key_row_parse(table.rows[i].value, c->arena, &row, &problem) &&
            !str_eq(row.domain, STR("%")))
            add_domain(c, list, cap, row.domain);
}

const struct conf_strings *report_domains(struct command *c)
{
    if (c->conf->reports_domains.set)
        return &c->conf->reports_domains;
    struct conf_strings *list = arena_make(c->arena, struct conf_strings);
    size_t cap = 0;
    for (size_t i = 0; i < c->conf->n_signing; i++)
        add_domain(c, list, &cap, c->conf->signing[i].domain);
    add_key_table(c, list, &cap);
    list->all = !list->n; /* nobody said which are ours */
    return list;
}

/* --- Times -------------------------------------------------------------------------------------*/

const char *take_since(struct command *c, const char *text, void *to)
{
    static const char units[] = "smhdwy";
    static const int64_t seconds[] = {1, 60, 3600, 86400, 7 * 86400, 365 * 86400};
    struct str s = str_of(text);
    unsigned long long n;
    const char *unit = s.n > 1 ? strchr(units, s.p[s.n - 1]) : NULL;
    if (unit && str_to_u64(str_sub(s, 0, s.n - 1), 100000, &n)) {
        *(int64_t *)to = (int64_t)time(NULL) - (int64_t)n * seconds[unit - units];
        return NULL;
    }
    bool days = str_to_u64(s, 99999, &n) && n > 0; /* "30", and not the first hours of 1970 */
    if (!days &&
        (instant_parse(str_printf(c->arena, "%sT00:00:00Z", text), to) || !take_time(c, text, to)))
        return NULL;
    return "is no time: wanted is 30d, 12h, 2026-11-29, 2026-11-29T20:00:00Z, or seconds since "
           "1970";
}
