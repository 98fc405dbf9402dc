/* report_files.c - started by root, a process of its own keeps root's rights and writes the files
 * that it gets through a pipe: the daemon's user may have none in the directory. Names are made of
 * what stands in its database, so the writer lets none lead out of the directory, and puts a file
 * of its own in place of whatever has the name.
 *
 * Errors: false; the writer has told why on standard error. */
#include "milter/commands/report_files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ascii.h"

#define NAME_BYTES 250
#define TEXT_BYTES (256U << 20) /* beyond reports.size-limit */

struct report_files {
    int directory; /* -1: the writer has it */
    int pipe;      /* to it; -1: there is none */
    pid_t writer;
    bool failed;
};

/* What goes through the pipe before name and text. */
struct head {
    uint32_t name;
    uint64_t text;
};

static bool write_all(int fd, struct str s)
{
    while (s.n) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        s = str_sub(s, (size_t)n, s.n);
    }
    return true;
}

static bool is_plain_name(struct str name)
{
    bool good = name.n > 0 && name.n <= NAME_BYTES && name.p[0] != '.';
    for (size_t i = 0; i < name.n && good; i++)
        good =
            ascii_is_alnum(name.p[i]) || name.p[i] == '-' || name.p[i] == '.' || name.p[i] == '_';
    return good;
}

static bool write_new(int directory, const char *name, struct str text)
{
    if (unlinkat(directory, name, 0) && errno != ENOENT)
        return false;
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    bool good = fd >= 0 && write_all(fd, text);
    return (fd < 0 || close(fd) == 0) && good;
}

static bool write_file(int directory, struct str name, struct str text)
{
    struct arena *a = arena_new(0);
    bool plain = is_plain_name(name);
    bool good = plain && write_new(directory, str_cstr(a, name), text);
    if (!good)
        fprintf(stderr, "%.*s: %s\n", STR_ARG(str_safe(a, name, NAME_BYTES, true)),
                plain ? strerror(errno) : "is no name for a file: it comes from rows.db");
    arena_free(a);
    return good;
}

/* --- The writer --------------------------------------------------------------------------------*/

static bool read_all(int fd, void *to, size_t n)
{
    char *p = to;
    while (n) {
        ssize_t got = read(fd, p, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static _Noreturn void write_what_comes(int fd, int directory)
{
    struct head head;
    bool good = true;
    struct arena *a = arena_new(0);
    while (good && read_all(fd, &head, sizeof head)) {
        arena_reset(a);
        good = head.name <= NAME_BYTES && head.text <= TEXT_BYTES;
        if (!good)
            break;
        char *name = arena_alloc(a, head.name + 1), *text = arena_alloc(a, head.text + 1);
        good = read_all(fd, name, head.name) && read_all(fd, text, head.text) &&
               write_file(directory, (struct str){name, head.name}, (struct str){text, head.text});
    }
    _exit(good ? 0 : 1);
}

static bool start_writer(struct report_files *f)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return false;
    f->writer = fork();
    if (f->writer == 0) {
        close(ends[1]);
        write_what_comes(ends[0], f->directory);
    }
    close(ends[0]);
    close(f->directory);
    f->directory = -1;
    f->pipe = ends[1];
    signal(SIGPIPE, SIG_IGN);
    return f->writer > 0;
}

/* --- The command's side ------------------------------------------------------------------------*/

struct report_files *report_files_open(const char *directory, struct arena *a, struct str *problem)
{
    struct report_files *f = arena_make(a, struct report_files);
    *f = (struct report_files){.pipe = -1};
    if (mkdir(directory, 0755) == 0 || errno == EEXIST)
        f->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    else
        f->directory = -1;
    if (f->directory >= 0 && (geteuid() != 0 || start_writer(f)))
        return f;
    *problem = str_printf(a, "%s: %s", directory, strerror(errno));
    return NULL;
}

static bool hand_to_writer(struct report_files *f, struct str name, struct str text)
{
    const struct head head = {.name = (uint32_t)name.n, .text = text.n};
    return write_all(f->pipe, (struct str){(const char *)&head, sizeof head}) &&
           write_all(f->pipe, name) && write_all(f->pipe, text);
}

bool report_files_write(struct report_files *f, struct str name, struct str text)
{
    bool good = f->pipe >= 0 ? hand_to_writer(f, name, text) : write_file(f->directory, name, text);
    f->failed = f->failed || !good;
    return good;
}

bool report_files_close(struct report_files *f)
{
    int status = 0;
    if (!f)
        return true;
    if (f->pipe < 0) {
        close(f->directory);
        return !f->failed;
    }
    close(f->pipe);
    while (waitpid(f->writer, &status, 0) < 0 && errno == EINTR)
        ;
    return !f->failed && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
