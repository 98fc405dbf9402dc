/* kinds.c - the tables of the kinds of files and of their settings.
 *
 * Errors: none. */
#include "migrate/migration.h"
#include "migrate/notes.h"

#define CARRIED                                  MIGRATE_CARRIED
#define CHANGED                                  MIGRATE_CHANGED
#define LEFT                                     MIGRATE_LEFT
#define MIGRATE(name, def, fate, take, to, note) {name, def, fate, take, to, note},

static const struct migrate_row opendkim_rows[] = {
#include "migrate/opendkim.def"
};
static const struct migrate_row opendmarc_rows[] = {
#include "migrate/opendmarc.def"
};
static const struct migrate_row openarc_rows[] = {
#include "migrate/openarc.def"
};
static const struct migrate_row dkim_filter_rows[] = {
#include "migrate/dkim_filter.def"
};
static const struct migrate_row dkimproxy_rows[] = {
#include "migrate/dkimproxy.def"
};
static const struct migrate_row policyd_spf_rows[] = {
#include "migrate/policyd_spf.def"
};
static const struct migrate_row smf_spf_rows[] = {
#include "migrate/smf_spf.def"
};
static const struct migrate_row postgrey_rows[] = {
#include "migrate/postgrey.def"
};
static const struct migrate_row sqlgrey_rows[] = {
#include "migrate/sqlgrey.def"
};
static const struct migrate_row tumgreyspf_rows[] = {
#include "migrate/tumgreyspf.def"
};
static const struct migrate_row postsrsd1_rows[] = {
#include "migrate/postsrsd1.def"
};
static const struct migrate_row postsrsd2_rows[] = {
#include "migrate/postsrsd2.def"
};

#define KIND(rows, name, syntax, finish, files, title)                                             \
    {name, title, files, syntax, rows##_rows, sizeof rows##_rows / sizeof rows##_rows[0],          \
     NULL, finish},
#define LIST(name, whole, files, title) {name, title, files, SYNTAX_LIST, NULL, 0, whole, NULL},

const struct migrate_kind migrate_kind_table[] = {
#include "migrate/kinds.def"
};
#define N_KINDS (sizeof migrate_kind_table / sizeof migrate_kind_table[0])

size_t migrate_kinds(void)
{
    return N_KINDS;
}

struct migrate_kind_view migrate_kind_at(size_t kind)
{
    const struct migrate_kind *k = &migrate_kind_table[kind];
    return (struct migrate_kind_view){k->name, k->title, k->n};
}

struct migrate_option_view migrate_option_at(size_t kind, size_t option)
{
    const struct migrate_row *row = &migrate_kind_table[kind].rows[option];
    return (struct migrate_option_view){row->name, row->fate, row->to, row->note};
}

size_t migrate_kind_find(struct str name)
{
    size_t i = 0;
    while (i < N_KINDS && !str_eq_nocase(name, str_of(migrate_kind_table[i].name)))
        i++;
    return i;
}

const struct migrate_row *row_find(const struct migrate_kind *kind, struct str name)
{
    for (size_t i = 0; i < kind->n; i++)
        if (str_eq_nocase(name, str_of(kind->rows[i].name)))
            return &kind->rows[i];
    return NULL;
}
