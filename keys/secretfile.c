/* secretfile.c - a file that only its reader may read.
 *
 * Errors: false, and a phrase with the path, what is wrong and the command that repairs it. */
#include "keys/secretfile.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/repair.h"

#define NAMES_BUFFER 16384

const char *user_name(struct arena *a, uid_t uid)
{
    struct passwd entry, *found = NULL;
    char *buffer = arena_alloc(a, NAMES_BUFFER);
    if (getpwuid_r(uid, &entry, buffer, NAMES_BUFFER, &found) == 0 && found)
        return found->pw_name;
    return str_printf(a, "%u", (unsigned)uid).p;
}

/* A file that is looked at, and who is to read it. */
struct look {
    const char *path, *what; /* "key" */
    const struct key_reader *reader;
    struct arena *a;
    struct str *problem;
};

static void describe_secret_file(const struct look *l, const struct stat *st, struct strbuf *b)
{
    sb_printf(b, "owned by %s:%s, mode %04o", user_name(l->a, st->st_uid),
              group_name(l->a, st->st_gid), (unsigned)st->st_mode & 07777);
}

static bool refuse_secret_file(const struct look *l, const struct stat *st, const char *why)
{
    struct strbuf b;
    sb_init(&b, l->a);
    sb_printf(&b, "%s: %s (", l->path, why);
    describe_secret_file(l, st, &b);
    sb_addc(&b, ')');
    repair_key(&b, l->reader, l->path, st);
    *l->problem = sb_str(&b);
    return false;
}

static bool check_permissions(const struct look *l, const struct stat *st)
{
    const struct key_reader *r = l->reader;
    bool anyone = r->lenient || r->uid == 0; /* may root let read it */
    bool group_ok = anyone || st->st_gid == 0 || reader_in_group(r, st->st_gid);
    if (!S_ISREG(st->st_mode)) {
        *l->problem = str_printf(l->a, "%s: is no regular file", l->path);
        return false;
    }
    if (!r->lenient && st->st_uid != 0 && st->st_uid != r->uid)
        return refuse_secret_file(
            l, st,
            str_printf(l->a, "the %s belongs to another user, who can read and replace it", l->what)
                .p);
    if (st->st_mode & 0007)
        return refuse_secret_file(l, st, str_printf(l->a, "others can get at the %s", l->what).p);
    if (st->st_mode & 0030 || (st->st_mode & 0040 && !group_ok))
        return refuse_secret_file(l, st,
                                  str_printf(l->a, "its group can get at the %s", l->what).p);
    return true;
}

/* The reader's rights by the mode bits. */
static bool reader_can(const struct key_reader *r, const struct stat *st, mode_t bits)
{
    unsigned shift = st->st_uid == r->uid ? 6 : reader_in_group(r, st->st_gid) ? 3 : 0;
    return r->uid == 0 || ((st->st_mode >> shift) & bits) == bits;
}

static bool complain_directory(const struct look *l, const char *directory, const struct stat *st)
{
    struct strbuf b;
    sb_init(&b, l->a);
    sb_printf(&b, "%s: user %s may not enter %s (", l->path, l->reader->name, directory);
    describe_secret_file(l, st, &b);
    sb_addc(&b, ')');
    repair_entry(&b, l->reader, directory, st);
    *l->problem = sb_str(&b);
    return false;
}

/* Every directory on the way, symbolic links followed. */
static bool check_directories(const struct look *l)
{
    struct stat st;
    for (const char *slash = l->path; (slash = strchr(slash, '/')); slash++) {
        char *directory = arena_copy(l->a, l->path, (size_t)(slash - l->path));
        const char *name = *directory ? directory : "/";
        if (stat(name, &st) != 0)
            return true; /* no right to look: the one before it was already asked about */
        if (!reader_can(l->reader, &st, 1))
            return complain_directory(l, name, &st);
    }
    return true;
}

/* All that modes and owners tell. False with the problem if the key must not or cannot be used. */
static bool check_rights(const struct look *l, const struct stat *st)
{
    if (!check_directories(l) || !check_permissions(l, st))
        return false;
    if (reader_can(l->reader, st, 4))
        return true;
    return refuse_secret_file(l, st,
                              str_printf(l->a, "user %s may not read it", l->reader->name).p);
}

static bool say_errno(const struct look *l, int problem)
{
    *l->problem = str_printf(l->a, "%s: %s", l->path, strerror(problem));
    return false;
}

static bool read_all(const struct look *l, int fd, struct secret_text *out)
{
    ssize_t got = 1;
    out->n = 0;
    while (out->n < sizeof out->bytes &&
           (got = read(fd, out->bytes + out->n, sizeof out->bytes - out->n)) > 0)
        out->n += (size_t)got;
    if (got < 0)
        return say_errno(l, errno);
    if (out->n == sizeof out->bytes)
        *l->problem = str_printf(l->a, "%s: is larger than any %s", l->path, l->what);
    return out->n < sizeof out->bytes;
}

/* Why the file could not be opened. */
static void explain_secret_file(const struct look *l, int why)
{
    struct stat st;
    say_errno(l, why);
    if (why == EACCES && stat(l->path, &st) == 0)
        check_rights(l, &st);
    else if (why == EACCES)
        check_directories(l);
}

bool secret_file_read(const char *path, const char *what, const struct key_reader *reader,
                      struct arena *a, struct secret_text *out, struct str *problem)
{
    struct look l = {path, what, reader, a, problem};
    struct stat st;
    bool good = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    out->n = 0;
    if (fd < 0) {
        explain_secret_file(&l, errno);
        return false;
    }
    /* What the reader itself has opened it can read, whatever the modes seem to say (ACLs). */
    bool opened_by_reader = reader->uid == geteuid();
    if (fstat(fd, &st) != 0)
        say_errno(&l, errno);
    else if (opened_by_reader ? check_permissions(&l, &st) : check_rights(&l, &st))
        good = read_all(&l, fd, out);
    close(fd);
    return good;
}

void secret_text_wipe(struct secret_text *text)
{
    explicit_bzero(text, sizeof *text);
}
