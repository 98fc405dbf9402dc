/* quote.h - text from the network, written into structured header fields. */
#ifndef ASSAY_MAIL_QUOTE_H
#define ASSAY_MAIL_QUOTE_H

#include "mail/header.h"

/* The most bytes of a value or comment before quoting: a path has no more (RFC 5321 4.5.3.1.3).
 * With every byte escaped, a line stays below the 998 of RFC 5322 2.1.1. */
#define QUOTE_MAX 256

/* Text made safe and cut, as it goes into a comment or quoted string: as str_safe() has it, but for
 * backslashes, which stay. So what is quoted is read back as the same text, if it is printable. */
struct str quote_safe(struct arena *a, struct str text);

/* A quoted string (RFC 5322 3.2.4) of safe text. */
struct str quote_string(struct arena *a, struct str safe);

/* Adds a text that may be folded before its spaces, so that unfolding restores it. */
void quote_add_pieces(struct header_folder *f, struct str text);

/* Adds white space and "key=value"; the value may be a quoted string. What is too long for a line
 * is folded behind the '=' and within the quotes, so that unfolding gives the same text. */
void quote_add_pair(struct header_folder *f, struct str key, struct str value);

/* Adds white space and the text, made safe, as a comment; nothing if it is empty. */
void quote_add_comment(struct header_folder *f, struct str text);

#endif
