/* verify.c - the verifier: signatures found, header and body hashed, keys fetched, results decided
 * (RFC 6376 6.1).
 *
 * Errors: none but results. Work is bounded by the cap on signatures: the header is hashed once for
 * each evaluated signature, the body once for each of their kinds (canonicalization and l=). */
#include "base/ascii.h"
#include "dkim/fields.h"
#include "dkim/keyrecord.h"
#include "dkim/signature.h"
#include "mail/domain.h"

/* RFC 6376 3.6.2.2 leaves several records at one name undefined, 6.1.2 lets a verifier try them
 * one after the other: that saves the mail of a domain that added its key beside the old one or
 * has other TXT records under a wildcard. Keys cost time; of other records thousands fit into an
 * answer. */
#define KEYS_MAX    3
#define RECORDS_MAX 32

#define B_START_MIN 8 /* RFC 6008 4 */

struct body {
    enum canon canon;
    uint64_t limit;
    struct body_hash *hash;
};

struct dkim_verifier {
    struct dkim_verify_settings settings;
    struct arena *arena;
    struct key_cache *keys;
    size_t n, skipped;
    struct signature *signatures;
    struct dkim_signature *results;
    struct body *bodies;
    size_t n_bodies;
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
        signature_parse(v->arena, field, &v->signatures[v->n], &v->results[v->n]);
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
    if (s->expires_at != UINT64_MAX && now > skew && s->expires_at < now - skew)
        signature_decide(s, DKIM_POLICY, STR("the signature has expired"));
}

static void hash_header(struct dkim_verifier *v, struct signature *s, struct fields *fields)
{
    struct header_hash *hash = header_hash_new(v->arena, s->header_canon);
    fields_rewind(fields);
    for (size_t i = 0; i < s->n_names; i++) {
        const struct header_field *f = fields_take(fields, s->names[i]);
        if (f == s->field) /* never signs itself (RFC 6376 3.7) */
            f = fields_take(fields, s->names[i]);
        if (f)
            header_hash_field(hash, header_written_name(f), f->value);
    }
    header_hash_signature(hash, header_written_name(s->field), s->field->value);
    header_hash_finish(hash, s->header_digest);
}

/* The digest of this kind, shared with the signatures before. */
static struct body *body_of(struct dkim_verifier *v, const struct signature *s)
{
    for (size_t i = 0; i < v->n_bodies; i++)
        if (v->bodies[i].canon == s->body_canon && v->bodies[i].limit == s->body_limit)
            return &v->bodies[i];
    struct body *b = &v->bodies[v->n_bodies++];
    b->canon = s->body_canon;
    b->limit = s->body_limit;
    b->hash = body_hash_new(v->arena, b->canon, b->limit);
    return b;
}

/* With the signatures read, and those decided that their own fields rule out. */
static struct dkim_verifier *begin(struct arena *a, const struct dkim_verify_settings *settings,
                                   const struct header_list *headers, struct key_cache *keys)
{
    struct dkim_verifier *v = arena_make(a, struct dkim_verifier);
    v->settings = *settings;
    v->arena = a;
    v->keys = keys;
    find_signatures(v, headers);
    v->bodies = arena_array(a, struct body, v->n);
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
        hash_header(v, s, fields);
        body_of(v, s);
    }
    return fields != NULL;
}

/* True if this key name is that of an earlier signature whose key is asked for. */
static bool asked_before(const struct dkim_verifier *v, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (!v->signatures[k].decided &&
            str_eq(v->signatures[k].key_name, v->signatures[i].key_name))
            return true;
    return false;
}

/* Starts the queries for all keys that may be asked for, the newest signatures' first. What is
 * beyond these is no temperror: it would be so again whenever the message comes again. */
static void ask_for_keys(struct dkim_verifier *v, struct dns_asker *asker)
{
    unsigned max = v->settings.max_queries, queries = 0;
    for (size_t i = 0; i < v->n; i++) {
        struct signature *s = &v->signatures[i];
        if (s->decided)
            continue;
        s->key_name = str_printf(v->arena, "%.*s._domainkey.%.*s", STR_ARG(s->result->selector),
                                 STR_ARG(s->result->domain));
        if (asked_before(v, i))
            continue;
        if (max && queries == max) {
            s->result->out_of_queries = true;
            signature_decide(s, DKIM_POLICY,
                             STR("no DNS query is left for its key (dns.max-queries)"));
            continue;
        }
        queries++;
        dns_start(asker, s->key_name, DNS_TXT);
    }
}

struct dkim_verifier *dkim_verifier_new(const struct dkim_verify_settings *settings,
                                        const struct header_list *headers, struct key_cache *keys,
                                        struct dns_asker *asker)
{
    struct dkim_verifier *v = begin(asker->arena, settings, headers, keys);
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
    struct dkim_verifier *v = begin(a, settings, headers, NULL);
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
    struct dkim_verifier *v = begin(a, settings, headers, cache);
    v->own = keys;
    v->n_own = n_keys;
    for (size_t i = 0; i < v->n; i++)
        if (!own_key(v, &v->signatures[i]))
            signature_decide(&v->signatures[i], DKIM_NONE, STR("not by a key of ours"));
    return hash_headers(v, headers) ? v : NULL;
}

bool dkim_verifier_wants_body(const struct dkim_verifier *v)
{
    for (size_t i = 0; i < v->n_bodies; i++)
        if (!body_hash_settled(v->bodies[i].hash))
            return true;
    return false;
}

void dkim_verifier_body(struct dkim_verifier *v, const void *data, size_t n)
{
    for (size_t i = 0; i < v->n_bodies; i++)
        if (!body_hash_settled(v->bodies[i].hash))
            body_hash_update(v->bodies[i].hash, data, n);
}

static const char body_differs[] = "body hash differs: the message was changed after signing";

/* What the body says of one signature. */
struct body_verdict {
    bool same;    /* the digest is that of bh= */
    bool partial; /* l= leaves a part of the body unsigned */
};

/* False if l= is longer than the body: RFC 6376 3.5 forbids that, and 6.1.1 forbids leniency. */
static bool judge_body(struct dkim_verifier *v, const struct signature *s,
                       struct body_verdict *verdict)
{
    unsigned char digest[32];
    struct body_hash *hash = body_of(v, s)->hash;
    body_hash_finish(hash, digest);
    uint64_t length = body_hash_length(hash);
    verdict->partial = s->body_limited && s->body_limit < length;
    verdict->same = str_eq(s->body_digest, (struct str){(char *)digest, sizeof digest});
    return !s->body_limited || s->body_limit <= length;
}

/* One trial: a signature against one key record. */
struct trial {
    enum dkim_result result;
    struct str reason;
    unsigned key_bits;
    bool is_key; /* the record is a key record at all */
    bool testing;
    bool ahead; /* what is wrong is the date alone */
};

static struct trial ended(struct trial t, enum dkim_result result, const char *reason)
{
    t.result = result;
    t.reason = str_of(reason);
    return t;
}

/* NULL, or why this record cannot be the key of this signature (RFC 6376 6.1.2, 3.6.1). */
static const char *key_misfit(const struct key_record *key, const struct signature *s)
{
    if (!key->email)
        return "the key is not for mail (s=)";
    if (!key->sha256)
        return "the key does not allow sha256 (h=)";
    if (key->revoked)
        return "the key is revoked (p= is empty)";
    if (!key->type_known)
        return "the key's type (k=) is unknown";
    if (key->type != s->result->key_type)
        return "the key's type (k=) does not fit the signature's algorithm (a=)";
    if (key->strict && s->auid_domain.p && !str_eq(s->auid_domain, s->result->domain))
        return "i= is a subdomain of d=, which the key forbids (t=s)";
    return NULL;
}

/* With a decoded key: what only policy objects to has passed everything else, but for keys that are
 * too long to be used. */
static struct trial try_key(const struct dkim_verifier *v, const struct signature *s,
                            const struct body_verdict *body, const struct public_key *key,
                            struct trial t)
{
    bool rsa = public_key_type(key) == KEY_RSA;
    t.key_bits = public_key_bits(key);
    if (rsa && t.key_bits < KEY_RSA_BITS_MIN)
        return ended(t, DKIM_PERMERROR, "the RSA key has less than 1024 bits (RFC 8301)");
    if (!body->same)
        return ended(t, DKIM_FAIL, body_differs);
    if (rsa && v->settings.max_key_bits && t.key_bits > v->settings.max_key_bits)
        return ended(t, DKIM_POLICY, "the RSA key is longer than we accept");
    if (!public_key_verify(key, s->header_digest, s->b))
        return ended(t, DKIM_FAIL,
                     "signature does not verify: a signed header field was changed, or another key "
                     "was used");
    if (rsa && t.key_bits < v->settings.min_key_bits)
        return ended(t, DKIM_POLICY, "the RSA key is shorter than we accept");
    if (body->partial && !v->settings.partial_body)
        return ended(t, DKIM_POLICY, "the signature covers only the beginning of the body (l=)");
    t.ahead = s->ahead_s > 0;
    if (t.ahead)
        return ended(t, DKIM_TEMPERROR,
                     "the signature verifies, but is dated in the future: is a clock wrong?");
    return ended(t, DKIM_PASS, "");
}

static struct trial try_record(const struct dkim_verifier *v, const struct signature *s,
                               const struct body_verdict *body, struct str text)
{
    struct key_record record;
    struct trial t = {0};
    const char *problem = key_record_parse(v->arena, text, &record);
    if (problem)
        return ended(t, DKIM_PERMERROR, problem);
    t.is_key = true;
    t.testing = record.testing;
    problem = key_misfit(&record, s);
    if (problem)
        return ended(t, DKIM_PERMERROR, problem);
    struct public_key *key = key_cache_get(v->keys, record.type, record.key, &problem);
    if (!key && problem == key_too_long)
        return ended(t, body->same ? DKIM_POLICY : DKIM_FAIL, body->same ? problem : body_differs);
    if (!key)
        return ended(t, DKIM_PERMERROR, problem);
    t = try_key(v, s, body, key, t);
    public_key_release(key);
    return t;
}

/* Of several records the one that the signature gets furthest with decides, so that their order,
 * which DNS does not keep, does not. */
static int progress(const struct trial *t)
{
    switch (t->result) {
    case DKIM_PASS:
        return 5;
    case DKIM_TEMPERROR:
        return 4;
    case DKIM_POLICY:
        return 3;
    case DKIM_FAIL:
        return 2;
    default:
        return t->is_key;
    }
}

static void decide_by_trial(struct signature *s, const struct trial *t)
{
    s->result->key_bits = t->key_bits;
    s->result->ahead_s = t->ahead ? s->ahead_s : 0;
    signature_decide(s, t->result, t->reason);
}

static void try_records(const struct dkim_verifier *v, struct signature *s,
                        const struct body_verdict *body, const struct dns_answer *answer)
{
    struct trial best = {0};
    unsigned keys = 0;
    for (size_t i = 0; i < answer->n && i < RECORDS_MAX && keys < KEYS_MAX; i++) {
        struct trial t = try_record(v, s, body, answer->rr[i].text);
        keys += t.key_bits > 0;
        if (i == 0 || progress(&t) > progress(&best))
            best = t;
    }
    s->result->testing = best.testing;
    decide_by_trial(s, &best);
}

/* Without a key: what is known all the same is not called unknown, since a temperror may cost the
 * sender a delay. */
static void decide_without_key(struct dkim_verifier *v, struct signature *s,
                               const struct body_verdict *body, const struct dns_answer *answer)
{
    struct str name = str_safe(v->arena, s->key_name, DOMAIN_MAX, false);
    if (!dns_unknown(answer))
        signature_decide(s, DKIM_PERMERROR,
                         str_printf(v->arena, "no key is published at %.*s", STR_ARG(name)));
    else if (!body->same)
        signature_decide(s, DKIM_FAIL, str_of(body_differs));
    else
        signature_decide(s, DKIM_TEMPERROR,
                         str_printf(v->arena, "the key at %.*s cannot be fetched now: DNS %s",
                                    STR_ARG(name), dns_status_name(answer->status)));
}

static void decide_by_own_key(const struct dkim_verifier *v, struct signature *s,
                              const struct body_verdict *body)
{
    const char *problem;
    const struct dkim_signing_key *own = own_key(v, s);
    struct str bytes = private_key_public(own->key, v->arena);
    struct public_key *key = key_cache_get(v->keys, s->result->key_type, bytes, &problem);
    if (!key) {
        signature_decide(s, DKIM_PERMERROR, str_of(problem));
        return;
    }
    struct trial t = try_key(v, s, body, key, (struct trial){0});
    public_key_release(key);
    decide_by_trial(s, &t);
}

static void decide(struct dkim_verifier *v, struct signature *s, struct dns_asker *asker)
{
    struct body_verdict body;
    if (!judge_body(v, s, &body)) {
        signature_decide(s, DKIM_PERMERROR, STR("l= is longer than the body"));
        return;
    }
    if (v->own) {
        decide_by_own_key(v, s, &body);
        return;
    }
    const struct dns_answer *answer = dns_lookup(asker, s->key_name, DNS_TXT);
    s->result->security = answer->security;
    if (answer->status == DNS_ANSWER)
        try_records(v, s, &body, answer);
    else
        decide_without_key(v, s, &body, answer);
}

const struct dkim_signature *dkim_verifier_finish(struct dkim_verifier *v, struct dns_asker *asker,
                                                  size_t *n, size_t *skipped)
{
    for (size_t i = 0; i < v->n; i++)
        if (!v->signatures[i].decided)
            decide(v, &v->signatures[i], asker);
    *n = v->n;
    *skipped = v->skipped;
    return v->results;
}
