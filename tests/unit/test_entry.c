/* entry: whose Received fields tell where mail came in. */
#include "test.h"

#include "core/entry.h"
#include "mail/domain.h"

/* What a Received field by this name says, to a host whose names fill their list. Behind that
 * stands the text of its name of nine bytes; who read on would take the last one for the length of
 * another name, with zeros behind it. */
static struct entry entry_by(struct arena *a, struct str by)
{
    static const struct conf conf = {.authserv_id = STR_INIT("mx.here.t")};
    const struct session session = {.mta_name = STR("mx1.here.example")};
    struct message message = {.arena = a};
    struct entry out;
    arena_alloc(a, 2048);
    arena_reset(a);
    header_list_init(&message.headers, a);
    header_list_add(&message.headers, STR("Received"),
                    str_printf(a, " from away.example (unknown [203.0.113.66]) by %.*s with ESMTP",
                               STR_ARG(by)));
    entry_find(&conf, &session, &message, &out);
    return out;
}

static void names_of_ours(void **state)
{
    static const struct str names[] = {STR_INIT("mx.here.t"), STR_INIT("MX.Here.T."),
                                       STR_INIT("mx1.here.example"), STR_INIT("mX1.here.example")};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct arena *a = arena_new(0);
        assert_true(entry_by(a, names[i]).from_outside);
        arena_free(a);
    }
}

/* However long they are. */
static void names_of_others(void **state)
{
    char name[DOMAIN_MAX];
    (void)state;
    memset(name, 'x', sizeof name);
    for (size_t i = 60; i < sizeof name; i += 60)
        name[i] = '.';
    for (size_t n = 1; n <= sizeof name; n++) {
        struct arena *a = arena_new(0);
        assert_false(entry_by(a, (struct str){name, n}).from_outside);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_ours),
        cmocka_unit_test(names_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
