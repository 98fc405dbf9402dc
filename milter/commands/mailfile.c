/* mailfile.c - a message from a file as DKIM sees it.
 *
 * Errors: false after a line on standard error. */
#include "milter/commands/mailfile.h"

static bool has_crlf(struct str text)
{
    size_t end = str_find(text, 0, '\n');
    return end > 0 && end < text.n && text.p[end - 1] == '\r';
}

static struct str lines_with_crlf(struct arena *a, struct str text)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t from = 0, end; from < text.n; from = end + 1) {
        end = str_find(text, from, '\n');
        sb_add(&b, str_sub(text, from, end));
        if (end == text.n)
            break;
        bool has_cr = end > from && text.p[end - 1] == '\r';
        sb_add(&b, has_cr ? STR("\n") : STR("\r\n"));
    }
    return sb_str(&b);
}

struct str mail_with_crlf(struct arena *a, struct str text)
{
    return has_crlf(text) ? text : lines_with_crlf(a, text);
}

struct str mail_unquote_from(struct arena *a, struct str text)
{
    struct strbuf b;
    struct str rest = text, line;
    sb_init(&b, a);
    while (str_split(&rest, '\n', &line)) {
        sb_add(&b, str_starts(line, STR(">From ")) ? str_sub(line, 1, line.n) : line);
        if (rest.p)
            sb_addc(&b, '\n');
    }
    return sb_str(&b);
}

bool mail_file_read(struct command *c, const char *path, struct mail_file *m)
{
    if (!command_read_file(c, path, &m->text))
        return false;
    m->crlf = has_crlf(m->text);
    header_list_init(&m->headers, c->arena);
    header_parse_message(&m->headers, m->text, &m->body);
    if (!m->crlf)
        m->body = lines_with_crlf(c->arena, m->body);
    return true;
}
