/* test_keyset.c - signing keys: which of them sign for whom, and what is said about those that
 * cannot. */
#include "keys_rig.h"

#include <unistd.h>

#include "conf/source.h"

static void test_nothing_configured(void **state)
{
    (void)state;
    assert_null(load(""));
    key_set_free(NULL);
}

static void test_entries(void **state)
{
    (void)state;
    struct key_set *keys = load("signing = ( { domain = \"example.org\"; subdomains = true;\n"
                                "  keys = ( { selector = \"e\"; file = \"{}/ed.pem\"; },\n"
                                "           { selector = \"r\"; file = \"{}/rsa.pem\"; } ); },\n"
                                " { domain = \"plain.example\"; keys = ( { selector = \"p\"; file "
                                "= \"{}/ed.pem\"; } ); },\n"
                                " { domain = \"own.sub.example.org\"; keys = ( { selector = \"o\"; "
                                "file = \"{}/ed.pem\"; } ); "
                                "} );");
    assert_str(signers(keys, "a", "example.org"), "example.org/r example.org/e");
    assert_str(signers(keys, "a", "x.example.org"), "example.org/r example.org/e");
    assert_str(signers(keys, "a", "deep.x.example.org"), "example.org/r example.org/e");
    assert_str(signers(keys, "a", "own.sub.example.org"), "own.sub.example.org/o");
    /* An entry without subdomains does not hide the one above it. */
    assert_str(signers(keys, "a", "x.own.sub.example.org"), "example.org/r example.org/e");
    assert_str(signers(keys, "a", "badexample.org"), "");
    assert_str(signers(keys, "a", "plain.example"), "plain.example/p");
    assert_str(signers(keys, "a", "x.plain.example"), "");
    assert_str(signers(keys, "a", "org"), "");
    assert_str(signers(keys, "a", ""), "");
    key_set_free(keys);
}

#define KEY(selector) "keys = { selector = \"" selector "\"; file = \"{}/ed.pem\"; };"

static bool not_a_sender(const struct key_set *set, const char *local, const char *domain)
{
    struct signing_choice choice = {0};
    struct mailbox author = {.local = str_of(local), .domain = str_of(domain), .domain_ok = true};
    set->find(set, &author, arena, &choice);
    return choice.not_a_sender;
}

static void test_senders(void **state)
{
    (void)state;
    struct key_set *keys = load("signing = ( { domain = \"a.example\"; " KEY(
        "all") " },\n"
               " { domain = \"a.example\"; senders = [ \"Ann@a.example\", \"*@x.a.example\" "
               "]; " KEY(
                   "1") " },\n"
                        " { domain = \"a.example\"; senders = [ \"a*@a.example\", "
                        "\"*@*.a.example\" ]; " KEY(
                            "2") " },\n"
                                 " { domain = \"y.a.example\"; senders = \"ann@y.a.example\"; " KEY(
                                     "y") " },\n"
                                          " { domain = \"b.example\"; senders = "
                                          "\"ann@b.example\"; " KEY(
                                              "b") " },\n"
                                                   " { domain = \"example\"; subdomains = "
                                                   "true; " KEY(
                                                       "top") " },\n"
                                                              " { domain = \"c.test\"; senders = "
                                                              "\"ann@c.test\"; " KEY("c") " } );");
    assert_str(signers(keys, "bob", "a.example"), "a.example/all");
    assert_str(signers(keys, "ann", "a.example"), "a.example/1");
    assert_str(signers(keys, "ANN", "a.example"), "a.example/1");
    assert_str(signers(keys, "anna", "a.example"), "a.example/2");
    assert_str(signers(keys, "bob", "x.a.example"), "a.example/1");
    assert_str(signers(keys, "bob", "z.a.example"), "a.example/2");
    assert_str(signers(keys, "ann", "y.a.example"), "y.a.example/y");
    /* An entry for others is as if it were not there. */
    assert_str(signers(keys, "bob", "y.a.example"), "a.example/2");
    assert_str(signers(keys, "bob", "b.example"), "example/top");
    assert_str(signers(keys, "ann", "b.example"), "b.example/b");
    assert_str(signers(keys, "ann", "x.b.example"), "example/top");
    assert_str(signers(keys, "bob", "c.test"), "");
    assert_true(not_a_sender(keys, "bob", "c.test"));
    assert_false(not_a_sender(keys, "bob", "x.c.test"));
    assert_false(not_a_sender(keys, "bob", "d.test"));
    key_set_free(keys);
}

static const struct dkim_sign_settings *settings_for(const struct key_set *set, const char *domain)
{
    struct signing_choice choice = {0};
    struct mailbox author = {.local = STR("a"), .domain = str_of(domain), .domain_ok = true};
    set->find(set, &author, arena, &choice);
    assert_non_null(choice.settings);
    return choice.settings;
}

static void test_forms(void **state)
{
    (void)state;
    struct key_set *keys = load(
        "signing = ( { domain = \"a.example\"; lifetime = \"2d\"; body-canonicalization = "
        "\"simple\"; sign-headers = [ \"from\", \"to\" ]; oversign-headers = [ ]; " KEY(
            "a") " },\n"
                 " { domain = \"b.example\"; " KEY(
                     "b") " } );\n"
                          "signature-lifetime = \"1h\"; header-canonicalization = \"simple\";");
    const struct dkim_sign_settings *own = settings_for(keys, "a.example");
    const struct dkim_sign_settings *other = settings_for(keys, "b.example");
    assert_int_equal(own->lifetime_s, 2 * 86400);
    assert_int_equal(own->body_canon, CANON_SIMPLE);
    assert_int_equal(own->header_canon, CANON_SIMPLE);
    assert_int_equal(own->n_sign_headers, 2);
    assert_str(own->sign_headers[1], "to");
    /* Nothing oversigned is not the default. */
    assert_non_null(own->oversign_headers);
    assert_int_equal(own->n_oversign_headers, 0);
    assert_int_equal(other->lifetime_s, 3600);
    assert_int_equal(other->body_canon, CANON_RELAXED);
    assert_null(other->sign_headers);
    assert_null(other->oversign_headers);
    key_set_free(keys);
}

static void test_bad_files(void **state)
{
    (void)state;
    assert_str(refuse(ENTRY("missing.pem")), "text:1: {}/missing.pem: No such file or directory\n");
    write_file("junk.pem", STR("-----BEGIN PRIVATE KEY-----\nx\n"), 0600);
    assert_str(refuse(ENTRY("junk.pem")),
               "text:1: {}/junk.pem: no private key in PEM form without a passphrase\n");
    write_file("huge.pem", str_printf(arena, "%40000d", 1), 0600);
    assert_str(refuse(ENTRY("huge.pem")), "text:1: {}/huge.pem: is larger than any key\n");
    assert_int_equal(mkdir(in_directory("dir.pem").p, 0700), 0);
    assert_str(refuse(ENTRY("dir.pem")), "text:1: {}/dir.pem: is no regular file\n");
    /* One file that serves many is complained of once, the others are complained of as well. */
    assert_str(refuse("signing = (\n{ domain = \"a.example\"; keys = ( { selector = \"s\"; file = "
                      "\"{}/junk.pem\"; } ); },\n{ domain = \"b.example\"; keys = ( { selector = "
                      "\"s\"; file = \"{}/junk.pem\"; },\n{ selector = \"t\"; file = "
                      "\"{}/missing.pem\"; } ); } );"),
               "text:2: {}/junk.pem: no private key in PEM form without a passphrase\n"
               "text:4: {}/missing.pem: No such file or directory\n");
}

/* Where keys may be left out, the others sign. */
static void test_left_out(void **state)
{
    (void)state;
    struct key_set *keys;
    struct keydirs *dirs;
    struct conf_problems left_out;
    struct conf *conf =
        parse("signing = ( { domain = \"a.example\"; keys = ( { selector = \"m\"; file = "
              "\"{}/missing.pem\"; }, { selector = \"e\"; file = \"{}/ed.pem\"; } ); },\n"
              " { domain = \"b.example\"; keys = ( { selector = \"m\"; file = \"{}/missing.pem\"; "
              "} ); },\n"
              " { domain = \"c.example\"; directory = \"{}/none\"; } );");
    conf_problems_init(&left_out, arena);
    assert_true(key_set_load_dirs(conf, &problems, &left_out, &keys, &dirs));
    assert_int_equal(problems.n, 0);
    assert_int_equal(left_out.n, 1);
    assert_true(str_ends_nocase(left_out.v[0], STR("/missing.pem: No such file or directory")));
    assert_str(signers(keys, "x", "a.example"), "a.example/e");
    assert_str(signers(keys, "x", "b.example"), "");
    assert_str(signers(keys, "x", "c.example"), "");
    key_set_free(keys);
    keydirs_free(dirs);
    conf_free(conf);
    /* A table that is wrong is no key that is missing. */
    conf = parse("key-table = \"{}/none\"; signing-table = \"{}/none\";");
    assert_false(key_set_load_dirs(conf, &problems, &left_out, &keys, &dirs));
    conf_free(conf);
}

/* Enough files for several threads: each domain gets its own key, and complaints keep their order.
 */
static void test_many_files(void **state)
{
    (void)state;
    static const unsigned char digest[32] = {1};
    struct strbuf b;
    sb_init(&b, arena);
    for (int i = 0; i < 100; i++) {
        write_key(str_printf(arena, "m%d.pem", i).p, KEY_ED25519);
        sb_printf(&b,
                  "%s{ domain = \"m%d.example\"; keys = ( { selector = \"s\"; file = "
                  "\"{}/m%d.pem\"; } ); }\n",
                  i ? "," : "signing = (", i, i);
    }
    sb_add(&b, STR(");"));
    const char *text = sb_str(&b).p;
    struct key_set *keys = load(text);
    for (int i = 0; i < 100; i++) {
        struct signing_choice found = {0};
        struct str problem,
            pem = source_read(arena, in_directory(str_printf(arena, "m%d.pem", i).p).p);
        struct private_key *want = private_key_decode(pem, arena, &problem);
        struct mailbox author = {.domain = str_printf(arena, "m%d.example", i), .domain_ok = true};
        keys->find(keys, &author, arena, &found);
        assert_int_equal(found.n, 1);
        /* Ed25519 is deterministic. */
        assert_true(str_eq(private_key_sign(found.keys[0].key, digest, arena),
                           private_key_sign(want, digest, arena)));
        private_key_release(want);
    }
    key_set_free(keys);
    unlink(in_directory("m90.pem").p);
    unlink(in_directory("m7.pem").p);
    assert_str(refuse(text), "text:8: {}/m7.pem: No such file or directory\n"
                             "text:91: {}/m90.pem: No such file or directory\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS_TEST(test_nothing_configured),
        KEYS_TEST(test_entries),
        KEYS_TEST(test_senders),
        KEYS_TEST(test_forms),
        KEYS_TEST(test_bad_files),
        KEYS_TEST(test_left_out),
        KEYS_TEST(test_many_files),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
