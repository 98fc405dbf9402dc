/* test_conf_files.c - assay.conf: included files, and files that hold lists. */
#include "conf_rig.h"

#include <unistd.h>

static void test_include(void **state)
{
    (void)state;
    const char *main_file = write_file("main.conf", "# 1\n"
                                                    "user = \"u\";\n"
                                                    "  @include \"more.conf\" // 3\n"
                                                    "mode = \"shadow\";\n"
                                                    "/* @include \"missing\" */\n"
                                                    "@include \"d-*.conf\"\n"
                                                    "@include \"none-*.conf\"\n"
                                                    "signing = (\n"
                                                    "@include \"signing.inc\"\n"
                                                    ");\n");
    write_file("more.conf", "pid-file = \"/run/a.pid\";\nstate-dir = \"/s\";");
    write_file("d-1.conf", "dns = {\n  dnssec = \"off\";\n};\n");
    write_file("d-2.conf", "spf = {\n  on-fail = \"reject\";\n};\n");
    write_file("signing.inc",
               "\n{ domain = \"a.example\"; keys = ( { selector = \"s\"; file = \"/s\"; } ); }\n");
    struct conf *conf = conf_load(main_file, &problems);
    assert_str(complaints(), "");
    assert_non_null(conf);
    assert_str(conf->state_dir, "/s");
    assert_int_equal(conf->spf_on_fail, ACTION_REJECT);
    assert_int_equal(conf_place_of(conf, "state-dir").line, 2);
    assert_int_equal(conf_place_of(conf, "mode").line, 4);
    assert_int_equal(conf_place_of(conf, "spf.on-fail").line, 2);
    assert_int_equal(conf->signing[0].place.line, 2);
    assert_true(str_ends_nocase(str_of(conf_place_of(conf, "spf.on-fail").file), STR("/d-2.conf")));
    conf_free(conf);
}

/* An include beside the main file may add to its groups, and to `signing`. */
static void test_merged(void **state)
{
    (void)state;
    const char *main_file = write_file("merged.conf", "dns = { timeout = \"1s\"; };\n"
                                                      "signing = ( { domain = \"a.example\"; " KEY
                                                      " } );\n@include \"domain-*.conf\"\n"
                                                      "dns = { dnssec = \"off\"; };\n");
    write_file("domain-b.conf", "signing = ( { domain = \"b.example\"; " KEY " } );\n"
                                "dns = { deadline = \"2s\"; };\n");
    write_file("domain-c.conf", "signing = { domain = \"c.example\"; " KEY " };\n");
    struct conf *conf = conf_load(main_file, &problems);
    assert_str(complaints(), "");
    assert_non_null(conf);
    assert_int_equal(conf->dns_timeout, 1000);
    assert_int_equal(conf->dns_deadline, 2000);
    assert_int_equal(conf->dns_dnssec, DNSSEC_OFF);
    assert_int_equal(conf->n_signing, 3);
    assert_str(conf->signing[2].domain, "c.example");
    assert_true(str_ends_nocase(str_of(conf->signing[2].place.file), STR("/domain-c.conf")));
    conf_free(conf);
    write_file("domain-c.conf", "\ndns = { timeout = \"1s\"; };\n");
    conf_problems_init(&problems, arena);
    assert_null(conf_load(main_file, &problems));
    assert_str(complaints(),
               "domain-c.conf:2: dns.timeout: is set at merged.conf:1 already: remove "
               "one of the two\n");
    write_file("domain-c.conf", "dns = { timeout = \"1s\"; };\n"); /* on the same line */
    conf_problems_init(&problems, arena);
    assert_null(conf_load(main_file, &problems));
    assert_str(complaints(),
               "domain-c.conf:1: dns.timeout: is set at merged.conf:1 already: remove "
               "one of the two\n");
    write_file("domain-c.conf", "\nmode = \"shadow\";\n");
    const char *twice =
        write_file("twice.conf", "@include \"domain-c.conf\"\n@include \"domain-c.conf\"\n");
    conf_problems_init(&problems, arena);
    assert_null(conf_load(twice, &problems));
    assert_str(complaints(),
               "domain-c.conf:2: mode: is set at domain-c.conf:2 already: the file is included "
               "twice\n");
    conf_problems_init(&problems, arena);
    write_file("domain-c.conf", "signing = { domain = \"b.example\"; " KEY " };\n");
    assert_null(conf_load(main_file, &problems));
    assert_str(complaints(), "domain-c.conf:1: signing: b.example has an entry already, at "
                             "domain-b.conf:1: put all its keys there, or say which senders this "
                             "one is for\n");
}

static void test_include_complaints(void **state)
{
    (void)state;
    const char *main_file =
        write_file("bad.conf", "user = 1;\n@include \"bad2.conf\"\npid-file = 2;\n");
    write_file("bad2.conf", "\nlisen = \"x\"; @include \"x\"\n");
    assert_null(conf_load(main_file, &problems));
    assert_str(complaints(), "bad2.conf:2: syntax error, here or just before: look for a missing "
                             "quote, brace, comma or semicolon\n");
    write_file("bad2.conf", "\nlisen = \"x\";");
    conf_problems_init(&problems, arena);
    assert_null(conf_load(main_file, &problems));
    assert_str(complaints(), "bad.conf:1: user: wanted is text in quotes, not a number\n"
                             "bad2.conf:2: unknown option lisen; is listen meant?\n"
                             "bad.conf:3: pid-file: wanted is text in quotes, not a number\n");
    write_file("bad2.conf", "@include \"bad.conf\"\n");
    conf_problems_init(&problems, arena);
    assert_null(conf_load(main_file, &problems));
    assert_str(complaints(), "bad2.conf:1: files include each other more than 10 deep\n");
    /* A folder that cannot be read is not an empty one. */
    char *loop = str_cstr(arena, str_printf(arena, "%s/loop", directory));
    assert_int_equal(symlink("loop", loop), 0);
    main_file = write_file("bad.conf", "@include \"none/*.conf\"\n@include \"loop/*.conf\"\n");
    conf_problems_init(&problems, arena);
    assert_null(conf_load(main_file, &problems));
    assert_int_equal(unlink(loop), 0);
    assert_str(complaints(),
               "bad.conf:2: cannot look for loop/*.conf: Too many levels of symbolic links\n"
               "bad.conf:1: @include: there is no folder none, so nothing is included\n");
}

/* What may be right, but is a mistake as a rule. */
static void test_doubts(void **state)
{
    (void)state;
    const char *main_file = write_file(
        "doubts.conf", "exceptions = { networks = [ \"192.0.2.1\", \"192.0.2.2\" ];\n"
                       "  domains = [ \"a.example\"\n"
                       "              // the next one\n"
                       "              \"b.example\", \"c.example\" /* x */ \"d.example\" ];\n"
                       "};\nreply-contact = \"see \"\n  \"there\";\n"
                       "authserv-id-aliases = [ \"e.example\" ];\n"
                       "@include \"none/*.conf\"\n"
                       "@include \"none-*.conf\"\n"
                       "@include \"no*/*.conf\"\n");
    struct conf *conf = conf_load(main_file, &problems);
    assert_non_null(conf);
    assert_str(complaints(), "");
    assert_int_equal(conf->exceptions_domains.n, 2);
    problems = conf->doubts;
    problems.arena = arena;
    assert_str(
        complaints(),
        "doubts.conf:4: no comma stands before \"b.example\": with the text before it, it is "
        "one entry\n"
        "doubts.conf:4: no comma stands before \"d.example\": with the text before it, it is "
        "one entry\n"
        "doubts.conf:9: @include: there is no folder none, so nothing is included\n");
    conf_free(conf);
}

/* Some editors begin a file with it. */
static void test_byte_order_mark(void **state)
{
    (void)state;
    const char *main_file =
        write_file("mark.conf", "\xef\xbb\xbf@include \"marked.conf\"\nmode = \"shadow\";\n");
    write_file("marked.conf", "\xef\xbb\xbfuser = \"u\";\n");
    struct conf *conf = conf_load(main_file, &problems);
    assert_str(complaints(), "");
    assert_non_null(conf);
    assert_str(conf->user, "u");
    conf_free(conf);
}

static void test_unreadable(void **state)
{
    (void)state;
    const char *missing = str_printf(arena, "%s/missing.conf", directory).p;
    assert_null(conf_load(missing, &problems));
    assert_str(complaints(), "missing.conf: cannot be read: No such file or directory\n");
    conf_problems_init(&problems, arena);
    assert_null(conf_load(directory, &problems));
    assert_int_equal(problems.n, 1);
    assert_true(str_ends_nocase(problems.v[0], STR(": cannot be read: Is a directory")));
    conf_problems_init(&problems, arena);
    assert_null(conf_parse((struct str){"mode\0", 5}, &problems));
    assert_str(complaints(), "text: holds a NUL byte: it is no text file\n");
}

static bool in_networks(const struct netset *set, const char *text)
{
    struct netaddr address;
    assert_true(netaddr_parse(str_of(text), &address));
    return netset_has(set, &address);
}

static void test_list_files(void **state)
{
    (void)state;
    write_file("nets", "# our customers\n\n  192.0.2.0/25 # one\r\n!198.51.100.9\n198.51.100.0/24");
    write_file("domains", "Example.ORG\n\tb\xc3\xbc"
                          "cher.example\t# of books\n");
    write_file("people", "ann@a.example\n*@x.a.example\na#b@a.example #c\n");
    struct conf *conf = parse(in_directory(
        "trusted-networks = [ \"!192.0.2.1\", \"file:{}/nets\", \"::1\" ];\n"
        "dmarc = { ignore-domains = [ \"a.example\", \"file:{}/domains\" ];\n"
        "  quarantine-domains = \"file:{}/domains\"; };\n"
        "signing = ( { domain = \"a.example\"; keys = { selector = \"s\"; file = \"/k\"; };\n"
        "  senders = [ \"bob@a.example\", \"file:{}/people\" ]; } );"));
    assert_int_equal(conf->trusted_networks.n, 5);
    assert_true(in_networks(&conf->trusted_networks, "192.0.2.2"));
    assert_false(in_networks(&conf->trusted_networks, "192.0.2.1"));
    assert_true(in_networks(&conf->trusted_networks, "198.51.100.8"));
    assert_false(in_networks(&conf->trusted_networks, "198.51.100.9"));
    assert_true(in_networks(&conf->trusted_networks, "::1"));
    assert_true(conf_has_domain(&conf->dmarc_ignore_domains, STR("a.example")));
    assert_true(conf_has_domain(&conf->dmarc_ignore_domains, STR("x.example.org")));
    assert_true(conf_has_domain(&conf->dmarc_ignore_domains, STR("xn--bcher-kva.example")));
    assert_false(conf_has_domain(&conf->dmarc_ignore_domains, STR("example")));
    assert_false(conf_has_domain(&conf->dmarc_quarantine_domains, STR("a.example")));
    assert_int_equal(conf->signing[0].senders.n, 4);
    assert_str(conf->signing[0].senders.v[2], "*@x.a.example");
    assert_str(conf->signing[0].senders.v[3], "a#b@a.example");
    assert_int_equal(conf->n_list_files, 4);
    /* What is in force is shown, and where it comes from. */
    struct str dump = conf_show(conf, arena, CONF_SHOWN_PLACES);
    assert_non_null(strstr(dump.p, "trusted-networks = [ \"!192.0.2.1\", \"192.0.2.0/25\", "
                                   "\"!198.51.100.9\", \"198.51.100.0/24\", \"::1\" ];"));
    assert_non_null(strstr(dump.p, in_directory("// set at text:1, with {}/nets (3)\n")));
    assert_non_null(strstr(dump.p, in_directory("// set at text:3, with {}/domains (2)\n")));
    struct conf *again = parse(dump.p);
    assert_true(str_eq(conf_show(again, arena, 0), conf_show(conf, arena, 0)));
    conf_free(again);
    conf_free(conf);
}

static void refuse(const char *text, const char *want)
{
    conf_problems_init(&problems, arena);
    assert_null(conf_parse(str_of(in_directory(text)), &problems));
    assert_str(complaints(), want);
}

static void test_bad_list_files(void **state)
{
    (void)state;
    write_file("nets", "192.0.2.1\n\n192.0.2.1/24\n192.0.2.2, 192.0.2.3\nfile:/x\n");
    refuse("relay-networks = [ \"file:{}/nets\" ];",
           "nets:3: relay-networks: \"192.0.2.1/24\" has bits set behind the prefix length: write "
           "the network's first address\n"
           "nets:4: relay-networks: \"192.0.2.2, 192.0.2.3\" is more than one word: write one "
           "entry a line\n"
           "nets:5: relay-networks: \"file:/x\" names a file, which only the configuration can "
           "do\n");
    write_file("late", "192.0.2.0/24\n!192.0.2.7\n");
    refuse("\nrelay-networks = [ \"file:{}/late\", \"!192.0.2.8\",\n\"!192.0.3.0\" ];",
           "late:2: relay-networks: the exception \"!192.0.2.7/32\" comes too late: a network "
           "before it holds these addresses, and the first entry that an address is in decides; "
           "put the exception first\n"
           "text:2: relay-networks: the exception \"!192.0.2.8/32\" comes too late: a network "
           "before it holds these addresses, and the first entry that an address is in decides; "
           "put the exception first\n");
    refuse("relay-networks = [ \"!192.0.2.8\" ];",
           "text:1: relay-networks: names exceptions and no network: add those that they are "
           "exceptions of\n");
    refuse("\nrelay-networks = [ \"file:nets\",\n\"file:{}/none\" ];",
           "text:2: relay-networks: \"file:nets\" has no absolute path: write file:/path\n"
           "text:3: relay-networks: none cannot be read: No such file or directory\n");
    write_file("people", "ann@a.example\nbob@b.example\n");
    refuse("signing = ( { domain = \"a.example\"; " KEY " senders = \"file:{}/people\"; } );",
           "people:2: signing: senders: \"bob@b.example\" is not of the entry's domain\n");
    refuse("dns = { servers = \"file:{}/nets\"; };",
           "text:1: dns.servers: \"file:nets\" is no resolver such as 127.0.0.1, 127.0.0.1@53, "
           "[::1]:53 or fe80::1%eth0\n");
}

/* What one file can cost is bounded: its size, and how often it is complained of. */
static void test_bounds_of_list_files(void **state)
{
    (void)state;
    struct strbuf b;
    sb_init(&b, arena);
    for (int i = 0; i < 30; i++)
        sb_add(&b, STR("x\n"));
    write_file("wrong", sb_str(&b).p);
    assert_null(conf_parse(str_of(in_directory("relay-networks = \"file:{}/wrong\";")), &problems));
    assert_int_equal(problems.n, 21);
    assert_true(str_ends_nocase(
        problems.v[20], STR("wrong:21: relay-networks: more of the lines from here on are wrong")));
    sb_init(&b, arena);
    while (b.n < (8U << 20))
        sb_add(&b, STR("192.0.2.1          \n"));
    write_file("large", sb_str(&b).p);
    refuse("relay-networks = \"file:{}/large\";",
           "text:1: relay-networks: large is larger than 8 MB\n");
    FILE *f = fopen(in_directory("{}/nul"), "w");
    assert_non_null(f);
    assert_int_equal(fwrite("a\0b", 1, 3, f), 3);
    assert_int_equal(fclose(f), 0);
    refuse("relay-networks = \"file:{}/nul\";",
           "text:1: relay-networks: nul holds a NUL byte: it is no text file\n");
}

/* Long lists are looked up in another way, and answer the same. */
static void test_long_lists(void **state)
{
    (void)state;
    struct strbuf nets, domains;
    sb_init(&nets, arena);
    sb_init(&domains, arena);
    sb_add(&nets, STR("!10.7.7.7\n"));
    for (int i = 0; i < 20000; i++) {
        sb_printf(&nets, "10.%d.%d.0/24\n", i / 256, i % 256);
        sb_printf(&domains, "d%d.example\n", (i * 7919) % 20000);
    }
    write_file("nets", sb_str(&nets).p);
    write_file("domains", sb_str(&domains).p);
    struct conf *conf = parse(in_directory("trusted-networks = \"file:{}/nets\";\n"
                                           "spf = { skip-domains = \"file:{}/domains\"; };"));
    const struct conf_strings *list = &conf->spf_skip_domains;
    assert_true(in_networks(&conf->trusted_networks, "10.78.31.1"));
    assert_false(in_networks(&conf->trusted_networks, "10.78.32.1"));
    assert_false(in_networks(&conf->trusted_networks, "10.7.7.7"));
    assert_non_null(conf->trusted_networks.tree);
    assert_non_null(list->sorted);
    assert_true(conf_has_domain(list, STR("d0.example")));
    assert_true(conf_has_domain(list, STR("d19999.example")));
    assert_true(conf_has_domain(list, STR("x.y.d10000.example")));
    assert_false(conf_has_domain(list, STR("xd10000.example")));
    assert_false(conf_has_domain(list, STR("d20000.example")));
    assert_false(conf_has_domain(list, STR("example")));
    assert_false(conf_has_domain(list, STR("")));
    round_trip(in_directory("spf = { skip-domains = \"file:{}/domains\"; };"));
    conf_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONF_TEST(test_include),
        CONF_TEST(test_merged),
        CONF_TEST(test_include_complaints),
        CONF_TEST(test_doubts),
        CONF_TEST(test_byte_order_mark),
        CONF_TEST(test_unreadable),
        CONF_TEST(test_list_files),
        CONF_TEST(test_bad_list_files),
        CONF_TEST(test_bounds_of_list_files),
        CONF_TEST(test_long_lists),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
