/* report_folder.c - a folder of pages, and the list of what is ours in it.
 *
 * The folder may belong to somebody else than us, who may be root: names out of the list are
 * checked before they are used, and no symbolic link below the folder is followed.
 *
 * Errors: false, and errno. */
#include "milter/commands/report_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "report/page/frame.h"

#define LIST_MAX   (64U << 20) /* bytes; a longer one is not believed */
#define PAGE_MAX   (64U << 20) /* likewise */
#define HEX_DIGITS 64

static const char temporary[] = ".assay-page.tmp";

/* --- Files -------------------------------------------------------------------------------------*/

static bool write_text(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR)
            return false;
        text = n < 0 ? text : str_sub(text, (size_t)n, text.n);
    }
    return true;
}

/* Whoever reads the file meanwhile reads the old one to its end. */
static bool replace_file(int folder, const char *name, struct str text)
{
    unlinkat(folder, temporary, 0);
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    bool good = write_text(fd, text);
    good &= close(fd) == 0;
    good = good && renameat(folder, temporary, folder, name) == 0;
    int error = errno;
    if (!good)
        unlinkat(folder, temporary, 0);
    errno = error;
    return good;
}

/* The whole of a regular file up to `max` bytes; *out is absent if it is none, or longer. */
static bool read_regular(int fd, size_t max, struct arena *a, struct str *out)
{
    struct stat st;
    *out = STR_NONE;
    if (fstat(fd, &st))
        return false;
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
        return true;
    char *text = arena_alloc(a, (size_t)st.st_size);
    size_t n = 0;
    ssize_t got = 1;
    while (n < (size_t)st.st_size && got > 0) {
        got = pread(fd, text + n, (size_t)st.st_size - n, (off_t)n);
        n += got > 0 ? (size_t)got : 0;
    }
    *out = (struct str){text, n};
    return got >= 0;
}

static struct str hex_digest(struct str text, struct arena *a)
{
    unsigned char digest[HEX_DIGITS / 2];
    struct strbuf b;
    sb_init(&b, a);
    page_digest(text, a, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        sb_printf(&b, "%02x", digest[i]);
    return sb_str(&b);
}

/* The folder within, or the folder itself for an empty name; -1, and errno. */
static int open_within(const struct report_folder *f, struct str folder, bool make)
{
    char *name = str_cstr(f->arena, folder);
    if (folder.n && make && mkdirat(f->fd, name, 0777) && errno != EEXIST)
        return -1;
    return folder.n ? openat(f->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                    : dup(f->fd);
}

/* --- The list ----------------------------------------------------------------------------------*/

static bool is_our_name(struct str name)
{
    bool good = name.n > 0 && name.n <= 250 && name.p[0] != '.';
    for (size_t i = 0; i < name.n && good; i++)
        good =
            ascii_is_alnum(name.p[i]) || name.p[i] == '-' || name.p[i] == '.' || name.p[i] == '_';
    return good;
}

static void split_path(struct str path, struct str *folder, struct str *name)
{
    size_t slash = str_find(path, 0, '/');
    *folder = slash < path.n ? str_sub(path, 0, slash) : STR("");
    *name = slash < path.n ? str_sub(path, slash + 1, path.n) : path;
}

/* "DIGEST  PATH"; false for what we have not written. */
static bool read_entry(struct str line, struct folder_entry *out)
{
    struct str folder, name;
    *out =
        (struct folder_entry){str_sub(line, 0, HEX_DIGITS), str_sub(line, HEX_DIGITS + 2, line.n)};
    split_path(out->path, &folder, &name);
    return line.n > HEX_DIGITS + 2 &&
           str_eq(str_sub(line, HEX_DIGITS, HEX_DIGITS + 2), STR("  ")) &&
           (!folder.n || is_our_name(folder)) && is_our_name(name);
}

static bool read_list(struct report_folder *f)
{
    struct str line, rest;
    size_t cap = 0;
    if (!read_regular(f->list, LIST_MAX, f->arena, &rest))
        return false;
    bool cut = rest.n && rest.p[rest.n - 1] != '\n'; /* a run was killed while it wrote this line */
    while (str_split(&rest, '\n', &line)) {
        struct folder_entry entry;
        if (!read_entry(line, &entry))
            continue;
        f->before = arena_extend(f->arena, f->before, f->n_before, &cap, sizeof *f->before);
        f->before[f->n_before++] = entry;
    }
    return !cut || write_text(f->list, STR("\n"));
}

static void add_line(struct strbuf *b, const struct folder_entry *e)
{
    sb_add(b, e->digest);
    sb_add(b, STR("  "));
    sb_add(b, e->path);
    sb_addc(b, '\n');
}

static bool list_file(struct report_folder *f, const struct folder_entry *e)
{
    struct strbuf b;
    sb_init(&b, f->arena);
    add_line(&b, e);
    f->v = arena_extend(f->arena, f->v, f->n, &f->cap, sizeof *f->v);
    f->v[f->n++] = *e;
    return write_text(f->list, sb_str(&b));
}

/* --- Opening, writing --------------------------------------------------------------------------*/

bool folder_open(struct report_folder *f, const char *name, struct arena *a)
{
    *f = (struct report_folder){.arena = a, .fd = -1, .list = -1};
    if (mkdir(name, 0777) && errno != EEXIST)
        return false;
    f->fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd < 0 || flock(f->fd, LOCK_EX | LOCK_NB))
        return false;
    f->list = openat(f->fd, FOLDER_LIST,
                     O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    return f->list >= 0 && read_list(f);
}

void folder_close(struct report_folder *f)
{
    if (f->list >= 0)
        close(f->list);
    if (f->fd >= 0)
        close(f->fd);
}

bool folder_write(struct report_folder *f, struct str folder, struct str name, struct str text)
{
    const struct folder_entry entry = {
        hex_digest(text, f->arena),
        str_printf(f->arena, "%.*s%s%.*s", STR_ARG(folder), folder.n ? "/" : "", STR_ARG(name))};
    int fd = open_within(f, folder, true);
    bool good = fd >= 0 && list_file(f, &entry) && replace_file(fd, str_cstr(f->arena, name), text);
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return good;
}

/* --- The end -----------------------------------------------------------------------------------*/

static int by_path(const void *a, const void *b)
{
    const struct folder_entry *x = a, *y = b;
    size_t n = x->path.n < y->path.n ? x->path.n : y->path.n;
    int order = memcmp(x->path.p, y->path.p, n);
    return order ? order : (x->path.n > y->path.n) - (x->path.n < y->path.n);
}

/* What is found where the list names a file. */
enum finding { FOUND_OURS, FOUND_OTHER, FOUND_UNKNOWN };

/* Not to be opened: nothing of ours is there, or what is there cannot be looked at now. */
static enum finding finding_of(int error)
{
    bool other = error == ENOENT || error == ENOTDIR || error == ELOOP;
    return other ? FOUND_OTHER : FOUND_UNKNOWN;
}

static enum finding look_at(int folder, const char *name, struct str digest)
{
    struct str text;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return finding_of(errno);
    struct arena *a = arena_new(0);
    enum finding found = !read_regular(fd, PAGE_MAX, a, &text)           ? FOUND_UNKNOWN
                         : text.p && str_eq(hex_digest(text, a), digest) ? FOUND_OURS
                                                                         : FOUND_OTHER;
    close(fd);
    arena_free(a);
    return found;
}

/* False if it is there, is ours, and cannot be removed. What a run was writing when it was killed
 * goes, too: the file that it was to become is listed. */
static bool remove_file(struct report_folder *f, const struct folder_entry *e, enum finding *found)
{
    struct str folder, name;
    split_path(e->path, &folder, &name);
    const char *file = str_cstr(f->arena, name);
    int fd = open_within(f, folder, false);
    *found = fd < 0 ? finding_of(errno) : look_at(fd, file, e->digest);
    if (fd < 0)
        return true;
    bool ours = *found == FOUND_OURS, good = !ours || unlinkat(fd, file, 0) == 0;
    int error = errno;
    bool rest = unlinkat(fd, temporary, 0) == 0;
    close(fd);
    if (folder.n && good && (ours || rest))
        unlinkat(f->fd, str_cstr(f->arena, folder), AT_REMOVEDIR); /* if nothing else is in it */
    errno = error;
    return good;
}

/* Of what is listed only that stays which could not be looked at. */
static bool remove_others(struct report_folder *f, size_t *removed)
{
    size_t n = f->n_before;
    f->n_before = 0;
    if (f->n)
        qsort(f->v, f->n, sizeof *f->v, by_path);
    for (size_t i = 0; i < n; i++) {
        const struct folder_entry *e = &f->before[i];
        enum finding found = FOUND_OTHER;
        bool written = f->n && bsearch(e, f->v, f->n, sizeof *f->v, by_path);
        if (!written && !remove_file(f, e, &found))
            return false;
        *removed += found == FOUND_OURS;
        if (found == FOUND_UNKNOWN)
            f->before[f->n_before++] = *e;
    }
    return true;
}

bool folder_finish(struct report_folder *f, size_t *removed)
{
    struct strbuf b;
    *removed = 0;
    if (!remove_others(f, removed))
        return false;
    sb_init(&b, f->arena);
    for (size_t i = 0; i < f->n_before; i++)
        add_line(&b, &f->before[i]);
    for (size_t i = 0; i < f->n; i++)
        add_line(&b, &f->v[i]);
    return replace_file(f->fd, FOLDER_LIST, sb_str(&b));
}
