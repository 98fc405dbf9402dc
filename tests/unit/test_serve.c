/* serve: frames however they are cut, peers that are slow or gone, workers that wait, many idle
 * connections, descriptors that run out, and the end in the midst of it all. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "milter/serve/internal.h"

#define LINE_MAX_BYTES 100000
#define PATIENCE_MS    10000

/* A door of lines: "wait MS" waits, "big N" answers N bytes, "bye" closes; else the line comes
 * back. "quick FD" comes back, too, and is said again through FD, the peer's end, so that the next
 * command is there before its answer leaves; `quick` counts down how often. */
struct counts {
    atomic_uint opened, closed, at_once, most_at_once, quick;
};

struct echo {
    struct counts *counts;
    struct serve_connection *c;
    atomic_bool busy;
};

static ptrdiff_t line_frame(const char *data, size_t n, const char **problem)
{
    const char *end = n ? memchr(data, '\n', n) : NULL;
    if (!end && n >= LINE_MAX_BYTES) {
        *problem = "a line that is too long";
        return -1;
    }
    return end ? end + 1 - data : 0;
}

static void *echo_opened(void *context, struct serve_connection *c)
{
    struct echo *e = calloc(1, sizeof *e);
    assert_non_null(e);
    e->counts = context;
    e->c = c;
    atomic_fetch_add(&e->counts->opened, 1);
    return e;
}

static void wait_ms(struct echo *e, unsigned ms)
{
    serve_waits(e->c, true);
    usleep(ms * 1000);
    serve_waits(e->c, false);
}

static void answer_big(struct echo *e, size_t n)
{
    char *block = malloc(n);
    assert_non_null(block);
    memset(block, 'x', n);
    block[n - 1] = '\n';
    serve_send(e->c, block, n);
    free(block);
}

static enum serve_next echo_handle(void *state, const char *frame, size_t n)
{
    struct echo *e = state;
    char word[64] = "";
    assert_false(atomic_exchange(&e->busy, true)); /* never two workers at once */
    memcpy(word, frame, n < sizeof word ? n : sizeof word - 1);
    unsigned number = (unsigned)strtoul(word + 5, NULL, 10);
    if (!strncmp(word, "wait ", 5))
        wait_ms(e, number);
    if (!strncmp(word, "big  ", 5))
        answer_big(e, number);
    else
        serve_send(e->c, frame, n);
    if (!strncmp(word, "quick", 5) && atomic_load(&e->counts->quick)) {
        atomic_fetch_sub(&e->counts->quick, 1);
        assert_int_equal(send((int)number, frame, n, MSG_NOSIGNAL), (ssize_t)n);
    }
    atomic_store(&e->busy, false);
    return strcmp(word, "bye\n") ? SERVE_GO_ON : SERVE_CLOSE;
}

static void echo_closed(void *state)
{
    struct echo *e = state;
    atomic_fetch_add(&e->counts->closed, 1);
    free(e);
}

static const struct serve_protocol echo_protocol = {
    .name = "echo",
    .frame_max = LINE_MAX_BYTES,
    .frame = line_frame,
    .opened = echo_opened,
    .handle = echo_handle,
    .closed = echo_closed,
};

static const struct serve_door usual_door = {
    .protocol = &echo_protocol,
    .connections_max = 5000,
    .silence_ms = 60000,
    .frame_ms = 60000,
    .write_ms = 60000,
};

struct rig {
    struct counts counts;
    struct serve *serve;
    struct sockaddr_in address;
};

static struct sockaddr_in listen_for(struct serve *serve, const struct serve_door *door)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(listen(fd, 1024), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    assert_true(serve_listen(serve, fd, door));
    return address;
}

/* With a second socket, if *second is wanted. */
static void start_two(struct rig *r, struct serve_door door, unsigned busy, unsigned max,
                      struct sockaddr_in *second)
{
    const struct serve_settings settings = {.busy_workers = busy, .workers_max = max};
    memset(r, 0, sizeof *r);
    r->serve = serve_new(&settings);
    assert_non_null(r->serve);
    door.context = &r->counts;
    r->address = listen_for(r->serve, &door);
    if (second)
        *second = listen_for(r->serve, &door);
    assert_true(serve_start(r->serve));
}

static void start(struct rig *r, struct serve_door door, unsigned busy, unsigned max)
{
    start_two(r, door, busy, max, NULL);
}

static void stop(struct rig *r)
{
    serve_stop(r->serve);
    serve_free(r->serve);
    assert_int_equal(atomic_load(&r->counts.opened), atomic_load(&r->counts.closed));
}

static int dial(const struct rig *r)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&r->address, sizeof r->address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* True if something, or the end, is there within ms. */
static bool readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

static void hear(int fd, const char *want)
{
    char got[256] = "";
    size_t n = 0;
    while (n < strlen(want)) {
        assert_true(readable(fd, PATIENCE_MS));
        ssize_t came = recv(fd, got + n, strlen(want) - n, 0);
        assert_true(came > 0);
        n += (size_t)came;
    }
    assert_string_equal(got, want);
}

static void hear_end(int fd)
{
    char c;
    assert_true(readable(fd, PATIENCE_MS));
    assert_true(recv(fd, &c, 1, 0) <= 0);
}

static void until(const atomic_uint *value, unsigned want)
{
    for (int i = 0; i < PATIENCE_MS && atomic_load(value) != want; i++)
        usleep(1000);
    assert_int_equal(atomic_load(value), want);
}

/* The server forgets a connection just behind its protocol's last word. */
static void until_all_are_forgotten(const struct rig *r)
{
    for (int i = 0; i < PATIENCE_MS && serve_figures(r->serve).connections; i++)
        usleep(1000);
    assert_int_equal(serve_figures(r->serve).connections, 0);
}

static void frames_are_whole_however_they_come(void **state)
{
    (void)state;
    struct rig r;
    start(&r, usual_door, 0, 16);
    int fd = dial(&r);
    say(fd, "one\ntwo\nthr");
    hear(fd, "one\ntwo\n");
    assert_false(readable(fd, 20));
    for (const char *p = "ee\nfour\n"; *p; p++) {
        const char drop[2] = {*p, '\0'};
        say(fd, drop);
        usleep(1000);
    }
    hear(fd, "three\nfour\n");
    say(fd, "bye\n");
    hear(fd, "bye\n");
    hear_end(fd);
    close(fd);
    stop(&r);
}

static void a_long_frame_comes_through_to_the_byte(void **state)
{
    (void)state;
    struct rig r;
    char *line = malloc(LINE_MAX_BYTES), *back = malloc(LINE_MAX_BYTES);
    assert_non_null(line);
    assert_non_null(back);
    for (size_t i = 0; i < LINE_MAX_BYTES; i++)
        line[i] = (char)('a' + i % 26);
    line[LINE_MAX_BYTES - 1] = '\n';
    start(&r, usual_door, 0, 16);
    int fd = dial(&r);
    size_t sent = 0, got = 0;
    while (got < LINE_MAX_BYTES) {
        ssize_t n =
            sent < LINE_MAX_BYTES ? send(fd, line + sent, LINE_MAX_BYTES - sent, MSG_DONTWAIT) : 0;
        sent += n > 0 ? (size_t)n : 0;
        n = recv(fd, back + got, LINE_MAX_BYTES - got, sent < LINE_MAX_BYTES ? MSG_DONTWAIT : 0);
        got += n > 0 ? (size_t)n : 0;
    }
    assert_memory_equal(line, back, LINE_MAX_BYTES);
    close(fd);
    stop(&r);
    free(line);
    free(back);
}

static void what_is_no_frame_ends_its_connection_alone(void **state)
{
    (void)state;
    struct rig r;
    start(&r, usual_door, 0, 16);
    int good = dial(&r), bad = dial(&r);
    char block[4096];
    memset(block, 'x', sizeof block);
    for (size_t sent = 0; sent < LINE_MAX_BYTES + sizeof block;) {
        ssize_t n = send(bad, block, sizeof block, MSG_NOSIGNAL);
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    hear_end(bad);
    say(good, "still here\n");
    hear(good, "still here\n");
    close(good);
    close(bad);
    stop(&r);
}

static void silent_and_slow_peers_are_ended(void **state)
{
    (void)state;
    struct rig r;
    struct serve_door door = usual_door;
    door.silence_ms = 700;
    door.frame_ms = 300;
    door.write_ms = 300;
    start(&r, door, 0, 16);
    int silent = dial(&r), slow = dial(&r), deaf = dial(&r);
    int64_t began = clock_us();
    say(deaf, "big  8000000\n");
    for (int i = 0; i < 40 && !readable(slow, 0); i++) { /* drops do not prolong it */
        if (send(slow, "x", 1, MSG_NOSIGNAL) < 0)
            break;
        usleep(50000);
    }
    hear_end(slow);
    assert_true(clock_us() - began < 1900000);
    hear_end(silent);
    until(&r.counts.closed, 3);
    close(silent);
    close(slow);
    close(deaf);
    stop(&r);
}

static void a_peer_that_reads_late_gets_everything(void **state)
{
    (void)state;
    struct rig r;
    start(&r, usual_door, 0, 16);
    int fd = dial(&r);
    const size_t big = 900000;
    for (int i = 0; i < 10; i++)
        say(fd, "big  900000\n");
    usleep(100000);
    char block[65536];
    for (size_t got = 0; got < 10 * big;) {
        assert_true(readable(fd, PATIENCE_MS));
        ssize_t n = recv(fd, block, sizeof block, 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    say(fd, "end\n");
    hear(fd, "end\n");
    say(fd, "big  900000\nbye\n"); /* all of it before the end */
    usleep(50000);
    for (size_t got = 0; got < big + 4;) {
        assert_true(readable(fd, PATIENCE_MS));
        ssize_t n = recv(fd, block, sizeof block, 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    hear_end(fd);
    close(fd);
    stop(&r);
}

static void nobody_waits_for_those_who_wait(void **state)
{
    (void)state;
    enum { WAITING = 30, GOOD = 10 };
    struct rig r;
    int waiting[WAITING], good[GOOD];
    start(&r, usual_door, 2, 100);
    for (int i = 0; i < WAITING; i++)
        waiting[i] = dial(&r);
    for (int i = 0; i < GOOD; i++)
        good[i] = dial(&r);
    until(&r.counts.opened, WAITING + GOOD);
    int64_t began = clock_us();
    for (int i = 0; i < WAITING; i++)
        say(waiting[i], "wait 1000\n");
    for (int i = 0; i < GOOD; i++)
        say(good[i], "good\n");
    for (int i = 0; i < GOOD; i++)
        hear(good[i], "good\n");
    assert_true(clock_us() - began < 10000000); /* two at a time they would take 15 s */
    for (int i = 0; i < WAITING; i++)
        hear(waiting[i], "wait 1000\n");
    assert_true(clock_us() - began < 12000000); /* all at once */
    struct serve_figures f = serve_figures(r.serve);
    assert_true(f.workers >= WAITING);
    for (int i = 0; i < WAITING; i++)
        close(waiting[i]);
    for (int i = 0; i < GOOD; i++)
        close(good[i]);
    stop(&r);
}

/* Of the whole pages between two places, those that take memory. */
static size_t pages_held(char *from, char *end)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char held[1024];
    char *first = from + (page - (uintptr_t)from % page) % page;
    size_t count = (size_t)(end - first) / page, n = 0;
    assert_true(count > 0 && count <= sizeof held);
    assert_int_equal(mincore(first, count * page, held), 0);
    for (size_t i = 0; i < count; i++)
        n += held[i] & 1;
    return n;
}

static void hear_lines(int fd, int n)
{
    char block[4096];
    while (n > 0) {
        assert_true(readable(fd, PATIENCE_MS));
        ssize_t came = recv(fd, block, sizeof block, 0);
        assert_true(came > 0);
        for (ssize_t i = 0; i < came; i++)
            n -= block[i] == '\n';
    }
}

/* What is there when an answer leaves needs no other worker, and no look at the epoll set. */
static void a_quick_peer_stays_with_its_worker(void **state)
{
    (void)state;
    struct rig r;
    char line[32];
    start(&r, usual_door, 2, 16);
    int fd = dial(&r);
    snprintf(line, sizeof line, "quick %d\n", fd);
    unsigned watched = atomic_load(&r.serve->watched);
    atomic_store(&r.counts.quick, 159);
    say(fd, line);
    hear_lines(fd, 160);
    assert_in_range(atomic_load(&r.serve->watched) - watched, 1, 40);
    close(fd);
    stop(&r);
}

static void a_quick_peer_lets_others_have_their_turn(void **state)
{
    (void)state;
    struct rig r;
    char line[32];
    start(&r, usual_door, 1, 1);
    int quick = dial(&r), other = dial(&r);
    say(other, "here\n");
    hear(other, "here\n");
    snprintf(line, sizeof line, "quick %d\n", quick);
    atomic_store(&r.counts.quick, UINT_MAX);
    say(quick, line);
    hear_lines(quick, 1);
    for (int i = 0; i < 20; i++) {
        say(other, "and me\n");
        hear(other, "and me\n");
    }
    atomic_store(&r.counts.quick, 0);
    close(other);
    stop(&r);
    close(quick);
}

/* TSan does without our epoll_ctl(): see loop.c. */
#ifndef __SANITIZE_THREAD__
static atomic_bool kernel_is_full;

int epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
    if (op == EPOLL_CTL_ADD && atomic_load(&kernel_is_full)) {
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, set, op, fd, event);
}

static void what_the_kernel_cannot_watch_is_closed(void **state)
{
    (void)state;
    struct rig r;
    start(&r, usual_door, 0, 16);
    uint64_t refused = counter_get(CTR_CONNECTIONS_REFUSED);
    atomic_store(&kernel_is_full, true);
    int fd = dial(&r);
    hear_end(fd);
    until(&r.counts.closed, 1);
    assert_int_equal(counter_get(CTR_CONNECTIONS_REFUSED), refused + 1);
    until_all_are_forgotten(&r);
    close(fd);
    atomic_store(&kernel_is_full, false);
    fd = dial(&r);
    say(fd, "again\n");
    hear(fd, "again\n");
    close(fd);
    stop(&r);
}
#endif

static void options_are_inherited(void **state)
{
    (void)state;
    struct rig r;
    int on = 0;
    socklen_t n = sizeof on;
    start(&r, usual_door, 0, 16);
    int fd = dial(&r);
    until(&r.counts.opened, 1);
    pthread_mutex_lock(&r.serve->lock);
    int theirs = r.serve->connections->fd;
    pthread_mutex_unlock(&r.serve->lock);
    assert_int_equal(getsockopt(theirs, IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
    assert_true(on);
    assert_int_equal(getsockopt(theirs, SOL_SOCKET, SO_KEEPALIVE, &on, &n), 0);
    assert_true(on);
    assert_int_equal(getsockopt(theirs, IPPROTO_TCP, TCP_KEEPIDLE, &on, &n), 0);
    assert_int_equal(on, 120);
    close(fd);
    stop(&r);
}

static void what_a_large_frame_took_is_given_back(void **state)
{
    (void)state;
    enum { LARGE = 320 << 10 };
    struct worker w = {.in = malloc(LARGE), .in_cap = LARGE};
    char *kept_end = w.in + 2 * SERVE_READ_MAX;
    assert_non_null(w.in);
    memset(w.in, 'x', LARGE);
    w.in_used = 2 * SERVE_READ_MAX; /* as much as may stay */
    worker_give_back(&w);
    assert_true(pages_held(kept_end, w.in + LARGE) > 40);
    w.in_used++;
    bytes_add(&w.out, w.in, SERVE_ANSWERS_MAX + 1);
    worker_give_back(&w);
    assert_int_equal(pages_held(kept_end, w.in + LARGE), 0);
    assert_int_equal(kept_end[-1], 'x');
    assert_int_equal(w.in_used, 0);
    assert_int_equal(w.out.cap, 0);
    free(w.in);
}

static void where_no_worker_is_left_commands_wait(void **state)
{
    (void)state;
    struct rig r;
    int fds[6];
    start(&r, usual_door, 2, 2);
    for (int i = 0; i < 6; i++) {
        fds[i] = dial(&r);
        say(fds[i], "wait 100\n");
    }
    for (int i = 0; i < 6; i++)
        hear(fds[i], "wait 100\n");
    assert_int_equal(serve_figures(r.serve).workers, 2);
    for (int i = 0; i < 6; i++)
        close(fds[i]);
    stop(&r);
}

static void idle_connections_hold_no_thread(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static int fds[MANY];
    struct rig r;
    start(&r, usual_door, 2, 100);
    for (int i = 0; i < MANY; i++)
        fds[i] = dial(&r);
    until(&r.counts.opened, MANY);
    for (int i = 0; i < MANY; i++)
        say(fds[i], "hello\n");
    for (int i = 0; i < MANY; i++)
        hear(fds[i], "hello\n");
    struct serve_figures f = serve_figures(r.serve);
    assert_int_equal(f.connections, MANY);
    assert_int_equal(f.workers, 2);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    until(&r.counts.closed, MANY);
    stop(&r);
}

static void beyond_the_limit_of_a_door_connections_are_closed(void **state)
{
    (void)state;
    struct rig r;
    struct serve_door door = usual_door;
    door.connections_max = 2;
    start(&r, door, 0, 16);
    uint64_t refused = counter_get(CTR_CONNECTIONS_REFUSED);
    int a = dial(&r), b = dial(&r);
    until(&r.counts.opened, 2);
    int c = dial(&r);
    hear_end(c);
    assert_int_equal(counter_get(CTR_CONNECTIONS_REFUSED), refused + 1);
    close(a);
    until(&r.counts.closed, 1);
    int d = dial(&r);
    say(d, "room\n");
    hear(d, "room\n");
    close(b);
    close(c);
    close(d);
    stop(&r);
}

static void sockets_of_a_door_share_its_limit(void **state)
{
    (void)state;
    struct rig r, other;
    struct serve_door door = usual_door;
    door.connections_max = 2;
    start_two(&r, door, 0, 16, &other.address);
    int a = dial(&r), b = dial(&other);
    until(&r.counts.opened, 2);
    int c = dial(&r), d = dial(&other);
    hear_end(c);
    hear_end(d);
    close(a);
    until(&r.counts.closed, 1);
    int e = dial(&other);
    say(e, "room\n");
    hear(e, "room\n");
    const int open[] = {b, c, d, e};
    for (int i = 0; i < 4; i++)
        close(open[i]);
    stop(&r);
}

static void without_descriptors_connections_are_refused_and_all_recovers(void **state)
{
    (void)state;
    struct rig r;
    struct rlimit before, few;
    int fds[100], n = 0;
    start(&r, usual_door, 0, 16);
    int first = dial(&r);
    say(first, "a\n");
    hear(first, "a\n");
    for (; n < 100; n++)
        assert_true((fds[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){(rlim_t)fds[n - 1] + 12, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    uint64_t refused = counter_get(CTR_CONNECTIONS_REFUSED);
    for (int i = 0; i < n; i++)
        connect(fds[i], (struct sockaddr *)&r.address, sizeof r.address);
    for (int i = 0; i < 200 && counter_get(CTR_CONNECTIONS_REFUSED) == refused; i++)
        usleep(10000);
    assert_true(counter_get(CTR_CONNECTIONS_REFUSED) > refused);
    say(first, "still here\n");
    hear(first, "still here\n");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < n; i++)
        close(fds[i]);
    int again = dial(&r);
    say(again, "again\n");
    hear(again, "again\n");
    close(again);
    close(first);
    stop(&r);
}

static void the_end_comes_at_any_moment(void **state)
{
    (void)state;
    struct rig r;
    int fds[20];
    for (int round = 0; round < 20; round++) {
        start(&r, usual_door, 2, 30);
        for (int i = 0; i < 20; i++) {
            fds[i] = dial(&r);
            say(fds[i], i % 3 == 0 ? "wait 30\n" : i % 3 == 1 ? "half of" : "a\nb\nc\n");
        }
        usleep((useconds_t)round * 500);
        stop(&r);
        for (int i = 0; i < 20; i++)
            close(fds[i]);
    }
}

/* The command under way is ended, and its answer arrives; what came behind it is not begun. */
static void the_last_answer_arrives(void **state)
{
    (void)state;
    struct rig r;
    start(&r, usual_door, 2, 30);
    int fd = dial(&r);
    say(fd, "wait 200\n");
    for (int i = 0; i < PATIENCE_MS && !serve_figures(r.serve).waiting; i++)
        usleep(1000);
    stop(&r);
    hear(fd, "wait 200\n");
    hear_end(fd);
    close(fd);
}

static void a_peer_that_takes_no_answer_does_not_hold_the_end_up(void **state)
{
    (void)state;
    struct rig r;
    start(&r, usual_door, 0, 16);
    int fd = dial(&r);
    say(fd, "big  8000000\n");
    assert_true(readable(fd, PATIENCE_MS));
    int64_t began = clock_us();
    stop(&r);
    assert_true(clock_us() - began < 20000000); /* its write time is 60 s */
    close(fd);
}

static void peers_that_vanish_leave_nothing_behind(void **state)
{
    (void)state;
    struct rig r;
    const struct linger reset = {1, 0};
    start(&r, usual_door, 0, 16);
    for (int i = 0; i < 200; i++) {
        int fd = dial(&r);
        say(fd, i % 2 ? "big  300000\n" : "ha");
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    until(&r.counts.opened, 200);
    until(&r.counts.closed, 200);
    until_all_are_forgotten(&r);
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_whole_however_they_come),
        cmocka_unit_test(a_long_frame_comes_through_to_the_byte),
        cmocka_unit_test(what_is_no_frame_ends_its_connection_alone),
        cmocka_unit_test(silent_and_slow_peers_are_ended),
        cmocka_unit_test(a_peer_that_reads_late_gets_everything),
        cmocka_unit_test(a_quick_peer_stays_with_its_worker),
        cmocka_unit_test(a_quick_peer_lets_others_have_their_turn),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(what_the_kernel_cannot_watch_is_closed),
#endif
        cmocka_unit_test(options_are_inherited),
        cmocka_unit_test(nobody_waits_for_those_who_wait),
        cmocka_unit_test(what_a_large_frame_took_is_given_back),
        cmocka_unit_test(where_no_worker_is_left_commands_wait),
        cmocka_unit_test(idle_connections_hold_no_thread),
        cmocka_unit_test(beyond_the_limit_of_a_door_connections_are_closed),
        cmocka_unit_test(sockets_of_a_door_share_its_limit),
        cmocka_unit_test(without_descriptors_connections_are_refused_and_all_recovers),
        cmocka_unit_test(the_end_comes_at_any_moment),
        cmocka_unit_test(the_last_answer_arrives),
        cmocka_unit_test(a_peer_that_takes_no_answer_does_not_hold_the_end_up),
        cmocka_unit_test(peers_that_vanish_leave_nothing_behind),
    };
    struct rlimit many = {4096, 4096};
    setrlimit(RLIMIT_NOFILE, &many);
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
