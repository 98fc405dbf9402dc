/* repair.c - the second try at a report that is not well-formed.
 *
 * Errors: none. */
#include "report/in/repair.h"

#include <string.h>

#include "base/ascii.h"
#include "report/in/elements.h"

enum state {
    TEXT,     /* between tags */
    TAG,      /* "<" and a possible tag are held */
    SKIPPED,  /* a declaration, or the rest of a tag that is too long to be held, up to its end */
    QUESTION, /* "<?" is held */
    BANG,     /* "<!" and what follows are held */
    DOCTYPE,  /* up to its first ">": the parser does not get further */
    COMMENT,
    CDATA,
    ENTITY, /* "&" and what follows are held */
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

/* Text must not contain "]]>", so ">" is escaped, too. */
static void put_escaped(struct repair *r, char c)
{
    if (c == '<' || c == '&' || c == '>')
        put_text(r, c == '<' ? STR("&lt;") : c == '&' ? STR("&amp;") : STR("&gt;"));
    else
        repair_put(r, c);
}

/* --- Tags --------------------------------------------------------------------------------------*/

static void next_char(struct repair *r, char c);

static void hold(struct repair *r, enum state state, char c)
{
    r->state = state;
    r->held[0] = c;
    r->n_held = 1;
    r->n_name = 0;
}

/* The held characters are only text: escapes the first one, and reads the others again. */
static void release(struct repair *r)
{
    char held[sizeof r->held];
    size_t n = r->n_held;
    memcpy(held, r->held, n);
    r->state = TEXT;
    r->n_held = 0;
    if (r->begun)
        put_escaped(r, held[0]);
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

/* True if the held characters may be a tag: "<", "</", a name, and what may be behind a name. */
static bool may_be_tag(struct repair *r, char c)
{
    bool first = r->n_held == 1 || (r->n_held == 2 && closes(r));
    if (r->n_name || (r->n_held == 1 && c == '/'))
        return true;
    if (is_name_char(c))
        return !first || !(ascii_is_digit(c) || c == '-' || c == '.');
    if (first || !(is_space(c) || c == '/'))
        return false;
    r->n_name = r->n_held;
    return true;
}

/* The length of an attribute's value, with its quotes if it has some; 0: there is none. */
static size_t value_length(struct str s)
{
    size_t n = 0;
    if (s.n && (s.p[0] == '"' || s.p[0] == '\'')) {
        size_t end = str_find(s, 1, s.p[0]);
        return end < s.n ? end + 1 : 0;
    }
    while (n < s.n && !is_space(s.p[n]))
        n++;
    return n;
}

/* True if there are only attributes, and perhaps a "/" behind them. */
static bool are_attributes(struct str s)
{
    s = str_trim(s);
    if (s.n && s.p[s.n - 1] == '/')
        s = str_trim(str_sub(s, 0, s.n - 1));
    while (s.n) {
        size_t n = 0;
        while (n < s.n && is_name_char(s.p[n]))
            n++;
        struct str rest = str_trim(str_sub(s, n, s.n));
        if (!n || !rest.n || rest.p[0] != '=')
            return false;
        rest = str_trim(str_sub(rest, 1, rest.n));
        n = value_length(rest);
        if (!n)
            return false;
        s = str_trim(str_sub(rest, n, rest.n));
    }
    return true;
}

static void write_tag(struct repair *r, struct str name, bool slash)
{
    put_text(r, closes(r) ? STR("</") : STR("<"));
    put_text(r, name);
    put_text(r, slash ? STR("/>") : STR(">"));
    r->begun = true;
}

/* The tag is complete, and c is the character behind it: ">", the "<" of the next tag, or any other
 * if the tag is too long. */
static void take_tag(struct repair *r, enum in_element element, struct str name, char c)
{
    bool ends = element == IN_FEEDBACK && closes(r);
    if (element != IN_UNKNOWN)
        write_tag(r, name, c == '>' && !closes(r) && r->held[r->n_held - 1] == '/');
    r->state = ends ? DONE : c == '>' || c == '<' ? TEXT : SKIPPED;
    r->n_held = 0;
    if (c == '<' && !ends)
        hold(r, TAG, c);
}

/* Decides whether the held characters are a tag, at their end or when there is no more room. */
static void end_tag(struct repair *r, char c)
{
    size_t from = closes(r) ? 2 : 1, to = r->n_name ? r->n_name : r->n_held;
    struct str name = in_local_name((struct str){r->held + from, to - from});
    struct str rest = {r->held + to, r->n_held - to};
    enum in_element element = in_element_of(name);
    bool tag = name.n && (c == '<'   ? element != IN_UNKNOWN && are_attributes(rest)
                          : c == '>' ? element != IN_UNKNOWN || are_attributes(rest)
                                     : true);
    if (tag) {
        take_tag(r, element, name, c);
        return;
    }
    release(r);
    next_char(r, c);
}

/* Behind "<". */
static void in_tag(struct repair *r, char c)
{
    if (r->n_held == 1 && (c == '!' || c == '?')) {
        r->state = c == '!' ? BANG : QUESTION;
        r->held[r->n_held++] = c;
    } else if (c == '>' || c == '<' || r->n_held == sizeof r->held) {
        end_tag(r, c);
    } else if (may_be_tag(r, c)) {
        r->held[r->n_held++] = c;
    } else {
        release(r);
        next_char(r, c);
    }
}

/* "<?" and a name begin a declaration. */
static void in_question(struct repair *r, char c)
{
    if (is_name_char(c)) {
        r->state = SKIPPED;
        return;
    }
    release(r);
    next_char(r, c);
}

/* Up to the end of a tag or a declaration. A "<" ends it too: the ">" was forgotten. */
static void skip_tag(struct repair *r, char c)
{
    if (c == '<')
        hold(r, TAG, c);
    else if (c == '>')
        r->state = TEXT;
}

static void enter(struct repair *r, enum state state)
{
    r->state = state;
    r->n_held = 0;
}

static bool is_prefix(const struct repair *r, struct str of)
{
    return str_starts(of, (struct str){r->held, r->n_held});
}

/* "<!" and what follows: a comment, CDATA, a DOCTYPE (for the parser), or nothing of that kind. */
static void in_bang(struct repair *r, char c)
{
    static const struct str comment = STR_INIT("<!--"), cdata = STR_INIT("<![CDATA["),
                            doctype = STR_INIT("<!DOCTYPE");
    r->held[r->n_held++] = c;
    if (!is_prefix(r, comment) && !is_prefix(r, cdata) && !is_prefix(r, doctype)) {
        release(r);
    } else if (r->n_held == doctype.n && is_prefix(r, doctype)) {
        put_text(r, doctype);
        r->begun = true;
        enter(r, DOCTYPE);
    } else if (r->n_held == comment.n && is_prefix(r, comment)) {
        enter(r, COMMENT);
    } else if (r->n_held == cdata.n && is_prefix(r, cdata)) {
        enter(r, CDATA);
    }
}

static void in_doctype(struct repair *r, char c)
{
    repair_put(r, c);
    if (c == '>')
        r->state = TEXT;
}

/* Keeps the last two characters; true if they and c are these three. */
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

/* Writes the text of CDATA as escaped text. */
static void in_cdata(struct repair *r, char c)
{
    char oldest;
    if (!ends_with(r, c, "]]>", &oldest) && oldest && r->begun)
        put_escaped(r, oldest);
}

/* --- Entities ----------------------------------------------------------------------------------*/

static bool is_named(struct str name)
{
    return str_eq(name, STR("lt")) || str_eq(name, STR("gt")) || str_eq(name, STR("amp")) ||
           str_eq(name, STR("quot")) || str_eq(name, STR("apos"));
}

/* "#65" or "#x41", for a character that XML allows. */
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
        release(r);
        next_char(r, c);
        return;
    }
    struct str name = {r->held + 1, r->n_held - 1};
    if (is_named(name) || is_numbered(name)) {
        r->held[2] = r->held[2] == 'X' ? 'x' : r->held[2]; /* XML has no capital one */
        put_text(r, (struct str){r->held, r->n_held});
        repair_put(r, ';');
    } else if (name.n && name.p[0] == '#') {
        repair_put(r, ' '); /* a control character */
    } else {
        release(r);
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
    else if (r->begun && c == '&')
        hold(r, ENTITY, c);
    else if (r->begun)
        put_escaped(r, c);
}

static void next_char(struct repair *r, char c)
{
    switch ((enum state)r->state) {
    case TEXT:
        in_text(r, c);
        break;
    case TAG:
        in_tag(r, c);
        break;
    case SKIPPED:
        skip_tag(r, c);
        break;
    case QUESTION:
        in_question(r, c);
        break;
    case BANG:
        in_bang(r, c);
        break;
    case DOCTYPE:
        in_doctype(r, c);
        break;
    case COMMENT:
        in_comment(r, c);
        break;
    case CDATA:
        in_cdata(r, c);
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

/* Writes a complete sequence, unless XML does not allow its character. */
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
    *r = (struct repair){.sink = sink, .context = context, .state = TEXT};
    r->single_bytes = names_single_bytes(head);
}

/* Behind the report: is there another one? */
static void look_for_more(struct repair *r, char c)
{
    static const struct str tag = STR_INIT("<feedback");
    r->n_held = c == tag.p[r->n_held] ? r->n_held + 1 : c == '<';
    r->more = r->more || r->n_held == tag.n;
    r->n_held %= tag.n;
}

void repair_feed(struct repair *r, struct str piece)
{
    for (size_t i = 0; i < piece.n; i++)
        if (r->state == DONE)
            look_for_more(r, piece.p[i]);
        else
            next_byte(r, piece.p[i]);
    repair_flush(r);
}

void repair_end(struct repair *r)
{
    if (r->n_sequence && r->state != DONE)
        put_replacement(r);
    repair_flush(r); /* what is held was begun and never ended */
}
