/* sandbox_calls.c - the system calls that the daemon needs from here on; all others are refused
 * with EPERM.
 *
 * The list holds what assay, its libraries and the C library call, and what assay-reference calls
 * from its exec on until it shuts itself in further. Calls whose arguments matter are allowed for
 * some of them: sockets of four families, threads but no copies of the process, memory that is
 * never both ours to write and to execute. clone3() hides its arguments from a filter: it is not
 * there (ENOSYS), and libc takes clone().
 *
 * Builds with sanitizers make processes to look at themselves, and are allowed to.
 *
 * Errors: false and a phrase. */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "milter/daemon/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Any arguments. */
static const int allowed[] = {
    /* descriptors */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(fcntl),
    SCMP_SYS(fcntl64),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    /* files: which ones, Landlock says */
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(creat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(chown),
    SCMP_SYS(fchown),
    SCMP_SYS(lchown),
    SCMP_SYS(fchownat),
    SCMP_SYS(umask),
    SCMP_SYS(utimensat),
    SCMP_SYS(truncate),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64),
    SCMP_SYS(flock),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(sync_file_range),
    /* sockets that there are */
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(msync),
    SCMP_SYS(mincore),
    SCMP_SYS(mlock),
    SCMP_SYS(munlock),
    SCMP_SYS(membarrier),
    /* threads and processes of ours */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(execve),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getpgrp),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getresuid),
    SCMP_SYS(getresgid),
    SCMP_SYS(getgroups),
    SCMP_SYS(getrlimit),
    SCMP_SYS(setrlimit),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getrusage),
    SCMP_SYS(seccomp),
    /* signals; whom they may reach, Landlock says */
    SCMP_SYS(kill),
    SCMP_SYS(tgkill),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(signalfd4),
    SCMP_SYS(pause),
    SCMP_SYS(restart_syscall),
    /* time and the machine */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrandom),
};

/* A call is allowed if its arguments compare so; several entries for a call are alternatives. */
static const struct {
    int call;
    unsigned n;
    struct scmp_arg_cmp arguments[2];
} allowed_if[] = {
    {SCMP_SYS(socket), 1, {{0, SCMP_CMP_EQ, AF_UNIX, 0}}},
    {SCMP_SYS(socket), 1, {{0, SCMP_CMP_EQ, AF_INET, 0}}},
    {SCMP_SYS(socket), 1, {{0, SCMP_CMP_EQ, AF_INET6, 0}}},
    {SCMP_SYS(socket), 1, {{0, SCMP_CMP_EQ, AF_NETLINK, 0}}}, /* addresses of this host */
    {SCMP_SYS(socketpair), 1, {{0, SCMP_CMP_EQ, AF_UNIX, 0}}},
    {SCMP_SYS(ioctl), 1, {{1, SCMP_CMP_EQ, FIONREAD, 0}}},
    {SCMP_SYS(ioctl), 1, {{1, SCMP_CMP_EQ, FIONBIO, 0}}},
    {SCMP_SYS(ioctl), 1, {{1, SCMP_CMP_EQ, FIOCLEX, 0}}},
    {SCMP_SYS(ioctl), 1, {{1, SCMP_CMP_EQ, TCGETS, 0}}}, /* isatty() */
    /* Threads, and what posix_spawn() makes: both share our memory. */
    {SCMP_SYS(clone),
     1,
     {{0, SCMP_CMP_MASKED_EQ,
       CLONE_VM | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC |
           CLONE_NEWUTS | CLONE_NEWCGROUP,
       CLONE_VM}}},
    /* Files may be executable, as libraries are; then nobody writes to them. Other memory never is.
     */
    {SCMP_SYS(mmap), 1, {{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}}},
    {SCMP_SYS(mmap),
     2,
     {{2, SCMP_CMP_MASKED_EQ, PROT_WRITE, 0}, {3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0}}},
    {SCMP_SYS(mprotect), 1, {{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}}},
    {SCMP_SYS(prctl), 1, {{0, SCMP_CMP_EQ, PR_SET_NAME, 0}}},
    {SCMP_SYS(prctl), 1, {{0, SCMP_CMP_EQ, PR_GET_NAME, 0}}},
    {SCMP_SYS(prctl), 1, {{0, SCMP_CMP_EQ, PR_GET_DUMPABLE, 0}}},
    {SCMP_SYS(prctl), 1, {{0, SCMP_CMP_EQ, PR_SET_NO_NEW_PRIVS, 0}}},
    {SCMP_SYS(prctl), 1, {{0, SCMP_CMP_EQ, PR_SET_PDEATHSIG, 0}}},
    {SCMP_SYS(prctl), 1, {{0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0}}},
    {SCMP_SYS(prctl), 2, {{0, SCMP_CMP_EQ, PR_SET_DUMPABLE, 0}, {1, SCMP_CMP_EQ, 0, 0}}},
};

/* For LeakSanitizer, which stops all threads from another process, and the start of workers. */
static const int allowed_sanitized[] = {
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(prctl),
    SCMP_SYS(personality),
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(ioctl),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(process_vm_readv),
};

bool sandbox_is_strict(void)
{
    return !SANITIZED;
}

static bool allow_plainly(scmp_filter_ctx filter, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0))
            return false;
    return true;
}

static bool allow_by_arguments(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof allowed_if / sizeof *allowed_if; i++)
        if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed_if[i].call, allowed_if[i].n,
                                   allowed_if[i].arguments))
            return false;
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

static bool allow_call(scmp_filter_ctx filter)
{
    if (!allow_plainly(filter, allowed, sizeof allowed / sizeof *allowed))
        return false;
    if (SANITIZED)
        return allow_plainly(filter, allowed_sanitized,
                             sizeof allowed_sanitized / sizeof *allowed_sanitized) &&
               seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 0) == 0 &&
               seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 0) == 0;
    return allow_by_arguments(filter);
}

/* A build with TSan has a thread of the sanitizer's already: TSYNC puts it behind the filter, too.
 */
bool sandbox_filter_calls(struct arena *a, struct str *problem)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int failed = filter ? 0 : -ENOMEM;
    if (!failed && !allow_call(filter))
        failed = -EINVAL;
    if (!failed)
        failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!failed)
        failed = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    if (failed)
        *problem = str_printf(a, "%s", strerror(-failed));
    return !failed;
}
