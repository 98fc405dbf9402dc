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
static const unsigned char values[128] = {
    X,  X,  X,  X,  X,  X,  X,  X,  X,  S,  S,  X,  X,  S,  X,  X,
    X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
    S,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  62, X,  X,  X,  63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X,  X,  X,  P,  X,  X,
    X,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X,  X,  X,  X,  X,
    X,  26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X,  X,  X,  X,  X,
};
/* clang-format on */

static unsigned value_of(unsigned char c)
{
    return c < sizeof values ? values[c] : X;
}

struct str base64_decode(struct arena *a, struct str text)
{
    unsigned char *out = arena_alloc(a, text.n / 4 * 3 + 3);
    size_t n = 0, digits = 0, pads = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned v = value_of((unsigned char)text.p[i]);
        if (v == S)
            continue;
        if (v == P) {
            pads++;
            continue;
        }
        if (v == X || pads)
            return STR_NONE;
        bits = bits << 6 | v;
        if (++digits % 4 == 0) {
            out[n++] = (unsigned char)(bits >> 16);
            out[n++] = (unsigned char)(bits >> 8);
            out[n++] = (unsigned char)bits;
        }
    }
    size_t left = digits % 4;
    if (left == 1 || (pads && (left == 0 || pads + left != 4)))
        return STR_NONE;
    if (left >= 2)
        out[n++] = (unsigned char)(left == 2 ? bits >> 4 : bits >> 10);
    if (left == 3)
        out[n++] = (unsigned char)(bits >> 2);
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
