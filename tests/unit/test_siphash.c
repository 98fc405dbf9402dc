/* siphash: values that Python (hash of bytes with PYTHONHASHSEED=0: a key of zeros) and the
 * algorithm's published test key give. */
#include "test.h"

#include "base/siphash.h"

static void known_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t hash;
    } known[] = {
        {"a", 0x407448d2b89b1813},
        {"abcdefg", 0x6db12aae9070f506},
        {"abcdefgh", 0x3f7b849c0b8e35ea},
        {"abcdefghi", 0xf89b34a3d11eb6e5},
        {"abcdefghijklmnopqrstuvwxyz", 0x323ccd2fd30709df},
    };
    const uint64_t zeros[2] = {0, 0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(siphash13(zeros, str_of(known[i].text)) == known[i].hash);
    const uint64_t counting[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    assert_true(siphash13(counting, STR("")) == 0xabac0158050fc4dc);
    assert_true(siphash13(counting, STR_NONE) == 0xabac0158050fc4dc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
