/* json.c - a writer of RFC 8259 text.
 *
 * Errors: none; whatever the bytes, what comes out is well-formed. */
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/ascii.h"

/* RFC 8259 7: the escapes that have a letter, and those that give the code. */
static void put_escape(struct json *j, unsigned char c)
{
    static const char codes[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    const char *found = c ? strchr(codes, c) : NULL;
    if (found) {
        sb_addc(&j->out, '\\');
        sb_addc(&j->out, letters[found - codes]);
    } else {
        sb_printf(&j->out, "\\u%04x", c);
    }
}

static bool is_plain(char c)
{
    return !ascii_is_8bit(c) && !ascii_is_control(c) && c != '"' && c != '\\';
}

/* The character at i, and its length. */
static size_t put_character(struct json *j, struct str text, size_t i)
{
    unsigned char c = (unsigned char)text.p[i];
    unsigned char next = i + 1 < text.n ? (unsigned char)text.p[i + 1] : 0;
    size_t n = str_utf8(text, i);
    if (n > 0) {
        sb_add(&j->out, str_sub(text, i, i + n));
        return n;
    }
    if (c == 0xC2 && next >= 0x80 && next < 0xA0) { /* a C1 control character */
        put_escape(j, next);
        return 2;
    }
    if (ascii_is_8bit(text.p[i]))
        sb_add(&j->out, STR("\xef\xbf\xbd"));
    else
        put_escape(j, c);
    return 1;
}

static void put_string(struct json *j, struct str text)
{
    size_t plain = 0, i = 0;
    sb_addc(&j->out, '"');
    while (i < text.n) {
        if (is_plain(text.p[i])) {
            i++;
            continue;
        }
        sb_add(&j->out, str_sub(text, plain, i));
        i += put_character(j, text, i);
        plain = i;
    }
    sb_add(&j->out, str_sub(text, plain, text.n));
    sb_addc(&j->out, '"');
}

static void new_line(struct json *j)
{
    sb_addc(&j->out, '\n');
    for (unsigned i = 0; i < j->depth; i++)
        sb_add(&j->out, STR("  "));
}

/* What precedes a value: the comma, the line, the name. */
static void lead_in(struct json *j, const char *name)
{
    if (!j->empty)
        sb_addc(&j->out, ',');
    j->empty = false;
    new_line(j);
    if (name) {
        put_string(j, str_of(name));
        sb_add(&j->out, STR(": "));
    }
}

static void open_bracket(struct json *j, char bracket)
{
    sb_addc(&j->out, bracket);
    j->depth++;
    j->empty = true;
}

void json_begin(struct json *j, struct arena *a)
{
    *j = (struct json){0};
    sb_init(&j->out, a);
    open_bracket(j, '{');
}

void json_begin_array(struct json *j, struct arena *a)
{
    *j = (struct json){0};
    sb_init(&j->out, a);
    open_bracket(j, '[');
}

void json_object(struct json *j, const char *name)
{
    lead_in(j, name);
    open_bracket(j, '{');
}

void json_array(struct json *j, const char *name)
{
    lead_in(j, name);
    open_bracket(j, '[');
}

void json_end(struct json *j, char bracket)
{
    j->depth--;
    if (!j->empty)
        new_line(j);
    sb_addc(&j->out, bracket);
    j->empty = false;
}

void json_text(struct json *j, const char *name, struct str text)
{
    lead_in(j, name);
    if (text.p)
        put_string(j, text);
    else
        sb_add(&j->out, STR("null"));
}

void json_text_or_null(struct json *j, const char *name, struct str text)
{
    json_text(j, name, text.n ? text : STR_NONE);
}

void json_texts(struct json *j, const char *name, const struct json_member *members, size_t n)
{
    json_object(j, name);
    for (size_t i = 0; i < n; i++)
        json_text_or_null(j, members[i].name, members[i].text);
    json_end(j, '}');
}

void json_number(struct json *j, const char *name, int64_t number)
{
    lead_in(j, name);
    sb_printf(&j->out, "%" PRId64, number);
}

void json_bool(struct json *j, const char *name, bool value)
{
    lead_in(j, name);
    sb_add(&j->out, value ? STR("true") : STR("false"));
}

struct str json_str(struct json *j)
{
    sb_addc(&j->out, '\n');
    return sb_str(&j->out);
}
