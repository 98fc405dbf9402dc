/* handover.c - hands a mail to sendmail(1), which runs as a process.
 *
 * Errors: a word of enum handed, and a phrase. */
#include "report/out/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"

#define SAID_MAX 300 /* bytes that are kept of its standard output and error */

extern char **environ;

const char *mailer_problem(struct str mailer)
{
    struct arena *a = arena_new(0);
    char *host, *port;
    const char *problem = NULL;
    if (str_starts(mailer, STR(MAILER_SMTP))) {
        if (!smtp_place(str_sub(mailer, strlen(MAILER_SMTP), mailer.n), a, &host, &port))
            problem = "is no URL such as smtp://127.0.0.1:25";
    } else if (!mailer.n || mailer.p[0] != '/') {
        problem = "is neither the full path of a program such as /usr/sbin/sendmail, nor a URL "
                  "such as smtp://127.0.0.1:25";
    }
    arena_free(a);
    return problem;
}

enum handed hand_over(struct str mailer, const struct letter_out *letter, struct arena *a,
                      struct str *why)
{
    *why = STR("");
    if (str_starts(mailer, STR(MAILER_SMTP)))
        return hand_to_server(str_sub(mailer, strlen(MAILER_SMTP), mailer.n), letter, a, why);
    return hand_to_program(mailer, letter, a, why);
}

/* --- The program -------------------------------------------------------------------------------*/

struct process {
    pid_t pid;
    int ended; /* readable when the process has ended */
    int out;   /* its standard output and error */
    char said[SAID_MAX];
    size_t n_said;
};

/* The mail is a complete file before the program starts. If we were killed while we wrote into a
 * pipe, the program would take the beginning for the whole mail. -1: failed. */
static int file_of(struct str text)
{
    int fd = memfd_create("report", MFD_CLOEXEC);
    while (fd >= 0 && text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n <= 0) {
            close(fd);
            return -1;
        }
        text = str_sub(text, (size_t)n, text.n);
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static bool start_with(const struct letter_out *letter, char *program,
                       posix_spawn_file_actions_t *actions, struct arena *a, pid_t *pid)
{
    char i[] = "-i", f[] = "-f", end[] = "--";
    char *const argv[] = {
        program, i, f, str_cstr(a, letter->sender), end, str_cstr(a, letter->recipient), NULL};
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    errno = posix_spawn(pid, program, actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    return errno == 0;
}

static bool start_program(struct process *p, const struct letter_out *letter, char *program, int in,
                          struct arena *a)
{
    int out[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(out, O_CLOEXEC))
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, out[1], 2);
    bool started = start_with(letter, program, &actions, a, &p->pid);
    int saved = errno;
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    p->out = out[0];
    p->ended = started ? pidfd_open(p->pid, 0) : -1;
    if (!started)
        close(p->out);
    errno = saved;
    return started;
}

/* False at the end of its output. */
static bool listen_to(struct process *p)
{
    char chunk[512];
    ssize_t n = read(p->out, chunk, sizeof chunk);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    size_t more = (size_t)n < SAID_MAX - p->n_said ? (size_t)n : SAID_MAX - p->n_said;
    memcpy(p->said + p->n_said, chunk, more);
    p->n_said += more;
    return n > 0;
}

/* Reads until the process has ended, or, if the kernel does not tell that, closed its output;
 * false: it took too long. */
static bool talk(struct process *p)
{
    int64_t until = clock_us() + (int64_t)MAILER_SECONDS * 1000000;
    for (;;) {
        struct pollfd fds[] = {{.fd = p->out, .events = POLLIN},
                               {.fd = p->ended, .events = POLLIN}};
        int64_t left = (until - clock_us()) / 1000;
        int n = left > 0 ? poll(fds, 2, (int)left) : 0;
        if (n == 0)
            return false;
        if (n < 0)
            continue;
        bool more = fds[0].revents && listen_to(p);
        if (!more && (p->ended < 0 || fds[1].revents))
            return true;
        if (!more && fds[0].revents) { /* it closed its output, but has not ended */
            close(p->out);
            p->out = -1;
        }
    }
}

static enum handed judge_status(struct process *p, int status, struct arena *a, struct str *why)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == 0)
        return HANDED_OVER;
    struct str said = str_safe(a, str_trim((struct str){p->said, p->n_said}), SAID_MAX, true);
    *why = code < 0 ? str_printf(a, "the mailer was ended by signal %d", WTERMSIG(status))
                    : str_printf(a, "the mailer ended with status %d%s%.*s", code,
                                 said.n ? ": " : "", STR_ARG(said));
    return code == EX_DATAERR || code == EX_NOUSER || code == EX_NOHOST ? HANDED_NEVER
                                                                        : HANDED_LATER;
}

/* Waits for the end of the program. */
static enum handed await_program(struct process *p, struct arena *a, struct str *why)
{
    int status = 0;
    bool ended = talk(p);
    if (p->out >= 0)
        close(p->out);
    if (p->ended >= 0)
        close(p->ended);
    if (!ended)
        kill(p->pid, SIGKILL);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (ended)
        return judge_status(p, status, a, why);
    *why = str_printf(a, "the mailer did not end within %d seconds", MAILER_SECONDS);
    return HANDED_LATER;
}

enum handed hand_to_program(struct str program, const struct letter_out *letter, struct arena *a,
                            struct str *why)
{
    struct process p = {0};
    int in = file_of(letter->text);
    bool started = in >= 0 && start_program(&p, letter, str_cstr(a, program), in, a);
    if (!started)
        *why = str_printf(a, "%.*s: %s", STR_ARG(str_safe(a, program, 200, true)), strerror(errno));
    if (in >= 0)
        close(in);
    return started ? await_program(&p, a, why) : HANDED_LATER;
}
