/* quote.c - quoted strings and comments from bytes of any kind.
 *
 * Errors: none; what cannot stand in a header field is escaped or cut. */
#include "mail/quote.h"

#include <string.h>

/* Safe text with its backslashes as they were: quoting takes care of them. */
static struct str with_backslashes(struct arena *a, struct str safe)
{
    static const struct str escaped = STR_INIT("\\x5c");
    char *text = arena_copy(a, safe.p, safe.n);
    size_t n = 0;
    for (size_t i = 0; i < safe.n; i++) {
        text[n++] = safe.p[i];
        if (str_starts(str_sub(safe, i, safe.n), escaped))
            i += escaped.n - 1;
    }
    text[n] = '\0';
    return (struct str){text, n};
}

struct str quote_safe(struct arena *a, struct str text)
{
    if (str_find(text, 0, '\\') == text.n)
        return str_safe(a, text, QUOTE_MAX, true);
    struct str safe = with_backslashes(a, str_safe(a, text, 4 * QUOTE_MAX, true));
    return safe.n <= QUOTE_MAX ? safe : with_backslashes(a, str_safe(a, text, QUOTE_MAX, true));
}

/* Puts a backslash before each of the characters in `special`. */
static void add_escaped(struct strbuf *b, struct str text, const char *special)
{
    size_t added = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\\' || strchr(special, text.p[i])) {
            sb_add(b, str_sub(text, added, i));
            sb_addc(b, '\\');
            added = i;
        }
    sb_add(b, str_sub(text, added, text.n));
}

struct str quote_string(struct arena *a, struct str safe)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_addc(&b, '"');
    add_escaped(&b, safe, "\"");
    sb_addc(&b, '"');
    return sb_str(&b);
}

/* The next piece of a text: it begins with its spaces, if any, and ends before the next ones. So
 * every line has something besides white space (RFC 5322 3.2.2). */
static struct str next_piece(struct str text, size_t from)
{
    size_t to = from;
    while (to < text.n && text.p[to] == ' ')
        to++;
    return str_sub(text, from, str_find(text, to, ' '));
}

void quote_add_pieces(struct header_folder *f, struct str text)
{
    for (size_t at = 0; at < text.n;) {
        struct str piece = next_piece(text, at);
        folder_add_piece(f, piece);
        at += piece.n;
    }
}

void quote_add_pair(struct header_folder *f, struct str key, struct str value)
{
    struct strbuf b;
    sb_init(&b, f->out.arena);
    sb_add(&b, key);
    sb_addc(&b, '=');
    sb_add(&b, value);
    struct str pair = sb_str(&b);
    if (folder_fits_line(f, pair)) {
        folder_add(f, true, pair);
        return;
    }
    folder_add(f, true, str_sub(pair, 0, key.n + 1));
    quote_add_pieces(f, str_sub(pair, key.n + 1, pair.n));
}

void quote_add_comment(struct header_folder *f, struct str text)
{
    struct strbuf b;
    struct str safe = str_trim(quote_safe(f->out.arena, text)), rest, word;
    if (safe.n == 0)
        return;
    sb_init(&b, f->out.arena);
    sb_addc(&b, '(');
    add_escaped(&b, safe, "()");
    sb_addc(&b, ')');
    rest = sb_str(&b);
    while (str_split(&rest, ' ', &word))
        if (word.n > 0) /* runs of spaces are one */
            folder_add(f, true, word);
}
