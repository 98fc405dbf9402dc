/* terminal.c - text from the network on a terminal.
 *
 * Errors: none; without the locale C.UTF-8 every character takes one column. */
#include "milter/commands/terminal.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#define DOTS           STR("...")
#define BYTES_A_COLUMN 8 /* characters that take no column are not many */

bool terminal_obeys(int fd)
{
    struct str type = str_of(getenv("TERM"));
    return type.n && !str_eq(type, STR("dumb")) && isatty(fd);
}

bool terminal_has_colours(int fd)
{
    return str_of(getenv("NO_COLOR")).n == 0 && terminal_obeys(fd);
}

/* The character that begins at s[i] and takes n bytes there, n as str_utf8() says. */
static wchar_t character_at(struct str s, size_t i, size_t n)
{
    unsigned code = (unsigned char)s.p[i];
    if (n)
        code &= 0x7FU >> n;
    for (size_t k = 1; k < n; k++)
        code = code << 6 | ((unsigned char)s.p[i + k] & 0x3FU);
    return (wchar_t)code;
}

/* The longest beginning of at most `most` columns, in bytes; *width: its columns. */
static size_t fitting(struct str s, size_t most, size_t *width)
{
    size_t i = 0;
    *width = 0;
    while (i < s.n) {
        size_t n = str_utf8(s, i);
        int columns = wcwidth(character_at(s, i, n));
        size_t wide = columns < 0 ? 1 : (size_t)columns;
        if (*width + wide > most)
            break;
        *width += wide;
        i += n ? n : 1;
    }
    return i;
}

/* setlocale() is never called, so wcwidth() would know ASCII alone. */
static size_t fitting_utf8(struct str s, size_t most, size_t *width)
{
    if (str_is_ascii(s))
        return *width = s.n < most ? s.n : most;
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
    size_t n = fitting(s, most, width);
    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }
    return n;
}

struct str terminal_column(struct arena *a, struct str text, size_t width)
{
    struct str safe = str_safe(a, text.p ? text : STR(""), BYTES_A_COLUMN * width, true);
    struct strbuf b;
    size_t used, n = fitting_utf8(safe, width, &used);
    sb_init(&b, a);
    if (n < safe.n && width >= DOTS.n) {
        n = fitting_utf8(safe, width - DOTS.n, &used);
        sb_add(&b, str_sub(safe, 0, n));
        sb_add(&b, DOTS);
        used += DOTS.n;
    } else {
        sb_add(&b, str_sub(safe, 0, n));
    }
    for (; used < width; used++)
        sb_addc(&b, ' ');
    return sb_str(&b);
}

static void add_line(struct strbuf *b, struct str line)
{
    struct str part;
    bool first = true;
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    while (str_split(&line, '\t', &part)) {
        if (!first)
            sb_addc(b, '\t');
        sb_add(b, str_safe(b->arena, part, SIZE_MAX / 2, true));
        first = false;
    }
}

struct str terminal_text(struct arena *a, struct str text)
{
    struct strbuf b;
    struct str line;
    sb_init(&b, a);
    if (text.n && text.p[text.n - 1] == '\n')
        text.n--;
    while (str_split(&text, '\n', &line)) {
        add_line(&b, line);
        sb_addc(&b, '\n');
    }
    return sb_str(&b);
}

/* The bytes of the character at text[i] that may pass; 0: none. */
static size_t harmless_at(struct str text, size_t i)
{
    unsigned char c = (unsigned char)text.p[i];
    if (c >= 0x80)
        return str_misleads(text, i) ? 0 : str_utf8(text, i);
    return (c >= 0x20 && c != 0x7F) || c == '\n' || c == '\t';
}

struct str terminal_harmless(struct arena *a, struct str text)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n;) {
        size_t n = harmless_at(text, i);
        if (n)
            sb_add(&b, str_sub(text, i, i + n));
        else
            sb_printf(&b, "\\x%02x", (unsigned)(unsigned char)text.p[i]);
        i += n ? n : 1;
    }
    return sb_str(&b);
}
