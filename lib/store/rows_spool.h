/* rows_spool.h - rows on their way to a server that several hosts share: they wait in a file of
 * this host, and a thread carries them over. Private to lib/store. */
#ifndef ASSAY_STORE_ROWS_SPOOL_H
#define ASSAY_STORE_ROWS_SPOOL_H

#include "store/database.h"
#include "store/rows_pack.h"

/* Of the file: batches of records as rows_pack() made them, by ascending numbers of which none
 * comes again. Another form of records is another version. */
extern const struct database_schema spool_schema;

/* Puts all records into the file as one batch; false: none is, and why stands in the database. */
bool spool_put(struct database *spool, const struct rows_buffer *records);

struct carrier_settings {
    struct str spool, server; /* a path, a URL */
    int64_t pause_us;         /* the longest after a failure */
    int64_t patience_us;      /* with a server that does not answer; 0: 10 s */
};

/* Starts the thread. NULL without memory or thread, or for a server or path that cannot be. */
struct carrier *carrier_start(const struct carrier_settings *settings, struct str *problem);

/* A batch was put into the file. */
void carrier_wake(struct carrier *c);

/* Batches that are in the file. From any thread. */
uint64_t carrier_waiting(struct carrier *c);

/* Carries what there is for some seconds more, if the server takes it; what is left waits in the
 * file for the next start. NULL is allowed. */
void carrier_end(struct carrier *c);

#endif
