/* stream.h - bytes that are read from memory through any number of decompressions.
 *
 * A stream can be opened again from the same memory, so its contents are never held as a whole. */
#ifndef ASSAY_REPORT_IN_STREAM_H
#define ASSAY_REPORT_IN_STREAM_H

#include <stdint.h>

#include "base/str.h"
#include "report/in/limits.h"

/* How many bytes an input may still give in all. */
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
    const char *refused; /* a phrase, if a limit was passed: nothing more comes */
    bool broken; /* the compressed data ends early or is damaged; what came before is good */
};

enum stream_packing { STREAM_PLAIN, STREAM_DEFLATED, STREAM_GZIP };

/* Opens a stream over `memory`, which outlives it; what it needs lives in `a`. `budget` counts what
 * the last decompression gives (NULL: not counted). */
void stream_open(struct stream *s, struct arena *a, struct str memory, struct stream_budget *budget,
                 enum stream_packing packing);

/* Adds a decompression of what was not yet taken; false if there are too many: then `refused` says
 * so. Bytes behind the end of the compressed data are ignored. */
bool stream_gunzip(struct stream *s);

/* The next bytes, at most 512, without taking them. Fewer than wanted only at the end. */
struct str stream_peek(struct stream *s, size_t wanted);

/* Takes the next piece, which lives until the next call; empty at the end. */
struct str stream_take(struct stream *s);

/* Takes all of the rest into `a`. If it is more than `max`, STR_NONE, and `refused` says so. */
struct str stream_rest(struct stream *s, struct arena *a, size_t max);

#endif
