/* edit.c - a list of edits grows.
 *
 * Errors: none. */
#include "core/edit.h"

void edit_push(struct edit_list *list, struct arena *a, struct edit edit)
{
    list->v = arena_extend(a, list->v, list->n, &list->cap, sizeof *list->v);
    list->v[list->n++] = edit;
}
