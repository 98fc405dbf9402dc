/* keywatch.c - the keys of key directories, while the daemon runs.
 *
 * Every key-check-interval the main thread reads the directories and starts a thread that looks the
 * records up and does nothing else; when it has ended, the main thread plays the life cycle, writes
 * the state files and installs a new set of keys. So lives and files have one owner and need no
 * lock, and no signal waits for the DNS.
 *
 * Errors: log lines. What is wrong with a directory is told when it changes and each hour, not at
 * every look. */
#include "milter/daemon/keywatch.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/thread.h"
#include "keys/keyset.h"
#include "keys/record.h"
#include "milter/daemon/leftout.h"

#define AHEAD 64 /* queries under way before the first is waited for */

/* One record to look up. */
struct question {
    struct living_key *life;
    struct private_key *key;
    struct str name;
    enum record_finding found;
    uint32_t ttl;
};

/* One look at the DNS: the thread's own until `done`. */
struct look {
    struct runtime *runtime;
    struct snapshot *snapshot;
    struct arena *arena;
    size_t n;
    struct question *questions;
    pthread_t thread;
    atomic_bool done;
};

struct keywatch {
    struct runtime *runtime;
    struct keydirs *dirs; /* NULL: no directory is configured */
    bool installed;       /* the keys in force are those that are active in dirs */
    int64_t next_us;
    struct look *look;  /* NULL: none is under way */
    bool look_is_stale; /* it was begun for another generation */
    struct str told;    /* what was wrong at the last reading, in the arena: */
    struct arena *told_in;
    int64_t tell_again_us;
};

struct keywatch *keywatch_new(struct runtime *rt)
{
    struct keywatch *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->runtime = rt;
    w->installed = true;
    return w;
}

/* --- Telling -----------------------------------------------------------------------------------*/

static const struct {
    enum log_level level;
    enum counter counter; /* COUNTER_COUNT: none */
    const char *words;
} telling[LIFE_EVENT_COUNT] = {
    [LIFE_RECORD_SEEN] = {LOG_LEVEL_INFO, COUNTER_COUNT,
                          "its record is published; it will sign when that has stood for its TTL"},
    [LIFE_RECORD_VANISHED] = {LOG_LEVEL_WARNING, COUNTER_COUNT,
                              "its record has vanished again; it goes on waiting"},
    [LIFE_RECORD_UNFIT] = {LOG_LEVEL_WARNING, COUNTER_COUNT, "its record does not fit"},
    [LIFE_ACTIVATED] = {LOG_LEVEL_INFO, CTR_KEY_ACTIVATED, "active: it signs from here on"},
    [LIFE_RETIRED] = {LOG_LEVEL_INFO, CTR_KEY_RETIRED,
                      "retiring: a newer key signs; its record must stay published"},
    [LIFE_REMOVABLE] = {LOG_LEVEL_INFO, CTR_KEY_REMOVABLE,
                        "removable: its record may be removed from the DNS, and its files"},
    [LIFE_RECORD_MISSING] = {LOG_LEVEL_WARNING, CTR_KEY_RECORD_MISSING,
                             "it signs, but its record is missing: nobody can verify that"},
    [LIFE_RECORD_CHANGED] = {LOG_LEVEL_WARNING, CTR_KEY_RECORD_CHANGED,
                             "it signs, but its record does not fit any more: nobody can verify "
                             "that"},
    [LIFE_RECORD_BACK] = {LOG_LEVEL_INFO, COUNTER_COUNT, "its record is well again"},
};

/* What happened, kept until what it says is true: the new keys are in force. */
struct happening {
    enum life_event event;
    const struct living_key *key;
};

struct chronicle {
    struct arena *arena;
    size_t n, cap;
    struct happening *v;
};

static void note_event(void *context, enum life_event event, const struct living_key *key)
{
    struct chronicle *c = context;
    if (c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 16;
        c->v = arena_grow(c->arena, c->v, c->cap * sizeof *c->v, cap * sizeof *c->v);
        c->cap = cap;
    }
    c->v[c->n++] = (struct happening){event, key};
}

static void tell_happening(const struct keydir *dir, const struct happening *h)
{
    bool unfit = h->event == LIFE_RECORD_UNFIT || h->event == LIFE_RECORD_CHANGED;
    const char *advice = unfit ? record_finding_advice(h->key->found) : "";
    void (*say)(const char *, ...) __attribute__((format(printf, 1, 2))) =
        telling[h->event].level == LOG_LEVEL_WARNING ? log_warning : log_info;
    if (telling[h->event].counter != COUNTER_COUNT)
        counter_inc(telling[h->event].counter);
    say("key %.*s of %.*s: %s%s%s", STR_ARG(h->key->selector), STR_ARG(dir->domain),
        telling[h->event].words, *advice ? ": " : "", advice);
}

static void tell_problems(struct keywatch *w, const struct conf_problems *problems)
{
    struct arena *a = arena_new(0);
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < problems->n; i++)
        sb_printf(&b, "%.*s\n", STR_ARG(problems->v[i]));
    struct str text = sb_str(&b);
    if (!str_eq(text, w->told) || clock_us() >= w->tell_again_us) {
        for (size_t i = 0; i < problems->n; i++)
            log_error("%.*s", STR_ARG(problems->v[i]));
        w->tell_again_us = clock_us() + LEFTOUT_INTERVAL_US;
    }
    arena_free(w->told_in);
    w->told = text;
    w->told_in = a;
}

static bool directory_signs(const struct keydir *dir)
{
    for (size_t i = 0; i < dir->n; i++)
        if (dir->lives[i].life.state == KEY_ACTIVE)
            return true;
    return false;
}

static bool was_known(const struct keydirs *before, const struct keydir *dir, size_t key)
{
    const struct keydir *old = keydirs_find(before, dir->path);
    for (size_t i = 0; old && i < old->n; i++)
        if (str_eq(old->keys[i].fingerprint, dir->keys[key].fingerprint))
            return true;
    return false;
}

/* Keys that wait, once, and domains that nothing signs for. */
static void tell_news(const struct keydirs *before, const struct keydirs *now)
{
    for (size_t d = 0; now && d < now->n; d++) {
        const struct keydir *dir = &now->dirs[d];
        const struct keydir *old = keydirs_find(before, dir->path);
        for (size_t i = 0; i < dir->n; i++)
            if (dir->lives[i].life.state == KEY_PENDING && !was_known(before, dir, i))
                log_info("key %.*s of %.*s: pending: it signs when its record was seen in the DNS",
                         STR_ARG(dir->lives[i].selector), STR_ARG(dir->domain));
        if (!directory_signs(dir) && (!old || directory_signs(old)))
            log_warning("%.*s: no key in %s is active: its mail is not signed",
                        STR_ARG(dir->domain), dir->path);
    }
}

/* --- Generations -------------------------------------------------------------------------------*/

static void take_generation(struct keywatch *w, struct keydirs *dirs)
{
    tell_news(w->dirs, dirs);
    keydirs_free(w->dirs);
    w->dirs = dirs;
    w->look_is_stale = w->look != NULL;
}

struct keydirs *keywatch_prepare(struct keywatch *w, struct candidate *c)
{
    struct arena *a = arena_new(0);
    struct conf_problems told; /* when the candidate was loaded */
    conf_problems_init(&told, a);
    const struct keydirs *known = w->dirs ? w->dirs : c->dirs;
    struct keydirs *dirs = keydirs_load(c->conf, known, time(NULL), &told);
    if (dirs) {
        struct key_set *keys = key_set_renew(c->keys, dirs);
        key_set_free(c->keys);
        c->keys = keys;
    }
    arena_free(a);
    return dirs;
}

void keywatch_adopt(struct keywatch *w, struct keydirs *dirs)
{
    take_generation(w, dirs);
    w->installed = true;
    w->next_us = clock_us();
}

/* --- A look at the DNS -------------------------------------------------------------------------*/

static void look_up(struct question *q, struct dns_asker *asker)
{
    const struct dns_answer *answer = dns_lookup(asker, q->name, DNS_TXT);
    q->found = record_compare(answer, q->key, asker->arena);
    q->ttl = answer->ttl;
}

/* The thread. */
static void *look_up_all(void *arg)
{
    struct look *look = arg;
    struct arena *a = arena_new(0);
    struct dns_asker asker = {.dns = look->snapshot->dns, .arena = a};
    int64_t patience_us = look->snapshot->conf->dns_deadline * 1000;
    for (size_t i = 0; i < look->n && i < AHEAD; i++)
        dns_prefetch(&asker, look->questions[i].name, DNS_TXT);
    for (size_t i = 0; i < look->n; i++) {
        if (i + AHEAD < look->n)
            dns_prefetch(&asker, look->questions[i + AHEAD].name, DNS_TXT);
        asker.patience_us = patience_us;
        look_up(&look->questions[i], &asker);
    }
    arena_free(a);
    struct runtime *rt = look->runtime;
    atomic_store(&look->done, true);
    runtime_wake(rt);
    return NULL;
}

static bool is_watched(const struct living_key *key)
{
    return key->life.state == KEY_PENDING || key->life.state == KEY_ACTIVE;
}

static void ask_for_record(struct look *look, struct keydir *dir, size_t i)
{
    struct living_key *life = &dir->lives[i];
    struct private_key *key = dir->keys[i].key;
    private_key_hold(key);
    private_key_defer(look->arena, key);
    look->questions[look->n++] = (struct question){
        .life = life,
        .key = key,
        .name = key_record_name(look->arena, life->selector, dir->domain),
    };
}

static struct look *look_new(struct keywatch *w)
{
    struct arena *a = arena_new(0);
    struct look *look = arena_make(a, struct look);
    size_t n = 0;
    look->arena = a;
    look->runtime = w->runtime;
    look->snapshot = snapshot_take(w->runtime);
    for (size_t d = 0; d < w->dirs->n; d++)
        n += w->dirs->dirs[d].n;
    look->questions = arena_array(a, struct question, n);
    for (size_t d = 0; d < w->dirs->n; d++)
        for (size_t i = 0; i < w->dirs->dirs[d].n; i++)
            if (is_watched(&w->dirs->dirs[d].lives[i]))
                ask_for_record(look, &w->dirs->dirs[d], i);
    return look;
}

static void look_free(struct look *look)
{
    snapshot_release(look->snapshot);
    arena_free(look->arena);
}

static void begin_look(struct keywatch *w)
{
    struct arena *a = arena_new(0);
    struct conf_problems problems;
    struct snapshot *s = snapshot_take(w->runtime);
    conf_problems_init(&problems, a);
    struct keydirs *dirs = keydirs_load(s->conf, w->dirs, time(NULL), &problems);
    w->installed = w->installed && keydirs_same_signers(w->dirs, dirs);
    tell_problems(w, &problems);
    take_generation(w, dirs);
    w->next_us = clock_us() + s->conf->key_check_interval * 1000;
    snapshot_release(s);
    arena_free(a);
    w->look = look_new(w);
    if (thread_start(&w->look->thread, look_up_all, w->look))
        return;
    log_warning("cannot start a thread: the records of the signing keys are not looked up");
    look_free(w->look);
    w->look = NULL;
}

/* --- What follows ------------------------------------------------------------------------------*/

static void save(struct keydir *dir, const struct key_reader *reader, struct arena *a)
{
    struct str problem;
    bool saved = keydir_save(dir, reader, a, &problem);
    if (!saved && !dir->told_unwritable)
        log_warning("%.*s", STR_ARG(problem));
    dir->told_unwritable = !saved;
}

static void install_signers(struct keywatch *w)
{
    struct snapshot *s = snapshot_take(w->runtime);
    runtime_install_keys(w->runtime, key_set_renew(s->keys, w->dirs));
    snapshot_release(s);
    w->installed = true;
}

/* One step in the life of a directory's keys. */
static void step_lives(struct keywatch *w, struct keydir *dir, const struct conf *conf,
                       struct chronicle *chronicle)
{
    struct key_life *before = arena_array(chronicle->arena, struct key_life, dir->n);
    for (size_t i = 0; i < dir->n; i++)
        before[i] = dir->lives[i].life;
    if (!lifecycle_step(dir->lives, dir->n, time(NULL), conf->key_retirement / 1000, note_event,
                        chronicle))
        return;
    for (size_t i = 0; i < dir->n; i++) {
        const struct key_life *life = &dir->lives[i].life;
        bool same_state = before[i].state == life->state;
        bool same = same_state && before[i].seen == life->seen && before[i].ttl == life->ttl;
        dir->keys[i].saved = dir->keys[i].saved && same;
        w->installed = w->installed && same_state;
    }
}

/* Keys that are new in force sign first, are told of next, and written last: writing may fail, and
 * a state that is lost is found again. */
static void apply_lifecycle(struct keywatch *w, const struct conf *conf, struct arena *a)
{
    struct key_reader reader;
    struct chronicle *chronicles = arena_array(a, struct chronicle, w->dirs->n);
    key_reader_init(&reader, conf, a);
    for (size_t d = 0; d < w->dirs->n; d++) {
        chronicles[d].arena = a;
        step_lives(w, &w->dirs->dirs[d], conf, &chronicles[d]);
    }
    if (!w->installed)
        install_signers(w);
    for (size_t d = 0; d < w->dirs->n; d++) {
        for (size_t i = 0; i < chronicles[d].n; i++)
            tell_happening(&w->dirs->dirs[d], &chronicles[d].v[i]);
        save(&w->dirs->dirs[d], &reader, a);
    }
}

static void end_look(struct keywatch *w)
{
    struct look *look = w->look;
    struct arena *a = arena_new(0);
    pthread_join(look->thread, NULL);
    for (size_t i = 0; !w->look_is_stale && i < look->n; i++) {
        look->questions[i].life->found = look->questions[i].found;
        look->questions[i].life->ttl = look->questions[i].ttl;
    }
    if (!w->look_is_stale)
        apply_lifecycle(w, look->snapshot->conf, a);
    w->look = NULL;
    w->look_is_stale = false;
    look_free(look);
    arena_free(a);
}

void keywatch_run(struct keywatch *w)
{
    if (w->look && atomic_load(&w->look->done))
        end_look(w);
    if (!w->look && w->dirs && clock_us() >= w->next_us)
        begin_look(w);
}

int keywatch_timeout(const struct keywatch *w)
{
    int64_t ms = (w->next_us - clock_us()) / 1000 + 1;
    if (w->look || !w->dirs)
        return -1;
    return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

void keywatch_free(struct keywatch *w)
{
    if (!w)
        return;
    if (w->look) {
        pthread_join(w->look->thread, NULL);
        look_free(w->look);
    }
    keydirs_free(w->dirs);
    arena_free(w->told_in);
    free(w);
}
