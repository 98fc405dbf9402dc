/* mmdb.c - asks libmaxminddb.
 *
 * Errors: what the file does not have is empty. */
#include "report/in/mmdb.h"

#ifdef ASSAY_MAXMINDDB

#include <maxminddb.h>
#include <netinet/in.h>
#include <string.h>

#define NAME_MAX_SHOWN 60

struct mmdb {
    MMDB_s db;
};

static void close_mmdb(void *m)
{
    MMDB_close(&((struct mmdb *)m)->db);
}

struct mmdb *mmdb_open(struct str path, struct arena *a, const char **why)
{
    struct mmdb *m = arena_make(a, struct mmdb);
    int status = MMDB_open(str_cstr(a, path), MMDB_MODE_MMAP, &m->db);
    if (status != MMDB_SUCCESS) {
        *why = MMDB_strerror(status);
        return NULL;
    }
    arena_defer(a, close_mmdb, m);
    return m;
}

static bool look_up(const struct mmdb *m, const struct netaddr *address, MMDB_lookup_result_s *out)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } to = {0};
    int status;
    if (address->family == 4) {
        to.v4.sin_family = AF_INET;
        memcpy(&to.v4.sin_addr, address->bytes, 4);
    } else {
        to.v6.sin6_family = AF_INET6;
        memcpy(&to.v6.sin6_addr, address->bytes, 16);
    }
    *out = MMDB_lookup_sockaddr(&m->db, &to.any, &status);
    return status == MMDB_SUCCESS && out->found_entry;
}

static struct str text_at(MMDB_lookup_result_s *found, const char *const *path)
{
    MMDB_entry_data_s data;
    if (MMDB_aget_value(&found->entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING)
        return STR("");
    return (struct str){data.utf8_string, data.data_size};
}

struct str mmdb_country(const struct mmdb *m, const struct netaddr *address, struct arena *a)
{
    static const char *const paths[][3] = {
        {"country", "iso_code", NULL}, {"country_code", NULL, NULL}, {"country", NULL, NULL}};
    MMDB_lookup_result_s found;
    if (!m || !address->family || !look_up(m, address, &found))
        return STR("");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct str country = text_at(&found, paths[i]);
        if (country.n == 2)
            return str_copy(a, country);
    }
    return STR("");
}

static struct str number_text(MMDB_lookup_result_s *found, struct arena *a)
{
    static const char *const number[] = {"autonomous_system_number", NULL}, *const text[] = {"asn",
                                                                                             NULL};
    MMDB_entry_data_s data;
    if (MMDB_aget_value(&found->entry, &data, number) == MMDB_SUCCESS && data.has_data &&
        data.type == MMDB_DATA_TYPE_UINT32)
        return str_printf(a, "AS%u", data.uint32);
    struct str asn = text_at(found, text);
    return str_starts_nocase(asn, STR("AS")) ? str_copy(a, str_sub(asn, 0, 12)) : STR("");
}

struct str mmdb_network(const struct mmdb *m, const struct netaddr *address, struct arena *a)
{
    static const char *const names[][2] = {{"autonomous_system_organization", NULL},
                                           {"as_name", NULL}};
    MMDB_lookup_result_s found;
    if (!m || !address->family || !look_up(m, address, &found))
        return STR("");
    struct str number = number_text(&found, a), name = text_at(&found, names[0]);
    if (!name.n)
        name = text_at(&found, names[1]);
    if (!number.n || !name.n)
        return number;
    return str_printf(a, "%.*s %.*s", STR_ARG(number),
                      STR_ARG(str_safe(a, name, NAME_MAX_SHOWN, true)));
}

#else

struct mmdb *mmdb_open(struct str path, struct arena *a, const char **why)
{
    (void)path, (void)a;
    *why = "this assay was built without libmaxminddb";
    return NULL;
}

struct str mmdb_country(const struct mmdb *m, const struct netaddr *address, struct arena *a)
{
    (void)m, (void)address, (void)a;
    return STR("");
}

struct str mmdb_network(const struct mmdb *m, const struct netaddr *address, struct arena *a)
{
    (void)m, (void)address, (void)a;
    return STR("");
}

#endif
