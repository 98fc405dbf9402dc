/* cf.c - reads main.cf and master.cf.
 *
 * Errors: none; lines that are no setting are skipped, because Postfix itself complains about them.
 */
#include "milter/commands/doctor/cf.h"

#include <string.h>

#define DEPTH_MAX 8 /* of $name in values */
#define VALUE_MAX 65536

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_comment(struct str line)
{
    struct str text = str_trim(line);
    return !text.n || text.p[0] == '#';
}

bool cf_line(struct str *text, struct arena *a, struct str *line)
{
    struct strbuf b;
    struct str next, rest = *text;
    bool begun = false;
    sb_init(&b, a);
    while (str_split(&rest, '\n', &next)) {
        if (!is_comment(next)) {
            bool goes_on = is_blank(next.p[0]);
            if (begun && !goes_on)
                break;
            sb_printf(&b, "%s%.*s", begun ? " " : "", STR_ARG(str_trim(next)));
            begun = true;
        }
        *text = rest;
    }
    *line = sb_str(&b);
    return begun;
}

void cf_add(struct cf *cf, struct str text)
{
    size_t equals = str_find(text, 0, '=');
    if (equals == text.n)
        return;
    cf->v = arena_extend(cf->arena, cf->v, cf->n, &cf->cap, sizeof *cf->v);
    cf->v[cf->n++] = (struct cf_setting){str_trim(str_sub(text, 0, equals)),
                                         str_trim(str_sub(text, equals + 1, text.n))};
}

void cf_read(struct cf *cf, struct str text)
{
    struct str line;
    while (cf_line(&text, cf->arena, &line))
        cf_add(cf, line);
}

static bool find_setting(const struct cf *cf, struct str name, struct str *value)
{
    for (; cf; cf = cf->below)
        for (size_t i = cf->n; i-- > 0;)
            if (str_eq(cf->v[i].name, name)) {
                *value = cf->v[i].value;
                return true;
            }
    return false;
}

static bool is_name_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The name behind the $ at `at`; *end is the place behind it. Absent: this is no plain name. */
static struct str name_behind(struct str text, size_t at, size_t *end)
{
    char open = at + 1 < text.n ? text.p[at + 1] : 0;
    bool enclosed = open == '{' || open == '(';
    size_t from = at + 1 + enclosed, to = from;
    while (to < text.n && is_name_letter(text.p[to]))
        to++;
    if (to == from || (enclosed && (to == text.n || text.p[to] != (open == '{' ? '}' : ')'))))
        return STR_NONE;
    *end = to + enclosed;
    return str_sub(text, from, to);
}

static void expand(const struct cf *cf, struct str text, unsigned depth, struct strbuf *out)
{
    for (size_t i = 0; i < text.n && out->n < VALUE_MAX;) {
        size_t end;
        struct str value, name = text.p[i] == '$' ? name_behind(text, i, &end) : STR_NONE;
        if (!name.n || depth == 0) {
            sb_addc(out, text.p[i++]);
            continue;
        }
        if (find_setting(cf, name, &value))
            expand(cf, value, depth - 1, out);
        i = end;
    }
}

struct str cf_value(const struct cf *cf, const char *name, const char *fallback)
{
    struct strbuf b;
    struct str value;
    if (!find_setting(cf, str_of(name), &value))
        value = str_of(fallback);
    sb_init(&b, cf->arena);
    expand(cf, value, DEPTH_MAX, &b);
    return sb_str(&b);
}

/* --- Lists, words, times -----------------------------------------------------------------------*/

static bool is_separator(char c, bool commas)
{
    return is_blank(c) || (commas && c == ',');
}

static size_t end_of_braces(struct str text)
{
    size_t depth = 0;
    for (size_t i = 0; i < text.n; i++) {
        depth += text.p[i] == '{';
        depth -= text.p[i] == '}';
        if (!depth)
            return i;
    }
    return text.n;
}

static bool take(struct str *list, bool commas, struct str *part)
{
    while (list->n && is_separator(list->p[0], commas))
        *list = str_sub(*list, 1, list->n);
    if (!list->n)
        return false;
    size_t end = 0;
    if (list->p[0] == '{') {
        end = end_of_braces(*list);
        *part = str_trim(str_sub(*list, 1, end));
        *list = str_sub(*list, end + 1, list->n);
        return true;
    }
    while (end < list->n && !is_separator(list->p[end], commas))
        end++;
    *part = str_sub(*list, 0, end);
    *list = str_sub(*list, end, list->n);
    return true;
}

bool cf_entry(struct str *list, struct str *entry)
{
    return take(list, true, entry);
}

bool cf_word(struct str *line, struct str *word)
{
    return take(line, false, word);
}

int64_t cf_time_ms(struct str text)
{
    static const char units[] = "smhdw";
    static const int64_t seconds[] = {1, 60, 3600, 86400, 604800};
    unsigned long long number;
    const char *unit = text.n ? strchr(units, text.p[text.n - 1]) : NULL;
    if (unit && *unit)
        text.n--;
    if (!str_to_u64(text, 100000000, &number))
        return -1;
    return (int64_t)number * 1000 * (unit && *unit ? seconds[unit - units] : 1);
}
