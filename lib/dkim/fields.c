/* fields.c - the index behind fields.h: fields sorted by name and place, one group for each name.
 *
 * Errors: none. */
#include "dkim/fields.h"

#include <stdlib.h>

struct group {
    struct str name;
    const struct header_field **fields; /* top first */
    size_t n, left;                     /* left: not taken yet, they are the first ones */
};

struct fields {
    struct group *groups; /* by name */
    size_t n;
};

/* By name, then by place: the fields lie in one array. */
static int by_name(const void *a, const void *b)
{
    const struct header_field *f = *(const struct header_field *const *)a;
    const struct header_field *g = *(const struct header_field *const *)b;
    int d = str_cmp_nocase(f->name, g->name);
    return d ? d : (f > g) - (f < g);
}

static int name_to_group(const void *name, const void *group)
{
    return str_cmp_nocase(*(const struct str *)name, ((const struct group *)group)->name);
}

struct fields *fields_new(struct arena *a, const struct header_list *headers)
{
    struct fields *f = arena_make(a, struct fields);
    const struct header_field **sorted = arena_array(a, const struct header_field *, headers->n);
    for (size_t i = 0; i < headers->n; i++)
        sorted[i] = &headers->fields[i];
    if (headers->n)
        qsort(sorted, headers->n, sizeof(const struct header_field *), by_name);
    f->groups = arena_array(a, struct group, headers->n);
    for (size_t i = 0; i < headers->n; i++) {
        if (i == 0 || !str_eq_nocase(sorted[i]->name, sorted[i - 1]->name))
            f->groups[f->n++] = (struct group){.name = sorted[i]->name, .fields = &sorted[i]};
        f->groups[f->n - 1].n++;
    }
    fields_rewind(f);
    return f;
}

static struct group *find_group(struct fields *f, struct str name)
{
    return f->n ? bsearch(&name, f->groups, f->n, sizeof *f->groups, name_to_group) : NULL;
}

const struct header_field *fields_take(struct fields *f, struct str name)
{
    struct group *g = find_group(f, name);
    return g && g->left ? g->fields[--g->left] : NULL;
}

const struct header_field *const *fields_take_all(struct fields *f, struct str name, size_t *n)
{
    struct group *g = find_group(f, name);
    *n = g ? g->left : 0;
    if (g)
        g->left = 0;
    return g ? g->fields : NULL;
}

void fields_rewind(struct fields *f)
{
    for (size_t i = 0; i < f->n; i++)
        f->groups[i].left = f->groups[i].n;
}
