/* lex.c - comments, white space, atoms, quoted strings and domain literals.
 *
 * Errors: false, and a phrase in the lexer. No recursion: comments are a counter. */
#include "mail/lex.h"

#include <string.h>

#include "base/ascii.h"

bool lex_is_atext(char c)
{
    return ascii_is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

bool lex_is_token_char(char c)
{
    return c > 0x20 && c < 0x7F && !strchr("()<>@,;:\\\"/[]?=", c);
}

bool lex_is_utf8(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_8bit(text.p[i]))
            continue;
        size_t n = str_utf8(text, i);
        if (n == 0)
            return false;
        i += n - 1;
    }
    return true;
}

bool lex_fail(struct lexer *l, const char *problem)
{
    if (!l->problem)
        l->problem = problem;
    return false;
}

/* Takes one byte of white space or one line end that folds (the text may also end with one). */
static bool take_space(struct lexer *l)
{
    size_t i = l->at;
    struct str t = l->text;
    if (i < t.n && ascii_is_wsp(t.p[i])) {
        l->at++;
        return true;
    }
    if (i + 1 < t.n && t.p[i] == '\r' && t.p[i + 1] == '\n')
        i++;
    if (i >= t.n || t.p[i] != '\n' || (i + 1 < t.n && !ascii_is_wsp(t.p[i + 1])))
        return false;
    l->at = i + 1;
    return true;
}

/* Takes one character of a comment, quoted string or literal: plain, or behind a backslash. */
static bool take_text(struct lexer *l)
{
    if (lex_take(l, '\\') && lex_end(l))
        return lex_fail(l, "a backslash ends the field");
    char c = l->text.p[l->at];
    bool allowed = c == '\t' || (l->obsolete && c != '\0' && c != '\r' && c != '\n');
    if (ascii_is_control(c) && !allowed)
        return lex_fail(l, "control character");
    l->at++;
    return true;
}

bool lex_comment(struct lexer *l)
{
    size_t depth = 0;
    while (!lex_end(l)) {
        if (lex_at(l, '(') && ++depth > LEX_COMMENT_DEPTH)
            return lex_fail(l, "comments are nested too deeply");
        if (lex_take(l, ')')) {
            if (--depth == 0)
                return true;
        } else if (!take_space(l) && !take_text(l)) {
            return false;
        }
    }
    return lex_fail(l, "a comment has no end");
}

bool lex_cfws(struct lexer *l)
{
    for (;;) {
        if (lex_at(l, '(')) {
            if (!lex_comment(l))
                return false;
        } else if (!take_space(l)) {
            break;
        }
    }
    if (!lex_end(l) && ascii_is_control(l->text.p[l->at]))
        return lex_fail(l, "control character");
    return true;
}

bool lex_at_atom(const struct lexer *l)
{
    return !lex_end(l) && (lex_is_atext(l->text.p[l->at]) || ascii_is_8bit(l->text.p[l->at]));
}

struct str lex_atom(struct lexer *l)
{
    size_t from = l->at;
    while (lex_at_atom(l))
        l->at++;
    return str_sub(l->text, from, l->at);
}

bool lex_quoted(struct lexer *l, struct str *out)
{
    size_t from = l->at++;
    while (!lex_end(l)) {
        if (lex_take(l, '"')) {
            *out = str_sub(l->text, from, l->at);
            return true;
        }
        if (!take_space(l) && !take_text(l))
            return false;
    }
    return lex_fail(l, "a quoted string has no end");
}

bool lex_literal(struct lexer *l, struct str *out)
{
    size_t from = l->at++;
    while (!lex_end(l)) {
        if (lex_take(l, ']')) {
            *out = str_sub(l->text, from, l->at);
            return true;
        }
        if (lex_at(l, '['))
            return lex_fail(l, "a domain literal within another");
        if (!take_space(l) && !take_text(l))
            return false;
    }
    return lex_fail(l, "a domain literal has no end");
}

struct str lex_unquote(struct arena *a, struct str quoted)
{
    struct str inner = str_sub(quoted, 1, quoted.n - 1); /* str_sub() stays within it */
    char *plain = arena_copy(a, inner.p, inner.n);
    size_t n = 0;
    for (size_t i = 0; i < inner.n; i++) {
        if (inner.p[i] == '\r' || inner.p[i] == '\n')
            continue;
        if (inner.p[i] == '\\' && i + 1 < inner.n)
            i++;
        plain[n++] = inner.p[i];
    }
    plain[n] = '\0';
    return (struct str){plain, n};
}
