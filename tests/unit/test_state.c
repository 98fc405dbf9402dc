/* state: keys, expiry, the bound, what is remembered, and a database that fails in every way. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/state.h"

#define NOW  1700000000
#define DAY  86400
#define LONG 20000000 /* microseconds: a busy machine */

struct rig {
    char dir[64], path[96];
    struct arena *a;
    struct state *state;
    struct state_asker asker;
};

static void open_state(struct rig *r, uint64_t max_bytes)
{
    struct str problem = STR_NONE;
    const struct state_settings settings = {.path = str_of(r->path), .max_bytes = max_bytes};
    r->state = state_open(&settings, r->a, &problem);
    assert_non_null(r->state);
    r->asker = (struct state_asker){.state = r->state, .patience_us = LONG};
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    strcpy(r->dir, "/tmp/assay-state-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->path, sizeof r->path, "%s/state.db", r->dir);
    r->a = arena_new(0);
    open_state(r, 0);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    char command[128];
    state_close(r->state);
    arena_free(r->a);
    snprintf(command, sizeof command, "rm -rf '%s'", r->dir);
    assert_int_equal(system(command), 0);
    free(r);
    return 0;
}

static struct state_key one(const char *key)
{
    return (struct state_key){.key = str_of(key)};
}

static enum state_result put(struct rig *r, const char *key, int64_t now, int64_t *value)
{
    struct state_key k = one(key);
    r->asker.patience_us = LONG;
    state_put_if_absent(&r->asker, now, now, DAY, &k, 1);
    if (value)
        *value = k.value;
    return k.result;
}

static enum state_result get(struct rig *r, const char *key, int64_t now, int64_t *value)
{
    struct state_key k = one(key);
    r->asker.patience_us = LONG;
    state_get(&r->asker, now, &k, 1);
    if (value)
        *value = k.value;
    return k.result;
}

static void touch(struct rig *r, const char *key, int64_t now, int64_t value, int64_t ttl)
{
    struct state_key k = {.key = str_of(key), .value = value};
    state_touch(r->state, now, ttl, &k, 1);
}

static enum state_result forget(struct rig *r, const char *key)
{
    struct state_key k = one(key);
    r->asker.patience_us = LONG;
    state_forget(&r->asker, &k, 1);
    return k.result;
}

/* After a failure the store pauses for a moment: asks until it says this. */
static void becomes(struct rig *r, const char *key, int64_t now, enum state_result wanted)
{
    int64_t until = clock_us() + LONG;
    enum state_result got;
    while ((got = put(r, key, now, NULL)) != wanted && clock_us() < until)
        usleep(10000);
    assert_int_equal(got, wanted);
}

/* --- What it is for --- */

static void the_first_one_is_recorded_and_told_to_the_next(void **state)
{
    struct rig *r = *state;
    int64_t value = 0;
    assert_int_equal(get(r, "n:192.0.2.0/24", NOW, NULL), STATE_ABSENT);
    assert_int_equal(put(r, "n:192.0.2.0/24", NOW, NULL), STATE_ABSENT);
    assert_int_equal(put(r, "n:192.0.2.0/24", NOW + 30, &value), STATE_ANSWER);
    assert_int_equal(value, NOW);
    assert_int_equal(get(r, "n:192.0.2.0/24", NOW + 30, &value), STATE_ANSWER);
    assert_int_equal(value, NOW);
    assert_int_equal(get(r, "n:192.0.2.0/2", NOW + 30, NULL), STATE_ABSENT);
    assert_int_equal(get(r, "", NOW, NULL), STATE_ABSENT);
}

static void several_keys_are_one_question(void **state)
{
    struct rig *r = *state;
    struct state_key keys[] = {one("a"), one("b"), {.key = {"x\0y", 3}}};
    assert_int_equal(put(r, "b", NOW - 5, NULL), STATE_ABSENT);
    state_put_if_absent(&r->asker, NOW, NOW, DAY, keys, 3);
    assert_int_equal(keys[0].result, STATE_ABSENT);
    assert_int_equal(keys[1].result, STATE_ANSWER);
    assert_int_equal(keys[1].value, NOW - 5);
    assert_int_equal(keys[2].result, STATE_ABSENT);
    assert_int_equal(get(r, "x", NOW, NULL), STATE_ABSENT);
    state_get(&r->asker, NOW, &keys[2], 1);
    assert_int_equal(keys[2].result, STATE_ANSWER);
}

static void keys_expire_and_touching_keeps_them(void **state)
{
    struct rig *r = *state;
    int64_t value = 0;
    put(r, "k", NOW, NULL);
    put(r, "t", NOW, NULL);
    assert_int_equal(get(r, "k", NOW + DAY - 1, NULL), STATE_ANSWER);
    assert_int_equal(get(r, "k", NOW + DAY, NULL), STATE_ABSENT);
    touch(r, "t", NOW + 60, NOW, 25 * DAY);
    assert_int_equal(get(r, "t", NOW + 2 * DAY, &value), STATE_ANSWER);
    assert_int_equal(value, NOW);
    assert_int_equal(get(r, "t", NOW + 60 + 25 * DAY, NULL), STATE_ABSENT);
    assert_int_equal(put(r, "k", NOW + DAY, &value), STATE_ABSENT);
    assert_int_equal(put(r, "k", NOW + DAY + 1, &value), STATE_ANSWER);
    assert_int_equal(value, NOW + DAY);
}

static void a_touch_never_shortens_a_life(void **state)
{
    struct rig *r = *state;
    put(r, "t", NOW, NULL);
    touch(r, "t", NOW, NOW, 60);
    touch(r, "new", NOW, NOW - 7, 60); /* what was forgotten meanwhile stays so */
    assert_int_equal(get(r, "t", NOW + 61, NULL), STATE_ANSWER);
    assert_int_equal(get(r, "new", NOW + 59, NULL), STATE_ABSENT);
}

static void forgetting_tells_whether_it_was_there(void **state)
{
    struct rig *r = *state;
    put(r, "k", NOW, NULL);
    assert_int_equal(forget(r, "k"), STATE_ANSWER);
    assert_int_equal(forget(r, "k"), STATE_ABSENT);
    assert_int_equal(put(r, "k", NOW + 1, NULL), STATE_ABSENT);
}

static void what_is_too_much_for_a_question_is_unknown(void **state)
{
    struct rig *r = *state;
    char text[STATE_KEY_MAX + 2];
    struct state_key keys[STATE_KEYS_MAX + 1];
    memset(text, 'k', sizeof text);
    text[STATE_KEY_MAX + 1] = '\0';
    assert_int_equal(put(r, text, NOW, NULL), STATE_UNKNOWN);
    text[STATE_KEY_MAX] = '\0';
    assert_int_equal(put(r, text, NOW, NULL), STATE_ABSENT);
    for (size_t i = 0; i <= STATE_KEYS_MAX; i++)
        keys[i] = one("k");
    state_get(&r->asker, NOW, keys, STATE_KEYS_MAX + 1);
    assert_int_equal(keys[0].result, STATE_UNKNOWN);
    state_get(&r->asker, NOW, keys, STATE_KEYS_MAX);
    assert_int_equal(keys[STATE_KEYS_MAX - 1].result, STATE_ABSENT);
}

static void without_patience_only_memory_answers(void **state)
{
    struct rig *r = *state;
    struct state_key known = one("known"), other = one("other");
    int64_t until = clock_us() + LONG;
    do { /* it counts for a second after the thread has looked */
        put(r, "known", NOW, NULL);
        r->asker.patience_us = 0;
        state_get(&r->asker, NOW, &known, 1);
    } while (known.result == STATE_UNKNOWN && clock_us() < until);
    state_get(&r->asker, NOW, &other, 1);
    assert_int_equal(known.result, STATE_ANSWER);
    assert_int_equal(other.result, STATE_UNKNOWN);
    assert_true(state_figures(r->state).cached >= 1);
    assert_true(state_figures(r->state).unknown >= 1);
}

static void a_close_loses_nothing(void **state)
{
    struct rig *r = *state;
    put(r, "k", NOW, NULL);
    touch(r, "k", NOW + 60, NOW, 25 * DAY);
    state_close(r->state);
    open_state(r, 0);
    assert_int_equal(get(r, "k", NOW + 20 * DAY, NULL), STATE_ANSWER);
}

static void note_key(void *context, struct str key, int64_t value, int64_t expires)
{
    struct strbuf *b = context;
    sb_printf(b, "%.*s=%lld/%lld ", STR_ARG(key), (long long)(value - NOW),
              (long long)(expires - NOW));
}

static void tools_read_beside_the_daemon(void **state)
{
    struct rig *r = *state;
    const struct state_settings settings = {.path = str_of(r->path)};
    struct str problem = STR_NONE;
    struct strbuf b;
    sb_init(&b, r->a);
    put(r, "g:b", NOW, NULL);
    put(r, "g:a", NOW + 1, NULL);
    put(r, "h:c", NOW, NULL);
    put(r, "g:old", NOW - DAY, NULL);
    assert_true(state_list(&settings, NOW, STR("g:"), note_key, &b, r->a, &problem));
    assert_str(sb_str(&b), "g:a=1/86401 g:b=0/86400 ");
    /* Nothing was remembered yet where there is only the place for it. */
    const struct state_settings fresh = {.path = str_printf(r->a, "%s-fresh", r->path)};
    sb_init(&b, r->a);
    assert_true(state_list(&fresh, NOW, STR("g:"), note_key, &b, r->a, &problem));
    assert_int_equal(sb_str(&b).n, 0);
    const struct state_settings wrong = {.path = STR("/nonexistent/x.db")};
    assert_false(state_list(&wrong, NOW, STR("g:"), note_key, &b, r->a, &problem));
    assert_str(problem, "/nonexistent/x.db: No such file or directory");
}

static void what_another_process_forgets_is_forgotten(void **state)
{
    struct rig *r = *state, other = *r;
    put(r, "k", NOW, NULL);
    put(r, "k", NOW, NULL);
    open_state(&other, 0);
    assert_int_equal(forget(&other, "k"), STATE_ANSWER);
    state_close(other.state);
    int64_t until = clock_us() + LONG;
    while (get(r, "k", NOW, NULL) == STATE_ANSWER && clock_us() < until)
        usleep(20000);
    assert_int_equal(get(r, "k", NOW, NULL), STATE_ABSENT);
}

/* --- Its bounds --- */

static int64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) ? -1 : (int64_t)st.st_size;
}

static void many_keys(struct rig *r, unsigned from, unsigned n, int64_t now)
{
    char text[STATE_KEYS_MAX][32];
    struct state_key keys[STATE_KEYS_MAX];
    for (unsigned i = from; i < from + n; i += STATE_KEYS_MAX) {
        for (unsigned k = 0; k < STATE_KEYS_MAX; k++) {
            snprintf(text[k], sizeof text[k], "n:%08x", (i + k) * 2654435761u);
            keys[k] = one(text[k]);
        }
        r->asker.patience_us = LONG;
        state_put_if_absent(&r->asker, now, now, DAY, keys, STATE_KEYS_MAX);
        assert_int_equal(keys[0].result, STATE_ABSENT);
    }
}

static void the_file_stays_small_and_those_who_passed_stay(void **state)
{
    struct rig *r = *state;
    state_close(r->state);
    open_state(r, 200000);
    put(r, "passed", NOW, NULL);
    touch(r, "passed", NOW, NOW, 25 * DAY);
    many_keys(r, 0, 16000, NOW);
    state_close(r->state);
    assert_true(file_size(r->path) < 600000);
    open_state(r, 200000);
    assert_int_equal(get(r, "passed", NOW + DAY + 1, NULL), STATE_ANSWER);
}

static int64_t count_keys(struct rig *r)
{
    sqlite3 *sql;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(r->path, &sql), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(sql, "SELECT count(*) FROM state", -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(sql);
    return n;
}

static void what_expired_is_swept_away(void **state)
{
    struct rig *r = *state;
    many_keys(r, 0, 640, NOW);
    assert_int_equal(count_keys(r), 640);
    many_keys(r, 1000000, 64 * 16, NOW + 2 * DAY);
    assert_int_equal(count_keys(r), 64 * 16);
}

/* --- Many at once --- */

struct crowd {
    struct rig *r;
    unsigned number, recorded;
};

static void *ask_many(void *arg)
{
    struct crowd *c = arg;
    struct state_asker asker = {.state = c->r->state};
    char text[32];
    for (unsigned i = 0; i < 300; i++) {
        struct state_key keys[2] = {one("same"), {.key = STR_NONE}};
        snprintf(text, sizeof text, "k%u", i);
        keys[1] = one(text);
        asker.patience_us = LONG;
        state_put_if_absent(&asker, NOW, NOW, DAY, keys, 2);
        assert_int_not_equal(keys[0].result, STATE_UNKNOWN);
        for (unsigned k = 0; k < 2; k++)
            if (keys[k].result == STATE_ABSENT)
                c->recorded++;
        state_touch(c->r->state, NOW, 2 * DAY, keys, 2);
    }
    return NULL;
}

static void of_many_who_ask_at_once_one_is_the_first(void **state)
{
    struct rig *r = *state;
    pthread_t ids[8];
    struct crowd crowd[8] = {{0}};
    unsigned recorded = 0;
    for (unsigned i = 0; i < 8; i++) {
        crowd[i] = (struct crowd){.r = r, .number = i};
        assert_int_equal(pthread_create(&ids[i], NULL, ask_many, &crowd[i]), 0);
    }
    for (unsigned i = 0; i < 8; i++) {
        pthread_join(ids[i], NULL);
        recorded += crowd[i].recorded;
    }
    assert_int_equal(recorded, 301);
}

/* --- Trouble --- */

static void nobody_waits_longer_than_his_patience(void **state)
{
    struct rig *r = *state;
    sqlite3 *sql;
    struct state_key k = one("k");
    put(r, "first", NOW, NULL);
    assert_int_equal(sqlite3_open(r->path, &sql), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    r->asker.patience_us = 20000;
    state_put_if_absent(&r->asker, NOW, NOW, DAY, &k, 1);
    assert_int_equal(k.result, STATE_UNKNOWN);
    assert_int_equal(r->asker.patience_us, 0);
    assert_true(r->asker.waited_us >= 20000);
    assert_int_equal(sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sql);
    becomes(r, "other", NOW, STATE_ABSENT);
}

static void a_locked_database_is_unknown_until_it_is_free(void **state)
{
    struct rig *r = *state;
    sqlite3 *sql;
    put(r, "first", NOW, NULL);
    assert_int_equal(sqlite3_open(r->path, &sql), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(put(r, "k", NOW, NULL), STATE_UNKNOWN);
    int64_t until = clock_us() + LONG;
    do { /* while it pauses nobody waits */
        r->asker.waited_us = 0;
        assert_int_equal(put(r, "k", NOW, NULL), STATE_UNKNOWN);
    } while (r->asker.waited_us && clock_us() < until);
    assert_int_equal(r->asker.waited_us, 0);
    sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(sql);
    becomes(r, "k", NOW, STATE_ABSENT);
    assert_int_equal(get(r, "first", NOW, NULL), STATE_ANSWER);
}

static void a_removed_file_is_made_anew(void **state)
{
    struct rig *r = *state;
    put(r, "k", NOW, NULL);
    assert_int_equal(unlink(r->path), 0);
    becomes(r, "k", NOW + 1, STATE_ABSENT); /* within a second, and without a restart */
    assert_true(file_size(r->path) >= 0);
}

static void a_missing_directory_is_waited_for(void **state)
{
    struct rig *r = *state;
    state_close(r->state);
    snprintf(r->path, sizeof r->path, "%s/later/state.db", r->dir);
    open_state(r, 0);
    char later[96];
    snprintf(later, sizeof later, "%s/later", r->dir);
    assert_int_equal(put(r, "k", NOW, NULL), STATE_UNKNOWN);
    assert_int_equal(mkdir(later, 0700), 0);
    becomes(r, "k", NOW, STATE_ABSENT);
}

static void spoil(const char *path, off_t at, size_t n)
{
    int fd = open(path, O_WRONLY);
    char junk[4096];
    memset(junk, 0xA5, sizeof junk);
    assert_true(fd >= 0);
    for (size_t done = 0; done < n; done += sizeof junk)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at + (off_t)done), sizeof junk);
    close(fd);
}

static void expect_put_aside(struct rig *r)
{
    char aside[128];
    snprintf(aside, sizeof aside, "%s.damaged", r->path);
    becomes(r, "k", NOW + 1, STATE_ABSENT);
    assert_true(file_size(aside) > 0);
}

static void a_file_that_is_no_database_is_put_aside(void **state)
{
    struct rig *r = *state;
    put(r, "k", NOW, NULL);
    state_close(r->state);
    spoil(r->path, 0, 8192);
    open_state(r, 0);
    expect_put_aside(r);
}

static void damage_inside_is_found_at_opening(void **state)
{
    struct rig *r = *state;
    many_keys(r, 0, 3200, NOW);
    state_close(r->state);
    spoil(r->path, 8192, 16384);
    open_state(r, 0);
    expect_put_aside(r);
}

static void a_database_of_others_is_left_alone(void **state)
{
    struct rig *r = *state;
    sqlite3 *sql;
    state_close(r->state);
    unlink(r->path);
    assert_int_equal(sqlite3_open(r->path, &sql), SQLITE_OK);
    sqlite3_exec(sql, "PRAGMA application_id=77; CREATE TABLE precious(x)", NULL, NULL, NULL);
    sqlite3_close(sql);
    open_state(r, 0);
    assert_int_equal(put(r, "k", NOW, NULL), STATE_UNKNOWN);
    assert_int_equal(sqlite3_open(r->path, &sql), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sql, "SELECT x FROM precious", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sql);
}

/* No byte can be written beyond what there is: as on a full disk. */
static void a_full_disk_is_unknown_until_there_is_room(void **state)
{
    struct rig *r = *state;
    struct rlimit all, none = {0, 0};
    put(r, "k", NOW, NULL);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    none.rlim_max = all.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    enum state_result full = put(r, "l", NOW, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    assert_int_equal(full, STATE_UNKNOWN);
    becomes(r, "l", NOW, STATE_ABSENT);
    assert_int_equal(get(r, "k", NOW, NULL), STATE_ANSWER);
}

static void read_only(struct rig *r)
{
    assert_int_equal(chmod(r->path, 0444), 0);
    assert_int_equal(chmod(r->dir, 0555), 0);
    open_state(r, 0);
    enum state_result refused = put(r, "l", NOW, NULL);
    chmod(r->dir, 0755);
    chmod(r->path, 0644);
    becomes(r, "l", NOW, STATE_ABSENT);
    state_close(r->state);
    _exit(refused == STATE_UNKNOWN ? 0 : 1);
}

/* For root nothing is read-only. */
static void a_read_only_database_is_unknown(void **state)
{
    struct rig *r = *state;
    int status;
    put(r, "k", NOW, NULL);
    state_close(r->state);
    if (!getuid() && (chown(r->dir, 65534, 65534) || chown(r->path, 65534, 65534)))
        fail();
    pid_t child = fork();
    if (!child) {
        if (!getuid() && setuid(65534))
            _exit(2);
        read_only(r);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    open_state(r, 0);
    assert_int_equal(get(r, "l", NOW, NULL), STATE_ANSWER);
}

/* --- kill -9 --- */

/* Says on the pipe what was answered as recorded. */
static void record_for_ever(struct rig *r, int out, unsigned from)
{
    char key[32];
    open_state(r, 0);
    for (uint32_t i = from;; i++) {
        snprintf(key, sizeof key, "k%u", i);
        if (put(r, key, NOW, NULL) != STATE_ABSENT)
            _exit(3);
        if (i % 3 == 0)
            touch(r, key, NOW, NOW, 2 * DAY);
        if (write(out, &i, sizeof i) != sizeof i)
            _exit(4);
    }
}

static uint32_t last_that_was_said(int in)
{
    uint32_t i, last = 0;
    while (read(in, &i, sizeof i) == sizeof i)
        last = i + 1;
    return last;
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    struct rig *r = *state;
    state_close(r->state);
    uint32_t recorded = 0;
    for (unsigned round = 0; round < 12; round++) {
        int ends[2];
        uint32_t first;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (!child)
            record_for_ever(r, ends[1], recorded);
        close(ends[1]);
        assert_int_equal(read(ends[0], &first, sizeof first), sizeof first);
        usleep(round * 1700);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        uint32_t last = last_that_was_said(ends[0]);
        recorded = last > first ? last : first + 1;
        close(ends[0]);
        recorded += 1000; /* what was recorded and not said: the next ones are others */
        open_state(r, 0);
        char key[32];
        for (uint32_t i = first; i + 1000 < recorded; i++) {
            snprintf(key, sizeof key, "k%u", i);
            assert_int_equal(get(r, key, NOW, NULL), STATE_ANSWER);
        }
        state_close(r->state);
    }
    open_state(r, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_one_is_recorded_and_told_to_the_next),
        TEST(several_keys_are_one_question),
        TEST(keys_expire_and_touching_keeps_them),
        TEST(a_touch_never_shortens_a_life),
        TEST(forgetting_tells_whether_it_was_there),
        TEST(what_is_too_much_for_a_question_is_unknown),
        TEST(without_patience_only_memory_answers),
        TEST(a_close_loses_nothing),
        TEST(tools_read_beside_the_daemon),
        TEST(what_another_process_forgets_is_forgotten),
        TEST(the_file_stays_small_and_those_who_passed_stay),
        TEST(what_expired_is_swept_away),
        TEST(of_many_who_ask_at_once_one_is_the_first),
        TEST(nobody_waits_longer_than_his_patience),
        TEST(a_locked_database_is_unknown_until_it_is_free),
        TEST(a_removed_file_is_made_anew),
        TEST(a_missing_directory_is_waited_for),
        TEST(a_file_that_is_no_database_is_put_aside),
        TEST(damage_inside_is_found_at_opening),
        TEST(a_database_of_others_is_left_alone),
        TEST(a_full_disk_is_unknown_until_there_is_room),
        TEST(a_read_only_database_is_unknown),
        TEST(what_was_acknowledged_survives_a_kill),
    };
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_INFO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
