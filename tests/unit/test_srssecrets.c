/* srssecrets: the file srs.secrets, who may read it, and how a fresh secret gets into it. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/srssecrets.h"

static char path[] = "/tmp/assay-test-srs-XXXXXX";

struct rig {
    struct arena *a;
    struct conf *conf;
    struct conf_problems problems;
};

static void write_file(const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    r->a = arena_new(0);
    conf_problems_init(&r->problems, r->a);
    r->conf = conf_parse(str_printf(r->a,
                                    "srs = { domain = \"srs.example.org\"; secrets = \"%s\"; "
                                    "local-domains = [ \"example.org\" ]; validity = \"36h\"; };",
                                    path),
                         &r->problems);
    assert_non_null(r->conf);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    conf_free(r->conf);
    arena_free(r->a);
    free(r);
    return 0;
}

static const struct srs_scheme *load(struct rig *r)
{
    r->problems.n = 0;
    return srs_scheme_load(r->conf, r->a, &r->problems);
}

static void reads_lines(void **state)
{
    struct rig *r = *state;
    write_file("# a comment\n\nfirst secret \t\r\n second\n#third\n\n", 0600);
    const struct srs_scheme *s = load(r);
    assert_int_equal(r->problems.n, 0);
    assert_int_equal(s->n_secrets, 2);
    assert_str(s->secrets[0], "first secret");
    assert_str(s->secrets[1], " second");
    assert_str(s->domain, "srs.example.org");
    assert_int_equal(s->hash_length, 6);
    assert_int_equal(s->hash_minimum, 4);
    assert_int_equal(s->validity_days, 1);
    assert_true(s->is_local(s->context, STR("example.org")));
    assert_true(s->is_local(s->context, STR("sub.example.org")));
    assert_false(s->is_local(s->context, STR("example.com")));
}

static void has_none_without_a_domain(void **state)
{
    struct rig *r = *state;
    struct conf *conf = conf_parse(STR(""), &r->problems);
    assert_null(srs_scheme_load(conf, r->a, &r->problems));
    assert_int_equal(r->problems.n, 0);
    conf_free(conf);
}

static void expect_problem(struct rig *r, const char *words)
{
    const struct srs_scheme *s = load(r);
    assert_int_equal(r->problems.n, 1);
    if (!strstr(r->problems.v[0].p, words))
        fail_msg("%s is not in %s", words, r->problems.v[0].p);
    assert_int_equal(s->n_secrets, 0);
    assert_int_equal(srs_forward(s, STR("a@b.example"), 0, r->a).status, SRS_UNKNOWN);
}

static void complains_of_files(void **state)
{
    struct rig *r = *state;
    write_file("secret\n", 0604);
    expect_problem(r, "others can get at the secret");
    write_file("secret\n", 0620);
    expect_problem(r, "its group can get at the secret");
    write_file("# none\n", 0600);
    expect_problem(r, "holds no secret");
    write_file("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n1\n2\n3\n4\n5\n6\n7\n8\n9\n20\n", 0600);
    assert_int_equal(load(r)->n_secrets, 20);
    write_file("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n1\n2\n3\n4\n5\n6\n7\n8\n9\n20\n21\n", 0600);
    expect_problem(r, "more than 20 secrets");
    FILE *f = fopen(path, "w");
    fwrite("a\0b\n", 1, 4, f);
    fclose(f);
    expect_problem(r, "NUL byte");
    f = fopen(path, "w");
    for (int i = 0; i < 33000; i++)
        fputc('x', f);
    fclose(f);
    expect_problem(r, "larger than any secret");
    unlink(path);
    expect_problem(r, "No such file");
    assert_int_equal(mkdir(path, 0700), 0);
    expect_problem(r, "is no regular file");
    rmdir(path);
}

static void adds_one_before_the_others(void **state)
{
    struct rig *r = *state;
    struct str problem;
    struct stat st;
    write_file("# mine\nold\n", 0640);
    assert_true(srs_secrets_add(r->conf, r->a, &problem));
    const struct srs_scheme *s = load(r);
    assert_int_equal(s->n_secrets, 2);
    assert_int_equal(s->secrets[0].n, 32);
    assert_str(s->secrets[1], "old");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_true(srs_secrets_add(r->conf, r->a, &problem));
    const struct srs_scheme *more = load(r);
    assert_int_equal(more->n_secrets, 3);
    assert_str(more->secrets[1], str_cstr(r->a, s->secrets[0]));
    assert_false(str_eq(more->secrets[0], more->secrets[1]));
}

static void makes_the_file(void **state)
{
    struct rig *r = *state;
    struct str problem;
    struct stat st;
    unlink(path);
    assert_true(srs_secrets_add(r->conf, r->a, &problem));
    assert_int_equal(load(r)->n_secrets, 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    /* An empty one too. */
    write_file("", 0600);
    assert_true(srs_secrets_add(r->conf, r->a, &problem));
    assert_int_equal(load(r)->n_secrets, 1);
}

static void adds_to_no_file_that_is_wrong(void **state)
{
    struct rig *r = *state;
    struct str problem;
    write_file("secret\n", 0644);
    assert_false(srs_secrets_add(r->conf, r->a, &problem));
    assert_non_null(strstr(problem.p, "others can get at"));
    write_file("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n1\n2\n3\n4\n5\n6\n7\n8\n9\n20\n", 0600);
    assert_false(srs_secrets_add(r->conf, r->a, &problem));
    assert_non_null(strstr(problem.p, "holds 20 secrets"));
    assert_int_equal(load(r)->n_secrets, 20);
}

static void tells_secrets_apart(void **state)
{
    char one[SRS_FINGERPRINT + 1];
    (void)state;
    srs_secret_fingerprint(STR("abc"), one);
    assert_string_equal(one, "ba7816bf8f01cfea"); /* FIPS 180-2 B.1 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(has_none_without_a_domain, setup, teardown),
        cmocka_unit_test_setup_teardown(complains_of_files, setup, teardown),
        cmocka_unit_test_setup_teardown(adds_one_before_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(makes_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(adds_to_no_file_that_is_wrong, setup, teardown),
        cmocka_unit_test(tells_secrets_apart),
    };
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_ERROR);
    int fd = mkstemp(path);
    if (fd < 0)
        return 2;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
