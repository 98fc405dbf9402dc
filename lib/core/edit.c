/* edit.c - a list of edits grows, and is carried out on a copy of a header.
 *
 * Errors: none; an edit of a field that is not there does nothing. */
#include "core/edit.h"

#include <string.h>

void edit_push(struct edit_list *list, struct arena *a, struct edit edit)
{
    list->v = arena_extend(a, list->v, list->n, &list->cap, sizeof *list->v);
    list->v[list->n++] = edit;
}

/* The place of the ordinal-th field of this name; n: there is none. */
static size_t place_of(const struct header_list *list, const struct edit *e)
{
    unsigned ordinal = 0;
    for (size_t i = 0; i < list->n; i++)
        if (str_eq_nocase(list->fields[i].name, e->name) && ++ordinal == e->ordinal)
            return i;
    return list->n;
}

static void apply_in_place(struct header_list *list, const struct edit *e)
{
    size_t at = place_of(list, e);
    if (at == list->n)
        return;
    if (e->kind == EDIT_CHANGE) {
        list->fields[at].value = e->value;
        return;
    }
    list->n--;
    memmove(&list->fields[at], &list->fields[at + 1], (list->n - at) * sizeof *list->fields);
}

struct header_list edits_apply(struct arena *a, const struct header_list *headers,
                               const struct edit_list *edits)
{
    struct header_list kept = *header_list_view(a, headers), out;
    size_t cap = headers->n + edits->n;
    header_list_init(&out, a);
    out.fields = arena_array(a, struct header_field, cap);
    out.cap = cap;
    for (size_t i = 0; i < edits->n; i++)
        if (edits->v[i].kind != EDIT_INSERT)
            apply_in_place(&kept, &edits->v[i]);
    for (size_t i = edits->n; i-- > 0;)
        if (edits->v[i].kind == EDIT_INSERT)
            out.fields[out.n++] =
                (struct header_field){.name = edits->v[i].name, .value = edits->v[i].value};
    for (size_t i = 0; i < kept.n; i++)
        out.fields[out.n++] = kept.fields[i];
    return out;
}
