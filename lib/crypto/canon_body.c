/* canon_body.c - body canonicalisation, simple and relaxed (RFC 6376 3.4.3, 3.4.4), as a stream.
 *
 * A body may be cut anywhere. What cannot be decided yet is kept as a count or a flag, never as
 * bytes: line ends that may prove to be the last ones, a CR that may begin a CRLF, white space that
 * may end a line. Everything else goes to the digest straight from the caller's memory.
 *
 * Errors: none. */
#include "crypto/canon.h"
#include "crypto/digest.h"

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

/* Without a branch, so that compilers make vector instructions of it; reads BLOCK + 1 bytes. */
static bool block_changes(const unsigned char *p)
{
    unsigned char changed = 0;
    for (size_t i = 0; i < BLOCK; i++)
        changed = (unsigned char)(changed | is_changed(p[i], p[i + 1]));
    return changed;
}

/* How many leading bytes stay as they are; the last byte counts only if no successor could change
 * that. */
static size_t unchanged_run(const unsigned char *p, size_t n)
{
    size_t i = 0;
    while (n - i > BLOCK && !block_changes(p + i))
        i += BLOCK;
    while (i + 1 < n && !is_changed(p[i], p[i + 1]))
        i++;
    return i + 1 == n && p[i] != ' ' && p[i] != '\t' ? n : i;
}

static void relaxed_update(struct body_hash *h, const unsigned char *p, size_t n)
{
    while (n) {
        size_t taken = 0;
        if (!h->cr && !h->wsp) {
            taken = unchanged_run(p, n);
            add_verbatim(h, p, taken);
        }
        /* Something is open or changes here, and such places come in herds: a block byte by byte
         * before the next scan keeps the price of hostile bodies down. */
        size_t end = n - taken < BLOCK ? n : taken + BLOCK;
        for (; taken < end; taken++)
            relaxed_byte(h, p[taken]);
        p += taken;
        n -= taken;
    }
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
