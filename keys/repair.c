/* repair.c - the command that gives a key or its directory to its reader.
 *
 * Root will copy the command. So there is none for what others than root can put in place: the
 * daemon's user, taken over, would have a link there, and root would give it what the link leads
 * to.
 *
 * Errors: none. */
#include "keys/repair.h"

#include <grp.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/rootpath.h"

#define NAMES_BUFFER 16384
#define LINKS_MAX    40 /* as the kernel has it */

bool reader_in_group(const struct key_reader *reader, gid_t gid)
{
    for (size_t i = 0; i < reader->n_groups; i++)
        if (reader->groups[i] == gid)
            return true;
    return false;
}

const char *group_name(struct arena *a, gid_t gid)
{
    struct group entry, *found = NULL;
    char *buffer = arena_alloc(a, NAMES_BUFFER);
    if (getgrgid_r(gid, &entry, buffer, NAMES_BUFFER, &found) == 0 && found)
        return found->gr_name;
    return str_printf(a, "%u", (unsigned)gid).p;
}

struct str shell_word(struct arena *a, struct str word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./=+,:@%";
    struct strbuf b;
    size_t i = 0;
    while (i < word.n && word.p[i] && strchr(plain, word.p[i]))
        i++;
    if (word.n && i == word.n)
        return word;
    sb_init(&b, a);
    sb_addc(&b, '\'');
    for (i = 0; i < word.n; i++)
        sb_add(&b, word.p[i] == '\'' ? STR("'\\''") : str_sub(word, i, i + 1));
    sb_addc(&b, '\'');
    return sb_str(&b);
}

/* True if what the path names stays it until root has changed its rights. A link of root's may lead
 * to where others can exchange the file, and so may what that leads to. */
static bool root_keeps(struct arena *a, const char *path)
{
    char target[PATH_MAX];
    for (int links = 0; links < LINKS_MAX; links++) {
        size_t slash = str_find_last(str_of(path), '/');
        const char *directory = slash ? str_printf(a, "%.*s", (int)slash, path).p : "/";
        if (!only_root_changes(directory))
            return false;
        ssize_t n = readlink(path, target, sizeof target);
        if (n < 0)
            return true;
        path = target[0] == '/' ? str_printf(a, "%.*s", (int)n, target).p
                                : str_printf(a, "%s/%.*s", directory, (int)n, target).p;
    }
    return false;
}

static void repair_by_hand(struct strbuf *b, const struct key_reader *r, const char *wanted)
{
    sb_printf(b,
              "; others than root can exchange it, so look at what it is before root changes its "
              "rights; wanted are group %s and %s",
              r->group_name, wanted);
}

/* True if others than the reader and root have rights as the group: another program, perhaps. */
static bool group_is_others(const struct key_reader *r, const struct stat *st)
{
    return st->st_mode & 0070 && st->st_gid != 0 && !reader_in_group(r, st->st_gid);
}

/* Whom the key is for is not known: only rights that nobody may have are taken away. */
static void repair_unknown(struct strbuf *b, const struct key_reader *r, struct str path,
                           const struct stat *st)
{
    bool too_open = st->st_mode & 0037, own = st->st_uid == geteuid() || geteuid() == 0;
    if (too_open && own)
        sb_printf(b, "; run: chmod g-wx,o-rwx %.*s", STR_ARG(path));
    else
        sb_printf(b, "; %s", r->instead);
}

/* Root's or the reader's key in a group that is another's. */
static void repair_shared(struct strbuf *b, const struct key_reader *r, struct str path,
                          const struct stat *st)
{
    const char *group = group_name(b->arena, st->st_gid);
    sb_printf(b, "; if group %s is to read it too, run as root: usermod -aG %s %s", group, group,
              r->name);
    if (st->st_mode & 0037)
        sb_printf(b, " && chmod 0640 %.*s", STR_ARG(path));
    sb_add(b, STR(", and restart assay; if not: "));
    if (st->st_uid == r->uid)
        sb_printf(b, "chmod 0600 %.*s", STR_ARG(path));
    else
        sb_printf(b, "chgrp %s %.*s && chmod 0640 %.*s", r->group_name, STR_ARG(path),
                  STR_ARG(path));
}

/* Another user's key. */
static void repair_foreign(struct strbuf *b, const struct key_reader *r, struct str path)
{
    const char *colon = r->uid ? ":" : "", *group = r->uid ? r->group_name : "";
    sb_printf(b,
              "; if only %s is to use it, run as root: chown root%s%s %.*s && chmod %s %.*s; else "
              "give %s a copy of its own",
              r->name, colon, group, STR_ARG(path), r->uid ? "0640" : "0600", STR_ARG(path),
              r->name);
}

void repair_key(struct strbuf *b, const struct key_reader *r, const char *path,
                const struct stat *st)
{
    struct str word = shell_word(b->arena, str_of(path));
    bool own = st->st_uid == r->uid, shared = r->uid != 0 && group_is_others(r, st);
    if (r->instead)
        repair_unknown(b, r, word, st);
    else if (r->uid != 0 && (!own || shared) && !root_keeps(b->arena, path))
        repair_by_hand(b, r, "mode 0640");
    else if (st->st_uid != 0 && !own)
        repair_foreign(b, r, word);
    else if (shared)
        repair_shared(b, r, word, st);
    else if (own)
        sb_printf(b, "; run: chmod %04o %.*s", 0600 | (unsigned)(st->st_mode & 0040),
                  STR_ARG(word));
    else if (reader_in_group(r, st->st_gid))
        sb_printf(b, "; run as root: chmod 0640 %.*s", STR_ARG(word));
    else
        sb_printf(b, "; run as root: chown root:%s %.*s && chmod 0640 %.*s", r->group_name,
                  STR_ARG(word), STR_ARG(word));
}

/* "/root", "/home": their modes have other reasons. */
static bool is_at_the_top(const char *directory)
{
    return !strchr(directory + 1, '/');
}

void repair_entry(struct strbuf *b, const struct key_reader *r, const char *directory,
                  const struct stat *st)
{
    static const char elsewhere[] = "into a directory that it may enter, such as /etc/assay/keys";
    struct str word = shell_word(b->arena, str_of(directory));
    const char *group = group_name(b->arena, st->st_gid);
    if (r->instead)
        sb_printf(b, "; %s", r->instead);
    else if (st->st_uid != 0 || is_at_the_top(directory))
        sb_printf(b, "; put the file %s", elsewhere);
    else if (!root_keeps(b->arena, directory))
        repair_by_hand(b, r, "g+x");
    else if (group_is_others(r, st))
        sb_printf(b,
                  "; if %s is to share the keys of group %s, run as root: usermod -aG %s %s, and "
                  "restart assay; else put a copy %s",
                  r->name, group, group, r->name, elsewhere);
    else if (reader_in_group(r, st->st_gid))
        sb_printf(b, "; run as root: chmod g+x %.*s", STR_ARG(word));
    else
        sb_printf(b, "; run as root: chgrp %s %.*s && chmod g+x %.*s", r->group_name, STR_ARG(word),
                  STR_ARG(word));
}

void repair_writing(struct strbuf *b, const struct key_reader *r, const char *directory,
                    const struct stat *st)
{
    struct str word = shell_word(b->arena, str_of(directory));
    if (r->instead)
        sb_printf(b, "; %s", r->instead);
    else if (st->st_uid == r->uid)
        sb_printf(b, "; run: chmod u+rwx %.*s", STR_ARG(word));
    else if (group_is_others(r, st) || st->st_uid != 0)
        sb_printf(b, "; it belongs to others: give %s a directory of its own", r->name);
    else if (!root_keeps(b->arena, directory))
        repair_by_hand(b, r, "g+rwx");
    else if (reader_in_group(r, st->st_gid))
        sb_printf(b, "; run as root: chmod g+rwx %.*s", STR_ARG(word));
    else
        sb_printf(b, "; run as root: chgrp %s %.*s && chmod g+rwx %.*s", r->group_name,
                  STR_ARG(word), STR_ARG(word));
}
