/* json.c - a writer of RFC 8259 text.
 *
 * Errors: none; whatever the bytes, what comes out is well-formed. */
#include "base/json.h"

#include <inttypes.h>

static void put_safe(struct json *j, struct str text)
{
    struct str safe = str_safe(j->out.arena, text, SIZE_MAX / 8, true);
    for (size_t i = 0; i < safe.n; i++) {
        if (safe.p[i] == '"' || safe.p[i] == '\\')
            sb_addc(&j->out, '\\');
        sb_addc(&j->out, safe.p[i]);
    }
}

static void put_string(struct json *j, struct str text)
{
    sb_addc(&j->out, '"');
    put_safe(j, text);
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

void json_lines(struct json *j, const char *name, struct str text)
{
    struct str line;
    bool first = true;
    lead_in(j, name);
    sb_addc(&j->out, '"');
    for (; str_split(&text, '\n', &line); first = false) {
        if (!first)
            sb_add(&j->out, STR("\\n"));
        put_safe(j, line);
    }
    sb_addc(&j->out, '"');
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
