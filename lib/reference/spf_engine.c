/* spf_engine.c - SPF by libspf2, with our own result behind it.
 *
 * Errors: none; without an answer of the library ours is the result. */
#include "base/counters.h"
#include "reference/engines.h"
#include "reference/note.h"

struct libspf2 {
    struct spf_engine engine; /* first: the stage sees only this */
    struct reference *reference;
};

/* *out holds our own result, and theirs afterwards if that is what counts. */
static void ask_libspf2(const struct libspf2 *libspf2, const struct spf_request *request,
                        struct dns_asker *asker, struct spf_outcome *out)
{
    struct spf_outcome theirs = {0};
    struct reference_report report = reference_spf(libspf2->reference, request, asker, &theirs);
    reference_note(REFERENCE_LIBSPF2, &report);
    if (report.status != REFERENCE_ANSWERED || report.unknown || theirs.result == SPF_TEMPERROR) {
        counter_inc(CTR_ENGINE_FALLBACKS);
        return;
    }
    counter_inc(CTR_ENGINE_RESULTS);
    theirs.domain = out->domain;
    theirs.queries = out->queries;
    theirs.narrow = out->narrow && out->result == SPF_PASS; /* of two that pass for one reason */
    if (theirs.result == SPF_FAIL)                          /* the library gives none */
        theirs.explanation = out->explanation;
    *out = theirs;
}

static void check_by_engine(const struct spf_engine *engine, const struct spf_request *request,
                            struct dns_asker *asker, struct spf_outcome *out)
{
    spf_check(request, asker, out);
    if (out->pending)
        return;
    /* The library may have questions that ours did not have: they need an asker that waits. */
    if (asker->may_pend && asker->patience_us <= 0)
        *out = (struct spf_outcome){.pending = true};
    else if (out->result == SPF_TEMPERROR)
        counter_inc(CTR_ENGINE_NOT_ASKED);
    else
        ask_libspf2((const struct libspf2 *)engine, request, asker, out);
}

const struct spf_engine *reference_spf_engine(struct reference *r, struct arena *a)
{
    struct libspf2 *libspf2 = arena_make(a, struct libspf2);
    *libspf2 = (struct libspf2){
        .engine = {.name = reference_library_name(REFERENCE_LIBSPF2), .check = check_by_engine},
        .reference = r,
    };
    return &libspf2->engine;
}
