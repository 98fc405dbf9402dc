/* libpq.c - loads PostgreSQL's client library.
 *
 * Errors: NULL and a phrase. */
#include "store/libpq.h"

#include <dlfcn.h>
#include <pthread.h>

#define LIBRARY "libpq.so.5"

static struct libpq functions;
static const char *problem;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool load_function(void *library, const char *name, void **to)
{
    *to = dlsym(library, name);
    return *to;
}

static void load_library(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    bool good = library;
    /* POSIX: a function's address fits into a void *. */
#define LOAD(name) good = good && load_function(library, #name, (void **)&functions.name);
    LIBPQ_FUNCTIONS(LOAD)
#undef LOAD
    if (!library)
        problem = "needs " LIBRARY ", which is not installed: apt install libpq5";
    else if (!good)
        problem = "needs a newer " LIBRARY ": that of PostgreSQL 14 or later";
}

const struct libpq *libpq_load(const char **why)
{
    pthread_once(&once, load_library);
    *why = problem;
    return problem ? NULL : &functions;
}
