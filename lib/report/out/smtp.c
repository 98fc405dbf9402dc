/* smtp.c - hands a mail over by SMTP (RFC 5321), in the clear: to a server of this host.
 *
 * Errors: a word of enum handed, and a phrase. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "report/out/handover.h"

#define REPLY_MAX 2048

struct talk {
    int fd;
    struct arena *arena;
    char in[REPLY_MAX]; /* received and not read yet */
    size_t n_in;
    struct str why;
};

/* "HOST", "HOST:PORT", "[::1]:PORT". */
bool smtp_place(struct str place, struct arena *a, char **host, char **port)
{
    unsigned long long number = 25;
    bool bracket = place.n && place.p[0] == '[';
    size_t end = bracket ? str_find(place, 0, ']') : str_find(place, 0, ':');
    struct str name = str_sub(place, bracket, end);
    struct str rest = str_sub(place, end + bracket, place.n);
    if (rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    if ((bracket && end == place.n) || !name.n || str_find(name, 0, '/') < name.n)
        return false;
    if (rest.n && (rest.p[0] != ':' || !str_to_u64(str_sub(rest, 1, rest.n), 65535, &number)))
        return false;
    *host = str_cstr(a, name);
    *port = str_cstr(a, str_printf(a, "%llu", number));
    return number > 0;
}

/* --- A connection ------------------------------------------------------------------------------*/

static int connect_to(const struct addrinfo *address)
{
    const struct timeval patience = {.tv_sec = MAILER_SECONDS};
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int open_server(char *host, char *port, struct arena *a, struct str *why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(host, port, &hints, &found), fd = -1;
    for (const struct addrinfo *i = found; i && fd < 0; i = i->ai_next)
        fd = connect_to(i);
    if (fd < 0)
        *why = str_printf(a, "%s port %s: %s", host, port, rc ? gai_strerror(rc) : strerror(errno));
    if (found)
        freeaddrinfo(found);
    return fd;
}

static bool broken(struct talk *t, const char *what)
{
    t->why = str_printf(t->arena, "%s: %s", what, errno ? strerror(errno) : "connection closed");
    return false;
}

static bool send_bytes(struct talk *t, struct str s)
{
    while (s.n) {
        ssize_t n = send(t->fd, s.p, s.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return broken(t, "sending to the server");
        s = str_sub(s, (size_t)n, s.n);
    }
    return true;
}

/* A line without its line end; false: none came. */
static bool read_line(struct talk *t, struct str *line)
{
    for (;;) {
        struct str have = {t->in, t->n_in};
        size_t end = str_find(have, 0, '\n');
        if (end < have.n) {
            *line = str_trim(str_copy(t->arena, str_sub(have, 0, end)));
            t->n_in -= end + 1;
            memmove(t->in, t->in + end + 1, t->n_in);
            return true;
        }
        errno = t->n_in == sizeof t->in ? EMSGSIZE : 0;
        ssize_t n = errno ? -1 : recv(t->fd, t->in + t->n_in, sizeof t->in - t->n_in, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return broken(t, "waiting for the server");
        t->n_in += (size_t)n;
    }
}

/* The code of a reply, which may have several lines; 0: none came. */
static int read_reply(struct talk *t)
{
    struct str line;
    unsigned long long code;
    do {
        if (!read_line(t, &line))
            return 0;
        if (line.n < 3 || !str_to_u64(str_sub(line, 0, 3), 599, &code)) {
            t->why = STR("the server does not speak SMTP");
            return 0;
        }
    } while (line.n > 3 && line.p[3] == '-');
    t->why =
        str_printf(t->arena, "the server said: %.*s", STR_ARG(str_safe(t->arena, line, 300, true)));
    return (int)code;
}

/* --- The dialogue ------------------------------------------------------------------------------*/

static enum handed judge_reply(int code, int wanted)
{
    return code / 100 == wanted ? HANDED_OVER : code / 100 == 5 ? HANDED_NEVER : HANDED_LATER;
}

/* Sends a command and reads the reply, whose first digit should be `wanted`. */
static enum handed smtp_say(struct talk *t, struct str line, int wanted)
{
    return send_bytes(t, line) ? judge_reply(read_reply(t), wanted) : HANDED_LATER;
}

/* RFC 5321 4.5.2: lines end with CRLF, and a dot at the beginning of one is doubled. */
static struct str as_data(struct str text, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n;) {
        size_t end = str_find(text, i, '\n');
        if (text.p[i] == '.')
            sb_addc(&b, '.');
        sb_add(&b, str_sub(text, i, end));
        sb_add(&b, STR("\r\n"));
        i = end + 1;
    }
    sb_add(&b, STR(".\r\n"));
    return sb_str(&b);
}

static struct str own_name(struct arena *a)
{
    char name[256] = "localhost";
    gethostname(name, sizeof name - 1);
    return str_copy(a, str_of(name));
}

static enum handed greet(struct talk *t)
{
    struct str name = own_name(t->arena);
    if (judge_reply(read_reply(t), 2) != HANDED_OVER)
        return HANDED_LATER;
    enum handed done = smtp_say(t, str_printf(t->arena, "EHLO %.*s\r\n", STR_ARG(name)), 2);
    if (done == HANDED_NEVER) /* the server does not support EHLO */
        done = smtp_say(t, str_printf(t->arena, "HELO %.*s\r\n", STR_ARG(name)), 2);
    return done == HANDED_NEVER ? HANDED_LATER
                                : done; /* a refusal of the greeting is not about this mail */
}

static enum handed deliver(struct talk *t, const struct letter_out *l)
{
    struct arena *a = t->arena;
    enum handed done = greet(t);
    if (done == HANDED_OVER)
        done = smtp_say(t, str_printf(a, "MAIL FROM:<%.*s>\r\n", STR_ARG(l->sender)), 2);
    if (done == HANDED_OVER)
        done = smtp_say(t, str_printf(a, "RCPT TO:<%.*s>\r\n", STR_ARG(l->recipient)), 2);
    if (done == HANDED_OVER)
        done = smtp_say(t, STR("DATA\r\n"), 3);
    if (done == HANDED_OVER)
        done = smtp_say(t, as_data(l->text, a), 2);
    if (done == HANDED_OVER)
        send_bytes(t, STR("QUIT\r\n"));
    return done;
}

enum handed hand_to_server(struct str place, const struct letter_out *letter, struct arena *a,
                           struct str *why)
{
    struct talk t = {.arena = a, .why = STR("")};
    char *host, *port;
    if (!smtp_place(place, a, &host, &port)) {
        *why = STR("the mailer is no URL such as smtp://127.0.0.1:25");
        return HANDED_LATER;
    }
    t.fd = open_server(host, port, a, why);
    if (t.fd < 0)
        return HANDED_LATER;
    enum handed done = deliver(&t, letter);
    if (done != HANDED_OVER)
        *why = t.why;
    close(t.fd);
    return done;
}
