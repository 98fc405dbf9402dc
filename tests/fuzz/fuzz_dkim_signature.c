/* DKIM-Signature fields: whatever they hold is read or refused with clean words; what is accepted
 * has everything that the verifier relies on. */
#include "fuzz.h"

#include "dkim/signature.h"
#include "mail/domain.h"

static void require_clean(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        require(text.p[i] >= 0x20 && text.p[i] < 0x7F);
}

static void require_normal(struct arena *a, struct str name)
{
    struct str again;
    require(domain_normalize(a, name, &again) && str_eq(again, name));
    require_clean(name);
}

static void require_usable(struct arena *a, const struct signature *s)
{
    require_normal(a, s->result->domain);
    require_normal(a, s->result->selector);
    require(domain_labels(s->result->domain) >= 2);
    require(!s->auid_domain.p || domain_is_at_or_below(s->auid_domain, s->result->domain));
    require(str_find(s->result->identity, 0, '@') < s->result->identity.n);
    require(s->n_names > 0 && s->b.n > 0 && s->body_digest.n > 0 && s->b_text.n > 0);
    require(!s->has_signed_at || s->expires_at > s->signed_at || s->expires_at == UINT64_MAX);
    require(s->body_limited || s->body_limit == UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct header_field field = {.name = SIGNATURE_FIELD, .value = fuzz_text(data, size)};
    struct signature s = {0};
    struct dkim_signature result = {0};
    signature_parse(a, SIGNATURE_DKIM, &field, &s, &result);
    if (s.decided) {
        require(result.result == DKIM_NEUTRAL || result.result == DKIM_PERMERROR);
        require(result.reason.n > 0);
        require_clean(result.reason);
        require_clean(result.domain);
        require_clean(result.selector);
    } else {
        require(result.result == DKIM_NONE && result.reason.n == 0);
        require_usable(a, &s);
    }
    arena_free(a);
    return 0;
}
