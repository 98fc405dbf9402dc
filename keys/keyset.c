/* keyset.c - the signing keys of a configuration: loaded, checked, found by author.
 *
 * Errors: complaints with file and line when loading; no key when looking up. */
#include "keys/keyset.h"

#include "keys/keyfiles.h"
#include "keys/signingtable.h"
#include "keys/strmap.h"

/* An entry of `signing`. */
struct entry {
    bool subdomains;
    size_t n;
    struct dkim_signing_key *keys; /* in signing order */
    struct key_file **files;       /* of the keys, in the order of the configuration */
};

struct loaded_keys {
    struct key_set set; /* first: what others see */
    struct arena *arena;
    struct strmap domains; /* struct entry */
    struct signing_table *table;
};

static void read_entries(struct loaded_keys *keys, const struct conf *conf, struct key_files *files)
{
    struct arena *a = keys->arena;
    strmap_init(&keys->domains, a);
    for (size_t i = 0; i < conf->n_signing; i++) {
        const struct conf_signing *from = &conf->signing[i];
        struct entry *entry = arena_make(a, struct entry);
        entry->subdomains = from->subdomains;
        entry->n = from->n_keys;
        entry->files = arena_array(a, struct key_file *, from->n_keys);
        for (size_t k = 0; k < from->n_keys; k++)
            entry->files[k] = key_files_want(files, from->keys[k].file, from->keys[k].place);
        *strmap_put(&keys->domains, str_copy(a, from->domain)) = entry;
    }
}

/* With all keys there. */
static void finish_entries(struct loaded_keys *keys, const struct conf *conf)
{
    struct arena *a = keys->arena;
    for (size_t i = 0; i < conf->n_signing; i++) {
        const struct conf_signing *from = &conf->signing[i];
        struct entry *entry = strmap_get(&keys->domains, from->domain);
        struct str domain = str_copy(a, from->domain);
        entry->keys = arena_array(a, struct dkim_signing_key, entry->n);
        for (size_t k = 0; k < entry->n; k++)
            entry->keys[k] =
                (struct dkim_signing_key){.domain = domain,
                                          .selector = str_copy(a, from->keys[k].selector),
                                          .key = entry->files[k]->key};
        signing_keys_sort(entry->keys, entry->n);
    }
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
    if (!author->domain_ok)
        return 0;
    const struct entry *entry = find_entry(keys, author->domain);
    if (!entry)
        return keys->table ? signing_table_find(keys->table, author, a, found) : 0;
    *found = entry->keys;
    return entry->n;
}

static bool load(struct loaded_keys *keys, const struct conf *conf, struct conf_problems *problems,
                 struct arena *scratch)
{
    size_t before = problems->n;
    struct key_reader reader;
    struct key_files files;
    key_reader_init(&reader, conf, scratch);
    key_files_init(&files, keys->arena);
    read_entries(keys, conf, &files);
    keys->table = signing_table_read(conf, keys->arena, &files, problems);
    key_files_load(&files, &reader, problems);
    if (problems->n > before)
        return false;
    finish_entries(keys, conf);
    if (keys->table)
        signing_table_finish(keys->table, keys->arena);
    return true;
}

bool key_set_load(const struct conf *conf, struct conf_problems *problems, struct key_set **keys)
{
    *keys = NULL;
    if (conf->n_signing == 0 && !conf->key_table.p)
        return true;
    struct arena *arena = arena_new(0), *scratch = arena_new(0);
    struct loaded_keys *loaded = arena_make(arena, struct loaded_keys);
    loaded->arena = arena;
    loaded->set.find = find;
    bool ok = load(loaded, conf, problems, scratch);
    arena_free(scratch);
    if (ok)
        *keys = &loaded->set;
    else
        arena_free(arena);
    return ok;
}

void key_set_free(struct key_set *keys)
{
    if (keys)
        arena_free(((struct loaded_keys *)keys)->arena);
}
