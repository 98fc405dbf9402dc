/* edits.c - the header fields that assay removes and writes.
 *
 * Errors: none; every value is well-formed whatever the evidence holds, because the writers of
 * lib/mail quote and clean. */
#include "decide/edits.h"

#include "core/stage.h"
#include "decide/gatefield.h"

static struct str results_of_stages(const struct telling *t, struct authres *w)
{
    for (const struct stage *const *s = t->stages; *s; s++)
        if ((*s)->telling->header)
            (*s)->telling->header(t, w);
    return authres_end(w);
}

static struct str authentication_results(const struct telling *t)
{
    struct authres w;
    authres_begin(&w, t->arena, t->conf->authserv_id);
    return results_of_stages(t, &w);
}

struct str edits_sealed_results(const struct telling *t, unsigned instance)
{
    struct authres w;
    authres_begin_sealed(&w, t->arena, t->conf->authserv_id, instance);
    return results_of_stages(t, &w);
}

/* Nothing was looked at but the chain, and that only if nothing had been said of it. */
struct str edits_forwarded_results(const struct telling *t, unsigned instance)
{
    const struct evidence_arc *arc = &t->evidence->arc;
    struct authres w;
    authres_begin_sealed(&w, t->arena, t->conf->authserv_id, instance);
    authres_copy(&w, &arc->believed);
    if (!arc->told_before)
        stage_arc.telling->header(t, &w);
    return authres_end(&w);
}

static struct str auth_result(const struct conf *conf, const struct message *message,
                              struct arena *a)
{
    struct authres w;
    authres_begin(&w, a, conf->authserv_id);
    authres_result(&w, STR("auth"), STR("pass"), STR_NONE);
    authres_property(&w, "smtp.auth", message->auth_user);
    return authres_end(&w);
}

/* The value of our field, or STR_NONE: this message gets none. */
static struct str our_results(const struct telling *t)
{
    const struct message *m = t->message;
    if (m->origin == ORIGIN_INBOUND)
        return authentication_results(t);
    if (t->conf->auth_header && m->auth_user.n) /* which makes mail ours */
        return auth_result(t->conf, m, t->arena);
    return STR_NONE;
}

static void take_kind(const struct edit_list *all, enum edit_kind kind, struct arena *a,
                      struct edit_list *out)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->v[i].kind == kind)
            edit_push(out, a, all->v[i]);
}

void edits_plan(const struct telling *t, struct edit_list *out)
{
    static const enum edit_kind order[] = {EDIT_DELETE, EDIT_CHANGE, EDIT_INSERT};
    struct edit_list all = {0};
    struct str results = our_results(t);
    for (const struct stage *const *s = t->stages; *s; s++)
        if ((*s)->telling->edits)
            (*s)->telling->edits(t, &all);
    *out = (struct edit_list){0};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        take_kind(&all, order[i], t->arena, out);
    struct str gate = t->message->origin == ORIGIN_INBOUND ? gate_field(t) : STR_NONE;
    if (gate.n)
        edit_push(out, t->arena,
                  (struct edit){.kind = EDIT_INSERT, .name = STR("X-Assay-Gate"), .value = gate});
    if (results.n)
        edit_push(out, t->arena,
                  (struct edit){.kind = EDIT_INSERT,
                                .name = STR("Authentication-Results"),
                                .value = results});
}
