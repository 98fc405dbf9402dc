/* jsonread.h - JSON (RFC 8259) read piece by piece out of memory.
 *
 *     json_enter(&r);
 *     while (json_next(&r, &name))
 *         if (str_eq(name, STR("count")))
 *             json_take_number(&r, &count);
 *         else
 *             json_skip(&r);
 *
 * The first error ends the reading: from there on json_next() and all others return false. */
#ifndef ASSAY_BASE_JSONREAD_H
#define ASSAY_BASE_JSONREAD_H

#include <stdint.h>

#include "base/str.h"

#define JSON_DEPTH_MAX 16

enum json_kind { JSON_NONE, JSON_OBJECT, JSON_ARRAY, JSON_TEXT, JSON_NUMBER, JSON_WORD };

struct json_reader {
    struct str text;
    size_t at;
    struct arena *arena; /* texts with escapes live there */
    const char *problem; /* the first thing that was wrong */
    unsigned depth;
    char brackets[JSON_DEPTH_MAX];
    bool begun[JSON_DEPTH_MAX]; /* a value came at this depth */
};

struct json_reader json_read(struct str text, struct arena *a);

/* What stands here. */
enum json_kind json_peek(struct json_reader *r);

/* Goes into the object or array that stands here. */
bool json_enter(struct json_reader *r);

/* The next member or element of the innermost one: then its value has to be taken. *name of a
 * member; absent in an array. False at the end, which is left behind. */
bool json_next(struct json_reader *r, struct str *name);

/* Each takes a value; one of another kind is passed over, and that is false, but nothing wrong. */
bool json_take_text(struct json_reader *r, struct str *text);
bool json_take_number(struct json_reader *r, int64_t *number); /* a fraction is dropped */
bool json_take_bool(struct json_reader *r, bool *value);

void json_skip(struct json_reader *r);

/* True if nothing was wrong, and nothing but white space is left. */
bool json_read_whole(struct json_reader *r);

#endif
