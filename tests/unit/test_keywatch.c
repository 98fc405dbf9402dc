/* keywatch: what it does with a look at the DNS, and when the next one is due. The runtime is the
 * test's own, and so is the time; the life cycle has its cases in test_lifecycle, the files in
 * test_keydir. */
#include "test.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/log.h"
#include "keys/keyset.h"
#include "keys/safefile.h"
#include "milter/daemon/keywatch.h"
#include "session/snapshot.h"

#define START 1795176000 /* 2026-11-20T12:00:00Z */
#define HOUR  3600       /* between two looks */

/* --- What keywatch calls -----------------------------------------------------------------------*/

static struct snapshot in_force;
static struct key_set *signing_keys;
static unsigned installed; /* sets of keys since the test began */
static sem_t bell;
static _Atomic int64_t passed; /* seconds, for the program under test */

/* In place of those of runtime.c. */
struct snapshot *snapshot_take(struct runtime *rt)
{
    (void)rt;
    return &in_force;
}

void snapshot_release(struct snapshot *s)
{
    assert_ptr_equal(s, &in_force);
}

void runtime_wake(struct runtime *rt)
{
    (void)rt;
    sem_post(&bell);
}

void runtime_install_keys(struct runtime *rt, struct key_set *keys)
{
    (void)rt;
    key_set_free(signing_keys);
    in_force.keys = signing_keys = keys;
    installed++;
}

/* In place of libc's. */
time_t time(time_t *out)
{
    time_t t = START + atomic_load(&passed);
    if (out)
        *out = t;
    return t;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int status = (int)syscall(SYS_clock_gettime, clock, out);
    if (clock == CLOCK_MONOTONIC)
        out->tv_sec += atomic_load(&passed);
    return status;
}

/* --- A daemon with one key directory -----------------------------------------------------------*/

static struct arena *arena;
static char directory[64];
static struct conf *conf;
static struct keywatch *watch;
static struct dns *dns;

static const char *in_directory(const char *name)
{
    return str_printf(arena, "%s/%s", directory, name).p;
}

/* Puts a zone in the place of the DNS. */
static void publish(struct str zone)
{
    struct str problem;
    dns_close(dns);
    dns = in_force.dns = dns_open_zone(zone, arena, &problem);
    assert_non_null(dns);
}

/* A key, and the line of a zone file for it, with a TTL of 60 s. */
static struct str write_key(const char *selector)
{
    struct str problem;
    struct private_key *key = private_key_generate(KEY_ED25519, 0, arena, &problem);
    const char *path = in_directory(str_printf(arena, "%s.pem", selector).p);
    unlink(path);
    assert_true(file_create(path, private_key_pem(key, arena), 0600, NULL));
    struct str p = base64_encode(arena, private_key_public(key, arena));
    private_key_release(key);
    return str_printf(arena, "%s._domainkey.a.example. 60 TXT \"v=DKIM1; k=ed25519; p=%.*s\"\n",
                      selector, STR_ARG(p));
}

static int set_up(void **state)
{
    struct conf_problems problems;
    (void)state;
    strcpy(directory, "/tmp/assay-test-keywatch-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_WARNING);
    atomic_store(&passed, 0);
    arena = arena_new(0);
    conf_problems_init(&problems, arena);
    conf = conf_parse(str_printf(arena,
                                 "signing = ( { domain = \"a.example\"; directory = \"%s\"; } );\n"
                                 "key-check-interval = \"1h\"; key-retirement = \"2h\";",
                                 directory),
                      &problems);
    in_force = (struct snapshot){.conf = conf};
    publish(STR(""));
    installed = 0;
    watch = keywatch_new((struct runtime *)&in_force);
    return 0;
}

static int tear_down(void **state)
{
    char command[2 * sizeof directory + 32];
    (void)state;
    keywatch_free(watch);
    key_set_free(signing_keys);
    signing_keys = NULL;
    dns_close(dns);
    dns = NULL;
    conf_free(conf);
    arena_free(arena);
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

/* As the daemon does at its start and at a reload. */
static void install(void)
{
    struct conf_problems problems;
    struct candidate c = {.conf = conf};
    conf_problems_init(&problems, arena);
    assert_true(key_set_load_dirs(conf, &problems, &problems, &c.keys, &c.dirs));
    struct keydirs *dirs = keywatch_prepare(watch, &c);
    key_set_free(signing_keys);
    in_force.keys = signing_keys = c.keys;
    keydirs_free(c.dirs);
    keywatch_adopt(watch, dirs);
}

/* The next look, from its beginning to what follows of it. */
static void look(void)
{
    atomic_fetch_add(&passed, HOUR);
    assert_in_range(keywatch_timeout(watch), 0, 1);
    keywatch_run(watch);
    assert_int_equal(keywatch_timeout(watch), -1); /* the bell will ring */
    sem_wait(&bell);
    keywatch_run(watch);
}

/* The selectors that a message of the domain is signed with. */
static struct str signers(void)
{
    const struct mailbox author = {
        .local = STR("ann"), .domain = STR("a.example"), .domain_ok = true};
    struct signing_choice choice = {0};
    struct strbuf b;
    sb_init(&b, arena);
    if (in_force.keys)
        in_force.keys->find(in_force.keys, &author, arena, &choice);
    for (size_t i = 0; i < choice.n; i++)
        sb_printf(&b, "%s%.*s", i ? " " : "", STR_ARG(choice.keys[i].selector));
    return sb_str(&b);
}

/* What a state file says. */
static struct str saved_state(const char *selector)
{
    char line[100] = "";
    FILE *f = fopen(in_directory(str_printf(arena, "%s.state", selector).p), "r");
    for (; f && fgets(line, sizeof line, f); *line = '\0')
        if (!strncmp(line, "state = ", 8))
            break;
    if (f)
        fclose(f);
    return str_trim(str_copy(arena, str_of(*line ? line + 8 : "")));
}

static unsigned told(const char *words)
{
    struct log_recent recent[LOG_RECENT];
    unsigned found = 0;
    for (size_t i = 0, n = log_recent(recent, LOG_RECENT); i < n; i++)
        found += strstr(recent[i].text, words) != NULL;
    return found;
}

/* --- Cases -------------------------------------------------------------------------------------*/

static void nothing_to_do_without_directories(void **state)
{
    (void)state;
    keywatch_run(watch);
    assert_int_equal(keywatch_timeout(watch), -1);
    keywatch_adopt(watch, NULL);
    keywatch_run(watch);
    assert_int_equal(keywatch_timeout(watch), -1);
    assert_int_equal(installed, 0);
}

static void a_look_is_due_at_once_and_then_at_the_interval(void **state)
{
    (void)state;
    write_key("one");
    install();
    assert_in_range(keywatch_timeout(watch), 0, 1);
    look();
    assert_in_range(keywatch_timeout(watch), (HOUR - 60) * 1000, HOUR * 1000 + 1);
    keywatch_run(watch); /* too early */
    assert_in_range(keywatch_timeout(watch), 0, HOUR * 1000 + 1);
    install(); /* a reload looks at once */
    assert_in_range(keywatch_timeout(watch), 0, 1);
    conf->key_check_interval = INT64_C(365) * 24 * HOUR * 1000;
    look();
    assert_int_equal(keywatch_timeout(watch), INT_MAX);
}

static void a_key_signs_when_its_record_was_seen(void **state)
{
    (void)state;
    uint64_t activated = counter_get(CTR_KEY_ACTIVATED);
    struct str record = write_key("one");
    install();
    look();
    assert_str(signers(), "");
    assert_str(saved_state("one"), "pending");
    publish(STR("one._domainkey.a.example. SERVFAIL\n"));
    look();
    assert_str(signers(), "");
    assert_int_equal(installed, 0);
    publish(record);
    look();
    assert_str(signers(), "one"); /* at once, because none does so far */
    assert_str(saved_state("one"), "active");
    assert_int_equal(installed, 1);
    assert_int_equal(counter_get(CTR_KEY_ACTIVATED), activated + 1);
    look();
    assert_int_equal(installed, 1); /* nothing new */
}

static void a_rotation(void **state)
{
    (void)state;
    uint64_t retired = counter_get(CTR_KEY_RETIRED), removable = counter_get(CTR_KEY_REMOVABLE);
    struct str first = write_key("one"), second;
    publish(first);
    install();
    look();
    assert_str(signers(), "one");
    second = write_key("two"); /* found by the next look, which is later: it is the newer one */
    look();
    assert_str(saved_state("two"), "pending");
    publish(str_printf(arena, "%.*s%.*s", STR_ARG(first), STR_ARG(second)));
    look();
    assert_str(signers(), "one"); /* seen, and not for its TTL */
    look();
    assert_str(signers(), "two");
    assert_str(saved_state("one"), "retiring");
    assert_str(saved_state("two"), "active");
    assert_int_equal(installed, 2);
    look();
    assert_str(saved_state("one"), "retiring"); /* for two hours */
    look();
    assert_str(saved_state("one"), "removable");
    assert_str(signers(), "two");
    assert_int_equal(counter_get(CTR_KEY_RETIRED), retired + 1);
    assert_int_equal(counter_get(CTR_KEY_REMOVABLE), removable + 1);
}

static void a_record_that_is_missing_is_counted_once(void **state)
{
    (void)state;
    uint64_t missing = counter_get(CTR_KEY_RECORD_MISSING);
    uint64_t changed = counter_get(CTR_KEY_RECORD_CHANGED);
    publish(write_key("one"));
    install();
    look();
    publish(STR(""));
    look();
    look();
    publish(STR("one._domainkey.a.example. TXT \"v=DKIM1; k=ed25519; "
                "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"));
    look();
    look();
    assert_int_equal(counter_get(CTR_KEY_RECORD_MISSING), missing + 1);
    assert_int_equal(counter_get(CTR_KEY_RECORD_CHANGED), changed + 1);
    assert_int_equal(told("its record is missing: nobody can verify that"), 1);
    assert_int_equal(told("does not fit any more: nobody can verify that: it holds another key"),
                     1);
    assert_str(signers(), "one");
    assert_str(saved_state("one"), "active");
}

/* What a look finds out is nothing to a generation that was read since. */
static void a_stale_look_changes_nothing(void **state)
{
    (void)state;
    publish(write_key("one"));
    install();
    keywatch_run(watch);
    install();
    sem_wait(&bell);
    keywatch_run(watch); /* ends the look, and begins the one of the new generation */
    assert_str(signers(), "");
    assert_int_equal(installed, 0);
    sem_wait(&bell);
    keywatch_run(watch);
    assert_str(signers(), "one");
    assert_int_equal(installed, 1);
}

static void what_is_wrong_is_told_when_it_changes(void **state)
{
    (void)state;
    publish(write_key("one"));
    install();
    look();
    const char *bad = in_directory("bad.pem");
    assert_int_equal(told(bad), 0);
    assert_true(file_create(in_directory("bad.pem"), STR("no key\n"), 0600, NULL));
    look();
    assert_int_equal(told(bad), 1);
    keywatch_adopt(watch, NULL); /* as if nothing were configured; the time stands still */
    install();
    keywatch_run(watch);
    sem_wait(&bell);
    keywatch_run(watch);
    assert_int_equal(told(bad), 1);
    look(); /* an hour later */
    assert_int_equal(told(bad), 2);
    assert_str(signers(), "one");
}

/* A key that goes signs no more, whatever the DNS says. */
static void a_key_that_goes(void **state)
{
    (void)state;
    publish(write_key("one"));
    install();
    look();
    assert_str(signers(), "one");
    unlink(in_directory("one.pem"));
    look();
    assert_str(signers(), "");
    assert_int_equal(installed, 2);
}

static void freed_while_it_looks(void **state)
{
    (void)state;
    publish(write_key("one"));
    install();
    keywatch_run(watch);
    keywatch_free(watch);
    watch = NULL;
    sem_wait(&bell); /* its thread had ended */
    keywatch_free(NULL);
}

int main(void)
{
    sem_init(&bell, 0, 0);
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(nothing_to_do_without_directories),
        CASE(a_look_is_due_at_once_and_then_at_the_interval),
        CASE(a_key_signs_when_its_record_was_seen),
        CASE(a_rotation),
        CASE(a_record_that_is_missing_is_counted_once),
        CASE(a_stale_look_changes_nothing),
        CASE(what_is_wrong_is_told_when_it_changes),
        CASE(a_key_that_goes),
        CASE(freed_while_it_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
