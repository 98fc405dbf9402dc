/* rootpath: what root may trust, with directories of root and of somebody else. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rootpath.h"

#define SOMEBODY 12345

static char top[] = "/tmp/assay-test-rootpath-XXXXXX"; /* in a sticky directory */

static const char *below(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", top, name);
    return path;
}

static void make(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
    assert_int_equal(mkdir(below(name), 0700), 0);
    assert_int_equal(chown(below(name), uid, gid), 0);
    assert_int_equal(chmod(below(name), mode), 0);
}

static void make_link(const char *name, const char *target, uid_t uid)
{
    assert_int_equal(symlink(target, below(name)), 0);
    assert_int_equal(lchown(below(name), uid, uid), 0);
}

static int set_up(void **state)
{
    (void)state;
    if (geteuid() != 0)
        return 0;
    assert_non_null(mkdtemp(top));
    make("roots", 0, 0, 0755);
    make("roots/own", 0, 0, 0700);
    make("roots/theirs", SOMEBODY, SOMEBODY, 0755);
    make("roots/theirs/roots", 0, 0, 0755);
    make("roots/all", 0, 0, 0777);
    make("roots/all/roots", 0, 0, 0755);
    make("roots/sticky", 0, 0, 01777);
    make("roots/sticky/roots", 0, 0, 0755);
    make("roots/sticky/theirs", SOMEBODY, 0, 0755);
    make("roots/group", 0, SOMEBODY, 0775);
    make("roots/group0", 0, 0, 0775);
    make_link("roots/link", "own", 0);
    make_link("roots/absolute", "/usr/lib", 0);
    make_link("roots/up", "../roots/own", 0);
    make_link("roots/through", "theirs/roots", 0);
    make_link("roots/sticky/link", "../own", 0);
    make_link("roots/sticky/theirlink", "../own", SOMEBODY);
    make_link("roots/theirs/link", "../own", SOMEBODY);
    make_link("roots/circle", "circle", 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[sizeof top + 16];
    snprintf(command, sizeof command, "rm -rf %s", top);
    return geteuid() != 0 ? 0 : system(command);
}

struct path_case {
    const char *path; /* below the top */
    bool roots;
};

static const struct path_case path_cases[] = {
    {"roots", true},
    {"roots/", true},
    {"roots//./own", true},
    {"roots/own/..", true},
    {"roots/own", true},
    {"roots/sticky/roots", true}, /* nobody else can take it away */
    {"roots/group0", true},
    {"roots/link", true},
    {"roots/absolute", true},
    {"roots/up", true},
    {"roots/sticky/link", true},

    {"roots/theirs", false},
    {"roots/theirs/roots", false}, /* they may put another one in its place */
    {"roots/theirs/..", false},    /* was theirs */
    {"roots/all", false},
    {"roots/all/roots", false},
    {"roots/sticky", false}, /* they may put files there */
    {"roots/sticky/theirs", false},
    {"roots/group", false},
    {"roots/through", false},
    {"roots/theirs/link", false},
    {"roots/sticky/theirlink", false},
    {"roots/circle", false},
    {"roots/none", false},
};

static void paths(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < sizeof path_cases / sizeof *path_cases; i++)
        if (only_root_changes(below(path_cases[i].path)) != path_cases[i].roots)
            fail_msg("%s", path_cases[i].path);
}

static void any_user(void **state)
{
    (void)state;
    assert_true(only_root_changes("/"));
    assert_true(only_root_changes("/usr"));
    assert_false(only_root_changes("/tmp"));
    assert_false(only_root_changes("/etc/passwd"));
    assert_false(only_root_changes("usr"));
    assert_false(only_root_changes(""));
}

/* Nothing is left open, and what is too long is no path. */
static void descriptors(void **state)
{
    (void)state;
    static char path[5000];
    memset(path, '/', sizeof path - 1);
    assert_false(only_root_changes(path));
    memcpy(path, "/usr", 4);
    path[4000] = '\0';
    assert_true(only_root_changes(path));
    memset(path, 'x', 1000); /* a name that is too long */
    memcpy(path, "/usr/", 5);
    path[1000] = '\0';
    assert_false(only_root_changes(path));
    for (int i = 0; i < 2000; i++)
        only_root_changes(i % 3 == 0   ? "/usr/lib/none"
                          : i % 3 == 1 ? "/usr/lib"
                                       : below("roots/link"));
    int fd = dup(0);
    assert_true(fd < 100);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(any_user),
        cmocka_unit_test(descriptors),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
