/* test_conf.c - assay.conf: what is understood, and what is said about what is not. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/check.h"
#include "conf/conf.h"
#include "conf/listen.h"
#include "conf/options.h"

/* libconfig 1.5 loses the text it has just read when it meets a syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

static struct arena *arena;
static struct conf_problems problems;
static char directory[] = "/tmp/assay-test-conf-XXXXXX";

static int setup(void **state)
{
    (void)state;
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_ERROR);
    arena = arena_new(0);
    conf_problems_init(&problems, arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[sizeof directory + 16];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

static const char *write_file(const char *name, const char *text)
{
    char *path = str_cstr(arena, str_printf(arena, "%s/%s", directory, name));
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* All complaints, one a line, the test's directory taken out of them. */
static struct str complaints(void)
{
    struct strbuf b;
    struct str where = str_of(directory);
    sb_init(&b, arena);
    for (size_t i = 0; i < problems.n; i++) {
        struct str line = problems.v[i];
        while (line.n) {
            if (str_starts(line, where) && line.n > where.n)
                line = str_sub(line, where.n + 1, line.n);
            sb_addc(&b, line.p[0]);
            line = str_sub(line, 1, line.n);
        }
        sb_addc(&b, '\n');
    }
    return sb_str(&b);
}

static struct conf *parse(const char *text)
{
    struct conf *conf = conf_parse(str_of(text), &problems);
    if (!conf)
        print_error("%s", complaints().p);
    assert_non_null(conf);
    return conf;
}

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

#define KEY "keys = { selector = \"s\"; file = \"/k\"; };"

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

/* Every complaint, word for word. */
static const struct {
    const char *text, *want;
} bad[] = {
    /* Names */
    {"lisen = \"x\";", "text:1: unknown option lisen; is listen meant?\n"},
    {"\n\ndns = { timeot = \"5s\"; };",
     "text:3: unknown option dns.timeot; is dns.timeout meant?\n"},
    {"on-reject = \"reject\";", "text:1: unknown option on-reject; is dmarc.on-reject meant?\n"},
    {"frobnicate = 1;", "text:1: unknown option frobnicate; assay.conf(5) lists all options\n"},
    {"singing = ( );", "text:1: unknown option singing; is signing meant?\n"},
    {"dns = \"127.0.0.1\";",
     "text:1: dns: wanted is a group of options such as dns = { ... }, not a text\n"},
    {"mode = \"shadow\";\nmode = \"enforce\";",
     "text:2: mode: is set at text:1 already: remove one of the two\n"},
    {"mode : \"shadow\";\nmode : \"enforce\";",
     "text:2: mode: is set at text:1 already: remove one of the two\n"},
    {"dns = { timeout = \"1s\"; };\nmode = \"shadow\";\n"
     "dns : {\ntimeout /* x */\n# y\n: \"2s\"; frob = 1; frob = 2; };",
     "text:4: dns.timeout: is set at text:1 already: remove one of the two\n"
     "text:6: unknown option dns.frob; assay.conf(5) lists all options\n"
     "text:6: unknown option dns.frob; assay.conf(5) lists all options\n"},
    {"signing = ( { domain = \"a.example\";\ndomain = \"b.example\"; keys = ( { selector = \"s\";\n"
     "file = \"/k\"; selector = \"t\"; } ); lifetime = \"1d\";\nlifetime = \"2d\"; } );",
     "text:2: signing: domain: is set at text:1 already: remove one of the two\n"
     "text:4: signing: lifetime: is set at text:3 already: remove one of the two\n"
     "text:3: signing: selector: is set at text:2 already: remove one of the two\n"},
    {"signing = ( { domain = \"a.example\"; " KEY
     " } );\nsigning = ( { domain = \"a.example\"; " KEY
     " }, 3 );\nsigning = { domain = \"b.example\"; };",
     "text:2: signing: wanted is { domain = \"example.org\"; keys = ( { selector = \"s1\"; file = "
     "\"/path/s1.pem\"; } ); }, not a number\n"
     "text:3: signing: an entry needs at least one key, as in { domain = \"example.org\"; keys = ( "
     "{ selector = \"s1\"; file = \"/path/s1.pem\"; } ); }\n"
     "text:2: signing: a.example has an entry already, at text:1: put all its keys there, or say "
     "which senders this one is for\n"},
    /* Types */
    {"listen = 8892;", "text:1: listen: wanted is a list of sockets such as [ "
                       "\"inet:8892@127.0.0.1\", \"unix:/run/assay/assay.sock\" ], not a number\n"},
    {"listen = [ ];",
     "text:1: listen: names no socket: an MTA needs one, such as inet:8892@127.0.0.1\n"},
    {"milter-library = \"libmilter\"; listen = [ \"/a\",\n\"inet:1@::1\" ];",
     "text:1: listen: libmilter serves one socket only, and these are 2: name one, or set "
     "milter-library = \"own\"\n"},
    {"milter-library = \"own\"; listen = [ \"inet:1@127.0.0.1\",\n\"inet:127.0.0.1:1\",\n"
     "\"inet:8892\", \"inet:0\" ];",
     "text:2: listen: \"inet:127.0.0.1:1\" is in the list already\n"
     "text:3: listen: \"inet:0\" has no port from 1 to 65535; allowed are inet:8892@127.0.0.1, "
     "inet6:8892@[::1], inet:127.0.0.1:8892 and unix:/run/assay/assay.sock\n"},
    {"dns = { timeout = 5; };", "text:1: dns.timeout: wanted is a duration in quotes such as "
                                "\"5s\" (units ms, s, m, h, d), not a number\n"},
    {"dns = { max-in-flight = \"64\"; };",
     "text:1: dns.max-in-flight: wanted is a whole number, not a text\n"},
    {"dns = { max-in-flight = 64.5; };",
     "text:1: dns.max-in-flight: wanted is a whole number, not a fraction\n"},
    {"received-spf = \"yes\";", "text:1: received-spf: wanted is true or false, not a text\n"},
    {"mode = true;",
     "text:1: mode: wanted is one of these words in quotes: enforce, shadow, not true or false\n"},
    {"socket-mode = 0660;",
     "text:1: socket-mode: wanted is octal permissions in quotes such as \"0660\", not a number\n"},
    {"reference = { sample = \"0.1\"; };",
     "text:1: reference.sample: wanted is a number from 0 to 1 such as 0.01, not a text\n"},
    {"dns = { cache-size = 5; };", "text:1: dns.cache-size: wanted is a size in quotes such as "
                                   "\"64M\" (units K, M, G), not a number\n"},
    {"trusted-networks = [ 10, 11 ];",
     "text:1: trusted-networks: wanted is a list of networks such as [ \"192.0.2.0/24\", "
     "\"2001:db8::1\" ], not a number\n"
     "text:1: trusted-networks: wanted is a list of networks such as [ \"192.0.2.0/24\", "
     "\"2001:db8::1\" ], not a number\n"},
    {"submission-daemons = { a = 1; };",
     "text:1: submission-daemons: wanted is a list such as [ \"one\", \"two\" ], not a group\n"},
    /* Values */
    {"user = \"\";", "text:1: user: \"\" is empty: leave the option out instead\n"},
    {"mode = \"shdow\";",
     "text:1: mode: \"shdow\" is not allowed here: the words are enforce, shadow\n"},
    {"dmarc = { on-reject = \"drop\"; };", "text:1: dmarc.on-reject: \"drop\" is not allowed here: "
                                           "the words are tag, quarantine, tempfail, reject\n"},
    {"dns = { timeout = \"90s\"; };",
     "text:1: dns.timeout: \"90s\" is out of bounds: allowed is 100ms to 60s\n"},
    {"dns = { timeout = \"5\"; };", "text:1: dns.timeout: \"5\" has no unit: write ms, s, m, h or "
                                    "d behind the number\n"},
    {"dns = { timeout = \"5 s\"; };",
     "text:1: dns.timeout: \"5 s\" is no duration such as \"5s\" (units ms, s, m, h, d)\n"},
    {"dns = { timeout = \".s\"; };",
     "text:1: dns.timeout: \".s\" is no duration such as \"5s\" (units ms, s, m, h, d)\n"},
    {"dns = { timeout = \"200.5ms\"; };",
     "text:1: dns.timeout: \"200.5ms\" is no whole number of milliseconds\n"},
    {"dns = { timeout = \"99999999999s\"; };",
     "text:1: dns.timeout: \"99999999999s\" is no duration such as \"5s\" (units ms, s, m, h, "
     "d)\n"},
    {"dns = { max-in-flight = 8; };",
     "text:1: dns.max-in-flight: \"8\" is out of bounds: allowed is 16 to 65536\n"},
    {"dns = { max-in-flight = -1; };",
     "text:1: dns.max-in-flight: \"-1\" is out of bounds: allowed is 16 to 65536\n"},
    {"dns = { max-in-flight = 4294967396; };",
     "text:1: dns.max-in-flight: \"4294967396\" is out of bounds: allowed is 16 to 65536\n"},
    {"dns = { max-in-flight = 0x1000000FF; };",
     "text:1: dns.max-in-flight: \"4294967551\" is out of bounds: allowed is 16 to 65536\n"},
    {"arc = { mode = \"seal\"; };",
     "text:1: arc.mode: \"seal\" needs arc.sealing-domain, a domain that has keys in signing\n"},
    {"arc = { mode = \"seal\"; sealing-domain = \"example.org\"; };",
     "text:1: arc.sealing-domain: \"example.org\" has no entry in signing, whose key would seal\n"},
    {"dns = { max-queries = 19; };",
     "text:1: dns.max-queries: \"19\" is out of bounds: allowed is 20 to 1000\n"},
    {"dkim = { min-key-bits = 2048; max-key-bits = 2047; };",
     "text:1: dkim.min-key-bits: 2048 is more than dkim.max-key-bits (2047): no RSA key would be "
     "accepted\n"},
    {"reference = { sample = 1.1; };",
     "text:1: reference.sample: \"1.1\" is no share from 0 to 1, such as 0.01\n"},
    {"reference = { sample = 2; };",
     "text:1: reference.sample: \"2\" is no share from 0 to 1, such as 0.01\n"},
    {"reference = { sample = -0.5; };",
     "text:1: reference.sample: \"-0.5\" is no share from 0 to 1, such as 0.01\n"},
    {"dns = { cache-size = \"64MB\"; };",
     "text:1: dns.cache-size: \"64MB\" is no size such as \"64M\" (units K, M, G)\n"},
    {"dns = { cache-size = \"1K\"; };",
     "text:1: dns.cache-size: \"1K\" is out of bounds: allowed is 64K to 16G\n"},
    {"socket-mode = \"0999\";",
     "text:1: socket-mode: \"0999\" is no octal mode from 0000 to 0777\n"},
    {"socket-mode = \"1777\";",
     "text:1: socket-mode: \"1777\" is no octal mode from 0000 to 0777\n"},
    {"trusted-networks = [\n\"192.0.2.0/24\",\n\"192.0.2.1/24\",\n\"nonsense\" ];",
     "text:3: trusted-networks: \"192.0.2.1/24\" has bits set behind the prefix length: write the "
     "network's first address\n"
     "text:4: trusted-networks: \"nonsense\" is not an IP address or network such as 192.0.2.0/24 "
     "or 2001:db8::/32\n"},
    {"authserv-id = \"two words\";",
     "text:1: authserv-id: \"two words\" is no host name such as mx.example.org\n"},
    {"authserv-id = \"a;b\";",
     "text:1: authserv-id: \"a;b\" is no host name such as mx.example.org\n"},
    {"dmarc = { ignore-domains = [ \"*.example.org\", \"a..b\" ]; };",
     "text:1: dmarc.ignore-domains: \"*.example.org\" may not hold an asterisk: write "
     "\"example.org\", the domains below it are included\n"
     "text:1: dmarc.ignore-domains: \"a..b\" is no domain name such as example.org\n"},
    {"dmarc = { ignore-domains = [ \"@a.example\", \"u@a.example\", \"a/b\", \"*\", \"mx*.a\",\n"
     "\"https://u@a.example:8/x\", \"http://\" ]; };",
     "text:1: dmarc.ignore-domains: \"@a.example\" is no domain: write \"a.example\"\n"
     "text:1: dmarc.ignore-domains: \"u@a.example\" is an address: write \"a.example\"\n"
     "text:1: dmarc.ignore-domains: \"a/b\" is no domain name such as example.org\n"
     "text:1: dmarc.ignore-domains: \"*\" may not hold an asterisk: write \"example.org\"\n"
     "text:1: dmarc.ignore-domains: \"mx*.a\" may not hold an asterisk: name the domain itself\n"
     "text:2: dmarc.ignore-domains: \"https://u@a.example:8/x\" is a URL: write \"a.example\"\n"
     "text:2: dmarc.ignore-domains: \"http://\" is a URL: write \"example.org\"\n"},
    {"listen = \"8892\";",
     "text:1: listen: \"8892\" is no socket address; allowed are inet:8892@127.0.0.1, "
     "inet6:8892@[::1], inet:127.0.0.1:8892 and unix:/run/assay/assay.sock\n"},
    {"dns = { servers = [ \"ns.example\", \"127.0.0.1@x\" ]; };",
     "text:1: dns.servers: \"ns.example\" is no resolver such as 127.0.0.1, 127.0.0.1@53, [::1]:53 "
     "or fe80::1%eth0\n"
     "text:1: dns.servers: \"127.0.0.1@x\" is no resolver such as 127.0.0.1, 127.0.0.1@53, "
     "[::1]:53 or fe80::1%eth0\n"},
    {"state-dir = \"var\";", "text:1: state-dir: \"var\" is no absolute path\n"},
    {"oversign-headers = [ \"From\", \"a;b\" ];",
     "text:1: oversign-headers: \"a;b\" is never signed: it has a semicolon, which ends the list "
     "of "
     "signed fields (RFC 6376 3.2)\n"},
    {"sign-headers = [ \"To\", \"Received\", \"a:b\" ];",
     "text:1: sign-headers: \"received\" is never signed: it is added by every MTA on the way (RFC "
     "5321 4.4)\n"
     "text:1: sign-headers: \"a:b\" is no name of a header field\n"
     "text:1: sign-headers: From is missing, and must be signed (RFC 6376 5.4)\n"},
    /* Rules between options */
    {"dns = { deadline = \"3s\";\n early-wait = \"4s\"; };",
     "text:2: dns.early-wait: is longer than dns.deadline, of which it is a part\n"},
    {"limits = { message-memory = \"1M\";\n memory = \"1535K\"; };",
     "text:2: limits.memory: has to be at least limits.message-memory and limits.dns-memory "
     "together, or one large message is too much\n"},
    {"limits = { dns-memory = \"4K\";\n message-memory = \"1G\"; };",
     "text:2: limits.memory: has to be at least limits.message-memory and limits.dns-memory "
     "together, or one large message is too much\n"},
    {"key-table = \"/etc/opendkim/KeyTable\";",
     "text:1: key-table: is of no use without signing-table\n"},
    {"dmarc = { public-suffix-list = \"/usr/share/publicsuffix/public_suffix_list.dat\"; };",
     "text:1: dmarc.public-suffix-list: is of no use without dmarc.discovery = \"psl\"\n"},
    {"dmarc = { discovery = \"psl\";\n public-suffix-list = \"/nonexistent/list\"; };",
     "text:2: dmarc.public-suffix-list: \"/nonexistent/list\" is of no use: No such file or "
     "directory\n"},
    {"dmarc = { discovery = \"psl\";\n public-suffix-list = \"/etc/passwd\"; };",
     "text:2: dmarc.public-suffix-list: \"/etc/passwd\" is of no use: it is no public suffix list: "
     "com is missing\n"},
    {"dmarc = {\n on-mailing-list = \"tag\"; };",
     "text:2: dmarc.on-mailing-list: holds for the mailing lists that dmarc.mailing-lists names, "
     "which is missing: name the domains of lists that you trust, as in [ \"lists.example.org\" "
     "]\n"},
    {"dmarc = {\n mailing-lists = [ \"lists.example.org\" ]; };",
     "text:2: dmarc.mailing-lists: is of no use without dmarc.on-mailing-list milder than "
     "\"reject\"\n"},
    {"signing-table = \"/etc/opendkim/SigningTable\";",
     "text:1: signing-table: is of no use without key-table\n"},
    {"key-table = \"k\"; signing-table = \"ldap://x/\";",
     "text:1: key-table: \"k\" is not allowed: allowed are /path, file:/path and refile:/path\n"
     "text:1: signing-table: \"ldap://x/\" is not allowed: allowed are /path, file:/path and "
     "refile:/path\n"},
    /* signing */
    {"signing = ( { } );",
     "text:1: signing: domain is missing\n"
     "text:1: signing: an entry needs at least one key, as in { domain = \"example.org\"; keys = ( "
     "{ selector = \"s1\"; file = \"/path/s1.pem\"; } ); }\n"},
    {"signing = ( { domain = \"a b\"; subdomains = 1; key = 2;\n keys = ( 5, { selector = \"_ "
     "x\";\n"
     "file = \"k.pem\"; } ); } );",
     "text:1: signing: unknown option key; allowed here are domain, subdomains, senders, keys, "
     "directory, header-canonicalization, body-canonicalization, lifetime, sign-headers, "
     "oversign-headers\n"
     "text:1: signing: domain: \"a b\" is no domain name such as example.org\n"
     "text:1: signing: subdomains: wanted is true or false, not a number\n"
     "text:2: signing: keys: wanted is { selector = \"...\"; file = \"...\"; }, not a number\n"
     "text:2: signing: selector: \"_ x\" is no selector: letters, digits and hyphens, such as "
     "\"s2026\"\n"
     "text:3: signing: file: \"k.pem\" is no absolute path: write the whole path of the PEM "
     "file\n"},
    /* What would never sign. */
    {"signing = ( { domain = \"*.a.example\"; " KEY " }, { domain = \"@a.example\"; " KEY " },\n"
     "{ domain = \"u@a.example\"; " KEY " }, { domain = \"https://a.example/\"; " KEY " },\n"
     "{ domain = \"192.0.2.1\"; " KEY " }, { domain = \"*\"; " KEY " },\n"
     "{ domain = \"a.example\"; keys = { selector = \"s._domainkey\"; file = \"/k\"; }; },\n"
     "{ domain = \"b.example\"; keys = { selector = \"S._domainkey.b.example.\"; file = \"/k\"; }; "
     "},\n"
     "{ domain = \"c.example\"; keys = { selector = \"_domainkey\"; file = \"/k\"; }; },\n"
     "{ domain = \"d.example\"; senders = [ \"ann@d.example,\", \"*@*/d.example\" ]; " KEY " } );",
     "text:1: signing: domain: \"*.a.example\" may not hold an asterisk: write \"a.example\" and "
     "subdomains = true, for the domains below it\n"
     "text:1: signing: domain: \"@a.example\" is no domain: write \"a.example\"\n"
     "text:2: signing: domain: \"u@a.example\" is an address: write \"a.example\" and senders = [ "
     "\"u@a.example\" ]\n"
     "text:2: signing: domain: \"https://a.example/\" is a URL: write \"a.example\"\n"
     "text:3: signing: domain: \"192.0.2.1\" is an IP address: wanted is a domain name such as "
     "example.org\n"
     "text:3: signing: domain: \"*\" may not hold an asterisk: write \"example.org\" and "
     "subdomains "
     "= true, for the domains below it\n"
     "text:4: signing: selector: \"s._domainkey\" is the name of a record: the selector is what "
     "stands before \"._domainkey\", such as \"s\"\n"
     "text:5: signing: selector: \"S._domainkey.b.example.\" is the name of a record: the selector "
     "is what stands before \"._domainkey\", such as \"s\"\n"
     "text:6: signing: selector: \"_domainkey\" is the name of a record: the selector is what "
     "stands before \"._domainkey\", such as \"s2026\"\n"
     "text:7: signing: senders: \"ann@d.example,\" has no domain name behind its @\n"
     "text:7: signing: senders: \"*@*/d.example\" has no domain name behind its @\n"},
    {"signing = ( { domain = \"a.example\"; keys = ( { selector = \"s\"; file = \"/a\"; },\n"
     "{ selector = \"S\"; file = \"/b\"; } ); },\n"
     "{ domain = \"A.example\"; keys = ( { selector = \"s\"; file = 5; } ); }, 7 );",
     "text:2: signing: selector: \"s\" stands twice for a.example\n"
     "text:3: signing: file: wanted is text in quotes, not a number\n"
     "text:3: signing: wanted is { domain = \"example.org\"; keys = ( { selector = \"s1\"; file = "
     "\"/path/s1.pem\"; } ); }, not a number\n"
     "text:3: signing: a.example has an entry already, at text:1: put all its keys there, or say "
     "which senders this one is for\n"},
    {"signing = ( { domain = \"a.example\"; " KEY
     " senders = [ \"a@a.example\", \"A@A.example\" ]; "
     "},\n{ domain = \"a.example\"; " KEY " senders = \"a@a.example\"; },\n"
     "{ domain = \"b.example\"; " KEY " senders = [ ]; },\n"
     "{ domain = \"b.example\"; " KEY
     " senders = [ \"b.example\", \"x@\", \"x@a.example\", \"x@bb.example\" ]; },\n"
     "{ domain = \"c.example\"; " KEY " senders = 5; } );",
     "text:3: signing: senders: is empty: leave it out for all of the domain\n"
     "text:4: signing: senders: \"b.example\" has no @: wanted is an address, @example.org for all "
     "of a domain, or a pattern\n"
     "text:4: signing: senders: \"x@\" has no domain name behind its @\n"
     "text:4: signing: senders: \"x@a.example\" is not of the entry's domain\n"
     "text:4: signing: senders: \"x@bb.example\" is not of the entry's domain\n"
     "text:5: signing: senders: wanted is [ \"ann@example.org\" ], not a number\n"
     "text:1: signing: senders: a@a.example stands in the entry at text:1 already\n"
     "text:2: signing: senders: a@a.example stands in the entry at text:1 already\n"},
    {"signing = ( { domain = \"a.example\"; " KEY " lifetime = \"1y\";\n"
     "header-canonicalization = \"nice\"; body-canonicalization = 7; },\n"
     "{ domain = \"b.example\"; " KEY "\n"
     "sign-headers = [ \"From\", \"Bcc\", \"Content-Length\" ];\n"
     "oversign-headers = [ \"Return-Path\", \"DKIM-Signature\" ]; },\n"
     "{ domain = \"c.example\"; " KEY " sign-headers = [ ]; } );",
     "text:2: header-canonicalization: \"nice\" is not allowed here: the words are simple, "
     "relaxed\n"
     "text:2: body-canonicalization: wanted is one of these words in quotes: simple, relaxed, not "
     "a "
     "number\n"
     "text:1: signature-lifetime: \"1y\" is no duration such as \"5s\" (units ms, s, m, h, d)\n"
     "text:4: sign-headers: \"bcc\" is never signed: it is removed before others see the message "
     "(RFC 5322 3.6.3)\n"
     "text:4: sign-headers: \"content-length\" is never signed: it is counted anew wherever the "
     "message is stored\n"
     "text:5: oversign-headers: \"return-path\" is never signed: it is written anew on delivery "
     "(RFC 5321 4.4)\n"
     "text:5: oversign-headers: \"dkim-signature\" is never signed: it is added on the way, and in "
     "any order (RFC 6376 4.2)\n"
     "text:6: sign-headers: From is missing, and must be signed (RFC 6376 5.4)\n"},
    {"on-sender-mismatch = \"reject\";",
     "text:1: on-sender-mismatch: is of no use without senders-must-match\n"},
    {"\nsenders-must-match = \"/nonexistent/map\";",
     "text:2: senders-must-match: cannot read /nonexistent/map: No such file or directory\n"},
    {"senders-must-match = \"map\";", "text:1: senders-must-match: \"map\" is no absolute path\n"},
    {"signing = ( { domain = \"a.example\"; directory = \"/d/\";\n"
     "keys = ( { selector = \"s\"; file = \"/a\"; } ); },\n"
     "{ domain = \"b.example\"; directory = \"/d\"; },\n"
     "{ domain = \"c.example\"; directory = \"d\"; },\n"
     "{ domain = \"d.example\"; directory = 5; } );",
     "text:2: signing: keys: not beside directory, which names keys too\n"
     "text:4: signing: directory: \"d\" is no absolute path: write the whole path of the "
     "directory\n"
     "text:5: signing: directory: wanted is text in quotes, not a number\n"
     "text:3: signing: directory: /d is that of the entry at text:1 already: each "
     "needs its own\n"},
    /* Syntax */
    {"listen \"x\";", "text:1: syntax error, here or just before: look for a missing quote, brace, "
                      "comma or semicolon\n"},
    {"user = \"assay;\nmode = \"shadow\";", "text:1: a text has no closing quote on this line\n"},
    {"mode = \"shadow\";\n/* open\n\n", "text:2: the comment that begins here with /* has no end: "
                                        "*/ is missing\n"},
    {"@include 'x'", "text:1: @include wants a path in quotes, and nothing else on its line\n"},
    {"mode = \"enforce\"\n  @include \"/nonexistent/x\"\nlisen = 1;",
     "text:2: cannot read /nonexistent/x: No such file or directory\n"
     "text:3: unknown option lisen; is listen meant?\n"},
};

static void test_complaints(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        conf_problems_init(&problems, arena);
        struct conf *conf = conf_parse(str_of(bad[i].text), &problems);
        if (conf || !str_eq(complaints(), str_of(bad[i].want)))
            print_error("for: %s\n", bad[i].text);
        assert_null(conf);
        assert_str(complaints(), bad[i].want);
    }
}

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
               "bad.conf:2: cannot look for loop/*.conf: Too many levels of symbolic links\n");
}

/* The dump of a configuration loads, and dumps the same. */
static void round_trip(const char *text)
{
    struct conf *first = parse(text);
    struct str dump = conf_show(first, arena, 0);
    struct conf *second = parse(dump.p);
    struct str again = conf_show(second, arena, 0);
    assert_str(again, dump.p);
    struct conf *third = parse(conf_show(first, arena, CONF_SHOWN_PLACES).p);
    assert_true(str_eq(first->user, second->user) && str_eq(first->user, third->user));
    conf_free(first);
    conf_free(second);
    conf_free(third);
}

/* "{}" is the test's directory. */
static const char *in_directory(const char *text)
{
    struct strbuf b;
    sb_init(&b, arena);
    for (struct str rest = str_of(text); rest.n;) {
        bool here = str_starts(rest, STR("{}"));
        sb_add(&b, here ? str_of(directory) : str_sub(rest, 0, 1));
        rest = str_sub(rest, here ? 2 : 1, rest.n);
    }
    return sb_str(&b).p;
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
        cmocka_unit_test(test_fields),
        cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shares, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signing_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_complaints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_include, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_include_complaints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_list_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds_of_list_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mailing_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_domains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_host_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_option_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_entries_are_fast, setup, teardown),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
