/* test_keyfile.c - files of keys: who may own and read them, how they are written and mended. */
#include "keys_rig.h"

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keys/keyfile.h"
#include "keys/repair.h"

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

/* The path of something else: no command is advised that would take it from those who need it. */
static void test_not_a_key(void **state)
{
    (void)state;
    static const char *const texts[] = {"root:x:0:0:root:/root:/bin/bash\n", "",
                                        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n"};
    struct str problem;
    struct key_reader me = {.uid = geteuid(), .name = "me", .group_name = "mygroup"};
    gid_t groups[] = {getegid()};
    const char *path = in_directory("passwd").p;
    me.groups = groups;
    me.n_groups = 1;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file("passwd", str_of(texts[i]), 0644);
        assert_null(key_file_load(path, &me, arena, &problem));
        assert_str(problem, str_printf(arena, "%s: it holds no private key in PEM form", path).p);
    }
}

/* As root: files of others, and readers that are not root. */
static const uid_t reader_uid = 54321, stranger_uid = 54322;
static const gid_t reader_gid = 54323, second_gid = 54324, stranger_gid = 54325;

#define BY_HAND                                                                                    \
    "; others than root can exchange it, so look at what it is before root changes its rights; "   \
    "wanted are group 54323"

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
    /* The reader may have put a link there: to /etc/shadow, or to a key of another program. */
    {0, 0, 0600, 0770, 54323,
     ": user 54321 may not read it (owned by root:root, mode 0600)" BY_HAND " and mode 0640"},
    {0, 54325, 0640, 0770, 54323,
     ": its group can get at the key (owned by root:54325, mode 0640)" BY_HAND " and mode 0640"},
    {54322, 54323, 0640, 0770, 54323,
     ": the key belongs to another user, who can read and replace it (owned by 54322:54323, mode "
     "0640)" BY_HAND " and mode 0640"},
    {54321, 0, 0644, 0770, 54323,
     ": others can get at the key (owned by 54321:root, mode 0644); run: chmod 0640 {}/k.pem"},
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

/* A link that root has made leads to a file that the reader can exchange. */
static void test_link_out_of_roots_directory(void **state)
{
    (void)state;
    const struct stat st = {.st_mode = 0600};
    const struct key_reader reader = {.uid = reader_uid, .name = "54321", .group_name = "54323"};
    struct strbuf b;
    if (geteuid() != 0)
        skip(); /* needs a directory that root alone may change */
    char roots[] = "/run/assay-test-keyfile-XXXXXX";
    const char *theirs = in_directory("theirs").p;
    assert_non_null(mkdtemp(roots));
    assert_int_equal(mkdir(theirs, 0755), 0);
    assert_int_equal(chown(theirs, reader_uid, reader_gid), 0);
    const char *link = str_printf(arena, "%s/k.pem", roots).p;
    const char *aim = str_printf(arena, "../..%s", in_directory("theirs/k.pem").p).p;
    assert_int_equal(symlink("other.pem", link), 0);
    sb_init(&b, arena);
    repair_key(&b, &reader, link, &st);
    bool kept = str_starts(sb_str(&b), STR("; run as root: chown"));
    unlink(link);
    assert_int_equal(symlink(aim, link), 0);
    sb_init(&b, arena);
    repair_key(&b, &reader, link, &st);
    unlink(link);
    rmdir(roots);
    assert_true(kept);
    assert_str(sb_str(&b), BY_HAND " and mode 0640");
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
        {"/srv/keys", 0, "; run as root: chgrp 54323 /srv/keys && chmod g+x /srv/keys"},
        {"/tmp/keys", 0, BY_HAND " and g+x"},
    };
    gid_t groups[] = {reader_gid};
    const struct key_reader reader = {
        .uid = reader_uid, .n_groups = 1, .groups = groups, .name = "u", .group_name = "54323"};
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
        const char *path;
        uid_t owner;
        gid_t group;
        mode_t mode;
        const char *want;
    } cases[] = {
        {"/k", 54321, 0, 0500, "; run: chmod u+rwx /k"},
        {"/k", 0, 54323, 0750, "; run as root: chmod g+rwx /k"},
        {"/k", 0, 0, 0750, "; run as root: chgrp 54323 /k && chmod g+rwx /k"},
        {"/k", 0, 54325, 0700, "; run as root: chgrp 54323 /k && chmod g+rwx /k"},
        {"/k", 0, 54325, 0750, "; it belongs to others: give u a directory of its own"},
        {"/k", 54322, 54323, 0750, "; it belongs to others: give u a directory of its own"},
        {"/tmp/k", 0, 0, 0750, BY_HAND " and g+rwx"},
    };
    gid_t groups[] = {reader_gid};
    struct key_reader reader = {
        .uid = reader_uid, .n_groups = 1, .groups = groups, .name = "u", .group_name = "54323"};
    struct strbuf b;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct stat st = {
            .st_uid = cases[i].owner, .st_gid = cases[i].group, .st_mode = cases[i].mode};
        sb_init(&b, arena);
        repair_writing(&b, &reader, cases[i].path, &st);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS_TEST(test_modes),
        KEYS_TEST(test_not_a_key),
        KEYS_TEST(test_owners),
        KEYS_TEST(test_link_out_of_roots_directory),
        KEYS_TEST(test_directories_of_others),
        KEYS_TEST(test_writing),
        KEYS_TEST(test_askers),
        KEYS_TEST(test_shell_word),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
