/* driver.h - what a program that keeps databases has to be able to do. Private to lib/store. */
#ifndef ASSAY_STORE_DRIVER_H
#define ASSAY_STORE_DRIVER_H

#include "store/database.h"

/* The beginning of every driver's statement. */
struct sql {
    struct database *db;
};

/* The functions of database.h and sql.h; statements and databases are never NULL here. */
struct database_driver {
    const char *(*unusable)(void); /* NULL: it always can be used */
    bool (*open)(struct database *db);
    bool (*open_read)(struct database *db); /* tries once; earlier and absent are false before */
    void (*close)(struct database *db);
    bool (*is_there)(struct database *db);
    bool (*run)(struct database *db, const char *text);
    bool (*begin)(struct database *db);
    bool (*commit)(struct database *db);
    bool (*lock)(struct database *db, bool *free);
    bool (*limit)(struct database *db, uint64_t bytes);
    void (*tidy)(struct database *db);
    int64_t (*changes)(struct database *db);
    struct sql *(*prepare)(struct database *db, const char *text);
    void (*bind_number)(struct sql *s, int i, int64_t number);
    void (*bind)(struct sql *s, int i, struct str value, bool bytes);
    enum sql_step (*step)(struct sql *s);
    bool (*push)(struct sql *s);
    int64_t (*number)(struct sql *s, int i);
    struct str (*text)(struct sql *s, int i);
    void (*reset)(struct sql *s);
    void (*end)(struct sql *s);
};

extern const struct database_driver sqlite_driver;
extern const struct database_driver postgresql_driver; /* with -DASSAY_POSTGRESQL=ON */

#endif
