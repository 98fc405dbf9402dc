/* base64.c - base64 as RFC 6376 2.10 has it: folding white space between any two characters.
 *
 * Errors: STR_NONE for what is not base64. Padding may be absent (the grammar makes it optional),
 * but where it stands it must be right; bits behind the last octet are ignored (RFC 4648 3.5). */
#include "crypto/canon.h"

#include <stdint.h>

#define S 64 /* white space */
#define P 65 /* padding */
#define X 66 /* nothing of base64 */

/* clang-format off */
#define X16 X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X
static const unsigned char values[256] = {
    X,  X,  X,  X,  X,  X,  X,  X,  X,  S,  S,  X,  X,  S,  X,  X,
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
    S,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  62, X,  X,  X,  63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X,  X,  X,  P,  X,  X,
    X,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X,  X,  X,  X,  X,
    X,  26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X,  X,  X,  X,  X,
    X16, X16, X16, X16, X16, X16, X16, X16,
};
/* clang-format on */

static void put_three(unsigned char *out, uint32_t bits)
{
    out[0] = (unsigned char)(bits >> 16);
    out[1] = (unsigned char)(bits >> 8);
    out[2] = (unsigned char)bits;
}

/* Decodes digits by fours as far as nothing else comes between; returns how many it took. */
static size_t decode_fours(const unsigned char *p, size_t n, unsigned char *out)
{
    size_t at = 0;
    for (; n - at >= 4; at += 4, out += 3) {
        uint32_t a = values[p[at]], b = values[p[at + 1]];
        uint32_t c = values[p[at + 2]], d = values[p[at + 3]];
        if ((a | b | c | d) >= S)
            break;
        put_three(out, a << 18 | b << 12 | c << 6 | d);
    }
    return at;
}

struct str base64_decode(struct arena *a, struct str text)
{
    const unsigned char *p = (const unsigned char *)text.p;
    unsigned char *out = arena_alloc(a, text.n / 4 * 3 + 3);
    size_t n = 0, digits = 0, pads = 0; /* digits: of the four under way */
    uint32_t bits = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (digits == 0 && pads == 0) {
            size_t taken = decode_fours(p + i, text.n - i, out + n);
            n += taken / 4 * 3;
            i += taken;
        }
        unsigned v = i < text.n ? values[p[i]] : S;
        if (v == X || (v < S && pads))
            return STR_NONE;
        pads += v == P;
        if (v >= S)
            continue;
        bits = bits << 6 | v;
        if (++digits < 4)
            continue;
        put_three(out + n, bits);
        n += 3;
        digits = 0;
    }
    if (digits == 1 || (pads && (digits == 0 || pads + digits != 4)))
        return STR_NONE;
    put_three(out + n, bits << 6 * (4 - digits)); /* room for three is left */
    n += digits ? digits - 1 : 0;
    return (struct str){(char *)out, n};
}

struct str base64_encode(struct arena *a, struct str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = (bytes.n + 2) / 3 * 4;
    char *out = arena_alloc(a, n + 1), *o = out;
    for (size_t i = 0; i < bytes.n; i += 3) {
        uint32_t v = (uint32_t)(unsigned char)bytes.p[i] << 16;
        if (i + 1 < bytes.n)
            v |= (uint32_t)(unsigned char)bytes.p[i + 1] << 8;
        if (i + 2 < bytes.n)
            v |= (unsigned char)bytes.p[i + 2];
        *o++ = digits[v >> 18];
        *o++ = digits[v >> 12 & 63];
        *o++ = i + 1 < bytes.n ? digits[v >> 6 & 63] : '=';
        *o++ = i + 2 < bytes.n ? digits[v & 63] : '=';
    }
    return (struct str){out, n};
}
