/* safefile.c - small files of ours, written so that no reader ever sees half of one.
 *
 * Errors: false, and errno. */
#include "keys/safefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0)
            return false;
        text = str_sub(text, (size_t)n, text.n);
    }
    return fsync(fd) == 0;
}

/* A directory and a name in it. Both are found once: whoever may exchange a directory on the way
 * cannot have one file made, changed or removed in two of them. */
struct place {
    int directory;
    char path[PATH_MAX];
    const char *name; /* in path */
};

static bool place_open(struct place *p, const char *path)
{
    size_t n = strlen(path);
    if (n >= sizeof p->path) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(p->path, path, n + 1);
    char *slash = strrchr(p->path, '/');
    p->name = slash ? slash + 1 : p->path;
    if (slash)
        *slash = '\0';
    const char *directory = !slash ? "." : slash == p->path ? "/" : p->path;
    p->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return p->directory >= 0;
}

/* Keeps errno. */
static void place_close(const struct place *p)
{
    int why = errno;
    close(p->directory);
    errno = why;
}

/* The mode is set on the open file: the umask has no say, and no other mode stands in between. */
static bool create_at(int directory, const char *name, struct str text, mode_t mode,
                      const gid_t *group)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool ok = (!group || fchown(fd, (uid_t)-1, *group) == 0) && fchmod(fd, mode) == 0 &&
              write_all(fd, text);
    int why = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (!ok)
        unlinkat(directory, name, 0);
    errno = why;
    return ok;
}

static bool remove_at(int directory, const char *name)
{
    return unlinkat(directory, name, 0) == 0 || errno == ENOENT;
}

/* Gives the fresh file its name, which must be free. Not every file system knows a rename that
 * replaces nothing; a link never does. False: the fresh file is gone. */
static bool name_at(int directory, const char *fresh, const char *name)
{
    if (renameat2(directory, fresh, directory, name, RENAME_NOREPLACE) == 0)
        return true;
    bool ok = errno == EINVAL && linkat(directory, fresh, directory, name, 0) == 0;
    int why = errno;
    unlinkat(directory, fresh, 0);
    errno = why;
    return ok;
}

/* A name of this process alone: the daemon and a command may write one file at a time. */
static const char *fresh_name(const struct place *p, char *room, size_t size)
{
    snprintf(room, size, "%s.new-%ld", p->name, (long)getpid());
    return room;
}

bool file_create(const char *path, struct str text, mode_t mode, const gid_t *group)
{
    struct place p;
    char room[PATH_MAX + 32];
    if (!place_open(&p, path))
        return false;
    const char *fresh = fresh_name(&p, room, sizeof room);
    bool ok = remove_at(p.directory, fresh) && create_at(p.directory, fresh, text, mode, group) &&
              name_at(p.directory, fresh, p.name);
    place_close(&p);
    return ok;
}

static bool sync_at(int directory, const char *path)
{
    int fd = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

bool directory_sync(const char *path)
{
    return sync_at(AT_FDCWD, path);
}

static bool replace_at(int directory, const char *name, const char *fresh, struct str text,
                       mode_t mode, gid_t group)
{
    if (!remove_at(directory, fresh))
        return false;
    if (!create_at(directory, fresh, text, mode, &group) &&
        (errno != EPERM || !create_at(directory, fresh, text, mode, NULL)))
        return false;
    if (renameat(directory, fresh, directory, name) == 0)
        return sync_at(directory, ".");
    int why = errno;
    unlinkat(directory, fresh, 0);
    errno = why;
    return false;
}

bool file_replace(const char *path, struct str text, mode_t mode, gid_t group)
{
    struct place p;
    char room[PATH_MAX + 32];
    if (!place_open(&p, path))
        return false;
    const char *fresh = fresh_name(&p, room, sizeof room);
    bool ok = replace_at(p.directory, p.name, fresh, text, mode, group);
    place_close(&p);
    return ok;
}
