/* xml.c - XML written as UTF-8.
 *
 * Errors: none. */
#include "report/xml.h"

#include <stdio.h>

static void xml_put(struct xml *x, struct str s)
{
    if (s.n)
        x->write(x->context, s);
}

static void put_tag(struct xml *x, const char *before, const char *name, const char *behind)
{
    xml_put(x, str_of(before));
    xml_put(x, str_of(name));
    xml_put(x, str_of(behind));
}

static void indent(struct xml *x)
{
    for (unsigned i = 0; i < x->depth; i++)
        xml_put(x, STR("  "));
}

/* What is written for a byte that XML cannot have as it is; STR_NONE: the byte itself. */
static struct str replacement(char c)
{
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    case '\t':
    case '\n':
    case '\r':
        return STR(" ");
    default:
        return (unsigned char)c < ' ' || (unsigned char)c >= 0x7F ? STR("?") : STR_NONE;
    }
}

/* U+FFFE and U+FFFF are no characters. */
static bool is_noncharacter(struct str s, size_t i)
{
    return str_starts(str_sub(s, i, s.n), STR("\xEF\xBF\xBE")) ||
           str_starts(str_sub(s, i, s.n), STR("\xEF\xBF\xBF"));
}

static void put_text(struct xml *x, struct str s)
{
    size_t clean = 0;
    for (size_t i = 0; i < s.n;) {
        size_t n = str_utf8(s, i);
        if (n && !is_noncharacter(s, i)) {
            i += n;
            continue;
        }
        struct str instead = n ? STR("?") : replacement(s.p[i]);
        n = n ? n : 1;
        if (instead.p) {
            xml_put(x, str_sub(s, clean, i));
            xml_put(x, instead);
            clean = i + n;
        }
        i += n;
    }
    xml_put(x, str_sub(s, clean, s.n));
}

void xml_begin(struct xml *x)
{
    xml_put(x, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
}

void xml_open(struct xml *x, const char *name, const char *attributes)
{
    indent(x);
    put_tag(x, "<", name, attributes ? " " : "");
    xml_put(x, attributes ? str_of(attributes) : STR(""));
    xml_put(x, STR(">\n"));
    x->depth++;
}

void xml_close(struct xml *x, const char *name)
{
    x->depth--;
    indent(x);
    put_tag(x, "</", name, ">\n");
}

void xml_text_or_empty(struct xml *x, const char *name, struct str text)
{
    indent(x);
    put_tag(x, "<", name, ">");
    put_text(x, text);
    put_tag(x, "</", name, ">\n");
}

void xml_text(struct xml *x, const char *name, struct str text)
{
    if (text.n)
        xml_text_or_empty(x, name, text);
}

void xml_number(struct xml *x, const char *name, int64_t number)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)number);
    xml_text(x, name, (struct str){digits, (size_t)n});
}
