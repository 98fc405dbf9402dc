/* conf_rig.h - what tests of assay.conf share: a directory of files, a text parsed, all complaints.
 */
#ifndef ASSAY_TESTS_CONF_RIG_H
#define ASSAY_TESTS_CONF_RIG_H

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/conf.h"

#define CONF_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A signing entry needs one. */
#define KEY "keys = { selector = \"s\"; file = \"/k\"; };"

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

static inline const char *write_file(const char *name, const char *text)
{
    char *path = str_cstr(arena, str_printf(arena, "%s/%s", directory, name));
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* All complaints, one a line, the test's directory taken out of them. */
static inline struct str complaints(void)
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

static inline struct conf *parse(const char *text)
{
    struct conf *conf = conf_parse(str_of(text), &problems);
    if (!conf)
        print_error("%s", complaints().p);
    assert_non_null(conf);
    return conf;
}

/* The dump of a configuration loads, and dumps the same. */
static inline void round_trip(const char *text)
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
static inline const char *in_directory(const char *text)
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

#endif
