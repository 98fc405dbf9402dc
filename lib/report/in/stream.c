/* stream.c - memory and zlib as one chain of pieces.
 *
 * Errors: if data cannot be decompressed, the stream ends, with `broken` or `refused` set. */
#include "report/in/stream.h"

#include <string.h>
#include <zlib.h>

#define PIECE 16384

/* Level 0 gives the memory; each other level inflates what the level below gives. */
struct stream_level {
    const unsigned char *next; /* not yet taken by the level above */
    size_t have;
    bool ended;
    bool gzip; /* may have several members, one behind the other (RFC 1952 2.2) */
    uint64_t in, out;
    z_stream z;
    unsigned char piece[PIECE];
};

static void end_level(void *z)
{
    inflateEnd(z);
}

static struct stream_level *add_level(struct stream *s)
{
    struct stream_level *l = arena_make(s->arena, struct stream_level);
    s->levels[s->n_levels++] = l;
    return l;
}

/* window is 47 for a gzip or zlib header, and -15 for data without a header, as in zip. */
static void inflate_above(struct stream *s, int window)
{
    struct stream_level *l = add_level(s);
    l->gzip = window > 0;
    if (inflateInit2(&l->z, window) == Z_OK)
        arena_defer(s->arena, end_level, &l->z);
    else
        l->ended = s->broken = true;
}

void stream_open(struct stream *s, struct arena *a, struct str memory, struct stream_budget *budget,
                 enum stream_packing packing)
{
    *s = (struct stream){.arena = a, .memory = memory, .budget = budget};
    add_level(s);
    if (packing != STREAM_PLAIN)
        inflate_above(s, packing == STREAM_GZIP ? 47 : -15);
}

bool stream_gunzip(struct stream *s)
{
    if (s->n_levels > IN_NESTING_MAX) {
        s->refused = "is compressed too many times";
        return false;
    }
    inflate_above(s, 47);
    return true;
}

static void stream_refuse(struct stream *s, struct stream_level *l, const char *why)
{
    s->refused = why;
    l->ended = true;
}

static void fill_from_memory(struct stream *s, struct stream_level *l)
{
    l->next = (const unsigned char *)s->memory.p + s->at;
    l->have = s->memory.n - s->at;
    s->at = s->memory.n;
    l->ended = true;
}

static void fill(struct stream *s, unsigned level);

/* Behind the end of one: anything else there is no part of it. */
static bool begins_member(struct stream *s, unsigned level)
{
    struct stream_level *l = s->levels[level], *below = s->levels[level - 1];
    while (below->have < 3 && !below->ended && !s->refused)
        fill(s, level - 1);
    return l->gzip && below->have > 2 && memcmp(below->next, "\x1F\x8B\x08", 3) == 0 &&
           inflateReset(&l->z) == Z_OK;
}

/* Inflates once, into the piece behind its first `kept` bytes. */
static void inflate_some(struct stream *s, unsigned level, size_t kept)
{
    struct stream_level *l = s->levels[level], *below = s->levels[level - 1];
    if (!below->have)
        fill(s, level - 1);
    size_t given = below->have < UINT32_MAX ? below->have : UINT32_MAX;
    l->z.next_in = (z_const Bytef *)(uintptr_t)below->next; /* zlib does not write there */
    l->z.avail_in = (uInt)given;
    l->z.next_out = l->piece + kept;
    l->z.avail_out = (uInt)(PIECE - kept);
    int rc = inflate(&l->z, Z_NO_FLUSH);
    size_t taken = given - l->z.avail_in, made = PIECE - kept - l->z.avail_out;
    below->next += taken;
    below->have -= taken;
    l->in += taken;
    l->out += made;
    l->have = kept + made;
    if (rc == Z_STREAM_END)
        l->ended = !begins_member(s, level);
    else if (rc != Z_OK || (!taken && !made))
        l->ended = s->broken = true;
    if (l->out > IN_RATIO_FROM && l->out / IN_RATIO_MAX > l->in)
        stream_refuse(s, l, "is compressed more than any report is");
}

/* Adds data behind what the level has, if there is more data and room. */
static void fill(struct stream *s, unsigned level)
{
    struct stream_level *l = s->levels[level];
    if (l->ended || s->refused)
        return;
    if (!level) {
        fill_from_memory(s, l);
        return;
    }
    size_t kept = l->have;
    if (kept)
        memmove(l->piece, l->next, kept);
    l->next = l->piece;
    inflate_some(s, level, kept);
}

#define PEEK_MAX 512

struct str stream_peek(struct stream *s, size_t wanted)
{
    struct stream_level *l = s->levels[s->n_levels - 1];
    wanted = wanted < PEEK_MAX ? wanted : PEEK_MAX;
    while (l->have < wanted && !l->ended && !s->refused)
        fill(s, s->n_levels - 1);
    return (struct str){(const char *)l->next, l->have < wanted ? l->have : wanted};
}

struct str stream_take(struct stream *s)
{
    struct stream_level *l = s->levels[s->n_levels - 1];
    while (!l->have && !l->ended && !s->refused)
        fill(s, s->n_levels - 1);
    if (s->refused)
        return STR("");
    size_t n = l->have < PIECE ? l->have : PIECE;
    if (s->budget && n > s->budget->left) {
        s->refused = "is larger than 25 MB when it is unpacked";
        return STR("");
    }
    if (s->budget)
        s->budget->left -= n;
    struct str piece = {(const char *)l->next, n};
    l->next += n;
    l->have -= n;
    return piece;
}

struct str stream_rest(struct stream *s, struct arena *a, size_t max)
{
    struct strbuf b;
    struct str piece;
    sb_init(&b, a);
    while ((piece = stream_take(s)).n) {
        if (piece.n > max - b.n) {
            s->refused = "holds more than 2 MB of something other than XML";
            return STR_NONE;
        }
        sb_add(&b, piece);
    }
    return s->refused ? STR_NONE : sb_str(&b);
}
