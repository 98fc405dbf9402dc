/* canon: RFC 6376 3.4 by tables, chunked streams against a plain reference, limits; base64. */
#include "test.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/canon.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct str sha256(struct str text)
{
    unsigned char digest[32];
    size_t n = 0;
    assert_true(EVP_Q_digest(NULL, "SHA256", NULL, text.p ? text.p : "", text.n, digest, &n));
    return str_copy(arena, (struct str){(char *)digest, n});
}

static struct str body_digest(enum canon canon, uint64_t limit, struct str body, uint64_t *length)
{
    unsigned char digest[32], again[32];
    struct body_hash *h = body_hash_new(arena, canon, limit);
    body_hash_update(h, body.p, body.n);
    body_hash_finish(h, digest);
    *length = body_hash_length(h);
    body_hash_update(h, "x", 1);
    body_hash_finish(h, again);
    assert_memory_equal(digest, again, sizeof digest);
    return str_copy(arena, (struct str){(char *)digest, sizeof digest});
}

static void assert_digest(struct str got, struct str canonical)
{
    assert_memory_equal(got.p, sha256(canonical).p, 32);
}

struct body_case {
    struct str body, simple, relaxed;
};

static const struct body_case bodies[] = {
    {STR_INIT(""), STR_INIT("\r\n"), STR_INIT("")},
    {STR_INIT("\r\n"), STR_INIT("\r\n"), STR_INIT("")},
    {STR_INIT("\r\n\r\n\r\n"), STR_INIT("\r\n"), STR_INIT("")},
    {STR_INIT("a"), STR_INIT("a\r\n"), STR_INIT("a\r\n")},
    {STR_INIT("a\r\n"), STR_INIT("a\r\n"), STR_INIT("a\r\n")},
    {STR_INIT("a\r\n\r\n\r\n"), STR_INIT("a\r\n"), STR_INIT("a\r\n")},
    {STR_INIT("\r\na\r\n\r\nb"), STR_INIT("\r\na\r\n\r\nb\r\n"), STR_INIT("\r\na\r\n\r\nb\r\n")},
    /* RFC 6376 3.4.5 */
    {STR_INIT(" C \r\nD \t E\r\n\r\n\r\n"), STR_INIT(" C \r\nD \t E\r\n"),
     STR_INIT(" C\r\nD E\r\n")},
    /* Lines of white space are empty to relaxed only. */
    {STR_INIT("a\r\n \t\r\n"), STR_INIT("a\r\n \t\r\n"), STR_INIT("a\r\n")},
    {STR_INIT(" "), STR_INIT(" \r\n"), STR_INIT("")},
    {STR_INIT(" \t\r\n \r\n"), STR_INIT(" \t\r\n \r\n"), STR_INIT("")},
    {STR_INIT("a\r\n \r\nb \t"), STR_INIT("a\r\n \r\nb \t\r\n"), STR_INIT("a\r\n\r\nb\r\n")},
    /* A CR or LF alone ends no line. */
    {STR_INIT("a\r"), STR_INIT("a\r\r\n"), STR_INIT("a\r\r\n")},
    {STR_INIT("\r"), STR_INIT("\r\r\n"), STR_INIT("\r\r\n")},
    {STR_INIT("a\n\n"), STR_INIT("a\n\n\r\n"), STR_INIT("a\n\n\r\n")},
    {STR_INIT("a \rb\r\r\n"), STR_INIT("a \rb\r\r\n"), STR_INIT("a \rb\r\r\n")},
    {STR_INIT("a  \r \n\r\n"), STR_INIT("a  \r \n\r\n"), STR_INIT("a \r \n\r\n")},
    {STR_INIT("\n\r\n\r\n"), STR_INIT("\n\r\n"), STR_INIT("\n\r\n")},
    /* Any other byte is content. */
    {STR_INIT("\0 \0\x0b \xff\r\n"), STR_INIT("\0 \0\x0b \xff\r\n"),
     STR_INIT("\0 \0\x0b \xff\r\n")},
};

static void body_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct body_case *c = &bodies[i];
        uint64_t length;
        assert_digest(body_digest(CANON_SIMPLE, UINT64_MAX, c->body, &length), c->simple);
        assert_int_equal(length, c->simple.n);
        assert_digest(body_digest(CANON_RELAXED, UINT64_MAX, c->body, &length), c->relaxed);
        assert_int_equal(length, c->relaxed.n);
    }
}

/* The digests that RFC 6376 3.4.3 and 3.4.4 print for the empty body. */
static void empty_body(void **state)
{
    (void)state;
    uint64_t length;
    assert_str(base64_encode(arena, body_digest(CANON_SIMPLE, UINT64_MAX, STR(""), &length)),
               "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
    assert_str(base64_encode(arena, body_digest(CANON_RELAXED, UINT64_MAX, STR(""), &length)),
               "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

static void limits(void **state)
{
    (void)state;
    const struct str body = STR("ab  cd\r\n\r\nx");
    const struct str relaxed = STR("ab cd\r\n\r\nx\r\n");
    for (uint64_t limit = 0; limit <= relaxed.n + 2; limit++) {
        uint64_t length;
        struct str got = body_digest(CANON_RELAXED, limit, body, &length);
        assert_digest(got, str_sub(relaxed, 0, (size_t)limit));
        assert_int_equal(length, relaxed.n);
    }
}

static void settled(void **state)
{
    (void)state;
    char block[1000];
    memset(block, 'x', sizeof block);
    struct body_hash *all = body_hash_new(arena, CANON_SIMPLE, UINT64_MAX);
    struct body_hash *some = body_hash_new(arena, CANON_SIMPLE, 1000);
    body_hash_update(all, block, sizeof block);
    body_hash_update(some, block, sizeof block);
    assert_false(body_hash_settled(all));
    assert_false(body_hash_settled(some)); /* l= may still be the whole body */
    body_hash_update(some, block, sizeof block);
    assert_true(body_hash_settled(some));
}

/* The plain reference: line by line over the whole body, as the RFC describes it. */
static struct str reference(enum canon canon, struct str body)
{
    struct strbuf out;
    size_t kept = 0; /* length of `out` behind the last line that is not empty */
    sb_init(&out, arena);
    while (body.n) {
        const char *crlf = memmem(body.p, body.n, "\r\n", 2);
        size_t n = crlf ? (size_t)(crlf - body.p) : body.n;
        struct str line = str_sub(body, 0, n);
        body = str_sub(body, crlf ? n + 2 : n, body.n);
        size_t begin = out.n;
        bool wsp = false;
        for (size_t i = 0; i < line.n; i++) {
            bool blank = line.p[i] == ' ' || line.p[i] == '\t';
            if (canon == CANON_RELAXED && blank) {
                wsp = true;
                continue;
            }
            if (wsp)
                sb_addc(&out, ' ');
            wsp = false;
            sb_addc(&out, line.p[i]);
        }
        bool empty = out.n == begin;
        sb_add(&out, STR("\r\n"));
        if (!empty)
            kept = out.n;
    }
    out.n = kept;
    if (canon == CANON_SIMPLE && kept == 0)
        sb_add(&out, STR("\r\n"));
    return sb_str(&out);
}

static struct str random_body(unsigned *seed, size_t max)
{
    static const char *const kinds[] = {"a \t\r\n", "ab   ",  "aaaaaaaaaaaaaaaa ",
                                        "\r\n",     "xy\r\n", "abcdefghijklmnopqrstuvwxyz \n\t\r"};
    struct strbuf b;
    size_t n = (size_t)rand_r(seed) % max;
    sb_init(&b, arena);
    while (b.n < n) {
        const char *kind = kinds[(size_t)rand_r(seed) % (sizeof kinds / sizeof *kinds)];
        size_t letters = strlen(kind);
        for (size_t run = (size_t)rand_r(seed) % 200; run; run--)
            sb_addc(&b, kind[(size_t)rand_r(seed) % letters]);
        if (rand_r(seed) % 2)
            sb_add(&b, STR("\r\n"));
    }
    return sb_str(&b);
}

/* Any body cut anywhere gives the digest of the reference. */
static void chunked(void **state)
{
    (void)state;
    unsigned seed = 6376;
    for (int round = 0; round < 3000; round++) {
        enum canon canon = round % 2 ? CANON_RELAXED : CANON_SIMPLE;
        struct str body = random_body(&seed, round % 10 ? 300 : 5000);
        size_t piece = 1 + (size_t)rand_r(&seed) % (round % 3 ? 8 : 400);
        unsigned char digest[32];
        struct body_hash *h = body_hash_new(arena, canon, UINT64_MAX);
        for (size_t at = 0; at < body.n;) {
            size_t n = (size_t)rand_r(&seed) % (piece + 1);
            struct str part = str_sub(body, at, at + n);
            body_hash_update(h, part.p, part.n);
            at += part.n;
        }
        body_hash_finish(h, digest);
        struct str want = reference(canon, body);
        assert_int_equal(body_hash_length(h), want.n);
        assert_memory_equal(digest, sha256(want).p, 32);
        arena_reset(arena);
    }
}

struct header_case {
    struct str name, value, simple, relaxed;
};

static const struct header_case headers[] = {
    /* RFC 6376 3.4.5, folded as the MTA and as the sender have it. */
    {STR_INIT("A"), STR_INIT(" X"), STR_INIT("A: X\r\n"), STR_INIT("a:X\r\n")},
    {STR_INIT("B"), STR_INIT(" Y\t\n\tZ  "), STR_INIT("B: Y\t\r\n\tZ  \r\n"),
     STR_INIT("b:Y Z\r\n")},
    {STR_INIT("B"), STR_INIT(" Y\t\r\n\tZ  "), STR_INIT("B: Y\t\r\n\tZ  \r\n"),
     STR_INIT("b:Y Z\r\n")},
    {STR_INIT("SUBJect"), STR_INIT("AbC"), STR_INIT("SUBJect:AbC\r\n"),
     STR_INIT("subject:AbC\r\n")},
    {STR_INIT("X"), STR_INIT(""), STR_INIT("X:\r\n"), STR_INIT("x:\r\n")},
    {STR_INIT("Su \t"), STR_INIT(" a"), STR_INIT("Su \t: a\r\n"), STR_INIT("su:a\r\n")},
    {STR_INIT("X"), STR_INIT(" \n \n\t"), STR_INIT("X: \r\n \r\n\t\r\n"), STR_INIT("x:\r\n")},
    {STR_INIT("X"), STR_INIT("\n a\n\n b"), STR_INIT("X:\r\n a\r\n\r\n b\r\n"),
     STR_INIT("x:a b\r\n")},
    {STR_INIT("X"), STR_INIT(" a b  c d\t e "), STR_INIT("X: a b  c d\t e \r\n"),
     STR_INIT("x:a b c d e\r\n")},
    {STR_INIT("X"), STR_INIT("a b \n c\r\n d e\n "), STR_INIT("X:a b \r\n c\r\n d e\r\n \r\n"),
     STR_INIT("x:a b c d e\r\n")},
    {STR_INIT("X"), STR_INIT("a\rb\0c \xc3\xbc"), STR_INIT("X:a\rb\0c \xc3\xbc\r\n"),
     STR_INIT("x:a\rb\0c \xc3\xbc\r\n")},
    {STR_INIT("X"), STR_INIT("a\r\r\n b\r"), STR_INIT("X:a\r\r\n b\r\r\n"),
     STR_INIT("x:a\r b\r\r\n")},
};

static void header_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        const struct header_case *c = &headers[i];
        for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
            unsigned char digest[32];
            struct header_hash *h = header_hash_new(arena, (enum canon)canon);
            header_hash_field(h, c->name, c->value);
            header_hash_finish(h, digest);
            struct str want = canon == CANON_SIMPLE ? c->simple : c->relaxed;
            assert_memory_equal(digest, sha256(want).p, 32);
        }
    }
}

static const struct header_case signatures[] = {
    {STR_INIT("S"), STR_INIT(" v=1; b=abc"), STR_INIT("S: v=1; b="), STR_INIT("s:v=1; b=")},
    {STR_INIT("S"), STR_INIT(" v=1; b = a\n\tb c ; bh=xyz"), STR_INIT("S: v=1; b =; bh=xyz"),
     STR_INIT("s:v=1; b =; bh=xyz")},
    {STR_INIT("S"), STR_INIT(" b=a"), STR_INIT("S: b="), STR_INIT("s:b=")},
    {STR_INIT("S"), STR_INIT(" bh=b=; x=b=a;\n\tb=a==;"), STR_INIT("S: bh=b=; x=b=a;\r\n\tb=;"),
     STR_INIT("s:bh=b=; x=b=a; b=;")},
    {STR_INIT("S"), STR_INIT(" z=\n b\n =q;  B=x"), STR_INIT("S: z=\r\n b\r\n =q;  B=x"),
     STR_INIT("s:z= b =q; B=x")},
    {STR_INIT("S"), STR_INIT(";;b=;"), STR_INIT("S:;;b=;"), STR_INIT("s:;;b=;")},
};

static void signature_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const struct header_case *c = &signatures[i];
        for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
            unsigned char digest[32];
            struct header_hash *h = header_hash_new(arena, (enum canon)canon);
            header_hash_signature(h, c->name, c->value);
            header_hash_finish(h, digest);
            struct str want = canon == CANON_SIMPLE ? c->simple : c->relaxed;
            assert_memory_equal(digest, sha256(want).p, 32);
        }
    }
}

static void copies(void **state)
{
    (void)state;
    unsigned char digest[32];
    struct header_hash *one = header_hash_new(arena, CANON_RELAXED);
    header_hash_field(one, STR("A"), STR("1"));
    struct header_hash *two = header_hash_copy(arena, one);
    header_hash_field(one, STR("B"), STR("2"));
    header_hash_field(two, STR("C"), STR("3"));
    header_hash_finish(one, digest);
    assert_memory_equal(digest, sha256(STR("a:1\r\nb:2\r\n")).p, 32);
    header_hash_finish(two, digest);
    assert_memory_equal(digest, sha256(STR("a:1\r\nc:3\r\n")).p, 32);
}

static void base64_good(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *bytes;
    } cases[] = {
        {STR_INIT(""), ""},
        {STR_INIT(" \r\n\t"), ""},
        {STR_INIT("Zg=="), "f"},
        {STR_INIT("Zg = ="), "f"},
        {STR_INIT("Z\r\n g"), "f"},
        {STR_INIT("Zm8="), "fo"},
        {STR_INIT("Zm8"), "fo"},
        {STR_INIT("Zm9v"), "foo"},
        {STR_INIT("Zm9vYg=="), "foob"},
        {STR_INIT("Zm9vYmE="), "fooba"},
        {STR_INIT("Zm9vYmFy"), "foobar"},
        {STR_INIT("Zh=="), "f"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str got = base64_decode(arena, cases[i].text);
        assert_non_null(got.p);
        assert_str(got, cases[i].bytes);
    }
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    for (size_t n = 0; n <= sizeof all; n++) {
        struct str bytes = {all, n};
        assert_true(str_eq(base64_decode(arena, base64_encode(arena, bytes)), bytes));
    }
    assert_str(base64_encode(arena, STR("fooba")), "Zm9vYmE=");
    assert_str(base64_encode(arena, STR("\xfb\xff\xbf")), "+/+/");
}

/* White space, and what is no base64, at every place. */
static void base64_places(void **state)
{
    (void)state;
    static const struct str bytes =
        STR_INIT("\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41");
    struct str text = base64_encode(arena, bytes);
    for (size_t i = 0; i <= text.n; i++) {
        struct str before = str_sub(text, 0, i), behind = str_sub(text, i, text.n);
        struct str folded = str_printf(arena, "%.*s\r\n\t%.*s", STR_ARG(before), STR_ARG(behind));
        struct str broken = str_printf(arena, "%.*s\x80%.*s", STR_ARG(before), STR_ARG(behind));
        assert_true(str_eq(base64_decode(arena, folded), bytes));
        assert_null(base64_decode(arena, broken).p);
    }
}

static void base64_bad(void **state)
{
    (void)state;
    static const struct str cases[] = {
        STR_INIT("Z"),        STR_INIT("Zm9vY"), STR_INIT("Zg="),      STR_INIT("Zm8=="),
        STR_INIT("Zg==="),    STR_INIT("Zm9v="), STR_INIT("Zm9v===="), STR_INIT("="),
        STR_INIT("Zg==Zg=="), STR_INIT("Z-=="),  STR_INIT("Zg\0="),    STR_INIT("Z\xc3\xbc=="),
        STR_INIT("====")};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_null(base64_decode(arena, cases[i]).p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_table),      cmocka_unit_test(empty_body),
        cmocka_unit_test(limits),          cmocka_unit_test(settled),
        cmocka_unit_test(chunked),         cmocka_unit_test(header_table),
        cmocka_unit_test(signature_table), cmocka_unit_test(copies),
        cmocka_unit_test(base64_good),     cmocka_unit_test(base64_places),
        cmocka_unit_test(base64_bad),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
