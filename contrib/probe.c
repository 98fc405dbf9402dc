/* probe.c - assay-probe: hands one message to a milter, as an MTA would, and tells what came back.
 *
 * For administrators: what would this filter do with this message from that client? Nothing is
 * delivered. Speaks version 6 of the milter protocol as Postfix and Sendmail do.
 * Errors: every trouble ends the program with a sentence on stderr and exit status 2. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libmilter/mfdef.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/netset.h"
#include "base/str.h"

#define USAGE          2
#define MAX_REPLY      (1 << 20)
#define MAX_RECIPIENTS 100
#define ALL_ACTIONS    0x1ffU

enum verdict { GO_ON, ENOUGH, RECIPIENT_REFUSED, FINISHED };

struct edit {
    char command; /* of the reply */
    uint32_t index;
    struct str name, value;
};

struct probe {
    struct arena *arena;
    int fd;
    int timeout_ms;
    uint32_t protocol; /* negotiated SMFIP_ bits */
    struct edit *edits;
    size_t n_edits;
    struct str answer; /* in words, once there is one */
    bool accepted;
    bool check_only; /* negotiate, and that is all */
    /* What the milter is told. */
    struct netaddr client;
    const char *client_name, *helo, *from, *daemon, *auth;
    const char *recipients[MAX_RECIPIENTS];
    size_t n_recipients;
};

static _Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("assay-probe: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(USAGE);
}

/* --- the connection ------------------------------------------------------------------------- */

static int connect_unix(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof addr.sun_path)
        die("%s: too long for a Unix socket", path);
    strcpy(addr.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof addr) < 0)
        die("%s: %s", path, strerror(errno));
    return fd;
}

static int connect_inet(const char *host, const char *port, int family)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM}, *found;
    int wrong = getaddrinfo(host, port, &hints, &found);
    if (wrong)
        die("%s: %s", host, gai_strerror(wrong));
    int fd = -1;
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            close(fd);
            fd = -1;
        }
    }
    if (fd < 0)
        die("%s port %s: %s", host, port, strerror(errno));
    freeaddrinfo(found);
    int on = 1; /* or each step waits 40 ms for an acknowledgement */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* "inet:8892@127.0.0.1", Postfix's "inet:127.0.0.1:8892", "inet6:", "unix:/path", "/path". */
static int connect_milter(struct arena *a, const char *socket_name)
{
    struct str rest = str_of(socket_name);
    if (rest.n > 0 && rest.p[0] == '/')
        return connect_unix(socket_name);
    struct str kind = str_sub(rest, 0, str_find(rest, 0, ':'));
    rest = str_sub(rest, kind.n + 1, rest.n);
    if (str_eq(kind, STR("unix")) || str_eq(kind, STR("local")))
        return connect_unix(str_cstr(a, rest));
    bool six = str_eq(kind, STR("inet6"));
    if (!six && !str_eq(kind, STR("inet")))
        die("%s: a socket is inet:port@host, inet6:port@host or unix:/path", socket_name);
    size_t at = str_find(rest, 0, '@'), colon = str_find_last(rest, ':');
    struct str host = STR("localhost"), port = rest;
    if (at < rest.n) {
        port = str_sub(rest, 0, at);
        host = str_sub(rest, at + 1, rest.n);
    } else if (colon < rest.n) {
        host = str_sub(rest, 0, colon);
        port = str_sub(rest, colon + 1, rest.n);
    }
    return connect_inet(str_cstr(a, host), str_cstr(a, port), six ? AF_INET6 : AF_UNSPEC);
}

static void send_all(struct probe *p, struct str data)
{
    while (data.n > 0) {
        ssize_t n = send(p->fd, data.p, data.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            die("the milter went away: %s", strerror(errno));
        data = str_sub(data, (size_t)n, data.n);
    }
}

static void receive_all(struct probe *p, char *to, size_t n)
{
    while (n > 0) {
        struct pollfd ready = {.fd = p->fd, .events = POLLIN};
        if (poll(&ready, 1, p->timeout_ms) == 0)
            die("the milter said nothing for %d s", p->timeout_ms / 1000);
        ssize_t got = recv(p->fd, to, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            die("the milter closed the connection");
        if (got < 0)
            die("the milter went away: %s", strerror(errno));
        to += got;
        n -= (size_t)got;
    }
}

static void add_u32(struct strbuf *b, uint32_t value)
{
    uint32_t wire = htonl(value);
    sb_add(b, (struct str){(const char *)&wire, sizeof wire});
}

static uint32_t get_u32(const char *p)
{
    uint32_t wire;
    memcpy(&wire, p, sizeof wire);
    return ntohl(wire);
}

static void add_z(struct strbuf *b, const char *text)
{
    sb_add(b, str_of(text));
    sb_addc(b, '\0');
}

static void send_packet(struct probe *p, char command, struct str data)
{
    struct strbuf b;
    sb_init(&b, p->arena);
    add_u32(&b, (uint32_t)data.n + 1);
    sb_addc(&b, command);
    sb_add(&b, data);
    send_all(p, sb_str(&b));
}

/* The command of the next reply, its data in *data. */
static char receive_packet(struct probe *p, struct str *data)
{
    char head[5];
    receive_all(p, head, sizeof head);
    uint32_t n = get_u32(head);
    if (n == 0 || n > MAX_REPLY)
        die("a reply of %u bytes: is this a milter?", n);
    char *bytes = arena_alloc(p->arena, n);
    receive_all(p, bytes, n - 1);
    *data = (struct str){bytes, n - 1};
    return head[4];
}

/* --- one step of the dialogue ---------------------------------------------------------------- */

static struct str next_z(struct str *rest)
{
    struct str part = str_sub(*rest, 0, str_find(*rest, 0, '\0'));
    *rest = str_sub(*rest, part.n + 1, rest->n);
    return part;
}

static void remember_edit(struct probe *p, char command, struct str data)
{
    struct edit e = {.command = command};
    if (command == SMFIR_INSHEADER || command == SMFIR_CHGHEADER) {
        if (data.n < 4)
            die("a header edit that is cut short");
        e.index = get_u32(data.p);
        data = str_sub(data, 4, data.n);
    }
    if (command != SMFIR_REPLBODY)
        e.name = next_z(&data);
    e.value = next_z(&data);
    p->edits = arena_grow(p->arena, p->edits, p->n_edits * sizeof e, (p->n_edits + 1) * sizeof e);
    p->edits[p->n_edits++] = e;
}

static enum verdict finish(struct probe *p, const char *where, const char *words, struct str text)
{
    text = str_safe(p->arena, text, 2000, true);
    p->answer = text.n ? str_printf(p->arena, "%s %.*s", words, STR_ARG(text)) : str_of(words);
    if (where)
        p->answer = str_printf(p->arena, "%.*s (answer to %s)", STR_ARG(p->answer), where);
    return FINISHED;
}

/* Waits for the answer to a step; `where` is its name, NULL at the end of the message. */
static enum verdict answer_to(struct probe *p, const char *where)
{
    for (;;) {
        struct str data;
        char command = receive_packet(p, &data);
        switch (command) {
        case SMFIR_PROGRESS:
            break;
        case SMFIR_CONTINUE:
            if (where)
                return GO_ON;
            p->accepted = true;
            return finish(p, NULL, "accepted", STR(""));
        case SMFIR_ACCEPT:
            p->accepted = true;
            return finish(p, where, "accepted", STR(""));
        case SMFIR_SKIP:
            return ENOUGH;
        case SMFIR_DISCARD:
            return finish(p, where, "accepted and thrown away", STR(""));
        case SMFIR_REJECT:
            return finish(p, where, "refused for good, in the MTA's words", STR(""));
        case SMFIR_TEMPFAIL:
            return finish(p, where, "refused for a while, in the MTA's words", STR(""));
        case SMFIR_REPLYCODE:
            return finish(p, where, "refused:", str_trim(next_z(&data)));
        case SMFIR_SHUTDOWN:
        case SMFIR_CONN_FAIL:
            return finish(p, where, "connection closed (421)", STR(""));
        default:
            remember_edit(p, command, data);
        }
    }
}

/* Sends a step unless the milter does not want it, and waits for its answer unless there is none.
 */
static enum verdict step(struct probe *p, const char *where, char command, struct str data,
                         uint32_t not_wanted, uint32_t no_reply)
{
    if (p->protocol & not_wanted)
        return GO_ON;
    send_packet(p, command, data);
    return p->protocol & no_reply ? GO_ON : answer_to(p, where);
}

/* Macros before a step: pairs of name and value, closed by NULL; those without value are left out.
 */
static void send_macros(struct probe *p, char command, const char *const *pairs)
{
    struct strbuf b;
    sb_init(&b, p->arena);
    sb_addc(&b, command);
    for (; *pairs; pairs += 2) {
        if (!pairs[1])
            continue;
        add_z(&b, pairs[0]);
        add_z(&b, pairs[1]);
    }
    send_packet(p, SMFIC_MACRO, sb_str(&b));
}

static void negotiate(struct probe *p)
{
    struct strbuf b;
    struct str data;
    sb_init(&b, p->arena);
    add_u32(&b, SMFI_PROT_VERSION);
    add_u32(&b, ALL_ACTIONS);
    add_u32(&b, SMFI_CURR_PROT);
    send_packet(p, SMFIC_OPTNEG, sb_str(&b));
    if (receive_packet(p, &data) != SMFIC_OPTNEG || data.n < MILTER_OPTLEN)
        die("no negotiation: is this a milter?");
    p->protocol = get_u32(data.p + 2 * MILTER_LEN_BYTES);
}

static enum verdict greet(struct probe *p)
{
    char address[NETADDR_TEXT];
    netaddr_format(&p->client, address);
    const char *macros[] = {"j",     "assay-probe",   "{daemon_name}", p->daemon, "{client_addr}",
                            address, "{client_name}", p->client_name,  NULL};
    send_macros(p, SMFIC_CONNECT, macros);
    struct strbuf b;
    sb_init(&b, p->arena);
    add_z(&b, p->client_name);
    sb_addc(&b, p->client.family == 6 ? SMFIA_INET6 : SMFIA_INET);
    uint16_t port = htons(49152);
    sb_add(&b, (struct str){(const char *)&port, sizeof port});
    add_z(&b, address);
    enum verdict v = step(p, "CONNECT", SMFIC_CONNECT, sb_str(&b), SMFIP_NOCONNECT, SMFIP_NR_CONN);
    if (v != GO_ON)
        return v;
    sb_init(&b, p->arena);
    add_z(&b, p->helo);
    return step(p, "HELO", SMFIC_HELO, sb_str(&b), SMFIP_NOHELO, SMFIP_NR_HELO);
}

static struct str path_argument(struct probe *p, const char *address)
{
    struct strbuf b;
    sb_init(&b, p->arena);
    sb_printf(&b, "<%s>", address);
    sb_addc(&b, '\0');
    return sb_str(&b);
}

static enum verdict envelope(struct probe *p)
{
    const char *macros[] = {
        "i",           "PROBE", "{auth_type}", p->auth ? "PLAIN" : NULL, "{auth_authen}", p->auth,
        "{mail_addr}", p->from, NULL};
    send_macros(p, SMFIC_MAIL, macros);
    enum verdict v =
        step(p, "MAIL", SMFIC_MAIL, path_argument(p, p->from), SMFIP_NOMAIL, SMFIP_NR_MAIL);
    size_t refused = 0;
    for (size_t i = 0; i < p->n_recipients && v == GO_ON; i++) {
        const char *to[] = {"{rcpt_addr}", p->recipients[i], NULL};
        send_macros(p, SMFIC_RCPT, to);
        v = step(p, "RCPT", SMFIC_RCPT, path_argument(p, p->recipients[i]), SMFIP_NORCPT,
                 SMFIP_NR_RCPT);
        if (v == FINISHED && !p->accepted && ++refused < p->n_recipients)
            v = GO_ON; /* this recipient alone */
    }
    return v == GO_ON ? step(p, "DATA", SMFIC_DATA, STR(""), SMFIP_NODATA, SMFIP_NR_DATA) : v;
}

/* --- the message ----------------------------------------------------------------------------- */

static struct str read_message(struct arena *a, const char *path)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    struct strbuf b;
    char chunk[65536];
    sb_init(&b, a);
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        sb_add(&b, (struct str){chunk, (size_t)n});
    if (n < 0)
        die("%s: %s", path, strerror(errno));
    close(fd);
    return sb_str(&b);
}

/* Takes a line, without its LF or CRLF, off the front of *rest. */
static bool next_line(struct str *rest, struct str *line)
{
    if (rest->n == 0 || !str_split(rest, '\n', line))
        return false;
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

/* Takes a header field off the front of *rest; folds are kept as LF. False where the header ends.
 */
static bool next_field(struct probe *p, struct str *rest, struct str *name, struct str *value)
{
    struct str line, after = *rest;
    if (!next_line(&after, &line))
        return false;
    size_t colon = str_find(line, 0, ':');
    if (colon == line.n || colon == 0 || line.p[0] == ' ' || line.p[0] == '\t')
        return false;
    struct strbuf b;
    sb_init(&b, p->arena);
    *name = str_sub(line, 0, colon);
    line = str_sub(line, colon + 1, line.n);
    if (!(p->protocol & SMFIP_HDR_LEADSPC) && line.n > 0 && line.p[0] == ' ')
        line = str_sub(line, 1, line.n);
    sb_add(&b, line);
    *rest = after;
    while (after.n > 0 && (after.p[0] == ' ' || after.p[0] == '\t') && next_line(&after, &line)) {
        sb_addc(&b, '\n');
        sb_add(&b, line);
        *rest = after;
    }
    *value = sb_str(&b);
    return true;
}

static enum verdict send_headers(struct probe *p, struct str *rest)
{
    struct str name, value, line;
    if (str_starts(*rest, STR("From "))) /* the first line of an mbox */
        next_line(rest, &line);
    while (next_field(p, rest, &name, &value)) {
        struct strbuf b;
        sb_init(&b, p->arena);
        sb_add(&b, name);
        sb_addc(&b, '\0');
        sb_add(&b, value);
        sb_addc(&b, '\0');
        enum verdict v = step(p, "header", SMFIC_HEADER, sb_str(&b), SMFIP_NOHDRS, SMFIP_NR_HDR);
        if (v == ENOUGH)
            p->protocol |= SMFIP_NOHDRS;
        else if (v != GO_ON)
            return v;
    }
    struct str after = *rest;
    if (next_line(&after, &line) && line.n == 0)
        *rest = after;
    return step(p, "end of header", SMFIC_EOH, STR(""), SMFIP_NOEOH, SMFIP_NR_EOH);
}

static enum verdict send_body(struct probe *p, struct str rest)
{
    struct strbuf b;
    struct str line;
    sb_init(&b, p->arena);
    while (next_line(&rest, &line)) {
        sb_add(&b, line);
        sb_add(&b, STR("\r\n"));
    }
    struct str body = sb_str(&b);
    while (body.n > 0) {
        struct str chunk = str_sub(body, 0, MILTER_CHUNK_SIZE);
        enum verdict v = step(p, "body", SMFIC_BODY, chunk, SMFIP_NOBODY, SMFIP_NR_BODY);
        if (v == ENOUGH)
            break;
        if (v != GO_ON)
            return v;
        body = str_sub(body, chunk.n, body.n);
    }
    send_packet(p, SMFIC_BODYEOB, STR(""));
    return answer_to(p, NULL);
}

static void converse(struct probe *p, struct str message)
{
    enum verdict v = greet(p);
    if (v == GO_ON)
        v = envelope(p);
    if (v == GO_ON)
        v = send_headers(p, &message);
    if (v == GO_ON)
        send_body(p, message);
}

/* --- what came back -------------------------------------------------------------------------- */

static void print_field(struct arena *a, const struct edit *e)
{
    struct str rest = e->value, line;
    struct str name = str_safe(a, e->name, 200, false);
    printf("%.*s:", STR_ARG(name));
    if (rest.n > 0 && rest.p[0] != ' ')
        putchar(' ');
    for (bool first = true; str_split(&rest, '\n', &line); first = false) {
        bool tab = line.n > 0 && line.p[0] == '\t';
        line = str_safe(a, tab ? str_sub(line, 1, line.n) : line, 2000, true);
        printf("%s%s%.*s", first ? "" : "\n", tab ? "\t" : "", STR_ARG(line));
    }
    putchar('\n');
}

static void print_edit(struct arena *a, const struct edit *e)
{
    struct str name = str_safe(a, e->name, 200, true), value = str_safe(a, e->value, 200, true);
    switch (e->command) {
    case SMFIR_CHGHEADER:
        if (e->value.n)
            printf("Changed: number %u of %.*s, to: %.*s\n", e->index, STR_ARG(name),
                   STR_ARG(value));
        else
            printf("Deleted: number %u of %.*s\n", e->index, STR_ARG(name));
        break;
    case SMFIR_QUARANTINE:
        printf("Quarantined: %.*s\n", STR_ARG(name));
        break;
    case SMFIR_REPLBODY:
        printf("The body is replaced.\n");
        break;
    case SMFIR_INSHEADER:
    case SMFIR_ADDHEADER:
        break;
    default:
        printf("Other edit %c: %.*s\n", e->command, STR_ARG(name));
    }
}

static void print_result(const struct probe *p)
{
    for (size_t i = 0; i < p->n_edits; i++)
        print_edit(p->arena, &p->edits[i]);
    /* What was inserted on top last is the first line. */
    for (size_t i = p->n_edits; i-- > 0;)
        if (p->edits[i].command == SMFIR_INSHEADER)
            print_field(p->arena, &p->edits[i]);
    for (size_t i = 0; i < p->n_edits; i++)
        if (p->edits[i].command == SMFIR_ADDHEADER)
            print_field(p->arena, &p->edits[i]);
    printf("Message %.*s\n", STR_ARG(p->answer));
}

static const char help[] =
    "usage: assay-probe [option]... SOCKET [FILE]\n"
    "Hands the message in FILE (standard input if absent or -) to the milter on SOCKET\n"
    "(inet:8892@127.0.0.1, unix:/path) as an MTA would, and prints the header edits\n"
    "and the answer. Nothing is delivered.\n"
    "\n"
    "  --client-ip ADDRESS   the client's address (192.0.2.1)\n"
    "  --client-name NAME    its name as the MTA found it ([ADDRESS])\n"
    "  --helo NAME           its HELO (mail.example.org)\n"
    "  --from ADDRESS        envelope sender (empty: the null sender)\n"
    "  --rcpt ADDRESS        envelope recipient; may be repeated (postmaster)\n"
    "  --auth USER           the client authenticated as USER\n"
    "  --daemon NAME         the MTA's {daemon_name} (smtpd)\n"
    "  --timeout SECONDS     longest silence of the milter (60)\n"
    "  --check               no message: does a milter answer on SOCKET?\n"
    "\n"
    "Exit status: 0 accepted, 1 refused or thrown away, 2 the milter could not be asked.\n";

static void parse_options(struct probe *p, int argc, char **argv)
{
    static const struct option options[] = {{"client-ip", required_argument, NULL, 'i'},
                                            {"client-name", required_argument, NULL, 'n'},
                                            {"helo", required_argument, NULL, 'H'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"rcpt", required_argument, NULL, 'r'},
                                            {"auth", required_argument, NULL, 'a'},
                                            {"daemon", required_argument, NULL, 'd'},
                                            {"timeout", required_argument, NULL, 't'},
                                            {"check", no_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    unsigned long long seconds;
    int c;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'i':
            if (!netaddr_parse(str_of(optarg), &p->client))
                die("%s: not an IP address", optarg);
            break;
        case 'n':
            p->client_name = optarg;
            break;
        case 'H':
            p->helo = optarg;
            break;
        case 'f':
            p->from = optarg;
            break;
        case 'r':
            if (p->n_recipients == MAX_RECIPIENTS)
                die("more than %d recipients", MAX_RECIPIENTS);
            p->recipients[p->n_recipients++] = optarg;
            break;
        case 'a':
            p->auth = optarg;
            break;
        case 'd':
            p->daemon = optarg;
            break;
        case 't':
            if (!str_to_u64(str_of(optarg), 3600, &seconds) || seconds == 0)
                die("--timeout %s: seconds, at most 3600", optarg);
            p->timeout_ms = (int)seconds * 1000;
            break;
        case 'c':
            p->check_only = true;
            break;
        case 'h':
            fputs(help, stdout);
            exit(0);
        default:
            fputs(help, stderr);
            exit(USAGE);
        }
    }
}

int main(int argc, char **argv)
{
    struct probe p = {.arena = arena_new(0),
                      .timeout_ms = 60000,
                      .helo = "mail.example.org",
                      .from = "",
                      .daemon = "smtpd"};
    netaddr_parse(STR("192.0.2.1"), &p.client);
    parse_options(&p, argc, argv);
    if (optind == argc || argc - optind > 2) {
        fputs(help, stderr);
        return USAGE;
    }
    char address[NETADDR_TEXT];
    if (!p.client_name)
        p.client_name = str_printf(p.arena, "[%s]", netaddr_format(&p.client, address)).p;
    if (p.n_recipients == 0)
        p.recipients[p.n_recipients++] = "postmaster";
    struct str message = STR_NONE;
    if (!p.check_only)
        message = read_message(p.arena, argc - optind == 2 ? argv[optind + 1] : "-");
    p.fd = connect_milter(p.arena, argv[optind]);
    negotiate(&p);
    if (!p.check_only)
        converse(&p, message);
    send_packet(&p, SMFIC_QUIT, STR(""));
    close(p.fd);
    if (p.check_only)
        printf("A milter answers on %s.\n", argv[optind]);
    else
        print_result(&p);
    bool good = p.check_only || p.accepted;
    arena_free(p.arena);
    return good ? 0 : 1;
}
