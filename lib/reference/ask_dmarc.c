/* ask_dmarc.c - libopendmarc's policy and alignment.
 *
 * Errors: the report's. */
#include "reference/asking.h"
#include "reference/vet.h"

struct dmarc_question {
    struct dmarc_request facts;
    struct dmarc_outcome *out;
};

static bool read_result(struct asking *q, struct str payload, void *context)
{
    struct dmarc_question *question = context;
    struct dmarc_outcome *out = question->out;
    bool ok = result_read_dmarc(q->asker->arena, payload, &question->facts, out);
    out->record_domain = str_copy(q->asker->arena, out->record_domain);
    out->organizational_domain = str_copy(q->asker->arena, out->organizational_domain);
    return ok;
}

struct reference_report reference_dmarc(struct reference *r, const struct dmarc_request *request,
                                        struct dns_asker *asker, struct dmarc_outcome *out)
{
    struct asking q;
    struct strbuf job;
    struct str why;
    struct dmarc_question question = {.out = out};
    asking_begin(&q, r, REFERENCE_LIBOPENDMARC, asker);
    q.read = read_result;
    q.context = &question;
    sb_init(&job, q.scratch);
    if (!vet_dmarc(asker->arena, request, &question.facts, &why)) {
        asking_refuse(&q, why);
    } else if (!job_write_dmarc(&job, &question.facts)) {
        asking_refuse(&q, STR("the facts are too large"));
    } else {
        asking_add(&q, job.p, job.n);
        asking_run(&q);
    }
    return asking_end(&q);
}
