/* inventory.c - every signing key of a configuration, one by one.
 *
 * Errors: a key that cannot be used says why; complaints with file and line for what names keys. */
#include "keys/inventory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/source.h"
#include "keys/keydir.h"
#include "keys/tables.h"

struct inventory {
    const struct conf *conf;
    int64_t now;
    struct arena *arena;
    struct conf_problems *problems;
    struct key_reader reader;
    struct configured_key *keys;
    size_t n, cap;
};

static struct configured_key *add_configured(struct inventory *v)
{
    if (v->n == v->cap) {
        size_t cap = v->cap ? 2 * v->cap : 16;
        v->keys = arena_grow(v->arena, v->keys, v->n * sizeof *v->keys, cap * sizeof *v->keys);
        v->cap = cap;
    }
    v->keys[v->n] = (struct configured_key){.state = "active"};
    return &v->keys[v->n++];
}

static void add_file(struct inventory *v, struct str domain, struct str selector, struct str path)
{
    struct configured_key *k = add_configured(v);
    struct stat st;
    const char *name = str_cstr(v->arena, path);
    k->domain = domain;
    k->selector = selector;
    k->path = path;
    k->since = stat(name, &st) == 0 ? st.st_mtime : 0;
    k->key = key_file_load(name, &v->reader, v->arena, &k->problem);
    if (k->key)
        private_key_defer(v->arena, k->key);
}

static void add_entries(struct inventory *v)
{
    for (size_t i = 0; i < v->conf->n_signing; i++) {
        const struct conf_signing *entry = &v->conf->signing[i];
        for (size_t k = 0; k < entry->n_keys; k++)
            add_file(v, entry->domain, entry->keys[k].selector, entry->keys[k].file);
    }
}

/* Entries with a directory. */
static void add_directories(struct inventory *v)
{
    struct keydirs *dirs = keydirs_load(v->conf, NULL, v->now, v->problems);
    for (size_t d = 0; dirs && d < dirs->n; d++) {
        const struct keydir *dir = &dirs->dirs[d];
        for (size_t i = 0; i < dir->n; i++) {
            struct configured_key *k = add_configured(v);
            k->domain = str_copy(v->arena, dir->domain);
            k->selector = str_copy(v->arena, dir->lives[i].selector);
            k->path = str_copy(v->arena, str_of(dir->keys[i].path));
            k->state = key_state_name(dir->lives[i].life.state);
            k->since = dir->keys[i].saved ? dir->lives[i].life.since : dir->lives[i].mtime;
            k->key = dir->keys[i].key;
            private_key_hold(k->key);
            private_key_defer(v->arena, k->key);
        }
    }
    keydirs_free(dirs);
}

static void add_table(struct inventory *v)
{
    struct table rows;
    struct key_row row;
    struct str path, problem;
    bool patterns;
    if (!v->conf->key_table.p)
        return;
    conf_table_path(v->conf->key_table, &path, &patterns);
    const char *name = str_cstr(v->arena, path);
    struct str text = source_read(v->arena, name);
    if (!text.p) {
        conf_problem(v->problems, conf_place_of(v->conf, "key-table"),
                     "key-table: cannot read %s: %s", name, strerror(errno));
        return;
    }
    table_parse(text, name, v->arena, v->problems, &rows);
    for (size_t i = 0; i < rows.n; i++) {
        if (key_row_parse(rows.rows[i].value, v->arena, &row, &problem))
            add_file(v, row.domain, row.selector, row.path);
        else
            conf_problem(v->problems, (struct conf_place){name, rows.rows[i].line}, "%.*s",
                         STR_ARG(problem));
    }
}

bool inventory_load(const struct conf *conf, int64_t now, struct arena *a,
                    struct conf_problems *problems, struct configured_key **keys, size_t *n)
{
    size_t before = problems->n;
    struct inventory v = {.conf = conf, .now = now, .arena = a, .problems = problems};
    key_reader_init(&v.reader, conf, a);
    add_entries(&v);
    add_directories(&v);
    add_table(&v);
    *keys = v.keys;
    *n = v.n;
    return problems->n == before;
}
