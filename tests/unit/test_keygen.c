/* test_keygen.c - assay dkim keygen: the key, its record, what is printed, and what is refused. */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "crypto/canon.h"
#include "keys/keyset.h"
#include "keys/record.h"
#include "mail/taglist.h"
#include "milter/commands/command.h"
#include "milter/commands/keygen_print.h"

static struct arena *arena;
static char directory[] = "/tmp/assay-test-keygen-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_ERROR);
    return mkdtemp(directory) ? 0 : -1;
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
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static const char *in_directory(const char *name)
{
    return str_printf(arena, "%s/%s", directory, name).p;
}

static struct str read_file(const char *path)
{
    char block[16384];
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, block, sizeof block);
    assert_true(n >= 0 && n < (ssize_t)sizeof block);
    close(fd);
    return str_copy(arena, (struct str){block, (size_t)n});
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

/* --- the command ----------------------------------------------------------------------------- */

struct outcome {
    int status;
    struct str out, err;
};

#define WORDS_MAX 16

/* Runs `assay dkim` with these words ({} is the test's directory), its output caught. */
static struct outcome run(const char *line)
{
    char *argv[WORDS_MAX + 2] = {str_cstr(arena, STR("assay")), str_cstr(arena, STR("dkim"))};
    int argc = 2;
    struct str rest = str_of(line), word;
    while (str_split(&rest, ' ', &word) && argc < WORDS_MAX)
        if (word.n)
            argv[argc++] = str_eq(word, STR("{}")) ? directory : str_cstr(arena, word);
    const char *out_path = in_directory("out"), *err_path = in_directory("err");
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    fflush(stdout);
    assert_non_null(freopen(out_path, "w", stdout));
    assert_non_null(freopen(err_path, "w", stderr));
    struct outcome o = {.status = frame_main(&assay_command, argc, argv)};
    fflush(stdout);
    fflush(stderr);
    assert_true(dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);
    close(out);
    close(err);
    o.out = read_file(out_path);
    o.err = read_file(err_path);
    return o;
}

static bool contains(struct str text, struct str part)
{
    return memmem(text.p, text.n, part.p, part.n) != NULL;
}

/* The strings of a zone file line, joined; each at most 255 bytes. */
static struct str zone_strings(struct str zone)
{
    struct strbuf b;
    struct str part;
    bool inside = false;
    sb_init(&b, arena);
    while (str_split(&zone, '"', &part)) {
        if (inside) {
            assert_true(part.n <= 255);
            sb_add(&b, part);
        }
        inside = !inside;
    }
    return sb_str(&b);
}

/* What the private key signs must verify with what the record publishes. */
static void check_record(struct str value, struct str pem, enum key_type type)
{
    static const unsigned char digest[32] = {1, 2, 3};
    struct taglist tags;
    struct str problem;
    const char *why;
    assert_int_equal(taglist_parse(arena, value, &tags, &problem), TAGLIST_OK);
    assert_int_equal(tags.n, 3);
    assert_str(tags.tags[0].name, "v"); /* RFC 6376 3.6.1: first, if there */
    assert_str(taglist_get(&tags, STR("v")), "DKIM1");
    assert_str(taglist_get(&tags, STR("k")), type == KEY_RSA ? "rsa" : "ed25519");
    struct str bytes = base64_decode(arena, taglist_get(&tags, STR("p")));
    struct public_key *public = public_key_decode(type, bytes, &why);
    assert_non_null(public);
    struct private_key *private = private_key_decode(pem, arena, &problem);
    assert_non_null(private);
    assert_int_equal(private_key_type(private), type);
    assert_true(public_key_verify(public, digest, private_key_sign(private, digest, arena)));
    public_key_release(public);
    private_key_release(private);
}

static void test_rsa(void **state)
{
    (void)state;
    umask(0);
    struct outcome o = run("keygen --domain Example.ORG --selector R2026 --directory {}");
    umask(022);
    assert_int_equal(o.status, 0);
    assert_str(o.err, "");
    const char *key = in_directory("example.org.r2026.pem");
    const char *record = in_directory("example.org.r2026.txt");
    assert_int_equal(mode_of(key), 0600);
    assert_int_equal(mode_of(record), 0644);
    struct str zone = read_file(record);
    struct str start = STR("r2026._domainkey.example.org. IN TXT ( \"v=DKIM1; k=rsa; p=");
    assert_str(str_sub(zone, 0, start.n), start.p);
    struct str value = zone_strings(zone);
    check_record(value, read_file(key), KEY_RSA);
    /* Both forms, to be copied. */
    struct str first = str_sub(zone, 0, str_find(zone, 0, '\n'));
    assert_true(contains(o.out, str_printf(arena, "\n    %.*s\n", STR_ARG(first))));
    assert_true(contains(o.out, str_printf(arena, "\n    r2026._domainkey.example.org\n    %.*s\n",
                                           STR_ARG(value))));
}

static void test_ed25519(void **state)
{
    (void)state;
    struct outcome o = run("keygen --domain b\xc3\xbc"
                           "cher.example --selector e --type ed25519 --directory {}");
    assert_int_equal(o.status, 0);
    struct str zone = read_file(in_directory("xn--bcher-kva.example.e.txt"));
    struct str value = zone_strings(zone);
    assert_str(zone, str_printf(arena, "e._domainkey.xn--bcher-kva.example. IN TXT \"%.*s\"\n",
                                STR_ARG(value))
                         .p);
    check_record(value, read_file(in_directory("xn--bcher-kva.example.e.pem")), KEY_ED25519);
    assert_true(contains(o.out, STR("sign with an RSA key too")));
}

/* The printed entry, pasted into a configuration, signs. */
static void test_both_and_the_entry(void **state)
{
    (void)state;
    struct outcome o = run("keygen --domain both.example --selector s --type both --directory {}");
    assert_int_equal(o.status, 0);
    const char *begin = strstr(o.out.p, "    signing = (\n");
    assert_non_null(begin);
    const char *end = strstr(begin, "    );\n");
    assert_non_null(end);
    struct conf_problems problems;
    struct key_set *keys = NULL;
    conf_problems_init(&problems, arena);
    struct conf *conf = conf_parse((struct str){begin, (size_t)(end + 7 - begin)}, &problems);
    assert_non_null(conf);
    assert_true(key_set_load(conf, &problems, &keys));
    assert_int_equal(conf->signing[0].n_keys, 2);
    assert_str(conf->signing[0].keys[0].selector, "s-rsa");
    assert_str(conf->signing[0].keys[1].selector, "s-ed25519");
    key_set_free(keys);
    conf_free(conf);
}

static void test_json(void **state)
{
    (void)state;
    struct outcome o =
        run("keygen --domain j.example --selector s --type ed25519 --json --directory {}");
    assert_int_equal(o.status, 0);
    struct str value = zone_strings(read_file(in_directory("j.example.s.txt")));
    struct str path = str_of(in_directory("j.example.s"));
    struct str want =
        str_printf(arena,
                   "{\n"
                   "  \"domain\": \"j.example\",\n"
                   "  \"signing\": \"{ domain = \\\"j.example\\\";\\n  keys = ( { selector = "
                   "\\\"s\\\"; file = "
                   "\\\"%.*s.pem\\\"; } ); }\\n\",\n"
                   "  \"keys\": [\n"
                   "    {\n"
                   "      \"type\": \"ed25519\",\n"
                   "      \"bits\": 256,\n"
                   "      \"selector\": \"s\",\n"
                   "      \"private_key\": \"%.*s.pem\",\n"
                   "      \"record_file\": \"%.*s.txt\",\n"
                   "      \"name\": \"s._domainkey.j.example\",\n"
                   "      \"value\": \"%.*s\",\n"
                   "      \"zone\": \"s._domainkey.j.example. IN TXT \\\"%.*s\\\"\\n\"\n"
                   "    }\n"
                   "  ]\n"
                   "}\n",
                   STR_ARG(path), STR_ARG(path), STR_ARG(path), STR_ARG(value), STR_ARG(value));
    assert_str(o.out, want.p);
}

static void test_group(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* giving a file to another group */
    struct outcome o =
        run("keygen --domain g.example --selector s --type ed25519 --group daemon --directory {}");
    assert_int_equal(o.status, 0);
    assert_int_equal(mode_of(in_directory("g.example.s.pem")), 0640);
}

/* Neither file is replaced, and none is left when one cannot be made. */
static void test_existing_files(void **state)
{
    (void)state;
    static const char line[] =
        "keygen --domain x.example --selector s --type ed25519 --directory {}";
    const char *key = in_directory("x.example.s.pem"), *record = in_directory("x.example.s.txt");
    assert_int_equal(run(line).status, 0);
    struct str before = read_file(key);
    struct outcome o = run(line);
    assert_int_equal(o.status, 73);
    assert_str(o.out, "");
    assert_str(o.err, str_printf(arena,
                                 "assay dkim keygen: %s: File exists; choose another selector: a "
                                 "key in use is never replaced\n",
                                 key)
                          .p);
    assert_str(read_file(key), before.p);
    assert_int_equal(unlink(key), 0);
    before = read_file(record);
    assert_int_equal(run(line).status, 73);
    assert_int_equal(access(key, F_OK), -1);
    assert_str(read_file(record), before.p);
    /* A dangling link is no way around. */
    assert_int_equal(unlink(record), 0);
    assert_int_equal(symlink(in_directory("elsewhere"), key), 0);
    assert_int_equal(run(line).status, 73);
    assert_int_equal(access(in_directory("elsewhere"), F_OK), -1);
    /* Of two keys both or none. */
    FILE *f = fopen(in_directory("y.example.s-ed25519.pem"), "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(
        run("keygen --domain y.example --selector s --type both --directory {}").status, 73);
    assert_int_equal(access(in_directory("y.example.s-rsa.pem"), F_OK), -1);
    assert_int_equal(access(in_directory("y.example.s-rsa.txt"), F_OK), -1);
}

static const struct {
    const char *words, *want;
} wrong[] = {
    {"keygen --selector s",
     "--domain is missing: the domain whose mail is signed, such as example.org"},
    {"keygen --domain example.org",
     "--selector is missing: a name for the key, such as s2026: never used before for this domain"},
    {"keygen --domain a..b --selector s",
     "--domain: \"a..b\" is no domain name such as example.org"},
    {"keygen --domain a/b.example --selector s",
     "--domain: \"a/b.example\" is no domain name such as example.org"},
    {"keygen --domain org --selector s",
     "--domain: verifiers refuse signatures of a top-level domain "
     "such as \"org\"; wanted is one such as example.org"},
    {"keygen --domain a.example --selector s/../x",
     "--selector: \"s/../x\" is no selector: letters, digits and hyphens, such as \"s2026\""},
    {"keygen --domain a.example --selector "
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa --type both",
     "--selector: too long: its labels may have 63 bytes, and the name of the record "
     "SELECTOR._domainkey.DOMAIN 253 bytes"},
    {"keygen --domain a.example --selector s --type dsa",
     "--type: \"dsa\" is not known: allowed are rsa, ed25519, both"},
    {"keygen --domain a.example --selector s --bits 1024",
     "--bits: 1024 is too small: a signer must use at least 1024 bits and should use at least 2048 "
     "(RFC "
     "8301 3.2); allowed is 2048 to 4096"},
    {"keygen --domain a.example --selector s --bits 8192", "--bits: allowed is 2048 to 4096"},
    {"keygen --domain a.example --selector s --bits many", "--bits: allowed is 2048 to 4096"},
    {"keygen --domain a.example --selector s --type ed25519 --bits 256",
     "--bits is for RSA keys: an Ed25519 key has always 256"},
    {"keygen --domain a.example --selector s --directory /nonexistent/keys",
     "--directory: there is no /nonexistent/keys; make it: mkdir -p -m 0750 /nonexistent/keys"},
    {"keygen --domain a.example --selector s --directory /dev/null",
     "--directory: /dev/null: is no directory"},
    {"keygen --domain a.example --selector s --group nosuchgroup",
     "--group: there is no group nosuchgroup"},
};

static void test_wrong_calls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct outcome o = run(wrong[i].words);
        assert_str(o.err, str_printf(arena, "assay dkim keygen: %s\n", wrong[i].want).p);
        assert_int_equal(o.status, 64);
        assert_str(o.out, "");
    }
    assert_int_equal(run("keygen --nonsense").status, 64);
    assert_int_equal(run("keygen --domain a.example --selector s extra").status, 64);
}

static void test_help(void **state)
{
    (void)state;
    struct outcome o = run("keygen --help");
    assert_int_equal(o.status, 0);
    assert_true(contains(o.out, STR("--selector SELECTOR")));
}

static void test_zone_form(void **state)
{
    (void)state;
    struct strbuf b;
    sb_init(&b, arena);
    for (int i = 0; i < 255; i++)
        sb_addc(&b, 'a');
    struct str zone = key_record_zone(arena, STR("n"), sb_str(&b));
    assert_int_equal(zone.n, strlen("n. IN TXT \"\"\n") + 255);
    sb_add(&b, STR("b\"\\"));
    zone = key_record_zone(arena, STR("n"), sb_str(&b));
    assert_str(str_sub(zone, 0, 13), "n. IN TXT ( \"");
    assert_str(str_sub(zone, 13 + 255, zone.n), "\"\n    \"b\\\"\\\\\" )\n");
}

/* Somebody who may write there could put a link in the key's place before root copies the line. */
static void test_advice_follows_no_link(void **state)
{
    (void)state;
    const struct generated_key key = {.domain = STR("a.example"),
                                      .selector = STR("s"),
                                      .key_path = STR("/k/a.example.s.pem"),
                                      .record_path = STR("/k/a.example.s.txt")};
    char *text;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    keygen_print(f, &key, 1, "assay", arena);
    fclose(f);
    assert_non_null(strstr(text, "    chown -h root:assay /k/a.example.s.pem && chmod 0640 "
                                 "/k/a.example.s.pem\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rsa, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ed25519, setup, teardown),
        cmocka_unit_test_setup_teardown(test_both_and_the_entry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group, setup, teardown),
        cmocka_unit_test_setup_teardown(test_existing_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zone_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_advice_follows_no_link, setup, teardown),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
