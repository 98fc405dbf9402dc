/* frame.h - what assay and assay-reference say to each other is cut into frames.
 *
 * A frame is the length of what follows (four bytes), a type (one byte) and a payload. Numbers are
 * big-endian; a text is its length and its bytes, and the length 0xFFFFFFFF means that it is
 * absent. Encoding and decoding only: the code that sends and receives has time limits of its own.
 *
 * Both ends take the other for hostile. A writer has no way to make a frame that a reader refuses;
 * a reader stays within its payload, and what is beyond a bound makes it bad for good. */
#ifndef ASSAY_REFERENCE_FRAME_H
#define ASSAY_REFERENCE_FRAME_H

#include <stdint.h>

#include "base/str.h"

enum frame_type {
    FRAME_HELLO = 1, /* worker: the version of the format, those of the libraries */
    FRAME_JOB,       /* assay: a library and the facts */
    FRAME_BODY,      /* assay: a piece of the body */
    FRAME_BODY_END,  /* assay: that was all of it */
    FRAME_QUESTION,  /* worker: a name and a type to look up */
    FRAME_ANSWER,    /* assay: what DNS says */
    FRAME_RESULT,    /* worker: what the library concludes */
    FRAME_REFUSAL,   /* worker: it does not, and why */
    FRAME_TYPE_COUNT
};

enum frame_source { FRAME_FROM_ASSAY, FRAME_FROM_WORKER };

#define FRAME_HEAD     5U /* bytes before the payload */
#define FRAME_BODY_MAX 65536U

struct frame {
    enum frame_type type;
    struct str payload;
};

enum frame_status { FRAME_PARTIAL, FRAME_WHOLE, FRAME_BAD };

/* What stands at the beginning of a stream that this side says. FRAME_WHOLE: *frame, whose payload
 * is a view of `data`, and *need is its length with its head. FRAME_PARTIAL: *need bytes are wanted
 * as yet (FRAME_HEAD before the length is known). FRAME_BAD: no frame that this side may say. */
enum frame_status frame_take(enum frame_source from, struct str data, struct frame *frame,
                             size_t *need);

/* The largest payload of this type. */
size_t frame_max(enum frame_type type);

/* The head of a frame whose payload is sent from where it lies. `n` is at most frame_max(type). */
void frame_head(char head[FRAME_HEAD], enum frame_type type, size_t n);

/* Appends one frame to a buffer. */
struct frame_writer {
    struct strbuf *out;
    size_t start;
    enum frame_type type;
    bool too_large;
};

void frame_begin(struct frame_writer *w, struct strbuf *out, enum frame_type type);
void frame_put_u8(struct frame_writer *w, unsigned value);
void frame_put_u32(struct frame_writer *w, uint32_t value);
void frame_put_i64(struct frame_writer *w, int64_t value);
void frame_put_str(struct frame_writer *w, struct str text);
/* False if the frame is larger than its type may be: then nothing has been appended. */
bool frame_end(struct frame_writer *w);

/* Takes values off a payload. Behind the first that is wrong everything is zero, empty or absent.
 */
struct frame_reader {
    struct str rest;
    bool bad;
};

struct frame_reader frame_reader(struct str payload);
unsigned frame_get_u8(struct frame_reader *r, unsigned max);
uint32_t frame_get_u32(struct frame_reader *r, uint32_t max);
int64_t frame_get_i64(struct frame_reader *r);
struct str frame_get_str(struct frame_reader *r, size_t max); /* a view of the payload */
/* A phrase for people, clean, at most FRAME_PHRASE_MAX bytes. */
#define FRAME_PHRASE_MAX 400U
struct str frame_get_phrase(struct frame_reader *r, struct arena *a);
/* A number of items that take at least `size` bytes each and so fit into what is left. */
size_t frame_get_count(struct frame_reader *r, size_t max, size_t size);
/* True if all was right and nothing is left. */
bool frame_done(const struct frame_reader *r);

#endif
