/* reference_rig.h - what the tests of lib/reference share: a folder with a worker program, a pool,
 * an asker, and eyes for what is left behind. */
#ifndef ASSAY_TESTS_UNIT_REFERENCE_RIG_H
#define ASSAY_TESTS_UNIT_REFERENCE_RIG_H

#include "test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "reference/reference.h"

#define LATE_US 5000000 /* what a loaded machine and sanitizers may add to a time */

struct rig {
    struct arena *arena;
    struct str folder;
    struct reference *reference;
    struct dns_asker asker;
    struct spf_request request;
    struct spf_outcome out;
    struct reference_report report;
    size_t descriptors; /* open before the pool was */
};

static inline size_t count_descriptors(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* The n-th (from 0) child of ours, or 0. */
static inline pid_t child(unsigned n)
{
    pid_t found = 0;
    DIR *dir = opendir("/proc");
    assert_non_null(dir);
    for (struct dirent *e; !found && (e = readdir(dir));) {
        char path[300], text[512] = "";
        int parent = 0;
        snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
        FILE *f = fopen(path, "r");
        if (!f)
            continue;
        size_t got = fread(text, 1, sizeof text - 1, f);
        fclose(f);
        const char *behind = got ? strrchr(text, ')') : NULL;
        if (behind && sscanf(behind, ") %*c %d", &parent) == 1 && parent == getpid() && n-- == 0)
            found = (pid_t)atoi(e->d_name);
    }
    closedir(dir);
    return found;
}

/* Kills a child that was found; 0 would be our own process group. */
static inline void kill_child(pid_t pid)
{
    if (pid > 0)
        kill(pid, SIGKILL);
}

/* A process that ended and stays: the keeper has time to hear of it. */
static inline bool has_zombie(void)
{
    siginfo_t info = {.si_pid = 1};
    for (int64_t began = clock_us(); info.si_pid && clock_us() - began < LATE_US; usleep(1000)) {
        info.si_pid = 0;
        waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
    }
    return info.si_pid != 0;
}

/* A folder of its own for a hard link to the worker, so that its name says how it greets. */
static inline const char *program_as(struct rig *r, const char *name)
{
    struct str path = str_printf(r->arena, "%.*s/%s", STR_ARG(r->folder), name);
    unlink(path.p);
    assert_int_equal(link(getenv("ASSAY_IMPOSTOR"), path.p), 0);
    return path.p;
}

static inline struct rig rig_open(const char *zone)
{
    struct rig r = {.arena = arena_new(0)};
    struct str problem = STR("");
    if (!getenv("ASSAY_IMPOSTOR"))
        fail_msg("ASSAY_IMPOSTOR has to name the worker that misbehaves");
    r.folder = str_printf(r.arena, "%s.XXXXXX", getenv("ASSAY_IMPOSTOR"));
    assert_non_null(mkdtemp((char *)(uintptr_t)r.folder.p));
    r.asker = (struct dns_asker){.arena = r.arena, .patience_us = 60000000};
    r.asker.dns = dns_open_zone(str_of(zone), r.arena, &problem);
    assert_non_null(r.asker.dns);
    r.request = (struct spf_request){.helo = STR("mail.example.org"),
                                     .domain = STR("example.org"),
                                     .receiver = STR("mx.example.net"),
                                     .limits = spf_limits_default};
    assert_true(netaddr_parse(STR("192.0.2.1"), &r.request.client));
    r.descriptors = count_descriptors();
    return r;
}

static inline bool rig_start(struct rig *r, const char *program, unsigned workers, int64_t limit_ms,
                             struct str *problem)
{
    const struct reference_settings settings = {program, workers, limit_ms};
    *problem = STR("");
    r->reference = reference_open(&settings, r->arena, problem);
    return r->reference != NULL;
}

static inline void rig_close(struct rig *r)
{
    struct dns *dns = r->asker.dns;
    if (r->reference)
        reference_close(r->reference);
    assert_int_equal(child(0), 0);
    assert_int_equal(count_descriptors(), r->descriptors);
    struct str command = str_printf(r->arena, "rm -r '%.*s'", STR_ARG(r->folder));
    assert_int_equal(system(command.p), 0);
    arena_free(r->arena);
    dns_close(dns);
}

/* Asks with this local part, which tells the worker what to do; *us: how long it took. */
static inline const char *rig_ask(struct rig *r, const char *mode, int64_t *us)
{
    int64_t began = clock_us();
    r->request.local = str_of(mode);
    r->report = reference_spf(r->reference, &r->request, &r->asker, &r->out);
    if (us)
        *us = clock_us() - began;
    return reference_status_name(r->report.status);
}

/* Starts of the program so far. */
static inline size_t rig_starts(struct rig *r)
{
    struct stat st;
    struct str file = str_printf(r->arena, "%.*s/starts", STR_ARG(r->folder));
    return stat(file.p, &st) == 0 ? (size_t)st.st_size : 0;
}

#endif
