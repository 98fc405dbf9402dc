/* outlet: log lines reach syslog or standard error, in order, and nobody waits for that. */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/outlet.h"

#define FIRST_MS 5000 /* for what should come at once */

static char path[64];

/* --- A syslog, and a standard error ------------------------------------------------------------*/

static int listen_as(int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    strcpy(address.sun_path, path);
    unlink(path);
    assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    if (type == SOCK_STREAM)
        assert_return_code(listen(fd, 1), 0);
    return fd;
}

/* The next line, or "" if none comes in time. */
static const char *next_line(int fd, int timeout_ms)
{
    static char line[5000];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    line[0] = '\0';
    if (poll(&p, 1, timeout_ms) == 1) {
        ssize_t n = read(fd, line, sizeof line - 1);
        line[n > 0 ? n : 0] = '\0';
    }
    return line;
}

/* What stands behind "<priority>time ident[pid]: ". */
static const char *text_of(const char *line)
{
    const char *colon = strstr(line, "]: ");
    return colon ? colon + 3 : line;
}

static int saved_stderr;

static int catch_stderr(void)
{
    int ends[2];
    saved_stderr = dup(STDERR_FILENO);
    assert_return_code(pipe2(ends, O_CLOEXEC), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    return ends[0];
}

static void release_stderr(int caught)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(caught);
}

static void write_numbered(int from, int to)
{
    for (int i = from; i < to; i++) {
        char text[32];
        snprintf(text, sizeof text, "line %d", i);
        outlet_write(LOG_INFO, text);
    }
}

static void expect_numbered(int fd, int from, int to)
{
    for (int i = from; i < to; i++) {
        char text[32];
        snprintf(text, sizeof text, "line %d", i);
        assert_string_equal(text_of(next_line(fd, FIRST_MS)), text);
    }
}

static bool stands_at(const char *line, time_t when)
{
    char at[32];
    struct tm tm;
    strftime(at, sizeof at, ">%b %e %T ", localtime_r(&when, &tm));
    return strstr(line, at) != NULL;
}

/* --- Cases -------------------------------------------------------------------------------------*/

static void test_a_line_has_priority_time_and_name(void **state)
{
    (void)state;
    int fd = listen_as(SOCK_DGRAM);
    char tail[64], month[4];
    unsigned priority, day, hour, minute, second;
    int used = 0;
    time_t before = time(NULL);
    outlet_open(path, "smith");
    outlet_write(LOG_WARNING, "warning: a word with 100%d");
    const char *line = next_line(fd, FIRST_MS);
    assert_true(stands_at(line, before) || stands_at(line, time(NULL)));
    snprintf(tail, sizeof tail, " smith[%ld]: warning: a word with 100%%d", (long)getpid());
    assert_int_equal(sscanf(line, "<%u>%3s %2u %2u:%2u:%2u%n", &priority, month, &day, &hour,
                            &minute, &second, &used),
                     6);
    assert_int_equal(priority, LOG_MAIL | LOG_WARNING);
    assert_string_equal(line + used, tail);
    close(fd);
}

static void test_a_stream_has_a_nul_behind_each_line(void **state)
{
    (void)state;
    int listening = listen_as(SOCK_STREAM);
    char both[200];
    outlet_open(path, "smith");
    outlet_write(LOG_INFO, "one");
    outlet_write(LOG_INFO, "two");
    int fd = accept(listening, NULL, NULL);
    ssize_t n = 0, some;
    while (n < (ssize_t)sizeof both && poll(&(struct pollfd){fd, POLLIN, 0}, 1, 100) == 1 &&
           (some = read(fd, both + n, sizeof both - (size_t)n)) > 0)
        n += some;
    assert_string_equal(text_of(both), "one");
    const char *second = both + strlen(both) + 1;
    assert_string_equal(text_of(second), "two");
    assert_int_equal(second + strlen(second) + 1 - both, n);
    close(fd);
    close(listening);
}

static void test_without_syslog_lines_go_to_stderr(void **state)
{
    (void)state;
    unlink(path);
    assert_false(outlet_syslog_answers(path));
    int caught = catch_stderr();
    outlet_open(path, "smith");
    outlet_write(LOG_ERR, "error: where to?");
    char line[100];
    strcpy(line, next_line(caught, FIRST_MS));
    int fd = listen_as(SOCK_DGRAM);
    outlet_write(LOG_ERR, "error: there it is");
    const char *none = next_line(caught, 0);
    bool silent = !*none;
    release_stderr(caught);
    assert_string_equal(line, "smith: error: where to?\n");
    assert_true(silent);
    assert_string_equal(text_of(next_line(fd, FIRST_MS)), "error: there it is");
    assert_true(outlet_syslog_answers(path));
    close(fd);
}

static void test_a_syslog_that_was_restarted_is_found(void **state)
{
    (void)state;
    int fd = listen_as(SOCK_DGRAM);
    outlet_open(path, "smith");
    outlet_write(LOG_INFO, "before");
    close(fd);
    fd = listen_as(SOCK_DGRAM);
    outlet_write(LOG_INFO, "after");
    assert_string_equal(text_of(next_line(fd, FIRST_MS)), "after");
    close(fd);
}

static void test_another_syslog_gets_what_follows(void **state)
{
    (void)state;
    int fd = listen_as(SOCK_DGRAM);
    outlet_open(path, "smith");
    outlet_write(LOG_INFO, "to the first");
    int other = listen_as(SOCK_DGRAM); /* in its place; the first lives on */
    outlet_open(path, "smith");
    outlet_write(LOG_INFO, "to the other");
    assert_string_equal(text_of(next_line(other, FIRST_MS)), "to the other");
    close(fd);
    close(other);
}

static void test_at_the_start_a_line_waits_for_a_moment(void **state)
{
    (void)state;
    int fd = listen_as(SOCK_DGRAM), filler = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    outlet_open(path, "smith");
    while (sendto(filler, "x", 1, 0, (struct sockaddr *)&address, sizeof address) == 1)
        ;
    int64_t started = clock_us();
    outlet_write(LOG_INFO, "too early");
    assert_in_range(clock_us() - started, 900000, 20000000);
    while (*next_line(fd, 100))
        ;
    outlet_write(LOG_INFO, "in time");
    assert_string_equal(text_of(next_line(fd, FIRST_MS)), "in time");
    close(filler);
    close(fd);
}

static void test_a_line_that_is_too_long_is_cut(void **state)
{
    (void)state;
    char text[6000];
    int caught = catch_stderr();
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    outlet_open(NULL, "smith");
    outlet_write(LOG_INFO, text);
    const char *line = next_line(caught, FIRST_MS);
    size_t n = strlen(line);
    char last = n ? line[n - 1] : 'x';
    release_stderr(caught);
    assert_in_range(n, 4000, 4096);
    assert_int_equal(last, '\n');
}

/* From here on nobody waits. */
static void test_a_full_syslog_holds_nobody_up(void **state)
{
    (void)state;
    int fd = listen_as(SOCK_DGRAM);
    outlet_open(path, "smith");
    outlet_never_wait();
    int64_t started = clock_us();
    write_numbered(0, 2000);
    assert_in_range(clock_us() - started, 0, 20000000);
    for (int i = 0; i < 1000; i++) { /* one that comes when there is room again is not the next */
        expect_numbered(fd, i, i + 1);
        write_numbered(2000 + i, 2001 + i);
    }
    expect_numbered(fd, 1000, 3000);
    write_numbered(3000, 3001);
    expect_numbered(fd, 3000, 3001);
    assert_int_equal(counter_get(CTR_LOG_LOST), 0);
    close(fd);
}

static void test_what_is_too_much_is_counted_and_told(void **state)
{
    (void)state;
    int fd = listen_as(SOCK_DGRAM);
    int written = 9000, came = 0;
    char told[100], number[32];
    outlet_open(path, "smith");
    write_numbered(0, written);
    unsigned long long lost = counter_get(CTR_LOG_LOST);
    assert_in_range(lost, 1, written - 4096);
    snprintf(told, sizeof told, "warning: %llu log lines were lost: nothing took them in time",
             lost);
    for (;; came++) {
        const char *text = text_of(next_line(fd, FIRST_MS));
        snprintf(number, sizeof number, "line %d", came);
        if (strcmp(text, number)) {
            assert_string_equal(text, told);
            break;
        }
    }
    assert_int_equal(came + (int)lost, written);
    write_numbered(0, 1);
    expect_numbered(fd, 0, 1);
    close(fd);
}

static void test_long_lines_are_bounded_by_their_bytes(void **state)
{
    (void)state;
    int fd = listen_as(SOCK_DGRAM);
    char text[3001];
    unsigned long long lost = counter_get(CTR_LOG_LOST);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    outlet_open(path, "smith");
    for (int i = 0; i < 2000; i++)
        outlet_write(LOG_INFO, text);
    assert_in_range(counter_get(CTR_LOG_LOST) - lost, 2000 - 512 - 360, 2000 - 340);
    while (*next_line(fd, 1500))
        ;
    close(fd);
}

static void test_a_full_pipe_holds_nobody_up(void **state)
{
    (void)state;
    int caught = catch_stderr(), n = 0;
    char text[] = "line 0000, and some more words, so that a pipe of 64 KB is full of them soon";
    char *all = calloc(1, 400000);
    outlet_open(NULL, "smith");
    for (int i = 0; i < 3000; i++) {
        snprintf(text + 5, 5, "%04d", i);
        text[9] = ',';
        outlet_write(LOG_INFO, text);
    }
    for (ssize_t some = 1;
         some > 0 && n < 399000 && !strstr(all + (n > 5000 ? n - 5000 : 0), "line 2999");
         n += some > 0 ? (int)some : 0)
        some = poll(&(struct pollfd){caught, POLLIN, 0}, 1, FIRST_MS) == 1
                   ? read(caught, all + n, 4096)
                   : 0;
    release_stderr(caught);
    const char *at = all;
    for (int i = 0; i < 3000; i++) {
        char begin[32];
        snprintf(begin, sizeof begin, "smith: line %04d,", i);
        assert_memory_equal(at, begin, strlen(begin));
        at = strchr(at, '\n') + 1;
    }
    free(all);
}

static void test_the_end_does_not_wait_for_ever(void **state)
{
    (void)state;
    int fd = listen_as(SOCK_DGRAM);
    outlet_open(path, "smith");
    write_numbered(0, 3000);
    int64_t started = clock_us();
    outlet_drain(200);
    assert_in_range(clock_us() - started, 150000, 20000000);
    expect_numbered(fd, 0, 3000);
    started = clock_us();
    outlet_drain(10000);
    assert_in_range(clock_us() - started, 0, 5000000);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_has_priority_time_and_name),
        cmocka_unit_test(test_a_stream_has_a_nul_behind_each_line),
        cmocka_unit_test(test_without_syslog_lines_go_to_stderr),
        cmocka_unit_test(test_a_syslog_that_was_restarted_is_found),
        cmocka_unit_test(test_another_syslog_gets_what_follows),
        cmocka_unit_test(test_at_the_start_a_line_waits_for_a_moment),
        cmocka_unit_test(test_a_line_that_is_too_long_is_cut),
        cmocka_unit_test(test_a_full_syslog_holds_nobody_up),
        cmocka_unit_test(test_what_is_too_much_is_counted_and_told),
        cmocka_unit_test(test_long_lines_are_bounded_by_their_bytes),
        cmocka_unit_test(test_a_full_pipe_holds_nobody_up),
        cmocka_unit_test(test_the_end_does_not_wait_for_ever),
    };
    snprintf(path, sizeof path, "/tmp/assay-outlet-%ld", (long)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
