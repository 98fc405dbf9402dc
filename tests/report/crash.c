/* crash.c - preloaded under assay: ends it with SIGKILL before its CRASH_AT-th call that changes
 * something outside of the process; or lets the FAIL_AT-th of them fail, as on a full disk.
 * CRASH_COUNT names a file that gets the number of such calls. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static long calls;

static int is_ours(void)
{
    return strcmp(program_invocation_short_name, "assay") == 0;
}

static int is_now(const char *name)
{
    const char *at = getenv(name);
    return is_ours() && at && calls == atol(at);
}

/* True: the call fails. */
static int count(void)
{
    calls++;
    if (is_now("CRASH_AT"))
        kill(getpid(), SIGKILL);
    errno = ENOSPC;
    return is_now("FAIL_AT");
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("CRASH_COUNT");
    FILE *f = path && is_ours() ? fopen(path, "w") : NULL;
    if (f) {
        fprintf(f, "%ld\n", calls);
        fclose(f);
    }
}

#define WRAP(result, failure, name, declared, passed)                                              \
    result name declared;                                                                          \
    result name declared                                                                           \
    {                                                                                              \
        static result(*real) declared;                                                             \
        if (!real)                                                                                 \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return count() ? (failure) : real passed;                                                  \
    }

WRAP(ssize_t, -1, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
WRAP(ssize_t, -1, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
WRAP(ssize_t, -1, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(ssize_t, -1, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(int, -1, fdatasync, (int fd), (fd))
WRAP(int, -1, fsync, (int fd), (fd))
WRAP(int, -1, ftruncate, (int fd, off_t n), (fd, n))
WRAP(int, -1, ftruncate64, (int fd, off64_t n), (fd, n))
WRAP(int, -1, unlink, (const char *path), (path))
/* Of a child that is there it does not fail. */
WRAP(pid_t, real(pid, status, options), waitpid, (pid_t pid, int *status, int options),
     (pid, status, options))
WRAP(int, EAGAIN, posix_spawn,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]),
     (pid, path, actions, attributes, argv, envp))
