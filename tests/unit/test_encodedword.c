/* mail/encodedword: what programs for reading mail make of it. What From makes of that:
 * test_from.c. */
#include "test.h"

#include "mail/encodedword.h"

#define UNCERTAIN NULL

static void decoding(void **state)
{
    static const struct {
        const char *text, *joined, *apart;
    } cases[] = {
        {"", "", ""},
        {"a=b ?= c", "a=b ?= c", "a=b ?= c"},
        {"a=b =?utf-8?q?x=40y?= =c", "a=b x@y =c", "a=b x@y =c"},
        {"=?utf-8?q?a_b?= \t=?US-ASCII?B?Yw==?=", "a bc", "a b \tc"},
        {"=?iso-8859-1?q?=E4?=", "\u00e4", "\u00e4"},
        {"=?utf-8*de?q?a?=", "a", "a"},
        {"=?utf-8?b?fn5+?=", "~~~", "~~~"},
        {"=?utf-8?b?Pz8/?=", "???", "???"},
        {"=?utf-8?b?09Pe?=", "\xd3\xd3\xde", "\xd3\xd3\xde"},
        {"=?gbk?q?=A3=C1b?=", "\ufffd\ufffdb", "\ufffd\ufffdb"}, /* no wide @ */
        {"=?x-odd?q?a?=", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?q?a=4?=", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?b?Y?=", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?q", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?q?a", UNCERTAIN, UNCERTAIN},
        {"=?utf-8?q?=3D=3F?=", UNCERTAIN, UNCERTAIN},
    };
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int joined = 0; joined < 2; joined++) {
            const char *wanted = joined ? cases[i].joined : cases[i].apart;
            struct str out;
            bool good = encoded_words_decode(a, at_page_end(str_of(cases[i].text)), joined, &out);
            if (good != (wanted != UNCERTAIN) || (good && !str_eq(out, str_of(wanted))))
                fail_msg("%s: %s", cases[i].text, good ? str_cstr(a, out) : "uncertain");
        }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
