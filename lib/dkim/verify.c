/* verify.c - the verifier: a message's signatures found, named and bounded, and each of them judged
 * (RFC 6376 6.1).
 *
 * Errors: none but results. Work is bounded by the cap on signatures: the header is hashed once for
 * each evaluated signature, the body once for each of their kinds (canonicalization and l=). */
#include "base/ascii.h"
#include "dkim/evaluate.h"

#define B_START_MIN 8 /* RFC 6008 4 */

struct dkim_verifier {
    struct dkim_verify_settings settings;
    struct signature_terms terms;
    struct arena *arena;
    size_t n, skipped;
    struct signature *signatures;
    struct dkim_signature *results;
    const struct dkim_signing_key *own; /* the keys to judge by; NULL: those in DNS */
    size_t n_own;
};

static const char *const result_names[DKIM_RESULT_COUNT] = {
    [DKIM_NONE] = "none",           [DKIM_PASS] = "pass",       [DKIM_FAIL] = "fail",
    [DKIM_POLICY] = "policy",       [DKIM_NEUTRAL] = "neutral", [DKIM_TEMPERROR] = "temperror",
    [DKIM_PERMERROR] = "permerror",
};

const char *dkim_result_name(enum dkim_result result)
{
    return result_names[result];
}

/* Topmost first: signatures are put on top, so these are the newest (RFC 6376 3.5). */
static void find_signatures(struct dkim_verifier *v, const struct header_list *headers)
{
    size_t all = header_count(headers, SIGNATURE_FIELD);
    size_t cap = v->settings.max_signatures;
    size_t n = all < cap ? all : cap;
    v->skipped = all - n;
    v->signatures = arena_array(v->arena, struct signature, n);
    v->results = arena_array(v->arena, struct dkim_signature, n);
    for (size_t i = 0; v->n < n; i++) {
        const struct header_field *field = &headers->fields[i];
        if (!str_eq_nocase(field->name, SIGNATURE_FIELD))
            continue;
        signature_parse(v->arena, SIGNATURE_DKIM, field, &v->signatures[v->n], &v->results[v->n]);
        v->n++;
    }
}

static bool is_base64_letter(char c)
{
    return ascii_is_alnum(c) || c == '+' || c == '/' || c == '=';
}

static struct str base64_prefix(struct str text)
{
    size_t n = 0;
    while (n < text.n && is_base64_letter(text.p[n]))
        n++;
    return str_sub(text, 0, n);
}

/* The number of characters that two texts share at their beginning. */
static size_t common(struct str a, struct str b)
{
    size_t n = 0;
    while (n < a.n && n < b.n && a.p[n] == b.p[n])
        n++;
    return n;
}

/* RFC 6008 4: eight characters of b=, more where these are not unique. */
static void name_signatures(struct dkim_verifier *v)
{
    for (size_t i = 0; i < v->n; i++) {
        struct str b = v->signatures[i].b_text;
        size_t length = B_START_MIN;
        for (size_t k = 0; k < v->n; k++) {
            size_t shared = k == i ? 0 : common(b, v->signatures[k].b_text);
            if (shared >= length)
                length = shared + 1;
        }
        v->results[i].b_start = base64_prefix(str_sub(b, 0, length));
    }
}

/* A date in the future decides nothing before the signature has verified: anybody can forge one,
 * and that must not make a delay of what is a fail. */
static void check_times(const struct dkim_verify_settings *settings, struct signature *s)
{
    uint64_t now = settings->now > 0 ? (uint64_t)settings->now : 0;
    uint64_t skew = settings->clock_skew_s > 0 ? (uint64_t)settings->clock_skew_s : 0;
    if (s->has_signed_at && s->signed_at > now + skew) {
        uint64_t ahead = s->signed_at - now;
        s->ahead_s = ahead < INT64_MAX ? (int64_t)ahead : INT64_MAX;
    }
    signature_check_expiry(settings, s);
}

/* With the signatures read, and those decided that their own fields rule out. */
static struct dkim_verifier *begin_verifying(struct arena *a,
                                             const struct dkim_verify_settings *settings,
                                             const struct header_list *headers,
                                             struct key_cache *keys)
{
    struct dkim_verifier *v = arena_make(a, struct dkim_verifier);
    v->settings = *settings;
    v->arena = a;
    v->terms = (struct signature_terms){
        .settings = &v->settings,
        .arena = a,
        .keys = keys,
        .bodies = settings->bodies ? settings->bodies : body_digests_new(a),
    };
    find_signatures(v, headers);
    for (size_t i = 0; i < v->n; i++)
        check_times(settings, &v->signatures[i]);
    return v;
}

/* For the signatures that are not decided yet. False if there are none. */
static bool hash_headers(struct dkim_verifier *v, const struct header_list *headers)
{
    struct fields *fields = NULL;
    for (size_t i = 0; i < v->n; i++) {
        struct signature *s = &v->signatures[i];
        if (s->decided)
            continue;
        if (!fields)
            fields = fields_new(v->arena, headers);
        signature_hash_header(v->arena, s, fields);
        signature_want_body(&v->terms, s);
    }
    return fields != NULL;
}

/* The newest signatures' first. */
static void ask_for_keys(struct dkim_verifier *v, struct dns_asker *asker)
{
    struct key_queries queries = {0};
    for (size_t i = 0; i < v->n; i++)
        if (!v->signatures[i].decided)
            signature_start_query(&v->terms, &queries, &v->signatures[i], asker);
}

struct dkim_verifier *dkim_verifier_new(const struct dkim_verify_settings *settings,
                                        const struct header_list *headers, struct key_cache *keys,
                                        struct dns_asker *asker)
{
    struct dkim_verifier *v = begin_verifying(asker->arena, settings, headers, keys);
    name_signatures(v);
    ask_for_keys(v, asker);
    hash_headers(v, headers);
    return v;
}

const struct dkim_signature *dkim_signatures_read(struct arena *a,
                                                  const struct dkim_verify_settings *settings,
                                                  const struct header_list *headers, size_t *n,
                                                  size_t *skipped)
{
    struct dkim_verifier *v = begin_verifying(a, settings, headers, NULL);
    name_signatures(v);
    *n = v->n;
    *skipped = v->skipped;
    return v->results;
}

const struct str *dkim_verifier_domains(const struct dkim_verifier *v, size_t *n)
{
    struct str *domains = arena_array(v->arena, struct str, v->n);
    *n = 0;
    for (size_t i = 0; i < v->n; i++)
        if (!v->signatures[i].decided)
            domains[(*n)++] = v->results[i].domain;
    return domains;
}

/* The key of ours that a signature names, or NULL. */
static const struct dkim_signing_key *own_key(const struct dkim_verifier *v,
                                              const struct signature *s)
{
    for (size_t i = 0; i < v->n_own; i++)
        if (str_eq(v->own[i].domain, s->result->domain) &&
            str_eq(v->own[i].selector, s->result->selector) &&
            private_key_type(v->own[i].key) == s->result->key_type)
            return &v->own[i];
    return NULL;
}

struct dkim_verifier *dkim_verifier_new_own(struct arena *a,
                                            const struct dkim_verify_settings *settings,
                                            const struct header_list *headers,
                                            struct key_cache *cache,
                                            const struct dkim_signing_key *keys, size_t n_keys)
{
    struct dkim_verifier *v = begin_verifying(a, settings, headers, cache);
    v->own = keys;
    v->n_own = n_keys;
    for (size_t i = 0; i < v->n; i++)
        if (!own_key(v, &v->signatures[i]))
            signature_decide(&v->signatures[i], DKIM_NONE, STR("not by a key of ours"));
    return hash_headers(v, headers) ? v : NULL;
}

bool dkim_verifier_wants_body(const struct dkim_verifier *v)
{
    return !body_digests_settled(v->terms.bodies);
}

void dkim_verifier_body(struct dkim_verifier *v, const void *data, size_t n)
{
    if (!v->settings.bodies)
        body_digests_update(v->terms.bodies, data, n);
}

const struct dkim_signature *dkim_verifier_finish(struct dkim_verifier *v, struct dns_asker *asker,
                                                  size_t *n, size_t *skipped)
{
    for (size_t i = 0; i < v->n; i++) {
        struct signature *s = &v->signatures[i];
        if (s->decided)
            continue;
        if (v->own)
            signature_judge_by(&v->terms, s, own_key(v, s)->key);
        else
            signature_judge(&v->terms, s, asker);
    }
    *n = v->n;
    *skipped = v->skipped;
    return v->results;
}
