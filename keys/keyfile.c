/* keyfile.c - who reads private key files, and what they hold; secretfile.c says whether one may be
 * trusted.
 *
 * Errors: NULL, and a phrase with the path, what is wrong and the command that repairs it. */
#include "keys/keyfile.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/repair.h"
#include "keys/secretfile.h"

#define NAMES_BUFFER 16384

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

/* What shows that the file is something else than a key, as far as this process can read it: then a
 * command that would keep others from it is wrong. NULL: nothing does. */
static const char *why_no_key(const char *path, struct secret_text *text)
{
    static const char mark[] = "PRIVATE KEY-----";
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool regular = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    ssize_t got = regular ? read(fd, text->bytes, sizeof text->bytes) : -1;
    if (fd >= 0)
        close(fd);
    if (got < 0)
        return NULL;
    if ((size_t)got == sizeof text->bytes)
        return "is larger than any key";
    return memmem(text->bytes, (size_t)got, mark, strlen(mark))
               ? NULL
               : "it holds no private key in PEM form";
}

struct private_key *key_file_load(const char *path, const struct key_reader *reader,
                                  struct arena *a, struct str *problem)
{
    struct secret_text pem;
    struct private_key *key = NULL;
    const char *other;
    struct str why;
    if (secret_file_read(path, "key", reader, a, &pem, problem)) {
        key = private_key_decode((struct str){pem.bytes, pem.n}, a, &why);
        if (!key)
            *problem = str_printf(a, "%s: %.*s", path, STR_ARG(why));
    } else if ((other = why_no_key(path, &pem))) {
        *problem = str_printf(a, "%s: %s", path, other);
    }
    secret_text_wipe(&pem);
    return key;
}
