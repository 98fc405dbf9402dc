/* lex.h - the pieces that structured header fields are made of (RFC 5322 3.2), read one by one.
 *
 * A lexer goes forward only: every byte is looked at once. Control characters are never part of
 * anything, unless the obsolete syntax is asked for (never NUL, CR and LF); folds are LF or CRLF
 * before white space. 8-bit bytes count as text everywhere
 * (RFC 6532); code that needs UTF-8 asks lex_is_utf8(). */
#ifndef ASSAY_MAIL_LEX_H
#define ASSAY_MAIL_LEX_H

#include "base/str.h"

#define LEX_COMMENT_DEPTH 64

struct lexer {
    struct str text;
    size_t at;
    const char *problem; /* the first thing that was wrong: a phrase; NULL if nothing was */
    bool obsolete;       /* RFC 5322 4.1: control characters in quoted strings and comments */
};

static inline struct lexer lex_begin(struct str text)
{
    return (struct lexer){.text = text};
}

/* True at the end of the text. */
static inline bool lex_end(const struct lexer *l)
{
    return l->at >= l->text.n;
}

/* True if c stands here; it is not taken. */
static inline bool lex_at(const struct lexer *l, char c)
{
    return l->at < l->text.n && l->text.p[l->at] == c;
}

/* Takes c if it stands here. */
static inline bool lex_take(struct lexer *l, char c)
{
    bool here = lex_at(l, c);
    l->at += here;
    return here;
}

/* Notes what is wrong, unless something was before; false, for the caller to return. */
bool lex_fail(struct lexer *l, const char *problem);

/* Skips comments and folding white space, if any. False on a comment that does not end or nests too
 * deeply, and on control characters. */
bool lex_cfws(struct lexer *l);

/* Takes a comment that begins here. False as lex_cfws(). */
bool lex_comment(struct lexer *l);

/* True if an atom begins here (lex_atom() will find at least one byte). */
bool lex_at_atom(const struct lexer *l);

/* Takes 1*atext, possibly none. */
struct str lex_atom(struct lexer *l);

/* Takes a quoted string that begins here, quotes and escapes as written. False if it does not end
 * or holds control characters. */
bool lex_quoted(struct lexer *l, struct str *out);

/* Takes a domain literal that begins here, brackets included. */
bool lex_literal(struct lexer *l, struct str *out);

/* The text that a quoted string stands for: no quotes, escapes or line ends. */
struct str lex_unquote(struct arena *a, struct str quoted);

/* True if all 8-bit bytes are valid UTF-8. */
bool lex_is_utf8(struct str text);

/* atext of RFC 5322 3.2.3 (8-bit bytes excluded); token characters of RFC 2045 5.1. */
bool lex_is_atext(char c);
bool lex_is_token_char(char c);

#endif
