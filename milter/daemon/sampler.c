/* sampler.c - the queue of sampled messages, and the thread that has them judged.
 *
 * Errors: a sample that does not fit is counted as skipped. */
#include "milter/daemon/sampler.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/thread.h"

#define WAITING_MAX 256

struct sampler {
    pthread_t thread;
    struct budget *memory;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t work, idle;
    struct sample *first, **last;
    unsigned waiting;
    bool judging, stopping, ended;
};

bool sampler_chooses(double share)
{
    uint32_t random;
    if (share <= 0 || share >= 1)
        return share >= 1;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    return random < share * 4294967296.0;
}

static void drop(struct sampler *sampler, struct sample *s)
{
    size_t charged = s->charged; /* the sample goes with its arena */
    arena_free(s->t->arena);
    budget_return(sampler->memory, charged);
}

/* The lock is held. NULL: none, and there will be none. */
static struct sample *next(struct sampler *sampler)
{
    while (!sampler->first && !sampler->stopping)
        pthread_cond_wait(&sampler->work, &sampler->lock);
    struct sample *s = sampler->first;
    if (!s)
        return NULL;
    sampler->first = s->next;
    if (!sampler->first)
        sampler->last = &sampler->first;
    sampler->waiting--;
    return s;
}

static void *run_sampler(void *object)
{
    struct sampler *sampler = object;
    struct sample *s;
    pthread_mutex_lock(&sampler->lock);
    while ((s = next(sampler))) {
        sampler->judging = true;
        pthread_mutex_unlock(&sampler->lock);
        sample_judge(s);
        drop(sampler, s);
        pthread_mutex_lock(&sampler->lock);
        sampler->judging = false;
        pthread_cond_signal(&sampler->idle);
    }
    pthread_mutex_unlock(&sampler->lock);
    return NULL;
}

struct sampler *sampler_new(struct budget *memory)
{
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler)
        abort();
    sampler->memory = memory;
    sampler->last = &sampler->first;
    pthread_mutex_init(&sampler->lock, NULL);
    thread_cond_init(&sampler->work);
    thread_cond_init(&sampler->idle);
    if (thread_start(&sampler->thread, run_sampler, sampler))
        return sampler;
    free(sampler);
    return NULL;
}

static bool enqueue(struct sampler *sampler, struct sample *s)
{
    pthread_mutex_lock(&sampler->lock);
    bool room = !sampler->stopping && sampler->waiting < WAITING_MAX;
    if (room) {
        *sampler->last = s;
        sampler->last = &s->next;
        sampler->waiting++;
        pthread_cond_signal(&sampler->work);
    }
    pthread_mutex_unlock(&sampler->lock);
    return room;
}

void sampler_skip(void)
{
    counter_inc(CTR_REFERENCE_SKIPPED);
}

bool sampler_take(struct sampler *sampler, struct sample *s)
{
    size_t used = arena_used(s->t->arena), limit = s->t->snapshot->conf->reference_memory;
    s->next = NULL;
    s->charged = used > s->copied ? used - s->copied : 0;
    if (budget_take(sampler->memory, s->charged, limit)) {
        size_t charged = s->charged; /* once it is in the queue it is not ours to look at */
        if (enqueue(sampler, s))
            return true;
        budget_return(sampler->memory, charged);
    }
    sampler_skip();
    return false;
}

/* The lock is held. */
static void drop_all(struct sampler *sampler)
{
    struct sample *s;
    counter_add(CTR_REFERENCE_SKIPPED, sampler->waiting);
    while (sampler->first && (s = next(sampler)))
        drop(sampler, s);
}

void sampler_stop(struct sampler *sampler, int64_t until_us)
{
    pthread_mutex_lock(&sampler->lock);
    sampler->stopping = true;
    pthread_cond_signal(&sampler->work);
    while ((sampler->first || sampler->judging) &&
           !thread_cond_wait(&sampler->idle, &sampler->lock, until_us))
        continue;
    drop_all(sampler);
    bool ends = !sampler->judging && !sampler->ended;
    sampler->ended = sampler->ended || ends;
    pthread_mutex_unlock(&sampler->lock);
    if (ends)
        pthread_join(sampler->thread, NULL);
}

void sampler_free(struct sampler *sampler)
{
    if (!sampler)
        return;
    sampler_stop(sampler, INT64_MAX);
    pthread_cond_destroy(&sampler->work);
    pthread_cond_destroy(&sampler->idle);
    pthread_mutex_destroy(&sampler->lock);
    free(sampler);
}
