/* bodycopy.h - keeps the body of a message, for code that needs the whole of it at once. */
#ifndef ASSAY_CORE_BODYCOPY_H
#define ASSAY_CORE_BODYCOPY_H

#include "base/budget.h"
#include "core/message.h"

struct body_copy;

/* What is kept is taken from the budget, up to `limit` bytes of all messages, until the arena is
 * reset; it stays within the arena's quota too. */
struct body_copy *body_copy_new(struct arena *a, struct budget *budget, size_t limit);

/* A piece that does not fit ends the keeping. */
void body_copy_add(struct body_copy *copy, const void *data, size_t n);

/* What was kept, as a fact of the message; alive until the arena is reset. */
struct kept_body body_copy_kept(const struct body_copy *copy);

size_t body_copy_bytes(const struct body_copy *copy); /* taken from the budget */

#endif
