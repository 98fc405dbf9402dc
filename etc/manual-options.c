/* manual-options.c - keeps the lists of options in assay.conf(5) and assay-migrate(7) in step with
 * lib/conf/options.def and those of lib/migrate.
 *
 *   assay-manual-options < etc/assay.conf.5
 *
 * Copies a manual to standard output, with the lines between the two marks replaced by the list as
 * the program knows it. A test compares both; `ninja manual` writes the lists anew.
 *
 * Errors: exit status 1 if the marks are missing. */
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "migrate/migrate.h"

static const char end_mark[] = ".\\\" End of the options.";

static void print_default(const struct conf_option_row *row)
{
    if (row->def && *row->bounds)
        printf("Default: %s; allowed: %s.\n", row->def, row->bounds);
    else if (row->def)
        printf("Default: %s.\n", row->def);
    else if (!strstr(row->help, "default:") && !strstr(row->help, "absent:"))
        printf("Default: none.\n");
}

static void print_options(void)
{
    size_t n;
    const char *section = "";
    struct arena *a = arena_new(0);
    const struct conf_option_row *rows = conf_option_rows(a, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].section, section) != 0)
            printf("%s.Ss %s\n.Bl -tag -width Ds\n", i ? ".El\n" : "", rows[i].section);
        section = rows[i].section;
        printf(".It Ic %s No = Ar %s\n%s\n", rows[i].name, rows[i].type, rows[i].help);
        print_default(&rows[i]);
    }
    printf(".El\n");
    arena_free(a);
}

static void print_settings(size_t kind)
{
    struct migrate_kind_view view = migrate_kind_at(kind);
    printf(".Ss %s\n.Bl -tag -width Ds\n", view.title);
    for (size_t i = 0; i < view.n; i++) {
        struct migrate_option_view o = migrate_option_at(kind, i);
        printf(".It Ic %s No : %s\n", o.name, migrate_fate_name(o.fate));
        if (*o.to)
            printf(".Ic %s%s\n", o.to, *o.note ? " ;" : " .");
        if (*o.note)
            printf("%s.\n", o.note);
    }
    printf(".El\n");
}

static void print_migration(void)
{
    for (size_t i = 0; i < migrate_kinds(); i++)
        if (migrate_kind_at(i).n)
            print_settings(i);
}

static const struct list {
    const char *mark;
    void (*print)(void);
} lists[] = {
    {".\\\" Options: written by ninja manual.", print_options},
    {".\\\" Settings: written by ninja manual.", print_migration},
};

static bool is_line(const char *line, const char *mark)
{
    size_t n = strlen(mark);
    return strncmp(line, mark, n) == 0 && line[n] == '\n';
}

/* Prints the list that the line is the mark of. */
static bool begins_list(const char *line)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (is_line(line, lists[i].mark)) {
            lists[i].print();
            return true;
        }
    }
    return false;
}

int main(void)
{
    char line[4096];
    int marks = 0;
    while (fgets(line, sizeof line, stdin)) {
        if (is_line(line, end_mark) && marks == 1)
            marks = 2;
        if (marks != 1)
            fputs(line, stdout);
        if (marks == 0 && begins_list(line))
            marks = 1;
    }
    if (marks != 2)
        fprintf(stderr, "assay-manual-options: the marks around the options are missing\n");
    return marks == 2 ? 0 : 1;
}
