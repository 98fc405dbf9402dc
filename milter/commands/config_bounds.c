/* config_bounds.c - the bounds of memory (milter/daemon/bounds.h) as a table, or for a program.
 *
 * Errors: none. */
#include "milter/commands/config_bounds.h"

#include <stdio.h>

#include "milter/daemon/bounds.h"

#define PART_WIDTH 34
#define MB         1048576.0

static void print_bound(const struct bound *b)
{
    printf("%-*s %9.1f MB  %s\n", PART_WIDTH, b->part, (double)b->bytes / MB,
           b->option ? b->option : "-");
    printf("    %.*s\n", STR_ARG(b->formula));
}

static void print_table(const struct bounds *bounds)
{
    printf("%-*s %12s  %s\n", PART_WIDTH, "The daemon takes at most, of", "", "set by");
    for (size_t i = 0; i < bounds->n; i++)
        print_bound(&bounds->parts[i]);
    printf("%-*s %9.1f MB\n\n", PART_WIDTH, "in all", (double)bounds->sum / MB);
    printf("Other processes, while they run:\n");
    for (size_t i = 0; i < bounds->n_others; i++)
        print_bound(&bounds->others[i]);
}

static void add_bounds(struct json *j, const char *name, const struct bound *list, size_t n)
{
    json_array(j, name);
    for (size_t i = 0; i < n; i++) {
        json_object(j, NULL);
        json_text(j, "part", str_of(list[i].part));
        json_text(j, "option", str_of(list[i].option));
        json_text(j, "formula", list[i].formula);
        json_number(j, "bytes", (int64_t)list[i].bytes);
        json_end(j, '}');
    }
    json_end(j, ']');
}

void config_show_bounds(struct command *command, const struct conf *conf)
{
    struct bounds *bounds = arena_make(command->arena, struct bounds);
    struct json j;
    bounds_of(conf, command->arena, bounds);
    if (!command->json) {
        print_table(bounds);
        return;
    }
    json_begin(&j, command->arena);
    add_bounds(&j, "parts", bounds->parts, bounds->n);
    json_number(&j, "sum", (int64_t)bounds->sum);
    add_bounds(&j, "others", bounds->others, bounds->n_others);
    command_print_json(&j);
}
