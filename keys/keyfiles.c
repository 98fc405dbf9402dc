/* keyfiles.c - all key files of a configuration, loaded side by side.
 *
 * Errors: a complaint for each file that cannot be loaded, in the order in which they were asked
 * for. If no thread can be had, the caller does all the work. */
#include "keys/keyfiles.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/log.h"

#define THREADS_MAX      8
#define FILES_PER_THREAD 16 /* fewer are not worth a thread */

void key_files_init(struct key_files *files, struct arena *a)
{
    *files = (struct key_files){.arena = a};
    strmap_init(&files->by_path, a);
}

struct key_file *key_files_want(struct key_files *files, struct str path, struct conf_place place)
{
    char *name = str_cstr(files->arena, path);
    void **slot = strmap_put(&files->by_path, str_of(name));
    if (*slot)
        return *slot;
    struct key_file *file = arena_make(files->arena, struct key_file);
    file->path = name;
    file->place = place;
    if (files->n == files->cap) {
        size_t cap = files->cap ? 2 * files->cap : 16;
        files->files =
            arena_grow(files->arena, files->files, files->cap * sizeof file, cap * sizeof file);
        files->cap = cap;
    }
    files->files[files->n++] = file;
    return *slot = file;
}

/* What the threads share: each takes the next file until none is left. */
struct work {
    const struct key_files *files;
    const struct key_reader *reader;
    atomic_size_t next;
    struct str *problems; /* of each file; texts in the arena of the thread that found it */
};

struct worker {
    struct work *work;
    struct arena *arena;
    pthread_t thread;
};

static void *load_some(void *arg)
{
    struct worker *w = arg;
    const struct key_files *files = w->work->files;
    for (size_t i; (i = atomic_fetch_add(&w->work->next, 1)) < files->n;) {
        struct key_file *file = files->files[i];
        file->key = key_file_load(file->path, w->work->reader, w->arena, &w->work->problems[i]);
    }
    return NULL;
}

static size_t threads_for(size_t n)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t most = processors < 1 ? 1 : processors > THREADS_MAX ? THREADS_MAX : (size_t)processors;
    size_t wanted = n / FILES_PER_THREAD + 1;
    return wanted < most ? wanted : most;
}

/* The caller is the first worker. */
static void load_all(struct work *work, struct worker *workers, size_t n)
{
    size_t started = 1;
    for (size_t i = 0; i < n; i++)
        workers[i] = (struct worker){.work = work, .arena = arena_new(0)};
    while (started < n &&
           pthread_create(&workers[started].thread, NULL, load_some, &workers[started]) == 0)
        started++;
    load_some(&workers[0]);
    for (size_t i = 1; i < started; i++)
        pthread_join(workers[i].thread, NULL);
}

static void keep_file(struct key_files *files, struct key_file *file)
{
    private_key_defer(files->arena, file->key);
    if (private_key_bits(file->key) > KEY_RSA_BITS_COMMON)
        log_warning("%s: " KEY_LONG_ADVICE, file->path, private_key_bits(file->key));
}

void key_files_load(struct key_files *files, const struct key_reader *reader,
                    struct conf_problems *problems)
{
    struct worker workers[THREADS_MAX];
    struct work work = {.files = files, .reader = reader};
    size_t n = threads_for(files->n);
    work.problems = arena_array(files->arena, struct str, files->n);
    load_all(&work, workers, n);
    for (size_t i = 0; i < files->n; i++) {
        struct key_file *file = files->files[i];
        if (file->key)
            keep_file(files, file);
        else
            conf_problem(problems, file->place, "%.*s", STR_ARG(work.problems[i]));
    }
    for (size_t i = 0; i < n; i++)
        arena_free(workers[i].arena);
}
