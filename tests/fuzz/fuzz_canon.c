/* Canonicalization: a body cut anywhere has the digest and length of the whole; a header value has
 * the same digest with LF and with CRLF.
 *
 * The first byte seeds the cuts, the second is the limit (0: none). */
#include "fuzz.h"

#include <string.h>

#include "crypto/canon.h"

struct digest_of {
    unsigned char bytes[32];
    uint64_t length;
};

static struct digest_of hash_body(struct arena *a, enum canon canon, uint64_t limit,
                                  struct str body, unsigned seed, size_t max_piece)
{
    struct digest_of d;
    struct body_hash *h = body_hash_new(a, canon, limit);
    for (size_t at = 0; at < body.n;) {
        size_t n = 1 + (size_t)rand_r(&seed) % max_piece;
        struct str part = str_sub(body, at, at + n);
        body_hash_update(h, part.p, part.n);
        at += part.n;
    }
    body_hash_finish(h, d.bytes);
    d.length = body_hash_length(h);
    return d;
}

static void require_same(const struct digest_of *x, const struct digest_of *y)
{
    require(x->length == y->length);
    require(memcmp(x->bytes, y->bytes, sizeof x->bytes) == 0);
}

static void check_body(struct arena *a, enum canon canon, uint64_t limit, unsigned seed,
                       struct str body)
{
    struct digest_of whole = hash_body(a, canon, limit, body, 0, body.n + 1);
    struct digest_of bytes = hash_body(a, canon, limit, body, 0, 1);
    struct digest_of pieces = hash_body(a, canon, limit, body, seed, 1 + seed % 200);
    require_same(&whole, &bytes);
    require_same(&whole, &pieces);
    require(whole.length <= body.n + 2);
}

static void hash_value(struct arena *a, enum canon canon, struct str value, unsigned char out[64])
{
    struct header_hash *field = header_hash_new(a, canon);
    header_hash_field(field, STR("Subject"), value);
    header_hash_finish(field, out);
    struct header_hash *signature = header_hash_new(a, canon);
    header_hash_signature(signature, STR("DKIM-Signature"), value);
    header_hash_finish(signature, out + 32);
}

static void check_value(struct arena *a, enum canon canon, struct str value)
{
    unsigned char lf[64], crlf[64];
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\n' && (i == 0 || value.p[i - 1] != '\r'))
            sb_addc(&b, '\r');
        sb_addc(&b, value.p[i]);
    }
    hash_value(a, canon, value, lf);
    hash_value(a, canon, sb_str(&b), crlf);
    require(memcmp(lf, crlf, sizeof lf) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    unsigned seed = size > 0 ? data[0] : 0;
    uint64_t limit = size > 1 && data[1] ? data[1] : UINT64_MAX;
    struct str text = str_sub(fuzz_text(data, size), 2, size);
    for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
        check_body(a, (enum canon)canon, limit, seed, text);
        check_value(a, (enum canon)canon, text);
    }
    arena_free(a);
    return 0;
}
