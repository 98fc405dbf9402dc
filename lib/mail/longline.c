/* longline.c - header lines that are longer than every MTA passes on.
 *
 * Errors: false for a line that cannot be folded. */
#include "base/ascii.h"
#include "mail/address_rewrite.h"

#define COLUMNS 78 /* of a folded line (RFC 5322 2.1.1) */

bool field_has_long_line(struct str value, size_t used)
{
    if (used + value.n <= STABLE_LINE_MAX)
        return false;
    struct str line;
    for (; str_split(&value, '\n', &line); used = 0)
        if (used + line.n - (line.n && line.p[line.n - 1] == '\r') > STABLE_LINE_MAX)
            return true;
    return false;
}

/* The next piece of a line: white space, and what follows it up to the next. */
static struct str take_piece(struct str *line)
{
    size_t n = 0;
    while (n < line->n && ascii_is_wsp(line->p[n]))
        n++;
    while (n < line->n && !ascii_is_wsp(line->p[n]))
        n++;
    struct str piece = str_sub(*line, 0, n);
    *line = str_sub(*line, n, line->n);
    return piece;
}

static bool fold_line(struct strbuf *b, struct str line, size_t column)
{
    bool any = false; /* a word is there: white space alone is no line (RFC 5322 2.2.3) */
    while (line.n) {
        struct str piece = take_piece(&line);
        bool word = str_trim(piece).n > 0;
        if (any && word && column + piece.n > COLUMNS) {
            sb_addc(b, '\n');
            column = 0;
        }
        sb_add(b, piece);
        column += piece.n;
        any = any || word;
        if (column > STABLE_LINE_MAX)
            return false;
    }
    return true;
}

bool field_fold_long_lines(struct arena *a, struct str value, size_t used, struct str *out)
{
    struct strbuf b;
    struct str line;
    sb_init(&b, a);
    for (bool first = true; str_split(&value, '\n', &line); first = false, used = 0) {
        if (!first)
            sb_addc(&b, '\n');
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (used + line.n <= STABLE_LINE_MAX)
            sb_add(&b, line);
        else if (!fold_line(&b, line, used))
            return false;
    }
    *out = sb_str(&b);
    return true;
}
