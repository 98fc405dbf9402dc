/* results_read.c - what a worker says, as assay reads it: HELLO, RESULT, REFUSAL.
 *
 * Errors: as messages.h has them. What is read here goes where our own libraries' results go, so it
 * keeps their promises: names are normalised, phrases are clean, no pass is without a domain. */
#include "mail/domain.h"
#include "reference/messages.h"

#define KEY_BITS_MAX 1048576

bool hello_read(struct arena *a, struct str payload, struct hello *hello)
{
    struct frame_reader r = frame_reader(payload);
    if (frame_get_u32(&r, UINT32_MAX) != MESSAGES_VERSION)
        return false;
    for (size_t i = 0; i < REFERENCE_LIBRARY_COUNT; i++)
        hello->versions[i] = frame_get_phrase(&r, a);
    return frame_done(&r);
}

/* A reader behind the library, which has to be this one. */
static struct frame_reader result_reader(struct str payload, enum reference_library library)
{
    struct frame_reader r = frame_reader(payload);
    if (frame_get_u8(&r, REFERENCE_LIBRARY_COUNT - 1) != library)
        r.bad = true;
    return r;
}

bool result_read_spf(struct arena *a, struct str payload, const struct spf_request *request,
                     struct spf_outcome *outcome)
{
    struct frame_reader r = result_reader(payload, REFERENCE_LIBSPF2);
    *outcome = (struct spf_outcome){0};
    outcome->result = (enum spf_result)frame_get_u8(&r, SPF_RESULT_COUNT - 1);
    outcome->mechanism = str_safe(a, frame_get_str(&r, RESULT_TERM_MAX), RESULT_TERM_MAX, false);
    outcome->problem = frame_get_phrase(&r, a);
    outcome->explanation = frame_get_str(&r, RESULT_TEXT_MAX);
    outcome->lookup_terms = frame_get_u32(&r, UINT16_MAX);
    if (!domain_normalize(a, request->domain, &outcome->domain))
        outcome->domain = request->domain;
    return frame_done(&r);
}

static struct str get_name(struct frame_reader *r, struct arena *a)
{
    struct str name, text = frame_get_str(r, RESULT_TERM_MAX);
    return domain_normalize(a, text, &name) ? name : STR_NONE;
}

static void get_signature(struct frame_reader *r, struct arena *a, struct dkim_signature *s)
{
    s->result = (enum dkim_result)frame_get_u8(r, DKIM_RESULT_COUNT - 1);
    s->reason = frame_get_phrase(r, a);
    s->domain = get_name(r, a);
    s->selector = get_name(r, a);
    s->identity = frame_get_str(r, RESULT_TEXT_MAX);
    s->algorithm = frame_get_str(r, RESULT_TERM_MAX);
    s->b_start = frame_get_str(r, RESULT_TERM_MAX);
    s->key_type = (enum key_type)frame_get_u8(r, KEY_ED25519);
    s->key_bits = frame_get_u32(r, KEY_BITS_MAX);
    s->testing = frame_get_u8(r, 1);
    s->security = (enum dns_security)frame_get_u8(r, DNS_SECURITY_BOGUS);
    if (s->result == DKIM_PASS && !(s->domain.n && s->selector.n)) {
        s->result = DKIM_PERMERROR;
        s->reason = STR("it passes for what is no domain name");
    }
}

bool result_read_dkim(struct arena *a, struct str payload,
                      const struct dkim_verify_settings *settings,
                      const struct dkim_signature **signatures, size_t *n, size_t *skipped)
{
    struct frame_reader r = result_reader(payload, REFERENCE_LIBOPENDKIM);
    *skipped = frame_get_u32(&r, INT32_MAX);
    *n = frame_get_count(&r, settings->max_signatures, 32);
    struct dkim_signature *s = arena_array(a, struct dkim_signature, *n);
    for (size_t i = 0; i < *n; i++)
        get_signature(&r, a, &s[i]);
    *signatures = s;
    return frame_done(&r);
}

/* Anything else than the author domain or one above it is none. */
static struct str get_domain(struct frame_reader *r, const struct dmarc_request *request)
{
    struct str domain = frame_get_str(r, RESULT_TERM_MAX);
    return domain_is_at_or_below(request->author_domain, domain) ? domain : STR_NONE;
}

static void get_record(struct frame_reader *r, struct dmarc_record *record)
{
    record->p = (enum dmarc_policy)frame_get_u8(r, DMARC_P_REJECT);
    record->sp = (enum dmarc_policy)frame_get_u8(r, DMARC_P_REJECT);
    record->np = record->sp;
    record->has_sp = frame_get_u8(r, 1);
    record->adkim = (enum dmarc_alignment)frame_get_u8(r, DMARC_STRICT);
    record->aspf = (enum dmarc_alignment)frame_get_u8(r, DMARC_STRICT);
    record->psd = 'u';
    record->fo = STR("0");
}

static char get_tag(struct frame_reader *r)
{
    char tag = (char)frame_get_u8(r, UINT8_MAX);
    if (tag != 'p' && tag != 's' && tag != '-')
        r->bad = true;
    return tag;
}

bool result_read_dmarc(struct arena *a, struct str payload, const struct dmarc_request *request,
                       struct dmarc_outcome *outcome)
{
    struct frame_reader r = result_reader(payload, REFERENCE_LIBOPENDMARC);
    *outcome = (struct dmarc_outcome){.discovery = DMARC_PSL};
    outcome->author_domain = request->author_domain;
    outcome->result = (enum dmarc_result)frame_get_u8(&r, DMARC_RESULT_COUNT - 1);
    outcome->reason = frame_get_phrase(&r, a);
    outcome->record_domain = get_domain(&r, request);
    outcome->organizational_domain = get_domain(&r, request);
    get_record(&r, &outcome->record);
    outcome->policy = (enum dmarc_policy)frame_get_u8(&r, DMARC_P_REJECT);
    outcome->policy_tag = get_tag(&r);
    outcome->spf_aligned = frame_get_u8(&r, 1);
    outcome->dkim_aligned = frame_get_u8(&r, 1);
    return frame_done(&r);
}

bool refusal_read(struct arena *a, struct str payload, struct str *reason)
{
    struct frame_reader r = frame_reader(payload);
    *reason = frame_get_phrase(&r, a);
    return frame_done(&r);
}
