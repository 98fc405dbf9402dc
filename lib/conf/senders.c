/* senders.c - the file senders-must-match: which From addresses each authenticated user may use.
 *
 * Errors: complaints with file and line when reading; an address that no line allows is not
 * allowed. */
#include "conf/senders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/source.h"
#include "mail/pattern.h"

/* One address of a line. */
struct allowed {
    struct str user, pattern;
};

struct senders {
    struct allowed *rows; /* by user */
    size_t n, cap;
};

static const struct str everybody = STR_INIT("*");

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line; empty at its end or before a comment. */
static struct str take_word(struct str *line)
{
    size_t from = 0, to;
    while (from < line->n && is_blank(line->p[from]))
        from++;
    for (to = from; to < line->n && !is_blank(line->p[to]);)
        to++;
    struct str word = str_sub(*line, from, to);
    *line = str_sub(*line, to, line->n);
    return word.n && word.p[0] == '#' ? STR("") : word;
}

static void add_rule(struct senders *map, struct arena *a, struct allowed row)
{
    map->rows = arena_extend(a, map->rows, map->n, &map->cap, sizeof row);
    map->rows[map->n++] = row;
}

static void parse_line(struct senders *map, struct str line, struct conf_place place,
                       struct arena *a, struct conf_problems *problems)
{
    struct allowed row = {.user = take_word(&line)};
    struct str word = row.user.n ? take_word(&line) : STR("");
    if (row.user.n && !word.n)
        conf_problem(problems, place,
                     "the line has one word; wanted is a user and the addresses that it may use");
    for (; word.n; word = take_word(&line)) {
        const char *problem = sender_pattern_parse(a, word, &row.pattern);
        if (problem)
            conf_problem(problems, place, "\"%.*s\" %s",
                         STR_ARG(str_safe(problems->arena, word, 100, true)), problem);
        else
            add_rule(map, a, row);
    }
}

static int by_bytes(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_user(const void *left, const void *right)
{
    return by_bytes(((const struct allowed *)left)->user, ((const struct allowed *)right)->user);
}

const struct senders *senders_parse(struct str text, const char *path, struct arena *a,
                                    struct conf_problems *problems)
{
    struct senders *map = arena_make(a, struct senders);
    struct conf_place place = {.file = path};
    struct str line;
    if (str_find(text, 0, '\0') < text.n) {
        conf_problem(problems, place, "holds a NUL byte: it is no text file");
        return map;
    }
    while (str_split(&text, '\n', &line)) {
        place.line++;
        parse_line(map, line, place, a, problems);
    }
    if (map->n)
        qsort(map->rows, map->n, sizeof *map->rows, by_user);
    return map;
}

const struct senders *senders_read(const struct conf *conf, struct conf_problems *problems)
{
    char *path = str_cstr(conf->arena, conf->senders_must_match);
    struct str text = source_read(conf->arena, path);
    if (text.p)
        return senders_parse(text, path, conf->arena, problems);
    conf_problem(problems, conf_place_of(conf, "senders-must-match"),
                 "senders-must-match: cannot read %s: %s", path, strerror(errno));
    return NULL;
}

/* The first row of the user, or where it would be. */
static size_t first_row(const struct senders *map, struct str user)
{
    size_t low = 0, high = map->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_bytes(map->rows[middle].user, user) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool user_may(const struct senders *map, struct str user, struct str address)
{
    for (size_t i = first_row(map, user); i < map->n && str_eq(map->rows[i].user, user); i++)
        if (pattern_match(map->rows[i].pattern, address))
            return true;
    return false;
}

bool senders_allow(const struct senders *map, struct str user, const struct mailbox *author,
                   struct arena *a)
{
    struct str address = pattern_subject(a, author);
    return user_may(map, user, address) || user_may(map, everybody, address);
}
