/* edit.h - changes of a message's header. */
#ifndef ASSAY_CORE_EDIT_H
#define ASSAY_CORE_EDIT_H

#include "mail/header.h"

enum edit_kind {
    EDIT_DELETE, /* the ordinal-th field of this name (1: topmost) */
    EDIT_CHANGE, /* the ordinal-th field of this name gets this value */
    EDIT_INSERT, /* on top of all fields */
};

struct edit {
    enum edit_kind kind;
    unsigned ordinal;
    struct str name;
    struct str value; /* with its leading space */
};

struct edit_list {
    size_t n, cap;
    struct edit *v; /* to be carried out in this order */
};

/* The header that the edits make of this one; a list of its own, whose texts are not copied. */
struct header_list edits_apply(struct arena *a, const struct header_list *headers,
                               const struct edit_list *edits);

/* Appends; the texts are not copied. */
void edit_push(struct edit_list *list, struct arena *a, struct edit edit);

#endif
