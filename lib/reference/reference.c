/* reference.c - the pool's door, and the words for libraries and statuses.
 *
 * Errors: a pool that cannot be opened, with a phrase. */
#include "reference/asking.h"

const char *reference_library_name(enum reference_library library)
{
    static const char *const names[REFERENCE_LIBRARY_COUNT] = {
        [REFERENCE_LIBSPF2] = "libspf2",
        [REFERENCE_LIBOPENDKIM] = "libopendkim",
        [REFERENCE_LIBOPENDMARC] = "libopendmarc",
    };
    return names[library];
}

const char *reference_status_name(enum reference_status status)
{
    static const char *const names[REFERENCE_STATUS_COUNT] = {
        [REFERENCE_ANSWERED] = "answered", [REFERENCE_REFUSED] = "refused",
        [REFERENCE_CRASHED] = "crashed",   [REFERENCE_TIMED_OUT] = "timed out",
        [REFERENCE_BUSY] = "busy",         [REFERENCE_ABSENT] = "absent",
    };
    return names[status];
}

const char *reference_find_program(struct arena *a)
{
    return process_find_program(a);
}

struct reference *reference_open(const struct reference_settings *settings, struct arena *a,
                                 struct str *problem)
{
    struct arena *own = arena_new(0);
    struct reference *r = arena_make(own, struct reference);
    const char *program = settings->program ? settings->program : reference_find_program(own);
    r->arena = own;
    r->time_limit_ms = settings->time_limit_ms;
    r->pool = pool_open(program, settings->workers, a, &r->hello, problem);
    if (r->pool)
        return r;
    arena_free(own);
    return NULL;
}

void reference_give_up(struct reference *r)
{
    pool_give_up(r->pool);
}

void reference_close(struct reference *r)
{
    pool_close(r->pool);
    arena_free(r->arena);
}

const char *reference_library_version(const struct reference *r, enum reference_library library)
{
    return r->hello.versions[library].p;
}
