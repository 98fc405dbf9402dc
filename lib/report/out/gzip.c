/* gzip.c - compresses into memory that grows.
 *
 * Errors: none; without memory the program ends. */
#include "report/out/gzip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define COLLECTED 65536 /* so many bytes are compressed at once */

struct gzip {
    z_stream z;
    unsigned char *p;
    size_t n, cap;
    uint64_t taken;
    size_t n_in;
    unsigned char in[COLLECTED];
};

struct gzip *gzip_new(void)
{
    struct gzip *g = calloc(1, sizeof *g);
    if (!g || deflateInit2(&g->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 9,
                           Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    return g;
}

void gzip_free(struct gzip *g)
{
    if (!g)
        return;
    deflateEnd(&g->z);
    free(g->p);
    free(g);
}

void gzip_begin_again(struct gzip *g)
{
    deflateReset(&g->z);
    g->n = g->n_in = 0;
    g->taken = 0;
}

static void make_room(struct gzip *g)
{
    if (g->cap - g->n >= 16384)
        return;
    g->cap = 2 * g->cap + 65536;
    g->p = realloc(g->p, g->cap);
    if (!g->p)
        abort();
}

/* Compresses the collected bytes. */
static void deflate_collected(struct gzip *g, int flush)
{
    bool more = true;
    g->z.next_in = g->in;
    g->z.avail_in = (uInt)g->n_in;
    g->n_in = 0;
    while (more) {
        make_room(g);
        g->z.next_out = g->p + g->n;
        g->z.avail_out = (uInt)(g->cap - g->n);
        int rc = deflate(&g->z, flush);
        g->n = g->cap - g->z.avail_out;
        more = flush == Z_FINISH ? rc != Z_STREAM_END : g->z.avail_out == 0;
    }
}

void gzip_add(struct gzip *g, struct str piece)
{
    g->taken += piece.n;
    while (piece.n) {
        size_t n = piece.n < COLLECTED - g->n_in ? piece.n : COLLECTED - g->n_in;
        memcpy(g->in + g->n_in, piece.p, n);
        g->n_in += n;
        piece = str_sub(piece, n, piece.n);
        if (g->n_in == COLLECTED)
            deflate_collected(g, Z_PARTIAL_FLUSH);
    }
}

uint64_t gzip_taken(const struct gzip *g)
{
    return g->taken;
}

uint64_t gzip_given(const struct gzip *g)
{
    return g->n;
}

struct str gzip_finish(struct gzip *g)
{
    deflate_collected(g, Z_FINISH);
    return (struct str){(const char *)g->p, g->n};
}
