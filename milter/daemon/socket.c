/* socket.c - opens listening sockets.
 *
 * A Unix socket is made with the rights of the user, unless root alone can change what its path
 * leads to: in a directory of its own a user could have root change any file, by a link in place of
 * the socket.
 *
 * Errors: false and a phrase. */
#include "milter/daemon/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 1024

static bool switch_on(int fd, int level, int option)
{
    static const int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

bool socket_listen(int *out, int family, const struct sockaddr *address, socklen_t length,
                   bool v6_only)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if ((family == AF_UNIX || switch_on(fd, SOL_SOCKET, SO_REUSEADDR)) &&
        (family != AF_INET6 || !v6_only || switch_on(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
        bind(fd, address, length) == 0 && listen(fd, BACKLOG) == 0) {
        *out = fd;
        return true;
    }
    int why = errno;
    close(fd);
    errno = why;
    return false;
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

static bool find_owner(const struct socket_rights *rights, const struct identity *id,
                       struct arena *a, uid_t *uid, gid_t *gid, struct str *problem)
{
    *uid = id->uid;
    *gid = id->gid;
    if (rights->owner.n) {
        const struct passwd *pw = getpwnam(str_cstr(a, rights->owner));
        if (!pw) {
            *problem = str_printf(a, "socket-owner: no user \"%.*s\"", STR_ARG(rights->owner));
            return false;
        }
        *uid = pw->pw_uid;
    }
    if (rights->group.n) {
        const struct group *gr = getgrnam(str_cstr(a, rights->group));
        if (!gr) {
            *problem = str_printf(a, "socket-group: no group \"%.*s\"", STR_ARG(rights->group));
            return false;
        }
        *gid = gr->gr_gid;
    }
    return true;
}

/* What makes the socket. */
struct opening {
    socket_opener *open;
    void *context;
};

static bool make_socket(const struct socket_file *file, const struct opening *o, mode_t mode,
                        bool left, struct arena *a, struct str *problem)
{
    const struct identity *maker = &file->maker;
    if (!identity_enter(maker, problem, a))
        return false;
    mode_t mask = umask(0777 & ~mode);
    errno = 0;
    bool made =
        (!left || unlink(file->address.sun_path) == 0) &&
        o->open(o->context, AF_UNIX, (const struct sockaddr *)&file->address, sizeof file->address);
    int why = errno;
    umask(mask);
    identity_leave(maker);
    if (!made)
        *problem = str_printf(a, "%s%s%s%s", strerror(why), maker->change ? " (as the user " : "",
                              maker->name, maker->change ? ")" : "");
    return made;
}

/* Only root gives files to another user, and others only to a group that they are in. */
static struct str why_not_given(const struct socket_rights *rights, int why, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("cannot give the socket to"));
    if (rights->owner.n)
        sb_printf(&b, " the user \"%.*s\"", STR_ARG(rights->owner));
    if (rights->group.n)
        sb_printf(&b, "%s the group \"%.*s\"", rights->owner.n ? " and" : "",
                  STR_ARG(rights->group));
    sb_printf(&b, ": %s", strerror(why));
    if (why == EPERM && rights->owner.n)
        sb_add(&b, STR("; only an assay that is started as root can: remove socket-owner"));
    else if (why == EPERM)
        sb_printf(&b,
                  "; assay has to be in that group (in the systemd unit: SupplementaryGroups=%.*s) "
                  "or to be started as root",
                  STR_ARG(rights->group));
    return sb_str(&b);
}

/* Gives the socket to others than its maker. Only what the maker had made can be given away. */
static bool give_socket(const struct socket_file *file, const struct socket_rights *rights,
                        uid_t uid, gid_t gid, struct arena *a, struct str *problem)
{
    struct stat st;
    int fd = open(file->address.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool ours =
        fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == file->maker.uid;
    bool given = ours && ((st.st_uid == uid && st.st_gid == gid) ||
                          fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == 0);
    if (!ours)
        *problem = STR("somebody took the socket away while it was opened");
    else if (!given)
        *problem = why_not_given(rights, errno, a);
    if (fd >= 0)
        close(fd);
    return given;
}

static bool open_unix(struct str path, const struct socket_rights *rights,
                      const struct identity *id, const struct opening *o, struct socket_file *file,
                      struct arena *a, struct str *problem)
{
    uid_t uid;
    gid_t gid;
    bool left;
    if (!find_owner(rights, id, a, &uid, &gid, problem))
        return false;
    file->address.sun_family = AF_UNIX;
    if (path.n >= sizeof file->address.sun_path) {
        *problem = STR("the path is too long for a socket");
        return false;
    }
    memcpy(file->address.sun_path, path.p, path.n);
    const char *in_the_way = look_at_path(&file->address, &left);
    if (in_the_way) {
        file->address.sun_path[0] = '\0'; /* not ours to remove */
        *problem = str_of(in_the_way);
        return false;
    }
    file->maker = identity_for_path(id, file->address.sun_path, a);
    return make_socket(file, o, rights->mode, left, a, problem) &&
           give_socket(file, rights, uid, gid, a, problem);
}

/* --- TCP sockets -------------------------------------------------------------------------------*/

static bool open_tcp(const struct listen_address *address, const struct opening *o, struct arena *a,
                     struct str *problem)
{
    const struct addrinfo hints = {
        .ai_family = address->kind == LISTEN_INET6 ? AF_INET6 : AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", address->port);
    int failed =
        getaddrinfo(address->host.n ? str_cstr(a, address->host) : NULL, port, &hints, &found);
    if (failed) {
        *problem = str_of(gai_strerror(failed));
        return false;
    }
    bool opened = o->open(o->context, found->ai_family, found->ai_addr, found->ai_addrlen);
    if (!opened)
        *problem = str_of(strerror(errno));
    freeaddrinfo(found);
    return opened;
}

bool socket_open(const struct listen_address *address, const struct socket_rights *rights,
                 const struct identity *id, socket_opener *open, void *context,
                 struct socket_file *file, struct arena *a, struct str *problem)
{
    const struct opening o = {open, context};
    *file = (struct socket_file){0};
    if (address->kind != LISTEN_UNIX)
        return open_tcp(address, &o, a, problem);
    return open_unix(address->path, rights, id, &o, file, a, problem);
}

void socket_remove(const struct socket_file *file)
{
    if (file->address.sun_path[0])
        identity_unlink(&file->maker, file->address.sun_path);
}
