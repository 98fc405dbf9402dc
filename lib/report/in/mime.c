/* mime.c - walks through the parts of a mail.
 *
 * Errors: none; a part that cannot be understood is a leaf with its bytes as they are. */
#include "report/in/mime.h"

#include <string.h>

#include "base/ascii.h"
#include "report/in/limits.h"

#define HEADER_MAX   (256U << 10)
#define BOUNDARY_MAX 200

struct walk {
    mime_part_fn *each;
    void *context;
    unsigned parts;
    bool ended;
};

/* What is around an entity. */
struct place {
    unsigned depth, message_depth;
    unsigned decoded; /* encoded messages around it, each of which is held in memory */
    bool in_bounce;   /* within a delivery status report */
    bool in_feedback; /* within a multipart that has a message/feedback-report */
    bool digest;
    const struct header_list *message;
};

/* --- Header fields -----------------------------------------------------------------------------*/

/* Finds the empty line that ends the header: its beginning; *body is the place behind it. Some
 * programs write a blank into that line, which makes it the end of a folded field, too: what
 * follows tells, and in the header of a part, which has nothing but Content- fields, folding has no
 * blank line. */
static size_t end_of_header(struct str text, size_t *body)
{
    size_t at = 0;
    bool of_part = true;
    while (at < text.n) {
        size_t end = str_find(text, at, '\n'), next = end < text.n ? end + 1 : end;
        struct str line = str_sub(text, at, end), rest = str_sub(text, next, text.n);
        bool folded = rest.n && ascii_is_wsp(rest.p[0]);
        if (!line.n || str_eq(line, STR("\r")) ||
            (!str_trim(line).n && !folded && (of_part || !header_name_length(rest)))) {
            *body = next;
            return at;
        }
        of_part = of_part && (ascii_is_wsp(line.p[0]) || str_starts_nocase(line, STR("Content-")));
        at = next;
    }
    *body = text.n;
    return text.n;
}

void mime_split(struct arena *a, struct str message, struct header_list *headers, struct str *body)
{
    struct str rest;
    size_t from;
    if (str_starts(message, STR("From ")) || str_starts(message, STR(">From ")))
        message = str_sub(message, str_find(message, 0, '\n') + 1, message.n);
    size_t end = end_of_header(message, &from);
    header_list_init(headers, a);
    header_parse_message(headers, str_sub(message, 0, end < HEADER_MAX ? end : HEADER_MAX), &rest);
    *body = str_sub(message, from, message.n);
}

/* Some mails have "ContentType" in place of "Content-Type". */
static bool is_named(struct str name, struct str wanted)
{
    size_t i = 0, k = 0;
    for (; i < name.n && k < wanted.n; i++) {
        if (name.p[i] == '-')
            continue;
        k += wanted.p[k] == '-';
        if (ascii_lower(name.p[i]) != ascii_lower(wanted.p[k++]))
            return false;
    }
    return i == name.n && k == wanted.n;
}

static struct str field_value(struct arena *a, const struct header_list *headers, struct str name)
{
    for (size_t i = 0; i < headers->n; i++)
        if (is_named(headers->fields[i].name, name))
            return header_unfold(a, headers->fields[i].value);
    return STR("");
}

/* The text up to the next ';' outside of quotes. */
static struct str take_section(struct str *rest)
{
    size_t i = 0;
    bool quoted = false;
    for (; i < rest->n && (quoted || rest->p[i] != ';'); i++) {
        if (rest->p[i] == '"')
            quoted = !quoted;
        else if (rest->p[i] == '\\' && quoted)
            i++;
    }
    struct str section = str_trim(str_sub(*rest, 0, i));
    *rest = str_sub(*rest, i + 1, rest->n);
    return section;
}

static struct str unquote_parameter(struct arena *a, struct str text)
{
    struct strbuf b;
    if (!text.n || text.p[0] != '"')
        return text;
    sb_init(&b, a);
    for (size_t i = 1; i < text.n && text.p[i] != '"'; i++) {
        if (text.p[i] == '\\' && i + 1 < text.n)
            i++;
        sb_addc(&b, text.p[i]);
    }
    return sb_str(&b);
}

static int hex(char c)
{
    c = ascii_lower(c);
    return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 2231 4: %XX, and charset'language' at the beginning of the first section. */
static void add_extended(struct strbuf *b, struct str text, bool first)
{
    size_t quote = str_find(text, 0, '\'');
    if (first && quote < text.n && str_find(text, quote + 1, '\'') < text.n)
        text = str_sub(text, str_find(text, quote + 1, '\'') + 1, text.n);
    for (size_t i = 0; i < text.n; i++) {
        bool escaped = text.p[i] == '%' && i + 2 < text.n && hex(text.p[i + 1]) >= 0 &&
                       hex(text.p[i + 2]) >= 0;
        if (!escaped) {
            sb_addc(b, text.p[i]);
            continue;
        }
        sb_addc(b, (char)(hex(text.p[i + 1]) << 4 | hex(text.p[i + 2])));
        i += 2;
    }
}

/* "name", "name*", "name*0", "name*0*": adds the value if the section has this parameter. */
static bool take_parameter(struct arena *a, struct str section, struct str name, struct strbuf *b)
{
    size_t equals = str_find(section, 0, '=');
    struct str key = str_trim(str_sub(section, 0, equals));
    struct str value = unquote_parameter(a, str_trim(str_sub(section, equals + 1, section.n)));
    if (equals == section.n || !str_starts_nocase(key, name))
        return false;
    struct str more = str_sub(key, name.n, key.n);
    if (more.n && more.p[0] != '*')
        return false;
    if (more.n && more.p[more.n - 1] == '*')
        add_extended(b, value, b->n == 0);
    else
        sb_add(b, value);
    return true;
}

struct str mime_parameter(struct arena *a, struct str value, struct str name)
{
    struct strbuf b;
    bool found = false;
    sb_init(&b, a);
    take_section(&value);
    for (unsigned i = 0; value.n && i < 100; i++)
        found = take_parameter(a, take_section(&value), name, &b) || found;
    return found ? sb_str(&b) : STR_NONE;
}

/* --- Transfer encodings ------------------------------------------------------------------------*/

static int base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : ascii_is_digit(c)    ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

struct str mime_decode_base64(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.n / 4 * 3 + 3);
    size_t n = 0;
    unsigned bits = 0, digits = 0;
    for (size_t i = 0; i < text.n && text.p[i] != '='; i++) {
        int digit = base64_digit(text.p[i]);
        if (digit < 0)
            continue;
        bits = (bits << 6 | (unsigned)digit) & 0xFFFFFF;
        if (++digits % 4 == 0) {
            out[n++] = (char)(bits >> 16);
            out[n++] = (char)(bits >> 8 & 0xFF);
            out[n++] = (char)(bits & 0xFF);
        }
    }
    if (digits % 4 == 2)
        out[n++] = (char)(bits >> 4 & 0xFF);
    if (digits % 4 == 3) {
        out[n++] = (char)(bits >> 10 & 0xFF);
        out[n++] = (char)(bits >> 2 & 0xFF);
    }
    return (struct str){out, n};
}

static struct str decode_quoted(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.n);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        struct str rest = str_sub(text, i, text.n);
        if (str_starts(rest, STR("=\r\n"))) {
            i += 2;
        } else if (str_starts(rest, STR("=\n"))) {
            i++;
        } else if (rest.n > 2 && rest.p[0] == '=' && hex(rest.p[1]) >= 0 && hex(rest.p[2]) >= 0) {
            out[n++] = (char)(hex(rest.p[1]) << 4 | hex(rest.p[2]));
            i += 2;
        } else {
            out[n++] = text.p[i];
        }
    }
    return (struct str){out, n};
}

static bool begins_as(struct str text, const char *const *beginnings)
{
    for (; *beginnings; beginnings++)
        if (str_starts(text, str_of(*beginnings)))
            return true;
    return false;
}

/* Some mails declare base64 and have text, others have base64 and do not declare it. */
static struct str decode_body(struct arena *a, struct str body, struct str encoding)
{
    static const char *const plain[] = {"<", "\xEF\xBB\xBF<", "{", "\x1F\x8B", "PK\x03\x04", NULL};
    static const char *const encoded[] = {"H4sI", "UEsDB", "PD94", "PGZl", "77u/PD", NULL};
    struct str text = str_trim(body);
    if (str_eq_nocase(encoding, STR("quoted-printable")) && !begins_as(text, encoded))
        return decode_quoted(a, body);
    bool base64 = str_eq_nocase(encoding, STR("base64")) && !begins_as(text, plain);
    return base64 || begins_as(text, encoded) ? mime_decode_base64(a, body) : body;
}

/* --- Parts -------------------------------------------------------------------------------------*/

static void walk_entity(struct walk *w, struct str entity, struct place place);

static void give_part(struct walk *w, const struct place *place, enum mime_kind kind,
                      struct str type, struct str bytes)
{
    const struct mime_part part = {kind, type, place->message, place->message_depth, bytes};
    if (w->ended || w->parts++ >= IN_PARTS_MAX || !w->each(w->context, &part))
        w->ended = true;
}

/* Finds the next line "--boundary" from `from` on; *end is the place behind it; *last: it is the
 * closing one. */
static size_t find_boundary(struct str body, size_t from, struct str boundary, size_t *end,
                            bool *last)
{
    for (size_t at = from; at < body.n;) {
        size_t line_end = str_find(body, at, '\n');
        struct str line = str_sub(body, at, line_end);
        *end = line_end < body.n ? line_end + 1 : line_end;
        if (line.n >= boundary.n + 2 && line.p[0] == '-' && line.p[1] == '-' &&
            memcmp(line.p + 2, boundary.p, boundary.n) == 0) {
            struct str more = str_trim(str_sub(line, 2 + boundary.n, line.n));
            *last = str_eq(more, STR("--"));
            if (*last || !more.n)
                return at;
        }
        at = *end;
    }
    *end = body.n;
    *last = true;
    return body.n;
}

/* The boundary is the line that the first part begins with, where the header does not say, or says
 * another one. */
static struct str boundary_of(struct arena *a, struct str type_field, struct str body)
{
    struct str said = str_trim(mime_parameter(a, type_field, STR("boundary")));
    size_t unused;
    bool last;
    said = str_sub(said, 0, BOUNDARY_MAX);
    if (said.n && find_boundary(body, 0, said, &unused, &last) < body.n)
        return said;
    for (size_t at = 0; at < body.n;) {
        size_t end = str_find(body, at, '\n');
        struct str line = str_trim(str_sub(body, at, end));
        if (str_starts(line, STR("--")) && line.n > 2)
            return str_sub(line, 2, 2 + BOUNDARY_MAX);
        at = end < body.n ? end + 1 : end;
    }
    return STR("");
}

static bool has_feedback_part(struct str body, struct str boundary)
{
    size_t from, to, end;
    bool last = false;
    find_boundary(body, 0, boundary, &from, &last);
    for (; !last; from = end) {
        to = find_boundary(body, from, boundary, &end, &last);
        struct str head = str_sub(body, from, to < from + 2000 ? to : from + 2000), line;
        while (str_split(&head, '\n', &line) && str_trim(line).n) {
            size_t colon = str_find(line, 0, ':');
            if (is_named(str_sub(line, 0, colon), STR("Content-Type")) && colon < line.n &&
                str_starts_nocase(str_trim(str_sub(line, colon + 1, line.n)),
                                  STR("message/feedback-report")))
                return true;
        }
    }
    return false;
}

static void walk_parts(struct walk *w, struct str body, struct str boundary, struct place place)
{
    size_t from, to, end;
    bool last = false;
    find_boundary(body, 0, boundary, &from, &last);
    for (place.depth++; !last && !w->ended; from = end) {
        to = find_boundary(body, from, boundary, &end, &last);
        walk_entity(w, str_sub(body, from, to), place);
    }
}

static bool is_of(struct str type, struct str wanted)
{
    return str_starts_nocase(type, wanted);
}

/* The role of a message within a message depends on what is around it. */
static void walk_message(struct walk *w, struct str type, struct str bytes, struct place place)
{
    if (place.in_feedback) {
        give_part(w, &place, MIME_ORIGINAL, type, bytes);
    } else if (place.in_bounce) {
        give_part(w, &place, MIME_RETURNED_MESSAGE, type, bytes);
    } else if (place.depth < IN_MAIL_DEPTH) {
        place.depth++;
        place.message_depth++;
        place.message = NULL;
        walk_entity(w, bytes, place);
    }
}

/* Some mail programs forward a message as a file of no known type. */
static bool is_message_file(struct arena *a, struct str type, struct str bytes)
{
    struct header_list headers;
    struct str body;
    if (!is_of(type, STR("application/octet-stream")) || !bytes.n || !ascii_is_alpha(bytes.p[0]))
        return false;
    mime_split(a, bytes, &headers, &body);
    return header_get(&headers, STR("From"), 0) && header_get(&headers, STR("Content-Type"), 0);
}

static void walk_leaf(struct walk *w, struct arena *a, struct str type, struct str encoding,
                      struct str body, struct place place)
{
    struct str bytes = place.decoded > IN_DECODED_MAX ? STR("") : decode_body(a, body, encoding);
    place.decoded += bytes.p != body.p;
    if (is_of(type, STR("message/feedback-report")))
        give_part(w, &place, MIME_FEEDBACK, type, bytes);
    else if (is_of(type, STR("message/rfc822")) || is_of(type, STR("message/global")) ||
             is_of(type, STR("text/rfc822-headers")) || (place.digest && !type.n) ||
             is_message_file(a, type, bytes))
        walk_message(w, type, bytes, place);
    else
        give_part(w, &place, MIME_LEAF, type, bytes);
}

static void walk_multipart(struct walk *w, struct arena *a, struct str type, struct str field,
                           struct str body, struct place place)
{
    struct str boundary = boundary_of(a, field, body);
    if (is_of(type, STR("multipart/report"))) {
        struct str report = mime_parameter(a, field, STR("report-type"));
        place.in_bounce = place.in_bounce || str_starts_nocase(report, STR("delivery-status")) ||
                          str_starts_nocase(report, STR("disposition-notification"));
    }
    place.digest = is_of(type, STR("multipart/digest"));
    if (!boundary.n) {
        give_part(w, &place, MIME_LEAF, type, body);
        return;
    }
    place.in_feedback = place.in_feedback || has_feedback_part(body, boundary);
    walk_parts(w, body, boundary, place);
}

static void walk_entity(struct walk *w, struct str entity, struct place place)
{
    struct header_list headers;
    struct str body;
    struct arena *a = arena_new(0);
    mime_split(a, entity, &headers, &body);
    if (!place.message)
        place.message = &headers;
    struct str field = str_trim(field_value(a, &headers, STR("Content-Type"))), rest = field;
    struct str type = str_lower(a, take_section(&rest));
    struct str encoding = str_trim(field_value(a, &headers, STR("Content-Transfer-Encoding")));
    if (is_of(type, STR("multipart/")) && place.depth < IN_MAIL_DEPTH)
        walk_multipart(w, a, type, field, body, place);
    else
        walk_leaf(w, a, type, encoding, body, place);
    arena_free(a);
}

void mime_walk(struct str message, mime_part_fn *each, void *context)
{
    struct walk w = {.each = each, .context = context};
    walk_entity(&w, message, (struct place){0});
}
