/* budget.h - a bound on memory that several threads share: a caller that gets none does without,
 * and does not wait. */
#ifndef ASSAY_BASE_BUDGET_H
#define ASSAY_BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Zeroed: nothing is taken. */
struct budget {
    atomic_size_t taken;
};

/* True, and n bytes more are taken, if that makes no more than `limit` of all. */
bool budget_take(struct budget *b, size_t n, size_t limit);
/* Takes n bytes more than are there, if need be: for what is used already. */
void budget_overdraw(struct budget *b, size_t n);
void budget_return(struct budget *b, size_t n);

#endif
