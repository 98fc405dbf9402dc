/* apply: edits, quarantine and replies, as a door is told of them. */
#include "test.h"

#include <stdio.h>

#include "base/log.h"
#include "milter/daemon/apply.h"

static struct arena *arena;
static struct strbuf told;
static const char *refused; /* the call that the MTA does not take; NULL: it takes all */

static bool note(const char *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool note(const char *call, const char *format, ...)
{
    char text[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sb_printf(&told, "%s %s\n", call, text);
    return !refused || strcmp(refused, call) != 0;
}

static bool on_reply(struct mta *mta, const char *code, const char *enhanced, const char *text)
{
    (void)mta;
    return note("reply", "%s %s %s", code, enhanced, text);
}

static bool on_insert(struct mta *mta, const char *name, const char *value)
{
    (void)mta;
    return note("insert", "%s:%s", name, value);
}

static bool on_change(struct mta *mta, const char *name, unsigned ordinal, const char *value)
{
    (void)mta;
    return note("change", "%s %u %s", name, ordinal, value ? value : "(removed)");
}

static bool on_quarantine(struct mta *mta, const char *reason)
{
    (void)mta;
    return note("quarantine", "%s", reason);
}

static const struct mta_calls calls = {
    .reply = on_reply,
    .insert_header = on_insert,
    .change_header = on_change,
    .quarantine = on_quarantine,
};
static struct mta mta = {.calls = &calls};

static int set_up(void **state)
{
    (void)state;
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_ERROR);
    arena = arena_new(0);
    sb_init(&told, arena);
    refused = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* A transaction at its end with one edit of each kind. */
static struct transaction *with_edits(enum action action)
{
    struct transaction *t = arena_make(arena, struct transaction);
    t->arena = t->message.arena = arena;
    t->verdict.action = t->verdict.if_enforced = action;
    t->verdict.text = STR("why");
    edit_push(&t->edits, arena, (struct edit){EDIT_DELETE, 2, STR("Old"), STR_NONE});
    edit_push(&t->edits, arena, (struct edit){EDIT_CHANGE, 1, STR("From"), STR(" a@b.test")});
    edit_push(&t->edits, arena, (struct edit){EDIT_INSERT, 0, STR("New"), STR(" value")});
    return t;
}

static void refusals(void **state)
{
    static const struct {
        enum action action;
        const char *code, *enhanced;
        enum mta_answer answer;
    } cases[] = {
        {ACTION_REJECT, "550", "5.7.1", MTA_REJECT},
        {ACTION_TEMPFAIL, "451", "4.7.0", MTA_TEMPFAIL},
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct verdict v = {.action = cases[i].action,
                            .code = str_of(cases[i].code),
                            .enhanced = str_of(cases[i].enhanced),
                            .text = STR("no 100%")};
        sb_init(&told, arena);
        assert_int_equal(apply_refusal(&mta, &v), cases[i].answer);
        assert_str(sb_str(&told),
                   str_printf(arena, "reply %s %s no 100%%\n", cases[i].code, cases[i].enhanced).p);
    }
}

/* The answer counts, if the words cannot be told. */
static void a_refusal_that_the_door_does_not_take(void **state)
{
    struct verdict v = {.action = ACTION_REJECT, .code = STR("550"), .enhanced = STR("5.7.1")};
    (void)state;
    refused = "reply";
    assert_int_equal(apply_refusal(&mta, &v), MTA_REJECT);
}

static void long_words_are_cut(void **state)
{
    char words[2000];
    (void)state;
    memset(words, 'x', sizeof words);
    struct verdict v = {.action = ACTION_REJECT,
                        .code = STR("550"),
                        .enhanced = STR("5.7.1"),
                        .text = {words, sizeof words}};
    apply_refusal(&mta, &v);
    assert_int_equal(sb_str(&told).n, strlen("reply 550 5.7.1 \n") + 480);
}

static void edits(void **state)
{
    (void)state;
    assert_int_equal(apply_end(&mta, with_edits(ACTION_TAG), true), MTA_CONTINUE);
    assert_str(sb_str(&told), "change Old 2 (removed)\nchange From 1  a@b.test\n"
                              "insert New: value\n");
    sb_init(&told, arena); /* the MTA writes the space itself */
    assert_int_equal(apply_end(&mta, with_edits(ACTION_ACCEPT), false), MTA_CONTINUE);
    assert_str(sb_str(&told), "change Old 2 (removed)\nchange From 1 a@b.test\n"
                              "insert New:value\n");
}

static void quarantine_comes_last(void **state)
{
    (void)state;
    assert_int_equal(apply_end(&mta, with_edits(ACTION_QUARANTINE), true), MTA_CONTINUE);
    assert_str(sb_str(&told), "change Old 2 (removed)\nchange From 1  a@b.test\n"
                              "insert New: value\nquarantine why\n");
}

/* A message that is refused is not changed. */
static void refused_at_the_end(void **state)
{
    struct transaction *t = with_edits(ACTION_REJECT);
    (void)state;
    t->verdict.code = STR("550");
    t->verdict.enhanced = STR("5.7.1");
    assert_int_equal(apply_end(&mta, t, true), MTA_REJECT);
    assert_str(sb_str(&told), "reply 550 5.7.1 why\n");
}

/* What the MTA does not take turns the message away, and nothing follows. */
static void changes_that_are_not_taken(void **state)
{
    static const struct {
        const char *call, *told;
    } cases[] = {
        {"change", "change Old 2 (removed)\n"},
        {"insert", "change Old 2 (removed)\nchange From 1  a@b.test\ninsert New: value\n"},
        {"quarantine", "change Old 2 (removed)\nchange From 1  a@b.test\ninsert New: value\n"
                       "quarantine why\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct transaction *t = with_edits(ACTION_QUARANTINE);
        sb_init(&told, arena);
        refused = cases[i].call;
        assert_int_equal(apply_end(&mta, t, true), MTA_TEMPFAIL);
        assert_str(sb_str(&told),
                   str_printf(arena,
                              "%sreply 451 4.3.0 This message could not be handled, try again "
                              "later\n",
                              cases[i].told)
                       .p);
        assert_int_equal(t->verdict.action, ACTION_TEMPFAIL);
        assert_int_equal(t->verdict.if_enforced, ACTION_TEMPFAIL);
        assert_string_equal(t->verdict.cause, "mta");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_that_the_door_does_not_take, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_words_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(edits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quarantine_comes_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refused_at_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_that_are_not_taken, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
