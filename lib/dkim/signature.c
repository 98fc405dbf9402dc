/* signature.c - reads a DKIM-Signature field and checks what can be checked without key and body.
 *
 * Errors: a result that is final. What breaks the grammar of RFC 6376 3.5, or asks for what this
 * version of DKIM does not have (v=, a=, c=, q=), is neutral: it could not be processed (RFC 8601
 * 2.7.1). What is well formed and ruled out by a MUST (rsa-sha1, From not signed, i= outside d=) is
 * permerror. The first objection stands; reading goes on behind it, so that logs and headers can
 * name the signature. */
#include "dkim/signature.h"
#include "base/ascii.h"
#include "mail/domain.h"

#define LENGTH_DIGITS_MAX 76 /* RFC 6376 3.5, l= */

void signature_decide(struct signature *s, enum dkim_result result, struct str reason)
{
    if (s->decided)
        return;
    s->decided = true;
    s->result->result = result;
    s->result->reason = reason;
}

/* Readers of one tag each: NULL, or what is wrong. Values are compared with their case: RFC 6376
 * 3.2 asks for that wherever a tag's description does not say otherwise. */
typedef const char *tag_reader(struct arena *a, struct str value, struct signature *s);

static const char *read_v(struct arena *a, struct str value, struct signature *s)
{
    (void)a;
    (void)s;
    return str_eq(value, STR("1")) ? NULL : "v= is not 1";
}

static const char *read_a(struct arena *a, struct str value, struct signature *s)
{
    (void)a;
    s->algorithm = value;
    s->result->algorithm = value;
    if (str_eq(value, STR("ed25519-sha256")))
        s->result->key_type = KEY_ED25519;
    else if (str_eq(value, STR("rsa-sha256")) || str_eq(value, STR("rsa-sha1")))
        s->result->key_type = KEY_RSA;
    else
        return "the algorithm in a= is unknown";
    return NULL;
}

static const char *read_b(struct arena *a, struct str value, struct signature *s)
{
    s->b_text = taglist_strip(a, value);
    s->b = base64_decode(a, value);
    return s->b.n ? NULL : "b= is empty or no base64";
}

static const char *read_bh(struct arena *a, struct str value, struct signature *s)
{
    s->body_digest = base64_decode(a, value);
    return s->body_digest.n ? NULL : "bh= is empty or no base64";
}

static bool read_canon(struct str word, enum canon *canon)
{
    *canon = str_eq(word, STR("relaxed")) ? CANON_RELAXED : CANON_SIMPLE;
    return *canon == CANON_RELAXED || str_eq(word, STR("simple"));
}

static const char *read_c(struct arena *a, struct str value, struct signature *s)
{
    (void)a;
    size_t slash = str_find(value, 0, '/');
    struct str body = slash < value.n ? str_sub(value, slash + 1, value.n) : STR("simple");
    if (read_canon(str_sub(value, 0, slash), &s->header_canon) && read_canon(body, &s->body_canon))
        return NULL;
    return "the canonicalization in c= is unknown";
}

/* RFC 6376's domain names have no dot at the end, though ours may. */
static bool read_domain(struct arena *a, struct str text, struct str *out)
{
    *out = STR_NONE;
    return text.n && text.p[text.n - 1] != '.' && domain_normalize(a, text, out);
}

static const char *read_d(struct arena *a, struct str value, struct signature *s)
{
    if (!read_domain(a, value, &s->result->domain))
        return "d= is no domain name";
    /* The grammar asks for two labels: a top-level domain signs for nobody (RFC 6376 6.1.1). */
    if (domain_labels(s->result->domain) < 2)
        return "d= is a top-level domain";
    return NULL;
}

static const char *read_s(struct arena *a, struct str value, struct signature *s)
{
    return read_domain(a, value, &s->result->selector) ? NULL : "s= is no selector";
}

static const char *read_h(struct arena *a, struct str value, struct signature *s)
{
    struct str rest = value, part;
    size_t n = 1;
    for (size_t i = 0; i < value.n; i++)
        n += value.p[i] == ':';
    s->names = arena_array(a, struct str, n);
    while (str_split(&rest, ':', &part)) {
        part = str_trim(part);
        if (!header_is_name(part))
            return "h= is no list of field names";
        s->names[s->n_names++] = part;
    }
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 6376 2.11: white space is none of the value, "=3B" is a semicolon, in upper case only. */
static struct str decode_quoted(struct arena *a, struct str text)
{
    struct str stripped = taglist_strip(a, text);
    char *out = arena_copy(a, stripped.p, stripped.n);
    size_t n = 0;
    for (size_t i = 0; i < stripped.n; i++) {
        char c = stripped.p[i];
        if (c == '=') {
            if (i + 2 >= stripped.n)
                return STR_NONE;
            int high = hex_digit(stripped.p[i + 1]), low = hex_digit(stripped.p[i + 2]);
            if (high < 0 || low < 0)
                return STR_NONE;
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[n++] = c;
    }
    return (struct str){out, n};
}

/* RFC 5321 4.1.2 Local-part, or nothing. Dots may stand anywhere: such addresses exist. */
static bool is_local_part(struct str local)
{
    static const struct str specials = STR_INIT("()<>[]:;@\\,\"");
    bool quoted = local.n >= 2 && local.p[0] == '"' && local.p[local.n - 1] == '"';
    for (size_t i = 0; i < local.n; i++) {
        unsigned char c = (unsigned char)local.p[i];
        if (c < 0x20 || c == 0x7F)
            return false;
        if (!quoted && (c == ' ' || str_find(specials, 0, (char)c) < specials.n))
            return false;
    }
    return true;
}

static const char *read_i(struct arena *a, struct str value, struct signature *s)
{
    struct str identity = decode_quoted(a, value);
    size_t at = str_find_last(identity, '@');
    s->result->identity = taglist_strip(a, value);
    if (at == identity.n || !is_local_part(str_sub(identity, 0, at)) ||
        !read_domain(a, str_sub(identity, at + 1, identity.n), &s->auid_domain))
        return "i= is no address";
    return NULL;
}

/* Decimal digits; a number too large for us is UINT64_MAX. */
static bool read_number(struct str text, uint64_t *out)
{
    unsigned long long number;
    *out = UINT64_MAX;
    for (size_t i = 0; i < text.n; i++)
        if (!ascii_is_digit(text.p[i]))
            return false;
    if (str_to_u64(text, UINT64_MAX, &number))
        *out = number;
    return text.n > 0;
}

static const char *read_l(struct arena *a, struct str value, struct signature *s)
{
    (void)a;
    s->body_limited = true;
    if (value.n > LENGTH_DIGITS_MAX || !read_number(value, &s->body_limit))
        return "l= is no number";
    return NULL;
}

static const char *read_q(struct arena *a, struct str value, struct signature *s)
{
    (void)a;
    (void)s;
    struct str rest = value, part;
    while (str_split(&rest, ':', &part))
        if (str_eq(str_trim(part), STR("dns/txt")))
            return NULL;
    return "q= names no query method but unknown ones";
}

/* More digits than the grammar's twelve are read as what they are: far away (RFC 6376 3.5 lets a
 * verifier take them for infinite). */
static const char *read_t(struct arena *a, struct str value, struct signature *s)
{
    (void)a;
    s->has_signed_at = read_number(value, &s->signed_at);
    return s->has_signed_at ? NULL : "t= is no number";
}

static const char *read_x(struct arena *a, struct str value, struct signature *s)
{
    (void)a;
    if (!read_number(value, &s->expires_at))
        return "x= is no number";
    if (s->has_signed_at && s->expires_at <= s->signed_at)
        return "x= is not after t=";
    return NULL;
}

#define OF(kind)    (1U << (kind))
#define DKIM        OF(SIGNATURE_DKIM)
#define ARC_MESSAGE OF(SIGNATURE_ARC_MESSAGE)
#define EVERY       (DKIM | ARC_MESSAGE | OF(SIGNATURE_ARC_SEAL))

/* In the order of reading: d before i, t before x. z= is for people (RFC 6376 3.5). */
static const struct {
    struct str name;
    tag_reader *read;
    const char *missing; /* or NULL: optional */
    unsigned kinds;      /* that know it */
} tags[] = {
    {STR_INIT("v"), read_v, "v= is missing", DKIM},
    {STR_INIT("a"), read_a, "a= is missing", EVERY},
    {STR_INIT("b"), read_b, "b= is missing", EVERY},
    {STR_INIT("bh"), read_bh, "bh= is missing", DKIM | ARC_MESSAGE},
    {STR_INIT("c"), read_c, NULL, DKIM | ARC_MESSAGE},
    {STR_INIT("d"), read_d, "d= is missing", EVERY},
    {STR_INIT("h"), read_h, "h= is missing", DKIM | ARC_MESSAGE},
    {STR_INIT("i"), read_i, NULL, DKIM},
    {STR_INIT("l"), read_l, NULL, DKIM | ARC_MESSAGE},
    {STR_INIT("q"), read_q, NULL, DKIM | ARC_MESSAGE},
    {STR_INIT("s"), read_s, "s= is missing", EVERY},
    {STR_INIT("t"), read_t, NULL, EVERY},
    {STR_INIT("x"), read_x, NULL, DKIM | ARC_MESSAGE},
};

static void read_tags(struct arena *a, enum signature_kind kind, struct signature *s)
{
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (!(tags[i].kinds & OF(kind)))
            continue;
        struct str value = taglist_get(&s->tags, tags[i].name);
        const char *wrong = value.p ? tags[i].read(a, value, s) : tags[i].missing;
        if (wrong)
            signature_decide(s, DKIM_NEUTRAL, str_of(wrong));
    }
}

static bool signs_from(const struct signature *s)
{
    for (size_t i = 0; i < s->n_names; i++)
        if (str_eq_nocase(s->names[i], STR("from")))
            return true;
    return false;
}

static void check_meaning(struct signature *s, enum signature_kind kind)
{
    if (str_eq(s->algorithm, STR("rsa-sha1")))
        signature_decide(s, DKIM_PERMERROR,
                         STR("rsa-sha1 is no longer a valid algorithm (RFC 8301)"));
    if (kind != SIGNATURE_ARC_SEAL && !signs_from(s))
        signature_decide(s, DKIM_PERMERROR, STR("From is not signed"));
    if (s->auid_domain.p && !domain_is_at_or_below(s->auid_domain, s->result->domain))
        signature_decide(s, DKIM_PERMERROR, STR("i= is not within d="));
}

void signature_parse(struct arena *a, enum signature_kind kind, const struct header_field *field,
                     struct signature *s, struct dkim_signature *result)
{
    struct str problem;
    s->field = field;
    s->result = result;
    s->body_limit = UINT64_MAX;
    s->expires_at = UINT64_MAX;
    if (taglist_parse(a, field->value, &s->tags, &problem) != TAGLIST_OK) {
        signature_decide(s, DKIM_NEUTRAL, problem);
        taglist_parse_lenient(a, field->value, TAGLIST_EXACT, &s->tags);
    }
    read_tags(a, kind, s);
    check_meaning(s, kind);
    if (!result->identity.p && result->domain.p && kind == SIGNATURE_DKIM)
        result->identity = str_printf(a, "@%.*s", STR_ARG(taglist_get(&s->tags, STR("d"))));
}
