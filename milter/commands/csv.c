/* csv.c - writes comma-separated values.
 *
 * Errors: none; the caller checks the stream. */
#include "milter/commands/csv.h"

#include <inttypes.h>
#include <string.h>

#include "base/ascii.h"

void csv_begin(struct csv *c, FILE *to)
{
    *c = (struct csv){.to = to};
}

static void separate(struct csv *c)
{
    if (c->begun)
        fputc(',', c->to);
    c->begun = true;
}

/* Writes the character at text[i]; returns its length. */
static size_t put_character(struct csv *c, struct str text, size_t i)
{
    size_t n = ascii_is_8bit(text.p[i]) ? str_utf8(text, i) : !ascii_is_control(text.p[i]);
    if (text.p[i] == '"')
        fputc('"', c->to);
    if (n && !str_misleads(text, i))
        fwrite(text.p + i, 1, n, c->to);
    else
        fputc(' ', c->to);
    return n ? n : 1;
}

void csv_text(struct csv *c, struct str text)
{
    separate(c);
    fputc('"', c->to);
    if (text.n && (strchr("=+-@", text.p[0]) || ascii_is_control(text.p[0])))
        fputc('\'', c->to);
    for (size_t i = 0; i < text.n;)
        i += put_character(c, text, i);
    fputc('"', c->to);
}

void csv_number(struct csv *c, int64_t number)
{
    separate(c);
    fprintf(c->to, "%" PRId64, number);
}

void csv_end(struct csv *c)
{
    fputs("\r\n", c->to);
    c->begun = false;
}
