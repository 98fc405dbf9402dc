/* scenario.c - cuts a scenario file into scenarios and sections.
 *
 * Errors: a phrase with the line number. */
#include "scenario.h"

static const struct str section_names[] = {
    STR_INIT("config"),  STR_INIT("zone"),    STR_INIT("session"),
    STR_INIT("senders"), STR_INIT("sign"),    STR_INIT("seal"),
    STR_INIT("state"),   STR_INIT("message"), STR_INIT("expect"),
};

static struct str line_text(struct str line)
{
    return line.n && line.p[line.n - 1] == '\r' ? str_sub(line, 0, line.n - 1) : line;
}

static int section_of(struct str line)
{
    for (int i = 0; i < SECTION_COUNT; i++)
        if (line.n == section_names[i].n + 2 && line.p[0] == '[' && line.p[line.n - 1] == ']' &&
            str_eq(str_sub(line, 1, line.n - 1), section_names[i]))
            return i;
    return -1;
}

static void append(struct arena *a, struct str *to, struct str line)
{
    *to = str_printf(a, "%.*s%.*s\n", STR_ARG(*to), STR_ARG(line));
}

static struct scenario *begin(struct arena *a, struct scenario_file *file, struct str line,
                              unsigned number)
{
    struct scenario *grown =
        arena_grow(a, file->v, file->n * sizeof *grown, (file->n + 1) * sizeof *grown);
    file->v = grown;
    grown[file->n] = (struct scenario){.name = str_trim(str_sub(line, 3, line.n)), .line = number};
    return &grown[file->n++];
}

/* Every scenario has what precedes the first one in front of its own sections; a message of its own
 * replaces the common one. */
static void inherit(struct arena *a, struct scenario *s, const struct scenario *common)
{
    for (int i = 0; i < SECTION_COUNT; i++) {
        if (i == SECTION_MESSAGE && s->section[i].n)
            continue;
        if (!s->section[i].n)
            s->section_line[i] = common->section_line[i];
        s->section[i] =
            str_printf(a, "%.*s%.*s", STR_ARG(common->section[i]), STR_ARG(s->section[i]));
    }
}

bool scenario_parse(struct arena *a, struct str text, struct scenario_file *out,
                    struct str *problem)
{
    struct scenario common = {0}, *current = &common;
    struct str rest = text, line;
    int section = -1;
    *out = (struct scenario_file){0};
    for (unsigned number = 1; str_split(&rest, '\n', &line); number++) {
        line = line_text(line);
        if (str_starts(line, STR("==="))) {
            current = begin(a, out, line, number);
            section = -1;
        } else if (section_of(line) >= 0) {
            section = section_of(line);
            current->section_line[section] = number;
        } else if (section >= 0) {
            append(a, &current->section[section], line);
        } else if (str_trim(line).n && line.p[0] != '#') {
            *problem = str_printf(a, "line %u stands in no section", number);
            return false;
        }
    }
    for (size_t i = 0; i < out->n; i++)
        inherit(a, &out->v[i], &common);
    return true;
}

bool pattern_matches(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = pattern.n, resume = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.n && pattern.p[p] == text.p[t]) {
            p++;
            t++;
        } else if (star < pattern.n) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}
