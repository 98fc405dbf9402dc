/* keyset.c - the signing keys of a configuration: loaded, checked, found by author.
 *
 * Errors: complaints with file and line when loading; no key when looking up. */
#include "keys/keyset.h"

#include "keys/keyfile.h"
#include "keys/signingtable.h"
#include "keys/strmap.h"
#include "mail/domain.h"

/* An entry of `signing`. */
struct entry {
    bool subdomains;
    size_t n;
    struct dkim_signing_key *keys;
};

struct loaded_keys {
    struct key_set set; /* first: what others see */
    struct arena *arena;
    struct strmap domains; /* struct entry */
    const struct signing_table *table;
};

/* Many domains may share one file: each file is opened once, and complained of once. */
struct load {
    struct arena *arena, *scratch;
    struct conf_problems *problems;
    struct key_reader reader;
    struct strmap files; /* struct file */
};

struct file {
    struct private_key *key; /* NULL: it could not be loaded, and that was said */
};

static void release(void *key)
{
    private_key_release(key);
}

static struct private_key *load_file(void *context, struct str path, struct conf_place place)
{
    struct load *l = context;
    struct str problem;
    void **slot = strmap_put(&l->files, path);
    if (*slot)
        return ((struct file *)*slot)->key;
    struct file *file = arena_make(l->scratch, struct file);
    *slot = file;
    file->key = key_file_load(str_cstr(l->scratch, path), &l->reader, l->scratch, &problem);
    if (file->key)
        arena_defer(l->arena, release, file->key);
    else
        conf_problem(l->problems, place, "%.*s", STR_ARG(problem));
    return file->key;
}

static void load_entry(struct load *l, const struct conf_signing *signing, struct entry *entry)
{
    struct str domain = str_copy(l->arena, signing->domain);
    entry->subdomains = signing->subdomains;
    entry->keys = arena_array(l->arena, struct dkim_signing_key, signing->n_keys);
    for (size_t i = 0; i < signing->n_keys; i++) {
        const struct conf_signing_key *from = &signing->keys[i];
        struct private_key *key = load_file(l, from->file, from->place);
        if (key)
            entry->keys[entry->n++] = (struct dkim_signing_key){
                .domain = domain, .selector = str_copy(l->arena, from->selector), .key = key};
    }
    signing_keys_sort(entry->keys, entry->n);
}

static const struct entry *find_entry(const struct loaded_keys *keys, struct str domain)
{
    const struct entry *entry = strmap_get(&keys->domains, domain);
    for (size_t dot = str_find(domain, 0, '.'); !entry && dot < domain.n;
         dot = str_find(domain, dot + 1, '.')) {
        entry = strmap_get(&keys->domains, str_sub(domain, dot + 1, domain.n));
        if (entry && !entry->subdomains)
            entry = NULL;
    }
    return entry;
}

static size_t find(const struct key_set *set, const struct mailbox *author, struct arena *a,
                   const struct dkim_signing_key **found)
{
    const struct loaded_keys *keys = (const struct loaded_keys *)set;
    const struct entry *entry = author->domain_ok ? find_entry(keys, author->domain) : NULL;
    if (entry) {
        *found = entry->keys;
        return entry->n;
    }
    return author->domain_ok && keys->table ? signing_table_find(keys->table, author, a, found) : 0;
}

static struct loaded_keys *load_keys(const struct conf *conf, struct conf_problems *problems,
                                     struct arena *arena, struct arena *scratch)
{
    struct loaded_keys *keys = arena_make(arena, struct loaded_keys);
    struct load l = {.arena = arena, .scratch = scratch, .problems = problems};
    const struct key_loader loader = {.load = load_file, .context = &l};
    keys->arena = arena;
    keys->set.find = find;
    key_reader_init(&l.reader, conf, scratch);
    strmap_init(&l.files, scratch);
    strmap_init(&keys->domains, arena);
    for (size_t i = 0; i < conf->n_signing; i++) {
        struct entry *entry = arena_make(arena, struct entry);
        load_entry(&l, &conf->signing[i], entry);
        *strmap_put(&keys->domains, str_copy(arena, conf->signing[i].domain)) = entry;
    }
    keys->table = signing_table_load(conf, arena, &loader, problems);
    return keys;
}

bool key_set_load(const struct conf *conf, struct conf_problems *problems, struct key_set **keys)
{
    size_t before = problems->n;
    *keys = NULL;
    if (conf->n_signing == 0 && !conf->key_table.p)
        return true;
    struct arena *arena = arena_new(0), *scratch = arena_new(0);
    struct loaded_keys *loaded = load_keys(conf, problems, arena, scratch);
    arena_free(scratch);
    if (problems->n > before) {
        arena_free(arena);
        return false;
    }
    *keys = &loaded->set;
    return true;
}

void key_set_free(struct key_set *keys)
{
    if (keys)
        arena_free(((struct loaded_keys *)keys)->arena);
}
