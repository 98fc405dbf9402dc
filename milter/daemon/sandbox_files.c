/* sandbox_files.c - the files that the daemon may touch from here on (Landlock).
 *
 * What a rule allows, rights of the file system and of the unit still have to allow.
 *
 *   change   the state directory, or where it will be made if it is missing, and key directories;
 *            the directories of sockets and pid file, to remove them at the end
 *   execute  the directory of assay-reference, and the loader of programs
 *   read     the system, but not /home, /root, /boot, /mnt, /media, /proc, /sys and /dev: what is
 * read again by a reload may lie anywhere else. If the configuration has something below one of
 * these at the start, all of that one may be read. listen   nowhere: the sockets are open (Landlock
 * 4) signal   only processes that it has made (Landlock 6)
 *
 * Errors: 0 and a phrase where the kernel has no Landlock; a path that is not there has no rule.
 * A rule that cannot be made is a failure: a daemon that cannot reach its files is worse. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conf/listen.h"
#include "keys/inventory.h"
#include "milter/daemon/sandbox.h"
#include "reference/reference.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Of later kernels than the headers of Debian 12. */
#define FS_TRUNCATE     (1ULL << 14)
#define NET_BIND_TCP    (1ULL << 0)
#define SCOPE_SIGNAL    (1ULL << 1)
#define ABI_WITH_NET    4
#define ABI_WITH_SCOPES 6
#define ABI_REFER       2
#define ABI_TRUNCATE    3

#define READ    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define EXECUTE LANDLOCK_ACCESS_FS_EXECUTE
#define REMOVE  (READ | LANDLOCK_ACCESS_FS_REMOVE_FILE)
/* Files, and databases with what they make beside themselves. */
#define CHANGE                                                                                     \
    (READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                       \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |   \
     FS_TRUNCATE)
/* Everything that a kernel of version 1 can refuse, and what later ones can. */
#define HANDLED_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define FOR_FILES                                                                                  \
    (EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

struct ruleset_attributes {
    uint64_t files, net, scopes;
};

struct rules {
    int fd;
    uint64_t handled;
    int failed; /* errno: a path that is there could not be looked at */
    struct arena *arena;
    uint64_t closed_but_open; /* bits: entries of closed[] that the configuration needs */
};

/* Of the root directory: not read. */
static const char *const closed[] = {"home", "root", "boot", "mnt",       "media",
                                     "proc", "sys",  "dev",  "lost+found"};
#define CLOSED (sizeof closed / sizeof *closed)

static void allow_path(struct rules *r, const char *path, uint64_t access)
{
    struct stat st;
    struct landlock_path_beneath_attr rule = {.allowed_access = access & r->handled};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            r->failed = errno;
        return;
    }
    if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access &= FOR_FILES;
    if (syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
        r->failed = errno;
    close(rule.parent_fd);
}

/* Copied, with an end; empty for a path without a directory. */
static const char *directory_of(const struct rules *r, struct str path)
{
    size_t slash = str_find_last(path, '/');
    return slash < path.n ? str_cstr(r->arena, str_sub(path, 0, slash)) : "";
}

static void allow_directory_of(struct rules *r, struct str path, uint64_t access)
{
    const char *directory = directory_of(r, path);
    if (*directory) /* never the root directory */
        allow_path(r, directory, access);
}

/* --- Reading -----------------------------------------------------------------------------------*/

/* If it lies below a closed directory, that one is open. */
static void need_path(struct rules *r, struct str path)
{
    char real[PATH_MAX];
    if (!path.n || !realpath(str_cstr(r->arena, path), real))
        return;
    for (size_t i = 0; i < CLOSED; i++) {
        size_t n = strlen(closed[i]);
        if (strncmp(real + 1, closed[i], n) == 0 && (real[n + 1] == '/' || !real[n + 1]))
            r->closed_but_open |= 1ULL << i;
    }
}

/* A KeyTable names files; which, only its reader knows. */
static void need_tables(struct rules *r, const struct conf *conf)
{
    struct conf_problems told; /* when the configuration was loaded */
    struct configured_key *keys;
    size_t n;
    if (!conf->key_table.n)
        return;
    conf_problems_init(&told, r->arena);
    need_path(r, conf->key_table);
    need_path(r, str_starts(conf->signing_table, STR("refile:"))
                     ? str_sub(conf->signing_table, 7, conf->signing_table.n)
                     : conf->signing_table);
    inventory_load(conf, 0, r->arena, &told, &keys, &n);
    for (size_t i = 0; i < n; i++)
        need_path(r, keys[i].path);
}

static void need_configuration(struct rules *r, const struct conf *conf)
{
    const struct str files[] = {conf->path,
                                conf->senders_must_match,
                                conf->dns_trust_anchor,
                                conf->dmarc_public_suffix_list,
                                conf->state_dir,
                                conf->srs_secrets};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        need_path(r, files[i]);
    for (size_t i = 0; i < conf->n_list_files; i++)
        need_path(r, str_of(conf->list_files[i].path));
    for (size_t i = 0; i < conf->n_signing; i++) {
        need_path(r, conf->signing[i].directory);
        for (size_t k = 0; k < conf->signing[i].n_keys; k++)
            need_path(r, conf->signing[i].keys[k].file);
    }
    need_tables(r, conf);
}

static bool may_be_read(const struct rules *r, const char *name)
{
    for (size_t i = 0; i < CLOSED; i++)
        if (!strcmp(name, closed[i]))
            return r->closed_but_open >> i & 1;
    return true;
}

static void allow_reading(struct rules *r)
{
    static const char *const devices[] = {"/dev/null", "/dev/urandom", "/dev/random"};
    const struct dirent *entry;
    DIR *root = opendir("/");
    while (root && (entry = readdir(root)))
        if (entry->d_name[0] != '.' && may_be_read(r, entry->d_name))
            allow_path(r, str_cstr(r->arena, str_printf(r->arena, "/%s", entry->d_name)), READ);
    if (root)
        closedir(root);
    else
        r->failed = errno;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        allow_path(r, devices[i], READ | LANDLOCK_ACCESS_FS_WRITE_FILE);
    allow_path(r, SANITIZED ? "/proc" : "/proc/self",
               READ); /* a worker with ASan looks at its own */
    allow_path(r, "/sys/devices/system/cpu", READ);
}

/* --- Changing, executing -----------------------------------------------------------------------*/

/* A domain that a reload adds has its directory beside that of another. */
static void allow_keys(struct rules *r, const struct conf *conf)
{
    allow_path(r, "/etc/assay/keys", CHANGE);
    for (size_t i = 0; i < conf->n_signing; i++) {
        if (!conf->signing[i].directory.n)
            continue;
        allow_path(r, str_cstr(r->arena, conf->signing[i].directory), CHANGE);
        allow_directory_of(r, conf->signing[i].directory, CHANGE);
    }
}

/* Greylisting may be turned on later, and the directory be made only then: it is known by nothing
 * but the one above. */
static void allow_state(struct rules *r, struct str state)
{
    const uint64_t access = CHANGE | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER;
    struct stat st;
    if (state.n && stat(str_cstr(r->arena, state), &st) && errno == ENOENT)
        allow_directory_of(r, state, access);
    else if (state.n)
        allow_path(r, str_cstr(r->arena, state), access);
}

static void allow_removing_socket(struct rules *r, struct str text)
{
    struct listen_address address;
    if (text.n && !listen_problem(text, r->arena, &address) && address.kind == LISTEN_UNIX)
        allow_directory_of(r, address.path, REMOVE);
}

static void allow_removing(struct rules *r, const struct conf *conf)
{
    for (size_t i = 0; i < conf->listen.n; i++)
        allow_removing_socket(r, conf->listen.v[i]);
    allow_removing_socket(r, conf->control);
    allow_removing_socket(r, conf->srs_listen);
    allow_removing_socket(r, conf->policy_service_listen);
    allow_directory_of(r, conf->pid_file, REMOVE);
}

/* A program that is a script is run by another one. */
static void allow_interpreter(struct rules *r, const char *script)
{
    char line[PATH_MAX], real[PATH_MAX], *end;
    int fd = open(script, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    if (fd >= 0)
        close(fd);
    if (n < 3 || line[0] != '#' || line[1] != '!')
        return;
    line[n] = '\0';
    char *begin = line + 2 + strspn(line + 2, " \t");
    end = begin + strcspn(begin, " \t\n");
    *end = '\0';
    if (realpath(begin, real))
        allow_path(r, real, EXECUTE | READ);
}

/* Its directory, for an update puts another file into it; but not one of many programs. */
static void allow_program(struct rules *r, const char *program)
{
    struct str folder = str_sub(str_of(program), 0, str_find_last(str_of(program), '/'));
    if (str_ends_nocase(folder, STR("/bin")) || str_ends_nocase(folder, STR("/sbin")))
        allow_path(r, program, EXECUTE | READ);
    else
        allow_directory_of(r, str_of(program), EXECUTE | READ);
    allow_interpreter(r, program);
}

/* The loader of programs executes, too; it lies among the libraries. */
static void allow_executing(struct rules *r, const struct conf *conf)
{
    char real[PATH_MAX];
    Dl_info loader;
    allow_program(r, reference_find_program(r->arena));
    if (conf->reference_program.n)
        allow_program(r, str_cstr(r->arena, conf->reference_program));
    if (dladdr((const void *)getauxval(AT_BASE), &loader) && realpath(loader.dli_fname, real))
        allow_directory_of(r, str_of(real), EXECUTE | READ);
}

/* --- All of it ---------------------------------------------------------------------------------*/

static uint64_t handled_by(int abi)
{
    uint64_t handled = HANDLED_1;
    if (abi >= ABI_REFER)
        handled |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= ABI_TRUNCATE)
        handled |= FS_TRUNCATE;
    return handled;
}

static bool make_rules(struct rules *r, const struct conf *conf)
{
    need_configuration(r, conf);
    allow_reading(r);
    allow_state(r, conf->state_dir);
    allow_keys(r, conf);
    allow_removing(r, conf);
    allow_executing(r, conf);
    errno = r->failed; /* better no wall than one without its doors */
    return !r->failed && syscall(SYS_landlock_restrict_self, r->fd, 0) == 0;
}

int sandbox_restrict_files(const struct conf *conf, struct arena *a, struct str *problem)
{
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct rules r = {.fd = -1, .arena = a, .handled = handled_by(abi)};
    const struct ruleset_attributes attributes = {
        .files = r.handled,
        .net = abi >= ABI_WITH_NET ? NET_BIND_TCP : 0,
        .scopes = abi >= ABI_WITH_SCOPES && !SANITIZED ? SCOPE_SIGNAL : 0,
    };
    bool restricted = false;
    if (abi > 0)
        r.fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (r.fd >= 0)
        restricted = make_rules(&r, conf);
    if (!restricted)
        *problem = str_printf(a, "%s", strerror(errno));
    if (r.fd >= 0)
        close(r.fd);
    return restricted ? abi : 0;
}
