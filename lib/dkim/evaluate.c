/* evaluate.c - one signature: its header hashed, its key found, its result decided (RFC 6376 6.1.2,
 * 6.1.3).
 *
 * Errors: none but results. */
#include "dkim/evaluate.h"
#include "dkim/keyrecord.h"
#include "mail/domain.h"

/* RFC 6376 3.6.2.2 leaves several records at one name undefined, 6.1.2 lets a verifier try them
 * one after the other: that saves the mail of a domain that added its key beside the old one or
 * has other TXT records under a wildcard. Keys cost time; of other records thousands fit into an
 * answer. */
#define KEYS_MAX    3
#define RECORDS_MAX 32

void signature_check_expiry(const struct dkim_verify_settings *settings, struct signature *s)
{
    uint64_t now = settings->now > 0 ? (uint64_t)settings->now : 0;
    uint64_t skew = settings->clock_skew_s > 0 ? (uint64_t)settings->clock_skew_s : 0;
    if (s->expires_at != UINT64_MAX && now > skew && s->expires_at < now - skew)
        signature_decide(s, DKIM_POLICY, STR("the signature has expired"));
}

void signature_hash_header(struct arena *a, struct signature *s, struct fields *fields)
{
    struct header_hash *hash = header_hash_new(a, s->header_canon);
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

static const char body_differs[] = "body hash differs: the message was changed after signing";

/* Reasons of options. */
static const char key_shorter[] = "the RSA key is shorter than we accept";
static const char key_longer[] = "the RSA key is longer than we accept";
static const char body_partial[] = "the signature covers only the beginning of the body (l=)";

bool dkim_fails_by_option(struct str reason)
{
    const char *const reasons[] = {key_shorter, key_longer, key_too_long, body_partial};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (str_ends_nocase(reason, str_of(reasons[i])))
            return true;
    return false;
}

/* What the body says of one signature. */
struct body_verdict {
    bool same;    /* the digest is that of bh= */
    bool partial; /* l= leaves a part of the body unsigned */
};

/* False if l= is longer than the body: RFC 6376 3.5 forbids that, and 6.1.1 forbids leniency. A
 * signature that covers no body has none that differs. */
static bool judge_body(const struct signature *s, struct body_verdict *verdict)
{
    unsigned char digest[32];
    *verdict = (struct body_verdict){.same = true};
    if (!s->body)
        return true;
    body_hash_finish(s->body, digest);
    uint64_t length = body_hash_length(s->body);
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
static struct trial try_key(const struct signature_terms *terms, const struct signature *s,
                            const struct body_verdict *body, const struct public_key *key,
                            struct trial t)
{
    bool rsa = public_key_type(key) == KEY_RSA;
    t.key_bits = public_key_bits(key);
    if (rsa && t.key_bits < KEY_RSA_BITS_MIN)
        return ended(t, DKIM_PERMERROR, "the RSA key has less than 1024 bits (RFC 8301)");
    if (!body->same)
        return ended(t, DKIM_FAIL, body_differs);
    if (rsa && terms->settings->max_key_bits && t.key_bits > terms->settings->max_key_bits)
        return ended(t, DKIM_POLICY, key_longer);
    if (!public_key_verify(key, s->header_digest, s->b))
        return ended(t, DKIM_FAIL,
                     "signature does not verify: a signed header field was changed, or another key "
                     "was used");
    if (rsa && t.key_bits < terms->settings->min_key_bits)
        return ended(t, DKIM_POLICY, key_shorter);
    if (body->partial && !terms->settings->partial_body)
        return ended(t, DKIM_POLICY, body_partial);
    t.ahead = s->ahead_s > 0;
    if (t.ahead)
        return ended(t, DKIM_TEMPERROR,
                     "the signature verifies, but is dated in the future: is a clock wrong?");
    return ended(t, DKIM_PASS, "");
}

static struct trial try_record(const struct signature_terms *terms, const struct signature *s,
                               const struct body_verdict *body, struct str text)
{
    struct key_record record;
    struct trial t = {0};
    const char *problem = key_record_parse(terms->arena, text, &record);
    if (problem)
        return ended(t, DKIM_PERMERROR, problem);
    t.is_key = true;
    t.testing = record.testing;
    problem = key_misfit(&record, s);
    if (problem)
        return ended(t, DKIM_PERMERROR, problem);
    struct public_key *key = key_cache_get(terms->keys, record.type, record.key, &problem);
    if (!key && problem == key_too_long)
        return ended(t, body->same ? DKIM_POLICY : DKIM_FAIL, body->same ? problem : body_differs);
    if (!key)
        return ended(t, DKIM_PERMERROR, problem);
    t = try_key(terms, s, body, key, t);
    public_key_release(key);
    return t;
}

/* Of several records the one that the signature gets furthest with decides, so that their order,
 * which DNS does not keep, does not. */
static int trial_progress(const struct trial *t)
{
    switch (t->result) {
    case DKIM_PASS:
    case DKIM_TEMPERROR: /* the date makes it the one or the other for all keys */
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

static void try_records(const struct signature_terms *terms, struct signature *s,
                        const struct body_verdict *body, const struct dns_answer *answer)
{
    struct trial best = {0};
    unsigned keys = 0;
    for (size_t i = 0; i < answer->n && i < RECORDS_MAX && keys < KEYS_MAX; i++) {
        struct trial t = try_record(terms, s, body, answer->rr[i].text);
        if (t.key_bits)
            keys++;
        if (i == 0 || trial_progress(&t) > trial_progress(&best))
            best = t;
    }
    s->result->testing = best.testing;
    decide_by_trial(s, &best);
}

/* Without a key: what is known all the same is not called unknown, since a temperror may cost the
 * sender a delay. */
static void decide_without_key(const struct signature_terms *terms, struct signature *s,
                               const struct body_verdict *body, const struct dns_answer *answer)
{
    struct str name = str_safe(terms->arena, s->key_name, DOMAIN_MAX, false);
    if (!dns_unknown(answer))
        signature_decide(s, DKIM_PERMERROR,
                         str_printf(terms->arena, "no key is published at %.*s", STR_ARG(name)));
    else if (!body->same)
        signature_decide(s, DKIM_FAIL, str_of(body_differs));
    else
        signature_decide(s, DKIM_TEMPERROR,
                         str_printf(terms->arena, "the key at %.*s cannot be fetched now: DNS %s",
                                    STR_ARG(name), dns_status_name(answer->status)));
}

void signature_want_body(const struct signature_terms *terms, struct signature *s)
{
    s->body = body_digests_want(terms->bodies, s->body_canon, s->body_limit);
}

static bool asked_before(const struct key_queries *queries, struct str name)
{
    for (size_t i = 0; i < queries->n; i++)
        if (str_eq(queries->names[i], name))
            return true;
    return false;
}

void signature_start_query(const struct signature_terms *terms, struct key_queries *queries,
                           struct signature *s, struct dns_asker *asker)
{
    s->key_name = str_printf(terms->arena, "%.*s._domainkey.%.*s", STR_ARG(s->result->selector),
                             STR_ARG(s->result->domain));
    if (asked_before(queries, s->key_name))
        return;
    if (terms->settings->max_queries && queries->n == terms->settings->max_queries) {
        s->result->out_of_queries = true;
        signature_decide(s, DKIM_POLICY,
                         STR("no DNS query is left for its key " DKIM_NO_QUERY_LEFT));
        return;
    }
    queries->names = arena_extend(terms->arena, queries->names, queries->n, &queries->cap,
                                  sizeof *queries->names);
    queries->names[queries->n++] = s->key_name;
    dns_start(asker, s->key_name, DNS_TXT);
}

/* True, and *body, if the body does not decide it. */
static bool body_leaves_open(struct signature *s, struct body_verdict *body)
{
    if (!judge_body(s, body))
        signature_decide(s, DKIM_PERMERROR, STR("l= is longer than the body"));
    return !s->decided;
}

void signature_judge(const struct signature_terms *terms, struct signature *s,
                     struct dns_asker *asker)
{
    struct body_verdict body;
    if (!body_leaves_open(s, &body))
        return;
    const struct dns_answer *answer = dns_lookup(asker, s->key_name, DNS_TXT);
    s->result->security = answer->security;
    if (answer->status == DNS_ANSWER)
        try_records(terms, s, &body, answer);
    else
        decide_without_key(terms, s, &body, answer);
}

void signature_judge_by(const struct signature_terms *terms, struct signature *s,
                        const struct private_key *own)
{
    const char *problem;
    struct body_verdict body;
    if (!body_leaves_open(s, &body))
        return;
    struct str bytes = private_key_public(own, terms->arena);
    struct public_key *key = key_cache_get(terms->keys, s->result->key_type, bytes, &problem);
    if (!key) {
        signature_decide(s, DKIM_PERMERROR, str_of(problem));
        return;
    }
    struct trial t = try_key(terms, s, &body, key, (struct trial){0});
    public_key_release(key);
    decide_by_trial(s, &t);
}
