/* ask_dkim.c - libopendkim's verification.
 *
 * Errors: the report's. Whose signature it is, is read from the message by our own parser: a worker
 * says what became of each, and cannot make one pass for somebody else. */
#include "reference/asking.h"
#include "reference/vet.h"

struct dkim_question {
    const struct dkim_verify_settings *settings;
    const struct dkim_signature *ours; /* as they are read, not verified */
    size_t n;
    const struct dkim_signature **signatures;
};

/* The worker's conclusion on a signature that we have read. */
static struct dkim_signature conclusion(const struct asking *q, const struct dkim_signature *theirs,
                                        const struct dkim_signature *ours)
{
    struct dkim_signature s = *theirs;
    s.domain = ours->domain;
    s.selector = ours->selector;
    s.identity = ours->identity;
    s.algorithm = ours->algorithm;
    s.b_start = ours->b_start;
    if (q->insecure)
        s.security = DNS_UNCHECKED;
    if (s.result == DKIM_PASS && !(s.domain.n && s.selector.n)) {
        s.result = DKIM_PERMERROR;
        s.reason = STR("it passes for what is no domain name");
    }
    return s;
}

static bool read_result(struct asking *q, struct str payload, void *context)
{
    struct dkim_question *question = context;
    const struct dkim_signature *theirs;
    size_t n, skipped;
    if (!result_read_dkim(q->asker->arena, payload, question->settings, &theirs, &n, &skipped) ||
        n != question->n || skipped)
        return false;
    struct dkim_signature *out = arena_array(q->asker->arena, struct dkim_signature, n);
    for (size_t i = 0; i < n; i++)
        out[i] = conclusion(q, &theirs[i], &question->ours[i]);
    *question->signatures = out;
    return true;
}

/* The body from where it lies, each piece in as many frames as it needs. */
static void add_body(struct asking *q, const struct reference_body *body)
{
    static const char end[FRAME_HEAD] = {0, 0, 0, 1, FRAME_BODY_END};
    for (size_t i = 0; i < body->n; i++)
        for (size_t at = 0; at < body->pieces[i].n; at += FRAME_BODY_MAX) {
            struct str piece = str_sub(body->pieces[i], at, at + FRAME_BODY_MAX);
            char *head = arena_alloc(q->scratch, FRAME_HEAD);
            frame_head(head, FRAME_BODY, piece.n);
            asking_add(q, head, FRAME_HEAD);
            asking_add(q, piece.p, piece.n);
        }
    asking_add(q, end, sizeof end);
}

static void ask_opendkim(struct asking *q, const struct dkim_verify_settings *settings,
                         const struct header_list *headers, const struct reference_body *body)
{
    struct header_list vetted;
    struct strbuf job;
    struct str why;
    sb_init(&job, q->scratch);
    if (!vet_dkim(q->scratch, headers, settings->max_signatures, &vetted, &why)) {
        asking_refuse(q, why);
    } else if (!job_write_dkim(&job, settings, &vetted)) {
        asking_refuse(q, STR("the header is too large"));
    } else {
        asking_add(q, job.p, job.n);
        add_body(q, body);
        asking_run(q);
    }
}

struct reference_report reference_dkim(struct reference *r,
                                       const struct dkim_verify_settings *settings,
                                       const struct header_list *headers,
                                       const struct reference_body *body, struct dns_asker *asker,
                                       const struct dkim_signature **signatures, size_t *n,
                                       size_t *skipped)
{
    struct asking q;
    struct dkim_question question = {.settings = settings, .signatures = signatures};
    asking_begin(&q, r, REFERENCE_LIBOPENDKIM, asker);
    if (settings->max_queries)
        asking_limit(&q, settings->max_queries);
    q.read = read_result;
    q.context = &question;
    question.ours = dkim_signatures_read(asker->arena, settings, headers, &question.n, skipped);
    *n = question.n;
    *signatures = NULL;
    if (question.n) /* else there is nothing to ask: REFERENCE_ANSWERED */
        ask_opendkim(&q, settings, headers, body);
    return asking_end(&q);
}
