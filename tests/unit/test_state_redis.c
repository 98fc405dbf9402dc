/* state in Redis: a real redis-server on loopback, stopped, stalled, restarted, read-only, full,
 * with a password, and two of them. */
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/redis_link.h"

#define NOW  1700000000
#define DAY  86400
#define LONG 20000000 /* microseconds: a busy machine */

struct server {
    pid_t pid; /* 0: not running */
    uint16_t port;
    const char *password;
};

struct rig {
    struct arena *a;
    struct server servers[2];
    struct state_server settings[2];
    struct state *state;
    struct state_asker asker;
};

/* --- Servers --- */

static uint16_t free_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
    close(fd);
    return ntohs(in.sin_port);
}

static redisContext *connect_to(const struct server *s)
{
    redisContext *c = redisConnect("127.0.0.1", s->port);
    assert_non_null(c);
    if (c->err) {
        redisFree(c);
        return NULL;
    }
    if (s->password)
        freeReplyObject(redisCommand(c, "AUTH %s", s->password));
    return c;
}

static void start(struct server *s)
{
    char port[8];
    int64_t until = clock_us() + LONG;
    redisContext *c;
    snprintf(port, sizeof port, "%u", s->port);
    s->pid = fork();
    if (!s->pid) {
        int nowhere = open("/dev/null", O_RDWR);
        dup2(nowhere, 1);
        execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "",
               "--appendonly", "no", "--dir", "/tmp", s->password ? "--requirepass" : NULL,
               s->password, NULL);
        _exit(127);
    }
    while (!(c = connect_to(s)) && clock_us() < until)
        usleep(10000);
    assert_non_null(c);
    redisFree(c);
}

static void stop(struct server *s)
{
    if (!s->pid)
        return;
    kill(s->pid, SIGCONT);
    kill(s->pid, SIGKILL);
    assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
    s->pid = 0;
}

static void tell(const struct server *s, const char *command)
{
    redisContext *c = connect_to(s);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, command);
    assert_non_null(reply);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    redisFree(c);
}

static long long number(const struct server *s, const char *command)
{
    redisContext *c = connect_to(s);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, command);
    assert_non_null(reply);
    long long n = reply->type == REDIS_REPLY_INTEGER  ? reply->integer
                  : reply->type == REDIS_REPLY_STRING ? atoll(reply->str)
                                                      : -100;
    freeReplyObject(reply);
    redisFree(c);
    return n;
}

/* --- The store --- */

static void open_state(struct rig *r, size_t n)
{
    struct str problem = STR_NONE;
    const struct state_settings settings = {
        .servers = r->settings, .n_servers = n, .pause_us = 100000};
    r->state = state_open(&settings, r->a, &problem);
    assert_non_null(r->state);
    r->asker = (struct state_asker){.state = r->state};
}

static void describe(struct rig *r, size_t i)
{
    r->servers[i].port = free_port();
    r->settings[i] = (struct state_server){
        .host = STR("127.0.0.1"), .port = r->servers[i].port, .prefix = STR("assay1:")};
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    r->a = arena_new(0);
    describe(r, 0);
    start(&r->servers[0]);
    open_state(r, 1);
    *state = r;
    return 0;
}

static int set_up_twins(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    r->a = arena_new(0);
    for (size_t i = 0; i < 2; i++) {
        describe(r, i);
        start(&r->servers[i]);
    }
    open_state(r, 2);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    state_close(r->state);
    for (size_t i = 0; i < 2; i++)
        stop(&r->servers[i]);
    arena_free(r->a);
    free(r);
    return 0;
}

static struct state_key put_within(struct rig *r, const char *key, int64_t now, int64_t patience)
{
    struct state_key k = {.key = str_of(key)};
    r->asker.patience_us = patience;
    state_put_if_absent(&r->asker, now, now, DAY, &k, 1);
    return k;
}

static struct state_key put(struct rig *r, const char *key, int64_t now)
{
    return put_within(r, key, now, STATE_BUDGET_US);
}

static enum state_result get(struct rig *r, const char *key, int64_t *value)
{
    struct state_key k = {.key = str_of(key)};
    r->asker.patience_us = STATE_BUDGET_US;
    state_get(&r->asker, NOW, &k, 1);
    if (value)
        *value = k.value;
    return k.result;
}

/* After a failure there are pauses, and the machine may be busy: asks until it is known. */
static struct state_key becomes_known(struct rig *r, const char *key, int64_t now)
{
    int64_t until = clock_us() + LONG;
    struct state_key k;
    while ((k = put(r, key, now)).result == STATE_UNKNOWN && clock_us() < until)
        usleep(5000);
    assert_int_not_equal(k.result, STATE_UNKNOWN);
    return k;
}

/* ... until it is unknown, and then nobody waits for it. */
static void becomes_unknown(struct rig *r, const char *key)
{
    int64_t until = clock_us() + LONG;
    while (put(r, key, NOW).result != STATE_UNKNOWN && clock_us() < until)
        usleep(5000);
    do {
        r->asker.waited_us = 0;
        assert_int_equal(put(r, key, NOW).result, STATE_UNKNOWN);
    } while (r->asker.waited_us && clock_us() < until);
    assert_int_equal(r->asker.waited_us, 0);
}

/* --- One server --- */

static void the_first_one_is_recorded_and_told_to_the_next(void **state)
{
    struct rig *r = *state;
    int64_t value = 0;
    struct state_key k = becomes_known(r, "k", NOW);
    assert_int_equal(k.result, STATE_ABSENT);
    k = becomes_known(r, "k", NOW + 30);
    assert_int_equal(k.result, STATE_ANSWER);
    assert_int_equal(k.value, NOW);
    assert_int_equal(get(r, "k", &value), STATE_ANSWER);
    assert_int_equal(value, NOW);
    assert_int_equal(get(r, "other", NULL), STATE_ABSENT);
    assert_int_equal(number(&r->servers[0], "GET assay1:k"), NOW);
    long long ttl = number(&r->servers[0], "TTL assay1:k");
    assert_true(ttl > DAY - 600 && ttl <= DAY);
    state_touch(r->state, NOW, 25 * DAY, &k, 1);
    r->asker.patience_us = LONG;
    state_forget(&r->asker, &(struct state_key){.key = STR("nothing")}, 1); /* in its order */
    assert_true(number(&r->servers[0], "TTL assay1:k") > 24 * DAY);
    assert_int_equal(number(&r->servers[0], "GET assay1:k"), NOW);
    r->asker.patience_us = LONG;
    state_forget(&r->asker, &k, 1);
    assert_int_equal(k.result, STATE_ANSWER);
    assert_int_equal(becomes_known(r, "k", NOW).result, STATE_ABSENT);
}

static void keys_may_hold_any_bytes(void **state)
{
    struct rig *r = *state;
    struct state_key k[2] = {{.key = {"a b\r\n\0%s", 8}}, {.key = {"a b\r\n", 5}}};
    becomes_known(r, "up", NOW);
    r->asker.patience_us = LONG;
    state_put_if_absent(&r->asker, NOW, NOW, DAY, k, 1);
    assert_int_equal(k[0].result, STATE_ABSENT);
    state_get(&r->asker, NOW, k, 2);
    assert_int_equal(k[0].result, STATE_ANSWER);
    assert_int_equal(k[1].result, STATE_ABSENT);
}

static void note_key(void *context, struct str key, int64_t value, int64_t expires)
{
    struct strbuf *b = context;
    assert_true(expires > NOW + DAY - 600);
    sb_printf(b, "%.*s=%lld ", STR_ARG(key), (long long)(value - NOW));
}

static void sites_and_databases_are_told_apart(void **state)
{
    struct rig *r = *state;
    const struct state_settings settings = {.servers = r->settings, .n_servers = 1};
    struct str problem = STR_NONE;
    struct strbuf b;
    sb_init(&b, r->a);
    becomes_known(r, "g:k", NOW + 5);
    tell(&r->servers[0], "SET other:g:k 5 EX 100");
    state_close(r->state);
    r->settings[0].prefix = STR("x*:");
    r->settings[0].database = 3;
    open_state(r, 1);
    assert_int_equal(becomes_known(r, "g:k", NOW + 7).result, STATE_ABSENT);
    assert_true(state_list(&settings, NOW, STR("g:"), note_key, &b, r->a, &problem));
    r->settings[0].prefix = STR("assay1:");
    r->settings[0].database = 0;
    assert_true(state_list(&settings, NOW, STR("g:"), note_key, &b, r->a, &problem));
    assert_str(sb_str(&b), "g:k=7 g:k=5 ");
}

static void a_value_of_somebody_else_is_unknown(void **state)
{
    struct rig *r = *state;
    becomes_known(r, "up", NOW);
    tell(&r->servers[0], "SET assay1:k yesterday");
    tell(&r->servers[0], "LPUSH assay1:list 1");
    assert_int_equal(put(r, "k", NOW).result, STATE_UNKNOWN);
    assert_int_equal(put(r, "list", NOW).result, STATE_UNKNOWN);
    becomes_known(r, "well", NOW); /* which is no trouble of the server */
}

static void a_restart_while_nobody_asks_costs_nothing(void **state)
{
    struct rig *r = *state;
    becomes_known(r, "k", NOW);
    stop(&r->servers[0]);
    start(&r->servers[0]);
    assert_int_equal(put_within(r, "k", NOW + 1, LONG).result, STATE_ABSENT);
}

static void a_stopped_server_is_unknown_and_comes_back(void **state)
{
    struct rig *r = *state;
    becomes_known(r, "k", NOW);
    stop(&r->servers[0]);
    becomes_unknown(r, "k");
    start(&r->servers[0]);
    becomes_known(r, "k", NOW);
}

static void a_server_that_never_was_there_may_come(void **state)
{
    struct rig *r = *state;
    state_close(r->state);
    stop(&r->servers[0]);
    open_state(r, 1);
    becomes_unknown(r, "k");
    start(&r->servers[0]);
    becomes_known(r, "k", NOW);
}

/* A daemon tries for as long as it lives. */
static void trying_to_connect_keeps_nothing(void **state)
{
    struct rig *r = *state;
    struct redis_link link = {0};
    stop(&r->servers[0]);
    redis_link_init(&link, &r->settings[0]);
    size_t used = arena_used(link.arena);
    for (int i = 0; i < 100; i++)
        assert_false(redis_link_connect(&link));
    assert_int_equal(arena_used(link.arena), used);
    redis_link_free(&link);
}

static void a_stalled_server_costs_one_budget(void **state)
{
    struct rig *r = *state;
    becomes_known(r, "k", NOW);
    kill(r->servers[0].pid, SIGSTOP);
    r->asker.waited_us = 0;
    assert_int_equal(put(r, "k", NOW).result, STATE_UNKNOWN);
    assert_true(r->asker.waited_us >= STATE_BUDGET_US / 2);
    becomes_unknown(r, "k");
    kill(r->servers[0].pid, SIGCONT);
    becomes_known(r, "k", NOW);
}

static void a_replica_is_unknown_until_it_is_a_master(void **state)
{
    struct rig *r = *state;
    becomes_known(r, "k", NOW);
    tell(&r->servers[0], "REPLICAOF 127.0.0.1 1");
    becomes_unknown(r, "new");
    tell(&r->servers[0], "REPLICAOF NO ONE");
    assert_int_equal(becomes_known(r, "new", NOW).result, STATE_ABSENT);
    assert_int_equal(becomes_known(r, "k", NOW).result, STATE_ANSWER);
}

static void a_full_server_is_unknown_until_it_has_room(void **state)
{
    struct rig *r = *state;
    becomes_known(r, "k", NOW);
    tell(&r->servers[0], "CONFIG SET maxmemory 1");
    becomes_unknown(r, "new");
    tell(&r->servers[0], "CONFIG SET maxmemory 0");
    assert_int_equal(becomes_known(r, "new", NOW).result, STATE_ABSENT);
}

/* --- What is no Redis ---*/

struct impostor {
    int listener;
    const char *says;
    size_t said; /* bytes that somebody took */
};

/* The words, and then x for as long as somebody takes it. */
static void *talk(void *arg)
{
    struct impostor *i = arg;
    char heard[4096], more[65536];
    int fd = accept(i->listener, NULL, NULL);
    memset(more, 'x', sizeof more);
    ssize_t n = recv(fd, heard, sizeof heard, 0);
    for (n = send(fd, i->says, strlen(i->says), MSG_NOSIGNAL); n > 0 && i->said < 64U << 20;) {
        i->said += (size_t)n;
        n = send(fd, more, sizeof more, MSG_NOSIGNAL);
    }
    close(fd);
    return NULL;
}

static int listen_at(uint16_t port)
{
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 65536;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void what_has_no_end_is_not_read(void **state)
{
    static const struct {
        const char *says, *why;
    } cases[] = {
        {"$536870912\r\n", "a reply that has no end"},
        {"+", "a reply that has no end"},
        {"*1000000000\r\n", "a reply that is none to what was asked"},
        {"HTTP/1.0 200 OK\r\n", "a reply that is none to what was asked"},
    };
    struct rig *r = *state;
    state_close(r->state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct impostor impostor = {.says = cases[i].says};
        struct log_recent said;
        pthread_t thread;
        describe(r, 1);
        impostor.listener = listen_at(r->servers[1].port);
        assert_int_equal(pthread_create(&thread, NULL, talk, &impostor), 0);
        r->settings[0] = r->settings[1];
        open_state(r, 1);
        becomes_unknown(r, "key");
        pthread_join(thread, NULL);
        close(impostor.listener);
        assert_true(impostor.said < 8U << 20);
        assert_int_equal(log_recent(&said, 1), 1);
        assert_non_null(strstr(said.text, cases[i].why));
        state_close(r->state);
        r->state = NULL;
    }
}

static void restart_with_password(struct rig *r, const char *password)
{
    stop(&r->servers[0]);
    r->servers[0].password = password;
    start(&r->servers[0]);
}

static void a_wrong_password_is_unknown_and_may_be_mended(void **state)
{
    struct rig *r = *state;
    state_close(r->state);
    restart_with_password(r, "right");
    r->settings[0].password = STR("wrong");
    open_state(r, 1);
    becomes_unknown(r, "k");
    tell(&r->servers[0], "CONFIG SET requirepass wrong");
    r->servers[0].password = "wrong";
    becomes_known(r, "k", NOW);
}

static void a_user_logs_in(void **state)
{
    struct rig *r = *state;
    tell(&r->servers[0], "ACL SETUSER mx on >s3cret ~assay1:* +@all");
    state_close(r->state);
    r->settings[0].user = STR("mx");
    r->settings[0].password = STR("s3cret");
    open_state(r, 1);
    becomes_known(r, "k", NOW);
}

/* --- Two servers --- */

static void either_twin_may_be_down(void **state)
{
    struct rig *r = *state;
    becomes_known(r, "k", NOW);
    stop(&r->servers[0]);
    struct state_key k = becomes_known(r, "k", NOW + 30);
    assert_int_equal(k.result, STATE_ANSWER);
    assert_int_equal(k.value, NOW);
    start(&r->servers[0]);
    stop(&r->servers[1]);
    becomes_known(r, "k", NOW + 60);
    stop(&r->servers[0]);
    becomes_unknown(r, "k");
}

static void wait_for_both(struct rig *r)
{
    int64_t until = clock_us() + LONG;
    char key[32];
    for (unsigned i = 0; clock_us() < until; i++) {
        snprintf(key, sizeof key, "EXISTS assay1:b%u", i);
        becomes_known(r, key + 14, NOW);
        if (number(&r->servers[0], key) == 1 && number(&r->servers[1], key) == 1)
            return;
    }
    fail();
}

static void the_earliest_counts_and_a_twin_learns_it(void **state)
{
    struct rig *r = *state;
    wait_for_both(r);
    tell(&r->servers[0], "SET assay1:k 1700000000 EX 86400");
    struct state_key k = put_within(r, "k", NOW + 30, LONG);
    assert_int_equal(k.result, STATE_ANSWER);
    assert_int_equal(k.value, NOW);
    assert_int_equal(number(&r->servers[1], "GET assay1:k"), NOW + 30);
    state_touch(r->state, NOW + 30, 25 * DAY, &k, 1);
    int64_t until = clock_us() + LONG;
    while (number(&r->servers[1], "GET assay1:k") != NOW && clock_us() < until)
        usleep(5000);
    assert_int_equal(number(&r->servers[1], "GET assay1:k"), NOW);
    assert_true(number(&r->servers[0], "TTL assay1:k") > 24 * DAY);
}

#define TEST(f)  cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define TWINS(f) cmocka_unit_test_setup_teardown(f, set_up_twins, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_one_is_recorded_and_told_to_the_next),
        TEST(keys_may_hold_any_bytes),
        TEST(sites_and_databases_are_told_apart),
        TEST(a_value_of_somebody_else_is_unknown),
        TEST(a_restart_while_nobody_asks_costs_nothing),
        TEST(a_stopped_server_is_unknown_and_comes_back),
        TEST(a_server_that_never_was_there_may_come),
        TEST(trying_to_connect_keeps_nothing),
        TEST(a_stalled_server_costs_one_budget),
        TEST(a_replica_is_unknown_until_it_is_a_master),
        TEST(a_full_server_is_unknown_until_it_has_room),
        TEST(what_has_no_end_is_not_read),
        TEST(a_wrong_password_is_unknown_and_may_be_mended),
        TEST(a_user_logs_in),
        TWINS(either_twin_may_be_down),
        TWINS(the_earliest_counts_and_a_twin_learns_it),
    };
    if (system("redis-server --version >/dev/null 2>&1"))
        return 77;
    log_open(LOG_TO_STDERR, "test", LOG_LEVEL_INFO);
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
