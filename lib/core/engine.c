/* engine.c - our own libraries as engines.
 *
 * Errors: theirs. */
#include "core/engine.h"

static void check_spf(const struct spf_engine *engine, const struct spf_request *request,
                      struct dns_asker *asker, struct spf_outcome *out)
{
    (void)engine;
    spf_check(request, asker, out);
}

/* The check of our own engine is a verifier. */
static void *own_begin(const struct dkim_engine *engine,
                       const struct dkim_verify_settings *settings, const struct message *message,
                       struct key_cache *keys, struct dns_asker *asker)
{
    (void)engine;
    return dkim_verifier_new(settings, &message->headers, keys, asker);
}

static const struct str *own_domains(const void *check, size_t *n)
{
    return dkim_verifier_domains(check, n);
}

static bool wants_body(const void *check)
{
    return dkim_verifier_wants_body(check);
}

static void own_body(void *check, const void *data, size_t n)
{
    dkim_verifier_body(check, data, n);
}

static const struct dkim_signature *own_finish(void *check, struct dns_asker *asker, size_t *n,
                                               size_t *skipped)
{
    return dkim_verifier_finish(check, asker, n, skipped);
}

static const struct spf_engine own_spf = {.name = "own", .check = check_spf};
static const struct dkim_engine own_dkim = {
    .name = "own",
    .begin = own_begin,
    .domains = own_domains,
    .wants_body = wants_body,
    .body = own_body,
    .finish = own_finish,
};

const struct engines engines_own = {.spf = &own_spf, .dkim = &own_dkim};
