/* canon_body.c - body canonicalisation, simple and relaxed (RFC 6376 3.4.3, 3.4.4), as a stream.
 *
 * A body may be cut anywhere. What cannot be decided yet is kept as a count or a flag, never as
 * bytes: line ends that may prove to be the last ones, a CR that may begin a CRLF, white space that
 * may end a line. Everything else goes to the digest straight from the caller's memory.
 *
 * Errors: none. */
#include "crypto/canon.h"
#include "crypto/digest.h"

#include <endian.h>
#include <string.h>

struct body_hash {
    enum canon canon;
    bool cr;            /* the last byte was a CR whose meaning the next byte decides */
    bool wsp;           /* relaxed: white space stands before that, its meaning is open too */
    bool finished;      /* `result` holds the digest */
    uint64_t line_ends; /* CRLFs after the last content, before wsp and cr */
    struct digest digest;
    unsigned char result[DIGEST_SIZE];
};

struct body_hash *body_hash_new(struct arena *a, enum canon canon, uint64_t limit)
{
    struct body_hash *h = arena_make(a, struct body_hash);
    h->canon = canon;
    digest_init(&h->digest, a, limit);
    return h;
}

/* Content follows: the line ends that were held back are inside the body. */
static void release_line_ends(struct body_hash *h)
{
    static const char many[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
                               "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
    const uint64_t at_once = (sizeof many - 1) / 2;
    for (; h->line_ends > at_once; h->line_ends -= at_once)
        digest_add(&h->digest, many, sizeof many - 1);
    digest_add(&h->digest, many, (size_t)h->line_ends * 2);
    h->line_ends = 0;
}

/* Takes bytes that stay as they are, but for the line ends behind the last content, which are held
 * back. Nothing may be open before them but line ends. */
static void add_verbatim(struct body_hash *h, const unsigned char *p, size_t n)
{
    if (n && p[n - 1] == '\r') {
        h->cr = true;
        n--;
    }
    uint64_t held = 0;
    for (; n >= 2 && p[n - 2] == '\r' && p[n - 1] == '\n'; n -= 2)
        held++;
    if (n) {
        release_line_ends(h);
        digest_add(&h->digest, p, n);
    }
    h->line_ends += held;
}

static void simple_update(struct body_hash *h, const unsigned char *p, size_t n)
{
    if (h->cr && n) {
        h->cr = false;
        if (p[0] == '\n') {
            h->line_ends++;
            p++;
            n--;
        } else {
            release_line_ends(h);
            digest_put(&h->digest, '\r');
        }
    }
    add_verbatim(h, p, n);
}

static void relaxed_content(struct body_hash *h, unsigned char c)
{
    if (h->line_ends)
        release_line_ends(h);
    if (h->wsp) {
        h->wsp = false;
        digest_put(&h->digest, ' ');
    }
    digest_put(&h->digest, c);
}

static void relaxed_byte(struct body_hash *h, unsigned char c)
{
    if (h->cr) {
        h->cr = false;
        if (c == '\n') {
            h->wsp = false;
            h->line_ends++;
            return;
        }
        relaxed_content(h, '\r');
    }
    if (c == ' ' || c == '\t')
        h->wsp = true;
    else if (c == '\r')
        h->cr = true;
    else
        relaxed_content(h, c);
}

/* What relaxed canonicalisation would change: any TAB, and a space before more white space or
 * before a CR (with which a line may end). */
static unsigned char is_changed(unsigned char c, unsigned char next)
{
    return (unsigned char)((c == '\t') |
                           ((c == ' ') & ((next == ' ') | (next == '\t') | (next == '\r'))));
}

#define BLOCK 64

/* Bit i: p[i] changes. Reads BLOCK + 1 bytes. The loops have no branches, so that compilers make
 * vector instructions of them. */
static uint64_t changes(const unsigned char *p)
{
    unsigned char changed[BLOCK], any = 0;
    uint64_t mask = 0;
    for (size_t i = 0; i < BLOCK; i++)
        any |= changed[i] = is_changed(p[i], p[i + 1]);
    if (!any)
        return 0;
    for (size_t i = 0; i < BLOCK; i += 8) {
        uint64_t eight; /* bytes of 0 or 1: the product gathers them in its upper byte */
        memcpy(&eight, changed + i, sizeof eight);
        mask |= (le64toh(eight) * UINT64_C(0x0102040810204080) >> 56) << i;
    }
    return mask;
}

static bool is_open(const struct body_hash *h)
{
    return h->cr || h->wsp;
}

static void relaxed_bytes(struct body_hash *h, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        relaxed_byte(h, p[i]);
}

/* Where many bytes change, looking at each is cheaper than going from one to the next. */
#define MANY_CHANGES 8

static void relaxed_block(struct body_hash *h, const unsigned char *p, uint64_t mask)
{
    if (__builtin_popcountll(mask) > MANY_CHANGES) {
        relaxed_bytes(h, p, BLOCK);
        return;
    }
    for (size_t i = 0; i < BLOCK; i++) {
        if (!is_open(h)) {
            uint64_t ahead = mask >> i;
            size_t run = ahead ? (size_t)__builtin_ctzll(ahead) : BLOCK - i;
            add_verbatim(h, p + i, run);
            i += run;
        }
        if (i < BLOCK)
            relaxed_byte(h, p[i]);
    }
}

static void relaxed_update(struct body_hash *h, const unsigned char *p, size_t n)
{
    size_t from = 0, at = 0; /* what lies between stays as it is and is still to be added */
    for (; n - at > BLOCK; at += BLOCK) {
        uint64_t mask = changes(p + at);
        if (mask == 0 && (at > from || !is_open(h)))
            continue;
        add_verbatim(h, p + from, at - from);
        relaxed_block(h, p + at, mask);
        from = at + BLOCK;
    }
    add_verbatim(h, p + from, at - from);
    relaxed_bytes(h, p + at, n - at);
}

void body_hash_update(struct body_hash *h, const void *data, size_t n)
{
    if (h->finished)
        return;
    if (h->canon == CANON_SIMPLE)
        simple_update(h, data, n);
    else
        relaxed_update(h, data, n);
}

bool body_hash_settled(const struct body_hash *h)
{
    return h->digest.flushed > h->digest.limit;
}

static void end_body(struct body_hash *h)
{
    if (h->cr)
        relaxed_content(h, '\r'); /* simple has no wsp */
    /* Simple makes a CRLF even of nothing (RFC 6376 3.4.3), relaxed leaves nothing as it is. */
    if (h->canon == CANON_SIMPLE || digest_length(&h->digest))
        digest_add(&h->digest, "\r\n", 2);
    digest_finish(&h->digest, h->result);
    h->finished = true;
}

void body_hash_finish(struct body_hash *h, unsigned char digest[32])
{
    if (!h->finished)
        end_body(h);
    memcpy(digest, h->result, DIGEST_SIZE);
}

uint64_t body_hash_length(const struct body_hash *h)
{
    return digest_length(&h->digest);
}
