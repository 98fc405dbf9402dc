/* ask_spf.c - libspf2's check_host().
 *
 * Errors: the report's. */
#include "reference/asking.h"
#include "reference/vet.h"

struct spf_question {
    struct spf_request facts;
    struct spf_outcome *out;
};

/* What libspf2 explains is text that we have not given it: it is none. */
static bool read_result(struct asking *q, struct str payload, void *context)
{
    struct spf_question *question = context;
    bool ok = result_read_spf(q->asker->arena, payload, &question->facts, question->out);
    question->out->explanation = STR_NONE;
    return ok;
}

struct reference_report reference_spf(struct reference *r, const struct spf_request *request,
                                      struct dns_asker *asker, struct spf_outcome *out)
{
    struct asking q;
    struct strbuf job;
    struct str why;
    struct spf_question question = {.out = out};
    asking_begin(&q, r, REFERENCE_LIBSPF2, asker);
    asking_limit(&q, request->limits.queries);
    q.read = read_result;
    q.context = &question;
    sb_init(&job, q.scratch);
    if (!vet_spf(asker->arena, request, &question.facts, &why)) {
        asking_refuse(&q, why);
    } else if (!job_write_spf(&job, &question.facts)) {
        asking_refuse(&q, STR("the facts are too large"));
    } else {
        asking_add(&q, job.p, job.n);
        asking_run(&q);
    }
    return asking_end(&q);
}
