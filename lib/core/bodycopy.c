/* bodycopy.c - pieces of a body in the message's arena.
 *
 * Errors: none; a body that does not fit is not whole. */
#include "core/bodycopy.h"

/* What a piece costs beyond its bytes: its entry, as the array doubles, and alignment. */
#define PIECE_COST (4 * sizeof(struct str))

struct body_copy {
    struct arena *arena;
    struct budget *budget;
    size_t limit, taken;
    bool given_up;
    size_t n, cap;
    struct str *pieces;
};

static void return_all(void *object)
{
    struct body_copy *copy = object;
    budget_return(copy->budget, copy->taken);
}

struct body_copy *body_copy_new(struct arena *a, struct budget *budget, size_t limit)
{
    struct body_copy *copy = arena_make(a, struct body_copy);
    *copy = (struct body_copy){.arena = a, .budget = budget, .limit = limit};
    arena_defer(a, return_all, copy);
    return copy;
}

static bool has_room(struct body_copy *copy, size_t cost)
{
    if (!arena_room(copy->arena, cost) || !budget_take(copy->budget, cost, copy->limit))
        return false;
    copy->taken += cost;
    return true;
}

void body_copy_add(struct body_copy *copy, const void *data, size_t n)
{
    if (copy->given_up)
        return;
    if (!has_room(copy, n + PIECE_COST)) {
        copy->given_up = true; /* its memory stays taken as long as the arena has it */
        return;
    }
    copy->pieces =
        arena_extend(copy->arena, copy->pieces, copy->n, &copy->cap, sizeof *copy->pieces);
    copy->pieces[copy->n++] = (struct str){arena_copy(copy->arena, data, n), n};
}

struct kept_body body_copy_kept(const struct body_copy *copy)
{
    return (struct kept_body){.whole = !copy->given_up, .n = copy->n, .pieces = copy->pieces};
}

size_t body_copy_bytes(const struct body_copy *copy)
{
    return copy->taken;
}
