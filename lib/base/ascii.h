/* ascii.h - kinds of bytes, whatever the locale. Bytes above 0x7F are of none. */
#ifndef ASSAY_BASE_ASCII_H
#define ASSAY_BASE_ASCII_H

#include <stdbool.h>

static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool ascii_is_alnum(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c);
}

static inline bool ascii_is_hex(char c)
{
    return ascii_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* WSP of RFC 5234: space and tab. */
static inline bool ascii_is_wsp(char c)
{
    return c == ' ' || c == '\t';
}

/* CTL of RFC 5234: below space, and DEL. */
static inline bool ascii_is_control(char c)
{
    return (c >= 0 && c < 0x20) || c == 0x7F;
}

static inline bool ascii_is_8bit(char c)
{
    return (unsigned char)c >= 0x80;
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

#endif
