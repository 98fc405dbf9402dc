/* source.c - the text of a configuration, @includes resolved here.
 *
 * libconfig would open included files itself, but only relative to one directory, without saying
 * why a file could not be read; and it lets a number beyond 32 bits wrap and a forgotten quote run
 * to the end of the file. So the text is scanned once before: comments and strings are told apart,
 * included text is put in place, numbers get the suffix that makes them 64 bits wide, and each line
 * remembers its origin. It would also call a name that stands twice in a group a syntax error, and
 * not say which name and where: so each name gets a number of its own behind an asterisk.
 *
 * Errors: complaints with file and line. */
#include "conf/source.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"

#define INCLUDE_DEPTH 10
#define FILE_MAX      (64U * 1024U * 1024U)

/* One file being read. */
struct reader {
    struct conf_source *source;
    struct str text;
    size_t at;
    struct conf_place place;
    unsigned depth;
    unsigned foreign_line; /* the last one with a character that may not stand there; 0: none */
};

void source_init(struct conf_source *s, struct arena *a, struct arena *names,
                 struct conf_problems *problems)
{
    *s = (struct conf_source){.arena = a, .names = names, .problems = problems};
    sb_init(&s->text, a);
    conf_problems_init(&s->doubts, names);
}

struct conf_place source_place(const struct conf_source *s, unsigned line)
{
    if (s->n_lines == 0)
        return (struct conf_place){0};
    size_t index = line ? line - 1 : 0;
    return s->places[index < s->n_lines ? index : s->n_lines - 1];
}

/* Called where a line of the joined text begins. */
static void line_begins(struct conf_source *s, struct conf_place place)
{
    s->places = arena_extend(s->arena, s->places, s->n_lines, &s->cap, sizeof place);
    s->places[s->n_lines++] = place;
}

static bool at(const struct reader *r, struct str what)
{
    return str_starts(str_sub(r->text, r->at, r->text.n), what);
}

static char peek(const struct reader *r)
{
    return r->at < r->text.n ? r->text.p[r->at] : '\0';
}

static void copy_byte(struct reader *r)
{
    char c = r->text.p[r->at++];
    sb_addc(&r->source->text, c);
    if (c == '\n') {
        r->place.line++;
        line_begins(r->source, r->place);
    }
}

static void complain_of_source(struct reader *r, struct conf_place place, const char *what)
{
    conf_problem(r->source->problems, place, "%s", what);
}

static void block_comment(struct reader *r)
{
    struct conf_place begin = r->place;
    r->at += 2;
    while (r->at < r->text.n && !at(r, STR("*/"))) {
        if (peek(r) == '\n')
            copy_byte(r);
        else
            r->at++;
    }
    if (r->at >= r->text.n)
        complain_of_source(r, begin,
                           "the comment that begins here with /* has no end: */ is missing");
    else
        r->at += 2;
    sb_addc(&r->source->text, ' ');
}

static void line_comment(struct reader *r)
{
    r->at = str_find(r->text, r->at, '\n');
}

/* libconfig joins two texts that follow each other, where a comma was forgotten, too. */
static void doubt_text(struct reader *r)
{
    struct conf_source *s = r->source;
    struct str line = str_sub(r->text, r->at + 1, str_find(r->text, r->at, '\n'));
    struct str text = str_sub(line, 0, str_find(line, 0, '"'));
    if (s->brackets && s->after_text)
        conf_problem(&s->doubts, r->place,
                     "no comma stands before \"%.*s\": with the text before it, it is one entry",
                     STR_ARG(str_safe(s->arena, text, 100, true)));
    s->after_text = true;
}

static void quoted_text(struct reader *r)
{
    struct conf_place begin = r->place;
    r->source->name_end = 0;
    r->source->after_sign = false;
    doubt_text(r);
    copy_byte(r);
    while (r->at < r->text.n && peek(r) != '"' && peek(r) != '\n') {
        if (peek(r) == '\\' && r->at + 1 < r->text.n && r->text.p[r->at + 1] != '\n')
            copy_byte(r);
        copy_byte(r);
    }
    if (peek(r) == '"') {
        copy_byte(r);
        return;
    }
    complain_of_source(r, begin, "a text has no closing quote on this line");
    sb_addc(&r->source->text, '"'); /* the rest is scanned for more complaints */
}

static bool is_word(char c)
{
    return ascii_is_alnum(c) || (c && strchr("_-+.*", c));
}

static bool is_integer(struct str word)
{
    static const char digits[] = "0123456789", hex_digits[] = "0123456789abcdefABCDEF";
    bool hex = str_starts_nocase(word, STR("0x"));
    size_t i = hex ? 2 : word.n && (word.p[0] == '-' || word.p[0] == '+');
    if (i >= word.n)
        return false;
    for (; i < word.n; i++)
        if (!strchr(hex ? hex_digits : digits, word.p[i]))
            return false;
    return true;
}

/* Kept for when libconfig finds the syntax wrong: it says only where it stopped. */
static void hint(struct reader *r, struct str what)
{
    if (r->source->hint_place.file)
        return;
    r->source->hint_place = r->place;
    r->source->hint = what;
}

static bool is_value(struct str word)
{
    char text[32], *end = text;
    if (str_eq_nocase(word, STR("true")) || str_eq_nocase(word, STR("false")))
        return true;
    snprintf(text, sizeof text, "%.*s", STR_ARG(word));
    strtod(text, &end);
    return end != text && !*end;
}

/* `mode = shadow;` and `[ 10.0.0.0/8 ]`: the word goes on to where a text would end. */
static void hint_quotes(struct reader *r, size_t begin)
{
    size_t end = begin;
    while (end < r->text.n && !strchr(" \t\r\n\",;(){}[]", r->text.p[end]))
        end++;
    struct str text = str_safe(r->source->arena, str_sub(r->text, begin, end), 100, true);
    hint(r, str_printf(r->source->arena, "%.*s: texts stand in quotes: write \"%.*s\"",
                       STR_ARG(text), STR_ARG(text)));
}

/* `dns.timeout = "5s";` */
static void hint_group(struct reader *r, struct str name)
{
    size_t dot = str_find(name, 0, '.');
    if (dot > 0 && dot < name.n)
        hint(r, str_printf(
                    r->source->arena, "%.*s: a dot means a group: write %.*s = { %.*s = ...; };",
                    STR_ARG(name), (int)dot, name.p, STR_ARG(str_sub(name, dot + 1, name.n))));
}

static void source_word(struct reader *r)
{
    size_t begin = r->at;
    bool is_element = r->source->after_sign || r->source->brackets;
    r->source->after_text = r->source->after_sign = false;
    while (is_word(peek(r)))
        copy_byte(r);
    struct str w = str_sub(r->text, begin, r->at);
    bool integer = is_integer(w);
    if (is_element && !integer && !is_value(w))
        hint_quotes(r, begin);
    if (integer)
        sb_addc(&r->source->text, 'L');
    r->source->name_end = integer ? 0 : r->source->text.n;
}

/* The one that the text ends with, blanks aside. */
static struct str last_word(const struct conf_source *s)
{
    size_t begin = s->name_end;
    while (begin && is_word(s->text.p[begin - 1]))
        begin--;
    return (struct str){s->text.p + begin, s->name_end - begin};
}

/* At the = or : behind a name. */
static void number_name(struct conf_source *s)
{
    char number[24];
    size_t n = (size_t)snprintf(number, sizeof number, "*%lu", ++s->n_names);
    size_t end = s->name_end, blanks = s->text.n - end;
    sb_add(&s->text, (struct str){number, n}); /* room */
    memmove(s->text.p + end + n, s->text.p + end, blanks);
    memcpy(s->text.p + end, number, n);
}

/* Bytes beyond ASCII that are in no text and no comment; libconfig would only say that the syntax
 * is wrong. One complaint a line is enough. */
static void foreign_character(struct reader *r)
{
    size_t end = r->at + 1;
    while (end < r->text.n && ((unsigned char)r->text.p[end] & 0xC0) == 0x80)
        end++;
    struct arena *a = r->source->arena;
    struct str character = str_sub(r->text, r->at, end);
    r->at = end;
    if (r->place.line == r->foreign_line)
        return;
    r->foreign_line = r->place.line;
    conf_problem(
        r->source->problems, r->place,
        "'%.*s' (%.*s) may stand in texts and comments only: write the quotes and blanks of ASCII",
        STR_ARG(str_safe(a, character, 20, true)), STR_ARG(str_safe(a, character, 20, false)));
}

static void other_byte(struct reader *r)
{
    char c = peek(r);
    bool sign = r->source->name_end && (c == '=' || c == ':');
    if (sign) {
        hint_group(r, last_word(r->source));
        number_name(r->source);
    }
    if (!strchr(" \t\r\n", c)) {
        r->source->name_end = 0;
        r->source->after_text = false;
        r->source->after_sign = sign;
    }
    if (c == '[')
        r->source->brackets++;
    else if (c == ']' && r->source->brackets)
        r->source->brackets--;
    copy_byte(r);
}

struct str source_name(const char *joined)
{
    struct str name = str_of(joined);
    return str_sub(name, 0, str_find_last(name, '*'));
}

static void add_file(struct conf_source *s, struct str path, struct conf_place from,
                     unsigned depth);

/* `"path"` behind @include, and nothing else but a comment; STR_NONE if it is malformed. */
static struct str include_argument(struct str line)
{
    struct str rest = str_trim(line);
    if (rest.n < 2 || rest.p[0] != '"')
        return STR_NONE;
    size_t end = str_find(rest, 1, '"');
    struct str path = str_sub(rest, 1, end);
    rest = str_trim(str_sub(rest, end + 1, rest.n));
    bool clean =
        rest.n == 0 || str_eq(rest, STR(";")) || rest.p[0] == '#' || str_starts(rest, STR("//"));
    return clean && path.n && end < line.n ? path : STR_NONE;
}

/* A path relative to the file that names it. */
static struct str resolve(struct arena *a, struct str path, const char *from)
{
    struct str base = str_of(from);
    size_t slash = str_find_last(base, '/');
    if (path.p[0] == '/' || slash == base.n)
        return path;
    return str_printf(a, "%.*s/%.*s", (int)slash, base.p, STR_ARG(path));
}

/* A directory that is not there has no files; what one holds that cannot be read is not known, and
 * a reload must not lose it in silence. */
static int stops_glob(const char *directory, int problem)
{
    (void)directory;
    return problem != ENOENT;
}

/* A folder that is not there is one that has no files, or one that is called otherwise. */
static void doubt_folder(struct reader *r, struct str pattern)
{
    struct stat st;
    size_t slash = str_find_last(pattern, '/');
    struct str folder = str_sub(pattern, 0, slash);
    if (slash == pattern.n || slash == 0 || str_find(folder, 0, '*') < folder.n ||
        str_find(folder, 0, '?') < folder.n)
        return;
    const char *name = str_cstr(r->source->arena, folder);
    if (stat(name, &st) != 0 && errno == ENOENT)
        conf_problem(&r->source->doubts, r->place,
                     "@include: there is no folder %s, so nothing is included", name);
}

static void include_glob(struct reader *r, struct str pattern)
{
    glob_t found = {0};
    const char *name = str_cstr(r->source->arena, pattern);
    int failed = glob(name, 0, stops_glob, &found);
    if (failed && failed != GLOB_NOMATCH)
        conf_problem(r->source->problems, r->place, "cannot look for %s: %s", name,
                     strerror(errno));
    if (failed == GLOB_NOMATCH)
        doubt_folder(r, pattern);
    for (size_t i = 0; !failed && i < found.gl_pathc; i++)
        add_file(r->source, str_of(found.gl_pathv[i]), r->place, r->depth + 1);
    globfree(&found);
}

static void include_path(struct reader *r, struct str path)
{
    path = resolve(r->source->arena, path, r->place.file);
    if (r->depth + 1 >= INCLUDE_DEPTH) {
        r->source->endless = true;
        complain_of_source(r, r->place, "files include each other more than 10 deep");
    } else if (str_find(path, 0, '*') < path.n || str_find(path, 0, '?') < path.n)
        include_glob(r, path);
    else
        add_file(r->source, path, r->place, r->depth + 1);
}

/* The included text stands on lines of its own. */
static void include(struct reader *r)
{
    size_t end = str_find(r->text, r->at, '\n');
    struct str path = include_argument(str_sub(r->text, r->at + strlen("@include"), end));
    r->at = end;
    sb_addc(&r->source->text, '\n');
    if (path.p)
        include_path(r, path);
    else
        complain_of_source(r, r->place,
                           "@include wants a path in quotes, and nothing else on its line");
    line_begins(r->source, r->place);
}

/* True if the joined text has only white space on its last line, as @include wants it. */
static bool line_is_blank(const struct strbuf *text)
{
    size_t n = text->n;
    while (n && (text->p[n - 1] == ' ' || text->p[n - 1] == '\t'))
        n--;
    return n == 0 || text->p[n - 1] == '\n';
}

static void scan_source(struct reader *r)
{
    line_begins(r->source, r->place);
    while (r->at < r->text.n) {
        if (at(r, STR("@include")) && line_is_blank(&r->source->text))
            include(r);
        else if (at(r, STR("/*")))
            block_comment(r);
        else if (at(r, STR("//")) || peek(r) == '#')
            line_comment(r);
        else if (peek(r) == '"')
            quoted_text(r);
        else if (is_word(peek(r)))
            source_word(r);
        else if ((unsigned char)peek(r) >= 0x80)
            foreign_character(r);
        else
            other_byte(r);
    }
    sb_addc(&r->source->text, '\n');
}

static void add_text(struct conf_source *s, struct str text, const char *name, unsigned depth)
{
    size_t mark = str_starts(text, STR("\xEF\xBB\xBF")) ? 3 : 0; /* of some editors */
    struct reader r = {
        .source = s, .text = text, .at = mark, .place = {.file = name, .line = 1}, .depth = depth};
    if (str_find(text, 0, '\0') == text.n)
        scan_source(&r);
    else
        conf_problem(s->problems, (struct conf_place){.file = name},
                     "holds a NUL byte: it is no text file");
}

struct str source_read(struct arena *a, const char *path)
{
    struct strbuf b;
    char block[16384];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return STR_NONE;
    sb_init(&b, a);
    while ((got = read(fd, block, sizeof block)) > 0 && b.n <= FILE_MAX)
        sb_add(&b, (struct str){block, (size_t)got});
    if (got > 0)
        errno = EFBIG;
    int problem = errno;
    close(fd);
    errno = problem;
    return got == 0 ? sb_str(&b) : STR_NONE;
}

/* `from`: where it is included; line 0: the main file. */
static void add_file(struct conf_source *s, struct str path, struct conf_place from, unsigned depth)
{
    char *name = str_cstr(s->names, path);
    struct str text = source_read(s->arena, name);
    const char *why = strerror(errno);
    if (text.p)
        add_text(s, text, name, depth);
    else if (from.file)
        conf_problem(s->problems, from, "cannot read %s: %s", name, why);
    else
        conf_problem(s->problems, (struct conf_place){.file = name}, "cannot be read: %s", why);
}

void source_add_file(struct conf_source *s, struct str path)
{
    add_file(s, path, (struct conf_place){0}, 0);
}

void source_add_text(struct conf_source *s, struct str text, const char *name)
{
    add_text(s, text, name, 0);
}
