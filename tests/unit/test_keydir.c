/* test_keydir.c - key directories: files in, generations, state files out, and who signs. */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/keydir.h"
#include "keys/keyset.h"
#include "keys/rotate.h"
#include "keys/safefile.h"

#define NOW 1795176000 /* 2026-11-20T12:00:00Z */

static struct arena *arena;
static struct conf_problems problems;
static char directory[64];
static struct conf *conf;
static struct key_reader reader;

static const char *in_directory(const char *name)
{
    return str_printf(arena, "%s/%s", directory, name).p;
}

static int setup(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/assay-test-keydir-XXXXXX");
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_ERROR);
    if (!mkdtemp(directory))
        return -1;
    arena = arena_new(0);
    conf_problems_init(&problems, arena);
    conf = conf_parse(str_printf(arena,
                                 "signing = ( { domain = \"a.example\"; directory = \"%s\"; } );",
                                 directory),
                      &problems);
    if (!conf)
        return -1;
    key_reader_init(&reader, conf, arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[2 * sizeof directory + 32];
    snprintf(command, sizeof command, "chmod -R u+rwX %s; rm -r %s", directory, directory);
    conf_free(conf);
    arena_free(arena);
    return system(command);
}

static void write_file(const char *name, struct str text, mode_t mode)
{
    const char *path = in_directory(name);
    unlink(path);
    assert_true(file_create(path, text, mode, NULL));
}

static void write_key(const char *name)
{
    struct str problem;
    struct private_key *key = private_key_generate(KEY_ED25519, 0, arena, &problem);
    assert_non_null(key);
    write_file(name, private_key_pem(key, arena), 0600);
    private_key_release(key);
}

static struct str read_file(const char *name)
{
    char block[4096];
    FILE *f = fopen(in_directory(name), "r");
    if (!f)
        return STR_NONE;
    size_t n = fread(block, 1, sizeof block, f);
    fclose(f);
    return str_copy(arena, (struct str){block, n});
}

/* All complaints since the last call, one a line; {} stands for the test's directory. */
static struct str complaints(void)
{
    struct strbuf b;
    struct str where = str_of(directory);
    sb_init(&b, arena);
    for (size_t i = 0; i < problems.n; i++) {
        for (struct str line = problems.v[i]; line.n;) {
            bool here = str_starts(line, where);
            sb_add(&b, here ? STR("{}") : str_sub(line, 0, 1));
            line = str_sub(line, here ? where.n : 1, line.n);
        }
        sb_addc(&b, '\n');
    }
    conf_problems_init(&problems, arena);
    return sb_str(&b);
}

/* "selector:state selector:state*", * for a life that is not in its file. */
static struct str shown(const struct keydirs *dirs)
{
    struct strbuf b;
    sb_init(&b, arena);
    for (size_t i = 0; i < dirs->dirs[0].n; i++)
        sb_printf(&b, "%s%.*s:%s%s", i ? " " : "", STR_ARG(dirs->dirs[0].lives[i].selector),
                  key_state_name(dirs->dirs[0].lives[i].life.state),
                  dirs->dirs[0].keys[i].saved ? "" : "*");
    return sb_str(&b);
}

static struct keydirs *load(const struct keydirs *previous)
{
    return keydirs_load(conf, previous, NOW, &problems);
}

static void save(struct keydirs *dirs)
{
    struct str problem;
    assert_true(keydir_save(&dirs->dirs[0], &reader, arena, &problem));
}

/* Makes a key active, as the life cycle would. */
static void activate(struct keydirs *dirs, size_t i)
{
    dirs->dirs[0].lives[i].life.state = KEY_ACTIVE;
    dirs->dirs[0].keys[i].saved = false;
}

static struct str signers(const struct keydirs *dirs)
{
    struct key_set *plain, *set;
    struct signing_choice choice = {0};
    struct mailbox author = {.local = STR("x"), .domain = STR("a.example"), .domain_ok = true};
    struct strbuf b;
    sb_init(&b, arena);
    assert_true(key_set_load(conf, &problems, &plain));
    set = key_set_renew(plain, dirs);
    key_set_free(plain);
    set->find(set, &author, arena, &choice);
    for (size_t i = 0; i < choice.n; i++)
        sb_printf(&b, "%s%.*s/%.*s", i ? " " : "", STR_ARG(choice.keys[i].domain),
                  STR_ARG(choice.keys[i].selector));
    struct str found = sb_str(&b);
    key_set_free(set);
    return found;
}

/* --- reading -----------------------------------------------------------------------------------*/

static void names(void **state)
{
    (void)state;
    write_key("s1.pem");
    write_key("a.example.s2.pem");
    write_key("A.Example.S3.PEM");
    write_key("b.example.s4.pem"); /* a selector may have dots */
    write_file("s5.txt", STR("x"), 0644);
    write_file(".hidden.pem", STR("x"), 0644);
    struct keydirs *dirs = load(NULL);
    assert_str(complaints(), "");
    assert_str(shown(dirs), "s3:pending* s2:pending* b.example.s4:pending* s1:pending*");
    keydirs_free(dirs);
    write_key("under score.pem");
    write_key("a.example.s1.pem");
    dirs = load(NULL);
    assert_str(complaints(),
               "text:1: {}/s1.pem: the selector s1 is that of {}/a.example.s1.pem already\n"
               "text:1: {}/under score.pem: the file is named neither SELECTOR.pem nor "
               "DOMAIN.SELECTOR.pem: a selector is letters, digits and hyphens\n");
    keydirs_free(dirs);
}

/* Whoever may put files there may choose their names, and root reads the complaint. */
static void name_for_a_terminal(void **state)
{
    (void)state;
    const char *path = in_directory("x\x1b]0;y\x07.pem");
    assert_int_equal(symlink(path, path), 0);
    keydirs_free(load(NULL));
    assert_str(complaints(), "text:1: {}/x\\x1b]0;y\\x07.pem: Too many levels of symbolic links\n");
}

static void no_directory(void **state)
{
    (void)state;
    struct conf *plain = conf_parse(STR(""), &problems);
    assert_null(keydirs_load(plain, NULL, NOW, &problems));
    conf_free(plain);
    assert_int_equal(rmdir(directory), 0);
    struct keydirs *dirs = load(NULL);
    assert_str(complaints(), "text:1: {}: No such file or directory\n");
    assert_int_equal(dirs->dirs[0].n, 0);
    keydirs_free(dirs);
    assert_true(file_create(directory, STR(""), 0600, NULL));
    keydirs_free(load(NULL));
    assert_str(complaints(), "text:1: {}: is no directory\n");
    assert_int_equal(unlink(directory), 0);
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(chmod(directory, 0777), 0);
    keydirs_free(load(NULL));
    assert_str(complaints(),
               "text:1: {}: everybody may put keys there (mode 0777); run: chmod o-w {}\n");
}

static void states_are_written_and_read(void **state)
{
    (void)state;
    struct stat st;
    write_key("s1.pem");
    write_key("s2.pem");
    struct keydirs *dirs = load(NULL);
    activate(dirs, 1);
    dirs->dirs[0].lives[0].life.seen = NOW + 5;
    dirs->dirs[0].lives[0].life.ttl = 300;
    save(dirs);
    assert_str(shown(dirs), "s1:pending s2:active");
    keydirs_free(dirs);
    assert_int_equal(stat(in_directory("s1.state"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    dirs = load(NULL);
    assert_str(shown(dirs), "s1:pending s2:active");
    assert_int_equal(dirs->dirs[0].lives[0].life.seen, NOW + 5);
    assert_int_equal(dirs->dirs[0].lives[0].life.ttl, 300);
    assert_int_equal(dirs->dirs[0].lives[0].life.created, NOW);
    assert_str(signers(dirs), "a.example/s2");
    keydirs_free(dirs);
}

/* Whoever may write there may leave root, who only asks, no FIFO to wait at. */
static void state_file_that_is_a_fifo(void **state)
{
    (void)state;
    write_key("s1.pem");
    assert_int_equal(mkfifo(in_directory("s1.state"), 0600), 0);
    alarm(10);
    keydirs_free(load(NULL));
    alarm(0);
    assert_str(complaints(), "{}/s1.state: is no regular file; remove the file, and the key begins "
                             "as pending\n");
}

static void broken_state_file(void **state)
{
    (void)state;
    write_key("s1.pem");
    struct keydirs *first = load(NULL), *second;
    activate(first, 0);
    save(first);
    write_file("s1.state", STR("state = active\nkey: 5\n"), 0600);
    second = load(NULL);
    assert_str(complaints(),
               "{}/s1.state:2: it is no \"name = value\"; remove the file, and the key "
               "begins as pending\n");
    assert_int_equal(second->dirs[0].n, 0);
    keydirs_free(second);
    /* Who knew it before goes on. */
    second = load(first);
    assert_true(complaints().n > 0);
    assert_str(shown(second), "s1:active*");
    keydirs_free(first);
    keydirs_free(second);
}

/* A key under the name of another must not sign by the state of that. */
static void replaced_key(void **state)
{
    (void)state;
    write_key("s1.pem");
    struct keydirs *first = load(NULL), *second;
    activate(first, 0);
    save(first);
    write_key("s1.pem");
    second = load(first);
    assert_str(shown(second), "s1:pending*");
    assert_false(keydirs_same_signers(first, second));
    keydirs_free(second);
    second = load(NULL);
    assert_str(shown(second), "s1:pending*");
    assert_str(complaints(), "");
    keydirs_free(first);
    keydirs_free(second);
}

static void broken_key(void **state)
{
    (void)state;
    write_key("s1.pem");
    struct keydirs *first = load(NULL), *second;
    activate(first, 0);
    write_file("s1.pem", STR("junk"), 0600);
    second = load(first);
    assert_str(complaints(),
               "text:1: {}/s1.pem: no private key in PEM form without a passphrase\n");
    assert_str(shown(second), "s1:active*");
    assert_true(keydirs_same_signers(first, second));
    keydirs_free(second);
    second = load(NULL);
    assert_int_equal(second->dirs[0].n, 0);
    assert_true(complaints().n > 0);
    keydirs_free(second);
    write_key("s1.pem");
    assert_int_equal(chmod(in_directory("s1.pem"), 0644), 0);
    second = load(NULL);
    assert_int_equal(second->dirs[0].n, 0);
    assert_non_null(strstr(complaints().p, "others can get at the key"));
    keydirs_free(first);
    keydirs_free(second);
}

/* --- generations -------------------------------------------------------------------------------*/

static void generations(void **state)
{
    (void)state;
    write_key("s1.pem");
    struct keydirs *first = load(NULL), *second, *third;
    activate(first, 0); /* and not saved */
    first->dirs[0].lives[0].told = RECORD_DIFFERS;
    write_key("s2.pem");
    second = keydirs_load(conf, first, NOW + 10, &problems);
    assert_str(shown(second), "s1:active* s2:pending*");
    assert_ptr_equal(second->dirs[0].keys[0].key, first->dirs[0].keys[0].key);
    assert_int_equal(second->dirs[0].lives[0].told, RECORD_DIFFERS);
    assert_int_equal(second->dirs[0].lives[0].life.created, NOW);
    assert_int_equal(second->dirs[0].lives[1].life.created, NOW + 10);
    assert_true(keydirs_same_signers(first, second));
    keydirs_free(first);
    save(second);
    /* What could not be written counts more than the file. */
    activate(second, 1);
    third = load(second);
    assert_str(shown(third), "s1:active s2:active*");
    keydirs_free(second);
    second = third;
    second->dirs[0].lives[1].life.state = KEY_PENDING;
    save(second);
    /* What an operator writes into a state file counts. */
    struct str text = read_file("s1.state");
    assert_true(str_starts(text, STR("# The life of a signing key")));
    char *copy = str_cstr(arena, text);
    memcpy(strstr(copy, "active"), "pendin", 6);
    unlink(in_directory("s1.state"));
    char *at = strstr(copy, "pendin");
    write_file("s1.state", str_printf(arena, "%.*spending%s", (int)(at - copy), copy, at + 6),
               0600);
    third = load(second);
    assert_str(complaints(), "");
    assert_str(shown(third), "s1:pending s2:pending");
    assert_false(keydirs_same_signers(second, third));
    keydirs_free(second);
    /* A state file that goes is written again; a key that goes is gone. */
    unlink(in_directory("s1.state"));
    unlink(in_directory("s2.pem"));
    second = load(third);
    assert_str(shown(second), "s1:pending*");
    keydirs_free(second);
    keydirs_free(third);
    assert_true(keydirs_same_signers(NULL, NULL));
}

static void directory_that_goes(void **state)
{
    (void)state;
    write_key("s1.pem");
    struct keydirs *first = load(NULL), *second;
    activate(first, 0);
    assert_int_equal(chmod(directory, 0777), 0);
    second = load(first);
    assert_true(complaints().n > 0);
    assert_str(shown(second), "s1:active*");
    assert_true(keydirs_same_signers(first, second));
    keydirs_free(first);
    assert_int_equal(chmod(directory, 0700), 0);
    first = load(second);
    assert_str(complaints(), "");
    assert_str(shown(first), "s1:active*");
    keydirs_free(first);
    keydirs_free(second);
}

/* --- writing -----------------------------------------------------------------------------------*/

static void unwritable_directory(void **state)
{
    (void)state;
    struct str problem;
    if (geteuid() == 0)
        skip(); /* root may write anywhere; tests/wire plays it with a daemon that is not root */
    write_key("s1.pem");
    struct keydirs *dirs = load(NULL);
    assert_int_equal(chmod(directory, 0500), 0);
    assert_false(keydir_save(&dirs->dirs[0], &reader, arena, &problem));
    assert_str(shown(dirs), "s1:pending*");
    assert_str(
        problem,
        str_printf(arena,
                   "%s/s1.state: cannot be written: Permission denied; the states of the keys "
                   "are kept in memory alone; run: chmod u+rwx %s",
                   directory, directory)
            .p);
    keydirs_free(dirs);
}

static void file_replacing(void **state)
{
    (void)state;
    const char *path = in_directory("f");
    struct stat st;
    assert_true(file_replace(path, STR("one"), 0600, getegid()));
    const char *fresh = str_printf(arena, "f.new-%ld", (long)getpid()).p;
    write_file(fresh, STR("left by a crash"), 0666);
    assert_true(file_replace(path, STR("two"), 0640, getegid()));
    assert_str(read_file("f"), "two");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(access(in_directory(fresh), F_OK), -1);
    /* If it cannot be put in place, the old one stays and nothing is left. */
    assert_int_equal(mkdir(in_directory("d"), 0700), 0);
    assert_false(file_replace(in_directory("d"), STR("x"), 0600, getegid()));
    assert_int_equal(errno, EISDIR);
    fresh = str_printf(arena, "d.new-%ld", (long)getpid()).p;
    assert_int_equal(access(in_directory(fresh), F_OK), -1);
    assert_false(file_create(path, STR("x"), 0600, NULL));
    assert_int_equal(errno, EEXIST);
    assert_str(read_file("f"), "two");
}

#define LARGE 2000000 /* bytes: they take their time to be written */

struct looking {
    const char *path;
    unsigned halves;
};

static void *look_for_halves(void *looking)
{
    struct looking *l = looking;
    struct stat st;
    for (int looks = 0; looks < 50;) {
        if (stat(l->path, &st) != 0)
            continue;
        looks++;
        l->halves += st.st_size != LARGE || (st.st_mode & 07777) != 0640;
    }
    return NULL;
}

/* The daemon may read a key at the moment at which a command makes it. */
static void a_file_appears_whole(void **state)
{
    (void)state;
    char *text = arena_alloc(arena, LARGE);
    struct looking looking = {in_directory("whole"), 0};
    pthread_t looker;
    memset(text, 'k', LARGE);
    assert_int_equal(pthread_create(&looker, NULL, look_for_halves, &looking), 0);
    usleep(10000);
    bool made = file_create(looking.path, (struct str){text, LARGE}, 0640, NULL);
    pthread_join(looker, NULL);
    assert_true(made);
    assert_int_equal(looking.halves, 0);
    const char *fresh = str_printf(arena, "whole.new-%ld", (long)getpid()).p;
    assert_int_equal(access(in_directory(fresh), F_OK), -1);
    write_file(fresh, STR("left by a crash"), 0666);
    assert_false(file_create(looking.path, STR("x"), 0600, NULL));
    assert_int_equal(errno, EEXIST);
    assert_int_equal(access(in_directory(fresh), F_OK), -1);
    assert_true(file_create(in_directory("next"), STR("x"), 0600, NULL));
    assert_str(read_file("next"), "x");
}

/* Whoever may write in the directory cannot have another file written through it. */
static void files_behind_links(void **state)
{
    (void)state;
    struct stat st;
    write_file("victim", STR("precious"), 0600);
    const char *victim = in_directory("victim");
    const char *fresh = str_printf(arena, "soft.new-%ld", (long)getpid()).p;
    assert_int_equal(symlink(victim, in_directory("soft")), 0);
    assert_int_equal(symlink(victim, in_directory(fresh)), 0);
    assert_int_equal(link(victim, in_directory("hard")), 0);
    assert_int_equal(symlink(in_directory("nothing"), in_directory("dangling")), 0);
    assert_true(file_replace(in_directory("soft"), STR("x"), 0644, getegid()));
    assert_true(file_replace(in_directory("hard"), STR("y"), 0644, getegid()));
    assert_false(file_create(in_directory("dangling"), STR("z"), 0644, NULL));
    assert_int_equal(errno, EEXIST);
    assert_int_equal(access(in_directory("nothing"), F_OK), -1);
    assert_int_equal(lstat(in_directory("soft"), &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_str(read_file("hard"), "y");
    assert_str(read_file("victim"), "precious");
    assert_int_equal(stat(victim, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_nlink, 1);
}

static void rotating(void **state)
{
    (void)state;
    struct str problem;
    struct generated_key key;
    for (int i = 0; i < 28; i++) {
        assert_true(
            key_rotate(conf, &conf->signing[0], KEY_ED25519, 0, NOW, arena, &key, &problem));
        if (i == 0)
            assert_str(key.selector, "2026-11a");
        if (i == 1)
            unlink(in_directory("a.example.2026-11a.pem")); /* its other files stay */
    }
    assert_str(key.selector, "2026-11ab");
    unlink(in_directory("a.example.2026-11b.pem"));
    unlink(in_directory("a.example.2026-11b.txt"));
    unlink(in_directory("a.example.2026-11b.state"));
    write_file("2026-11bx.txt", STR("another selector"), 0644);
    assert_true(key_rotate(conf, &conf->signing[0], KEY_ED25519, 0, NOW, arena, &key, &problem));
    assert_str(key.selector, "2026-11b");
    struct keydirs *dirs = load(NULL);
    assert_str(complaints(), "");
    assert_int_equal(dirs->dirs[0].n, 27);
    for (size_t i = 0; i < dirs->dirs[0].n; i++) {
        assert_true(dirs->dirs[0].keys[i].saved);
        assert_int_equal(dirs->dirs[0].lives[i].life.state, KEY_PENDING);
        assert_int_equal(dirs->dirs[0].lives[i].life.created, NOW);
    }
    keydirs_free(dirs);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(names),
        TEST(name_for_a_terminal),
        TEST(no_directory),
        TEST(states_are_written_and_read),
        TEST(state_file_that_is_a_fifo),
        TEST(broken_state_file),
        TEST(replaced_key),
        TEST(broken_key),
        TEST(generations),
        TEST(directory_that_goes),
        TEST(unwritable_directory),
        TEST(file_replacing),
        TEST(a_file_appears_whole),
        TEST(files_behind_links),
        TEST(rotating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
