/* budget.c - bytes taken and returned, in one atomic.
 *
 * Errors: false where there is not enough. */
#include "base/budget.h"

bool budget_take(struct budget *b, size_t n, size_t limit)
{
    size_t taken = atomic_load_explicit(&b->taken, memory_order_relaxed);
    do {
        if (taken > limit || n > limit - taken)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&b->taken, &taken, taken + n,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

void budget_overdraw(struct budget *b, size_t n)
{
    atomic_fetch_add_explicit(&b->taken, n, memory_order_relaxed);
}

void budget_return(struct budget *b, size_t n)
{
    atomic_fetch_sub_explicit(&b->taken, n, memory_order_relaxed);
}
