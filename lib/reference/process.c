/* process.c - workers started, ended and reaped.
 *
 * Errors: a worker that cannot be started, with errno. posix_spawn() runs no code of ours between
 * fork and exec, so it does not matter what other threads hold. Only the owner of the struct
 * waits for the process, so its number is nobody else's before it is reaped. */
#include "reference/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reference/messages.h"

#define PROGRAM "assay-reference"

const char *process_find_program(struct arena *a)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self);
    struct str path = {self, n > 0 ? (size_t)n : 0};
    size_t slash = str_find_last(path, '/');
    if (slash < path.n) {
        struct str beside = str_printf(a, "%.*s/" PROGRAM, (int)slash, self);
        if (access(beside.p, X_OK) == 0)
            return beside.p;
    }
    return ASSAY_LIBEXECDIR "/" PROGRAM;
}

/* What the program begins with. Order matters: our end may be any number. */
static int set_descriptors(posix_spawn_file_actions_t *actions, int fd)
{
    int rc = posix_spawn_file_actions_adddup2(actions, fd, WORKER_SOCKET);
    for (int i = 0; i < WORKER_SOCKET && rc == 0; i++)
        rc = posix_spawn_file_actions_addopen(actions, i, "/dev/null", i ? O_WRONLY : O_RDONLY, 0);
    return rc ? rc : posix_spawn_file_actions_addclosefrom_np(actions, WORKER_SOCKET + 1);
}

/* Default actions, and none of the signals that a terminal or a supervisor sends to all of us: a
 * worker ends when we let go of it. */
static int set_signals(posix_spawnattr_t *attributes)
{
    static const int ours[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    sigset_t all, blocked;
    sigfillset(&all);
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaddset(&blocked, ours[i]);
    int rc = posix_spawnattr_setsigdefault(attributes, &all);
    rc = rc ? rc : posix_spawnattr_setsigmask(attributes, &blocked);
    return rc ? rc
              : posix_spawnattr_setflags(attributes,
                                         POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

static int spawn(const char *program, int fd, pid_t *pid)
{
    char name[] = PROGRAM, *argv[] = {name, NULL}, *environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = set_descriptors(&actions, fd);
        rc = rc ? rc : set_signals(&attributes);
        rc = rc ? rc : posix_spawn(pid, program, &actions, &attributes, argv, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

bool process_start(const char *program, struct process *out)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return false;
    int rc = spawn(program, ends[1], &out->pid);
    close(ends[1]);
    out->fd = ends[0];
    if (rc == 0)
        return true;
    close(ends[0]);
    errno = rc;
    return false;
}

bool process_is_lost(const struct process *p)
{
    char byte;
    return recv(p->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

int process_end(struct process *p)
{
    int status = 0;
    kill(p->pid, SIGKILL);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(p->fd);
    return status;
}

struct str process_ending(struct arena *a, int status)
{
    if (WIFEXITED(status))
        return str_printf(a, "ended with status %d", WEXITSTATUS(status));
    const char *name = sigabbrev_np(WTERMSIG(status));
    return str_printf(a, "was ended by SIG%s", name ? name : "?");
}
