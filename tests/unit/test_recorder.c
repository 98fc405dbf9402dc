/* recorder: what is counted and warned of after a message. The log line has its cases in
 * tests/scenarios. */
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/log.h"
#include "decide/clockdoubt.h"
#include "milter/daemon/recorder.h"

#define NOW     1795176000
#define AHEAD_S 600

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_WARNING);
    arena = arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* A message whose signatures, by this domain, are dated so far in the future. */
static struct transaction *signed_by(const char *domain, int64_t ahead_s, int64_t now)
{
    struct transaction *t = arena_make(arena, struct transaction);
    struct dkim_signature *s = arena_make(arena, struct dkim_signature);
    s->domain = str_of(domain);
    s->ahead_s = ahead_s;
    t->arena = t->message.arena = arena;
    t->message.now = now;
    t->evidence.dkim.signatures = s;
    t->evidence.dkim.n = 1;
    return t;
}

static unsigned warnings(void)
{
    struct log_recent recent[LOG_RECENT];
    unsigned found = 0;
    for (size_t i = 0, n = log_recent(recent, LOG_RECENT); i < n; i++)
        found += strstr(recent[i].text, "clock of this host seems to be slow") != NULL;
    return found;
}

static void a_slow_clock_is_told_once(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) { /* one domain alone proves nothing */
        recorder_doubt_clock(signed_by("one.test", AHEAD_S, NOW));
        recorder_doubt_clock(signed_by("good.test", 0, NOW));
    }
    assert_int_equal(warnings(), 0);
    for (int i = 1; i < CLOCK_DOUBT_DOMAINS; i++) {
        assert_int_equal(warnings(), 0);
        recorder_doubt_clock(signed_by(str_printf(arena, "d%d.test", i).p, AHEAD_S, NOW + i));
    }
    assert_int_equal(warnings(), 1);
    recorder_doubt_clock(signed_by("more.test", AHEAD_S, NOW + 10));
    assert_int_equal(warnings(), 1);
}

static void given_up(void **state)
{
    uint64_t before = counter_get(CTR_MESSAGES_ABORTED);
    (void)state;
    recorder_given_up(signed_by("one.test", 0, NOW));
    assert_int_equal(counter_get(CTR_MESSAGES_ABORTED), before + 1);
}

/* --- The lines of counters ---------------------------------------------------------------------*/

/* What is written to standard error meanwhile. */
static struct str log_of(enum which_counters which)
{
    static char text[65536];
    FILE *f = tmpfile();
    assert_non_null(f);
    int saved = dup(STDERR_FILENO);
    dup2(fileno(f), STDERR_FILENO);
    log_set_level(LOG_LEVEL_INFO);
    recorder_log_counters(which);
    log_set_level(LOG_LEVEL_WARNING);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(f);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    return (struct str){text, n};
}

static size_t occurrences(struct str text, const char *part)
{
    size_t n = 0, length = strlen(part);
    for (size_t i = 0; i + length <= text.n; i++)
        n += memcmp(text.p + i, part, length) == 0;
    return n;
}

static void counter_lines(void **state)
{
    (void)state;
    counter_inc(CTR_MESSAGES_ABORTED);
    struct str all = log_of(COUNTERS_ALL);
    assert_int_equal(occurrences(all, "="), COUNTER_COUNT);
    assert_int_equal(occurrences(all, "counters:"), (COUNTER_COUNT + 7) / 8);
    struct str some = log_of(COUNTERS_THAT_COUNTED);
    size_t nonzero = 0;
    for (int i = 0; i < COUNTER_COUNT; i++)
        nonzero += counter_get((enum counter)i) > 0;
    assert_int_equal(occurrences(some, "="), nonzero);
    assert_int_equal(occurrences(some, "=0"), 0);
    assert_true(nonzero > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_slow_clock_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counter_lines, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
