/* dkim_verify.c - feeds header and body to the DKIM engine and takes its results.
 *
 * Errors: DNS trouble is the result temperror; a header beyond the limits is permerror, because
 * what was not kept cannot be hashed. */
#include "core/request.h"
#include "core/stage.h"

static void dkim_verify_eoh(struct stage_run *run)
{
    const struct conf *conf = run->conf;
    const struct dkim_engine *engine = run->engines->dkim;
    if (conf->dkim_mode == SWITCH_OFF || run->message->over_limit)
        return;
    struct dkim_verify_settings settings = request_dkim(conf, run->message);
    settings.bodies = run->bodies;
    run->state = engine->begin(engine, &settings, run->message, run->keys, run->asker);
    run->evidence->dkim.claimed = engine->domains(run->state, &run->evidence->dkim.n_claimed);
}

static bool wants_body(const struct stage_run *run)
{
    return run->state && run->engines->dkim->wants_body(run->state);
}

static void dkim_verify_body(struct stage_run *run, const void *data, size_t n)
{
    run->engines->dkim->body(run->state, data, n);
}

static void dkim_verify_eom(struct stage_run *run)
{
    static const struct dkim_signature too_large = {
        .result = DKIM_PERMERROR,
        .reason = STR_INIT("the header exceeds our limits"),
    };
    struct evidence_dkim *dkim = &run->evidence->dkim;
    if (run->conf->dkim_mode == SWITCH_OFF)
        return;
    dkim->checked = true;
    if (run->state) {
        dkim->signatures =
            run->engines->dkim->finish(run->state, run->asker, &dkim->n, &dkim->skipped);
    } else {
        dkim->signatures = &too_large;
        dkim->n = 1;
    }
}

const struct stage stage_dkim_verify = {
    .name = "dkim-verify",
    .favoured = true,
    .eoh = dkim_verify_eoh,
    .body = dkim_verify_body,
    .eom = dkim_verify_eom,
    .wants_body = wants_body,
    .telling = &telling_dkim_verify,
};
