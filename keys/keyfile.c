/* keyfile.c - one private key file: may it be trusted, can it be read, does it hold a key.
 *
 * Errors: NULL, and a phrase with the path, what is wrong and the command that repairs it. */
#include "keys/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/repair.h"

/* The largest key that crypto accepts has a quarter of this as PEM. */
#define PEM_MAX 32768

#define NAMES_BUFFER 16384

static const char *user_name(struct arena *a, uid_t uid)
{
    struct passwd entry, *found = NULL;
    char *buffer = arena_alloc(a, NAMES_BUFFER);
    if (getpwuid_r(uid, &entry, buffer, NAMES_BUFFER, &found) == 0 && found)
        return found->pw_name;
    return str_printf(a, "%u", (unsigned)uid).p;
}

static void reader_is_user(struct key_reader *reader, const struct passwd *user, struct arena *a)
{
    int n = 0;
    getgrouplist(user->pw_name, user->pw_gid, NULL, &n);
    reader->uid = user->pw_uid;
    reader->groups = arena_array(a, gid_t, (size_t)n);
    getgrouplist(user->pw_name, user->pw_gid, reader->groups, &n);
    reader->n_groups = (size_t)n;
}

static void reader_is_process(struct key_reader *reader, struct arena *a)
{
    int n = getgroups(0, NULL);
    size_t room = n > 0 ? (size_t)n : 0;
    reader->uid = geteuid();
    reader->groups = arena_array(a, gid_t, room + 1);
    reader->groups[0] = getegid();
    n = room ? getgroups(n, reader->groups + 1) : 0;
    reader->n_groups = 1 + (n > 0 ? (size_t)n : 0);
}

/* Names for people; the process itself where no other user is known. */
static void name_reader(struct key_reader *reader, struct arena *a)
{
    reader->name = user_name(a, reader->uid);
    reader->group_name = group_name(a, reader->groups[0]);
}

void key_reader_self(struct key_reader *reader, struct arena *a)
{
    *reader = (struct key_reader){.lenient = true, .instead = "run this as root"};
    reader_is_process(reader, a);
    name_reader(reader, a);
}

void key_reader_init(struct key_reader *reader, const struct conf *conf, struct arena *a)
{
    struct passwd entry, *user = NULL;
    char *buffer = arena_alloc(a, NAMES_BUFFER);
    bool root = geteuid() == 0;
    if (conf->user.p)
        getpwnam_r(conf->user.p, &entry, buffer, NAMES_BUFFER, &user);
    *reader = (struct key_reader){0};
    if (user && root)
        reader_is_user(reader, user, a);
    else
        reader_is_process(reader, a);
    bool unknown = root ? !user : conf->user.p && (!user || user->pw_uid != geteuid());
    reader->lenient = unknown;
    if (unknown || !conf->user.p)
        reader->instead = conf->user.p ? "run this as root"
                                       : "set user in the configuration, and run this as root";
    name_reader(reader, a);
}

/* A file that is looked at, and who is to read it. */
struct look {
    const char *path;
    const struct key_reader *reader;
    struct arena *a;
    struct str *problem;
};

static void describe(const struct look *l, const struct stat *st, struct strbuf *b)
{
    sb_printf(b, "owned by %s:%s, mode %04o", user_name(l->a, st->st_uid),
              group_name(l->a, st->st_gid), (unsigned)st->st_mode & 07777);
}

static bool refuse(const struct look *l, const struct stat *st, const char *why)
{
    struct strbuf b;
    sb_init(&b, l->a);
    sb_printf(&b, "%s: %s (", l->path, why);
    describe(l, st, &b);
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
        return refuse(l, st, "the key belongs to another user, who can read and replace it");
    if (st->st_mode & 0007)
        return refuse(l, st, "others can get at the key");
    if (st->st_mode & 0030 || (st->st_mode & 0040 && !group_ok))
        return refuse(l, st, "its group can get at the key");
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
    describe(l, st, &b);
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
    return refuse(l, st, str_printf(l->a, "user %s may not read it", l->reader->name).p);
}

static bool say_errno(const struct look *l, int problem)
{
    *l->problem = str_printf(l->a, "%s: %s", l->path, strerror(problem));
    return false;
}

static bool read_pem(const struct look *l, int fd, char *pem, size_t *used)
{
    ssize_t got = 1;
    *used = 0;
    while (*used < PEM_MAX && (got = read(fd, pem + *used, PEM_MAX - *used)) > 0)
        *used += (size_t)got;
    if (got < 0)
        return say_errno(l, errno);
    if (*used == PEM_MAX)
        *l->problem = str_printf(l->a, "%s: is larger than any key", l->path);
    return *used < PEM_MAX;
}

static struct private_key *decode(const struct look *l, int fd)
{
    char pem[PEM_MAX];
    size_t n;
    struct private_key *key = NULL;
    struct str why;
    if (read_pem(l, fd, pem, &n)) {
        key = private_key_decode((struct str){pem, n}, l->a, &why);
        if (!key)
            *l->problem = str_printf(l->a, "%s: %.*s", l->path, STR_ARG(why));
    }
    explicit_bzero(pem, sizeof pem);
    return key;
}

/* Why the file could not be opened. */
static void explain(const struct look *l, int why)
{
    struct stat st;
    say_errno(l, why);
    if (why == EACCES && stat(l->path, &st) == 0)
        check_rights(l, &st);
    else if (why == EACCES)
        check_directories(l);
}

struct private_key *key_file_load(const char *path, const struct key_reader *reader,
                                  struct arena *a, struct str *problem)
{
    struct look l = {.path = path, .reader = reader, .a = a, .problem = problem};
    struct stat st;
    struct private_key *key = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        explain(&l, errno);
        return NULL;
    }
    /* What the reader itself has opened it can read, whatever the modes seem to say (ACLs). */
    bool opened_by_reader = reader->uid == geteuid();
    if (fstat(fd, &st) != 0)
        say_errno(&l, errno);
    else if (opened_by_reader ? check_permissions(&l, &st) : check_rights(&l, &st))
        key = decode(&l, fd);
    close(fd);
    return key;
}
