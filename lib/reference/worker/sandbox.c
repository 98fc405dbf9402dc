/* sandbox.c - no way out from here on.
 *
 * Three walls behind each other: there is nothing open but the socket; limits on memory, CPU, files
 * and processes; and a filter of system calls that ends the process at anything but computing,
 * reading and writing that socket, and ending.
 *
 * Errors: sandbox_enter() fails if a wall cannot be put up; the worker does not serve then. */
#include "reference/worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef ASSAY_REFERENCE_UNCONFINED
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/syscall.h>
#endif

#define STACK_BYTES (2UL << 20)

/* Ten times what a worker needs; a time limit of the asker's comes much earlier than this one. */
const struct sandbox_limits sandbox_limits = {.memory = 192UL << 20, .cpu_s = 60};

void sandbox_follow_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

bool sandbox_has_parent(void)
{
    struct ucred maker;
    socklen_t size = sizeof maker;
    return getsockopt(WORKER_SOCKET, SOL_SOCKET, SO_PEERCRED, &maker, &size) == 0 &&
           getppid() == maker.pid;
}

/* Whatever a library prints goes nowhere: it would speak with our name in the asker's log. */
static bool close_all(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDERR_FILENO) < 0)
        return false;
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    return close_range(WORKER_SOCKET + 1, ~0U, 0) == 0;
}

#ifdef ASSAY_REFERENCE_UNCONFINED

bool sandbox_is_built(void)
{
    return false;
}

bool sandbox_enter(const struct sandbox_limits *limits, const char **problem)
{
    (void)limits;
    *problem = "its descriptors cannot be closed"; /* told to /dev/null, maybe */
    return close_all();
}

#else

bool sandbox_is_built(void)
{
    return true;
}

/* Down to the value; what is lower already stays. */
static bool limit(__rlimit_resource_t what, unsigned long value)
{
    struct rlimit now;
    if (getrlimit(what, &now) != 0)
        return false;
    if (now.rlim_max < value)
        value = now.rlim_max;
    return setrlimit(what, &(struct rlimit){value, value}) == 0;
}

/* Address space counts what is mapped already, so the libraries count as well. */
static bool limit_resources(const struct sandbox_limits *limits)
{
    return limit(RLIMIT_AS, limits->memory) && limit(RLIMIT_STACK, STACK_BYTES) &&
           limit(RLIMIT_CPU, limits->cpu_s) && limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0) &&
           limit(RLIMIT_NOFILE, WORKER_SOCKET + 1) && limit(RLIMIT_NPROC, 0) &&
           limit(RLIMIT_MEMLOCK, 0) && limit(RLIMIT_MSGQUEUE, 0);
}

static bool can_filter(void)
{
    const uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* The call, if its arguments compare so. */
static bool allow_if(scmp_filter_ctx filter, int call, unsigned n, const struct scmp_arg_cmp *args)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, n, args) == 0;
}

/* What needs no look at its arguments. */
static bool allow_computing(scmp_filter_ctx filter)
{
    static const int calls[] = {
        SCMP_SYS(brk),           SCMP_SYS(munmap),       SCMP_SYS(mremap),
        SCMP_SYS(madvise),       SCMP_SYS(futex),        SCMP_SYS(exit),
        SCMP_SYS(exit_group),    SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
        SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
        SCMP_SYS(getrandom),
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (!allow_if(filter, calls[i], 0, NULL))
            return false;
    return true;
}

static bool allow_io(scmp_filter_ctx filter)
{
    static const struct scmp_arg_cmp socket = {0, SCMP_CMP_EQ, WORKER_SOCKET, 0};
    static const struct scmp_arg_cmp null = {0, SCMP_CMP_EQ, STDERR_FILENO, 0};
    return allow_if(filter, SCMP_SYS(read), 1, &socket) &&
           allow_if(filter, SCMP_SYS(write), 1, &socket) &&
           allow_if(filter, SCMP_SYS(write), 1, &null);
}

/* Memory of our own, never executable. */
static bool allow_memory(scmp_filter_ctx filter)
{
    static const struct scmp_arg_cmp args[] = {
        {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0},
        {3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS},
    };
    return allow_if(filter, SCMP_SYS(mmap), 2, args) &&
           allow_if(filter, SCMP_SYS(mprotect), 1, args);
}

static bool filter_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool ok = filter &&
              seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
              allow_computing(filter) && allow_io(filter) && allow_memory(filter) &&
              seccomp_load(filter) == 0;
    if (filter)
        seccomp_release(filter);
    return ok;
}

bool sandbox_enter(const struct sandbox_limits *limits, const char **problem)
{
    *problem = "it cannot give up privileges";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return false;
    *problem = "the kernel does not let it filter its system calls (seccomp)";
    if (!can_filter())
        return false;
    *problem = "its descriptors, limits or filter cannot be set";
    return close_all() && limit_resources(limits) && filter_calls();
}

#endif
