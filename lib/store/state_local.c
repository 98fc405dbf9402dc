/* state_local.c - the state of one host: a thread that answers questions from a SQLite database
 * (state_table.h), behind a cache of keys that exist (state_cache.h).
 *
 * The thread handles all waiting questions in one transaction, and answers when that is committed.
 *
 * Errors: after a failure keys are unknown; the database is closed, and opened again after a pause.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "store/question.h"
#include "store/state_cache.h"
#include "store/state_table.h"
#include "store/trouble.h"

#define BATCH       512
#define PAUSE_US    1000000
#define RENEW_SHARE 32 /* a life is not renewed if it is shorter by less than this part */

struct local {
    struct state_backend base;
    struct question_queue queue;
    pthread_t thread;
    struct trouble trouble;
    bool slow; /* the last answers came when nobody waited for them any more; used by the thread */
    struct state_cache *cache;
    struct state_table table; /* used only by the thread */
};

/* --- Answers -----------------------------------------------------------------------------------*/

/* An answer, and when it expires; 0: the cache should not have it. */
struct answer {
    struct state_key *key;
    int64_t expires;
};

static bool answer_lookup(struct local *l, const struct question *q, struct answer *a)
{
    if (!state_table_find(&l->table, a->key, &a->expires))
        return false;
    a->key->result = a->expires > q->now ? STATE_ANSWER : STATE_ABSENT;
    if (a->key->result == STATE_ANSWER)
        return true;
    a->expires = 0;
    if (q->op == STATE_OP_GET)
        return true;
    a->expires = q->now + q->ttl_s;
    a->key->value = q->value;
    return state_table_put(&l->table, a->key->key, q->value, a->expires);
}

/* A life that was renewed lately is long enough, so that not every message writes. */
static bool needs_no_touch(struct local *l, const struct question *q, struct state_key key)
{
    int64_t expires, value = key.value;
    return state_cache_get(l->cache, q->now, &key, &expires) && key.value <= value &&
           expires >= q->now + q->ttl_s - q->ttl_s / RENEW_SHARE;
}

/* A key that is not there was removed meanwhile, and stays removed. */
static bool do_touch(struct local *l, const struct question *q, struct answer *a)
{
    bool there;
    int64_t expires = q->now + q->ttl_s;
    a->key->result = STATE_ANSWER;
    if (needs_no_touch(l, q, *a->key))
        return true;
    if (!state_table_touch(&l->table, a->key, expires, &there))
        return false;
    a->expires = there ? expires : 0;
    return true;
}

static bool do_forget(struct local *l, struct answer *a)
{
    int64_t expires;
    if (!state_table_find(&l->table, a->key, &expires) ||
        !state_table_forget(&l->table, a->key->key))
        return false;
    a->key->result = expires ? STATE_ANSWER : STATE_ABSENT;
    return true;
}

static bool answer_key(struct local *l, const struct question *q, struct answer *a)
{
    if (q->op == STATE_OP_TOUCH)
        return do_touch(l, q, a);
    if (q->op == STATE_OP_FORGET)
        return do_forget(l, a);
    return answer_lookup(l, q, a);
}

struct batch {
    size_t n, n_keys;
    struct question *questions[BATCH];
    struct state_key *keys; /* those of all questions, one behind the other */
    int64_t *expires;
    size_t room; /* keys */
};

static bool make_room(struct batch *b)
{
    b->n_keys = 0;
    for (size_t i = 0; i < b->n; i++)
        b->n_keys += b->questions[i]->n;
    if (b->n_keys <= b->room)
        return true;
    free(b->keys);
    free(b->expires);
    b->keys = calloc(b->n_keys, sizeof *b->keys);
    b->expires = calloc(b->n_keys, sizeof *b->expires);
    b->room = b->keys && b->expires ? b->n_keys : 0;
    return b->room;
}

static bool answer_questions(struct local *l, struct batch *b)
{
    size_t at = 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct question *q = b->questions[i];
        memcpy(&b->keys[at], q->keys, q->n * sizeof *b->keys);
        for (size_t k = 0; k < q->n; k++, at++) {
            struct answer a = {.key = &b->keys[at]};
            if (!answer_key(l, q, &a))
                return false;
            b->expires[at] = a.expires;
        }
    }
    return true;
}

static int64_t latest_now(const struct batch *b)
{
    int64_t now = 0;
    for (size_t i = 0; i < b->n; i++)
        if (b->questions[i]->now > now)
            now = b->questions[i]->now;
    return now;
}

static bool try_transaction(struct local *l, struct batch *b, const char *begin)
{
    struct database *db = &l->table.db;
    int before = sqlite3_total_changes(db->sqlite);
    if (!database_run(db, begin) || !answer_questions(l, b))
        return false;
    bool wrote = sqlite3_total_changes(db->sqlite) != before;
    return (!wrote || state_table_sweep(&l->table, latest_now(b), b->n)) &&
           database_run(db, "COMMIT");
}

/* One transaction; its answers count only when it is committed. It begins as a reading transaction,
 * because most keys are there. If another process has written meanwhile, SQLite does not let it
 * become a writing one. */
static bool transact(struct local *l, struct batch *b)
{
    struct database *db = &l->table.db;
    if (!state_table_look(&l->table))
        return false;
    if (try_transaction(l, b, "BEGIN"))
        return true;
    if ((sqlite3_errcode(db->sqlite) & 0xFF) != SQLITE_BUSY)
        return false;
    return database_run(db, "ROLLBACK") && try_transaction(l, b, "BEGIN IMMEDIATE");
}

static void give_answers(struct local *l, struct batch *b, bool good)
{
    size_t at = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct question *q = b->questions[i];
        size_t n = q->n; /* the question may be freed when it is answered */
        for (size_t k = at; good && k < at + n; k++)
            if (b->expires[k] > q->now)
                state_cache_put(l->cache, q->now, b->keys[k].key, b->keys[k].value, b->expires[k]);
        question_answer(q, good ? &b->keys[at] : NULL);
        at += n;
    }
    if (!good)
        atomic_fetch_add(&l->trouble.missed, b->n);
}

/* Answers questions for which nobody waits any more. */
static size_t answer_late_ones(struct batch *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (question_is_late(b->questions[i]))
            question_answer(b->questions[i], NULL);
        else
            b->questions[kept++] = b->questions[i];
    }
    return kept;
}

/* A line when that begins, at most once a minute: a busy disk is slow now and then. */
static void judge_speed(struct local *l, int64_t took_us)
{
    static struct log_pace pace;
    unsigned held_back;
    bool was_slow = l->slow;
    l->slow = took_us > STATE_BUDGET_US;
    if (l->slow && !was_slow && log_pace(&pace, &held_back))
        log_warning("%s is slow: %lld ms for an answer; until it is faster, mail goes on without",
                    l->trouble.name, (long long)(took_us / 1000));
}

static void answer_batch(struct local *l, struct batch *b)
{
    int64_t began = clock_us();
    bool tried = !trouble_pauses(&l->trouble), good = false;
    b->n = answer_late_ones(b);
    if (!b->n)
        return;
    if (tried && make_room(b))
        good = state_table_ready(&l->table) && transact(l, b);
    if (good) {
        judge_speed(l, clock_us() - began);
        trouble_over(&l->trouble);
    } else if (tried) {
        trouble_begins(&l->trouble, l->table.db.why);
        state_table_close(&l->table);
    }
    give_answers(l, b, good);
    database_tidy(&l->table.db); /* after the answers */
}

/* --- Its life ----------------------------------------------------------------------------------*/

static void *work_local(void *local)
{
    struct local *l = local;
    struct batch *b = calloc(1, sizeof *b);
    bool closed = false;
    if (!b)
        abort();
    do {
        b->n = question_queue_take(&l->queue, b->questions, BATCH, 0, &closed);
        answer_batch(l, b);
    } while (b->n || !closed);
    state_table_close(&l->table);
    free(b->keys);
    free(b->expires);
    free(b);
    return NULL;
}

/* Most messages are of senders that came today already; the thread is not woken for them. */
static bool has_nothing_to_touch(struct local *l, const struct question *q)
{
    for (size_t i = 0; q->op == STATE_OP_TOUCH && i < q->n; i++)
        if (!needs_no_touch(l, q, q->keys[i]))
            return false;
    return q->op == STATE_OP_TOUCH;
}

static bool take_local(struct state_backend *base, struct question *q)
{
    struct local *l = (struct local *)base;
    if (has_nothing_to_touch(l, q)) {
        question_answer(q, NULL);
        return true;
    }
    bool taken = !trouble_pauses(&l->trouble) && question_queue_put(&l->queue, q);
    if (!taken)
        atomic_fetch_add(&l->trouble.missed, 1);
    return taken;
}

static void free_local(struct local *l)
{
    state_cache_free(l->cache);
    question_queue_destroy(&l->queue);
    free(l);
}

static bool recall_local(struct state_backend *base, int64_t now, struct state_key *key)
{
    return state_cache_get(((struct local *)base)->cache, now, key, NULL);
}

static void close_local(struct state_backend *base)
{
    struct local *l = (struct local *)base;
    question_queue_close(&l->queue);
    pthread_join(l->thread, NULL);
    free_local(l);
}

struct state_backend *state_local_open(const struct state_settings *settings)
{
    struct local *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->base = (struct state_backend){take_local, recall_local, close_local};
    l->cache = state_cache_new(settings->cache_bytes);
    question_queue_init(&l->queue);
    trouble_init(&l->trouble, "state store", settings->path,
                 settings->pause_us ? settings->pause_us : PAUSE_US);
    if (state_table_init(&l->table, settings->path, settings->max_bytes, l->cache) &&
        thread_start(&l->thread, work_local, l))
        return &l->base;
    free_local(l);
    return NULL;
}
