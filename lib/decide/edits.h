/* edits.h - the header edits that evidence and verdict call for. Pure. */
#ifndef ASSAY_DECIDE_EDITS_H
#define ASSAY_DECIDE_EDITS_H

#include "decide/policy.h"

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
    size_t n;
    struct edit *v; /* to be carried out in this order */
};

/* Deletions come first, then changes, then insertions. Deletions come highest ordinal first:
 * Postfix renumbers after each one and Sendmail does not. Insertions come lowest first, so that
 * Authentication-Results ends on top. */
void edits_plan(const struct conf *conf, const struct session *session,
                const struct message *message, const struct evidence *evidence,
                const struct verdict *verdict, struct arena *a, struct edit_list *out);

#endif
