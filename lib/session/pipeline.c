/* pipeline.c - which stages a message meets, and their turns.
 *
 * Errors: none; what goes wrong in a stage stands in the evidence. */
#include "session/pipeline.h"

#include "core/gate.h"
#include "core/request.h"

#define STAGES_MAX 12

/* All that is done for a message, by whose it is. Order matters at the end of the message: DMARC
 * reads what SPF and DKIM found, ARC what DMARC made of it, and lists what DKIM found and the
 * client's name. */
static const struct stage *const inbound[] = {&stage_forged,   &stage_spf,     &stage_dkim_verify,
                                              &stage_dmarc,    &stage_arc,     &stage_client,
                                              &stage_lists,    &stage_sender,  &stage_srs,
                                              &stage_greylist, &stage_reports, NULL};
static const struct stage *const ours[] = {&stage_forged, &stage_dkim_sign, NULL};
static const struct stage *const relayed[] = {NULL};
static const struct stage *const forwarded[] = {&stage_forged, &stage_dkim_sign, &stage_arc, NULL};

#define FITS(list) (sizeof(list) / sizeof *(list)-1 <= STAGES_MAX)
_Static_assert(FITS(inbound) && FITS(ours) && FITS(relayed) && FITS(forwarded),
               "a pipeline has room for each list");

static const struct stage *const *const stages_for[] = {
    [ORIGIN_INBOUND] = inbound,
    [ORIGIN_OURS] = ours,
    [ORIGIN_RELAYED] = relayed,
    [ORIGIN_FORWARDED] = forwarded,
};

/* All of them, for the code that tells of a message. */
const struct stage *const stages_all[] = {
#define STAGE(name) &stage_##name,
#include "core/stages.def"
#undef STAGE
    NULL};

struct pipeline {
    struct stage_run base;
    enum origin origin; /* that the list is for */
    size_t n;
    struct {
        const struct stage *stage;
        struct stage_run run;
    } slots[STAGES_MAX];
};

static void choose_stages(struct pipeline *p)
{
    p->origin = p->base.message->origin;
    p->n = 0;
    for (const struct stage *const *s = stages_for[p->origin]; *s; s++) {
        p->slots[p->n].stage = *s;
        p->slots[p->n++].run = p->base;
    }
}

struct pipeline *pipeline_new(const struct stage_run *base)
{
    struct pipeline *p = arena_make(base->message->arena, struct pipeline);
    base->asker->spare = request_shares(base->conf).spare;
    p->base = *base;
    p->base.state = NULL;
    p->base.client_gate = gate_new(base->conf, base->asker);
    p->base.sender_gate = gate_new(base->conf, base->asker);
    p->base.lists_gate = gate_new_for_lists(base->conf, base->asker);
    if (!base->engines)
        p->base.engines = &engines_own;
    if (!base->bodies)
        p->base.bodies = body_digests_new(base->message->arena);
    choose_stages(p);
    return p;
}

typedef void hook_fn(struct stage_run *run);

static void call_stage(struct pipeline *p, size_t i, hook_fn *hook)
{
    if (!hook)
        return;
    p->base.asker->favoured = p->slots[i].stage->favoured;
    hook(&p->slots[i].run);
    p->base.asker->favoured = false;
}

void pipeline_mail(struct pipeline *p)
{
    for (size_t i = 0; i < p->n; i++)
        call_stage(p, i, p->slots[i].stage->mail);
}

void pipeline_data(struct pipeline *p)
{
    for (size_t i = 0; i < p->n; i++)
        call_stage(p, i, p->slots[i].stage->data);
}

void pipeline_rcpt(struct pipeline *p)
{
    for (size_t i = 0; i < p->n; i++)
        call_stage(p, i, p->slots[i].stage->rcpt);
}

/* What the stages of another list found out is no evidence about this message. */
static void choose_again(struct pipeline *p)
{
    *p->base.evidence = (struct evidence){0};
    choose_stages(p);
}

void pipeline_eoh(struct pipeline *p)
{
    if (p->origin != p->base.message->origin)
        choose_again(p);
    for (size_t i = 0; i < p->n; i++)
        call_stage(p, i, p->slots[i].stage->eoh);
}

static bool wants_body(const struct stage *stage, const struct stage_run *run)
{
    return stage->body && (!stage->wants_body || stage->wants_body(run));
}

void pipeline_body(struct pipeline *p, const void *data, size_t n)
{
    body_digests_update(p->base.bodies, data, n);
    for (size_t i = 0; i < p->n; i++)
        if (wants_body(p->slots[i].stage, &p->slots[i].run))
            p->slots[i].stage->body(&p->slots[i].run, data, n);
}

void pipeline_eom(struct pipeline *p)
{
    for (size_t i = 0; i < p->n; i++)
        call_stage(p, i, p->slots[i].stage->eom);
}
