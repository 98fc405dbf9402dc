/* safefile.c - small files of ours, written so that nobody ever reads a half of one.
 *
 * Errors: false, and errno. */
#include "keys/safefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

/* The mode is set on the open file: the umask has no say, and nobody reads in between. */
bool file_create(const char *path, struct str text, mode_t mode, const gid_t *group)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
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
        unlink(path);
    errno = why;
    return ok;
}

bool directory_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

bool file_replace(struct arena *a, const char *path, struct str text, mode_t mode, gid_t group)
{
    struct str whole = str_of(path);
    /* A name of this process alone: the daemon and a command may write one file at a time. */
    const char *fresh = str_printf(a, "%s.new-%ld", path, (long)getpid()).p;
    const char *directory = str_cstr(a, str_sub(whole, 0, str_find_last(whole, '/')));
    if (unlink(fresh) != 0 && errno != ENOENT)
        return false;
    if (!file_create(fresh, text, mode, &group) &&
        (errno != EPERM || !file_create(fresh, text, mode, NULL)))
        return false;
    if (rename(fresh, path) == 0)
        return directory_sync(*directory ? directory : "/");
    int why = errno;
    unlink(fresh);
    errno = why;
    return false;
}
