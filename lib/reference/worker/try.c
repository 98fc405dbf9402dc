/* try.c - what the sandbox must not let a library do, attempted: --try, and --try-outside, which
 * makes the same attempt without it: what is not possible there proves nothing here.
 *
 * Each attempt is made in a process of its own, that enters the sandbox as a worker does. An
 * attempt is refused if its process was ended, or if it got an error.
 *
 * Errors: an attempt whose process could not be made or not be sandboxed was not refused. */
#include "reference/worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOT_SANDBOXED 255
#define USAGE         64
#define PIECE         (1UL << 20)
#define CPU_S         1 /* the attempt's own limit, instead of a worker's */

static pid_t parent;

/* 0: it was possible; else the error. */
static int tell_outcome(long result)
{
    return result >= 0 ? 0 : errno;
}

static int try_open(void)
{
    return tell_outcome(open("/etc/passwd", O_RDONLY));
}

static int try_write_file(void)
{
    return tell_outcome(open("/tmp", O_WRONLY | O_TMPFILE, 0600));
}

static int try_read_stdin(void)
{
    char byte;
    return tell_outcome(read(STDIN_FILENO, &byte, 0));
}

static int try_socket(void)
{
    return tell_outcome(socket(AF_INET, SOCK_DGRAM, 0));
}

/* The error that no process listens there means that the call was made. */
static int try_connect(void)
{
    const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/nowhere"};
    connect(WORKER_SOCKET, (const struct sockaddr *)&to, sizeof to);
    return errno == ENOENT ? 0 : errno;
}

static int try_send_descriptor(void)
{
    struct msghdr message = {0};
    return tell_outcome(sendmsg(WORKER_SOCKET, &message, 0));
}

static int try_fork(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return tell_outcome(child);
}

static int try_thread(void)
{
    static char stack[65536];
    long child = syscall(SYS_clone, SIGCHLD | CLONE_VM, stack + sizeof stack, NULL, NULL, 0);
    if (child == 0)
        _exit(0);
    return tell_outcome(child);
}

static int try_exec(void)
{
    char *const args[] = {(char *)(uintptr_t) "true", NULL};
    return tell_outcome(execv("/bin/true", args));
}

static int try_ptrace(void)
{
    return tell_outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_signal(void)
{
    return tell_outcome(kill(parent, 0)); /* signal 0 harms nobody */
}

static int try_map_code(void)
{
    void *p = mmap(NULL, PIECE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? errno : 0;
}

static int try_make_code(void)
{
    static char page[8192];
    char *start = page + 4096 - (uintptr_t)page % 4096;
    return tell_outcome(mprotect(start, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
}

static int try_set_limits(void)
{
    const struct rlimit other = {3, 3};
    return tell_outcome(setrlimit(RLIMIT_NOFILE, &other));
}

static int try_prctl(void)
{
    return tell_outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int try_memory(void)
{
    for (unsigned long got = 0; got < 2 * sandbox_limits.memory; got += PIECE) {
        void *p = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            return errno;
    }
    return 0;
}

static int try_cpu(void)
{
    struct timespec used = {0, 0};
    while (used.tv_sec < 2 * CPU_S)
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return 0;
}

static const struct attempt {
    const char *name, *what;
    int (*run)(void);
} attempts[] = {
    {"open", "read a file", try_open},
    {"write-file", "make a file", try_write_file},
    {"read-stdin", "read from another descriptor than the socket", try_read_stdin},
    {"socket", "make a socket", try_socket},
    {"connect", "connect the socket it has to somebody else", try_connect},
    {"send-descriptor", "send a message that could carry descriptors", try_send_descriptor},
    {"fork", "make a process", try_fork},
    {"thread", "make a thread", try_thread},
    {"exec", "become another program", try_exec},
    {"ptrace", "trace", try_ptrace},
    {"signal", "signal a process", try_signal},
    {"map-code", "map memory to execute", try_map_code},
    {"make-code", "make memory executable", try_make_code},
    {"set-limits", "set limits of its own", try_set_limits},
    {"prctl", "become dumpable again", try_prctl},
    {"memory", "take more memory than its limit", try_memory},
    {"cpu", "compute longer than its limit", try_cpu},
};
#define ATTEMPTS (sizeof attempts / sizeof *attempts)

/* In a process of its own: ends with 0 if the attempt was possible, else with its error. */
static _Noreturn void attempt_it(const struct attempt *attempt, bool outside)
{
    struct sandbox_limits limits = sandbox_limits;
    const char *problem;
    int pair[2];
    if (strcmp(attempt->name, "cpu") == 0)
        limits.cpu_s = CPU_S;
    sandbox_follow_parent();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || fcntl(pair[0], F_DUPFD, 10) < 0 ||
        dup2(pair[1], WORKER_SOCKET) < 0 || (!outside && !sandbox_enter(&limits, &problem)))
        _exit(NOT_SANDBOXED);
    _exit(attempt->run());
}

static bool was_refused(const struct attempt *attempt, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    printf("%-16s %-46s ", attempt->name, attempt->what);
    if (WIFSIGNALED(status))
        printf("ended by SIG%s\n", sigabbrev_np(WTERMSIG(status)));
    else if (code == NOT_SANDBOXED)
        printf("the sandbox could not be entered\n");
    else
        printf("%s\n", code ? strerror(code) : "POSSIBLE");
    return WIFSIGNALED(status) || (code && code != NOT_SANDBOXED);
}

static bool make_attempt(const struct attempt *attempt, bool outside)
{
    int status;
    fflush(stdout);
    parent = getpid();
    pid_t child = fork();
    if (child == 0)
        attempt_it(attempt, outside);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("assay-reference: fork");
        return false;
    }
    return was_refused(attempt, status);
}

int try_attempt(const char *name, bool outside)
{
    bool all = strcmp(name, "all") == 0;
    unsigned made = 0, refused = 0;
    for (size_t i = 0; i < ATTEMPTS; i++) {
        if (!all && strcmp(name, attempts[i].name) != 0)
            continue;
        made++;
        refused += make_attempt(&attempts[i], outside);
    }
    if (!made)
        fprintf(stderr, "assay-reference: there is no attempt \"%s\"\n", name);
    return !made ? USAGE : refused < made;
}

void try_list(void)
{
    printf("  all");
    for (size_t i = 0; i < ATTEMPTS; i++)
        printf(" %s", attempts[i].name);
    putchar('\n');
}
