/* frame.c - frames cut, written and read.
 *
 * Errors: a frame that is too large is not written and its writer is told; a reader that meets what
 * cannot be is bad from there on. Nothing here allocates but the buffer that is written to. */
#include "reference/frame.h"

#include <assert.h>
#include <string.h>

#define ABSENT UINT32_MAX

/* Which side sends which message, and how long it may be. */
static const struct {
    enum frame_source from;
    size_t max;
} kinds[FRAME_TYPE_COUNT] = {
    [FRAME_HELLO] = {FRAME_FROM_WORKER, 2048},
    [FRAME_JOB] = {FRAME_FROM_ASSAY, 4U << 20},
    [FRAME_BODY] = {FRAME_FROM_ASSAY, FRAME_BODY_MAX},
    [FRAME_BODY_END] = {FRAME_FROM_ASSAY, 0},
    [FRAME_QUESTION] = {FRAME_FROM_WORKER, 512},
    [FRAME_ANSWER] = {FRAME_FROM_ASSAY, 512U << 10},
    [FRAME_RESULT] = {FRAME_FROM_WORKER, 1U << 20},
    [FRAME_REFUSAL] = {FRAME_FROM_WORKER, 2048},
};

size_t frame_max(enum frame_type type)
{
    return kinds[type].max;
}

static uint32_t u32_at(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static void u32_store(char *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (char)(unsigned char)(value >> (24 - 8 * i));
}

enum frame_status frame_take(enum frame_source from, struct str data, struct frame *frame,
                             size_t *need)
{
    *need = FRAME_HEAD;
    if (data.n < FRAME_HEAD)
        return FRAME_PARTIAL;
    uint32_t length = u32_at(data.p);
    unsigned char type = (unsigned char)data.p[4];
    if (type < FRAME_HELLO || type >= FRAME_TYPE_COUNT || kinds[type].from != from || length < 1 ||
        length - 1 > kinds[type].max)
        return FRAME_BAD;
    *need = FRAME_HEAD - 1 + (size_t)length;
    if (data.n < *need)
        return FRAME_PARTIAL;
    *frame = (struct frame){(enum frame_type)type, str_sub(data, FRAME_HEAD, *need)};
    return FRAME_WHOLE;
}

void frame_head(char head[FRAME_HEAD], enum frame_type type, size_t n)
{
    assert(n <= kinds[type].max);
    u32_store(head, (uint32_t)n + 1);
    head[4] = (char)type;
}

void frame_begin(struct frame_writer *w, struct strbuf *out, enum frame_type type)
{
    static const char room[FRAME_HEAD];
    *w = (struct frame_writer){out, out->n, type, false};
    sb_add(out, (struct str){room, sizeof room});
}

void frame_put_u8(struct frame_writer *w, unsigned value)
{
    sb_addc(w->out, (char)(unsigned char)value);
}

void frame_put_u32(struct frame_writer *w, uint32_t value)
{
    char bytes[4];
    u32_store(bytes, value);
    sb_add(w->out, (struct str){bytes, sizeof bytes});
}

void frame_put_i64(struct frame_writer *w, int64_t value)
{
    frame_put_u32(w, (uint32_t)((uint64_t)value >> 32));
    frame_put_u32(w, (uint32_t)value);
}

/* What has outgrown its frame is not carried further. */
void frame_put_str(struct frame_writer *w, struct str text)
{
    size_t max = kinds[w->type].max;
    if (text.n > max || w->out->n - w->start > FRAME_HEAD + max) {
        w->too_large = true;
        return;
    }
    frame_put_u32(w, text.p ? (uint32_t)text.n : ABSENT);
    sb_add(w->out, text);
}

bool frame_end(struct frame_writer *w)
{
    size_t n = w->out->n - w->start - FRAME_HEAD;
    if (w->too_large || n > kinds[w->type].max) {
        w->out->n = w->start;
        return false;
    }
    frame_head(w->out->p + w->start, w->type, n);
    return true;
}

struct frame_reader frame_reader(struct str payload)
{
    return (struct frame_reader){payload, false};
}

/* The next n bytes, or NULL. */
static const char *take_frame(struct frame_reader *r, size_t n)
{
    if (r->bad || r->rest.n < n) {
        r->bad = true;
        r->rest = STR_NONE;
        return NULL;
    }
    const char *p = r->rest.p;
    r->rest = str_sub(r->rest, n, r->rest.n);
    return p;
}

unsigned frame_get_u8(struct frame_reader *r, unsigned max)
{
    const char *p = take_frame(r, 1);
    unsigned value = p ? (unsigned char)*p : 0;
    if (value > max)
        take_frame(r, SIZE_MAX);
    return value > max ? 0 : value;
}

uint32_t frame_get_u32(struct frame_reader *r, uint32_t max)
{
    const char *p = take_frame(r, 4);
    uint32_t value = p ? u32_at(p) : 0;
    if (value > max)
        take_frame(r, SIZE_MAX);
    return value > max ? 0 : value;
}

int64_t frame_get_i64(struct frame_reader *r)
{
    uint64_t high = frame_get_u32(r, UINT32_MAX), low = frame_get_u32(r, UINT32_MAX);
    return r->bad ? 0 : (int64_t)(high << 32 | low);
}

struct str frame_get_str(struct frame_reader *r, size_t max)
{
    uint32_t n = frame_get_u32(r, UINT32_MAX);
    if (r->bad || n == ABSENT)
        return STR_NONE;
    const char *p = take_frame(r, n > max ? SIZE_MAX : n);
    return p ? (struct str){p, n} : STR_NONE;
}

struct str frame_get_phrase(struct frame_reader *r, struct arena *a)
{
    return str_safe(a, frame_get_str(r, SIZE_MAX - 1), FRAME_PHRASE_MAX, true);
}

size_t frame_get_count(struct frame_reader *r, size_t max, size_t size)
{
    uint32_t n = frame_get_u32(r, UINT32_MAX);
    if (n > max || n > r->rest.n / size) {
        take_frame(r, SIZE_MAX);
        return 0;
    }
    return n;
}

bool frame_done(const struct frame_reader *r)
{
    return !r->bad && r->rest.n == 0;
}
