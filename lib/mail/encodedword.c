/* encodedword.c - encoded words (RFC 2047), wherever they stand.
 *
 * Decoders differ in what they make of words in bad form. So only what all of them read alike is
 * decoded, and everything else is said to be unclear.
 *
 * Errors: false. */
#include "mail/encodedword.h"

#include <string.h>

#include "base/ascii.h"

#define REPLACEMENT STR("\xef\xbf\xbd") /* U+FFFD: part of no domain name */

enum charset {
    CHARSET_UNKNOWN,
    CHARSET_UTF8,
    CHARSET_LATIN1, /* and windows-1252 */
    CHARSET_ASCII,  /* one in which bytes below 0x80 are ASCII, or belong to a wide character */
};

struct word {
    enum charset charset;
    char encoding; /* 'b' or 'q' */
    struct str text;
    size_t end; /* behind its "?=" */
};

bool encoded_words_in(struct str text)
{
    return text.n && memmem(text.p, text.n, "=?", 2);
}

size_t wide_at_sign(struct str text, size_t i)
{
    static const char signs[] = "\x81\x97\xa1\xf7\xa3\xc0\xa9\x88\xa2I\xa2N"; /* two bytes each */
    for (const char *sign = signs; *sign; sign += 2)
        if (i + 1 < text.n && memcmp(text.p + i, sign, 2) == 0)
            return 2;
    return 0;
}

/* The charset, whatever language (RFC 2231 5) stands behind it. ISO-2022-JP and its like are
 * unknown: they hide text behind escapes. */
static enum charset find_charset(struct str name)
{
    static const struct str ascii[] = {
        STR_INIT("us-ascii"),  STR_INIT("ascii"),  STR_INIT("gb2312"),         STR_INIT("gbk"),
        STR_INIT("shift_jis"), STR_INIT("big5"),   STR_INIT("euc-jp"),         STR_INIT("euc-kr"),
        STR_INIT("koi8-r"),    STR_INIT("koi8-u"), STR_INIT("ks_c_5601-1987"),
    };
    name.n = str_find(name, 0, '*');
    if (str_eq_nocase(name, STR("utf-8")) || str_eq_nocase(name, STR("utf8")))
        return CHARSET_UTF8;
    if (str_eq_nocase(name, STR("iso-8859-1")) || str_eq_nocase(name, STR("windows-1252")))
        return CHARSET_LATIN1;
    if (str_starts_nocase(name, STR("iso-8859-")) || str_starts_nocase(name, STR("windows-125")))
        return CHARSET_ASCII;
    for (size_t i = 0; i < sizeof ascii / sizeof *ascii; i++)
        if (str_eq_nocase(name, ascii[i]))
            return CHARSET_ASCII;
    return CHARSET_UNKNOWN;
}

/* The word that begins at `at` with "=?". False if it is none, or its charset is unknown. */
static bool read_word(struct str text, size_t at, struct word *w)
{
    size_t charset = at + 2, encoding = str_find(text, charset, '?') + 1;
    if (encoding + 1 >= text.n || text.p[encoding + 1] != '?')
        return false;
    w->charset = find_charset(str_sub(text, charset, encoding - 1));
    w->encoding = ascii_lower(text.p[encoding]);
    size_t from = encoding + 2, end = str_find(text, from, '?');
    if (end + 1 >= text.n || text.p[end + 1] != '=')
        return false;
    w->text = str_sub(text, from, end);
    w->end = end + 2;
    if (w->end < text.n && text.p[w->end] == '?')
        return false; /* "?=?": its last byte may begin another word */
    return w->charset != CHARSET_UNKNOWN && (w->encoding == 'b' || w->encoding == 'q');
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_q(struct strbuf *b, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i] == '_' ? ' ' : text.p[i];
        if (c == '=') {
            if (i + 2 >= text.n)
                return false;
            int high = hex_digit(text.p[i + 1]), low = hex_digit(text.p[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        sb_addc(b, c);
    }
    return true;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* With or without padding; nothing else may be missing or too much. */
static bool decode_b(struct strbuf *b, struct str text)
{
    unsigned bits = 0, held = 0;
    size_t padding = str_ends_nocase(text, STR("==")) ? 2 : str_ends_nocase(text, STR("=")) ? 1 : 0;
    size_t digits = text.n - padding;
    if (digits % 4 == 1 || (padding && text.n % 4 != 0))
        return false;
    for (size_t i = 0; i < digits; i++) {
        int digit = base64_digit(text.p[i]);
        if (digit < 0)
            return false;
        bits = (bits << 6 | (unsigned)digit) & 0xFFF;
        held += 6;
        if (held >= 8) {
            held -= 8;
            sb_addc(b, (char)(bits >> held & 0xFF));
        }
    }
    return true;
}

static void add_latin1(struct strbuf *b, char c)
{
    unsigned char code = (unsigned char)c;
    if (code < 0xA0) { /* windows-1252 has characters there, which programs show */
        sb_add(b, REPLACEMENT);
        return;
    }
    sb_addc(b, (char)(0xC0 | code >> 6));
    sb_addc(b, (char)(0x80 | (code & 0x3F)));
}

static void add_as_utf8(struct strbuf *b, struct str bytes, enum charset charset)
{
    for (size_t i = 0; i < bytes.n; i++) {
        size_t wide = charset == CHARSET_ASCII ? wide_at_sign(bytes, i) : 0;
        if (charset == CHARSET_UTF8 || !ascii_is_8bit(bytes.p[i])) {
            sb_addc(b, bytes.p[i]);
        } else if (wide) {
            sb_addc(b, '@');
            i += wide - 1;
        } else if (charset == CHARSET_LATIN1) {
            add_latin1(b, bytes.p[i]);
        } else {
            sb_add(b, REPLACEMENT);
        }
    }
}

static bool decode_word(struct strbuf *b, const struct word *w)
{
    struct strbuf bytes;
    sb_init(&bytes, b->arena);
    if (!(w->encoding == 'b' ? decode_b(&bytes, w->text) : decode_q(&bytes, w->text)))
        return false;
    add_as_utf8(b, sb_str(&bytes), w->charset);
    return true;
}

bool encoded_words_decode(struct arena *a, struct str text, bool joined, struct str *out)
{
    struct strbuf b;
    struct word w;
    sb_init(&b, a);
    for (size_t at = 0; at < text.n; at = w.end) {
        const char *found = memmem(text.p + at, text.n - at, "=?", 2);
        size_t begin = found ? (size_t)(found - text.p) : text.n;
        struct str between = str_sub(text, at, begin);
        bool behind_word = at > 0 && found;
        if (!joined || !behind_word || str_trim(between).n)
            sb_add(&b, between);
        if (!found)
            break;
        if (!read_word(text, begin, &w) || !decode_word(&b, &w))
            return false;
    }
    *out = sb_str(&b);
    return !encoded_words_in(*out);
}
