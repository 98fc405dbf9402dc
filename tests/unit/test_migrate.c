/* test_migrate.c - configurations of other filters to assay.conf. What whole files give stands in
 * tests/cli/migrate.session. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "migrate/migrate.h"

static struct arena *arena;
static char folder[] = "/tmp/assay-migrate-XXXXXX";

static int setup(void **state)
{
    (void)state;
    arena = arena_new(0);
    log_set_level(LOG_LEVEL_ERROR);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = str_cstr(arena, str_printf(arena, "%s/%s", folder, name));
    unlink(path); /* ext4 waits for the disk when a file is cut and written again */
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

/* The configuration that comes out, which has to be one. */
static struct str migrate(const char *kind, const char *text, struct migration **out)
{
    struct conf_problems problems;
    struct str problem = STR_NONE;
    struct migration *m = migration_new(arena);
    if (!migration_read(m, write_file("file", text), kind, &problem))
        fail_msg("%.*s", STR_ARG(problem));
    migration_finish(m);
    struct str conf = migration_conf(m);
    conf_problems_init(&problems, arena);
    struct conf *parsed = conf_parse(conf, &problems);
    if (!parsed)
        fail_msg("%.*s\n%.*s", STR_ARG(conf), STR_ARG(problems.v[0]));
    conf_free(parsed);
    if (out)
        *out = m;
    return conf;
}

static bool has(struct str text, const char *part)
{
    return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

static void want_in(struct str text, const char *part)
{
    if (!has(text, part))
        fail_msg("not there: %s\n%.*s", part, STR_ARG(text));
}

/* Every setting that is known, with values of all sorts: a configuration comes out, and a line of
 * the account for each. */
static void test_every_option(void **state)
{
    (void)state;
    static const char *const values[] = {
        "yes",
        "no",
        "0",
        "5",
        "300",
        "a.example",
        "192.0.2.0/24",
        "/nowhere/at/all",
        "\"x\"",
        "*,+From",
        "local:/run/x",
        "file:/nowhere",
        "-1",
        "99999999999999999999",
        "a:b:c",
        "%",
    };
    for (size_t k = 0; k < migrate_kinds(); k++) {
        struct migrate_kind_view kind = migrate_kind_at(k);
        for (size_t i = 0; i < kind.n; i++) {
            struct migrate_option_view o = migrate_option_at(k, i);
            assert_true(*o.to || *o.note || o.fate == MIGRATE_CARRIED ||
                        o.fate == MIGRATE_CHANGED || o.fate == MIGRATE_LEFT);
            for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
                struct migration *m;
                bool option = strcmp(kind.name, "postgrey") == 0 && o.name[0] != 'P';
                bool words = strncmp(kind.name, "policyd", 7) && strncmp(kind.name, "tum", 3) &&
                             strncmp(kind.name, "post", 4) && strcmp(kind.name, "sqlgrey");
                struct str text =
                    option ? str_printf(arena, "O=\"--%s=%s\"\n", o.name, values[v])
                           : str_printf(arena, "%s%s%s\n", o.name, words ? " " : "=", values[v]);
                migrate(kind.name, str_cstr(arena, text), &m);
                struct str account = migration_account(m);
                if (!has(account, o.name))
                    fail_msg("%s: nothing is said of %.*s", kind.name, STR_ARG(text));
            }
        }
        arena_reset(arena);
    }
}

/* The options that a row names are options. */
static void test_rows_name_options(void **state)
{
    (void)state;
    size_t n;
    const struct conf_option_row *rows = conf_option_rows(arena, &n);
    for (size_t k = 0; k < migrate_kinds(); k++)
        for (size_t i = 0; i < migrate_kind_at(k).n; i++) {
            struct str names = str_of(migrate_option_at(k, i).to), name;
            while (str_split(&names, ',', &name)) {
                name = str_trim(name);
                bool found =
                    !name.n || str_eq(name, STR("signing")) || str_eq(name, STR("dnsbl.lists"));
                for (size_t r = 0; r < n; r++)
                    found = found || str_eq(name, str_of(rows[r].name));
                if (!found)
                    fail_msg("%s is no option", str_cstr(arena, name));
            }
        }
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text, *want; /* NULL: not known */
    } cases[] = {
        {"a", "KeyTable /k\nSocket inet:1@x\n", "opendkim.conf"},
        {"b", "RejectFailures true\nSocket inet:1@x\n", "opendmarc.conf"},
        {"c", "HELO_reject = Fail\n", "policyd-spf.conf"},
        {"d", "RefuseFail on\nWhitelistIP 10.0.0.0/8\n", "smf-spf.conf"},
        {"e", "POSTGREY_OPTS=\"--inet=10023\"\n", "postgrey"},
        {"f", "ExecStart=/usr/sbin/postgrey -i 10023 --delay 60\n", "postgrey"},
        {"opendkim", "SOCKET=local:/x\nDAEMON_OPTS=\"-vvv\"\n", NULL},
        {"g", "SRS_SECRET=/x\n", "postsrsd 1"},
        {"h", "domains = { \"a.example\" }\nsecrets-file = \"/x\"\n", "postsrsd 2"},
        {"i", "GREYLISTTIME = 60\n", "tumgreyspf"},
        {"i2", "conf_dir = /x\nuser = x\n", "read as sqlgrey.conf"},
        {"sqlgrey.conf", "# nothing\n", "read as sqlgrey.conf"},
        {"clients_fqdn_whitelist.local", "a.example\n", "sqlgrey's clients_fqdn_whitelist"},
        {"clients_ip_whitelist", "192.0.2\n", "sqlgrey's clients_ip_whitelist"},
        {"j", "KeyList /x\nX-Header yes\n", "dkim-filter.conf"},
        {"k", "n example.org:s:/k\n", "KeyTable"},
        {"opendkim.conf", "Socket local:/x\nSyslog yes\n", "opendkim.conf"},
        {"opendmarc.conf", "Socket local:/x\nSyslog yes\n", "opendmarc.conf"},
        {"opendkim.conf", "RejectFailures true\nSocket local:/x\n", "opendmarc.conf"},
        {"opendkim.conf", "# nothing\n", "opendkim.conf"},
        {"openarc.conf",
         "Domain a.example\nSelector s\nKeyFile /k\nSocket local:/x\nMilterDebug 6\n"
         "NewSetting yes\nOtherNewSetting yes\n",
         "read as openarc.conf"},
        {"openarc.conf", "Domain a.example\nSelector s\nKeyFile /k\nMinimumKeyBits 1024\n",
         "read as openarc.conf"},
        {"TrustedHosts", "127.0.0.1\nexample.org\n", "TrustedHosts"},
        {"l", "Socket local:/x\nSyslog yes\n", NULL},
        {"m", "127.0.0.1\n", NULL},
        {"n", "", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str problem = STR_NONE;
        struct migration *m = migration_new(arena);
        const char *path = write_file(cases[i].file, cases[i].text);
        bool read = migration_read(m, path, NULL, &problem);
        unlink(path);
        if (read != (cases[i].want != NULL))
            fail_msg("%s: %.*s", cases[i].text, STR_ARG(problem));
        if (!read) {
            want_in(problem, "use --as KIND");
            continue;
        }
        migration_finish(m);
        want_in(migration_conf(m), cases[i].want);
    }
}

static void test_tables(void **state)
{
    (void)state;
    static const char keys[] = "a a.example:s:/k/a\nb b.example:s:/k/b\nany %:s:/k/any\n"
                               "sub sub.a.example:s:/k/sub\nup A.example:s:/k/a\n"
                               "c.example c.example:s:/k/c\na2 a.example:s2:/k/a2\n"
                               "a3 a.example:s3:/k/a3\ntop example:t:/k/top\n"
                               "a3 a.example:s4:/k/a4\n";
    const char *table = write_file("keys", keys);
    static const struct {
        const char *prefix, *rows;
        bool several;
        const char *want, *without;
    } cases[] = {
        {"refile:", "*@a.example a\n", false, "{ domain = \"a.example\";\n      keys",
         "subdomains"},
        {"", "a.example a\n.a.example a\n", false, "subdomains = true", "senders"},
        {"refile:", "*@*.a.example a\n", false, "senders = [ \"*@*.a.example\" ]", "subdomains"},
        {"refile:", "*@a.example a\n*@*.a.example a\n", false, "subdomains = true", "senders"},
        {"refile:", "*.a.example a\n", false, "senders = [ \"*@*.a.example\" ]", "key-table"},
        {"refile:", "*@A.Example up\n", false, "{ domain = \"a.example\"", "key-table"},
        {"refile:", "*@a.example a\n*@a.example any\n", false, "a.example.s.pem", "any"},
        {"refile:", "*@a.example a\n*@a.example any\n", true, "file", "key-table"},
        {"refile:", "*@b.example any\n", false, "{ domain = \"b.example\"", "key-table"},
        /* Another domain than the author's, all authors, and an order that matters: as it is. */
        {"refile:", "*@a.example b\n", false, "signing-table = \"refile:", "signing = ("},
        {"refile:", "* a\n", false, "signing-table = \"refile:", "signing = ("},
        /* The domain that signs is the author's own, and not the one that his lies below. */
        {"refile:", "*@*.a.example any\n", false, "signing-table = \"refile:", "signing = ("},
        {"refile:", "ann@*.a.example any\n", false, "signing-table = \"refile:", "signing = ("},
        {"", ".a.example any\n", false, "signing-table = ", "signing = ("},
        {"refile:", "*@*.c.example %\n", false, "signing-table = \"refile:", "signing = ("},
        {"refile:", "* %\n", false, "signing-table = \"refile:", "signing = ("},
        {"refile:", "*@c.example %\n", false, "{ domain = \"c.example\"", "key-table"},
        {"refile:", "*@*.a.example a\n*@x.sub.a.example sub\n", false, "key-table", "signing = ("},
        {"refile:", "*@x.sub.a.example sub\n*@*.a.example a\n", false, "signing = (", "key-table"},
        {"", ".a.example a\nx.sub.a.example sub\n", false, "signing = (", "key-table"},
        /* As many keys for the subdomains, but not the same ones. */
        {"refile:", "*@a.example a\n*@a.example any\n*@*.a.example a\n*@*.a.example sub\n", true,
         "", "subdomains"},
        /* Three keys sign; of two keys with one name the first. */
        {"refile:", "*@a.example a\n*@a.example a2\n*@A.example a3\n", true,
         "a.example.s.pem\"; },\n               { selector = \"s2\"; file = "
         "\"/etc/assay/keys/a.example.s2.pem\"; },\n               { selector = \"s3\";",
         "s4"},
        /* Another domain signs the same, and that for those below has the keys of its own. */
        {"refile:", "*@a.example a\n*@a.example top\n*@*.a.example a\n", true, "subdomains = true",
         "senders = [ \"*@*"},
        {"refile:", "*@*.a.example a\n*@*.a.example top\n*@x.a.example a\n", true, "key-table",
         "signing = ("},
        {"refile:", "*@*.a.example a\n*@*.a.example a2\n*@x.a.example a\n", true, "signing = (",
         "key-table"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *rows = write_file("rows", cases[i].rows);
        struct str text =
            str_printf(arena, "KeyTable %s\nSigningTable %s%s\n%s", table, cases[i].prefix, rows,
                       cases[i].several ? "MultipleSignatures yes\n" : "");
        struct str conf = migrate("opendkim", str_cstr(arena, text), NULL);
        want_in(conf, cases[i].want);
        if (has(conf, cases[i].without))
            fail_msg("case %zu: there is %s\n%.*s", i, cases[i].without, STR_ARG(conf));
    }
}

/* Tables that are kept take back no rule of another file, and leave none behind. */
static void test_tables_and_rules(void **state)
{
    (void)state;
    struct str problem;
    struct migration *m = migration_new(arena);
    const char *keys = write_file("keys", "a a.example:s2:/k/a2\nb a.example:s1:/k/a1\n");
    const char *rows = write_file("rows", "*@a.example a\n*@*.a.example b\n* a\n");
    struct str tables = str_printf(arena, "KeyTable %s\nSigningTable refile:%s\n", keys, rows);
    assert_true(migration_read(
        m, write_file("one", "Domain a.example\nSelector s1\nKeyFile /k/a1\nMode s\n"), "opendkim",
        &problem));
    assert_true(
        migration_read(m, write_file("two", str_cstr(arena, tables)), "opendkim", &problem));
    migration_finish(m);
    want_in(migration_conf(m), "key-table = ");
    want_in(migration_conf(m), "signing = (\n    { domain = \"a.example\";\n"
                               "      keys = ( { selector = \"s1\"; file = "
                               "\"/etc/assay/keys/a.example.s1.pem\"; } ); }\n);");
}

/* The list of dkim-filter: its order counts, and there are no tables to fall back on. */
static void test_key_list(void **state)
{
    (void)state;
    static const struct {
        const char *list, *want, *without;
    } cases[] = {
        {"*@a.example:a.example:/k/s1\n", "selector = \"s1\"", "senders"},
        {"ann@a.example:a.example:/k/s1\n*@a.example:a.example:/k/s2\n", "\"ann@a.example\"", "%"},
        {"*@a.example:a.example:/k/s1\n*@a.example:a.example:/k/s2\n", "s1", "s2"},
        {"*@*.a.example:a.example:/k/s1\n*@x.sub.a.example:sub.a.example:/k/s2\n", "listen",
         "signing ="},
        {"*@x.sub.a.example:sub.a.example:/k/s2\n*@*.a.example:a.example:/k/s1\n",
         "signing =", "%"},
        {"*@b.example:a.example:/k/s1\n", "listen", "signing ="},
        {"*:a.example:/k/s1\n", "listen", "signing ="},
        {"*@a.example:a.example\nnonsense\n", "listen", "signing ="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *list = write_file("rows", cases[i].list);
        struct str conf =
            migrate("dkim-filter", str_cstr(arena, str_printf(arena, "KeyList %s\n", list)), NULL);
        want_in(conf, cases[i].want);
        if (has(conf, cases[i].without))
            fail_msg("case %zu: there is %s\n%.*s", i, cases[i].without, STR_ARG(conf));
    }
}

static void test_networks(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"10.1.2.3/8", "\"10.0.0.0/8\""},
        {"10.129.130.255/8", "\"10.0.0.0/8\""},
        {"10.129.130.255/17", "\"10.129.128.0/17\""},
        {"192.0.2.0/255.255.255.0", "\"192.0.2.0/24\""},
        {"[2001:db8::1]", "\"2001:db8::1\""},
        {"2001:db8::1/32", "\"2001:db8::/32\""},
        {"::ffff:192.0.2.0/120", "\"192.0.2.0/24\""},
        {"10.0.0.0/8,!10.1.0.0/16,10.1.2.3", "[ \"10.1.2.3\", \"!10.1.0.0/16\", \"10.0.0.0/8\" ]"},
        {"10.0.0.0/8,!10.0.0.0/8,10.1.2.3", "[ \"10.1.2.3\", \"!10.0.0.0/8\", \"10.0.0.0/8\" ]"},
        {"192.0.2.1,192.0.2.0/24", "[ \"192.0.2.1\", \"192.0.2.0/24\" ]"},
    };
    static const char *const none[] = {
        "!10.0.0.0/8",         "example.org",       "1.2.3", "1.2.3.4/33", "::1/129",
        "1.2.3.4/255.0.255.0", "::ffff:1.2.3.4/24", ""};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        want_in(migrate("dkim-filter",
                        str_cstr(arena, str_printf(arena, "InternalHosts %s\n", cases[i].text)),
                        NULL),
                cases[i].want);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(
            has(migrate("opendkim",
                        str_cstr(arena, str_printf(arena, "InternalHosts %s\n", none[i])), NULL),
                "trusted-networks"));
}

/* An exception holds for the networks of all settings of the list; without any it is left out. */
static void test_exceptions(void **state)
{
    (void)state;
    static const struct {
        const char *text, *conf, *account;
    } cases[] = {
        {"WhitelistIP 10.0.0.0/8\nWhitelistIP !10.1.0.0/16\n",
         "[ \"!10.1.0.0/16\", \"10.0.0.0/8\" ]", ""},
        {"WhitelistIP !10.1.0.0/16\nWhitelistIP 10.0.0.0/8\n", "[ \"10.0.0.0/8\" ]",
         "spf.skip-networks has no network that these are exceptions of: !10.1.0.0/16"},
        {"WhitelistIP 127.0.0.1,!10.1.0.0/16\n", "listen", "these are exceptions of: !10.1.0.0/16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct migration *m;
        want_in(migrate("smf-spf", cases[i].text, &m), cases[i].conf);
        want_in(migration_account(m), cases[i].account);
    }
}

/* OpenDKIM compares networks as texts, so that it trusts nobody because of 192.168.0.1/24, and all
 * of 192.0.2.* in one kind of file. */
static void test_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *text, *conf, *without, *account;
    } cases[] = {
        {"", "192.168.0.1/24\n192.0.2.1\n", "[ \"192.0.2.1\" ]", "192.168", "192.168.0.1/24\n"},
        {"", "192.0.2.0/255.255.255.0\n", "listen", "trusted-networks", "no client matches these"},
        {"", "!10.9.8.7/16\n10.0.0.0/8\n", "[ \"!10.9.0.0/16\", \"10.0.0.0/8\" ]", "%", ""},
        {"refile:", "192.0.2.*\n10.*\n", "[ \"192.0.2.0/24\", \"10.0.0.0/8\" ]", "%", ""},
        {"refile:", "*.a.example\n*\n1*.2.*\n", "listen", "trusted-networks", "*.a.example, *,"},
        {"file:", "192.0.2.*\n", "listen", "trusted-networks", "192.0.2.*"},
        {"file:", "192.0.2.1 mx.a.example\n", "[ \"192.0.2.1\" ]", "%", ""},
        {"", "# nobody\n", "listen", "trusted-networks", "trusted-networks: the list is empty"},
        {"", "0.0.0.0/0\n", "\"0.0.0.0/0\"", "%", "every client is"},
        {"", "!0.0.0.0/0\n::/0\n", "\"::/0\"", "%", "every client is"},
        {"", "!0.0.0.0/0\n192.0.2.1\n", "\"192.0.2.1\"", "%", "trusted-networks: 2\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct migration *m;
        write_file("rows", cases[i].text);
        struct str conf = migrate("opendkim",
                                  str_cstr(arena, str_printf(arena, "InternalHosts %s%s/rows\n",
                                                             cases[i].prefix, folder)),
                                  &m);
        want_in(conf, cases[i].conf);
        want_in(migration_account(m), cases[i].account);
        if (has(conf, cases[i].without))
            fail_msg("case %zu: there is %s", i, cases[i].without);
    }
}

/* Of a folder of tumgreyspf the file of settings is read, and without it that for everybody. */
static void test_folder(void **state)
{
    (void)state;
    static const char *const delays[] = {"delay = \"60s\"", "delay = \"77s\""};
    const char *settings = write_file("tumgreyspf.conf", "GREYLISTTIME = 60\n");
    write_file("__default__", "GREYLISTTIME = 77\n");
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        struct str problem;
        struct migration *m = migration_new(arena);
        assert_true(migration_read(m, folder, "tumgreyspf", &problem));
        migration_finish(m);
        want_in(migration_conf(m), delays[i]);
        unlink(settings);
    }
}

/* What single settings give: in the configuration, and in the account. */
static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *text, *conf, *account; /* "": not looked at */
    } cases[] = {
        {"opendkim", "MacroList {daemon_name}|MSA|SUB,auth_type\n",
         "submission-daemons = [ \"MSA\", \"SUB\" ]", "submission-daemons-trusted"},
        {"whitelist-clients", "a.example\nb.example\nA.example\n",
         "domains = [ \"a.example\", \"b.example\" ]", ""},
        {"sqlgrey", "reconnect_delay = 15\n", "delay = \"15m\"", "greylist.delay = 15m\n"},
        {"sqlgrey", "reconnect_delay = 0\n", "", "greylist.mode stays off"},
        {"sqlgrey", "reconnect_delay = 61\n", "", "allowed is 1s to 1h; greylist.mode stays"},
        {"sqlgrey", "max_connect_age = 2\n", "window = \"2h\"", "5m; 30s is enough"},
        {"sqlgrey", "max_connect_age = 1000\n", "", "greylist.window: "},
        {"sqlgrey", "awl_age = 32\n", "lifetime = \"32d\"", ""},
        {"sqlgrey", "", "lifetime = \"60d\"", "greylist.ipv4-prefix = 24 for all clients"},
        {"sqlgrey", "greymethod = full\n", "ipv4-prefix = 32;", ""},
        {"sqlgrey", "greymethod = full\n", "ipv6-prefix = 128;", ""},
        {"sqlgrey", "greymethod = classc\n", "", "ipv4-prefix = 24, the default"},
        {"sqlgrey", "greymethod = fine\n", "", "sqlgrey knows full, classc and smart"},
        {"sqlgrey", "optmethod = none\n", "", "all recipients are greylisted"},
        {"sqlgrey", "optmethod = optin\n", "", "greylisting is for all recipients"},
        {"sqlgrey", "optmethod = optout\n", "", "with an @ before each"},
        {"sqlgrey", "reject_code = dunno\n", "mode = \"enforce\"", "451 4.7.1 at DATA"},
        {"sqlgrey", "reject_code = dunno\nreject_first_attempt = delay\n", "mode = \"enforce\"",
         ""},
        {"sqlgrey", "reject_code = 450\nreject_first_attempt = immed\n", "mode = \"enforce\"", ""},
        {"sqlgrey", "reject_code = dunno\nreject_first_attempt = immed\n", "mode = \"shadow\"",
         "greylist.mode = shadow"},
        {"sqlgrey", "reject_code = dunno\nreject_first_attempt = immed\nreconnect_delay = 0\n", "",
         "451 4.7.1 at DATA"},
        {"opendkim", "MacroList daemon_name=MSA\n", "submission-daemons = [ \"MSA\" ]", ""},
        {"opendkim", "MacroList i,auth_author\n", "", "other macros do not make mail ours"},
        {"opendkim", "MacroList auth_type\n", "", "is always ours"},
        {"opendkim", "MTA MSA,SUB\n", "submission-daemons = [ \"MSA\", \"SUB\" ]", ""},
        {"opendkim", "MaximumHeaders 0\n", "", "limits.header-bytes stays"},
        {"opendkim", "MaximumHeaders 131072\n", "header-bytes = \"131072\"", ""},
        {"opendkim", "MinimumKeyBits 1024\n", "min-key-bits = 1024", "dkim.min-key-bits = 1024"},
        {"opendkim", "MinimumKeyBits 1023\n", "", "is the least (RFC 8301)"},
        {"opendkim", "DNSTimeout 0\n", "", "stays at 5s"},
        {"opendkim", "DNSTimeout 9\n", "timeout = \"9s\"", ""},
        {"opendkim", "Mode s\nDomain a.example\nSelector s\nKeyFile /k\n", "signing = (",
         "assay verifies mail from outside, too"},
        {"opendkim", "Mode v\nDomain a.example\nSelector s\nKeyFile /k\n", "",
         "the mode does not sign"},
        {"opendkim", "Domain a.example\nSelector s\n", "", "Selector and KeyFile beside Domain"},
        {"opendkim", "KeyFile /k\n", "", "signing needs Domain"},
        {"opendkim", "KeyTable /k\n", "", "signing needs both"},
        {"opendkim", "Mode v\nSigningTable /k\n", "", "the mode does not sign"},
        {"opendkim", "Domain a.example\nSelector s\nKeyFile k/x\nBaseDirectory /base\n",
         "a.example.s.pem", "/base/k/x"},
        {"opendkim", "Domain a.example,b.example\nSelector S1\nKeyFile /k\nSubDomains yes\n",
         "subdomains = true", "a.example.s1.pem"},
        {"opendkim", "Canonicalization relaxed\n", "body-canonicalization = \"simple\"", ""},
        {"opendkim", "SignatureAlgorithm rsa-sha1\n", "", "rsa-sha256 signs"},
        {"opendkim", "OversignHeaders Subject\n", "[ \"Subject\", \"From\" ]", ""},
        {"opendkim", "SignHeaders *,+Foo\n", "", "begins with the default"},
        {"opendkim", "InternalHosts dsn:mysql://x\n", "", "assay reads only text files"},
        {"opendkim", "InternalHosts csl:192.0.2.1,192.0.2.2\n", "[ \"192.0.2.1\", \"192.0.2.2\" ]",
         ""},
        {"opendkim", "MultipleSignatures yes\n", "", "and those of other patterns"},
        {"opendkim", "MultipleSignatures no\n", "", "0 changed"},
        {"opendkim", "ADSPAction discard\n", "", "ADSP (RFC 5617) is historic"},
        {"opendkim", "X-Header yes\n", "", "no field with its name"},
        {"opendkim", "KeyTable dsn:mysql://x\nSigningTable dsn:mysql://x\n", "",
         "export them, with a KeyTable"},
        {"policyd-spf", "HELO_reject: Fail\nTestOnly\n", "", "HELO_reject: Fail, without an =\n"},
        {"postsrsd2",
         "srs-domain = a.example\ndomains-file = \"\"\noriginal-envelope = embedded\n"
         "milter = \"\"\nsecrets-file = /proc/self/stat\n",
         "domain = \"a.example\"", "0 not carried over"},
        {"postsrsd2", "srs-domain = a.example\nsecrets-file = /nowhere/at/all\n",
         "secrets = \"/etc/assay/srs.secrets\"", "so that its command fails: No such file"},
        {"postsrsd2", "srs-domain = a.example\noriginal-envelope = database\n", "",
         "addresses contain the sender"},
        {"opendkim", "SignHeaders \"From,To , Subject\"\n", "[ \"From\", \"To\", \"Subject\" ]",
         ""},
        {"postsrsd2", "domains = { 'a.example', \"b.example\" }\n",
         "[ \"a.example\", \"b.example\" ]", "local-domains: 2"},
        {"opendkim", "InternalHosts 127.0.0.1\n", "[ \"127.0.0.1\", \"::1\" ]", "by IPv6"},
        {"opendkim", "InternalHosts 127.0.0.1,2001:db8::/32\n", "\"2001:db8::/32\" ]", ""},
        {"opendkim", "PeerList 127.0.0.1\n", "", "needs no entry for it"},
        {"opendkim", "LogWhy no\nDiagnostics no\n", "", "it was off"},
        {"opendkim", "LogWyh yes\n", "", "\"LogWhy\" is meant?"},
        {"opendmarc", "RejectFailures 1\n", "on-temperror = \"tempfail\"", ""},
        {"opendmarc", "Socket local:/x\n", "on-temperror = \"tag\"", ""},
        {"opendmarc", "RequiredHeaders true\n", "on-bad-from = \"reject\"", ""},
        {"policyd-spf", "Mail_From_reject = SPF_Not_Pass\n", "on-neutral = \"reject\"", ""},
        {"policyd-spf", "Mail_From_reject = False\n", "", "spf.on-fail stays tag"},
        {"policyd-spf", "Mail_From_reject = No_Check\n", "mode = \"off\"", ""},
        {"policyd-spf", "HELO_reject = No_Check\n", "",
         "assay checks HELO only in place of a null sender"},
        {"policyd-spf", "TestOnly = 0\n", "mode = \"shadow\"", ""},
        {"policyd-spf", "Header_Type = None\n", "received-spf = false", ""},
        {"policyd-spf", "Lookup_Time = 30\n", "deadline = \"30s\"", ""},
        {"smf-spf", "SoftFail on\nRefuseFail on\n", "on-fail = \"tempfail\"", ""},
        {"smf-spf", "RefuseFail off\n", "", "spf.on-fail stays tag"},
        {"smf-spf", "RefuseSPFNone on\n", "on-none = \"reject\"", ""},
        {"postgrey", "--delay=0\n", "", "without a delay there is no greylisting"},
        {"whitelist-recipients", "bob@\n", "recipients = [ \"bob@*\", \"bob+*@*\" ]",
         "exceptions.recipients: 1"},
        {"whitelist-recipients", "bob@a.example # me\n",
         "recipients = [ \"bob@a.example\", \"bob+*@a.example\" ]", "exceptions.recipients: 1"},
        {"whitelist-recipients", "a.example\n",
         "recipients = [ \"@a.example\", \"*@*.a.example\" ]", "exceptions.recipients: 1"},
        {"postgrey", "--delay=7200\n", "", "1h; greylist.mode"},
        {"postgrey",
         "EnvironmentFile=-/etc/default/postgrey\nExecStart=/usr/sbin/postgrey --delay=60\n",
         "delay = \"60s\"", "EnvironmentFile /etc/default/postgrey\n"},
        {"postgrey", "EnvironmentFile=/x\n", "", "read it in place of the unit"},
        {"policyd-spf", "Authserv_Id = HEADER\n", "", "a word of the sample file"},
        {"postgrey", "--retry-window 5\n", "window = \"5d\"", ""},
        {"postgrey", "-v --retry-window=5h -i 10023\n", "window = \"5h\"", "10023"},
        {"postgrey", "-h --retry-window=5h\n", "window = \"5h\"", ""},
        {"postgrey", "--lookup-by-subnet-and-something-longer x --retry-window=5h\n",
         "window = \"5h\"", "lookup-by-subnet-and-something-longer x\n"},
        {"postgrey", "--lookup-by-host\n", "ipv6-prefix = 128", ""},
        {"postgrey", "--ipv4cidr=/20\n", "ipv4-prefix = 20", ""},
        {"tumgreyspf", "CHECKERS = spf\nGREYLISTTIME = 60\n", "delay = \"60s\"", ""},
        {"tumgreyspf", "GREYLISTTIME = 60\nCHECKERS = greylist\n", "mode = \"enforce\"",
         "SPF is tagged"},
        {"tumgreyspf", "ignoreLastByte = 0\n", "ipv4-prefix = 32", ""},
        {"postsrsd1", "SRS_DOMAIN=.s.example\n", "domain = \"s.example\"", ""},
        {"postsrsd1", "export SRS_DOMAIN='s.example' # ours\n", "domain = \"s.example\"", ""},
        {"postsrsd1", "SRS_DOMAIN=s.example\nSRS_HASHLENGTH=2\n", "",
         "srs.hash-length: \"2\" is out of bounds"},
        {"postsrsd1", "SRS_HASHLENGTH=5\nRUN_AS=postsrsd\n", "", "user = assay, which has"},
        {"postsrsd1", "SRS_DOMAIN=s\\.example\n", "domain = \"s.example\"", ""},
        {"postsrsd1", "SRS_DOMAIN=s.\\\nexample\n", "domain = \"s.example\"", ""},
        {"opendkim", "InternalHosts db:/x\n", "", "assay reads only text files"},
        {"postsrsd2", "domains = { \"a.example\" }\n", "domain = \"a.example\"", ""},
        {"postsrsd2", "domains = { \"a.example\",\n \"b.example\" } # two\n", "\"b.example\"", ""},
        {"dkimproxy", "domain a.example\nkeyfile /k\nselector s\nmethod simple\n",
         "body-canonicalization = \"simple\"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct migration *m;
        struct str conf = migrate(cases[i].kind, cases[i].text, &m);
        want_in(conf, cases[i].conf);
        want_in(migration_account(m), cases[i].account);
    }
}

/* Runs the command of the account that writes a file, with another file to write to. */
static struct str output_of(struct str account, const char *target)
{
    struct str line, place = str_printf(arena, " > %s", target);
    while (str_split(&account, '\n', &line)) {
        if (!str_ends_nocase(line, place))
            continue;
        const char *out = write_file("out", "");
        struct str command =
            str_printf(arena, "%.*s > %s", STR_ARG(str_sub(line, 0, line.n - place.n)), out);
        assert_int_equal(system(str_cstr(arena, command)), 0);
        FILE *file = fopen(out, "r");
        char *text = arena_array(arena, char, 4096);
        size_t n = fread(text, 1, 4095, file);
        fclose(file);
        return (struct str){text, n};
    }
    fail_msg("no command writes %s", target);
    return STR_NONE;
}

/* Tables that are kept: their copies name the copies of the keys, whatever stands behind a path,
 * have no line that assay cannot read, and no two keys have the same copy. */
static void test_kept_tables(void **state)
{
    (void)state;
    const char *keys = write_file("keys", "# of all\n"
                                          "a a.example:Sel:/k/a.key \t # old\n"
                                          "b a.example:sel:./b+1\r\n"
                                          "any %:any:/k/any\n"
                                          "inside a.example:x:MIICXAIBAAKBgQ==\n");
    const char *rows = write_file("rows", "ann@a.example b\n*@a.example a\n*@b.example a\n"
                                          "b.example a # a domain\n*@c.example lost\n* any\n");
    struct migration *m;
    struct str text = str_printf(
        arena, "BaseDirectory /base\nKeyTable FILE:%s\nSigningTable refile:%s\n", keys, rows);
    migrate("opendkim", str_cstr(arena, text), &m);
    struct str account = migration_account(m);
    want_in(account, "/k/a.key /etc/assay/keys/a.example.sel.pem");
    want_in(account, "/base/./b+1 /etc/assay/keys/a.example.sel.2.pem");
    want_in(account, "/k/any /etc/assay/keys/any.any.pem");
    want_in(account, "these have no key file of their own: inside: write");
    want_in(account, "these name no key of KeyTable: *@c.example");
    want_in(account, "these match no author in OpenDKIM: b.example, because");
    migrate("opendkim", "KeyTable dsn+mysql://u:pass@h/d, MIIC:MIID\nSigningTable csl:a=b\n", &m);
    account = migration_account(m);
    want_in(account, "these have no key file of their own: dsn+mysql:***, MIIC:***: write");
    assert_null(strstr(str_cstr(arena, account), "pass"));
    migrate("opendkim", str_cstr(arena, text), &m);
    account = migration_account(m);
    assert_str(output_of(account, "/etc/assay/KeyTable"),
               "# of all\na a.example:Sel:/etc/assay/keys/a.example.sel.pem\n"
               "b a.example:sel:/etc/assay/keys/a.example.sel.2.pem\n"
               "any %:any:/etc/assay/keys/any.any.pem\n");
    assert_str(output_of(account, "/etc/assay/SigningTable"),
               "ann@a.example b\n*@a.example a\n*@b.example a\n* any\n");
    migrate("opendkim",
            "KeyTable csl:a=a.example:s:/k/a\nSigningTable csl:b.example=a\nSelector s\n", &m);
    want_in(migration_account(m), "write both tables into files");
    want_in(migration_account(m), "not used beside KeyTable");
}

/* Without MultipleSignatures only the first line of a pattern signs; in assay all of them do. */
static void test_kept_patterns(void **state)
{
    (void)state;
    const char *keys = write_file("keys", "a a.example:s:/k/a\nb b.example:s:/k/b\n");
    const char *rows = write_file("rows", "* b\n*@x.example a # now\n*@X.example b # later\n"
                                          "*@x.example a\n");
    static const char all[] = "* b\n*@x.example a # now\n*@X.example b # later\n*@x.example a\n";
    static const struct {
        const char *more, *want;
    } cases[] = {
        {"", "* b\n*@x.example a # now\n*@x.example a\n"},
        {"MultipleSignatures no\n", "* b\n*@x.example a # now\n*@x.example a\n"},
        {"MultipleSignatures yes\n", all},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct migration *m;
        struct str text =
            str_printf(arena, "KeyTable %s\nSigningTable refile:%s\n%s", keys, rows, cases[i].more);
        migrate("opendkim", str_cstr(arena, text), &m);
        struct str account = migration_account(m);
        bool copied = has(account, "/rows /etc/assay/SigningTable");
        assert_str(copied ? str_of(all) : output_of(account, "/etc/assay/SigningTable"),
                   cases[i].want);
        if (has(account, "without MultipleSignatures:\n               *@X.example\n") == copied)
            fail_msg("%s%.*s", cases[i].more, STR_ARG(account));
    }
}

static size_t count_of(struct str text, const char *part)
{
    size_t n = 0;
    for (const char *p = str_cstr(arena, text); (p = strstr(p, part)); p++)
        n++;
    return n;
}

/* Two tables for n domains, each with those below it; `last` is their last line. */
static const char *write_tables(unsigned n, const char *last)
{
    struct strbuf keys, rows;
    sb_init(&keys, arena);
    sb_init(&rows, arena);
    for (unsigned i = 0; i < n; i++) {
        sb_printf(&keys, "k%u d%u.example:s:/k/%u\n", i, i, i);
        sb_printf(&rows, "*@d%u.example k%u\n*@*.d%u.example k%u\n", i, i, i, i);
    }
    sb_add(&rows, str_of(last));
    return str_cstr(arena, str_printf(arena, "KeyTable %s\nSigningTable refile:%s\n",
                                      write_file("keys", sb_str(&keys).p),
                                      write_file("rows", sb_str(&rows).p)));
}

static void test_many_domains(void **state)
{
    (void)state;
    enum { MANY = 8000 };
    struct migration *m;
    struct str conf = migrate("opendkim", write_tables(MANY, ""), &m);
    assert_int_equal(count_of(conf, "subdomains = true"), MANY);
    assert_int_equal(count_of(migration_account(m), "install -m 0640"), MANY);
    conf = migrate("opendkim", write_tables(MANY, "* k0\n"), &m);
    want_in(conf, "signing-table = \"refile:/etc/assay/SigningTable\"");
    assert_int_equal(count_of(migration_account(m), "install -m 0640"), MANY + 1);
}

static void test_many_clients(void **state)
{
    (void)state;
    enum { MANY = 40000 };
    struct migration *m;
    struct strbuf list;
    sb_init(&list, arena);
    for (unsigned i = 0; i < MANY; i++)
        sb_printf(&list, "d%u.example\n", i);
    struct str conf = migrate("whitelist-clients", sb_str(&list).p, &m);
    assert_int_equal(count_of(conf, ".example\""), MANY);
    assert_false(has(migration_account(m), "install"));
}

/* Domain * signs for everybody, in the name of the author's domain. */
static void test_any_domain(void **state)
{
    (void)state;
    struct migration *m;
    struct str conf = migrate("opendkim", "Domain a.example,*\nSelector S1\nKeyFile /k/key\n", &m);
    struct str account = migration_account(m);
    want_in(conf, "key-table = \"/etc/assay/KeyTable\"");
    want_in(conf, "signing-table = \"/etc/assay/SigningTable\"");
    assert_false(has(conf, "signing = ("));
    want_in(account, "/k/key /etc/assay/keys/any.s1.pem");
    want_in(account, "signing, with a copy of the key");
    assert_str(output_of(account, "/etc/assay/KeyTable"), "any %:S1:/etc/assay/keys/any.s1.pem\n");
    assert_str(output_of(account, "/etc/assay/SigningTable"), "* any\n");
}

/* Lines that match nobody in OpenDKIM sign for nobody here. */
static void test_useless_rows(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *row;
        bool useless;
    } cases[] = {
        {"refile:", "a.example", true},
        {"refile:", "*@a.example", false},
        {"refile:", "*.a.example", false},
        {"refile:", "*@.a.example", true},
        {"file:", "ann@.a.example", false},
        {"file:", "*@a.example", true},
        {"file:", "a.example", false},
        {"file:", "ann@*", false},
        {"file:", "*", false},
        {"file:", "*@*", true},
    };
    write_file("keys", "a a.example:s:/k/a\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct migration *m;
        write_file("rows", str_cstr(arena, str_printf(arena, "%s a\n", cases[i].row)));
        migrate("opendkim",
                str_cstr(arena, str_printf(arena, "KeyTable %s/keys\nSigningTable %s%s/rows\n",
                                           folder, cases[i].prefix, folder)),
                &m);
        struct str account = migration_account(m);
        if (has(account, "match no author") != cases[i].useless ||
            (cases[i].useless && !has(account, "no line of the SigningTable can use it")))
            fail_msg("%s%s\n%.*s", cases[i].prefix, cases[i].row, STR_ARG(account));
    }
}

/* No setting of signing is passed over in silence, and none is said to be carried that is not. */
static void test_signing_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted, *without;
    } cases[] = {
        {"Domain *.a.example\nSelector s\nKeyFile /k\n", "may not hold an asterisk", "signing: "},
        {"Domain *.b.example,a.example\nSelector s\nKeyFile /k\n", "signing: 1 entry", "entries"},
        {"Domain *.b.example\nSelector s\nKeyFile /k\n", "KeyFile /k\n", "copy of the key"},
        {"Domain *\nSelector not/one\nKeyFile /k\n", "\"not/one\"", "copy of the key"},
        {"KeyTable dsn:x\nSigningTable dsn:x\n", "signing needs the KeyTable, too", "carried:"},
        {"KeyTable /nowhere/k\nSigningTable /nowhere/s\nDomain d.example\n", "Domain d.example\n",
         "signing: "},
        {"Mode v\nSelector s\nDomain d.example\n", "Selector s\n", "signing: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct migration *m;
        migrate("opendkim", cases[i].text, &m);
        want_in(migration_account(m), cases[i].wanted);
        if (has(migration_account(m), cases[i].without))
            fail_msg("case %zu: there is %s", i, cases[i].without);
    }
}

/* The text with the folder in the place of each {}. */
static const char *in_folder(const char *text)
{
    struct strbuf b;
    sb_init(&b, arena);
    for (const char *p = text; *p; p++) {
        bool place = p[0] == '{' && p[1] == '}';
        sb_printf(&b, "%.*s", place ? (int)strlen(folder) : 1, place ? folder : p);
        p += place;
    }
    return sb_str(&b).p;
}

/* The account in one line, whatever the lengths of paths are. */
static struct str flat_account(struct migration *m)
{
    struct strbuf b;
    struct str account = migration_account(m);
    sb_init(&b, arena);
    for (size_t i = 0; i < account.n; i++) {
        char c = account.p[i] == '\n' ? ' ' : account.p[i];
        if (c != ' ' || !b.n || sb_str(&b).p[b.n - 1] != ' ')
            sb_addc(&b, c);
    }
    return sb_str(&b);
}

/* Key files that the commands would not find are named; of tables only those that are used. They
 * may be on another machine: the configuration is whole without them. */
static void test_key_files(void **state)
{
    (void)state;
    static const char tables[] = "KeyTable {}/keys\nSigningTable refile:{}/rows\n";
    static const struct {
        const char *text, *rows, *want, *without;
    } cases[] = {
        {"Domain a.example,b.example\nSelector s\nKeyFile {}/one\n", "", "signing: 2 entries",
         "cannot be read"},
        {"Domain a.example,b.example\nSelector s\nKeyFile {}/lost\n", "",
         " 3 KeyFile {}/lost key files that cannot be read, so that the commands fail: {}/lost (No "
         "such file or directory) ",
         "directory),"},
        {"Domain a.example\nSelector s\nKeyFile {}\n", "", ": {} (it is no file) ", "{}/one"},
        {"Domain *\nSelector s\nKeyFile {}/lost\n", "", ": {}/lost (No such", "{}/one"},
        {tables, "*@a.example a\n", "with copies of the keys", "cannot be read"},
        {tables, "*@b.example b\n",
         " 1 KeyTable {}/keys key files that cannot be read, so that the commands fail: {}/lost "
         "(No "
         "such file or directory) ",
         "{}/gone (No"},
        {tables, "* b\n",
         ": {}/lost (No such file or directory), {}/gone (No such file or directory) ", "{}/one ("},
        {"Mode v\nKeyTable {}/keys\nSigningTable refile:{}/rows\n", "*@b.example b\n",
         "the mode does not sign", "cannot be read"},
        {"KeyList {}/rows\n", "*@a.example:a.example:{}/lost\n", ": {}/lost (No such", "{}/one"},
        {"KeyList {}/rows\n", "*@a.example:b.example:{}/lost\n", "write a KeyTable",
         "cannot be read"},
    };
    write_file("one", "a key");
    write_file("keys", in_folder("a a.example:s:{}/one\nb b.example:s:{}/lost\n"
                                 "c c.example:s:{}/gone\n"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct migration *m;
        write_file("rows", in_folder(cases[i].rows));
        migrate(strncmp(cases[i].text, "KeyList", 7) ? "opendkim" : "dkim-filter",
                in_folder(cases[i].text), &m);
        struct str account = flat_account(m);
        want_in(account, in_folder(cases[i].want));
        if (has(account, in_folder(cases[i].without)) || migration_is_incomplete(m))
            fail_msg("case %zu: %.*s", i, STR_ARG(account));
    }
}

/* Ten are named, and the others counted. */
static void test_many_key_files(void **state)
{
    (void)state;
    struct migration *m;
    migrate("opendkim", write_tables(13, ""), &m);
    want_in(flat_account(m), "directory), /k/9 (No such file or directory) and 3 more ");
    migrate("opendkim", write_tables(10, ""), &m);
    want_in(flat_account(m), "directory), /k/9 (No such file or directory) carried");
}

/* sqlgrey's lists, as sqlgrey reads them. */
static void test_sqlgrey_lists(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *text, *conf, *account; /* conf: what the option is */
    } cases[] = {
        {"clients-ip-whitelist", "192.0.2\n192.0.2.77/24 # again\n",
         "networks = [ \"192.0.2.0/24\" ]", "exceptions.networks: 2"},
        {"clients-ip-whitelist", "10 / 8\n10.1/16\r\n198.51.100.7\n",
         "networks = [ \"10.0.0.0/8\", \"10.1.0.0/16\", \"198.51.100.7\" ]", ""},
        {"clients-ip-whitelist", "2001:db8::/32\n2001:db8:1::1\n",
         "networks = [ \"2001:db8::/32\", \"2001:db8:1::1\" ]", ""},
        {"clients-ip-whitelist", "10.1\n10\n192.0.2.0/255.255.255.0\nmx.example\n192.0.2.1/\n", "",
         "no network in sqlgrey: 10.1, 10, 192.0.2.0/255.255.255.0, mx.example, 192.0.2.1/ "},
        {"clients-ip-whitelist", "192.0.2.0/33\n", "", "192.0.2.0/33"},
        {"clients-ip-whitelist", "1.2.3.\n300.1.2.3\n1.2.3.4.5\n2001:db8::1::2\nface\n\x01\n", "",
         "no network in sqlgrey: 1.2.3., 300.1.2.3, 1.2.3.4.5, 2001:db8::1::2, face, \\x01 "},
        {"clients-ip-whitelist", "# nothing\n", "", "the list is empty"},
        {"clients-fqdn-whitelist", "*.example.net\n ma-il.example.org # one\n",
         "domains = [ \"example.net\", \"ma-il.example.org\" ]", "exceptions.domains: 2"},
        {"clients-fqdn-whitelist", "/^a\\.b/\n/\n//\n", "", "1 pattern in slashes"},
        {"clients-fqdn-whitelist", "localhost\nb\xc3\xbc.example\na..b\n.b.example\n192.0.2.1\n",
         "", "no name in sqlgrey: localhost, b\xc3\xbc.example, a..b, .b.example, 192.0.2.1 "},
        {"clients-fqdn-whitelist", "*.*\n*.\n", "", "no domains, for exceptions.domains: *"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct migration *m;
        struct str conf = migrate(cases[i].kind, cases[i].text, &m);
        want_in(conf, *cases[i].conf ? cases[i].conf : "mode = \"shadow\"");
        if (has(conf, "exceptions") != (*cases[i].conf != '\0'))
            fail_msg("case %zu: %.*s", i, STR_ARG(conf));
        want_in(flat_account(m), cases[i].account);
    }
}

/* The four lists of conf_dir: two of them need not be there. */
static void test_sqlgrey_folder(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text, *want;
    } files[] = {
        {"clients_ip_whitelist", "192.0.2.1\n", "networks = [ \"192.0.2.1\" ]"},
        {"clients_ip_whitelist.local", "192.0.2.2\n",
         "networks = [ \"192.0.2.1\", \"192.0.2.2\" ]"},
        {"clients_fqdn_whitelist", "*.a.example\n", "domains = [ \"a.example\" ]"},
        {"clients_fqdn_whitelist.local", "b.example\n",
         "domains = [ \"a.example\", \"b.example\" ]"},
    };
    struct migration *m;
    const char *text = in_folder("conf_dir = {}\n");
    migrate("sqlgrey", text, &m);
    want_in(flat_account(m),
            in_folder("1 clients_ip_whitelist {}/clients_ip_whitelist {}/clients_ip"
                      "_whitelist cannot be read: No such file or directory "));
    assert_false(has(migration_account(m), ".local"));
    assert_true(migration_is_incomplete(m));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        write_file(files[i].file, files[i].text);
        want_in(migrate("sqlgrey", text, &m), files[i].want);
        assert_int_equal(migration_is_incomplete(m), i < 2);
    }
    const char *path = str_cstr(arena, str_printf(arena, "%s/clients_ip_whitelist", folder));
    struct str problem;
    assert_true(migration_read(m, path, NULL, &problem));
    want_in(migration_account(m), "read already, because another file names it");
    const char *local = write_file("clients_ip_whitelist.local", "");
    unlink(local);
    assert_int_equal(mkdir(local, 0700), 0);
    migrate("sqlgrey", text, &m);
    want_in(flat_account(m), "clients_ip_whitelist.local cannot be read: Is a directory");
    rmdir(local);
    assert_int_equal(symlink("/nowhere/at/all", local), 0);
    migrate("sqlgrey", text, &m);
    want_in(flat_account(m), "clients_ip_whitelist.local cannot be read: No such file");
    migrate("sqlgrey", "", &m); /* nobody said that the lists are there */
    assert_false(migration_is_incomplete(m));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(in_folder(str_cstr(arena, str_printf(arena, "{}/%s", files[i].file))));
}

/* "immed" with "dunno" is for the greylisting of this file, and not for that of another one. */
static void test_sqlgrey_learning(void **state)
{
    (void)state;
    struct str problem;
    struct migration *m = migration_new(arena);
    static const char learns[] = "reject_code = dunno\nreject_first_attempt = immed\n";
    assert_true(migration_read(m, write_file("one", "O=\"--delay=60\"\n"), "postgrey", &problem));
    assert_true(migration_read(m, write_file("two", learns), "sqlgrey", &problem));
    assert_true(migration_read(m, write_file("keys", ""), "sqlgrey", &problem));
    migration_finish(m);
    want_in(migration_conf(m), "mode = \"enforce\"");
    assert_int_equal(count_of(migration_account(m), "  reject_code dunno"), 1);
}

/* Two files that contradict each other: the first counts, and the second is told. */
static void test_contradiction(void **state)
{
    (void)state;
    struct str problem;
    struct migration *m = migration_new(arena);
    const char *one = write_file("one", "AuthservID a.example\nDNSTimeout 3\n");
    const char *two = write_file("two", "AuthservID b.example\nDNSTimeout 4\n");
    assert_true(migration_read(m, one, "opendkim", &problem));
    assert_true(migration_read(m, two, "opendmarc", &problem));
    migration_finish(m);
    struct str conf = migration_conf(m), account = migration_account(m);
    want_in(conf, "authserv-id = \"a.example\"");
    want_in(conf, "authserv-id-aliases = [ \"b.example\" ]");
    want_in(conf, "timeout = \"3s\"");
    want_in(account, "dns.timeout is \"3s\" already");
    assert_false(migration_is_incomplete(m));
}

/* A setting that stands several times counts as in its program: the last one does, and nobody is
 * trusted because of another one; lists of smf-spf and postgrey grow. */
static void test_repeated(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *text, *conf, *without, *account;
    } cases[] = {
        {"opendkim", "InternalHosts 10.0.0.0/8\nInternalHosts 192.0.2.1\n", "[ \"192.0.2.1\" ]",
         "10.0.0.0", "line 2 sets it again"},
        {"opendkim", "Canonicalization relaxed/simple\ncanonicalization relaxed/relaxed\n",
         "body-canonicalization = \"relaxed\"", "simple", "line 2 sets it again"},
        {"opendmarc", "RejectFailures true\nRejectFailures false\n", "on-reject = \"tag\"",
         "\"reject\"", "line 2 sets it again"},
        {"policyd-spf", "Whitelist = 192.0.2.0/28\nWhitelist = 198.51.100.0/24\n",
         "[ \"198.51.100.0/24\" ]", "192.0.2.0", "line 2 sets it again"},
        {"postsrsd1", "SRS_DOMAIN=a.example\nSRS_DOMAIN=b.example\n", "domain = \"b.example\"",
         "a.example", "line 2 sets it again"},
        {"smf-spf", "WhitelistIP 192.0.2.0/28\nWhitelistIP 198.51.100.0/24\n",
         "[ \"192.0.2.0/28\", \"198.51.100.0/24\" ]", "%", "skip-networks: 1"},
        {"opendkim", "InternalHosts file:hosts\nBaseDirectory /nowhere/base\n", "listen",
         "trusted-networks", "/nowhere/base/hosts cannot be read"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct migration *m;
        struct str conf = migrate(cases[i].kind, cases[i].text, &m);
        want_in(conf, cases[i].conf);
        want_in(migration_account(m), cases[i].account);
        if (has(conf, cases[i].without))
            fail_msg("case %zu: there is %s\n%.*s", i, cases[i].without, STR_ARG(conf));
    }
    write_file("one", "InternalHosts 192.0.2.1\n");
    struct str text = str_printf(arena, "InternalHosts 10.0.0.0/8\nInclude %s/one\n", folder);
    struct migration *m;
    assert_false(has(migrate("opendkim", str_cstr(arena, text), &m), "10.0.0.0"));
    want_in(migration_account(m), "/one sets it again");
}

/* The time of tumgreyspf's folder takes the place of the general one. */
static void test_greylist_time(void **state)
{
    (void)state;
    struct migration *m;
    write_file("__default__", "GREYLISTTIME=300\nCHECKERS=spf,greylist\n");
    struct str text =
        str_printf(arena, "defaultAllowTime = 600\nconfigPath = 'file://%s'\n", folder);
    want_in(migrate("tumgreyspf", str_cstr(arena, text), &m), "delay = \"300s\"");
    want_in(migration_account(m), "GREYLISTTIME takes its place");
    write_file("__default__", "CHECKERS=spf,greylist\n");
    want_in(migrate("tumgreyspf", str_cstr(arena, text), &m), "delay = \"600s\"");
}

/* Includes that never end, and files that are not there. */
static void test_includes(void **state)
{
    (void)state;
    struct migration *m;
    struct str text = str_printf(arena, "Include %s/file\nSyslog yes\n", folder);
    migrate("opendkim", str_cstr(arena, text), &m);
    assert_true(migration_is_incomplete(m));
    want_in(migration_account(m), "the files include each other");
    migrate("opendkim", "InternalHosts /nowhere/hosts\n", &m);
    assert_true(migration_is_incomplete(m));
    want_in(migration_account(m), "/nowhere/hosts cannot be read");
    migrate("opendkim", "InternalHosts 192.0.2.1\n", &m);
    assert_false(migration_is_incomplete(m));
}

/* What strangers to the terminal stand in a file is written so that it does no harm. */
/* Passwords stand in configurations, and in no account of them. */
static void test_passwords(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"db_pass = s3cret\n", " db_pass ***\n"},
        {"db_dsn = DBI:Pg:dbname=x;Password=s3c=ret;host=h\n",
         " db_dsn DBI:Pg:dbname=x;Password=***;host=h\n"},
        {"db_dsn = DBI:mysql:database=x;passwd=s3cret\n", " DBI:mysql:database=x;passwd=***\n"},
        {"db_dsn = DBI:SQLite:dbname=/x\n", " DBI:SQLite:dbname=/x\n"},
        {"KeyTable dsn:mysql://u:s3cret@h/db/table=t\n", " dsn:mysql://u:***@h/db/table=t\n"},
        {"KeyTable dsn:mysql://u:s3c@ret@h\n", " dsn:mysql://u:***@h\n"},
        {"LDAPBindPassword s3cret\n", "LDAPBindPassword ***\n"},
        {"KeyTable dsn:mysql://u@h:3306/db\n", " dsn:mysql://u@h:3306/db\n"},
        {"Socket inet:8891@localhost\n", " inet:8891@localhost\n"},
        {"KeyTable dsn:mysql://h:3306/db\n", " dsn:mysql://h:3306/db\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct migration *m;
        struct json j;
        migrate(strncmp(cases[i].text, "db_", 3) ? "opendkim" : "sqlgrey", cases[i].text, &m);
        struct str account = migration_account(m);
        want_in(account, cases[i].shown);
        json_begin(&j, arena);
        migration_json(m, &j);
        json_end(&j, '}');
        assert_false(has(account, "s3c") || has(json_str(&j), "s3c"));
    }
}

static void test_foreign_text(void **state)
{
    (void)state;
    struct migration *m;
    struct str conf =
        migrate("opendkim",
                "AuthservID a\"b\nKeyFile /k/it's here\nDomain d.example\nSelector s\n"
                "SyslogName \x1b[31m\n",
                &m);
    struct str account = migration_account(m);
    assert_false(has(account, "\x1b"));
    want_in(account, "'/k/it'\"'\"'s here'");
    assert_false(has(conf, "authserv-id ="));
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"file", "keys", "rows", "one", "two", "out", "__default__"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_option, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_name_options, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tables_and_rules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_networks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exceptions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hosts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_patterns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_domains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_domain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_useless_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signing_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_key_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sqlgrey_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sqlgrey_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sqlgrey_learning, setup, teardown),
        cmocka_unit_test_setup_teardown(test_greylist_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_contradiction, setup, teardown),
        cmocka_unit_test_setup_teardown(test_repeated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_includes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_passwords, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_text, setup, teardown),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
