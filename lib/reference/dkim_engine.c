/* dkim_engine.c - DKIM by libopendkim, with our own results behind it.
 *
 * Our verifier goes along with the message; the library is asked at its end, about the body that
 * was kept. Ours says which signatures there are and what they name, the library what they are
 * worth.
 *
 * Errors: none; without an answer of the library ours are the results. */
#include "base/counters.h"
#include "reference/engines.h"
#include "reference/note.h"

struct libopendkim {
    struct dkim_engine engine; /* first: the stage sees only this */
    struct reference *reference;
};

struct check {
    struct reference *reference;
    struct dkim_verify_settings settings;
    const struct message *message;
    struct dkim_verifier *own;
};

static void *engine_begin(const struct dkim_engine *engine,
                          const struct dkim_verify_settings *settings,
                          const struct message *message, struct key_cache *keys,
                          struct dns_asker *asker)
{
    struct check *check = arena_make(asker->arena, struct check);
    *check = (struct check){
        .reference = ((const struct libopendkim *)engine)->reference,
        .settings = *settings,
        .message = message,
        .own = dkim_verifier_new(settings, &message->headers, keys, asker),
    };
    return check;
}

static const struct str *engine_domains(const void *object, size_t *n)
{
    const struct check *check = object;
    return dkim_verifier_domains(check->own, n);
}

static bool wants_body(const void *object)
{
    const struct check *check = object;
    return dkim_verifier_wants_body(check->own);
}

static void engine_body(void *object, const void *data, size_t n)
{
    struct check *check = object;
    dkim_verifier_body(check->own, data, n);
}

/* One signature, of which both sides have an opinion. */
static struct dkim_signature merge_results(const struct dkim_signature *ours,
                                           const struct dkim_signature *theirs)
{
    struct dkim_signature merged = *ours;
    if (ours->result == DKIM_TEMPERROR || theirs->result == DKIM_TEMPERROR)
        return merged;
    if (ours->result == DKIM_POLICY && theirs->result == DKIM_PASS)
        return merged;
    merged.result = theirs->result;
    merged.reason = theirs->reason;
    merged.testing = theirs->testing;
    merged.key_bits = theirs->key_bits ? theirs->key_bits : ours->key_bits;
    return merged;
}

/* The results that count, or NULL: the library has none. */
static const struct dkim_signature *ask_engine(const struct check *check, struct dns_asker *asker,
                                               const struct dkim_signature *ours, size_t n)
{
    const struct kept_body *kept = &check->message->body;
    const struct reference_body whole = {.n = kept->n, .pieces = kept->pieces};
    const struct dkim_signature *theirs = NULL;
    size_t n_theirs = 0, skipped;
    struct reference_report report =
        reference_dkim(check->reference, &check->settings, &check->message->headers, &whole, asker,
                       &theirs, &n_theirs, &skipped);
    reference_note(REFERENCE_LIBOPENDKIM, &report);
    if (report.status != REFERENCE_ANSWERED || n_theirs != n)
        return NULL;
    struct dkim_signature *merged = arena_array(asker->arena, struct dkim_signature, n);
    for (size_t i = 0; i < n; i++)
        merged[i] = merge_results(&ours[i], &theirs[i]);
    return merged;
}

static const struct dkim_signature *engine_finish(void *object, struct dns_asker *asker, size_t *n,
                                                  size_t *skipped)
{
    const struct check *check = object;
    const struct dkim_signature *ours = dkim_verifier_finish(check->own, asker, n, skipped);
    if (!*n)
        return ours;
    if (!check->message->body.whole) {
        counter_inc(CTR_ENGINE_NOT_ASKED);
        return ours;
    }
    const struct dkim_signature *merged = ask_engine(check, asker, ours, *n);
    counter_inc(merged ? CTR_ENGINE_RESULTS : CTR_ENGINE_FALLBACKS);
    return merged ? merged : ours;
}

const struct dkim_engine *reference_dkim_engine(struct reference *r, struct arena *a)
{
    struct libopendkim *libopendkim = arena_make(a, struct libopendkim);
    *libopendkim = (struct libopendkim){
        .engine = {.name = reference_library_name(REFERENCE_LIBOPENDKIM),
                   .whole_body = true,
                   .begin = engine_begin,
                   .domains = engine_domains,
                   .wants_body = wants_body,
                   .body = engine_body,
                   .finish = engine_finish},
        .reference = r,
    };
    return &libopendkim->engine;
}
