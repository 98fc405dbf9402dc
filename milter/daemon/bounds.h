/* bounds.h - the most memory that the daemon takes, part by part, computed from its configuration:
 * what `assay config show --bounds` prints. wire_bounds attacks every part and stays below it. */
#ifndef ASSAY_MILTER_BOUNDS_H
#define ASSAY_MILTER_BOUNDS_H

#include "conf/conf.h"

struct bound {
    const char *part;   /* "messages under way" */
    const char *option; /* that sets it; NULL: none does */
    struct str formula; /* in words, with the numbers of this configuration */
    uint64_t bytes;
};

#define BOUNDS_MAX 32

struct bounds {
    size_t n, n_others;
    struct bound parts[BOUNDS_MAX];  /* of the daemon */
    uint64_t sum;                    /* of these */
    struct bound others[BOUNDS_MAX]; /* other processes, while they run */
};

/* Bytes that all connections may keep together of commands that are not whole, and of answers that
 * are not taken (struct serve_settings). */
size_t bounds_kept(const struct conf *conf);

/* Workers of our own doors at most: those that run, and those that wait for DNS or a store. */
unsigned bounds_workers(const struct conf *conf);

/* Formulas live in `a`. */
void bounds_of(const struct conf *conf, struct arena *a, struct bounds *out);

#endif
