/* str.c - text as pointer and length.
 *
 * Errors: none. Memory comes from arenas, which never fail. */
#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"

struct str str_of(const char *cstring)
{
    return cstring ? (struct str){cstring, strlen(cstring)} : STR_NONE;
}

struct str str_copy(struct arena *a, struct str s)
{
    return s.p ? (struct str){arena_copy(a, s.p, s.n), s.n} : STR_NONE;
}

char *str_cstr(struct arena *a, struct str s)
{
    return arena_copy(a, s.p, s.n);
}

struct str str_lower(struct arena *a, struct str s)
{
    if (!s.p)
        return s;
    char *copy = arena_copy(a, s.p, s.n);
    for (size_t i = 0; i < s.n; i++)
        copy[i] = ascii_lower(copy[i]);
    return (struct str){copy, s.n};
}

struct str str_vprintf(struct arena *a, const char *format, va_list args)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_vprintf(&b, format, args);
    return sb_str(&b);
}

struct str str_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = str_vprintf(a, format, args);
    va_end(args);
    return text;
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int str_cmp_nocase(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    for (size_t i = 0; i < n; i++) {
        if (a.p[i] == b.p[i])
            continue;
        int d = (unsigned char)ascii_lower(a.p[i]) - (unsigned char)ascii_lower(b.p[i]);
        if (d)
            return d;
    }
    return (a.n > b.n) - (a.n < b.n);
}

bool str_eq_nocase(struct str a, struct str b)
{
    return a.n == b.n && str_cmp_nocase(a, b) == 0;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq_nocase(str_sub(s, 0, prefix.n), prefix);
}

bool str_ends_nocase(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq_nocase(str_sub(s, s.n - suffix.n, s.n), suffix);
}

size_t str_find(struct str s, size_t from, char c)
{
    if (from >= s.n)
        return s.n;
    const char *hit = memchr(s.p + from, c, s.n - from);
    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t str_find_last(struct str s, char c)
{
    const char *hit = s.n ? memrchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t str_find_nocase(struct str s, size_t from, struct str words)
{
    for (size_t i = from; i < s.n; i++)
        if (str_starts_nocase(str_sub(s, i, s.n), words))
            return i;
    return s.n;
}

struct str str_sub(struct str s, size_t from, size_t to)
{
    if (to > s.n)
        to = s.n;
    if (from > to)
        from = to;
    return s.p ? (struct str){s.p + from, to - from} : s;
}

static bool is_space(char c)
{
    return ascii_is_wsp(c) || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool str_split(struct str *rest, char c, struct str *part)
{
    if (!rest->p)
        return false;
    size_t at = str_find(*rest, 0, c);
    *part = str_sub(*rest, 0, at);
    *rest = at < rest->n ? str_sub(*rest, at + 1, rest->n) : STR_NONE;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t str_distance(struct str a, struct str b)
{
    size_t row[STR_DISTANCE_MAX + 1];
    if (a.n > STR_DISTANCE_MAX || b.n > STR_DISTANCE_MAX)
        return a.n > b.n ? a.n : b.n;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 0; i < a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.n; j++) {
            size_t replaced = diagonal + (a.p[i] != b.p[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(replaced, least(row[j], row[j + 1]) + 1);
        }
    }
    return row[b.n];
}

bool str_to_u64(struct str s, unsigned long long max, unsigned long long *value)
{
    unsigned long long v = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!ascii_is_digit(s.p[i]))
            return false;
        unsigned digit = (unsigned)(s.p[i] - '0');
        if (v > (max - digit) / 10 || digit > max)
            return false;
        v = v * 10 + digit;
    }
    *value = v;
    return true;
}

bool str_is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (ascii_is_8bit(s.p[i]))
            return false;
    return true;
}

size_t str_utf8(struct str s, size_t i)
{
    const unsigned char *u = (const unsigned char *)s.p + i;
    size_t left = s.n - i;
    if (u[0] >= 0xC2 && u[0] <= 0xDF && left >= 2 && (u[1] & 0xC0) == 0x80)
        return u[0] == 0xC2 && u[1] < 0xA0 ? 0 : 2;
    if ((u[0] & 0xF0) == 0xE0 && left >= 3 && (u[1] & 0xC0) == 0x80 && (u[2] & 0xC0) == 0x80) {
        if ((u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xED && u[1] > 0x9F))
            return 0;
        return 3;
    }
    if (u[0] >= 0xF0 && u[0] <= 0xF4 && left >= 4 && (u[1] & 0xC0) == 0x80 &&
        (u[2] & 0xC0) == 0x80 && (u[3] & 0xC0) == 0x80) {
        if ((u[0] == 0xF0 && u[1] < 0x90) || (u[0] == 0xF4 && u[1] > 0x8F))
            return 0;
        return 4;
    }
    return 0;
}

bool str_misleads(struct str s, size_t i)
{
    const unsigned char *u = (const unsigned char *)s.p + i;
    if (s.n - i < 3 || (u[0] & 0xF0) != 0xE0)
        return false;
    unsigned code = (u[0] & 0x0FU) << 12 | (u[1] & 0x3FU) << 6 | (u[2] & 0x3FU);
    return code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF || code >= 0xFFFE;
}

/* Of str_safe: what stays as it is. */
static bool is_safe(char c)
{
    return c >= 0x20 && c < 0x7F && c != '\\';
}

static bool all_safe(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_safe(s.p[i]))
            return false;
    return true;
}

struct str str_safe(struct arena *a, struct str s, size_t max, bool utf8)
{
    if (s.n <= max && all_safe(s)) /* nearly every text */
        return (struct str){arena_copy(a, s.p, s.n), s.n};
    static const char hex[] = "0123456789abcdef";
    static const struct str dots = STR_INIT("...");
    struct strbuf b;
    size_t cut = 0; /* the last place from which the dots still fit */
    sb_init(&b, a);
    for (size_t i = 0; i < s.n && b.n <= max;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t take = is_safe(s.p[i]);
        if (b.n + dots.n <= max)
            cut = b.n;
        if (!take && utf8 && c >= 0x80 && !str_misleads(s, i))
            take = str_utf8(s, i);
        if (take) {
            sb_add(&b, str_sub(s, i, i + take));
        } else {
            char escaped[] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
            sb_add(&b, (struct str){escaped, sizeof escaped});
        }
        i += take ? take : 1;
    }
    if (b.n > max) {
        b.n = cut;
        sb_add(&b, str_sub(dots, 0, max));
    }
    return sb_str(&b);
}

void sb_init(struct strbuf *b, struct arena *a)
{
    *b = (struct strbuf){.arena = a};
}

static void sb_reserve(struct strbuf *b, size_t more)
{
    if (more >= SIZE_MAX / 4 - b->n)
        abort();
    size_t want = b->n + more + 1;
    if (want <= b->cap)
        return;
    size_t cap = b->cap ? b->cap * 2 : 64;
    if (cap < want)
        cap = want;
    b->p = arena_grow(b->arena, b->p, b->cap, cap);
    b->cap = cap;
}

void sb_add(struct strbuf *b, struct str s)
{
    sb_reserve(b, s.n);
    if (s.n)
        memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    b->p[b->n] = '\0';
}

void sb_addc(struct strbuf *b, char c)
{
    sb_add(b, (struct str){&c, 1});
}

void sb_vprintf(struct strbuf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    sb_reserve(b, 0);
    int n = vsnprintf(b->p + b->n, b->cap - b->n, format, args);
    if (n > 0 && (size_t)n >= b->cap - b->n) {
        sb_reserve(b, (size_t)n);
        n = vsnprintf(b->p + b->n, b->cap - b->n, format, again);
    }
    if (n > 0)
        b->n += (size_t)n;
    va_end(again);
}

void sb_printf(struct strbuf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sb_vprintf(b, format, args);
    va_end(args);
}

struct str sb_str(struct strbuf *b)
{
    sb_reserve(b, 0);
    b->p[b->n] = '\0';
    return (struct str){b->p, b->n};
}
