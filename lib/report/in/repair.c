/* repair.c - the second try at a report that is not well-formed.
 *
 * Errors: none; whatever comes in, something goes out. */
#include "report/in/repair.h"

#include <string.h>

#include "base/ascii.h"
#include "report/in/elements.h"

enum state {
    BEFORE,      /* the first tag, or the one behind a declaration */
    TEXT,        /* between tags */
    TAG,         /* "<" and what may be a name are held */
    KEPT_TAG,    /* the name was written; attributes are not */
    DROPPED_TAG, /* nothing of it is written */
    BANG,        /* "<!" is held, with what follows */
    COMMENT,
    CDATA,
    DECLARATION, /* <? ... > */
    ENTITY,      /* "&" and what follows are held */
    DONE,
};

/* --- Out ---------------------------------------------------------------------------------------*/

static void repair_flush(struct repair *r)
{
    if (r->n_out)
        r->sink(r->context, r->out, r->n_out);
    r->n_out = 0;
}

static void repair_put(struct repair *r, char c)
{
    if (r->n_out == sizeof r->out)
        repair_flush(r);
    r->out[r->n_out++] = c;
}

static void put_text(struct repair *r, struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        repair_put(r, text.p[i]);
}

/* --- Tags --------------------------------------------------------------------------------------*/

static void next_char(struct repair *r, char c);

static void hold(struct repair *r, enum state state, char c)
{
    r->state = state;
    r->held[0] = c;
    r->n_held = 1;
}

/* What was held is no more than text: its first character is escaped, the rest is read again. */
static void release(struct repair *r, const char *escape)
{
    char held[sizeof r->held];
    size_t n = r->n_held;
    memcpy(held, r->held, n);
    r->state = TEXT;
    r->n_held = 0;
    put_text(r, str_of(escape));
    for (size_t i = 1; i < n; i++)
        next_char(r, held[i]);
}

static bool is_name_char(char c)
{
    return ascii_is_alnum(c) || c == ':' || c == '_' || c == '-' || c == '.' || ascii_is_8bit(c);
}

static bool is_space(char c)
{
    return ascii_is_wsp(c) || c == '\n' || c == '\r';
}

static bool closes(const struct repair *r)
{
    return r->n_held > 1 && r->held[1] == '/';
}

static struct str held_name(const struct repair *r)
{
    size_t from = closes(r) ? 2 : 1;
    return (struct str){r->held + from, r->n_held - from};
}

/* The name is complete: c stands behind it. */
static void begin_tag(struct repair *r, char c)
{
    struct str name = in_local_name(held_name(r));
    enum in_element element = in_element_of(name);
    r->state = element == IN_UNKNOWN ? DROPPED_TAG : KEPT_TAG;
    r->quote = 0;
    if (r->state == KEPT_TAG) {
        put_text(r, closes(r) ? STR("</") : STR("<"));
        put_text(r, name);
    }
    bool ends = element == IN_FEEDBACK && closes(r);
    r->n_held = 0;
    if (ends) {
        repair_put(r, '>');
        r->state = DONE;
        return;
    }
    next_char(r, c);
}

/* Behind "<": the name of a tag, or something that begins none. */
static void in_tag(struct repair *r, char c)
{
    bool first = r->n_held == 1 || (r->n_held == 2 && closes(r));
    if (r->n_held == 1 && c == '?') {
        r->state = DECLARATION;
    } else if (r->n_held == 1 && c == '!') {
        r->state = BANG;
        r->held[r->n_held++] = c;
    } else if (r->n_held == 1 && c == '/') {
        r->held[r->n_held++] = c;
    } else if (r->n_held < sizeof r->held && is_name_char(c) &&
               (!first || !(ascii_is_digit(c) || c == '-' || c == '.'))) {
        r->held[r->n_held++] = c;
    } else if (!first && (is_space(c) || c == '>' || c == '/' || c == '<')) {
        begin_tag(r, c);
    } else {
        release(r, "&lt;");
        next_char(r, c);
    }
}

/* Up to the end of a tag. A "<" ends it too: that somebody had forgotten. */
static void within_tag(struct repair *r, char c)
{
    bool kept = r->state == KEPT_TAG, slash = r->quote == '/';
    if (c == '>' || c == '<') {
        if (kept)
            put_text(r, slash && c == '>' ? STR("/>") : STR(">"));
        r->state = TEXT;
        if (c == '<')
            hold(r, TAG, c);
        return;
    }
    r->quote = c == '/' ? '/' : 0; /* the last character alone counts */
}

static void enter(struct repair *r, enum state state)
{
    r->state = state;
    r->n_held = 0;
}

/* "<!" and what follows: a comment, CDATA, or a DOCTYPE. */
static void in_bang(struct repair *r, char c)
{
    static const char comment[] = "<!--", cdata[] = "<![CDATA[";
    r->held[r->n_held++] = c;
    if (r->n_held == sizeof comment - 1 && memcmp(r->held, comment, r->n_held) == 0)
        enter(r, COMMENT);
    else if (r->n_held == sizeof cdata - 1 && memcmp(r->held, cdata, r->n_held) == 0)
        enter(r, CDATA);
    else if (memcmp(r->held, comment, r->n_held < 4 ? r->n_held : 4) != 0 &&
             memcmp(r->held, cdata, r->n_held < 9 ? r->n_held : 9) != 0) {
        put_text(r, (struct str){r->held, r->n_held});
        r->state = TEXT; /* a DOCTYPE: for the parser */
        r->n_held = 0;
    }
}

/* Three characters are held, then two again: true at the end of what they are in. */
static bool ends_with(struct repair *r, char c, const char three[4], char *oldest)
{
    *oldest = 0;
    r->held[r->n_held++] = c;
    if (r->n_held < 3)
        return false;
    if (memcmp(r->held, three, 3) == 0) {
        r->state = TEXT;
        r->n_held = 0;
        return true;
    }
    *oldest = r->held[0];
    memmove(r->held, r->held + 1, 2);
    r->n_held = 2;
    return false;
}

static void in_comment(struct repair *r, char c)
{
    char unused;
    ends_with(r, c, "-->", &unused);
}

/* Its text is written as text. */
static void in_cdata(struct repair *r, char c)
{
    char oldest;
    if (ends_with(r, c, "]]>", &oldest) || !oldest)
        return;
    if (oldest == '<' || oldest == '&')
        put_text(r, oldest == '<' ? STR("&lt;") : STR("&amp;"));
    else
        repair_put(r, oldest);
}

/* --- Entities ----------------------------------------------------------------------------------*/

static bool is_named(struct str name)
{
    return str_eq(name, STR("lt")) || str_eq(name, STR("gt")) || str_eq(name, STR("amp")) ||
           str_eq(name, STR("quot")) || str_eq(name, STR("apos"));
}

/* "#65" or "#x41", of a character that XML may have. */
static bool is_numbered(struct str name)
{
    unsigned long value = 0;
    bool hex = name.n > 1 && (name.p[1] == 'x' || name.p[1] == 'X');
    if (name.n < (hex ? 3U : 2U) || name.p[0] != '#' || name.n > 9)
        return false;
    for (size_t i = hex ? 2 : 1; i < name.n; i++) {
        char c = ascii_lower(name.p[i]);
        if (!(hex ? ascii_is_hex(c) : ascii_is_digit(c)))
            return false;
        unsigned long digit =
            ascii_is_digit(c) ? (unsigned long)(c - '0') : (unsigned long)(c - 'a') + 10;
        value = value * (hex ? 16 : 10) + digit;
    }
    return value == 9 || value == 10 || value == 13 || (value >= 32 && value < 0xD800) ||
           (value >= 0xE000 && value < 0xFFFE) || (value >= 0x10000 && value < 0x110000);
}

static void in_entity(struct repair *r, char c)
{
    if (c != ';') {
        if (r->n_held < 12 && (ascii_is_alnum(c) || c == '#')) {
            r->held[r->n_held++] = c;
            return;
        }
        release(r, "&amp;");
        next_char(r, c);
        return;
    }
    struct str name = {r->held + 1, r->n_held - 1};
    if (is_named(name) || is_numbered(name)) {
        put_text(r, (struct str){r->held, r->n_held});
        repair_put(r, ';');
    } else if (name.n && name.p[0] == '#') {
        repair_put(r, ' '); /* a control character */
    } else {
        release(r, "&amp;");
        next_char(r, c);
        return;
    }
    r->state = TEXT;
    r->n_held = 0;
}

/* --- Characters --------------------------------------------------------------------------------*/

static void in_text(struct repair *r, char c)
{
    if (c == '<')
        hold(r, TAG, c);
    else if (c == '&' && r->state == TEXT)
        hold(r, ENTITY, c);
    else if (r->state == TEXT)
        repair_put(r, c);
}

static void next_char(struct repair *r, char c)
{
    switch ((enum state)r->state) {
    case BEFORE:
    case TEXT:
        in_text(r, c);
        break;
    case TAG:
        in_tag(r, c);
        break;
    case KEPT_TAG:
    case DROPPED_TAG:
        within_tag(r, c);
        break;
    case BANG:
        in_bang(r, c);
        break;
    case COMMENT:
        in_comment(r, c);
        break;
    case CDATA:
        in_cdata(r, c);
        break;
    case DECLARATION:
        if (c == '>')
            r->state = BEFORE;
        break;
    case ENTITY:
        in_entity(r, c);
        break;
    case DONE:
        break;
    }
}

static void put_replacement(struct repair *r)
{
    next_char(r, '\xEF');
    next_char(r, '\xBF');
    next_char(r, '\xBD');
}

unsigned repair_windows_1252(unsigned char byte)
{
    static const unsigned short upper[32] = {
        0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178,
    };
    return byte >= 0x80 && byte < 0xA0 ? upper[byte - 0x80] : byte;
}

static void put_unicode(struct repair *r, unsigned c)
{
    if (c >= 0x800) {
        next_char(r, (char)(0xE0 | c >> 12));
        next_char(r, (char)(0x80 | (c >> 6 & 0x3F)));
    } else {
        next_char(r, (char)(0xC0 | c >> 6));
    }
    next_char(r, (char)(0x80 | (c & 0x3F)));
}

static size_t length_of_sequence(char first)
{
    unsigned char c = (unsigned char)first;
    return c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
}

/* A complete sequence is text, or the control characters and others that XML does not have. */
static void end_sequence(struct repair *r)
{
    struct str s = {r->sequence, r->n_sequence};
    bool unwanted = s.n == 3 && memcmp(s.p, "\xEF\xBF", 2) == 0 && (unsigned char)s.p[2] >= 0xBE;
    r->n_sequence = 0;
    if (str_utf8(s, 0) != s.n || unwanted) {
        put_replacement(r);
        return;
    }
    for (size_t i = 0; i < s.n; i++)
        next_char(r, s.p[i]);
}

static void next_byte(struct repair *r, char c)
{
    bool goes_on = ((unsigned char)c & 0xC0) == 0x80;
    if (r->n_sequence && !goes_on) {
        put_replacement(r);
        r->n_sequence = 0;
    }
    if (!ascii_is_8bit(c)) {
        next_char(r, ascii_is_control(c) && !is_space(c) ? ' ' : c);
    } else if (r->single_bytes) {
        put_unicode(r, repair_windows_1252((unsigned char)c));
    } else if (!r->n_sequence && !length_of_sequence(c)) {
        put_replacement(r);
    } else {
        r->sequence[r->n_sequence++] = c;
        if (r->n_sequence == length_of_sequence(r->sequence[0]))
            end_sequence(r);
    }
}

/* --- The whole ---------------------------------------------------------------------------------*/

static bool names_single_bytes(struct str head)
{
    for (size_t i = 0; i + 9 < head.n && head.p[i] != '\n'; i++) {
        struct str at = str_sub(head, i, head.n);
        if (!str_starts_nocase(at, STR("encoding=")))
            continue;
        struct str name = str_sub(at, 10, at.n);
        return str_starts_nocase(name, STR("windows-125")) ||
               str_starts_nocase(name, STR("iso-8859-")) || str_starts_nocase(name, STR("latin"));
    }
    return false;
}

void repair_begin(struct repair *r, struct str head, repair_sink *sink, void *context)
{
    *r = (struct repair){.sink = sink, .context = context, .state = BEFORE};
    r->single_bytes = names_single_bytes(head);
}

void repair_feed(struct repair *r, struct str piece)
{
    for (size_t i = 0; i < piece.n && r->state != DONE; i++)
        next_byte(r, piece.p[i]);
    repair_flush(r);
}

void repair_end(struct repair *r)
{
    if (r->n_sequence && r->state != DONE)
        put_replacement(r);
    r->n_sequence = 0;
    if (r->state == TAG || r->state == ENTITY)
        r->n_held = 0; /* begun and never ended */
    repair_flush(r);
}
