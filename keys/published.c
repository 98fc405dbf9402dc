/* published.c - does the DNS record of a signing key fit the private key?
 *
 * Errors: none; DNS trouble is a finding. */
#include "keys/published.h"

#include "crypto/canon.h"
#include "dkim/keyrecord.h"
#include "mail/taglist.h"

const char *record_finding_word(enum record_finding finding)
{
    static const char *const words[] = {
#define X(id, word, what) [id] = word,
        RECORD_FINDINGS(X)
#undef X
    };
    return words[finding];
}

const char *record_finding_advice(enum record_finding finding)
{
    static const char *const advice[] = {
#define X(id, word, what) [id] = what,
        RECORD_FINDINGS(X)
#undef X
    };
    return advice[finding];
}

static bool has_quotes(struct str text)
{
    return str_find(text, 0, '"') < text.n || str_find(text, 0, '\\') < text.n;
}

/* Web forms that take one string of 255 bytes keep only the beginning of p=, in the middle of a
 * base64 group or not. */
static bool is_cut(struct str text, struct str public, struct arena *a)
{
    struct taglist tags;
    struct str problem;
    if (taglist_parse(a, text, &tags, &problem) != TAGLIST_OK)
        return false;
    struct str whole = base64_encode(a, public), p = taglist_get(&tags, STR("p"));
    return p.n > 0 && p.n < whole.n && str_starts(whole, p);
}

/* RFC 6376 3.6.1 speaks of RSAPublicKey, which is what SubjectPublicKeyInfo ends with; both are in
 * use. */
#define ALGORITHM_MAX 32
static bool same_key(struct str published, struct str public, enum key_type type)
{
    size_t before = public.n - published.n;
    bool bare = type == KEY_RSA && published.n < public.n && before < ALGORITHM_MAX &&
                str_eq(str_sub(public, before, public.n), published);
    return bare || str_eq(published, public);
}

/* One record. Whether it holds this key comes first: the tags of another key say nothing. */
static enum record_finding compare_key(struct str text, enum key_type type, struct str public,
                                       struct arena *a)
{
    struct key_record record;
    const char *problem = key_record_parse(a, text, &record);
    if (is_cut(text, public, a))
        return RECORD_CUT;
    if (problem)
        return has_quotes(text) ? RECORD_QUOTED : RECORD_BROKEN;
    if (record.revoked)
        return RECORD_REVOKED;
    if (!same_key(record.key, public, type))
        return RECORD_DIFFERS;
    if (!record.type_known || record.type != type)
        return RECORD_OTHER_TYPE;
    if (!record.sha256)
        return RECORD_NO_SHA256;
    if (!record.email)
        return RECORD_NO_EMAIL;
    return record.testing ? RECORD_TESTING : RECORD_GOOD;
}

enum record_finding record_compare(const struct dns_answer *answer, const struct private_key *key,
                                   struct arena *a)
{
    if (dns_unknown(answer))
        return RECORD_UNKNOWN;
    if (answer->n == 0)
        return RECORD_ABSENT;
    if (answer->n > 1)
        return RECORD_SEVERAL;
    return compare_key(answer->rr[0].text, private_key_type(key), private_key_public(key, a), a);
}
