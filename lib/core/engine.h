/* engine.h - what evaluates SPF and DKIM: our own libraries, or another that is asked in their
 * place.
 *
 * A stage calls its engine and does not know which one it is. An engine answers as lib/spf and
 * lib/dkim do: three-valued, within the asker's patience, everything in its arena; one that cannot
 * answer has to answer with what our own libraries say. Engines are immutable and shared by all
 * threads; what belongs to one message is the check that begin() makes. */
#ifndef ASSAY_CORE_ENGINE_H
#define ASSAY_CORE_ENGINE_H

#include "core/message.h"
#include "dkim/dkim.h"
#include "spf/spf.h"

struct spf_engine {
    const char *name; /* "own" */
    /* As spf_check(). */
    void (*check)(const struct spf_engine *engine, const struct spf_request *request,
                  struct dns_asker *asker, struct spf_outcome *out);
};

struct dkim_engine {
    const char *name;
    bool whole_body; /* reads message->body at the end: it should be kept */
    /* At the end of the header, as dkim_verifier_new(). The message outlives the check. */
    void *(*begin)(const struct dkim_engine *engine, const struct dkim_verify_settings *settings,
                   const struct message *message, struct key_cache *keys, struct dns_asker *asker);
    /* As the functions of dkim_verifier_ with these names. */
    const struct str *(*domains)(const void *check, size_t *n);
    bool (*wants_body)(const void *check);
    void (*body)(void *check, const void *data, size_t n);
    const struct dkim_signature *(*finish)(void *check, struct dns_asker *asker, size_t *n,
                                           size_t *skipped);
};

struct engines {
    const struct spf_engine *spf;
    const struct dkim_engine *dkim;
};

/* lib/spf and lib/dkim. */
extern const struct engines engines_own;

#endif
