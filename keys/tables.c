/* tables.c - OpenDKIM's KeyTable and SigningTable as text.
 *
 * Errors: complaints with file and line, or a phrase. */
#include "keys/tables.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void add_row(struct table *t, struct arena *a, struct table_row row)
{
    if ((t->n & (t->n - 1)) == 0) { /* full: room is the next power of two */
        size_t room = t->n ? 2 * t->n : 1;
        t->rows = arena_grow(a, t->rows, t->n * sizeof row, room * sizeof row);
    }
    t->rows[t->n++] = row;
}

void table_parse(struct str text, const char *path, struct arena *a, struct conf_problems *problems,
                 struct table *out)
{
    struct str line;
    struct table_row row = {.line = 0};
    *out = (struct table){0};
    if (str_find(text, 0, '\0') < text.n) {
        conf_problem(problems, (struct conf_place){.file = path},
                     "holds a NUL byte: it is no text file");
        return;
    }
    while (str_split(&text, '\n', &line)) {
        size_t end = 0;
        row.line++;
        line = str_trim(str_sub(line, 0, str_find(line, 0, '#')));
        while (end < line.n && !is_blank(line.p[end]))
            end++;
        row.name = str_sub(line, 0, end);
        row.value = str_trim(str_sub(line, end, line.n));
        if (row.value.n)
            add_row(out, a, row);
        else if (row.name.n)
            conf_problem(problems, (struct conf_place){path, row.line},
                         "the line has one word; wanted is a name and a value");
    }
}

bool key_row_parse(struct str value, struct arena *a, struct key_row *out, struct str *problem)
{
    size_t first = str_find(value, 0, ':'), second = str_find(value, first + 1, ':');
    struct str domain = str_trim(str_sub(value, 0, first));
    struct str selector = str_trim(str_sub(value, first + 1, second));
    const char *wrong;
    out->domain = domain;
    out->path = str_trim(str_sub(value, second + 1, value.n));
    if (second >= value.n)
        *problem = STR("wanted is domain:selector:/path/of/the/key");
    else if (!str_starts(out->path, STR("/")))
        *problem = STR("the key must be named by its absolute path; keys inside the table and "
                       "relative paths are not read");
    else if (str_find(out->path, 0, '%') < out->path.n)
        *problem = STR("% in a path is not supported: write one line for each domain");
    else if ((wrong = conf_selector_problem(a, selector, &out->selector)))
        *problem = str_printf(a, "selector: \"%.*s\" %s", STR_ARG(str_safe(a, selector, 100, true)),
                              wrong);
    else if (!str_eq(domain, STR("%")) &&
             (wrong = conf_domain_problem(a, domain, CONF_DOMAIN_NAMED, &out->domain)))
        *problem = str_printf(a, "\"%.*s\" %s", STR_ARG(str_safe(a, domain, 100, true)), wrong);
    else
        *problem = STR_NONE;
    return !problem->p;
}

struct str signing_row_key(struct str value)
{
    return str_trim(str_sub(value, 0, str_find(value, 0, ':')));
}

/* Behind refile: a pattern is compared with the whole address. */
static const char *pattern_problem(struct str name, struct arena *a)
{
    size_t at = str_find(name, 0, '@');
    bool any = str_find(name, 0, '*') < name.n;
    if (at == 0)
        return str_printf(a, "matches no author: write \"*%.*s\"", STR_ARG(name)).p;
    if (at == name.n && !any)
        return str_printf(a,
                          "matches no author: with refile: the whole address is compared; write "
                          "\"*@%.*s\"",
                          STR_ARG(name))
            .p;
    return at == name.n - 1 ? "has no domain behind its @" : NULL;
}

/* user@host, host, user@.parent, .parent, user@*, *. */
static const char *key_problem(struct str name, struct arena *a)
{
    size_t at = str_find_last(name, '@');
    struct str host = str_sub(name, at < name.n ? at + 1 : 0, name.n), normal;
    struct str user = str_sub(name, 0, at < name.n ? at : 0);
    bool parent = str_starts(host, STR(".")), all = str_eq(host, STR("*"));
    if (str_find(user, 0, '*') < user.n || (!all && str_find(host, 0, '*') < host.n))
        return "has an asterisk, which only tables with the prefix refile: may have: set "
               "signing-table = \"refile:/path\"";
    if (at == 0)
        return str_printf(a, "matches no author: write \"%.*s\" for all of a domain", STR_ARG(host))
            .p;
    return all ? NULL
               : conf_domain_problem(a, str_sub(host, parent, host.n), CONF_DOMAIN_NAMED, &normal);
}

const char *signing_row_problem(struct str name, bool patterns, struct arena *a)
{
    return patterns ? pattern_problem(name, a) : key_problem(name, a);
}
