/* test_conf.c - assay.conf: what is understood, and what of it is shown. */
#include "conf_rig.h"

#include "conf/check.h"
#include "conf/listen.h"
#include "conf/options.h"

static void test_defaults(void **state)
{
    (void)state;
    struct conf *conf = conf_load(NULL, &problems);
    assert_non_null(conf);
    assert_int_equal(conf->listen.n, 1);
    assert_str(conf->listen.v[0], "inet:8892@127.0.0.1");
    assert_int_equal(conf->socket_mode, 0660);
    assert_null(conf->user.p);
    assert_int_equal(conf->mode, RUN_ENFORCE);
    assert_int_equal(conf->log_level, LOG_LEVEL_INFO);
    assert_int_equal(conf->shutdown_grace, 5000);
    assert_true(conf->authserv_id.n > 0);
    assert_int_equal(conf->trusted_networks.n, 2);
    assert_int_equal(conf->relay_networks.n, 0);
    assert_int_equal(conf->submission_daemons.n, 2);
    assert_true(conf->submission_daemons.set);
    assert_str(conf->submission_daemons.v[1], "ORIGINATING");
    assert_false(conf->dns_servers.set);
    assert_int_equal(conf->dns_dnssec, DNSSEC_TRUST_AD);
    assert_int_equal(conf->dns_cache_size, 32 << 20);
    assert_true(conf->received_spf);
    assert_int_equal(conf->dmarc_on_reject, ACTION_TAG);
    assert_int_equal(conf->dmarc_on_temperror, ACTION_TEMPFAIL);
    assert_int_equal(conf->header_canonicalization, CANON_RELAXED);
    assert_int_equal(conf->n_signing, 0);
    assert_null(conf_place_of(conf, "listen").file);
    conf_free(conf);
}

/* The field of every option has its name. */
static void test_fields(void **state)
{
    static const struct {
        const char *field, *name;
    } options_def[] = {
#define CONF_SECTION(title)
#define CONF_OPTION(field, name, type, def, help) {#field, name},
#include "conf/options.def"
#undef CONF_SECTION
#undef CONF_OPTION
    };
    (void)state;
    for (size_t i = 0; i < sizeof options_def / sizeof *options_def; i++) {
        const char *field = options_def[i].field, *name = options_def[i].name;
        if (strlen(field) != strlen(name))
            fail_msg("%s is not %s", field, name);
        for (size_t k = 0; name[k]; k++)
            if (field[k] != (strchr(".-", name[k]) ? '_' : name[k]))
                fail_msg("%s is not %s", field, name);
    }
}

static void test_values(void **state)
{
    (void)state;
    struct conf *conf = parse("// comment\n"
                              "listen = \"unix:/run/assay.sock\"; # another\n"
                              "user = \"as\\\"say\";\n"
                              "authserv-id = \"MX.Example.ORG.\";\n"
                              "submission-daemons = \"Submission\";\n"
                              "trusted-networks = ( \"192.0.2.0/24\", \"2001:db8::1\" );\n"
                              "socket-mode = \"0600\"; mode = \"shadow\";\n"
                              "/* a block\n   comment */ auth-header = true;\n"
                              "dns : { servers = [ ]; timeout = \"0.4s\"; max-ttl = \"7d\";\n"
                              "  cache-size = \"1M\"; max-in-flight = 0x20; };\n"
                              "dmarc = { on-reject = \"reject\";\n"
                              "  ignore-domains = [ \"B\xc3\xbc"
                              "cher.example\" ]; };\n"
                              "sign-headers = [ \"From\", \"To\" ];\n");
    assert_int_equal(conf->listen.n, 1);
    assert_str(conf->listen.v[0], "unix:/run/assay.sock");
    assert_str(conf->user, "as\"say");
    assert_str(conf->authserv_id, "mx.example.org");
    assert_int_equal(conf->submission_daemons.n, 1);
    assert_str(conf->submission_daemons.v[0], "Submission");
    assert_int_equal(conf->trusted_networks.n, 2);
    assert_int_equal(conf->trusted_networks.ranges[1].bits, 128);
    assert_int_equal(conf->socket_mode, 0600);
    assert_int_equal(conf->mode, RUN_SHADOW);
    assert_true(conf->auth_header);
    assert_true(conf->dns_servers.set);
    assert_int_equal(conf->dns_servers.n, 0);
    assert_int_equal(conf->dns_timeout, 400);
    assert_int_equal(conf->dns_max_ttl, 7 * 86400000LL);
    assert_int_equal(conf->dns_cache_size, 1 << 20);
    assert_int_equal(conf->dns_max_in_flight, 32);
    assert_int_equal(conf->dmarc_on_reject, ACTION_REJECT);
    assert_str(conf->dmarc_ignore_domains.v[0], "xn--bcher-kva.example");
    assert_str(conf->sign_headers.v[0], "from");
    assert_int_equal(conf_place_of(conf, "auth-header").line, 9);
    assert_string_equal(conf_place_of(conf, "auth-header").file, "text");
    conf_free(conf);
}

static void test_shares(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
        double value;
    } good[] = {{"0", "0;", 0},
                {"1", "1;", 1},
                {"1.0", "1;", 1},
                {"0.01", "0.01;", 0.01},
                {"1e-3", "0.001;", 0.001},
                {"0.000000001", "0.000000001;", 1e-9}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "reference = { sample = %s; };", good[i].text);
        struct conf *conf = parse(text);
        assert_true(conf->reference_sample == good[i].value);
        const char *shown = strstr(conf_show(conf, arena, 0).p, "sample = ");
        assert_memory_equal(shown + 9, good[i].shown, strlen(good[i].shown));
        conf_free(conf);
    }
}

/* Files from elsewhere: CRLF, no line end at the end, an empty file. */
static void test_line_ends(void **state)
{
    (void)state;
    write_file("empty.conf", "");
    const char *path =
        write_file("crlf.conf", "mode = \"shadow\";\r\n@include \"empty.conf\"\r\n"
                                "spf = {\r\n  void-lookups = 5;\r\n};\r\nuser = \"u\"");
    struct conf *conf = conf_load(path, &problems);
    assert_str(complaints(), "");
    assert_non_null(conf);
    assert_int_equal(conf->mode, RUN_SHADOW);
    assert_int_equal(conf->spf_void_lookups, 5);
    assert_int_equal(conf_place_of(conf, "user").line, 6);
    conf_free(conf);
}

static void test_signing(void **state)
{
    (void)state;
    struct conf *conf = parse("signing = (\n"
                              " { domain = \"Example.org\"; subdomains = true;\n"
                              "   keys = ( { selector = \"R2026\"; file = \"/k/r\"; },\n"
                              "            { selector = \"e\"; file = \"/k/e\"; } ); },\n"
                              " { domain = \"example.net\";\n"
                              "   keys = { selector = \"a.b\"; file = \"/k/n\"; }; } );");
    assert_int_equal(conf->n_signing, 2);
    assert_str(conf->signing[0].domain, "example.org");
    assert_true(conf->signing[0].subdomains);
    assert_int_equal(conf->signing[0].n_keys, 2);
    assert_str(conf->signing[0].keys[0].selector, "r2026");
    assert_str(conf->signing[0].keys[1].file, "/k/e");
    assert_int_equal(conf->signing[0].keys[1].place.line, 4);
    assert_false(conf->signing[1].subdomains);
    assert_int_equal(conf->signing[1].n_keys, 1);
    assert_int_equal(conf->signing[1].place.line, 5);
    conf_free(conf);
}

/* What an entry does not say for itself is what the options say, wherever they stand. */
static void test_signing_forms(void **state)
{
    (void)state;
    struct conf *conf =
        parse("signing = ( { domain = \"a.example\"; " KEY
              " senders = [ \"Ann@A.example\", \"@x.a.example\", \"*\", \"*@*.example\" ]; "
              "lifetime = \"7d\";\n"
              "  body-canonicalization = \"simple\"; sign-headers = [ \"FROM\", \"To\" ];\n"
              "  oversign-headers = [ ]; },\n"
              " { domain = \"a.example\"; " KEY " } );\n"
              "signature-lifetime = \"1d\"; header-canonicalization = \"simple\";\n"
              "oversign-headers = [ \"Subject\" ];\n");
    const struct conf_signing *one = &conf->signing[0], *two = &conf->signing[1];
    assert_int_equal(one->senders.n, 4);
    assert_str(one->senders.v[0], "ann@a.example");
    assert_str(one->senders.v[1], "*@x.a.example");
    assert_str(one->senders.v[2], "*");
    assert_str(one->senders.v[3], "*@*.example");
    assert_int_equal(one->form.signature_lifetime, 7 * 86400000);
    assert_int_equal(one->form.header_canonicalization, CANON_SIMPLE);
    assert_int_equal(one->form.body_canonicalization, CANON_SIMPLE);
    assert_int_equal(one->form.sign_headers.n, 2);
    assert_str(one->form.sign_headers.v[0], "from");
    assert_true(one->form.oversign_headers.set);
    assert_int_equal(one->form.oversign_headers.n, 0);
    assert_false(two->senders.set);
    assert_int_equal(two->form.signature_lifetime, 86400000);
    assert_int_equal(two->form.body_canonicalization, CANON_RELAXED);
    assert_false(two->form.sign_headers.set);
    assert_str(two->form.oversign_headers.v[0], "subject");
    assert_int_equal(conf->signature_lifetime, 86400000);
    conf_free(conf);
}

/* An empty list is one, as one from a file may be. */
static void test_mailing_lists(void **state)
{
    (void)state;
    static const char *const good[] = {
        "dmarc = { on-mailing-list = \"tag\"; mailing-lists = [ ]; };",
        "dmarc = { on-mailing-list = \"quarantine\"; mailing-lists = [ \"lists.example.org\" ]; };",
        "dmarc = { on-mailing-list = \"reject\"; };",
        "dmarc = { mailing-lists = [ ]; };",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        conf_problems_init(&problems, arena);
        struct conf *conf = conf_parse(str_of(good[i]), &problems);
        assert_str(complaints(), "");
        conf_free(conf);
    }
}

static void test_all_domains(void **state)
{
    (void)state;
    struct conf *conf = parse("dmarc = { enforce-domains = [ \"a.example\", \"*\" ]; };");
    assert_true(conf_has_domain(&conf->dmarc_enforce_domains, STR("example.org")));
    assert_false(conf_has_domain(&conf->dmarc_enforce_domains, STR("")));
    assert_false(conf_has_domain(&conf->dmarc_ignore_domains, STR("example.org")));
    conf_free(conf);
    round_trip("dmarc = { enforce-domains = \"*\"; };");
    round_trip("spf = { skip-helo = \"192.0.2.1\"; };"); /* as some say in HELO */
}

/* The gate and the reports have room of their own. */
static void test_memory_for_answers(void **state)
{
    struct conf conf = {.limits_dns_memory = 1000000};
    (void)state;
    assert_int_equal(conf_dns_memory(&conf), 1000000);
    conf.sender_mode = CHECK_ENFORCE;
    assert_int_equal(conf_dns_memory(&conf), 1000000 + 65536);
    conf.reports_record = true;
    assert_int_equal(conf_dns_memory(&conf), 1000000 + 2 * 65536);
    conf.n_lists = 3;
    assert_int_equal(conf_dns_memory(&conf), 1000000 + 2 * 65536 + 3 * 12288);
    conf.sender_mode = CHECK_OFF;
    conf.n_lists = 0;
    assert_int_equal(conf_dns_memory(&conf), 1000000 + 65536);
}

static void test_round_trip(void **state)
{
    (void)state;
    round_trip("");
    round_trip("user = \"a\\\"\\\\n\\x01\"; dns = { servers = [ ]; deadline = \"0.25s\"; };\n"
               "trusted-networks = [ ]; relay-networks = [ \"10.0.0.0/8\", \"::1\" ];\n"
               "submission-daemons = [ ]; limits = { message-memory = \"300K\"; };\n"
               "signing = ( { domain = \"a.example\"; subdomains = true; keys = ( { selector = "
               "\"s\"; file = "
               "\"/s\"; }, { selector = \"t\"; file = \"/t\"; } ); },\n"
               "{ domain = \"b.example\"; keys = ( { selector = \"s\"; file = \"/b\"; } ); } );");
    round_trip("reference = { sample = 0.125; memory = \"2M\"; program = \"/p\"; };\n"
               "spf = { engine = \"libspf2\"; }; dkim = { engine = \"libopendkim\"; };");
    round_trip("signing = ( { domain = \"a.example\"; " KEY
               " senders = [ \"a@a.example\", \"*\" ]; lifetime = \"7d\"; oversign-headers = [ ];\n"
               "sign-headers = \"from\"; header-canonicalization = \"simple\"; },\n"
               "{ domain = \"a.example\"; " KEY
               " body-canonicalization = \"simple\"; } ); signature-lifetime = \"1d\";");
    struct conf *conf = parse("dns = {\n  timeout = \"2s\"; };");
    struct str dump = conf_show(conf, arena, CONF_SHOWN_PLACES);
    const char *line =
        "    timeout = \"2s\";                                     // set at text:2\n";
    assert_non_null(strstr(dump.p, line));
    assert_non_null(strstr(dump.p, "    // servers is not set\n"));
    conf_free(conf);
}

static void test_listen(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } good[] = {
        {"inet:8892@127.0.0.1", "inet:8892@127.0.0.1"},
        {"inet:127.0.0.1:8892", "inet:8892@127.0.0.1"},
        {"inet:localhost:8892", "inet:8892@localhost"},
        {"inet:8892@localhost", "inet:8892@localhost"},
        {"inet:8892", "inet:8892"},
        {"inet:[::1]:8892", "inet6:8892@[::1]"},
        {"inet6:8892@[0:0::1]", "inet6:8892@[::1]"},
        {"inet6:8892@::1", "inet6:8892@[::1]"},
        {"inet6:8892@mx.example.org", "inet6:8892@mx.example.org"},
        {"unix:/run/a", "unix:/run/a"},
        {"local:/run/a", "unix:/run/a"},
        {"/run/a", "unix:/run/a"},
    };
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"", "is no socket address"},
        {"tcp:1@x", "is no socket address"},
        {"inet:", "has no port from 1 to 65535"},
        {"inet:0@127.0.0.1", "has no port from 1 to 65535"},
        {"inet:65536@127.0.0.1", "has no port from 1 to 65535"},
        {"inet:127.0.0.1", "has no port from 1 to 65535"},
        {"inet:8892@", "has no host"},
        {"inet:8892@[x]", "has no valid host or address"},
        {"inet:8892@a b", "has no valid host or address"},
        {"inet6:8892@127.0.0.1", "has an IPv4 address behind inet6:"},
        {"unix:run/a", "has no absolute path"},
        {"/2345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "012345678901234567890",
         "has a path longer than the 107 bytes of a Unix socket"},
    };
    struct listen_address address;
    struct str problem = STR_NONE;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(listen_parse(str_of(good[i].text), arena, &address, &problem));
        assert_str(listen_format(&address, arena), good[i].want);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(listen_parse(str_of(wrong[i].text), arena, &address, &problem));
        struct str want = str_printf(arena, "\"%s\" %s; allowed are ", wrong[i].text, wrong[i].why);
        assert_str(str_sub(problem, 0, want.n), want.p);
    }
}

static void test_host_name(void **state)
{
    (void)state;
    struct str name;
    const char *hosts = write_file("hosts", "127.0.0.1 localhost\n"
                                            "192.0.2.9 other.example.org other\n"
                                            "mx bad.example.org other\n"
                                            "# 192.0.2.1 no.example.org mx\n"
                                            "127.0.1.1\tMX.Example.org  mx\n");
    assert_true(host_full_name(arena, STR("mx"), hosts, &name));
    assert_str(name, "mx.example.org");
    assert_true(host_full_name(arena, STR("Mx.Example.net"), "/nonexistent", &name));
    assert_str(name, "mx.example.net");
    assert_false(host_full_name(arena, STR("mx2"), hosts, &name));
    assert_str(name, "mx2");
    assert_false(host_full_name(arena, STR("mx"), "/nonexistent", &name));
    assert_str(name, "mx");
}

/* What the manual prints must be what is accepted: each default that is shown is loadable. */
static void test_option_rows(void **state)
{
    (void)state;
    size_t n;
    const struct conf_option_row *rows = conf_option_rows(arena, &n);
    assert_true(n > 70);
    for (size_t i = 0; i < n; i++) {
        assert_true(strlen(rows[i].help) > 0);
        assert_int_equal(rows[i].help[strlen(rows[i].help) - 1], '.');
        assert_ptr_equal(option_find(str_of(rows[i].name)), &options[i]);
        assert_true(strlen(rows[i].section) > 0);
    }
}

static void test_many_entries_are_fast(void **state)
{
    (void)state;
    struct strbuf b;
    sb_init(&b, arena);
    sb_add(&b, STR("signing = (\n"));
    for (int i = 0; i < 10000; i++)
        sb_printf(
            &b,
            "%s{ domain = \"d%d.example\"; keys = ( { selector = \"s\"; file = \"/k/%d\"; } ); }\n",
            i ? "," : "", i, i);
    sb_add(&b, STR(");\n"));
    struct conf *conf = parse(sb_str(&b).p);
    assert_int_equal(conf->n_signing, 10000);
    assert_str(conf->signing[9999].domain, "d9999.example");
    conf_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONF_TEST(test_defaults),
        CONF_TEST(test_fields),
        CONF_TEST(test_values),
        CONF_TEST(test_shares),
        CONF_TEST(test_line_ends),
        CONF_TEST(test_signing),
        CONF_TEST(test_signing_forms),
        CONF_TEST(test_mailing_lists),
        CONF_TEST(test_all_domains),
        CONF_TEST(test_memory_for_answers),
        CONF_TEST(test_round_trip),
        CONF_TEST(test_listen),
        CONF_TEST(test_host_name),
        CONF_TEST(test_option_rows),
        CONF_TEST(test_many_entries_are_fast),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
