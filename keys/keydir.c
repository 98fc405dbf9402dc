/* keydir.c - key directories: a generation is read, with what is known from the one before.
 *
 * Errors: complaints with the path; a key that is wrong is left out or stays as it was. */
#include "keys/keydir.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "conf/source.h"
#include "crypto/canon.h"
#include "keys/keyfiles.h"
#include "keys/repair.h"
#include "keys/statefile.h"

#define PEM            STR(".pem")
#define PATH_SHOWN_MAX 1000

struct loading {
    struct keydirs *dirs;
    struct arena *arena, *scratch;
    const struct keydirs *previous;
    struct conf_problems *problems;
    struct key_files files;
    struct key_file ***wanted; /* of each directory and key; NULL: taken from before */
    int64_t now;
};

struct keydir *keydirs_find(const struct keydirs *dirs, const char *path)
{
    return dirs ? strmap_get(&dirs->by_path, str_of(path)) : NULL;
}

/* --- Names -------------------------------------------------------------------------------------*/

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The names in the directory that end in .pem, sorted. NULL with errno. */
static const char **list_names(const char *path, struct arena *a, size_t *n)
{
    size_t cap = 16;
    const char **names = arena_array(a, const char *, cap);
    DIR *d = opendir(path);
    if (!d)
        return NULL;
    *n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.' || !str_ends_nocase(str_of(e->d_name), PEM))
            continue;
        if (*n == cap) {
            names = arena_grow(a, names, cap * sizeof *names, 2 * cap * sizeof *names);
            cap *= 2;
        }
        names[(*n)++] = arena_copy(a, e->d_name, strlen(e->d_name));
    }
    closedir(d);
    qsort(names, *n, sizeof *names, by_name);
    return names;
}

/* "example.org.s1.pem" in the directory of example.org, or "s1.pem": "s1". */
static bool selector_of(struct arena *a, struct str stem, struct str domain, struct str *selector)
{
    bool has_domain =
        str_starts_nocase(stem, domain) && stem.n > domain.n && stem.p[domain.n] == '.';
    struct str written = has_domain ? str_sub(stem, domain.n + 1, stem.n) : stem;
    return !conf_selector_problem(a, written, selector);
}

/* --- Keys --------------------------------------------------------------------------------------*/

static const struct keydir *dir_before(const struct loading *l, const struct keydir *dir)
{
    const struct keydir *before = keydirs_find(l->previous, dir->path);
    return before && str_eq(before->domain, dir->domain) ? before : NULL;
}

/* The same file in the generation before, or NULL. */
static const struct keydir_key *key_before(const struct keydir *before, const char *path)
{
    for (size_t i = 0; before && i < before->n; i++)
        if (strcmp(before->keys[i].path, path) == 0)
            return &before->keys[i];
    return NULL;
}

/* Changed rights change the ctime. */
static bool same_file(const struct stat *x, const struct stat *y)
{
    return x->st_ino == y->st_ino && x->st_size == y->st_size &&
           x->st_mtim.tv_sec == y->st_mtim.tv_sec && x->st_mtim.tv_nsec == y->st_mtim.tv_nsec &&
           x->st_ctim.tv_sec == y->st_ctim.tv_sec && x->st_ctim.tv_nsec == y->st_ctim.tv_nsec;
}

static void take_key(struct loading *l, struct keydir_key *key, struct private_key *from)
{
    private_key_hold(from);
    key->key = from;
    private_key_defer(l->arena, from);
}

/* Two files that give one selector: s1.pem and example.org.s1.pem. */
static bool is_second(struct loading *l, const struct keydir *dir, struct conf_place place)
{
    for (size_t i = 0; i < dir->n; i++) {
        if (!str_eq(dir->lives[i].selector, dir->lives[dir->n].selector))
            continue;
        conf_problem(l->problems, place, "%s: the selector %.*s is that of %s already",
                     dir->keys[dir->n].path, STR_ARG(dir->lives[i].selector), dir->keys[i].path);
        return true;
    }
    return false;
}

/* What the file system tells of one key. False if it cannot be one, or is gone already; what cannot
 * be looked at is as it was before. */
static bool look_at(struct loading *l, struct keydir *dir, const struct keydir *before,
                    const char *name, struct conf_place place)
{
    struct keydir_key *key = &dir->keys[dir->n];
    struct living_key *life = &dir->lives[dir->n];
    struct str stem = str_sub(str_of(name), 0, strlen(name) - PEM.n), shown;
    key->path = str_printf(l->arena, "%s/%s", dir->path, name).p;
    shown = str_safe(l->scratch, str_of(key->path), PATH_SHOWN_MAX, true);
    key->state_path = str_printf(l->arena, "%s/%.*s.state", dir->path, STR_ARG(stem)).p;
    if (stat(key->path, &key->file) != 0) {
        const struct keydir_key *old = key_before(before, key->path);
        if (errno == ENOENT)
            return false;
        conf_problem(l->problems, place, "%.*s: %s", STR_ARG(shown), strerror(errno));
        if (!old)
            return false;
        key->file = old->file;
    }
    life->mtime = key->file.st_mtime;
    if (selector_of(l->arena, stem, dir->domain, &life->selector))
        return true;
    conf_problem(
        l->problems, place,
        "%.*s: the file is named neither SELECTOR.pem nor DOMAIN.SELECTOR.pem: a selector is "
        "letters, digits and hyphens",
        STR_ARG(shown));
    return false;
}

static bool check_directory(struct loading *l, const struct keydir *dir, struct conf_place place)
{
    struct stat st;
    struct str word = shell_word(l->scratch, str_of(dir->path));
    if (stat(dir->path, &st) != 0)
        conf_problem(l->problems, place, "%s: %s", dir->path, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        conf_problem(l->problems, place, "%s: is no directory", dir->path);
    else if (st.st_mode & 0002)
        conf_problem(l->problems, place,
                     "%s: everybody may put keys there (mode %04o); run: chmod o-w %.*s", dir->path,
                     (unsigned)st.st_mode & 07777, STR_ARG(word));
    else
        return true;
    return false;
}

/* All keys as they were: a directory that cannot be read for a while takes no key out of use. */
static void keep_all(struct loading *l, struct keydir *dir, const struct keydir *before)
{
    dir->keys = arena_array(l->arena, struct keydir_key, before->n);
    dir->lives = arena_array(l->arena, struct living_key, before->n);
    for (size_t i = 0; i < before->n; i++) {
        const struct keydir_key *old = &before->keys[i];
        struct keydir_key *key = &dir->keys[dir->n];
        *key = *old;
        key->path = str_cstr(l->arena, str_of(old->path));
        key->state_path = str_cstr(l->arena, str_of(old->state_path));
        key->fingerprint = str_copy(l->arena, old->fingerprint);
        take_key(l, key, old->key);
        dir->lives[dir->n] = before->lives[i];
        dir->lives[dir->n++].selector = str_copy(l->arena, before->lives[i].selector);
    }
}

/* The names of the files that may be keys. NULL after a complaint. */
static const char **look_into(struct loading *l, const struct keydir *dir, struct conf_place place,
                              size_t *n)
{
    if (!check_directory(l, dir, place))
        return NULL;
    const char **names = list_names(dir->path, l->scratch, n);
    if (!names)
        conf_problem(l->problems, place, "%s: %s", dir->path, strerror(errno));
    return names;
}

/* The key files that are there. Those that are not known from before will be loaded. */
static void scan_directory(struct loading *l, size_t number, struct conf_place place)
{
    size_t n;
    struct keydir *dir = &l->dirs->dirs[number];
    const struct keydir *before = dir_before(l, dir);
    dir->told_unwritable = before && before->told_unwritable;
    const char **names = look_into(l, dir, place, &n);
    if (!names) {
        if (before)
            keep_all(l, dir, before);
        return;
    }
    dir->keys = arena_array(l->arena, struct keydir_key, n);
    dir->lives = arena_array(l->arena, struct living_key, n);
    l->wanted[number] = arena_array(l->scratch, struct key_file *, n);
    for (size_t i = 0; i < n; i++) {
        if (!look_at(l, dir, before, names[i], place) || is_second(l, dir, place))
            continue;
        struct keydir_key *key = &dir->keys[dir->n];
        const struct keydir_key *old = key_before(before, key->path);
        if (old && same_file(&key->file, &old->file))
            take_key(l, key, old->key);
        else
            l->wanted[number][dir->n] = key_files_want(&l->files, str_of(key->path), place);
        dir->n++;
    }
}

/* --- Lives -------------------------------------------------------------------------------------*/

struct str key_fingerprint(const struct private_key *key, struct arena *a)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct str public = private_key_public(key, a);
    if (EVP_Digest(public.p, public.n, digest, &n, EVP_sha256(), NULL) != 1)
        log_fatal("OpenSSL cannot make a SHA-256 digest");
    return base64_encode(a, (struct str){(char *)digest, n});
}

/* A key that was not there before. */
static void begin_life(const struct loading *l, struct living_key *life)
{
    life->life = (struct key_life){.state = KEY_PENDING, .created = l->now, .since = l->now};
}

/* What the state file says. False if it says nothing that counts; then *broken tells whether it is
 * there all the same. */
static bool read_state(struct loading *l, struct keydir_key *key, struct living_key *life,
                       bool *broken)
{
    struct str fingerprint, text = STR_NONE;
    struct stat st;
    unsigned line = 0;
    *broken = false;
    /* To open a FIFO would be to wait for ever. */
    bool odd = stat(key->state_path, &st) == 0 && !S_ISREG(st.st_mode);
    if (!odd)
        text = source_read(l->scratch, key->state_path);
    if (!odd && !text.p && errno == ENOENT)
        return false;
    const char *problem = odd      ? "is no regular file"
                          : text.p ? state_file_parse(text, &life->life, &fingerprint, &line)
                                   : strerror(errno);
    if (!problem) /* a state of another key, which had this name, does not count */
        return (key->saved = str_eq(fingerprint, key->fingerprint));
    conf_problem(l->problems, (struct conf_place){key->state_path, line},
                 "%s; remove the file, and the key begins as pending", problem);
    return !(*broken = true);
}

/* The life of a key: what could not be written before; what its file says; what was known before;
 * a new one. False if the key must not be used. */
static bool find_life(struct loading *l, struct keydir_key *key, struct living_key *life,
                      const struct keydir *before)
{
    bool broken = false;
    const struct keydir_key *old = key_before(before, key->path);
    if (old && !str_eq(old->fingerprint, key->fingerprint))
        old = NULL;
    const struct living_key *known = old ? &before->lives[old - before->keys] : NULL;
    life->type = private_key_type(key->key);
    if ((old && !old->saved) || !read_state(l, key, life, &broken)) {
        if (broken && !known)
            return false;
        if (known)
            life->life = known->life;
        else
            begin_life(l, life);
        key->saved = false;
    }
    if (known)
        life->told = known->told;
    else
        life->told = life->life.state == KEY_PENDING ? RECORD_ABSENT : RECORD_GOOD;
    return true;
}

/* A file that cannot be loaded any more leaves the key that it held before in use. */
static bool finish_key(struct loading *l, struct keydir_key *key, struct living_key *life,
                       const struct keydir *before, const struct key_file *loaded)
{
    const struct keydir_key *old = key_before(before, key->path);
    if (loaded && loaded->key)
        key->key = loaded->key;
    else if (loaded && old)
        take_key(l, key, old->key);
    if (!key->key)
        return false;
    bool same = old && old->key == key->key;
    key->fingerprint =
        same ? str_copy(l->arena, old->fingerprint) : key_fingerprint(key->key, l->arena);
    return find_life(l, key, life, before);
}

static void finish_directory(struct loading *l, size_t number)
{
    struct keydir *dir = &l->dirs->dirs[number];
    const struct keydir *before = dir_before(l, dir);
    size_t n = 0;
    if (!l->wanted[number]) /* all was kept */
        return;
    for (size_t i = 0; i < dir->n; i++) {
        struct keydir_key key = dir->keys[i];
        struct living_key life = dir->lives[i];
        if (!finish_key(l, &key, &life, before, l->wanted[number][i]))
            continue;
        dir->keys[n] = key;
        dir->lives[n++] = life;
    }
    dir->n = n;
}

/* --- Generations -------------------------------------------------------------------------------*/

static void load_all(struct loading *l, const struct conf *conf)
{
    struct key_reader reader;
    key_reader_init(&reader, conf, l->scratch);
    key_files_init(&l->files, l->arena);
    for (size_t i = 0; i < conf->n_signing; i++) {
        const struct conf_signing *entry = &conf->signing[i];
        if (!entry->directory.p)
            continue;
        struct keydir *dir = &l->dirs->dirs[l->dirs->n];
        dir->domain = str_copy(l->arena, entry->domain);
        dir->path = str_cstr(l->arena, entry->directory);
        *strmap_put(&l->dirs->by_path, str_of(dir->path)) = dir;
        scan_directory(l, l->dirs->n++, entry->place);
    }
    key_files_load(&l->files, &reader, l->problems);
    for (size_t i = 0; i < l->dirs->n; i++)
        finish_directory(l, i);
}

static size_t count_directories(const struct conf *conf)
{
    size_t n = 0;
    for (size_t i = 0; i < conf->n_signing; i++)
        n += conf->signing[i].directory.p != NULL;
    return n;
}

struct keydirs *keydirs_load(const struct conf *conf, const struct keydirs *previous, int64_t now,
                             struct conf_problems *problems)
{
    size_t n = count_directories(conf);
    if (n == 0)
        return NULL;
    struct arena *arena = arena_new(0);
    struct loading l = {.arena = arena,
                        .scratch = arena_new(0),
                        .dirs = arena_make(arena, struct keydirs),
                        .previous = previous,
                        .problems = problems,
                        .now = now};
    l.dirs->arena = arena;
    l.dirs->dirs = arena_array(arena, struct keydir, n);
    strmap_init(&l.dirs->by_path, arena);
    l.wanted = arena_array(l.scratch, struct key_file **, n);
    load_all(&l, conf);
    arena_free(l.scratch);
    return l.dirs;
}

void keydirs_free(struct keydirs *dirs)
{
    if (dirs)
        arena_free(dirs->arena);
}

static bool is_signer(const struct keydirs *dirs, const struct keydir *of, size_t key)
{
    const struct keydir *dir = keydirs_find(dirs, of->path);
    for (size_t i = 0; dir && str_eq(dir->domain, of->domain) && i < dir->n; i++)
        if (dir->lives[i].life.state == KEY_ACTIVE &&
            str_eq(dir->lives[i].selector, of->lives[key].selector) &&
            str_eq(dir->keys[i].fingerprint, of->keys[key].fingerprint))
            return true;
    return false;
}

static bool signers_among(const struct keydirs *x, const struct keydirs *y)
{
    for (size_t d = 0; d < x->n; d++)
        for (size_t i = 0; i < x->dirs[d].n; i++)
            if (x->dirs[d].lives[i].life.state == KEY_ACTIVE && !is_signer(y, &x->dirs[d], i))
                return false;
    return true;
}

bool keydirs_same_signers(const struct keydirs *x, const struct keydirs *y)
{
    if (!x || !y)
        return x == y;
    return signers_among(x, y) && signers_among(y, x);
}
