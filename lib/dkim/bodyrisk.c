/* bodyrisk.c - one pass over the body that costs little beside its digest.
 *
 * Most of it is never looked at for line ends: behind one, the next must come within a line's
 * length, and is looked for from the far end of that, where ordinary text has one close by.
 *
 * Errors: none. */
#include "dkim/bodyrisk.h"

#include <stdint.h>
#include <string.h>

#include "mail/address_rewrite.h"

/* A line with its CRLF: where its LF is at the latest. */
#define LINE_SPAN (STABLE_LINE_MAX + 2)

#define BLOCK 64

/* Words that do not wait for each other, and no branches within a block. */
static bool has_8bit(const unsigned char *p, size_t n)
{
    uint64_t word[BLOCK / sizeof(uint64_t)];
    for (; n >= BLOCK; p += BLOCK, n -= BLOCK) {
        memcpy(word, p, BLOCK);
        uint64_t all = ((word[0] | word[1]) | (word[2] | word[3])) |
                       ((word[4] | word[5]) | (word[6] | word[7]));
        if (all & UINT64_C(0x8080808080808080))
            return true;
    }
    unsigned char rest = 0;
    for (size_t i = 0; i < n; i++)
        rest |= p[i];
    return (rest & 0x80) != 0;
}

static void measure_lines(struct body_risk *r, const unsigned char *p, size_t n)
{
    while (n) {
        size_t room = r->line < LINE_SPAN ? LINE_SPAN - r->line : 0;
        const unsigned char *end = memrchr(p, '\n', room < n ? room : n);
        if (!end && room < n) {
            r->long_line = true;
            return;
        }
        size_t taken = end ? (size_t)(end + 1 - p) : n;
        r->line = end ? 0 : r->line + n;
        p += taken;
        n -= taken;
    }
}

void body_risk_update(struct body_risk *r, const void *data, size_t n)
{
    if (!r->long_line)
        measure_lines(r, data, n);
    if (!r->is_8bit)
        r->is_8bit = has_8bit(data, n);
}

bool body_risk_long_line(const struct body_risk *r)
{
    return r->long_line || r->line > STABLE_LINE_MAX;
}
