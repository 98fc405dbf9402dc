/* arena.h - memory that lives as long as a session, a message or a command, and dies at once.
 *
 * An arena belongs to one owner at a time; it has no lock. Memory is zeroed. Nothing in it is freed
 * singly: foreign objects (an EVP_MD_CTX, a reference on a cached answer) are handed over with
 * arena_defer() on the line after their creation. */
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/budget.h"

struct arena;

#define ARENA_KEPT ((size_t)32 * 1024) /* the most that a reset keeps */

/* Makes an arena whose owner means to store at most `quota` bytes (0: no quota). Never NULL: true
 * exhaustion of memory ends the program. */
struct arena *arena_new(size_t quota);

/* `n` zeroed bytes (n may be 0), aligned for any object, alive until reset or free. Never NULL. The
 * quota and budget do not stop an allocation: code that stores remote bytes asks arena_room()
 * first. */
void *arena_alloc(struct arena *a, size_t n);

/* The object form: arena_make(a, struct thing), arena_array(a, struct thing, count). */
#define arena_make(a, type)         ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, count) ((type *)arena_alloc_array((a), (count), sizeof(type)))
void *arena_alloc_array(struct arena *a, size_t count, size_t size);

/* A copy of n bytes with a NUL behind it. */
char *arena_copy(struct arena *a, const void *p, size_t n);

/* Enlarges the block `p` of `old` bytes to `want` bytes: in place when it is the newest block, else
 * by a copy. The added bytes are not zeroed. */
void *arena_grow(struct arena *a, void *p, size_t old, size_t want);

/* Room for one more in an array of n items of `size` bytes: the array itself, or (n is *cap) a
 * larger one, and *cap tells. The added items are not zeroed. */
void *arena_extend(struct arena *a, void *items, size_t n, size_t *cap, size_t size);

/* Calls fn(object) when the arena is reset or freed, newest first. fn must not block. */
void arena_defer(struct arena *a, void (*fn)(void *object), void *object);

/* From here to the next reset the arena's blocks are taken from a budget that it shares with
 * others, as long as no more than `limit` bytes of all are; so are `apart` bytes that its owner
 * uses beside it. False if they are not there: then nothing is taken. The budget has to outlive the
 * arena. */
bool arena_share(struct arena *a, struct budget *budget, size_t limit, size_t apart);

/* True if n more bytes stay within the quota, and the shared budget has them: then they are kept
 * for this arena. */
bool arena_room(struct arena *a, size_t n);

/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *a);

/* Runs what was deferred and makes all memory free for use again. */
void arena_reset(struct arena *a);

/* The same, and the arena is gone. NULL is allowed. */
void arena_free(struct arena *a);

#endif
