/* keyset.c - the signing keys of a configuration: loaded, checked, found by author.
 *
 * Errors: complaints with file and line when loading; no key when looking up. */
#include "keys/keyset.h"

#include <time.h>

#include "base/strmap.h"
#include "keys/keyfiles.h"
#include "keys/signingtable.h"
#include "mail/pattern.h"

/* An entry of `signing`. */
struct entry {
    bool subdomains;
    bool for_senders; /* else for all of the domain */
    size_t n_patterns;
    struct str *patterns; /* of senders: those with an asterisk */
    struct strmap exact;  /* the others */
    struct dkim_sign_settings settings;
    bool has_directory;
    size_t directory; /* its place among the key directories */
    size_t n;
    struct dkim_signing_key *keys; /* that can be used, in signing order */
    struct key_file **files;       /* of all, in the order of the configuration */
    struct entry *next; /* of the same domain: those with senders, then the one without */
};

/* What no life cycle changes: shared by the sets of one configuration, counted by the one thread
 * that makes and frees them. */
struct fixed_keys {
    unsigned users;
    struct arena *arena;
    struct entry *entries;
    struct strmap domains; /* the first struct entry of each */
    struct signing_table *table;
    struct dkim_sign_settings settings; /* of the table's keys */
};

/* The active keys of a directory, in signing order. */
struct active_keys {
    size_t n;
    struct dkim_signing_key *keys;
};

struct loaded_keys {
    struct key_set set; /* first: what others see */
    struct arena *arena;
    struct fixed_keys *fixed;
    struct active_keys *directories; /* in the order of the configuration */
};

/* dkim.h takes NULL for its defaults; an empty list means no field. */
static const struct str *copy_list(struct arena *a, const struct conf_strings *list, size_t *n)
{
    *n = list->n;
    if (!list->set)
        return NULL;
    struct str *copy = arena_array(a, struct str, list->n + 1);
    for (size_t i = 0; i < list->n; i++)
        copy[i] = str_copy(a, list->v[i]);
    return copy;
}

static struct dkim_sign_settings settings_of(struct arena *a, const struct conf_sign_form *form)
{
    struct dkim_sign_settings s = {
        .header_canon = form->header_canonicalization,
        .body_canon = form->body_canonicalization,
        .lifetime_s = form->signature_lifetime / 1000,
    };
    s.sign_headers = copy_list(a, &form->sign_headers, &s.n_sign_headers);
    s.oversign_headers = copy_list(a, &form->oversign_headers, &s.n_oversign_headers);
    return s;
}

static void read_senders(struct arena *a, const struct conf_strings *from, struct entry *entry)
{
    entry->for_senders = from->set;
    entry->patterns = arena_array(a, struct str, from->n);
    if (from->set)
        strmap_init(&entry->exact, a);
    for (size_t i = 0; i < from->n; i++) {
        struct str sender = str_copy(a, from->v[i]);
        if (str_find(sender, 0, '*') < sender.n)
            entry->patterns[entry->n_patterns++] = sender;
        else
            *strmap_put(&entry->exact, sender) = entry;
    }
}

static void read_entry(struct fixed_keys *keys, const struct conf_signing *from,
                       struct key_files *files, struct entry *entry)
{
    struct arena *a = keys->arena;
    entry->subdomains = from->subdomains;
    entry->settings = settings_of(a, &from->form);
    read_senders(a, &from->senders, entry);
    entry->has_directory = from->directory.p != NULL;
    entry->files = arena_array(a, struct key_file *, from->n_keys);
    for (size_t k = 0; k < from->n_keys; k++)
        entry->files[k] = key_files_want(files, from->keys[k].file, from->keys[k].place);
}

/* The order of asking: as in the file, and the entry without senders last. */
static void link_entry(struct fixed_keys *keys, struct str domain, struct entry *entry)
{
    struct entry *first = strmap_get(&keys->domains, domain), **link = &first;
    while (*link && (*link)->for_senders)
        link = &(*link)->next;
    entry->next = *link;
    *link = entry;
    *strmap_put(&keys->domains, str_copy(keys->arena, domain)) = first;
}

static void read_entries(struct fixed_keys *keys, const struct conf *conf, struct key_files *files)
{
    size_t directories = 0;
    strmap_init(&keys->domains, keys->arena);
    keys->entries = arena_array(keys->arena, struct entry, conf->n_signing);
    for (size_t i = 0; i < conf->n_signing; i++) {
        struct entry *entry = &keys->entries[i];
        read_entry(keys, &conf->signing[i], files, entry);
        entry->directory = entry->has_directory ? directories++ : 0;
        link_entry(keys, conf->signing[i].domain, entry);
    }
}

/* With the keys that are there. */
static void finish_entries(struct fixed_keys *keys, const struct conf *conf)
{
    struct arena *a = keys->arena;
    for (size_t i = 0; i < conf->n_signing; i++) {
        const struct conf_signing *from = &conf->signing[i];
        struct entry *entry = &keys->entries[i];
        struct str domain = str_copy(a, from->domain);
        entry->keys = arena_array(a, struct dkim_signing_key, from->n_keys);
        for (size_t k = 0; k < from->n_keys; k++)
            if (entry->files[k]->key)
                entry->keys[entry->n++] =
                    (struct dkim_signing_key){.domain = domain,
                                              .selector = str_copy(a, from->keys[k].selector),
                                              .key = entry->files[k]->key};
        signing_keys_sort(entry->keys, entry->n);
    }
}

static void add_directory(struct loaded_keys *keys, const struct keydir *dir,
                          struct active_keys *active)
{
    struct arena *a = keys->arena;
    struct str domain = str_copy(a, dir->domain);
    active->keys = arena_array(a, struct dkim_signing_key, dir->n);
    for (size_t i = 0; i < dir->n; i++) {
        if (dir->lives[i].life.state != KEY_ACTIVE)
            continue;
        struct private_key *key = dir->keys[i].key;
        private_key_hold(key);
        private_key_defer(a, key);
        active->keys[active->n++] = (struct dkim_signing_key){
            .domain = domain, .selector = str_copy(a, dir->lives[i].selector), .key = key};
    }
    signing_keys_sort(active->keys, active->n);
}

static bool is_sender(const struct entry *entry, struct str address)
{
    for (size_t i = 0; i < entry->n_patterns; i++)
        if (pattern_match(entry->patterns[i], address))
            return true;
    return strmap_get(&entry->exact, address);
}

/* Among the entries of one domain. An entry with senders says itself which authors below the domain
 * it is for. */
static const struct entry *first_match(const struct entry *entry, struct str address, bool below,
                                       struct signing_choice *choice)
{
    for (; entry; entry = entry->next) {
        if (entry->for_senders ? is_sender(entry, address) : !below || entry->subdomains)
            return entry;
        if (entry->for_senders && !below)
            choice->not_a_sender = true;
    }
    return NULL;
}

/* The author's domain, then those above it. */
static const struct entry *find_entry(const struct fixed_keys *keys, struct str domain,
                                      struct str address, struct signing_choice *choice)
{
    const struct entry *entry =
        first_match(strmap_get(&keys->domains, domain), address, false, choice);
    for (size_t dot = str_find(domain, 0, '.'); !entry && dot < domain.n;
         dot = str_find(domain, dot + 1, '.'))
        entry = first_match(strmap_get(&keys->domains, str_sub(domain, dot + 1, domain.n)), address,
                            true, choice);
    return entry;
}

static void find_signers(const struct key_set *set, const struct mailbox *author, struct arena *a,
                         struct signing_choice *choice)
{
    const struct loaded_keys *keys = (const struct loaded_keys *)set;
    const struct fixed_keys *fixed = keys->fixed;
    if (!author->domain_ok)
        return;
    const struct entry *entry =
        find_entry(fixed, author->domain, pattern_subject(a, author), choice);
    if (entry) {
        bool lives = entry->has_directory;
        choice->n = lives ? keys->directories[entry->directory].n : entry->n;
        choice->keys = lives ? keys->directories[entry->directory].keys : entry->keys;
        choice->settings = &entry->settings;
        choice->not_a_sender = false;
    } else if (fixed->table) {
        choice->n = signing_table_find(fixed->table, author, a, &choice->keys);
        choice->settings = &fixed->settings;
    }
}

static bool load_file_keys(struct fixed_keys *keys, const struct conf *conf,
                           struct conf_problems *problems, struct conf_problems *left_out,
                           struct arena *scratch)
{
    size_t before = problems->n;
    struct key_reader reader;
    struct key_files files;
    key_reader_init(&reader, conf, scratch);
    key_files_init(&files, keys->arena);
    read_entries(keys, conf, &files);
    struct conf_sign_form form = conf_sign_form(conf);
    keys->settings = settings_of(keys->arena, &form);
    keys->table = signing_table_read(conf, keys->arena, &files, problems);
    key_files_load(&files, &reader, left_out ? left_out : problems);
    if (problems->n > before)
        return false;
    finish_entries(keys, conf);
    if (keys->table)
        signing_table_finish(keys->table, keys->arena);
    return true;
}

static void fixed_release(struct fixed_keys *fixed)
{
    if (--fixed->users == 0)
        arena_free(fixed->arena);
}

/* NULL after complaints. */
static struct fixed_keys *fixed_load(const struct conf *conf, struct conf_problems *problems,
                                     struct conf_problems *left_out)
{
    struct arena *arena = arena_new(0), *scratch = arena_new(0);
    struct fixed_keys *fixed = arena_make(arena, struct fixed_keys);
    fixed->arena = arena;
    fixed->users = 1;
    bool ok = load_file_keys(fixed, conf, problems, left_out, scratch);
    arena_free(scratch);
    if (ok)
        return fixed;
    fixed_release(fixed);
    return NULL;
}

/* Takes over the caller's reference. */
static struct key_set *make_set(struct fixed_keys *fixed, const struct keydirs *dirs)
{
    struct arena *arena = arena_new(0);
    struct loaded_keys *keys = arena_make(arena, struct loaded_keys);
    keys->arena = arena;
    keys->set.find = find_signers;
    keys->fixed = fixed;
    keys->directories = arena_array(arena, struct active_keys, dirs ? dirs->n : 0);
    for (size_t i = 0; dirs && i < dirs->n; i++)
        add_directory(keys, &dirs->dirs[i], &keys->directories[i]);
    return &keys->set;
}

/* As key_set_load_dirs(); told are the problems of directories that do not count. */
static bool load_set(const struct conf *conf, struct conf_problems *problems,
                     struct conf_problems *left_out, struct conf_problems *told,
                     struct key_set **keys, struct keydirs **dirs)
{
    size_t before = problems->n;
    *keys = NULL;
    *dirs = NULL;
    if (conf->n_signing == 0 && !conf->key_table.p)
        return true;
    struct fixed_keys *fixed = fixed_load(conf, problems, left_out);
    *dirs = keydirs_load(conf, NULL, time(NULL), left_out ? told : problems);
    if (problems->n == before) {
        *keys = make_set(fixed, *dirs);
        return true;
    }
    if (fixed)
        fixed_release(fixed);
    keydirs_free(*dirs);
    *dirs = NULL;
    return false;
}

bool key_set_load_dirs(const struct conf *conf, struct conf_problems *problems,
                       struct conf_problems *left_out, struct key_set **keys, struct keydirs **dirs)
{
    struct arena *a = arena_new(0);
    struct conf_problems told;
    conf_problems_init(&told, a);
    bool ok = load_set(conf, problems, left_out, &told, keys, dirs);
    arena_free(a);
    return ok;
}

bool key_set_load(const struct conf *conf, struct conf_problems *problems, struct key_set **keys)
{
    struct keydirs *dirs;
    bool ok = key_set_load_dirs(conf, problems, NULL, keys, &dirs);
    keydirs_free(dirs);
    return ok;
}

struct key_set *key_set_renew(const struct key_set *old, const struct keydirs *dirs)
{
    struct fixed_keys *fixed = ((const struct loaded_keys *)old)->fixed;
    fixed->users++;
    return make_set(fixed, dirs);
}

void key_set_free(struct key_set *set)
{
    struct loaded_keys *keys = (struct loaded_keys *)set;
    if (!keys)
        return;
    fixed_release(keys->fixed);
    arena_free(keys->arena);
}
