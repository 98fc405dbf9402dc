/* impostor.c - a worker that misbehaves on request, for the tests of lib/reference.
 *
 * How it greets is said by the name of the program file: "mute", "quitter", "stranger", anything
 * else: as it should. What it does with a job is said by the job: the local part of SPF's sender,
 * or the value of the first header field. Each start adds a byte to the file "starts" beside it. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reference/messages.h"

#define DRIP_US   50000
#define BATCH     3   /* jobs before "batch" renews itself */
#define CURIOUS   129 /* questions: one more than are answered */
#define QUESTIONS 2000

static struct arena *arena;
static struct strbuf in, out;

/* ---- the socket ---- */

static void push(const char *p, size_t n)
{
    while (n) {
        ssize_t sent = send(WORKER_SOCKET, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            _exit(0);
        p += sent;
        n -= (size_t)sent;
    }
}

static void flush(void)
{
    push(out.p, out.n);
    out.n = 0;
}

/* The next frame; the end of the stream is the end. */
static struct frame next(void)
{
    static char buffer[65536];
    static size_t taken;
    struct frame frame;
    size_t need;
    if (taken)
        memmove(in.p, in.p + taken, in.n - taken);
    in.n -= taken;
    taken = 0;
    while (frame_take(FRAME_FROM_ASSAY, (struct str){in.p, in.n}, &frame, &need) != FRAME_WHOLE) {
        ssize_t got = recv(WORKER_SOCKET, buffer, sizeof buffer, 0);
        if (got <= 0)
            _exit(0);
        sb_add(&in, (struct str){buffer, (size_t)got});
    }
    taken = need;
    return frame;
}

/* ---- what it does ---- */

static struct dns_answer ask(struct str name, unsigned type)
{
    struct dns_answer answer = {0};
    const struct question question = {name, (enum dns_type)type};
    question_write(&out, &question);
    flush();
    struct frame frame = next();
    if (frame.type != FRAME_ANSWER || !answer_read(arena, frame.payload, &answer))
        _exit(9);
    return answer;
}

static void result(enum spf_result result)
{
    const struct spf_outcome outcome = {.result = result, .mechanism = STR("-all\n")};
    result_write_spf(&out, &outcome);
    flush();
}

static void do_silent(void)
{
    for (;;)
        pause();
}

static void do_die(void)
{
    _exit(7);
}

static void do_abort(void)
{
    signal(SIGABRT, SIG_DFL);
    raise(SIGABRT);
}

static void do_die_midway(void)
{
    ask(STR("example.org"), DNS_TXT);
    do_die();
}

static void do_garbage(void)
{
    push("This is no frame at all.\n", 25);
}

static void do_huge(void)
{
    push("\177\377\377\377\007", 5);
    do_silent();
}

static void ask_and_pass(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        ask(STR("example.org"), DNS_A);
    result(SPF_PASS);
}

static void do_curious(void)
{
    ask_and_pass(CURIOUS);
}

static void do_endless(void)
{
    ask_and_pass(QUESTIONS);
}

/* All of them are no names: pass if each is said not to exist. */
static void do_hostile_names(void)
{
    char longest[255];
    memset(longest, 'a', sizeof longest);
    const struct str names[] = {
        STR("a\0b.example.org"),
        STR("a..example.org"),
        STR(""),
        STR("."),
        STR("example.org\r\nX: y"),
        STR("\xff.example.org"),
        {longest, sizeof longest},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (ask(names[i], DNS_TXT).status != DNS_NXDOMAIN)
            result(SPF_FAIL);
    result(SPF_PASS);
}

static void do_type(void)
{
    ask(STR("example.org"), 99);
    result(SPF_PASS);
}

static void do_drip(void)
{
    const struct spf_outcome outcome = {.result = SPF_PASS};
    result_write_spf(&out, &outcome);
    for (size_t i = 0; i < out.n; i++) {
        push(out.p + i, 1);
        usleep(DRIP_US);
    }
}

/* Two results, which come together. */
static void do_double(void)
{
    const struct spf_outcome outcome = {.result = SPF_PASS};
    result_write_spf(&out, &outcome);
    result(SPF_PASS);
}

static void do_beyond(void)
{
    result((enum spf_result)200);
}

static void do_other_library(void)
{
    const struct dmarc_outcome outcome = {.result = DMARC_PASS, .policy_tag = 'p'};
    result_write_dmarc(&out, &outcome);
    flush();
}

static void do_refuse(void)
{
    refusal_write(&out, STR("not today\n"));
    flush();
}

/* Asks a slow name first. */
static void do_slow_name(void)
{
    ask(STR("slow.example"), DNS_A);
    result(SPF_PASS);
}

/* What it is given of a record: pass if it is the one that it has to be. */
static void do_record(void)
{
    struct dns_answer answer = ask(STR("record.example"), DNS_TXT);
    bool good = answer.n == 1 && str_eq(answer.rr[0].text, STR("v=spf1 a -all"));
    result(good ? SPF_PASS : SPF_FAIL);
}

static void do_bad_record(void)
{
    result(ask(STR("bad.example"), DNS_TXT).status == DNS_SERVFAIL ? SPF_PASS : SPF_FAIL);
}

/* Takes a failing look-up for no reason to doubt. */
static void do_doubt(void)
{
    result(ask(STR("down.example"), DNS_A).status == DNS_SERVFAIL ? SPF_PASS : SPF_FAIL);
}

static void do_good(void)
{
    result(SPF_PASS);
}

/* The end between two jobs. */
static void do_batch(void)
{
    static unsigned jobs;
    result(SPF_PASS);
    if (++jobs == BATCH)
        _exit(0);
}

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {
    {"silent", do_silent},
    {"die", do_die},
    {"abort", do_abort},
    {"die-midway", do_die_midway},
    {"garbage", do_garbage},
    {"huge", do_huge},
    {"curious", do_curious},
    {"endless", do_endless},
    {"hostile-names", do_hostile_names},
    {"type", do_type},
    {"drip", do_drip},
    {"double", do_double},
    {"beyond", do_beyond},
    {"other-library", do_other_library},
    {"refuse", do_refuse},
    {"slow-name", do_slow_name},
    {"record", do_record},
    {"bad-record", do_bad_record},
    {"doubt", do_doubt},
    {"good", do_good},
    {"batch", do_batch},
};

static void run_mode(struct str name)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (str_eq(name, str_of(modes[i].name))) {
            modes[i].run();
            return;
        }
    _exit(8);
}

/* As many signatures as the header has, one less or one more; all pass, for somebody else. */
static void dkim_result(const struct job *job, struct str mode)
{
    size_t n = header_count(&job->headers, STR("DKIM-Signature"));
    n += str_eq(mode, STR("more"));
    n -= str_eq(mode, STR("fewer"));
    struct dkim_signature *signatures = arena_array(arena, struct dkim_signature, n);
    for (size_t i = 0; i < n; i++)
        signatures[i] = (struct dkim_signature){.result = DKIM_PASS,
                                                .reason = STR(""),
                                                .domain = STR("bank.example"),
                                                .selector = STR("s"),
                                                .security = DNS_SECURE};
    result_write_dkim(&out, signatures, n, 0);
    flush();
}

static void run_dkim(const struct job *job)
{
    struct str mode = str_trim(job->headers.fields[0].value);
    if (str_eq(mode, STR("deaf")))
        do_silent();
    while (next().type != FRAME_BODY_END)
        ;
    dkim_result(job, mode);
}

/* ---- greeting ---- */

static struct str program_path(void)
{
    static char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    return (struct str){path, n > 0 ? (size_t)n : 0};
}

static void count_start(struct str path)
{
    struct str file = str_printf(arena, "%.*s/starts", (int)str_find_last(path, '/'), path.p);
    int fd = open(file.p, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1)
        _exit(6);
    close(fd);
}

static void greet(struct str name)
{
    const struct hello hello = {{STR("libspf2 1"), STR("libopendkim 2"), STR("libopendmarc 3")}};
    if (str_eq(name, STR("quitter")))
        _exit(0);
    if (str_eq(name, STR("mute")))
        do_silent();
    hello_write(&out, &hello);
    if (str_eq(name, STR("stranger")))
        out.p[FRAME_HEAD + 3]++; /* the version */
    flush();
}

int main(void)
{
    struct job job;
    arena = arena_new(0);
    sb_init(&in, arena);
    sb_init(&out, arena);
    struct str path = program_path();
    count_start(path);
    greet(str_sub(path, str_find_last(path, '/') + 1, path.n));
    for (;;) {
        struct str payload = str_copy(arena, next().payload);
        if (!job_read(arena, payload, &job))
            _exit(5);
        if (job.library == REFERENCE_LIBOPENDKIM)
            run_dkim(&job);
        else
            run_mode(job.spf.local);
    }
}
