/* test_keyset.c - signing keys: who may own and read them, and which of them sign for whom. */
#include "test.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/source.h"
#include "crypto/keys.h"
#include "keys/keyfile.h"
#include "keys/keyset.h"
#include "keys/repair.h"
#include "keys/strmap.h"
#include "keys/tables.h"

static struct arena *arena;
static struct conf_problems problems;
static char directory[] = "/tmp/assay-test-keys-XXXXXX";

static struct str in_directory(const char *name)
{
    return str_printf(arena, "%s/%s", directory, name);
}

static void write_file(const char *name, struct str text, mode_t mode)
{
    struct str path = in_directory(name);
    FILE *f = fopen(path.p, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path.p, mode), 0);
}

static void write_key(const char *name, enum key_type type)
{
    struct str problem;
    struct private_key *key = private_key_generate(type, 2048, arena, &problem);
    assert_non_null(key);
    write_file(name, private_key_pem(key, arena), 0600);
    private_key_release(key);
}

static int make_directory(void **state)
{
    (void)state;
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_ERROR);
    if (!mkdtemp(directory) || chmod(directory, 0755) != 0)
        return -1;
    arena = arena_new(0);
    write_key("rsa.pem", KEY_RSA);
    write_key("ed.pem", KEY_ED25519);
    arena_free(arena);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[sizeof directory + 16];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

static int setup(void **state)
{
    (void)state;
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

/* All complaints, one a line; {} stands for the test's directory. */
static struct str complaints(void)
{
    struct strbuf b;
    struct str where = str_of(directory);
    sb_init(&b, arena);
    for (size_t i = 0; i < problems.n; i++) {
        struct str line = problems.v[i];
        while (line.n) {
            bool here = str_starts(line, where);
            sb_add(&b, here ? STR("{}") : str_sub(line, 0, 1));
            line = str_sub(line, here ? where.n : 1, line.n);
        }
        sb_addc(&b, '\n');
    }
    return sb_str(&b);
}

/* A configuration in which {} is the test's directory. */
static struct conf *parse(const char *text)
{
    struct strbuf b;
    sb_init(&b, arena);
    for (struct str rest = str_of(text); rest.n;) {
        bool here = str_starts(rest, STR("{}"));
        sb_add(&b, here ? str_of(directory) : str_sub(rest, 0, 1));
        rest = str_sub(rest, here ? 2 : 1, rest.n);
    }
    struct conf *conf = conf_parse(sb_str(&b), &problems);
    if (!conf)
        print_error("%s", complaints().p);
    assert_non_null(conf);
    return conf;
}

static struct key_set *load(const char *text)
{
    struct conf *conf = parse(text);
    struct key_set *keys;
    bool ok = key_set_load(conf, &problems, &keys);
    conf_free(conf);
    if (!ok)
        print_error("%s", complaints().p);
    assert_true(ok);
    return keys;
}

static struct str refuse(const char *text)
{
    struct conf *conf = parse(text);
    struct key_set *keys;
    conf_problems_init(&problems, arena);
    assert_false(key_set_load(conf, &problems, &keys));
    assert_null(keys);
    conf_free(conf);
    return complaints();
}

/* "d/s d/s" for an author. */
static struct str signers(const struct key_set *set, const char *local, const char *domain)
{
    struct signing_choice choice = {0};
    struct mailbox author = {
        .local = str_of(local), .domain = str_of(domain), .domain_ok = *domain != '\0'};
    struct strbuf b;
    sb_init(&b, arena);
    set->find(set, &author, arena, &choice);
    for (size_t i = 0; i < choice.n; i++)
        sb_printf(&b, "%s%.*s/%.*s", i ? " " : "", STR_ARG(choice.keys[i].domain),
                  STR_ARG(choice.keys[i].selector));
    return sb_str(&b);
}

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

/* --- files ---------------------------------------------------------------------------------- */

#define ENTRY(file)                                                                                \
    "signing = ( { domain = \"a.example\"; keys = ( { selector = \"s\"; file = \"{}/" file         \
    "\"; } ); } );"

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

static void test_modes(void **state)
{
    (void)state;
    struct str problem;
    struct key_reader me = {.uid = geteuid(), .name = "me", .group_name = "mygroup"};
    gid_t groups[] = {getegid()};
    const char *path = in_directory("mode.pem").p;
    static const struct {
        mode_t mode;
        const char *why;
    } cases[] = {
        {0600, NULL},
        {0400, NULL},
        {0640, NULL},
        {0440, NULL},
        {0660, "its group can get at the key"},
        {0650, "its group can get at the key"},
        {0644, "others can get at the key"},
        {0602, "others can get at the key"},
        {0601, "others can get at the key"},
    };
    me.groups = groups;
    me.n_groups = 1;
    write_key("mode.pem", KEY_ED25519);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(chmod(path, cases[i].mode), 0);
        struct private_key *key = key_file_load(path, &me, arena, &problem);
        private_key_release(key);
        if (!cases[i].why) {
            assert_non_null(key);
            continue;
        }
        assert_null(key);
        struct str want = str_printf(arena, "%s: %s (owned by ", path, cases[i].why);
        assert_str(str_sub(problem, 0, want.n), want.p);
        /* What its owner and its group had they keep. */
        want = str_printf(arena, ", mode %04o); run: chmod %04o %s", (unsigned)cases[i].mode,
                          (unsigned)(cases[i].mode & 0640), path);
        assert_true(str_ends_nocase(problem, want));
    }
}

/* As root: files of others, and readers that are not root. */
static const uid_t reader_uid = 54321, stranger_uid = 54322;
static const gid_t reader_gid = 54323, second_gid = 54324, stranger_gid = 54325;

static const struct {
    uid_t owner;
    gid_t group;
    mode_t mode, directory_mode;
    gid_t directory_group;
    const char *problem; /* behind the path; {} is the directory; NULL: it is read */
} owners[] = {
    {54321, 0, 0600, 0755, 0, NULL},
    {0, 54323, 0640, 0755, 0, NULL},
    {0, 54324, 0640, 0750, 54323, NULL},
    {0, 0, 0600, 0755, 0,
     ": user 54321 may not read it (owned by root:root, mode 0600); run as root: chown root:54323 "
     "{}/k.pem && chmod 0640 {}/k.pem"},
    {0, 54325, 0600, 0755, 0,
     ": user 54321 may not read it (owned by root:54325, mode 0600); run as root: chown root:54323 "
     "{}/k.pem && chmod 0640 {}/k.pem"},
    {0, 54323, 0600, 0755, 0,
     ": user 54321 may not read it (owned by root:54323, mode 0600); run as root: chmod 0640 "
     "{}/k.pem"},
    {54321, 0, 0644, 0755, 0,
     ": others can get at the key (owned by 54321:root, mode 0644); run: chmod 0640 {}/k.pem"},
    /* The group is that of a second program, whose key it may be too. */
    {0, 54325, 0640, 0755, 0,
     ": its group can get at the key (owned by root:54325, mode 0640); if group 54325 is to read "
     "it "
     "too, run as root: usermod -aG 54325 54321, and restart assay; if not: chgrp 54323 {}/k.pem "
     "&& "
     "chmod 0640 {}/k.pem"},
    {0, 54325, 0644, 0755, 0,
     ": others can get at the key (owned by root:54325, mode 0644); if group 54325 is to read it "
     "too, run as root: usermod -aG 54325 54321 && chmod 0640 {}/k.pem, and restart assay; if not: "
     "chgrp 54323 {}/k.pem && chmod 0640 {}/k.pem"},
    {54321, 54325, 0640, 0755, 0,
     ": its group can get at the key (owned by 54321:54325, mode 0640); if group 54325 is to read "
     "it too, run as root: usermod -aG 54325 54321, and restart assay; if not: chmod 0600 "
     "{}/k.pem"},
    {54322, 54323, 0640, 0755, 0,
     ": the key belongs to another user, who can read and replace it (owned by 54322:54323, mode "
     "0640); if only 54321 is to use it, run as root: chown root:54323 {}/k.pem && chmod 0640 "
     "{}/k.pem; else give 54321 a copy of its own"},
    {0, 54323, 0640, 0700, 0,
     ": user 54321 may not enter {} (owned by root:root, mode 0700); run as root: chgrp 54323 {} "
     "&& "
     "chmod g+x {}"},
    {0, 54323, 0640, 0710, 0,
     ": user 54321 may not enter {} (owned by root:root, mode 0710); run as root: chgrp 54323 {} "
     "&& "
     "chmod g+x {}"},
    {0, 54323, 0640, 0700, 54323,
     ": user 54321 may not enter {} (owned by root:54323, mode 0700); run as root: chmod g+x {}"},
    {0, 54323, 0640, 0750, 54325,
     ": user 54321 may not enter {} (owned by root:54325, mode 0750); if 54321 is to share the "
     "keys "
     "of group 54325, run as root: usermod -aG 54325 54321, and restart assay; else put a copy "
     "into "
     "a directory that it may enter, such as /etc/assay/keys"},
};

static struct str expand(const char *text, const char *value)
{
    struct strbuf b;
    sb_init(&b, arena);
    for (struct str rest = str_of(text); rest.n;) {
        bool here = str_starts(rest, STR("{}"));
        sb_add(&b, here ? str_of(value) : str_sub(rest, 0, 1));
        rest = str_sub(rest, here ? 2 : 1, rest.n);
    }
    return sb_str(&b);
}

static void check_owner(size_t i, const struct key_reader *reader, const char *dir)
{
    const char *path = str_printf(arena, "%s/k.pem", dir).p;
    struct str problem;
    struct private_key *key = key_file_load(path, reader, arena, &problem);
    private_key_release(key);
    assert_int_equal(key != NULL, owners[i].problem == NULL);
    if (owners[i].problem)
        assert_str(problem, str_printf(arena, "%s%s", path, expand(owners[i].problem, dir).p).p);
}

/* The same outcome when the process is that user: 0 if so. */
static int as_reader(size_t i, const struct key_reader *reader, const char *dir)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *path = str_printf(arena, "%s/k.pem", dir).p;
        struct str problem = STR_NONE;
        gid_t groups[] = {second_gid};
        if (setgroups(1, groups) != 0 || setgid(reader_gid) != 0 || setuid(reader_uid) != 0)
            _exit(2);
        struct private_key *key = key_file_load(path, reader, arena, &problem);
        bool same = (key != NULL) == (owners[i].problem == NULL);
        if (same && owners[i].problem)
            same =
                str_eq(problem, str_printf(arena, "%s%s", path, expand(owners[i].problem, dir).p));
        _exit(same ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_owners(void **state)
{
    (void)state;
    gid_t groups[] = {reader_gid, second_gid};
    struct key_reader reader = {
        .uid = reader_uid, .n_groups = 2, .groups = groups, .name = "54321", .group_name = "54323"};
    if (geteuid() != 0)
        skip(); /* needs files of other users */
    (void)stranger_uid, (void)stranger_gid;
    const char *dir = in_directory("owned").p, *path = in_directory("owned/k.pem").p;
    assert_int_equal(mkdir(dir, 0755), 0);
    write_key("owned/k.pem", KEY_ED25519);
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        assert_int_equal(chown(path, owners[i].owner, owners[i].group), 0);
        assert_int_equal(chmod(path, owners[i].mode), 0);
        assert_int_equal(chown(dir, 0, owners[i].directory_group), 0);
        assert_int_equal(chmod(dir, owners[i].directory_mode), 0);
        check_owner(i, &reader, dir);
        assert_int_equal(as_reader(i, &reader, dir), 0);
    }
}

/* Directories that have others than assay to serve. */
static void test_directories_of_others(void **state)
{
    (void)state;
    static const struct {
        const char *directory;
        uid_t owner;
        const char *want;
    } cases[] = {
        {"/home/ann", 54322,
         "; put the file into a directory that it may enter, such as /etc/assay/keys"},
        {"/root", 0, "; put the file into a directory that it may enter, such as /etc/assay/keys"},
        {"/srv/keys", 0, "; run as root: chgrp g /srv/keys && chmod g+x /srv/keys"},
    };
    gid_t groups[] = {reader_gid};
    const struct key_reader reader = {
        .uid = reader_uid, .n_groups = 1, .groups = groups, .name = "u", .group_name = "g"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct stat st = {.st_uid = cases[i].owner, .st_mode = 0700};
        struct strbuf b;
        sb_init(&b, arena);
        repair_entry(&b, &reader, cases[i].directory, &st);
        assert_str(sb_str(&b), cases[i].want);
    }
}

static void test_writing(void **state)
{
    (void)state;
    static const struct {
        uid_t owner;
        gid_t group;
        mode_t mode;
        const char *want;
    } cases[] = {
        {54321, 0, 0500, "; run: chmod u+rwx /k"},
        {0, 54323, 0750, "; run as root: chmod g+rwx /k"},
        {0, 0, 0750, "; run as root: chgrp g /k && chmod g+rwx /k"},
        {0, 54325, 0700, "; run as root: chgrp g /k && chmod g+rwx /k"},
        {0, 54325, 0750, "; it belongs to others: give u a directory of its own"},
        {54322, 54323, 0750, "; it belongs to others: give u a directory of its own"},
    };
    gid_t groups[] = {reader_gid};
    struct key_reader reader = {
        .uid = reader_uid, .n_groups = 1, .groups = groups, .name = "u", .group_name = "g"};
    struct strbuf b;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct stat st = {
            .st_uid = cases[i].owner, .st_gid = cases[i].group, .st_mode = cases[i].mode};
        sb_init(&b, arena);
        repair_writing(&b, &reader, "/k", &st);
        assert_str(sb_str(&b), cases[i].want);
    }
    const struct stat st = {.st_uid = 0};
    reader.instead = "run this as root";
    sb_init(&b, arena);
    repair_writing(&b, &reader, "/k", &st);
    assert_str(sb_str(&b), "; run this as root");
}

/* Who asks, and what they are told of the key of a daemon that is another user: what follows the
 * parenthesis; empty: the key is read. */
static const struct {
    const char *user; /* of the configuration; NULL: a command that has none */
    uid_t asker;
    uid_t owner;
    gid_t group;
    mode_t mode;
    const char *want;
} askers[] = {
    /* Root without a user to ask for judges neither owner nor group. */
    {NULL, 0, 0, 54325, 0640, ""},
    {NULL, 0, 54322, 54325, 0600, ""},
    {"", 0, 0, 54325, 0640, ""},
    {"", 0, 54322, 54325, 0600, ""},
    {NULL, 0, 0, 54325, 0644, "; run: chmod g-wx,o-rwx {}"},
    {NULL, 0, 0, 54325, 0660, "; run: chmod g-wx,o-rwx {}"},
    /* With the daemon's user. */
    {"nobody", 0, 0, 0, 0600, "; run as root: chown root:nogroup {} && chmod 0640 {}"},
    {"root", 0, 0, 54325, 0640, ""},
    {"root", 0, 0, 54325, 0644, "; run: chmod 0640 {}"},
    /* Somebody else. */
    {NULL, 54322, 0, 54325, 0640, "; run this as root"},
    {"nobody", 54322, 0, 54325, 0640, "; run this as root"},
    {"", 54322, 0, 54325, 0640, "; set user in the configuration, and run this as root"},
    {NULL, 54322, 54322, 54325, 0640, ""},
    {NULL, 54322, 54322, 54325, 0644, "; run: chmod g-wx,o-rwx {}"},
    {"nobody", 54322, 54322, 54325, 0640, ""},
    /* A daemon that runs as who it was started as judges. */
    {"", 54322, 54322, 54325, 0640, "; set user in the configuration, and run this as root"},
};

static bool told_as_wanted(size_t i, const char *path)
{
    const char *user = askers[i].user;
    uid_t asker = askers[i].asker;
    struct conf conf = {.user = user && *user ? str_of(user) : STR_NONE};
    struct key_reader reader;
    struct str problem = STR_NONE, want = expand(askers[i].want, path);
    if (asker && (setgroups(0, NULL) != 0 || setgid(asker) != 0 || setuid(asker) != 0))
        return false;
    if (user)
        key_reader_init(&reader, &conf, arena);
    else
        key_reader_self(&reader, arena);
    struct private_key *key = key_file_load(path, &reader, arena, &problem);
    if (!want.n)
        return key;
    return !key && str_ends_nocase(problem, str_printf(arena, ")%.*s", STR_ARG(want)));
}

static void test_askers(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* needs other users */
    const char *path = in_directory("asked.pem").p;
    write_key("asked.pem", KEY_ED25519);
    for (size_t i = 0; i < sizeof askers / sizeof askers[0]; i++) {
        int status;
        assert_int_equal(chown(path, askers[i].owner, askers[i].group), 0);
        assert_int_equal(chmod(path, askers[i].mode), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(told_as_wanted(i, path) ? 0 : 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status != 0)
            fail_msg("asker %zu", i);
    }
    assert_int_equal(unlink(path), 0);
}

static void test_shell_word(void **state)
{
    (void)state;
    assert_str(shell_word(arena, STR("/etc/k.pem")), "/etc/k.pem");
    assert_str(shell_word(arena, STR("/a b;c")), "'/a b;c'");
    assert_str(shell_word(arena, STR("it's")), "'it'\\''s'");
    assert_str(shell_word(arena, STR("")), "''");
}

/* --- OpenDKIM's tables ---------------------------------------------------------------------- */

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

static void test_strmap(void **state)
{
    (void)state;
    struct strmap map = {0};
    assert_null(strmap_get(&map, STR("x")));
    strmap_init(&map, arena);
    for (uintptr_t i = 1; i <= 10000; i++)
        *strmap_put(&map, str_printf(arena, "k%u", (unsigned)i)) = (void *)i;
    for (uintptr_t i = 1; i <= 10000; i++)
        assert_int_equal((uintptr_t)strmap_get(&map, str_printf(arena, "k%u", (unsigned)i)), i);
    assert_null(strmap_get(&map, STR("k0")));
    assert_ptr_equal(*strmap_put(&map, STR("k7")), (void *)7);
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
        cmocka_unit_test_setup_teardown(test_nothing_configured, setup, teardown),
        cmocka_unit_test_setup_teardown(test_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_senders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owners, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directories_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_askers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shell_word, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plain_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_entries_come_before_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strmap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_domains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_files, setup, teardown),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
