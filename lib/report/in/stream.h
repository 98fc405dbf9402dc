/* stream.h - bytes that are pulled out of memory, through any number of decompressions.
 *
 * A stream can be opened again from the same memory, so what is in it is never held as a whole. */
#ifndef ASSAY_REPORT_IN_STREAM_H
#define ASSAY_REPORT_IN_STREAM_H

#include <stdint.h>

#include "base/str.h"
#include "report/in/limits.h"

/* What an input may still give in sum. */
struct stream_budget {
    uint64_t left;
};

struct stream_level;

struct stream {
    struct arena *arena;
    struct str memory;
    size_t at; /* in memory */
    struct stream_budget *budget;
    struct stream_level *levels[IN_NESTING_MAX + 1];
    unsigned n_levels;
    const char *refused; /* a limit was passed: a phrase; nothing more comes */
    bool broken;         /* the compressed data ends early or is damaged; what came is good */
};

enum stream_packing { STREAM_PLAIN, STREAM_DEFLATED, STREAM_GZIP };

/* Over `memory`, which outlives it; what it needs lives in `a`. `budget` counts what comes out at
 * the end (NULL: nobody counts). */
void stream_open(struct stream *s, struct arena *a, struct str memory, struct stream_budget *budget,
                 enum stream_packing packing);

/* One more decompression over what was not yet taken; false if there are too many: then `refused`
 * says so. What stands behind the end of compressed data is left alone. */
bool stream_gunzip(struct stream *s);

/* What comes next, at most 512 bytes, without taking it. Less than asked for only at the end. */
struct str stream_peek(struct stream *s, size_t wanted);

/* Takes the next piece, which lives until the next call; empty at the end. */
struct str stream_take(struct stream *s);

/* All of the rest in `a`: STR_NONE if it is more than `max`, and `refused` says so. */
struct str stream_rest(struct stream *s, struct arena *a, size_t max);

#endif
