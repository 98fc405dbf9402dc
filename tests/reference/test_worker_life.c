/* assay-reference as a process: what it has, what ends it, and what it does with nonsense. */
#include "worker_rig.h"

#include <dirent.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define EXIT_UNAVAILABLE 69
#define EXIT_PROTOCOL    76

static bool has_sandbox;

static void ask_version(void)
{
    char line[256] = "";
    char *const command = malloc(strlen(program) + 32);
    assert_non_null(command);
    sprintf(command, "'%s' --version", program);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_int_equal(pclose(f), 0);
    free(command);
    has_sandbox = !strstr(line, "without its sandbox");
}

/* The value of a field of /proc/PID/status. */
static long status_field(pid_t pid, const char *name)
{
    char path[64], line[256];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            value = strtol(line + strlen(name) + 1, NULL, 10);
    fclose(f);
    return value;
}

static void is_confined(void **state)
{
    (void)state;
    struct talk talk;
    talk_begin(&talk);
    pid_t pid = talk.process.pid;
    if (!has_sandbox)
        print_message("this build has no sandbox\n");
    else {
        assert_int_equal(status_field(pid, "Seccomp"), 2); /* filtered */
        assert_int_equal(status_field(pid, "NoNewPrivs"), 1);
        assert_int_equal(status_field(pid, "Threads"), 1);
    }
    assert_exit(talk_end(&talk), 0);
}

/* Started with descriptors that it should not have. */
static pid_t start_with_more(int socket)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    if (dup2(socket, WORKER_SOCKET) == WORKER_SOCKET && dup2(STDIN_FILENO, 7) == 7 &&
        dup2(STDOUT_FILENO, 100) == 100)
        execl(program, program, (char *)NULL);
    _exit(97);
}

static void check_descriptor(const char *folder, const char *name)
{
    char path[128], target[64] = "";
    snprintf(path, sizeof path, "%s/%.16s", folder, name);
    assert_true(readlink(path, target, sizeof target - 1) > 0);
    if (strcmp(name, "2") == 0)
        assert_string_equal(target, "/dev/null");
    else if (strcmp(name, "3") != 0 || strncmp(target, "socket:", 7) != 0)
        fail_msg("descriptor %s is %s", name, target);
}

static void has_two_descriptors(void **state)
{
    (void)state;
    int pair[2];
    char folder[64];
    unsigned n = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    pid_t pid = start_with_more(pair[1]);
    wait_readable(pair[0]); /* its HELLO */
    snprintf(folder, sizeof folder, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(folder);
    if (!dir && geteuid() == 0)
        fail_msg("%s cannot be read", folder);
    for (struct dirent *e = NULL; dir && (e = readdir(dir));)
        if (e->d_name[0] != '.') {
            check_descriptor(folder, e->d_name);
            n++;
        }
    if (dir) {
        assert_int_equal(n, 2);
        closedir(dir);
    }
    close(pair[0]);
    close(pair[1]);
    assert_exit(reap(pid), 0);
}

/* ---- jobs ---- */

static const struct spf_request request = {.client = {.family = 4, .bytes = {192, 0, 2, 1}},
                                           .helo = STR_INIT("helo.example"),
                                           .local = STR_INIT("a"),
                                           .domain = STR_INIT("example.com")};

static struct str spf_job(struct arena *a)
{
    struct strbuf out;
    sb_init(&out, a);
    assert_true(job_write_spf(&out, &request));
    return sb_str(&out);
}

static struct str dkim_job(struct arena *a)
{
    struct strbuf out;
    struct header_list headers;
    const struct dkim_verify_settings settings = {.max_signatures = 3, .now = 1700000000};
    sb_init(&out, a);
    header_list_init(&headers, a);
    header_list_add(&headers, STR("DKIM-Signature"),
                    STR(" v=1; a=rsa-sha256; d=example.com; s=s; h=from; bh=AAAA; b=BBBB"));
    header_list_add(&headers, STR("From"), STR(" a@example.com"));
    assert_true(job_write_dkim(&out, &settings, &headers));
    return sb_str(&out);
}

static struct str text_answer(struct arena *a, const char *text)
{
    struct strbuf out;
    const struct dns_rr rr = {.text = str_of(text)};
    const struct dns_answer answer = {.status = DNS_ANSWER, .n = 1, .rr = &rr};
    sb_init(&out, a);
    answer_write(&out, &answer);
    return sb_str(&out);
}

/* ---- nonsense: it ends and does not hang, though our end stays open ---- */

static void assert_gives_up(struct str said, int code)
{
    struct talk talk;
    struct frame frame;
    talk_begin(&talk);
    talk_send(&talk, said);
    while (talk_hear(&talk, &frame))
        assert_int_equal(frame.type, FRAME_QUESTION);
    assert_exit(reap(talk.process.pid), code);
    close(talk.process.fd);
    arena_free(talk.arena);
}

static struct str framed(struct arena *a, enum frame_type type, struct str payload)
{
    char head[FRAME_HEAD];
    struct strbuf out;
    sb_init(&out, a);
    frame_head(head, type, payload.n);
    sb_add(&out, (struct str){head, sizeof head});
    sb_add(&out, payload);
    return sb_str(&out);
}

static struct str joined(struct arena *a, struct str first, struct str second)
{
    struct strbuf out;
    sb_init(&out, a);
    sb_add(&out, first);
    sb_add(&out, second);
    return sb_str(&out);
}

static void nonsense(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    const struct str said[] = {
        STR("GET / HTTP/1.1\r\n\r\n"),
        STR("\xff\xff\xff\xff\x02"),
        STR("\0\0\0\0\0\0\0\0"),
        framed(a, FRAME_RESULT, STR("\0\0\0\0")),
        framed(a, FRAME_HELLO, STR("\0\0\0\1")),
        framed(a, FRAME_BODY, STR("a body without a job\r\n")),
        framed(a, FRAME_BODY_END, STR("")),
        framed(a, FRAME_ANSWER, STR("")),
        framed(a, FRAME_JOB, STR("")),
        framed(a, FRAME_JOB, STR("\x09")),
        framed(a, FRAME_JOB, STR("\0\0\0\0\5ABCDE")),
        joined(a, spf_job(a), spf_job(a)),
        joined(a, spf_job(a), framed(a, FRAME_ANSWER, STR("\x63"))),
        joined(a, spf_job(a), framed(a, FRAME_ANSWER, STR("\0\0\0\0\0\0\xff\xff\xff\xff"))),
        joined(a, dkim_job(a), dkim_job(a)),
        joined(a, dkim_job(a), text_answer(a, "v=DKIM1; p=")),
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        assert_gives_up(said[i], EXIT_PROTOCOL);
    arena_free(a);
}

/* The end of the stream is a reason to end in the middle of a frame or a job, too. */
static void ends_with_the_stream(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    const struct {
        struct str said;
        int code;
    } cases[] = {
        {STR(""), 0},
        {STR("\0\0"), EXIT_PROTOCOL},
        {str_sub(spf_job(a), 0, 20), EXIT_PROTOCOL},
        {dkim_job(a), EXIT_PROTOCOL},
        {spf_job(a), EXIT_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct talk talk;
        talk_begin(&talk);
        talk_send(&talk, cases[i].said);
        shutdown(talk.process.fd, SHUT_WR);
        assert_exit(reap(talk.process.pid), cases[i].code);
        close(talk.process.fd);
        arena_free(talk.arena);
    }
    arena_free(a);
}

/* Jobs with bytes changed: a result, a refusal or the end, in finite time; questions are answered
 * with changed answers. */
static void changed_jobs(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 40; round++) {
        struct talk talk;
        struct frame frame;
        talk_begin(&talk);
        struct str job = round % 2 ? spf_job(talk.arena) : dkim_job(talk.arena);
        char *bytes = arena_copy(talk.arena, job.p, job.n);
        for (int i = 0; i < 1 + round % 5; i++)
            bytes[FRAME_HEAD + (size_t)rand_r(&seed) % (job.n - FRAME_HEAD)] = (char)rand_r(&seed);
        talk_send(&talk, (struct str){bytes, job.n});
        if (!(round % 2))
            talk_send(&talk, framed(talk.arena, FRAME_BODY_END, STR("")));
        bool more = talk_hear(&talk, &frame);
        for (int i = 0; more && frame.type == FRAME_QUESTION && i < 20; i++) {
            struct str text = text_answer(talk.arena, "v=spf1 include:a.example mx -all");
            bytes = arena_copy(talk.arena, text.p, text.n);
            bytes[FRAME_HEAD + (size_t)rand_r(&seed) % (text.n - FRAME_HEAD)] ^= 1;
            talk_send(&talk, (struct str){bytes, text.n});
            more = talk_hear(&talk, &frame);
        }
        talk_end(&talk);
    }
}

/* ---- what it depends on ---- */

/* Starts it with this end of a socket as descriptor 3 and standard error in a pipe, in a process
 * that may not filter system calls. */
static pid_t start_without_seccomp(int socket, int words)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    const struct scmp_arg_cmp by_prctl = {0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter || seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(seccomp), 0) != 0 ||
        seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1, &by_prctl) != 0 ||
        seccomp_load(filter) != 0)
        _exit(99);
    if (dup2(words, STDERR_FILENO) < 0 || dup2(socket, WORKER_SOCKET) < 0)
        _exit(98);
    execl(program, program, (char *)NULL);
    _exit(97);
}

static void needs_seccomp(void **state)
{
    (void)state;
    int pair[2], words[2];
    char text[512] = "";
    if (!has_sandbox)
        skip();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(pipe(words), 0);
    pid_t pid = start_without_seccomp(pair[1], words[1]);
    close(pair[1]);
    close(words[1]);
    wait_readable(pair[0]);
    assert_int_equal(recv(pair[0], text, sizeof text, 0), 0); /* no HELLO */
    assert_exit(reap(pid), EXIT_UNAVAILABLE);
    assert_true(read(words[0], text, sizeof text - 1) > 0);
    assert_non_null(strstr(text, "seccomp"));
    close(pair[0]);
    close(words[0]);
}

struct started {
    pid_t pid;
    int fd;
};

/* In a process of its own: makes the socket, starts the worker, tells of both, and is gone when it
 * may go. */
static _Noreturn void start_and_go(int tell, int go)
{
    struct started worker;
    int pair[2];
    char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        _exit(98);
    worker = (struct started){fork(), pair[0]};
    if (worker.pid == 0) {
        if (dup2(pair[1], WORKER_SOCKET) == WORKER_SOCKET)
            execl(program, program, (char *)NULL);
        _exit(97);
    }
    close(pair[1]);
    bool ok = write(tell, &worker, sizeof worker) == sizeof worker && read(go, &byte, 1) == 1;
    _exit(!ok);
}

/* A process in between starts the worker, and is gone once it serves. The socket stays open. */
static struct started start_by_another(void)
{
    int tell[2], go[2];
    struct started worker;
    assert_int_equal(pipe(tell) | pipe(go), 0);
    pid_t between = fork();
    if (between == 0)
        start_and_go(tell[1], go[0]);
    assert_int_equal(read(tell[0], &worker, sizeof worker), sizeof worker);
    int process = (int)syscall(SYS_pidfd_open, between, 0);
    worker.fd = (int)syscall(SYS_pidfd_getfd, process, worker.fd, 0);
    assert_true(process >= 0 && worker.fd >= 0);
    wait_readable(worker.fd); /* its HELLO */
    assert_int_equal(write(go[1], "", 1), 1);
    assert_exit(reap(between), 0);
    close(process);
    close(tell[0]), close(tell[1]), close(go[0]), close(go[1]);
    return worker;
}

static void dies_with_its_parent(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    struct started worker = start_by_another();
    int status = reap(worker.pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    close(worker.fd);
}

/* Its parent is not who made the socket: it has another one, as when its own died at once. */
static void ends_without_its_parent(void **state)
{
    (void)state;
    int pair[2];
    char byte;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid_t between = fork();
    if (between == 0)
        _exit(WEXITSTATUS(reap(start_with_more(pair[1]))));
    close(pair[1]);
    assert_int_equal(recv(pair[0], &byte, 1, 0), 0); /* no HELLO */
    assert_exit(reap(between), 0);
    close(pair[0]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_confined),
        cmocka_unit_test(has_two_descriptors),
        cmocka_unit_test(nonsense),
        cmocka_unit_test(ends_with_the_stream),
        cmocka_unit_test(changed_jobs),
        cmocka_unit_test(needs_seccomp),
        cmocka_unit_test(dies_with_its_parent),
        cmocka_unit_test(ends_without_its_parent),
    };
    if (argc != 2)
        return 64;
    program = argv[1];
    ask_version();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
