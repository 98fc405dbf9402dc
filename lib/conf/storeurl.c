/* storeurl.c - the database that hosts share, as it stands in `store`. What else may stand in its
 * URL is for libpq, which knows it.
 *
 * Errors: a phrase that says what is wrong, without the text, which may hold a password. */
#include "conf/conf.h"

#include <string.h>

static const struct str store_scheme = STR_INIT("postgresql://");

const char *conf_store_problem(struct str store)
{
    if (str_eq(store, STR("local")))
        return NULL;
    if (!str_starts(store, store_scheme))
        return "is neither \"local\" nor a database such as postgresql://user:password@host/name";
    if (store.n > CONF_STORE_URL_MAX)
        return "is longer than a URL of a database may be";
    return store.n == store_scheme.n ? "names no database" : NULL;
}

/* Of user and password the first @ is the end, as libpq reads it. */
static struct str login_of(struct str store)
{
    struct str rest = str_sub(store, store_scheme.n, store.n);
    size_t at = str_find(rest, 0, '@');
    return at < str_find(rest, 0, '/') ? str_sub(rest, 0, at) : STR("");
}

struct str conf_store_masked(struct arena *a, struct str store)
{
    if (!str_starts(store, store_scheme))
        return store;
    struct str login = login_of(store), rest = str_sub(store, store_scheme.n + login.n, store.n);
    struct str user = str_sub(login, 0, str_find(login, 0, ':'));
    size_t question = str_find(rest, 0, '?');
    bool more = memmem(rest.p + question, rest.n - question, "password", 8);
    return str_printf(a, "%.*s%.*s%s%.*s%s", STR_ARG(store_scheme), STR_ARG(user),
                      user.n < login.n ? ":" CONF_MASK : "",
                      STR_ARG(more ? str_sub(rest, 0, question + 1) : rest), more ? CONF_MASK : "");
}
