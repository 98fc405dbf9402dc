/* server.c - opens the socket and runs libmilter.
 *
 * Errors: false and a phrase that names the socket. */
#include "milter/server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

#include "base/log.h"
#include "conf/listen.h"
#include "milter/callbacks.h"
#include "milter/override.h"

#define BACKLOG 1024
/* How long an MTA may be silent within a session: longer than any SMTP time-out (RFC 5321 4.5.3.2).
 * A client that vanished without a word is found by TCP's keep-alive. */
#define SILENCE_SECONDS 7200

static struct sockaddr_un unix_socket; /* sun_path is empty if there is none */
static struct identity unix_socket_maker;
static atomic_bool ended;

/* What libmilter would log is told by the caller, with the reason. */
static bool let_libmilter_open(void)
{
    override_let_libmilter_log(false);
    bool opened = smfi_opensocket(false) == MI_SUCCESS;
    int reason = errno;
    override_let_libmilter_log(true);
    errno = reason;
    return opened;
}

/* --- Unix sockets ------------------------------------------------------------------------------*/

/* Why the path cannot be used, or NULL; *left: there is a socket of a program that died. */
static const char *look_at_path(const struct sockaddr_un *address, bool *left)
{
    struct stat st;
    *left = false;
    if (lstat(address->sun_path, &st))
        return errno == ENOENT ? NULL : strerror(errno);
    if (!S_ISSOCK(st.st_mode))
        return "the file exists and is no socket";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return strerror(errno);
    int failed = connect(fd, (const struct sockaddr *)address, sizeof *address) ? errno : 0;
    close(fd);
    if (failed == 0 || failed == EAGAIN) /* EAGAIN: so many wait that the queue is full */
        return "another program answers there";
    *left = failed == ECONNREFUSED;
    return *left ? NULL : strerror(failed);
}

static bool find_owner(const struct conf *conf, const struct identity *id, struct arena *a,
                       uid_t *uid, gid_t *gid, struct str *problem)
{
    *uid = id->uid;
    *gid = id->gid;
    if (conf->socket_owner.n) {
        const struct passwd *pw = getpwnam(str_cstr(a, conf->socket_owner));
        if (!pw) {
            *problem = str_printf(a, "socket-owner: no user \"%.*s\"", STR_ARG(conf->socket_owner));
            return false;
        }
        *uid = pw->pw_uid;
    }
    if (conf->socket_group.n) {
        const struct group *gr = getgrnam(str_cstr(a, conf->socket_group));
        if (!gr) {
            *problem =
                str_printf(a, "socket-group: no group \"%.*s\"", STR_ARG(conf->socket_group));
            return false;
        }
        *gid = gr->gr_gid;
    }
    return true;
}

/* Makes the socket with its mode, by the rights of `maker`: in a directory of its own a user could
 * have root change any file, by a link in place of the socket. */
static bool make_socket(const struct identity *maker, mode_t mode, bool left, struct arena *a,
                        struct str *problem)
{
    if (!identity_enter(maker, problem, a))
        return false;
    mode_t mask = umask(0777 & ~mode);
    errno = 0;
    bool made = (!left || unlink(unix_socket.sun_path) == 0) && let_libmilter_open();
    int why = errno;
    umask(mask);
    identity_leave(maker);
    if (!made)
        *problem = str_printf(a, "%s%s%s%s", strerror(why), maker->change ? " (as the user " : "",
                              maker->name, maker->change ? ")" : "");
    return made;
}

/* Only root gives files to another user, and others only to a group that they are in. */
static struct str why_not_given(const struct conf *conf, int why, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("cannot give the socket to"));
    if (conf->socket_owner.n)
        sb_printf(&b, " the user \"%.*s\"", STR_ARG(conf->socket_owner));
    if (conf->socket_group.n)
        sb_printf(&b, "%s the group \"%.*s\"", conf->socket_owner.n ? " and" : "",
                  STR_ARG(conf->socket_group));
    sb_printf(&b, ": %s", strerror(why));
    if (why == EPERM && conf->socket_owner.n)
        sb_add(&b, STR("; only an assay that is started as root can: remove socket-owner"));
    else if (why == EPERM)
        sb_printf(&b,
                  "; assay has to be in that group (in the systemd unit: SupplementaryGroups=%.*s) "
                  "or to be started as root",
                  STR_ARG(conf->socket_group));
    return sb_str(&b);
}

/* Gives the socket to others than its maker. Only what the maker had made can be given away. */
static bool give_socket(const struct conf *conf, const struct identity *maker, uid_t uid, gid_t gid,
                        struct arena *a, struct str *problem)
{
    struct stat st;
    int fd = open(unix_socket.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool ours = fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == maker->uid;
    bool given = ours && ((st.st_uid == uid && st.st_gid == gid) ||
                          fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == 0);
    if (!ours)
        *problem = STR("somebody took the socket away while it was opened");
    else if (!given)
        *problem = why_not_given(conf, errno, a);
    if (fd >= 0)
        close(fd);
    return given;
}

static bool open_unix(const struct conf *conf, const struct identity *id, struct str path,
                      struct arena *a, struct str *problem)
{
    uid_t uid;
    gid_t gid;
    bool left;
    if (!find_owner(conf, id, a, &uid, &gid, problem))
        return false;
    unix_socket.sun_family = AF_UNIX;
    if (path.n >= sizeof unix_socket.sun_path) {
        *problem = STR("the path is too long for a socket");
        return false;
    }
    memcpy(unix_socket.sun_path, path.p, path.n);
    const char *in_the_way = look_at_path(&unix_socket, &left);
    if (in_the_way) {
        unix_socket.sun_path[0] = '\0'; /* not ours to remove */
        *problem = str_of(in_the_way);
        return false;
    }
    unix_socket_maker = identity_for_path(id, unix_socket.sun_path, a);
    return make_socket(&unix_socket_maker, conf->socket_mode, left, a, problem) &&
           give_socket(conf, &unix_socket_maker, uid, gid, a, problem);
}

/* --- TCP sockets -------------------------------------------------------------------------------*/

/* libmilter does not tell why it could not open a socket: trying it again does. */
static const char *why_not(const struct listen_address *address, struct arena *a)
{
    struct addrinfo hints = {
        .ai_family = address->kind == LISTEN_INET6 ? AF_INET6 : AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", address->port);
    int failed =
        getaddrinfo(address->host.n ? str_cstr(a, address->host) : NULL, port, &hints, &found);
    if (failed)
        return gai_strerror(failed);
    int on = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const char *reason = "libmilter cannot open it; the system log may tell more";
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, 1))
        reason = strerror(errno);
    if (fd >= 0)
        close(fd);
    freeaddrinfo(found);
    return reason;
}

/* Accepted connections inherit these from the listening socket, which libmilter keeps to itself.
 * Without TCP_NODELAY our own second write of a message waits 40 ms for an acknowledgement. */
static void tune_listening_socket(void)
{
    static const struct {
        int name, value;
    } options[] = {{TCP_NODELAY, 1}, {TCP_KEEPIDLE, 120}, {TCP_KEEPINTVL, 30}, {TCP_KEEPCNT, 4}};
    for (int fd = 3; fd < 256; fd++) {
        int listening = 0;
        socklen_t n = sizeof listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) || !listening)
            continue;
        for (size_t i = 0; i < sizeof options / sizeof *options; i++)
            if (setsockopt(fd, IPPROTO_TCP, options[i].name, &options[i].value,
                           sizeof options[i].value))
                log_warning("setsockopt on the listening socket: %s", strerror(errno));
    }
}

static bool open_tcp(const struct listen_address *address, struct arena *a, struct str *problem)
{
    if (!let_libmilter_open()) {
        *problem = str_of(why_not(address, a));
        return false;
    }
    tune_listening_socket();
    override_acknowledge_at_once();
    return true;
}

/* --- The server --------------------------------------------------------------------------------*/

bool server_open(const struct conf *conf, const struct identity *id, struct arena *a,
                 struct str *problem)
{
    struct listen_address address;
    if (!listen_parse(conf->listen, a, &address, problem))
        return false;
    struct str name = listen_format(&address, a);
    smfi_setdbg(0);
    smfi_setbacklog(BACKLOG);
    smfi_settimeout(SILENCE_SECONDS);
    bool opened = smfi_setconn(str_cstr(a, name)) == MI_SUCCESS &&
                  (address.kind == LISTEN_UNIX ? open_unix(conf, id, address.path, a, problem)
                                               : open_tcp(&address, a, problem));
    if (!opened)
        *problem = str_printf(a, "cannot listen on %.*s: %.*s", STR_ARG(name), STR_ARG(*problem));
    return opened;
}

static void *serve(void *runtime)
{
    smfi_main();
    atomic_store(&ended, true);
    runtime_wake(runtime);
    return NULL;
}

bool server_start(struct runtime *rt)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, rt))
        return false;
    pthread_detach(thread);
    return true;
}

bool server_ended(void)
{
    return atomic_load(&ended);
}

void server_close(void)
{
    if (unix_socket.sun_path[0])
        identity_unlink(&unix_socket_maker, unix_socket.sun_path);
}
