/* arena.c - bump allocation in blocks, with deferred work.
 *
 * Errors: none are returned. Exhausted memory and sizes that overflow end the program with abort();
 * the supervisor restarts it and the MTA asks again. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under AddressSanitizer what is not handed out is poisoned, so that a step beyond an allocation
 * or a use after reset shows; elsewhere these are nothing. */
#include <sanitizer/asan_interface.h>

#define BLOCK_FIRST  4096U
#define BLOCK_MAX    (256U * 1024U)
#define EXTEND_FIRST 8U
#define ALIGN        (_Alignof(max_align_t))

struct block {
    struct block *next; /* older block */
    size_t size, used;  /* of data */
    _Alignas(max_align_t) unsigned char data[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *object;
};

struct arena {
    struct block *newest;
    struct deferred *deferred;
    size_t quota, used;
    size_t held;           /* of the system, in blocks */
    struct budget *budget; /* NULL: not shared */
    size_t limit, apart, taken;
};

static _Noreturn void out_of_memory(void)
{
    fputs("assay: out of memory\n", stderr);
    abort();
}

static struct block *block_new(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct block))
        out_of_memory();
    struct block *b = malloc(sizeof *b + size);
    if (!b)
        out_of_memory();
    b->next = NULL;
    b->size = size;
    b->used = 0;
    ASAN_POISON_MEMORY_REGION(b->data, size);
    return b;
}

struct arena *arena_new(size_t quota)
{
    struct arena *a = calloc(1, sizeof *a);
    if (!a)
        out_of_memory();
    a->quota = quota;
    return a;
}

static size_t round_up(size_t n)
{
    if (n > SIZE_MAX - ALIGN)
        out_of_memory();
    return (n + ALIGN - 1) & ~(ALIGN - 1);
}

static bool has_room(const struct block *b, size_t n)
{
    return b && b->size - b->used >= n;
}

/* The size of the next block, if it is made for n bytes. */
static size_t next_size(const struct arena *a, size_t n)
{
    size_t size = a->newest ? a->newest->size * 2 : BLOCK_FIRST;
    if (size > BLOCK_MAX)
        size = BLOCK_MAX;
    return size < n ? n : size;
}

/* Charges the budget with memory that arena_room() was not asked for. */
static void cover(struct arena *a)
{
    size_t used = a->held + a->apart;
    if (!a->budget || used <= a->taken)
        return;
    budget_overdraw(a->budget, used - a->taken);
    a->taken = used;
}

static struct block *block_with_room(struct arena *a, size_t n)
{
    struct block *b = a->newest;
    if (has_room(b, n))
        return b;
    b = block_new(next_size(a, n));
    b->next = a->newest;
    a->newest = b;
    a->held += sizeof *b + b->size;
    cover(a);
    return b;
}

/* Memory from the newest block, not zeroed. */
static void *take_block(struct arena *a, size_t n)
{
    size_t full = round_up(n ? n : 1);
    struct block *b = block_with_room(a, full);
    void *p = b->data + b->used;
    b->used += full;
    a->used += full;
    ASAN_UNPOISON_MEMORY_REGION(p, n);
    return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
    return memset(take_block(a, n), 0, n);
}

void *arena_alloc_array(struct arena *a, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        out_of_memory();
    return arena_alloc(a, count * size);
}

char *arena_copy(struct arena *a, const void *p, size_t n)
{
    if (n == SIZE_MAX)
        out_of_memory();
    char *copy = take_block(a, n + 1);
    if (n)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

void *arena_grow(struct arena *a, void *p, size_t old, size_t want)
{
    struct block *b = a->newest;
    size_t have = round_up(old ? old : 1), full = round_up(want);
    if (p && b && (unsigned char *)p + have == b->data + b->used && full >= have &&
        b->size - b->used >= full - have) {
        b->used += full - have;
        a->used += full - have;
        ASAN_UNPOISON_MEMORY_REGION(p, want);
        return p;
    }
    void *grown = take_block(a, want);
    if (old)
        memcpy(grown, p, old < want ? old : want);
    return grown;
}

void *arena_extend(struct arena *a, void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    size_t larger = *cap ? *cap * 2 : EXTEND_FIRST;
    if (larger < *cap || larger > SIZE_MAX / size)
        out_of_memory();
    items = arena_grow(a, items, *cap * size, larger * size);
    *cap = larger;
    return items;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *object)
{
    struct deferred *d = arena_make(a, struct deferred);
    d->fn = fn;
    d->object = object;
    d->next = a->deferred;
    a->deferred = d;
}

static bool take_from_budget(struct arena *a, size_t want)
{
    if (want <= a->taken)
        return true;
    if (!budget_take(a->budget, want - a->taken, a->limit))
        return false;
    a->taken = want;
    return true;
}

bool arena_share(struct arena *a, struct budget *budget, size_t limit, size_t apart)
{
    if (apart > limit || !budget_take(budget, a->held + apart, limit))
        return false;
    a->budget = budget;
    a->limit = limit;
    a->apart = apart;
    a->taken = a->held + apart;
    return true;
}

static void leave_budget(struct arena *a)
{
    if (a->budget)
        budget_return(a->budget, a->taken);
    a->budget = NULL;
    a->apart = a->taken = 0;
}

bool arena_room(struct arena *a, size_t n)
{
    if (a->quota && (a->used > a->quota || n > a->quota - a->used))
        return false;
    if (!a->budget || has_room(a->newest, n))
        return true;
    if (n > a->limit) /* and below the sum cannot overflow */
        return false;
    return take_from_budget(a, a->apart + a->held + sizeof(struct block) + next_size(a, n));
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}

static void run_deferred(struct arena *a)
{
    while (a->deferred) {
        struct deferred *d = a->deferred;
        a->deferred = d->next;
        d->fn(d->object);
    }
}

static void free_newest(struct arena *a)
{
    struct block *older = a->newest->next;
    a->held -= sizeof *older + a->newest->size;
    free(a->newest);
    a->newest = older;
}

/* Newer blocks are larger, and the newest one is kept: before long all that the next owner needs
 * is in one block, without malloc() and free(). */
static void keep_one_block(struct arena *a)
{
    while (a->newest && a->newest->size > ARENA_KEPT)
        free_newest(a);
    struct block *kept = a->newest;
    if (!kept)
        return;
    for (a->newest = kept->next; a->newest;)
        free_newest(a);
    kept->next = NULL;
    a->newest = kept;
    a->held = sizeof *kept + kept->size;
}

void arena_reset(struct arena *a)
{
    run_deferred(a);
    keep_one_block(a);
    leave_budget(a);
    if (a->newest) {
        a->newest->used = 0;
        ASAN_POISON_MEMORY_REGION(a->newest->data, a->newest->size);
    }
    a->used = 0;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    run_deferred(a);
    while (a->newest)
        free_newest(a);
    leave_budget(a);
    free(a);
}
