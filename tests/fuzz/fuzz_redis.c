/* What a Redis server says: any bytes, behind a real connection. A key is answered only with what
 * stands in them, nothing that is no number is one, and nobody waits for what does not come. */
#include "fuzz.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "store/state.h"

#define NOW       1000
#define BYTES_MAX 65536

static struct {
    int listener;
    uint16_t port;
    pthread_mutex_t lock;
    const uint8_t *bytes; /* what is said to whoever connects */
    size_t size;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void say(int fd)
{
    char heard[4096];
    pthread_mutex_lock(&server.lock);
    ssize_t n = send(fd, server.bytes, server.size, MSG_NOSIGNAL);
    pthread_mutex_unlock(&server.lock);
    shutdown(fd, SHUT_WR);
    while (n >= 0 && (n = recv(fd, heard, sizeof heard, 0)) > 0)
        ;
    close(fd);
}

static void *serve(void *unused)
{
    for (;;) {
        int fd = accept(server.listener, NULL, NULL);
        if (fd < 0)
            return unused;
        say(fd);
    }
}

static void start_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof address;
    pthread_t thread;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    require(server.listener >= 0);
    require(bind(server.listener, (struct sockaddr *)&address, n) == 0);
    require(listen(server.listener, 16) == 0);
    require(getsockname(server.listener, (struct sockaddr *)&address, &n) == 0);
    server.port = ntohs(address.sin_port);
    require(pthread_create(&thread, NULL, serve, NULL) == 0);
    pthread_detach(thread);
}

static void set_bytes(const uint8_t *bytes, size_t size)
{
    pthread_mutex_lock(&server.lock);
    server.bytes = bytes;
    server.size = size;
    pthread_mutex_unlock(&server.lock);
}

/* How the digits of a number stand in the bytes. */
static bool is_in_bytes(struct str bytes, int64_t value, struct arena *a)
{
    struct str digits = str_printf(a, "%lld", value < 0 ? -(long long)value : (long long)value);
    for (size_t i = 0; i + digits.n <= bytes.n; i++)
        if (str_eq(str_sub(bytes, i, i + digits.n), digits))
            return true;
    return false;
}

static void require_answers(struct str bytes, const struct state_key *keys, size_t n,
                            struct arena *a)
{
    for (size_t i = 0; i < n; i++) {
        require(keys[i].result == STATE_UNKNOWN || keys[i].result == STATE_ABSENT ||
                keys[i].result == STATE_ANSWER);
        require(keys[i].result != STATE_ANSWER || keys[i].value == 0 ||
                is_in_bytes(bytes, keys[i].value, a));
    }
}

static void count(void *context, struct str key, int64_t value, int64_t expires)
{
    size_t *n = context;
    (void)value;
    require(key.n <= 1 << 20 && expires >= NOW);
    ++*n;
}

static void play(const struct state_settings *settings, struct str bytes, struct arena *a)
{
    struct state_key keys[2] = {{.key = STR("n:192.0.2.0/24")}, {.key = STR("d:example.com")}};
    struct str problem;
    struct state *state = state_open(settings, a, &problem);
    require(state != NULL);
    struct state_asker asker = {.state = state, .patience_us = 1000000};
    state_put_if_absent(&asker, NOW, NOW, 60, keys, 2);
    require_answers((struct str){bytes.p, bytes.n}, keys, 2, a);
    state_get(&asker, NOW, keys, 2);
    state_touch(state, NOW, 60, keys, 2);
    state_forget(&asker, keys, 2);
    state_close(state);
}

/* hiredis 0.14 makes room for as many elements as an array says it has: so much trust a server of
 * one's own has. */
static bool claims_much(struct str bytes)
{
    for (size_t i = 0; i + 5 < bytes.n; i++) {
        size_t digits = 0;
        while (bytes.p[i] == '*' && i + 1 + digits < bytes.n && bytes.p[i + 1 + digits] >= '0' &&
               bytes.p[i + 1 + digits] <= '9')
            digits++;
        if (digits > 4)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *a = arena_new(0);
    size_t listed = 0;
    struct str problem = STR_NONE;
    if (size > BYTES_MAX || claims_much(fuzz_text(bytes, size))) {
        arena_free(a);
        return 0;
    }
    if (!server.port) {
        log_open(LOG_TO_SYSLOG, "fuzz", LOG_LEVEL_ERROR); /* a server that is down is told of */
        start_server();
    }
    set_bytes(bytes, size);
    const struct state_server where = {
        .host = STR("127.0.0.1"), .port = server.port, .prefix = STR("p:")};
    const struct state_settings settings = {.n_servers = 1, .servers = &where};
    play(&settings, fuzz_text(bytes, size), a);
    bool all = state_list(&settings, NOW, STR(""), count, &listed, a, &problem);
    require(all == (problem.p == NULL));
    set_bytes(NULL, 0);
    arena_free(a);
    return 0;
}
