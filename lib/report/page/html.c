/* html.c - writes HTML.
 *
 * Errors: a conversion that html_put() does not know is a bug. */
#include "report/page/html.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"

#define REPLACEMENT "\xef\xbf\xbd"

void html_init(struct html *h, struct arena *a)
{
    sb_init(&h->out, a);
}

struct str html_str(struct html *h)
{
    return sb_str(&h->out);
}

/* --- Texts -------------------------------------------------------------------------------------*/

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Writes the character at *i and moves *i behind it. */
static void put_character(struct strbuf *b, struct str s, size_t *i, bool lines)
{
    unsigned char c = (unsigned char)s.p[*i];
    size_t n = c < 0x80 ? 1 : str_utf8(s, *i);
    const char *entity = entity_of((char)c);
    if (entity)
        sb_add(b, str_of(entity));
    else if (n == 1 && ((c >= 0x20 && c < 0x7f) || (lines && (c == '\n' || c == '\t'))))
        sb_addc(b, (char)c);
    else if (n > 1 && !str_misleads(s, *i))
        sb_add(b, str_sub(s, *i, *i + n));
    else if (!lines || c != '\r')
        sb_add(b, STR(REPLACEMENT));
    *i += n ? n : 1;
}

static void put_text(struct strbuf *b, struct str s)
{
    size_t i = 0;
    while (i < s.n && i < HTML_TEXT_MAX)
        put_character(b, s, &i, false);
    if (i < s.n)
        sb_add(b, STR("…"));
}

void html_text(struct html *h, struct str text)
{
    put_text(&h->out, text);
}

void html_long_text(struct html *h, struct str text)
{
    for (size_t i = 0; i < text.n;)
        put_character(&h->out, text, &i, true);
}

void html_url(struct strbuf *b, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (ascii_is_alnum(c) || (c && strchr("-._~", c)))
            sb_addc(b, c);
        else
            sb_printf(b, "%%%02X", (unsigned)(unsigned char)c);
    }
}

/* --- Numbers -----------------------------------------------------------------------------------*/

void html_number(struct html *h, uint64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, n);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            sb_addc(&h->out, ',');
        sb_addc(&h->out, digits[i]);
    }
}

/* --- Formats -----------------------------------------------------------------------------------*/

/* %ld, %lu, %zu. */
static size_t put_long(struct html *h, const char *p, va_list *args)
{
    if (p[2] == 'd')
        sb_printf(&h->out, "%ld", va_arg(*args, long));
    else
        sb_printf(&h->out, "%lu", va_arg(*args, unsigned long));
    assert(p[2] == 'u' || (p[1] == 'l' && p[2] == 'd'));
    return 3;
}

/* %.*s and %.3f. */
static size_t put_precise(struct html *h, const char *p, va_list *args)
{
    if (p[2] == '*') {
        int n = va_arg(*args, int);
        assert(p[3] == 's');
        put_text(&h->out, (struct str){va_arg(*args, const char *), (size_t)n});
    } else {
        assert(p[2] >= '0' && p[2] <= '9' && p[3] == 'f');
        sb_printf(&h->out, "%.*f", p[2] - '0', va_arg(*args, double));
    }
    return 4;
}

/* Writes one conversion; returns how many bytes of the format it has. */
static size_t put_conversion(struct html *h, const char *p, va_list *args)
{
    char c;
    switch (p[1]) {
    case '%':
        sb_addc(&h->out, '%');
        return 2;
    case 's':
        put_text(&h->out, str_of(va_arg(*args, const char *)));
        return 2;
    case 'd':
        sb_printf(&h->out, "%d", va_arg(*args, int));
        return 2;
    case 'u':
        sb_printf(&h->out, "%u", va_arg(*args, unsigned));
        return 2;
    case 'c':
        c = (char)va_arg(*args, int);
        put_text(&h->out, (struct str){&c, 1});
        return 2;
    case '.':
        return put_precise(h, p, args);
    default:
        return put_long(h, p, args);
    }
}

void html_put(struct html *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    while (*format) {
        size_t plain = strcspn(format, "%");
        sb_add(&h->out, (struct str){format, plain});
        format += plain;
        if (*format)
            format += put_conversion(h, format, &args);
    }
    va_end(args);
}
