/* sandbox_try.c - `assay milter --try-sandbox`: is the sandbox what it is said to be?
 *
 * Attempts that must be refused, and what must go on working, are made in processes of their own,
 * without the sandbox and within it. What is not possible without it proves nothing, and is said
 * to.
 *
 * Errors: an attempt whose process cannot be made counts as wrong. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "milter/daemon/identity.h"
#include "milter/daemon/runtime.h"
#include "milter/daemon/sandbox.h"
#include "milter/daemon/workers.h"
#include "reference/reference.h"

#define WITHOUT_SANDBOX 255 /* exit status of an attempt that could not be made */
#define PAGE            4096

/* What an attempt may need to know. */
struct trial {
    const struct conf *conf;
    const char *conf_path;
    struct arena *arena;
    pid_t parent;
};

/* --- What must be refused: 0 if it was possible, else the error --------------------------------*/

static int attempt_outcome(long result)
{
    return result >= 0 ? 0 : errno;
}

static int try_exec(const struct trial *t)
{
    char *const words[] = {(char *)(uintptr_t) "true", NULL};
    (void)t;
    return attempt_outcome(execv("/bin/true", words));
}

static int try_fork(const struct trial *t)
{
    pid_t child = fork();
    (void)t;
    if (child == 0)
        _exit(0);
    return attempt_outcome(child);
}

static int try_write_file(const struct trial *t)
{
    (void)t;
    return attempt_outcome(open("/tmp", O_WRONLY | O_TMPFILE, 0600));
}

static int try_make_socket_file(const struct trial *t)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)t;
    snprintf(to.sun_path, sizeof to.sun_path, "/tmp/assay-try-%ld", (long)getpid());
    int rc = attempt_outcome(fd < 0 ? fd : bind(fd, (const struct sockaddr *)&to, sizeof to));
    unlink(to.sun_path);
    return rc;
}

static int try_home(const struct trial *t)
{
    (void)t;
    return attempt_outcome(open("/home", O_RDONLY | O_DIRECTORY));
}

static int try_other_process(const struct trial *t)
{
    (void)t;
    return attempt_outcome(open("/proc/1/status", O_RDONLY));
}

static int try_device(const struct trial *t)
{
    (void)t;
    return attempt_outcome(open("/dev/zero", O_RDONLY));
}

static int try_listen(const struct trial *t)
{
    const struct sockaddr_in any = {.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)t;
    return attempt_outcome(
        fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof any) ? -1 : listen(fd, 1));
}

static int try_other_socket(const struct trial *t)
{
    (void)t;
    return attempt_outcome(socket(AF_VSOCK, SOCK_STREAM, 0));
}

static int try_signal(const struct trial *t)
{
    return attempt_outcome(kill(t->parent, 0)); /* signal 0 harms nobody */
}

static int try_trace(const struct trial *t)
{
    (void)t;
    return attempt_outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_map_code(const struct trial *t)
{
    (void)t;
    return mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? errno
               : 0;
}

static int try_make_code(const struct trial *t)
{
    (void)t;
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return attempt_outcome(p == MAP_FAILED ? -1 : mprotect(p, PAGE, PROT_READ | PROT_EXEC));
}

static int try_dumpable(const struct trial *t)
{
    (void)t;
    return attempt_outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int try_namespace(const struct trial *t)
{
    (void)t;
    return attempt_outcome(unshare(CLONE_NEWUSER));
}

static int try_io_uring(const struct trial *t)
{
    struct io_uring_params parameters = {0};
    (void)t;
    return attempt_outcome(syscall(SYS_io_uring_setup, 1, &parameters));
}

static int try_keyring(const struct trial *t)
{
    (void)t;
    return attempt_outcome(
        syscall(SYS_add_key, "user", "assay-try", "x", 1UL, -2)); /* the process's own */
}

static int try_user_fault(const struct trial *t)
{
    (void)t;
    return attempt_outcome(
        syscall(SYS_userfaultfd, O_CLOEXEC | 1)); /* 1: for faults in user mode only */
}

/* --- What must work ----------------------------------------------------------------------------*/

static int do_reload(const struct trial *t)
{
    struct conf_problems problems;
    struct candidate c;
    conf_problems_init(&problems, t->arena);
    errno = EINVAL;
    return candidate_load(t->conf_path, RIGHTS_OWN, &problems, NULL, &c) ? 0
           : errno                                                       ? errno
                                                                         : EINVAL;
}

static int make_and_remove(const struct trial *t, struct str directory)
{
    const char *path = str_cstr(
        t->arena, str_printf(t->arena, "%.*s/.assay-try-%ld", STR_ARG(directory), (long)getpid()));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return attempt_outcome(fd < 0 || write(fd, "x", 1) != 1 || close(fd) ? -1 : unlink(path));
}

static int do_state(const struct trial *t)
{
    return make_and_remove(t, t->conf->state_dir);
}

static int do_key_states(const struct trial *t)
{
    for (size_t i = 0; i < t->conf->n_signing; i++) {
        struct str directory = t->conf->signing[i].directory;
        int failed = directory.n ? make_and_remove(t, directory) : 0;
        if (failed)
            return failed;
    }
    return 0;
}

static int do_dns(const struct trial *t)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    (void)t;
    return attempt_outcome(fd < 0 ? fd : connect(fd, (const struct sockaddr *)&to, sizeof to));
}

static int do_user(const struct trial *t)
{
    (void)t;
    errno = ENOENT;
    return getpwuid(geteuid()) ? 0 : errno ? errno : ENOENT;
}

static void *nothing(void *argument)
{
    return argument;
}

static int do_thread(const struct trial *t)
{
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, nothing, NULL);
    (void)t;
    return failed ? failed : pthread_join(thread, NULL);
}

/* Where assay-reference is not installed, it is not tried. */
static int do_workers(const struct trial *t)
{
    struct str problem;
    const char *program = t->conf->reference_program.n
                              ? str_cstr(t->arena, t->conf->reference_program)
                              : reference_find_program(t->arena);
    if (access(program, X_OK))
        return errno == ENOENT ? 0 : errno;
    errno = 0;
    struct reference *workers = workers_open(t->conf, t->arena, &problem);
    if (workers)
        reference_close(workers);
    return workers ? 0 : errno ? errno : ECHILD;
}

/* --- Trying ------------------------------------------------------------------------------------*/

enum wanted { REFUSED, POSSIBLE };

static const struct attempt {
    enum wanted wanted;
    int landlock; /* only a Landlock of this version refuses it; 0: the filter of system calls does
                   */
    const char *name, *what;
    int (*make)(const struct trial *t);
} attempts[] = {
    {REFUSED, 1, "exec", "become another program", try_exec},
    {REFUSED, 0, "fork", "make a process", try_fork},
    {REFUSED, 1, "write-file", "make a file in /tmp", try_write_file},
    {REFUSED, 1, "socket-file", "make a Unix socket in /tmp", try_make_socket_file},
    {REFUSED, 1, "home", "look into /home", try_home},
    {REFUSED, 1, "other-process", "read what /proc says of another process", try_other_process},
    {REFUSED, 1, "device", "open a device", try_device},
    {REFUSED, 0, "listen", "listen on another socket", try_listen},
    {REFUSED, 0, "other-socket", "make a socket for anything but IP and Unix", try_other_socket},
    {REFUSED, 6, "signal", "signal a process that it did not make", try_signal},
    {REFUSED, 0, "trace", "trace", try_trace},
    {REFUSED, 0, "map-code", "map memory to execute", try_map_code},
    {REFUSED, 0, "make-code", "make memory executable", try_make_code},
    {REFUSED, 0, "dumpable", "let others read its memory", try_dumpable},
    {REFUSED, 0, "namespace", "make a namespace", try_namespace},
    {REFUSED, 0, "io-uring", "have system calls made by the kernel", try_io_uring},
    {REFUSED, 0, "keyring", "use the kernel's keys", try_keyring},
    {REFUSED, 0, "user-fault", "handle faults of its memory", try_user_fault},
    {POSSIBLE, 0, "reload", "read configuration and keys again", do_reload},
    {POSSIBLE, 0, "state", "write to state-dir", do_state},
    {POSSIBLE, 0, "key-states", "write to key directories", do_key_states},
    {POSSIBLE, 0, "dns", "ask a name server", do_dns},
    {POSSIBLE, 0, "user", "look its own user up", do_user},
    {POSSIBLE, 0, "thread", "start a thread", do_thread},
    {POSSIBLE, 0, "workers", "start assay-reference, if it is installed", do_workers},
};
#define ATTEMPTS (sizeof attempts / sizeof *attempts)

static _Noreturn void make_attempt(const struct attempt *attempt, const struct trial *t,
                                   bool inside)
{
    struct sandbox made;
    if (inside)
        sandbox_enter(t->conf, t->arena, &made);
    int failed = attempt->make(t);
    _exit(failed < WITHOUT_SANDBOX ? failed : EINVAL);
}

/* 0: it was possible; else an error, or WITHOUT_SANDBOX. */
static int try_it(const struct attempt *attempt, const struct trial *t, bool inside)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        make_attempt(attempt, t, inside);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return WITHOUT_SANDBOX;
    return WEXITSTATUS(status);
}

static const char *attempt_word(int result)
{
    return result == WITHOUT_SANDBOX ? "no result" : result ? strerror(result) : "possible";
}

/* In a build with sanitizers: they make processes, and look at them. */
static bool is_for_sanitizers(const struct attempt *attempt)
{
    return !sandbox_is_strict() && (!attempt->landlock || attempt->make == try_other_process ||
                                    attempt->make == try_signal);
}

static bool judge_attempt(const struct attempt *attempt, int outside, int inside,
                          const struct sandbox *made)
{
    bool refused = inside != 0 && inside != WITHOUT_SANDBOX;
    bool able = (attempt->landlock ? made->files >= attempt->landlock : made->calls) &&
                !is_for_sanitizers(attempt);
    bool well = attempt->wanted == POSSIBLE ? inside == 0 || outside != 0 : refused || !able;
    const char *note = !well ? "  WRONG" : "";
    if (attempt->wanted == REFUSED && outside)
        note = "  (nor without the sandbox)";
    else if (attempt->wanted == REFUSED && !refused && !able)
        note = "  (not refused by this kernel, or build)";
    printf("%-14s %-44s %-24s %s%s\n", attempt->name, attempt->what, attempt_word(outside),
           attempt_word(inside), note);
    return well;
}

/* What can be put up here, found in a process of its own. */
static struct sandbox look(const struct trial *t)
{
    struct sandbox made = {0};
    int status;
    pid_t child = fork();
    if (child == 0) {
        sandbox_enter(t->conf, t->arena, &made);
        _exit(made.files | made.calls << 7);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status))
        made = (struct sandbox){.files = WEXITSTATUS(status) & 0x7f,
                                .calls = WEXITSTATUS(status) >> 7};
    return made;
}

static int try_all(const struct conf *conf, const char *conf_path)
{
    const struct trial t = {conf, conf_path, conf->arena, getpid()};
    struct sandbox made = look(&t);
    unsigned wrong = 0;
    printf("system calls: %s; files: ", !made.calls ? "NOT FILTERED"
                                        : sandbox_is_strict()
                                            ? "filtered"
                                            : "filtered, but for what sanitizers need");
    printf(made.files ? "Landlock %d\n\n" : "NO LANDLOCK HERE\n\n", made.files);
    printf("%-14s %-44s %-24s %s\n", "", "", "without", "in the sandbox");
    for (size_t i = 0; i < ATTEMPTS; i++) {
        int outside = try_it(&attempts[i], &t, false), inside = try_it(&attempts[i], &t, true);
        wrong += !judge_attempt(&attempts[i], outside, inside, &made);
    }
    return wrong ? EXIT_FAILURE : made.calls || made.files ? EX_OK : EX_UNAVAILABLE;
}

int sandbox_try(const char *conf_path)
{
    struct arena *a = arena_new(0);
    struct conf_problems problems;
    struct candidate c = {0};
    struct identity user;
    struct str problem = STR_NONE;
    int status = EX_CONFIG;
    conf_problems_init(&problems, a);
    log_open(LOG_TO_STDERR, "assay", LOG_LEVEL_ERROR);
    if (candidate_load(conf_path, RIGHTS_OF_USER, &problems, NULL, &c)) {
        bool became =
            identity_find(c.conf->user, a, &user, &problem) && identity_become(&user, &problem, a);
        status = became ? try_all(c.conf, conf_path) : EX_NOPERM;
    }
    for (size_t i = 0; i < problems.n; i++)
        log_error("%.*s", STR_ARG(problems.v[i]));
    if (problem.n)
        log_error("%.*s", STR_ARG(problem));
    candidate_free(&c);
    arena_free(a);
    return status;
}
