/* test_lifecycle.c - the life of signing keys, played with a clock and a DNS of paper. */
#include "test.h"

#include <stdlib.h>

#include "keys/lifecycle.h"
#include "keys/statefile.h"

#define RETIREMENT 100
#define TTL        9 /* so ten seconds apart is enough, and nine is not */
#define KEYS_MAX   4

static struct arena *arena;
static struct strbuf events;

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

static const char *const event_names[LIFE_EVENT_COUNT] = {
    [LIFE_RECORD_SEEN] = "seen",       [LIFE_RECORD_VANISHED] = "vanished",
    [LIFE_RECORD_UNFIT] = "unfit",     [LIFE_ACTIVATED] = "activated",
    [LIFE_RETIRED] = "retired",        [LIFE_REMOVABLE] = "removable",
    [LIFE_RECORD_MISSING] = "missing", [LIFE_RECORD_CHANGED] = "changed",
    [LIFE_RECORD_BACK] = "back",
};

static void note(void *context, enum life_event event, const struct living_key *key)
{
    (void)context;
    sb_printf(&events, "%s%.*s:%s", events.n ? " " : "", STR_ARG(key->selector),
              event_names[event]);
}

/* A key by its letters: r or R is RSA, e or E is Ed25519, the capital is created one later. */
struct look {
    int64_t now;
    const char *found;  /* one letter a key: + good, t testing, - absent, x differs, ? unknown */
    const char *states; /* one letter a key: p a r(etiring) R(emovable) */
    const char *events;
};

static enum record_finding finding(char letter)
{
    switch (letter) {
    case '+':
        return RECORD_GOOD;
    case 't':
        return RECORD_TESTING;
    case '-':
        return RECORD_ABSENT;
    case 'x':
        return RECORD_DIFFERS;
    default:
        return RECORD_UNKNOWN;
    }
}

static void copy_through_file(struct living_key *key)
{
    struct str fingerprint;
    unsigned line;
    struct key_life life;
    struct str text = state_file_text(arena, &key->life, STR("abc="));
    assert_null(state_file_parse(text, &life, &fingerprint, &line));
    assert_str(fingerprint, "abc=");
    assert_memory_equal(&life, &key->life, sizeof life);
    key->life = life;
}

/* Plays the looks; after each one the lives go through their files, and where `restart` says so all
 * else is forgotten. */
static void play_looks(struct living_key *keys, size_t n, const struct look *looks, size_t n_looks,
                       bool restart)
{
    for (size_t l = 0; l < n_looks; l++) {
        struct key_life before[KEYS_MAX];
        char states[KEYS_MAX + 1] = "";
        bool changed = false;
        for (size_t i = 0; i < n; i++) {
            keys[i].found = finding(looks[l].found[i]);
            keys[i].ttl = TTL;
            before[i] = keys[i].life;
            if (restart)
                keys[i].told = keys[i].life.state == KEY_PENDING ? RECORD_ABSENT : RECORD_GOOD;
        }
        sb_init(&events, arena);
        bool said = lifecycle_step(keys, n, looks[l].now, RETIREMENT, note, NULL);
        for (size_t i = 0; i < n; i++) {
            states[i] = "parR"[keys[i].life.state];
            changed = changed || memcmp(&before[i], &keys[i].life, sizeof before[i]) != 0;
            copy_through_file(&keys[i]);
        }
        if (strcmp(states, looks[l].states) != 0 ||
            !str_eq(sb_str(&events), str_of(looks[l].events)))
            print_error("look %zu at %lld\n", l, (long long)looks[l].now);
        assert_string_equal(states, looks[l].states);
        assert_str(sb_str(&events), looks[l].events);
        assert_int_equal(said, changed);
    }
}

static void play(const char *names, const char *states, const struct look *looks, size_t n_looks,
                 bool restart)
{
    struct living_key keys[KEYS_MAX] = {0};
    size_t n = strlen(names);
    for (size_t i = 0; i < n; i++) {
        keys[i].selector = (struct str){names + i, 1};
        keys[i].type = names[i] == 'e' || names[i] == 'E' ? KEY_ED25519 : KEY_RSA;
        keys[i].life.created = keys[i].life.since = 1 + (names[i] < 'a');
        keys[i].life.state = states[i] == 'a' ? KEY_ACTIVE : KEY_PENDING;
        keys[i].told = states[i] == 'a' ? RECORD_GOOD : RECORD_ABSENT;
    }
    play_looks(keys, n, looks, n_looks, restart);
}

#define PLAY(names, states, ...)                                                                   \
    do {                                                                                           \
        static const struct look looks[] = {__VA_ARGS__};                                          \
        play(names, states, looks, sizeof looks / sizeof *looks, false);                           \
    } while (0)
#define PLAY_RESTARTED(names, states, ...)                                                         \
    do {                                                                                           \
        static const struct look looks[] = {__VA_ARGS__};                                          \
        play(names, states, looks, sizeof looks / sizeof *looks, true);                            \
    } while (0)

static void whole_rotation(void **state)
{
    (void)state;
    PLAY("rR", "ap", {1000, "+-", "ap", ""}, {1010, "++", "ap", "R:seen"}, {1015, "++", "ap", ""},
         {1019, "++", "ap", ""}, {1020, "++", "ra", "R:activated r:retired"},
         {1119, "-+", "ra", ""}, {1120, "-+", "Ra", "r:removable"}, {5000, "-+", "Ra", ""});
}

/* The same, the daemon restarted between any two looks. */
static void rotation_over_restarts(void **state)
{
    (void)state;
    PLAY_RESTARTED("rR", "ap", {1000, "+-", "ap", ""}, {1010, "++", "ap", "R:seen"},
                   {1015, "++", "ap", ""}, {1020, "++", "ra", "R:activated r:retired"},
                   {1050, "++", "ra", ""}, {1120, "-+", "Ra", "r:removable"},
                   {5000, "-+", "Ra", ""});
}

static void record_never_appears(void **state)
{
    (void)state;
    PLAY("rR", "ap", {1000, "+-", "ap", ""}, {100000, "+-", "ap", ""}, {200000, "+?", "ap", ""},
         {300000, "+-", "ap", ""});
}

static void record_vanishes_before_its_ttl(void **state)
{
    (void)state;
    PLAY("rR", "ap", {1000, "++", "ap", "R:seen"}, {1009, "+-", "ap", "R:vanished"},
         {1011, "++", "ap", "R:seen"}, {1020, "++", "ap", ""},
         {1021, "++", "ra", "R:activated r:retired"});
}

/* Trouble is no absence, and no presence either. */
static void dns_trouble(void **state)
{
    (void)state;
    PLAY("rR", "ap", {1000, "?+", "ap", "R:seen"}, {1010, "??", "ap", ""}, {1011, "??", "ap", ""},
         {1012, "?+", "ra", "R:activated r:retired"}, {1013, "??", "ra", ""});
}

static void one_look_is_not_enough(void **state)
{
    (void)state;
    struct living_key keys[2] = {
        {.selector = STR("r"), .life = {.state = KEY_ACTIVE, .created = 1, .since = 1}},
        {.selector = STR("R"), .life = {.created = 2, .since = 2}, .found = RECORD_GOOD},
    };
    sb_init(&events, arena);
    assert_true(lifecycle_step(keys, 2, 50, RETIREMENT, note, NULL)); /* a TTL of 0 */
    assert_int_equal(keys[1].life.state, KEY_PENDING);
    assert_false(lifecycle_step(keys, 2, 50, RETIREMENT, note, NULL));
    assert_true(lifecycle_step(keys, 2, 51, RETIREMENT, note, NULL));
    assert_str(sb_str(&events), "R:seen R:activated r:retired");
}

/* A cache in between shows what is left of a TTL: the longest counts. */
static void ttl_of_a_cache(void **state)
{
    (void)state;
    struct living_key keys[2] = {
        {.selector = STR("r"), .life = {.state = KEY_ACTIVE, .created = 1, .since = 1}},
        {.selector = STR("R"), .life = {.created = 2, .since = 2}, .found = RECORD_GOOD, .ttl = 3},
    };
    sb_init(&events, arena);
    assert_true(lifecycle_step(keys, 2, 50, RETIREMENT, note, NULL));
    keys[1].ttl = 300;
    assert_true(lifecycle_step(keys, 2, 60, RETIREMENT, note, NULL));
    keys[1].ttl = 100;
    assert_false(lifecycle_step(keys, 2, 350, RETIREMENT, note, NULL));
    assert_int_equal(keys[1].life.ttl, 300);
    assert_true(lifecycle_step(keys, 2, 351, RETIREMENT, note, NULL));
    assert_int_equal(keys[1].life.state, KEY_ACTIVE);
}

static void first_key_signs_at_once(void **state)
{
    (void)state;
    PLAY("r", "p", {1000, "-", "p", ""}, {1001, "?", "p", ""}, {1002, "x", "p", "r:unfit"},
         {1003, "+", "a", "r:activated"});
    /* Several keys of one type at the beginning: the newest that is published. */
    PLAY("rR", "pp", {1000, "++", "ra", "R:activated r:retired"});
    PLAY("rR", "pp", {1000, "+-", "ap", "r:activated"}, {1001, "++", "ap", "R:seen"},
         {1011, "++", "ra", "R:activated r:retired"});
}

static void types_side_by_side(void **state)
{
    (void)state;
    PLAY("re", "pp", {1000, "++", "aa", "r:activated e:activated"});
    PLAY("re", "ap", {1000, "++", "ap", "e:seen"}, {1010, "++", "aa", "e:activated"});
    PLAY("reRE", "aapp", {1000, "++++", "aapp", "R:seen E:seen"},
         {1005, "+++-", "aapp", "E:vanished"}, {1010, "+++-", "raap", "R:activated r:retired"},
         {1020, "++++", "raap", "E:seen"}, {1030, "++++", "rraa", "E:activated e:retired"},
         {1110, "++++", "Rraa", "r:removable"}, {1130, "++++", "RRaa", "e:removable"});
}

static void active_record_is_watched(void **state)
{
    (void)state;
    PLAY("r", "a", {1000, "+", "a", ""}, {1001, "-", "a", "r:missing"}, {1002, "-", "a", ""},
         {1003, "?", "a", ""}, {1004, "-", "a", ""}, {1005, "x", "a", "r:changed"},
         {1006, "x", "a", ""}, {1007, "-", "a", "r:missing"}, {1008, "t", "a", "r:back"},
         {1009, "+", "a", ""}, {1010, "x", "a", "r:changed"}, {1011, "+", "a", "r:back"});
    /* After a restart it is told again. */
    PLAY_RESTARTED("r", "a", {1000, "-", "a", "r:missing"}, {1001, "-", "a", "r:missing"});
}

static void unfit_record_of_a_pending_key(void **state)
{
    (void)state;
    PLAY("rR", "ap", {1000, "+x", "ap", "R:unfit"}, {1001, "+x", "ap", ""}, {1002, "+-", "ap", ""},
         {1003, "+x", "ap", "R:unfit"}, {1004, "++", "ap", "R:seen"},
         {1005, "+x", "ap", "R:vanished R:unfit"});
}

static void older_pending_key_is_passed_over(void **state)
{
    (void)state;
    PLAY("rR", "pa", {1000, "++", "ra", "r:seen r:retired"}, {1100, "-+", "Ra", "r:removable"});
}

/* What a crash between two state files leaves. */
static void two_active_keys(void **state)
{
    (void)state;
    PLAY("rR", "aa", {1000, "??", "ra", "r:retired"});
}

/* A clock that was set back only makes everything later. */
static void clock_set_back(void **state)
{
    (void)state;
    PLAY("rR", "ap", {1000, "++", "ap", "R:seen"}, {500, "++", "ap", ""}, {1009, "++", "ap", ""},
         {1010, "++", "ra", "R:activated r:retired"}, {700, "++", "ra", ""},
         {1110, "++", "Ra", "r:removable"});
}

static void newer_by_file_time(void **state)
{
    (void)state;
    struct living_key keys[2] = {
        {.selector = STR("b"), .mtime = 5, .life = {.created = 9}, .found = RECORD_GOOD},
        {.selector = STR("a"), .mtime = 6, .life = {.created = 9}, .found = RECORD_GOOD},
    };
    sb_init(&events, arena);
    lifecycle_step(keys, 2, 50, RETIREMENT, note, NULL);
    assert_str(sb_str(&events), "a:activated b:retired");
}

/* --- state files ------------------------------------------------------------------------------*/

static void state_text(void **state)
{
    (void)state;
    struct key_life life = {.state = KEY_PENDING,
                            .created = 1795176000,
                            .since = 1795176001,
                            .seen = 1795176059,
                            .ttl = 60};
    assert_str(state_file_text(arena, &life, STR("q83v")),
               "# The life of a signing key, kept by assay: see assay-dkim(1).\n"
               "state = pending\nkey = q83v\ncreated = 2026-11-20T12:00:00Z\n"
               "since = 2026-11-20T12:00:01Z\nrecord-seen = 2026-11-20T12:00:59Z\n"
               "record-ttl = 60\n");
}

static void state_mistakes(void **state)
{
    (void)state;
#define REST "key = a\ncreated = 2026-01-01T00:00:00Z\nsince = 2026-01-01T00:00:00Z\n"
    static const struct {
        const char *text, *problem;
        unsigned line;
    } cases[] = {
        {"state = active\n" REST, NULL, 0},
        {"\n  # x\r\n state=active \r\n" REST, NULL, 0},
        {"state = retired\n" REST, "state: allowed are pending, active, retiring and removable", 1},
        {"state = active\n" REST "junk\n", "it is no \"name = value\"", 5},
        {"state = active\n" REST "x = 1\n", "it has a name that is not known here", 5},
        {"state = active\n" REST "record-ttl = -1\n", "record-ttl: wanted is a number of seconds",
         5},
        {"state = active\ncreated = 2026-13-01T00:00:00Z\n",
         "wanted is a time such as 2026-11-20T12:00:00Z", 2},
        {"state = active\nsince = 2026-01-01T00:00:00\n",
         "wanted is a time such as 2026-11-20T12:00:00Z", 2},
        {"state = active\nsince = 2026-01-01T00:00:00Zx\n",
         "wanted is a time such as 2026-11-20T12:00:00Z", 2},
        {"state = active\nkey = a\n", "it has not all of state, key, created and since", 0},
        {"state = active\nkey = a\nsince = 2026-01-01T00:00:00Z\n",
         "it has not all of state, key, created and since", 0},
        {"state = active\nkey = a\ncreated = 2026-01-01T00:00:00Z\n",
         "it has not all of state, key, created and since", 0},
        {"key = a b\n", "key: wanted is the SHA-256 of the public key, base64", 1},
        {"key =\n", "key: wanted is the SHA-256 of the public key, base64", 1},
        {REST, "it has not all of state, key, created and since", 0},
        {"", "it has not all of state, key, created and since", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct key_life life;
        struct str fingerprint;
        unsigned line = 99;
        const char *problem = state_file_parse(str_of(cases[i].text), &life, &fingerprint, &line);
        assert_str(str_of(problem ? problem : "good"),
                   cases[i].problem ? cases[i].problem : "good");
        assert_int_equal(line, cases[i].line);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(whole_rotation),
        TEST(rotation_over_restarts),
        TEST(record_never_appears),
        TEST(record_vanishes_before_its_ttl),
        TEST(dns_trouble),
        TEST(one_look_is_not_enough),
        TEST(ttl_of_a_cache),
        TEST(first_key_signs_at_once),
        TEST(types_side_by_side),
        TEST(active_record_is_watched),
        TEST(unfit_record_of_a_pending_key),
        TEST(older_pending_key_is_passed_over),
        TEST(two_active_keys),
        TEST(clock_set_back),
        TEST(newer_by_file_time),
        TEST(state_text),
        TEST(state_mistakes),
    };
    setenv("TZ", "XXX+5", 1); /* state files are in UTC all the same */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
