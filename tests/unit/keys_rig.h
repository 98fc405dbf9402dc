/* keys_rig.h - what tests of signing keys share: a directory with keys, and sets of keys from
 * texts. */
#ifndef ASSAY_TESTS_KEYS_RIG_H
#define ASSAY_TESTS_KEYS_RIG_H

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/keys.h"
#include "keys/keyset.h"

#define KEYS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* An entry of a domain with one key, in the test's directory. */
#define ENTRY(file)                                                                                \
    "signing = ( { domain = \"a.example\"; keys = ( { selector = \"s\"; file = \"{}/" file         \
    "\"; } ); } );"

static struct arena *arena;
static struct conf_problems problems;
static char directory[] = "/tmp/assay-test-keys-XXXXXX";

static inline struct str in_directory(const char *name)
{
    return str_printf(arena, "%s/%s", directory, name);
}

static inline void write_file(const char *name, struct str text, mode_t mode)
{
    struct str path = in_directory(name);
    FILE *f = fopen(path.p, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path.p, mode), 0);
}

static inline void write_key(const char *name, enum key_type type)
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
static inline struct str complaints(void)
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
static inline struct conf *parse(const char *text)
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

static inline struct key_set *load(const char *text)
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

static inline struct str refuse(const char *text)
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
static inline struct str signers(const struct key_set *set, const char *local, const char *domain)
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

static inline struct str expand(const char *text, const char *value)
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

#endif
