/* forged_tell.c - how the results of the search for forged fields are told.
 *
 * Errors: none. */
#include "base/counters.h"
#include "core/stage.h"

static void delete_all(const struct telling *t, struct str name, const unsigned *ordinals, size_t n,
                       struct edit_list *out)
{
    while (n-- > 0)
        edit_push(out, t->arena,
                  (struct edit){.kind = EDIT_DELETE, .ordinal = ordinals[n], .name = name});
}

static void forged_edits(const struct telling *t, struct edit_list *out)
{
    const struct evidence_forged *e = &t->evidence->forged;
    delete_all(t, STR("Authentication-Results"), e->ordinals, e->n, out);
    delete_all(t, STR("Received-SPF"), e->received_spf, e->n_received_spf, out);
    delete_all(t, STR("X-Assay-Gate"), e->gate, e->n_gate, out);
}

static size_t removed(const struct evidence_forged *e)
{
    return e->n + e->n_received_spf + e->n_gate;
}

static void forged_log(const struct telling *t, struct strbuf *b)
{
    const struct evidence_forged *e = &t->evidence->forged;
    if (removed(e))
        sb_printf(b, " forged-removed=%zu", removed(e));
    if (e->too_many)
        sb_add(b, STR(" over-limit=forged"));
}

static void forged_count(const struct telling *t)
{
    const struct evidence_forged *e = &t->evidence->forged;
    counter_add(CTR_FORGED_REMOVED, removed(e));
    counter_add(CTR_FORGED_REFUSED, e->too_many);
}

const struct stage_telling telling_forged = {
    .log = forged_log, .count = forged_count, .edits = forged_edits};
