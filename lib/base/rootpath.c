/* rootpath.c - may root trust a path?
 *
 * The path is walked from the root directory, one name after the other, by descriptors: what was
 * looked at cannot be exchanged afterwards, and where all of it belongs to root, only root could
 * have done so.
 *
 * Errors: false. */
#include "base/rootpath.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel has it */

struct walk {
    int at;              /* the directory reached */
    char rest[PATH_MAX]; /* the names that are left */
    unsigned links;
    bool open_to_others; /* somebody else may write in the directory reached */
};

static bool reach_path(struct walk *w, int fd, const struct stat *st)
{
    bool writable = (st->st_mode & S_IWOTH) || ((st->st_mode & S_IWGRP) && st->st_gid != 0);
    close(w->at);
    w->at = fd;
    w->open_to_others = writable;
    /* What root has in a sticky directory stays root's. */
    return st->st_uid == 0 && (!writable || (st->st_mode & S_ISVTX));
}

static bool start_at_root(struct walk *w)
{
    struct stat st;
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fstat(fd, &st) == 0 && reach_path(w, fd, &st);
}

/* Takes the first name off the rest; false if there is none. */
static bool next_name(struct walk *w, char name[NAME_MAX + 1])
{
    const char *from = w->rest + strspn(w->rest, "/");
    size_t n = strcspn(from, "/");
    if (n == 0 || n > NAME_MAX)
        return false;
    memcpy(name, from, n);
    name[n] = '\0';
    memmove(w->rest, from + n, strlen(from + n) + 1);
    return true;
}

static bool follow_link(struct walk *w, int link, const struct stat *st)
{
    char target[PATH_MAX], path[PATH_MAX];
    ssize_t n = readlinkat(link, "", target, sizeof target - 1);
    close(link);
    if (n <= 0 || st->st_uid != 0 || ++w->links > LINKS_MAX)
        return false;
    target[n] = '\0';
    int length = snprintf(path, sizeof path, "%s/%s", target, w->rest);
    if (length < 0 || (size_t)length >= sizeof path)
        return false;
    memcpy(w->rest, path, (size_t)length + 1);
    return target[0] != '/' || start_at_root(w);
}

static bool step_into(struct walk *w, const char *name)
{
    struct stat st;
    int fd = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISLNK(st.st_mode))
        return follow_link(w, fd, &st);
    if (S_ISDIR(st.st_mode))
        return reach_path(w, fd, &st);
    close(fd);
    return false;
}

bool only_root_changes(const char *directory)
{
    struct walk w = {.at = -1};
    char name[NAME_MAX + 1];
    size_t n = strlen(directory);
    if (directory[0] != '/' || n >= sizeof w.rest)
        return false;
    memcpy(w.rest, directory, n + 1);
    bool ok = start_at_root(&w);
    while (ok && next_name(&w, name))
        ok = step_into(&w, name);
    close(w.at);
    return ok && !w.open_to_others && w.rest[strspn(w.rest, "/")] == '\0';
}
