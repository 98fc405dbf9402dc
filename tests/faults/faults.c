/* faults.c - a library to be preloaded (LD_PRELOAD) under the daemon: system calls that fail on a
 * schedule, without a line for it in the product.
 *
 * ASSAY_FAULTS names a file that the test shares with the process (struct control): for each kind
 * of faults.def how many of a thousand calls shall fail, and how many were made and failed. Which
 * ones fail follows from the seed and the number of the call. Without the file nothing fails. */
/* glibc declares the address of accept() and recvfrom() as a transparent union. */
#pragma GCC diagnostic ignored "-Wpedantic"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum kind {
#define FAULT(name, what) FAULT_##name,
#include "faults.def"
#undef FAULT
    FAULTS
};

struct control {
    _Atomic uint64_t seed;
    struct {
        _Atomic uint64_t permille, calls, failed;
    } kinds[FAULTS];
};

#define CLOCK_JUMP 120 /* seconds */
#define CLOCK_STEP 86400
#define SLOW_MS    150

static struct control none, *control = &none;
static _Atomic int64_t clock_offset;

__attribute__((constructor)) static void open_control(void)
{
    const char *path = getenv("ASSAY_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *shared = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared != MAP_FAILED)
        control = shared;
}

/* The function that would have been called without us. */
#define REAL(type, name, ...)                                                                      \
    static type (*_Atomic name##_known)(__VA_ARGS__);                                              \
    static type (*name##_real(void))(__VA_ARGS__)                                                  \
    {                                                                                              \
        type (*found)(__VA_ARGS__) = name##_known;                                                 \
        if (!found) {                                                                              \
            void *symbol = dlsym(RTLD_NEXT, #name);                                                \
            memcpy(&found, &symbol, sizeof found);                                                 \
            name##_known = found;                                                                  \
        }                                                                                          \
        return found;                                                                              \
    }

static uint64_t mixed(uint64_t x) /* SplitMix64's finalizer */
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* A number that is not 0 if this call shall fail. */
static uint64_t drawn(enum kind kind)
{
    uint64_t permille = control->kinds[kind].permille;
    if (!permille)
        return 0;
    uint64_t call = atomic_fetch_add(&control->kinds[kind].calls, 1);
    uint64_t number = mixed(control->seed + ((uint64_t)kind << 56) + call * 0x9E3779B97F4A7C15u);
    if (number % 1000 >= permille)
        return 0;
    atomic_fetch_add(&control->kinds[kind].failed, 1);
    return number | 1;
}

/* True, with errno set, if this call shall fail. */
static bool fails(enum kind kind, int error)
{
    if (!drawn(kind))
        return false;
    errno = error;
    return true;
}

static bool is_stream(int fd)
{
    int type = 0, before = errno;
    socklen_t n = sizeof type;
    bool stream = !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) && type == SOCK_STREAM;
    errno = before;
    return stream;
}

static bool is_file(int fd)
{
    struct stat info;
    return !fstat(fd, &info) && S_ISREG(info.st_mode);
}

/* The same for a socket whose peer is gone: then nothing works on it any more. */
static bool breaks(enum kind kind, int fd, int error)
{
    if (!drawn(kind))
        return false;
    shutdown(fd, SHUT_RDWR);
    errno = error;
    return true;
}

static bool write_fails(int fd)
{
    return breaks(FAULT_write, fd, EPIPE) || fails(FAULT_write_once, ENOBUFS);
}

/* A slow disk. nanosleep() is not among the calls of the daemon's sandbox. */
REAL(int, poll, struct pollfd *, nfds_t, int)
static void take_time(void)
{
    if (drawn(FAULT_file_slow))
        poll_real()(NULL, 0, SLOW_MS);
}

/* What a full disk leaves of a file. */
REAL(ssize_t, write, int, const void *, size_t)
static bool disk_is_full(int fd, const void *data, size_t n)
{
    if (fd == STDERR_FILENO || !is_file(fd))
        return false;
    take_time();
    if (!drawn(FAULT_file_write))
        return false;
    (void)!write_real()(fd, data, n / 2);
    errno = ENOSPC;
    return true;
}

/* --- Sockets of the MTA, the log, files --------------------------------------------------------*/

ssize_t write(int fd, const void *data, size_t n)
{
    if (fd == STDERR_FILENO && fails(FAULT_log, ENOSPC))
        return -1;
    return disk_is_full(fd, data, n) ? -1 : write_real()(fd, data, n);
}

/* As SQLite writes. */
#define PWRITE(name, offset_type)                                                                  \
    REAL(ssize_t, name, int, const void *, size_t, offset_type)                                    \
    ssize_t name(int fd, const void *data, size_t n, offset_type offset)                           \
    {                                                                                              \
        take_time();                                                                               \
        return fails(FAULT_file_write, ENOSPC) ? -1 : name##_real()(fd, data, n, offset);          \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

REAL(ssize_t, read, int, void *, size_t)
ssize_t read(int fd, void *data, size_t n)
{
    if (is_file(fd) && fails(FAULT_file_read, EIO))
        return -1;
    return read_real()(fd, data, n);
}

REAL(int, accept4, int, struct sockaddr *, socklen_t *, int)
int accept4(int fd, struct sockaddr *address, socklen_t *n, int flags)
{
    bool failed = fails(FAULT_accept, EMFILE) || fails(FAULT_accept_barred, EPERM);
    return failed ? -1 : accept4_real()(fd, address, n, flags);
}

REAL(ssize_t, recv, int, void *, size_t, int)
ssize_t recv(int fd, void *data, size_t n, int flags)
{
    if (is_stream(fd) && breaks(FAULT_receive, fd, ECONNRESET))
        return -1;
    return recv_real()(fd, data, n, flags);
}

/* Files have two names each in the C library: with _FILE_OFFSET_BITS=64, which pkg-config files of
 * libraries bring along (hiredis), open() calls open64(). */
REAL(int, open, const char *, int, ...)
static int open_or_fail(const char *path, int flags, unsigned mode)
{
    return fails(FAULT_file_open, EIO) ? -1 : open_real()(path, flags, mode);
}

#define OPEN(name, more_flags)                                                                     \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        unsigned mode = flags & O_CREAT ? va_arg(args, unsigned) : 0;                              \
        va_end(args);                                                                              \
        return open_or_fail(path, flags | (more_flags), mode);                                     \
    }
OPEN(open, 0)
OPEN(open64, O_LARGEFILE)

#define FSYNC(name)                                                                                \
    REAL(int, name, int)                                                                           \
    int name(int fd)                                                                               \
    {                                                                                              \
        take_time();                                                                               \
        return fails(FAULT_file_sync, EIO) ? -1 : name##_real()(fd);                               \
    }
FSYNC(fsync)
FSYNC(fdatasync)

REAL(int, renameat, int, const char *, int, const char *)
int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return fails(FAULT_file_rename, EIO) ? -1
                                         : renameat_real()(from_directory, from, to_directory, to);
}

REAL(FILE *, fopen, const char *, const char *)
FILE *fopen(const char *path, const char *mode)
{
    return fails(FAULT_file_open, EIO) ? NULL : fopen_real()(path, mode);
}

REAL(FILE *, fopen64, const char *, const char *)
FILE *fopen64(const char *path, const char *mode)
{
    return fails(FAULT_file_open, EIO) ? NULL : fopen64_real()(path, mode);
}

/* --- DNS ---------------------------------------------------------------------------------------*/

REAL(int, socket, int, int, int)
int socket(int family, int type, int protocol)
{
    bool dns = (family == AF_INET || family == AF_INET6) && (type & 0xF) == SOCK_DGRAM;
    return dns && fails(FAULT_dns_socket, EMFILE) ? -1 : socket_real()(family, type, protocol);
}

/* All but a few bytes, or half of it. */
static size_t some_of(size_t n, uint64_t number)
{
    size_t missing = (size_t)(number >> 32) % 8;
    return missing && missing < n ? n - missing : n > 1 ? n / 2 : n;
}

REAL(ssize_t, send, int, const void *, size_t, int)
static ssize_t send_to_mta(int fd, const void *data, size_t n, int flags)
{
    if (write_fails(fd) || (flags & MSG_DONTWAIT && fails(FAULT_write_full, EAGAIN)))
        return -1;
    uint64_t number = drawn(FAULT_short_write);
    return send_real()(fd, data, number ? some_of(n, number) : n, flags);
}

ssize_t send(int fd, const void *data, size_t n, int flags)
{
    if (is_stream(fd))
        return send_to_mta(fd, data, n, flags);
    return fails(FAULT_dns_send, ENETUNREACH) ? -1 : send_real()(fd, data, n, flags);
}

REAL(ssize_t, recvfrom, int, void *, size_t, int, struct sockaddr *, socklen_t *)
ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *n)
{
    if (fails(FAULT_dns_receive, ECONNREFUSED))
        return -1;
    ssize_t got = recvfrom_real()(fd, data, size, flags, from, n);
    uint64_t number = got > 0 ? drawn(FAULT_dns_short) : 0;
    return number ? (ssize_t)(number % (uint64_t)got) : got;
}

/* --- Threads, waiting, time --------------------------------------------------------------------*/

REAL(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *arg)
{
    return drawn(FAULT_thread) ? EAGAIN : pthread_create_real()(thread, attributes, run, arg);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    return fails(FAULT_poll, EINTR) ? -1 : poll_real()(fds, n, timeout);
}

REAL(int, epoll_wait, int, struct epoll_event *, int, int)
int epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
    return fails(FAULT_poll, EINTR) ? -1 : epoll_wait_real()(fd, events, n, timeout);
}

static int64_t jumped(void)
{
    uint64_t number = drawn(FAULT_clock);
    if (number)
        clock_offset = (int64_t)(number >> 32) % (2 * CLOCK_JUMP + 1) - CLOCK_JUMP;
    int64_t step =
        CLOCK_STEP * ((drawn(FAULT_clock_ahead) != 0) - (drawn(FAULT_clock_behind) != 0));
    return control->kinds[FAULT_clock].permille ? clock_offset : step;
}

REAL(int, clock_gettime, clockid_t, struct timespec *)
int clock_gettime(clockid_t clock, struct timespec *out)
{
    int status = clock_gettime_real()(clock, out);
    if (!status && clock == CLOCK_REALTIME)
        out->tv_sec += jumped();
    return status;
}

REAL(int, gettimeofday, struct timeval *, void *)
int gettimeofday(struct timeval *out, void *zone)
{
    int status = gettimeofday_real()(out, zone);
    if (!status)
        out->tv_sec += jumped();
    return status;
}

REAL(time_t, time, time_t *)
time_t time(time_t *out)
{
    time_t now = time_real()(NULL) + jumped();
    if (out)
        *out = now;
    return now;
}
