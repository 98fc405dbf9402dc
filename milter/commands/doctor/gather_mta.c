/* gather_mta.c - which MTA there is, and whether it reaches assay.
 *
 * Errors: what cannot be looked at stays unseen. */
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "milter/commands/doctor/gather.h"
#include "milter/daemon/identity.h"

#define CONNECT_S 3

/* --- Is a filter ours? -------------------------------------------------------------------------*/

static bool is_loopback(struct str host)
{
    return str_eq_nocase(host, STR("localhost")) || str_starts(host, STR("127.")) ||
           str_eq(host, STR("::1"));
}

static bool leads_to(const struct listen_address *from, const struct listen_address *to)
{
    if (from->kind == LISTEN_UNIX || to->kind == LISTEN_UNIX || from->port != to->port)
        return false;
    return listen_is_everywhere(to->host) || str_eq_nocase(from->host, to->host) ||
           (is_loopback(from->host) && is_loopback(to->host));
}

static struct str join_path(struct str directory, struct str path, struct arena *a)
{
    while (directory.n && directory.p[directory.n - 1] == '/')
        directory.n--;
    while (path.n && path.p[0] == '/')
        path = str_sub(path, 1, path.n);
    return str_printf(a, "%.*s/%.*s", STR_ARG(directory), STR_ARG(path));
}

void gather_filter_target(const struct doctor_facts *facts, struct mta_filter *filter,
                          struct str chroot, struct str directory, struct arena *a)
{
    struct str path = filter->address.path;
    bool local = filter->understood && filter->address.kind == LISTEN_UNIX;
    if (local)
        filter->path =
            path.n && path.p[0] == '/' ? join_path(chroot, path, a) : join_path(directory, path, a);
    for (size_t i = 0; filter->understood && i < facts->conf->listen.n; i++) {
        struct listen_address ours;
        if (listen_problem(facts->conf->listen.v[i], a, &ours))
            continue;
        if (local && ours.kind == LISTEN_UNIX) {
            filter->ours = filter->ours || str_eq(filter->path, ours.path);
            filter->by_name = filter->by_name || str_eq(path, ours.path);
        } else {
            filter->ours = filter->ours || leads_to(&filter->address, &ours);
        }
    }
    filter->by_name = filter->by_name && !filter->ours;
}

/* --- Does the MTA reach it? --------------------------------------------------------------------*/

static int connect_to(int family, const void *address, socklen_t length)
{
    const struct timeval patience = {.tv_sec = CONNECT_S};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int problem = connect(fd, address, length) ? errno : 0;
    close(fd);
    return problem;
}

static int connect_path(struct str path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.n >= sizeof address.sun_path)
        return ENAMETOOLONG;
    memcpy(address.sun_path, path.p, path.n);
    return connect_to(AF_UNIX, &address, sizeof address);
}

static int connect_host(const struct listen_address *to, struct arena *a)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    const char *host = str_cstr(a, to->host.n ? to->host : STR("localhost"));
    const char *port = str_printf(a, "%u", to->port).p;
    struct addrinfo *found = NULL;
    int problem = EADDRNOTAVAIL;
    if (getaddrinfo(host, port, &hints, &found))
        return problem;
    for (const struct addrinfo *i = found; i && problem; i = i->ai_next)
        problem = connect_to(i->ai_family, i->ai_addr, i->ai_addrlen);
    freeaddrinfo(found);
    return problem;
}

static int reach(const struct mta_filter *filter, struct arena *a)
{
    return filter->address.kind == LISTEN_UNIX ? connect_path(filter->path)
                                               : connect_host(&filter->address, a);
}

/* Looks at it with the rights of the MTA's user, if they matter. */
static void look_at_socket(struct mta_facts *mta, const struct mta_filter *filter, struct arena *a)
{
    struct identity user;
    bool local = filter->address.kind == LISTEN_UNIX;
    mta->reached_at = filter->text;
    if (local && (!identity_find(str_of(mta->user), a, &user, &mta->reached_problem) ||
                  (user.change && !identity_enter(&user, &mta->reached_problem, a))))
        return;
    int problem = reach(filter, a);
    if (local && user.change)
        identity_leave(&user);
    mta->reached = problem ? SEEN_NO : SEEN_YES;
    if (problem)
        mta->reached_problem = str_of(strerror(problem));
}

static const struct mta_filter *first_of_ours(const struct mta_facts *mta)
{
    for (size_t i = 0; i < mta->n_services; i++)
        for (size_t k = 0; k < mta->services[i].n_filters; k++)
            if (mta->services[i].filters[k].ours)
                return &mta->services[i].filters[k];
    return NULL;
}

/* --- Which MTA ---------------------------------------------------------------------------------*/

/* An MTA that was removed may have left its files. */
static bool is_installed(const struct command *c, const char *const *programs)
{
    for (size_t i = 0; programs[i]; i++)
        if (access(path_within(c, programs[i]), F_OK) == 0)
            return true;
    return false;
}

static struct str no_mta(const struct command *c)
{
    if (access(path_within(c, "/etc/exim4"), F_OK) == 0)
        return STR("Exim speaks no milter protocol: it asks assay by the policy service, with the "
                   "lines of exim-acl.conf, and gets neither DKIM nor DMARC from it");
    return STR("there is neither /etc/postfix/main.cf nor /etc/mail/sendmail.cf that can be read");
}

void gather_mtas(struct command *c, struct doctor_facts *facts)
{
    static const char *const postfix[] = {"/usr/sbin/postfix", NULL};
    static const char *const sendmail[] = {"/usr/libexec/sendmail/sendmail",
                                           "/usr/lib/sm.bin/sendmail", NULL};
    bool has_postfix = is_installed(c, postfix), has_sendmail = is_installed(c, sendmail);
    bool both = has_postfix == has_sendmail;
    if ((has_postfix || both) && gather_postfix(c, facts, &facts->mtas[facts->n_mtas]))
        facts->n_mtas++;
    if ((has_sendmail || both) && gather_sendmail(c, facts, &facts->mtas[facts->n_mtas]))
        facts->n_mtas++;
    if (!facts->n_mtas)
        facts->mta_problem = no_mta(c);
    for (size_t i = 0; i < facts->n_mtas; i++) {
        const struct mta_filter *filter = first_of_ours(&facts->mtas[i]);
        if (filter && facts->elsewhere)
            facts->mtas[i].reached_at = filter->text;
        else if (filter)
            look_at_socket(&facts->mtas[i], filter, c->arena);
    }
}
