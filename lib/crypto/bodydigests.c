/* bodydigests.c - a short list of digests, fed together.
 *
 * Errors: none. */
#include "crypto/bodydigests.h"

struct kind {
    enum canon canon;
    uint64_t limit;
    struct body_hash *hash;
};

struct body_digests {
    struct arena *arena;
    struct kind *kinds;
    size_t n, cap;
};

struct body_digests *body_digests_new(struct arena *a)
{
    struct body_digests *d = arena_make(a, struct body_digests);
    d->arena = a;
    return d;
}

struct body_hash *body_digests_want(struct body_digests *d, enum canon canon, uint64_t limit)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->kinds[i].canon == canon && d->kinds[i].limit == limit)
            return d->kinds[i].hash;
    d->kinds = arena_extend(d->arena, d->kinds, d->n, &d->cap, sizeof *d->kinds);
    d->kinds[d->n] = (struct kind){canon, limit, body_hash_new(d->arena, canon, limit)};
    return d->kinds[d->n++].hash;
}

void body_digests_update(struct body_digests *d, const void *data, size_t n)
{
    for (size_t i = 0; i < d->n; i++)
        if (!body_hash_settled(d->kinds[i].hash))
            body_hash_update(d->kinds[i].hash, data, n);
}

bool body_digests_settled(const struct body_digests *d)
{
    for (size_t i = 0; i < d->n; i++)
        if (!body_hash_settled(d->kinds[i].hash))
            return false;
    return true;
}
