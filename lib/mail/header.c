/* header.c - header fields in order, whole messages split into them, and folding.
 *
 * Errors: none; memory comes from arenas, which never fail. */
#include "mail/header.h"

#include <stddef.h>
#include <string.h>

#include "base/ascii.h"

#define LINE_COLUMNS 78 /* RFC 5322 2.1.1: SHOULD */

void header_list_init(struct header_list *list, struct arena *a)
{
    *list = (struct header_list){.arena = a};
}

void header_list_add(struct header_list *list, struct str name, struct str value)
{
    list->fields =
        arena_extend(list->arena, list->fields, list->n, &list->cap, sizeof *list->fields);
    struct header_field *field = &list->fields[list->n++];
    header_field_name(field, str_copy(list->arena, name));
    field->value = str_copy(list->arena, value);
}

size_t header_list_cost(const struct header_list *list, size_t bytes)
{
    size_t array = list->n < list->cap ? 0 : (list->cap ? 2 * list->cap : 8) * sizeof *list->fields;
    return array + bytes + 4 * sizeof(max_align_t); /* two texts, each with a NUL and rounded up */
}

size_t header_count(const struct header_list *list, struct str name)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        n += str_eq_nocase(list->fields[i].name, name);
    return n;
}

const struct header_field *header_get(const struct header_list *list, struct str name, size_t k)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_eq_nocase(list->fields[i].name, name) && k-- == 0)
            return &list->fields[i];
    return NULL;
}

struct header_list *header_list_view(struct arena *a, const struct header_list *list)
{
    struct header_list *view = arena_make(a, struct header_list);
    header_list_init(view, a);
    view->n = view->cap = list->n;
    view->fields = arena_array(a, struct header_field, list->n);
    if (list->n)
        memcpy(view->fields, list->fields, list->n * sizeof *list->fields);
    return view;
}

struct str header_unfold(struct arena *a, struct str value)
{
    value = str_trim(value);
    if (str_find(value, 0, '\n') == value.n && str_find(value, 0, '\r') == value.n)
        return value;
    char *line = arena_copy(a, value.p, value.n);
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != '\r' && value.p[i] != '\n')
            line[n++] = value.p[i];
    line[n] = '\0';
    return (struct str){line, n};
}

/* The line that begins at `at`: its text without the line end, and where the next one begins. */
static struct str line_at(struct str text, size_t at, size_t *next)
{
    size_t end = str_find(text, at, '\n');
    *next = end < text.n ? end + 1 : end;
    if (end < text.n && end > at && text.p[end - 1] == '\r')
        end--;
    return str_sub(text, at, end);
}

/* RFC 5322 3.6.8 ftext */
static bool is_name_char(char c)
{
    return c > 0x20 && c < 0x7F && c != ':';
}

bool header_is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!is_name_char(name.p[i]))
            return false;
    return name.n > 0;
}

size_t header_name_length(struct str text)
{
    size_t n = 0;
    while (n < text.n && is_name_char(text.p[n]))
        n++;
    size_t colon = n;
    while (colon < text.n && ascii_is_wsp(text.p[colon]))
        colon++;
    return colon < text.n && text.p[colon] == ':' ? n : 0;
}

void header_parse_message(struct header_list *list, struct str message, struct str *body)
{
    size_t at = 0, next;
    for (;;) {
        struct str line = line_at(message, at, &next), name = line;
        name.n = header_name_length(line);
        if (name.n == 0)
            break; /* the end of the text as well */
        name.n = str_find(line, name.n, ':');
        size_t from = at + name.n + 1, to = at + line.n;
        while (next < message.n && ascii_is_wsp(message.p[next])) {
            line = line_at(message, next, &next);
            to = (size_t)(line.p - message.p) + line.n;
        }
        header_list_add(list, name, str_sub(message, from, to));
        at = next;
    }
    if (line_at(message, at, &next).n == 0)
        at = next;
    *body = str_sub(message, at, message.n);
}

void folder_init(struct header_folder *f, struct arena *a, size_t used)
{
    *f = (struct header_folder){.column = used};
    sb_init(&f->out, a);
}

void folder_break(struct header_folder *f)
{
    sb_add(&f->out, STR("\n\t"));
    f->column = 1;
}

/* True if n columns more fit the current line. */
static bool has_room(const struct header_folder *f, size_t n)
{
    return f->column + n + f->reserve <= LINE_COLUMNS;
}

static void add_text(struct header_folder *f, struct str text)
{
    sb_add(&f->out, text);
    f->column += text.n;
}

void folder_add(struct header_folder *f, bool space, struct str atom)
{
    if (space && !has_room(f, 1 + atom.n))
        folder_break(f);
    else if (space)
        add_text(f, STR(" "));
    add_text(f, atom);
}

void folder_add_piece(struct header_folder *f, struct str piece)
{
    bool own_space = piece.n > 0 && piece.p[0] == ' ';
    if (!has_room(f, piece.n)) {
        sb_add(&f->out, own_space ? STR("\n") : STR("\n\t"));
        f->column = own_space ? 0 : 1;
    }
    add_text(f, piece);
}

bool folder_fits_line(const struct header_folder *f, struct str atom)
{
    return 1 + atom.n + f->reserve <= LINE_COLUMNS;
}

struct str folder_str(struct header_folder *f)
{
    return sb_str(&f->out);
}
