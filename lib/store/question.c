/* question.c - questions that several may answer and nobody has to wait for, and their queues.
 *
 * Errors: NULL without memory; a full queue takes nothing. */
#include "store/question.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"

_Static_assert(sizeof(struct question) <= 512 && 2 * sizeof(struct state_key) <= 64,
               "STATE_QUESTION_BYTES");

/* --- Questions ---------------------------------------------------------------------------------*/

static size_t bytes_of(const struct question *like)
{
    size_t n = 0;
    for (size_t i = 0; i < like->n; i++)
        n += like->keys[i].key.n;
    return n;
}

/* Keys and answers live behind the question, and their texts behind them. */
static void copy_keys(struct question *q, const struct question *like)
{
    struct state_key *keys = (struct state_key *)(q + 1);
    char *text = (char *)(keys + 2 * like->n);
    memcpy(keys, like->keys, like->n * sizeof *keys);
    for (size_t i = 0; i < like->n; i++) {
        if (keys[i].key.n)
            memcpy(text, keys[i].key.p, keys[i].key.n);
        keys[i].key.p = text;
        text += keys[i].key.n;
    }
    q->keys = keys;
    q->answers = keys + like->n;
    for (size_t i = 0; i < like->n; i++)
        q->answers[i] = (struct state_key){.key = keys[i].key};
}

struct question *question_new(const struct question *like, unsigned awaited)
{
    struct question *q =
        malloc(sizeof *q + 2 * like->n * sizeof(struct state_key) + bytes_of(like));
    if (!q)
        return NULL;
    *q = (struct question){
        .op = like->op,
        .now = like->now,
        .value = like->value,
        .ttl_s = like->ttl_s,
        .deadline_us = like->deadline_us,
        .n = like->n,
        .awaited = awaited,
    };
    copy_keys(q, like);
    atomic_init(&q->holders, awaited + 1);
    pthread_mutex_init(&q->lock, NULL);
    thread_cond_init(&q->changed);
    return q;
}

void question_let_go(struct question *q)
{
    if (atomic_fetch_sub(&q->holders, 1) > 1)
        return;
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

/* Being there outweighs absence, and knowledge outweighs its lack; of two numbers the smaller. */
static void merge(struct state_key *into, const struct state_key *answer)
{
    bool both = into->result == STATE_ANSWER && answer->result == STATE_ANSWER;
    if (answer->result > into->result || (both && answer->value < into->value)) {
        into->result = answer->result;
        into->value = answer->value;
    }
}

void question_answer(struct question *q, const struct state_key *answers)
{
    pthread_mutex_lock(&q->lock);
    for (size_t i = 0; answers && i < q->n; i++)
        merge(&q->answers[i], &answers[i]);
    if (--q->awaited == 0)
        pthread_cond_signal(&q->changed);
    pthread_mutex_unlock(&q->lock);
    question_let_go(q);
}

void question_wait(struct question *q, struct state_key *keys)
{
    pthread_mutex_lock(&q->lock);
    while (q->awaited && clock_us() < q->deadline_us)
        thread_cond_wait(&q->changed, &q->lock, q->deadline_us);
    for (size_t i = 0; i < q->n; i++) {
        keys[i].result = q->answers[i].result;
        keys[i].value = q->answers[i].value;
    }
    pthread_mutex_unlock(&q->lock);
    question_let_go(q);
}

bool question_is_late(const struct question *q)
{
    return q->deadline_us && clock_us() >= q->deadline_us;
}

/* --- Queues ------------------------------------------------------------------------------------*/

void question_queue_init(struct question_queue *queue)
{
    pthread_mutex_init(&queue->lock, NULL);
    thread_cond_init(&queue->changed);
    queue->first = queue->n = 0;
    queue->closed = false;
}

void question_queue_destroy(struct question_queue *queue)
{
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
}

bool question_queue_put(struct question_queue *queue, struct question *q)
{
    pthread_mutex_lock(&queue->lock);
    bool fits = !queue->closed && queue->n < STATE_QUEUE_MAX;
    if (fits) {
        queue->ring[(queue->first + queue->n++) % STATE_QUEUE_MAX] = q;
        pthread_cond_signal(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return fits;
}

/* False: waiting is of no use any more. */
static bool wait_for_change(struct question_queue *queue, int64_t until_us)
{
    if (until_us && clock_us() >= until_us)
        return false;
    if (until_us)
        thread_cond_wait(&queue->changed, &queue->lock, until_us);
    else
        pthread_cond_wait(&queue->changed, &queue->lock);
    return true;
}

size_t question_queue_take(struct question_queue *queue, struct question **out, size_t max,
                           int64_t until_us, bool *closed)
{
    size_t taken = 0;
    pthread_mutex_lock(&queue->lock);
    while (!queue->n && !queue->closed && wait_for_change(queue, until_us))
        ;
    while (queue->n && taken < max) {
        out[taken++] = queue->ring[queue->first];
        queue->first = (queue->first + 1) % STATE_QUEUE_MAX;
        queue->n--;
    }
    *closed = queue->closed;
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

void question_queue_close(struct question_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}
