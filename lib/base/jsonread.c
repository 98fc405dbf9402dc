/* jsonread.c - a reader of RFC 8259 text.
 *
 * Errors: false, and r->problem is a phrase. */
#include "base/jsonread.h"

#include "base/ascii.h"

struct json_reader json_read(struct str text, struct arena *a)
{
    return (struct json_reader){.text = text, .arena = a};
}

static bool fail_reading(struct json_reader *r, const char *problem)
{
    if (!r->problem)
        r->problem = problem;
    r->at = r->text.n;
    return false;
}

static void pass_space(struct json_reader *r)
{
    while (r->at < r->text.n &&
           (ascii_is_wsp(r->text.p[r->at]) || r->text.p[r->at] == '\n' || r->text.p[r->at] == '\r'))
        r->at++;
}

static char here(struct json_reader *r)
{
    pass_space(r);
    return r->at < r->text.n ? r->text.p[r->at] : 0;
}

enum json_kind json_peek(struct json_reader *r)
{
    char c = here(r);
    return c == '{'                           ? JSON_OBJECT
           : c == '['                         ? JSON_ARRAY
           : c == '"'                         ? JSON_TEXT
           : c == '-' || ascii_is_digit(c)    ? JSON_NUMBER
           : c == 't' || c == 'f' || c == 'n' ? JSON_WORD
                                              : JSON_NONE;
}

bool json_enter(struct json_reader *r)
{
    enum json_kind kind = json_peek(r);
    if (kind != JSON_OBJECT && kind != JSON_ARRAY)
        return fail_reading(r, "has no object or array where one is expected");
    if (r->depth == JSON_DEPTH_MAX)
        return fail_reading(r, "has values within each other too deeply");
    r->begun[r->depth] = false;
    r->brackets[r->depth++] = kind == JSON_OBJECT ? '}' : ']';
    r->at++;
    return true;
}

/* --- Texts -------------------------------------------------------------------------------------*/

static bool take_hex(struct json_reader *r, unsigned *code)
{
    *code = 0;
    if (r->text.n - r->at < 4)
        return fail_reading(r, "has an escape that is cut");
    for (unsigned i = 0; i < 4; i++) {
        char c = ascii_lower(r->text.p[r->at++]);
        if (!ascii_is_hex(c))
            return fail_reading(r, "has an escape with something that is no digit");
        *code = *code << 4 | (unsigned)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return true;
}

static void add_unicode(struct strbuf *b, unsigned c)
{
    if (c < 0x80) {
        sb_addc(b, (char)c);
        return;
    }
    if (c >= 0x10000)
        sb_addc(b, (char)(0xF0 | c >> 18));
    else if (c >= 0x800)
        sb_addc(b, (char)(0xE0 | c >> 12));
    else
        sb_addc(b, (char)(0xC0 | c >> 6));
    if (c >= 0x10000)
        sb_addc(b, (char)(0x80 | (c >> 12 & 0x3F)));
    if (c >= 0x800)
        sb_addc(b, (char)(0x80 | (c >> 6 & 0x3F)));
    sb_addc(b, (char)(0x80 | (c & 0x3F)));
}

/* Half of a pair alone is U+FFFD. */
static bool take_unicode(struct json_reader *r, struct strbuf *b)
{
    unsigned code, low;
    if (!take_hex(r, &code))
        return false;
    if (code >= 0xD800 && code < 0xDC00 && r->text.n - r->at >= 6 && r->text.p[r->at] == '\\' &&
        r->text.p[r->at + 1] == 'u') {
        r->at += 2;
        if (!take_hex(r, &low))
            return false;
        if (low >= 0xDC00 && low < 0xE000)
            code = 0x10000 + ((code - 0xD800) << 10 | (low - 0xDC00));
        else
            r->at -= 6;
    }
    add_unicode(b, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
    return true;
}

static bool take_escape(struct json_reader *r, struct strbuf *b)
{
    static const char letters[] = "bfnrt\"\\/", codes[] = "\b\f\n\r\t\"\\/";
    char c = r->at < r->text.n ? r->text.p[r->at++] : 0;
    if (c == 'u')
        return take_unicode(r, b);
    for (size_t i = 0; i < sizeof letters - 1; i++)
        if (c == letters[i]) {
            sb_addc(b, codes[i]);
            return true;
        }
    return fail_reading(r, "has an unknown escape");
}

static bool take_string(struct json_reader *r, struct str *text)
{
    size_t from = ++r->at;
    while (r->at < r->text.n && r->text.p[r->at] != '"' && r->text.p[r->at] != '\\')
        r->at++;
    struct strbuf b;
    *text = str_sub(r->text, from, r->at);
    if (r->at < r->text.n && r->text.p[r->at] == '"') {
        r->at++;
        return true;
    }
    sb_init(&b, r->arena);
    sb_add(&b, *text);
    while (r->at < r->text.n && r->text.p[r->at] != '"') {
        char c = r->text.p[r->at++];
        if (c != '\\')
            sb_addc(&b, c);
        else if (!take_escape(r, &b))
            return false;
    }
    if (r->at == r->text.n)
        return fail_reading(r, "has a text that does not end");
    r->at++;
    *text = sb_str(&b);
    return true;
}

/* --- Values ------------------------------------------------------------------------------------*/

static bool take_digits(struct json_reader *r, int64_t *number)
{
    bool minus = r->text.p[r->at] == '-';
    uint64_t n = 0;
    size_t from = r->at += minus;
    for (; r->at < r->text.n && ascii_is_digit(r->text.p[r->at]); r->at++)
        n = n < INT64_MAX / 10 - 1 ? n * 10 + (uint64_t)(r->text.p[r->at] - '0') : n;
    if (r->at == from)
        return fail_reading(r, "has a number without digits");
    while (r->at < r->text.n && (ascii_is_digit(r->text.p[r->at]) || r->text.p[r->at] == '.' ||
                                 r->text.p[r->at] == 'e' || r->text.p[r->at] == 'E' ||
                                 r->text.p[r->at] == '+' || r->text.p[r->at] == '-'))
        r->at++;
    *number = minus ? -(int64_t)n : (int64_t)n;
    return true;
}

static bool take_word(struct json_reader *r)
{
    static const struct str words[] = {STR_INIT("true"), STR_INIT("false"), STR_INIT("null")};
    struct str rest = str_sub(r->text, r->at, r->text.n);
    for (size_t i = 0; i < 3; i++)
        if (str_starts(rest, words[i])) {
            r->at += words[i].n;
            return true;
        }
    return fail_reading(r, "has an unknown word");
}

static void skip_containers(struct json_reader *r)
{
    unsigned depth = r->depth;
    struct str name;
    if (!json_enter(r))
        return;
    while (r->depth > depth && !r->problem) {
        if (!json_next(r, &name))
            continue;
        enum json_kind kind = json_peek(r);
        if (kind == JSON_OBJECT || kind == JSON_ARRAY)
            json_enter(r);
        else
            json_skip(r);
    }
}

void json_skip(struct json_reader *r)
{
    struct str text;
    int64_t number;
    switch (json_peek(r)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        skip_containers(r);
        break;
    case JSON_TEXT:
        take_string(r, &text);
        break;
    case JSON_NUMBER:
        take_digits(r, &number);
        break;
    case JSON_WORD:
        take_word(r);
        break;
    case JSON_NONE:
        fail_reading(r, "has no value where one is expected");
        break;
    }
}

bool json_take_text(struct json_reader *r, struct str *text)
{
    if (json_peek(r) == JSON_TEXT)
        return take_string(r, text);
    json_skip(r);
    return false;
}

bool json_take_number(struct json_reader *r, int64_t *number)
{
    if (json_peek(r) == JSON_NUMBER)
        return take_digits(r, number);
    json_skip(r);
    return false;
}

bool json_take_bool(struct json_reader *r, bool *value)
{
    char c = here(r);
    bool is_bool = c == 't' || c == 'f';
    if (is_bool)
        *value = c == 't';
    json_skip(r);
    return is_bool && !r->problem;
}

static bool take_name(struct json_reader *r, struct str *name)
{
    if (here(r) != '"')
        return fail_reading(r, "has a member without a name");
    if (!take_string(r, name))
        return false;
    if (here(r) != ':')
        return fail_reading(r, "has a name without a value");
    r->at++;
    return true;
}

bool json_next(struct json_reader *r, struct str *name)
{
    *name = STR_NONE;
    if (r->problem || !r->depth)
        return false;
    unsigned level = r->depth - 1;
    char c = here(r);
    if (c == r->brackets[level]) {
        r->at++;
        r->depth--;
        return false;
    }
    if (r->begun[level]) {
        if (c != ',')
            return fail_reading(r, "has no comma between values");
        r->at++;
        here(r);
    }
    r->begun[level] = true;
    if (r->brackets[level] == '}')
        return take_name(r, name);
    return json_peek(r) != JSON_NONE || fail_reading(r, "has no value where one is expected");
}

bool json_read_whole(struct json_reader *r)
{
    return !here(r) && r->at == r->text.n && !r->problem && !r->depth;
}
