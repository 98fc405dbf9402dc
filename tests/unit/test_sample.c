/* milter/daemon/sample: what a message that is judged later takes along of its session, which goes
 * on meanwhile. What the libraries say of it has its cases in tests/reference and wire. */
#include "test.h"

#include <string.h>

#include "milter/daemon/sample.h"

/* Each text is the copy's own: the next client's overwrite those of the session. */
static void a_session_is_copied_whole(void **state)
{
    char texts[4][8] = {"client", "helo", "daemon", "mta"};
    const struct session session = {
        .smtp = true,
        .client_name = str_of(texts[0]),
        .helo = str_of(texts[1]),
        .daemon_name = str_of(texts[2]),
        .mta_name = str_of(texts[3]),
    };
    struct arena *a = arena_new(0);
    const struct session *copy = sample_session(&session, a);
    (void)state;
    memset(texts, 'x', sizeof texts);
    assert_true(copy->smtp);
    assert_ptr_equal(copy->arena, a);
    assert_str(copy->client_name, "client");
    assert_str(copy->helo, "helo");
    assert_str(copy->daemon_name, "daemon");
    assert_str(copy->mta_name, "mta");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_session_is_copied_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
