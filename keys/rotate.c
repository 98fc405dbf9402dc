/* rotate.c - a new key for a key directory.
 *
 * Errors: false and a phrase; then no file is left. */
#include "keys/rotate.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keys/keyfile.h"
#include "keys/statefile.h"

#define LETTERS 26

/* True if a file of the directory is or was of this selector: with any text before and
 * behind it. */
static bool is_used(struct str name, struct str domain, struct str selector)
{
    if (str_starts_nocase(name, domain) && domain.n < name.n && name.p[domain.n] == '.')
        name = str_sub(name, domain.n + 1, name.n);
    return str_starts_nocase(name, selector) && (name.n == selector.n || name.p[selector.n] == '.');
}

static bool is_in_directory(const char *path, struct str domain, struct str selector)
{
    bool found = false;
    DIR *d = opendir(path);
    if (!d)
        return false; /* making the key will fail and say why */
    for (struct dirent *e; !found && (e = readdir(d));)
        found = is_used(str_of(e->d_name), domain, selector);
    closedir(d);
    return found;
}

/* The record's name belongs to one key, in whatever entry it stands. */
static bool is_free(const struct conf *conf, struct str domain, struct str selector,
                    struct arena *a)
{
    for (size_t i = 0; i < conf->n_signing; i++) {
        const struct conf_signing *entry = &conf->signing[i];
        if (!str_eq(entry->domain, domain))
            continue;
        for (size_t k = 0; k < entry->n_keys; k++)
            if (str_eq(entry->keys[k].selector, selector))
                return false;
        if (entry->directory.p && is_in_directory(str_cstr(a, entry->directory), domain, selector))
            return false;
    }
    return true;
}

/* "2026-11a" to "2026-11z", then "2026-11aa" to "2026-11zz". */
static bool new_selector(const struct conf *conf, struct str domain, int64_t now, struct arena *a,
                         struct str *selector)
{
    time_t t = (time_t)now;
    struct tm tm;
    gmtime_r(&t, &tm);
    for (int i = 0; i < LETTERS + LETTERS * LETTERS; i++) {
        char letters[3] = {0};
        int last = i < LETTERS ? i : (i - LETTERS) % LETTERS;
        letters[0] = (char)('a' + (i < LETTERS ? last : (i - LETTERS) / LETTERS));
        letters[1] = i < LETTERS ? '\0' : (char)('a' + last);
        *selector = str_printf(a, "%04d-%02d%s", tm.tm_year + 1900, tm.tm_mon + 1, letters);
        if (is_free(conf, domain, *selector, a))
            return true;
    }
    return false;
}

/* Where root makes the key of a daemon that is not root: the daemon's group reads it. A daemon that
 * another program makes its user (systemd) is known by the directory alone. */
static void choose_group(const struct conf *conf, const struct stat *directory,
                         struct keygen_request *r, struct arena *a)
{
    struct key_reader reader;
    key_reader_init(&reader, conf, a);
    r->group = reader.uid != 0 ? reader.groups[0] : directory->st_gid;
    r->give_group = geteuid() == 0 && r->group != 0;
}

/* The first life of the key, beside it. */
static bool begin_life(const struct generated_key *key, const char *path, const struct conf *conf,
                       int64_t now, struct arena *a, struct str *problem)
{
    struct keydir dir = {.domain = key->domain, .path = path, .n = 1};
    struct keydir_key file = {.path = key->key_path.p};
    struct living_key life = {
        .selector = key->selector,
        .life = {.state = KEY_PENDING, .created = now, .since = now},
    };
    struct key_reader reader;
    key_reader_init(&reader, conf, a);
    dir.keys = &file;
    dir.lives = &life;
    file.key = key_file_load(file.path, &reader, a, problem);
    if (!file.key)
        return false;
    struct str stem = str_sub(key->key_path, 0, key->key_path.n - strlen(".pem"));
    file.state_path = str_printf(a, "%.*s.state", STR_ARG(stem)).p;
    file.fingerprint = key_fingerprint(file.key, a);
    private_key_release(file.key);
    if (stat(file.path, &file.file) == 0)
        return keydir_save(&dir, &reader, a, problem);
    *problem = str_printf(a, "%s: %s", file.path, strerror(errno));
    return false;
}

bool key_rotate(const struct conf *conf, const struct conf_signing *entry, enum key_type type,
                unsigned bits, int64_t now, struct arena *a, struct generated_key *out,
                struct str *problem)
{
    struct stat st;
    const char *path = str_cstr(a, entry->directory);
    struct keygen_request r = {
        .domain = entry->domain, .type = type, .bits = bits, .directory = str_of(path)};
    if (stat(path, &st) != 0) {
        *problem = str_printf(a, "%s: %s", path, strerror(errno));
        return false;
    }
    if (!new_selector(conf, r.domain, now, a, &r.selector)) {
        *problem = STR("all selectors of this month are used");
        return false;
    }
    choose_group(conf, &st, &r, a);
    if (!key_generate(&r, a, out, problem))
        return false;
    if (begin_life(out, path, conf, now, a, problem))
        return true;
    key_discard(out);
    return false;
}
