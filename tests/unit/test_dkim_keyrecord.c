/* dkim/keyrecord: the record's tags, their defaults, and what makes it no key record. */
#include "test.h"

#include "dkim/keyrecord.h"

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

static void good_records(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        struct key_record want; /* key: as text */
    } cases[] = {
        {STR_INIT("p=Zm9v"), {true, KEY_RSA, true, true, .key = STR_INIT("foo")}},
        {STR_INIT("v=DKIM1; k=ed25519; p=Zm9v"),
         {true, KEY_ED25519, true, true, .key = STR_INIT("foo")}},
        {STR_INIT(" v = DKIM1 ;\tk = rsa;p= Zm 9v ; "),
         {true, KEY_RSA, true, true, .key = STR_INIT("foo")}},
        {STR_INIT("p=; n=gone; x_y=z"), {true, KEY_RSA, true, true, true, .key = STR_INIT("")}},
        {STR_INIT("k=dsa; p=Zm9v"), {false, KEY_RSA, true, true, .key = STR_INIT("foo")}},
        {STR_INIT("k=RSA; p=Zm9v"), {false, KEY_RSA, true, true, .key = STR_INIT("foo")}},
        {STR_INIT("k=; p=Zm9v"), {false, KEY_RSA, true, true, .key = STR_INIT("foo")}},
        {STR_INIT("h=sha256; p=Zm9v"), {true, KEY_RSA, true, true, .key = STR_INIT("foo")}},
        {STR_INIT("h=sha1 : sha256; p=Zm9v"), {true, KEY_RSA, true, true, .key = STR_INIT("foo")}},
        {STR_INIT("h=sha1:sha2566; p=Zm9v"), {true, KEY_RSA, false, true, .key = STR_INIT("foo")}},
        {STR_INIT("h=; p=Zm9v"), {true, KEY_RSA, false, true, .key = STR_INIT("foo")}},
        {STR_INIT("s=*; p=Zm9v"), {true, KEY_RSA, true, true, .key = STR_INIT("foo")}},
        {STR_INIT("s=x : email; p=Zm9v"), {true, KEY_RSA, true, true, .key = STR_INIT("foo")}},
        {STR_INIT("s=x:*; p=Zm9v"), {true, KEY_RSA, true, true, .key = STR_INIT("foo")}},
        {STR_INIT("s=Email; p=Zm9v"), {true, KEY_RSA, true, false, .key = STR_INIT("foo")}},
        {STR_INIT("s=; p=Zm9v"), {true, KEY_RSA, true, false, .key = STR_INIT("foo")}},
        {STR_INIT("t=y; p=Zm9v"), {true, KEY_RSA, true, true, false, true, .key = STR_INIT("foo")}},
        {STR_INIT("t=s; p=Zm9v"),
         {true, KEY_RSA, true, true, false, false, true, .key = STR_INIT("foo")}},
        {STR_INIT("t=z : s : y; p=Zm9v"),
         {true, KEY_RSA, true, true, false, true, true, .key = STR_INIT("foo")}},
        {STR_INIT("t=ys; p=Zm9v"), {true, KEY_RSA, true, true, .key = STR_INIT("foo")}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct key_record got;
        const struct key_record *want = &cases[i].want;
        assert_null(key_record_parse(arena, at_page_end(cases[i].text), &got));
        assert_str(got.key, want->key.p);
        assert_int_equal(got.type_known, want->type_known);
        assert_int_equal(got.type, want->type);
        assert_int_equal(got.sha256, want->sha256);
        assert_int_equal(got.email, want->email);
        assert_int_equal(got.revoked, want->revoked);
        assert_int_equal(got.testing, want->testing);
        assert_int_equal(got.strict, want->strict);
    }
}

static void bad_records(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *problem;
    } cases[] = {
        {STR_INIT(""), "the key record is no tag list"},
        {STR_INIT("hello"), "the key record is no tag list"},
        {STR_INIT("v=DKIM1; p=Zm9v; p=Zm9v"), "the key record is no tag list"},
        {STR_INIT("v=DKIM1;; p=Zm9v"), "the key record is no tag list"},
        {STR_INIT("v=dkim1; p=Zm9v"), "the key record does not begin with v=DKIM1"},
        {STR_INIT("v=DKIM1.0; p=Zm9v"), "the key record does not begin with v=DKIM1"},
        {STR_INIT("v=; p=Zm9v"), "the key record does not begin with v=DKIM1"},
        {STR_INIT("p=Zm9v; v=DKIM1"), "the key record does not begin with v=DKIM1"},
        {STR_INIT("v=DKIM1; k=rsa"), "the key record has no p="},
        {STR_INIT("v=DKIM1; p=Zm9v!"), "p= in the key record is no base64"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct key_record got;
        const char *problem = key_record_parse(arena, at_page_end(cases[i].text), &got);
        assert_non_null(problem);
        assert_string_equal(problem, cases[i].problem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_records),
        cmocka_unit_test(bad_records),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
