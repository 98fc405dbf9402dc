/* test_keytables.c - OpenDKIM's tables of keys and of those who sign. */
#include "keys_rig.h"

#include <unistd.h>

#include "keys/tables.h"

static struct key_set *load_tables(const char *key_table, const char *signing_table, bool patterns)
{
    write_file("KeyTable", expand(key_table, directory), 0644);
    write_file("SigningTable", expand(signing_table, directory), 0644);
    return load(patterns
                    ? "key-table = \"refile:{}/KeyTable\";\n"
                      "signing-table = \"refile:{}/SigningTable\";"
                    : "key-table = \"{}/KeyTable\";\nsigning-table = \"file:{}/SigningTable\";");
}

static const char key_table[] = "# names of keys\n"
                                "\n"
                                "  org   Example.org:R1:{}/rsa.pem   # trailing\n"
                                "orged\texample.org : E1 : {}/ed.pem\n"
                                "any %:any:{}/ed.pem\n"
                                "net.example net.example:n:{}/ed.pem\n"
                                "net.example other.example:o:{}/missing.pem\n"
                                "unused x.example:u:{}/missing.pem\n";

static void test_refile(void **state)
{
    (void)state;
    /* `unused` and the second net.example name keys that do not exist: never opened. */
    struct key_set *keys = load_tables(key_table,
                                       "boss@*.example.org any\n"
                                       "*@example.org orged\n"
                                       "*@Example.ORG org:@example.org\n"
                                       "*@example.org.evil.example org\n"
                                       "ann*@net.example org\n"
                                       "*@y.example.org orged\n"
                                       "ann*@net.example org\n"
                                       "*@net.example net.example\n"
                                       "*@*.example.org any\n"
                                       "*@b\xc3\xbc"
                                       "cher.example any\n",
                                       true);
    assert_str(signers(keys, "bob", "example.org"), "example.org/r1 example.org/e1");
    assert_str(signers(keys, "Boss", "x.example.org"), "x.example.org/any");
    assert_str(signers(keys, "bob", "x.example.org"), "x.example.org/any");
    assert_str(signers(keys, "bob", "y.example.org"), "example.org/e1");
    assert_str(signers(keys, "boss", "y.example.org"), "y.example.org/any");
    assert_str(signers(keys, "Ann.Other", "net.example"), "example.org/r1");
    assert_str(signers(keys, "bob", "net.example"), "net.example/n");
    assert_str(signers(keys, "bob", "x.net.example"), "");
    assert_str(signers(keys, "bob", "xn--bcher-kva.example"), "xn--bcher-kva.example/any");
    assert_str(signers(keys, "bob", "com"), "");
    key_set_free(keys);
}

static void test_plain_file(void **state)
{
    (void)state;
    struct str table = expand(key_table, directory);
    static const struct {
        const char *rows, *local, *domain, *want;
    } cases[] = {
        {"bob@x.example.org any\nx.example.org org", "Bob", "x.example.org", "x.example.org/any"},
        {"x.example.org any\nbob@.example.org org", "bob", "x.example.org", "x.example.org/any"},
        {"bob@.example.org any\n.example.org org", "bob", "y.x.example.org", "y.x.example.org/any"},
        {".org org\n.example.org any\nbob@* org", "bob", "x.example.org", "x.example.org/any"},
        {"bob@* any\n* org", "bob", "x.example.org", "x.example.org/any"},
        {"* any\n", "bob", "x.example.org", "x.example.org/any"},
        {".example.org any\n", "bob", "example.org", ""},
        {"example.org orged\nexample.org org\n", "bob", "example.org",
         "example.org/r1 example.org/e1"},
        {"example.org any\nexample.org org\n", "bob", "example.org",
         "example.org/r1 example.org/any"},
        {"* %\n", "bob", "net.example", "net.example/n"},
        {"* %\n", "bob", "com.example", ""},
    };
    /* "%" as the name of a key opens them all. */
    struct str without = str_sub(
        table, 0, table.n - strlen("unused x.example:u:/missing.pem\n") - strlen(directory));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct key_set *keys =
            load_tables(without.p ? str_cstr(arena, without) : "", cases[i].rows, false);
        assert_str(signers(keys, cases[i].local, cases[i].domain), cases[i].want);
        key_set_free(keys);
    }
}

static void test_entries_come_before_tables(void **state)
{
    (void)state;
    write_file("KeyTable", expand(key_table, directory), 0644);
    write_file("SigningTable", STR("*@example.org any\n*@x.example any\n"), 0644);
    struct key_set *keys =
        load("key-table = \"{}/KeyTable\"; signing-table = \"refile:{}/SigningTable\";" ENTRY(
            "ed.pem") "");
    assert_str(signers(keys, "bob", "a.example"), "a.example/s");
    assert_str(signers(keys, "bob", "x.example"), "x.example/any");
    key_set_free(keys);
}

static void test_bad_tables(void **state)
{
    (void)state;
    static const char conf[] =
        "key-table = \"{}/KeyTable\";\nsigning-table = \"refile:{}/SigningTable\";";
    unlink(in_directory("KeyTable").p);
    unlink(in_directory("SigningTable").p);
    assert_str(refuse(conf),
               "text:1: key-table: cannot read {}/KeyTable: No such file or directory\n"
               "text:2: signing-table: cannot read {}/SigningTable: No such file or directory\n");
    write_file("KeyTable",
               expand("one\n"
                      "two a.example:s\n"
                      "three a.example:s:MIIEow\n"
                      "four a b:s:/x\n"
                      "five a.example:s s:/x\n"
                      "six %:s:/keys/%/x\n"
                      "good a.example:s:{}/missing.pem\n",
                      directory),
               0644);
    write_file("SigningTable", STR("# none\n*@a.example good\n*@b.example absent\n*@c.example\n"),
               0644);
    assert_str(
        refuse(conf),
        "{}/KeyTable:1: the line has one word; wanted is a name and a value\n"
        "{}/KeyTable:2: wanted is domain:selector:/path/of/the/key\n"
        "{}/KeyTable:3: the key must be named by its absolute path; keys inside the table and "
        "relative paths are not read\n"
        "{}/KeyTable:4: \"a b\" is no domain name such as example.org\n"
        "{}/KeyTable:5: selector: \"s s\" is no selector: letters, digits and hyphens, such as "
        "\"s2026\"\n"
        "{}/KeyTable:6: % in a path is not supported: write one line for each domain\n"
        "{}/SigningTable:4: the line has one word; wanted is a name and a value\n"
        "{}/SigningTable:3: no key of the name \"absent\" stands in {}/KeyTable\n"
        "{}/KeyTable:7: {}/missing.pem: No such file or directory\n");
    /* What would match no author. */
    write_file("KeyTable",
               expand("org example.org:s._domainkey:{}/rsa.pem\n"
                      "net @example.net:s:{}/rsa.pem\n"
                      "com user@example.com:s._domainkey.example.com:{}/rsa.pem\n"
                      "ok example.org:s:{}/rsa.pem\n",
                      directory),
               0644);
    write_file("SigningTable",
               STR("example.org ok\n@example.org ok\nann@ ok\n*@example.org ok\n* ok\n"
                   "*.example.org ok\n"),
               0644);
    assert_str(refuse(conf),
               "{}/KeyTable:1: selector: \"s._domainkey\" is the name of a record: the selector is "
               "what stands before \"._domainkey\", such as \"s\"\n"
               "{}/KeyTable:2: \"@example.net\" is no domain: write \"example.net\"\n"
               "{}/KeyTable:3: selector: \"s._domainkey.example.com\" is the name of a record: the "
               "selector is what stands before \"._domainkey\", such as \"s\"\n"
               "{}/SigningTable:1: \"example.org\" matches no author: with refile: the whole "
               "address is compared; write \"*@example.org\"\n"
               "{}/SigningTable:2: \"@example.org\" matches no author: write "
               "\"*@example.org\"\n"
               "{}/SigningTable:3: \"ann@\" has no domain behind its @\n");
    write_file("KeyTable", expand("ok example.org:s:{}/rsa.pem\n", directory), 0644);
    write_file("SigningTable",
               STR("*@example.org ok\nuser@*.example.org ok\n*.example.org ok\nbob* ok\n"
                   "@example.org ok\nann@ ok\nhttps://example.org/ ok\nuser@.example.org ok\n"
                   ".example.org ok\nuser@* ok\n* ok\n"),
               0644);
    static const char asterisk[] =
        "has an asterisk, which only tables with the prefix refile: may have: set signing-table = "
        "\"refile:/path\"";
    assert_str(refuse("key-table = \"{}/KeyTable\"; signing-table = \"{}/SigningTable\";"),
               str_printf(arena,
                          "{}/SigningTable:1: \"*@example.org\" %s\n"
                          "{}/SigningTable:2: \"user@*.example.org\" %s\n"
                          "{}/SigningTable:3: \"*.example.org\" %s\n"
                          "{}/SigningTable:4: \"bob*\" %s\n"
                          "{}/SigningTable:5: \"@example.org\" matches no author: write "
                          "\"example.org\" for all of a domain\n"
                          "{}/SigningTable:6: \"ann@\" is no domain name such as example.org\n"
                          "{}/SigningTable:7: \"https://example.org/\" is a URL: write "
                          "\"example.org\"\n",
                          asterisk, asterisk, asterisk, asterisk)
                   .p);
    write_file("SigningTable", (struct str){"*\0x y", 5}, 0644);
    write_file("KeyTable", STR(""), 0644);
    assert_str(refuse(conf), "{}/SigningTable: holds a NUL byte: it is no text file\n");
}

/* Ten thousand domains that share a key, through both doors. */
static void test_many_domains(void **state)
{
    (void)state;
    struct strbuf names, signing;
    sb_init(&names, arena);
    sb_init(&signing, arena);
    for (int i = 0; i < 10000; i++) {
        sb_printf(&names, "k%d d%d.example:s:%s/rsa.pem\n", i, i, directory);
        sb_printf(&signing, "*@d%d.example k%d\n*@*.w%d.example k%d\n", i, i, i, i);
    }
    struct key_set *keys = load_tables(sb_str(&names).p, sb_str(&signing).p, true);
    assert_str(signers(keys, "bob", "d9999.example"), "d9999.example/s");
    assert_str(signers(keys, "bob", "x.w9999.example"), "d9999.example/s");
    assert_str(signers(keys, "bob", "d10000.example"), "");
    key_set_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS_TEST(test_refile),
        KEYS_TEST(test_plain_file),
        KEYS_TEST(test_entries_come_before_tables),
        KEYS_TEST(test_bad_tables),
        KEYS_TEST(test_many_domains),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
