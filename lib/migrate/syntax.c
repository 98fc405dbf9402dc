/* syntax.c - splits the text of a file into settings, in the syntax of each program.
 *
 * Errors: none; lines without a name are skipped, as the programs do. */
#include <string.h>

#include "base/ascii.h"
#include "migrate/migration.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}

void texts_add(struct arena *a, struct migrate_texts *list, struct str text)
{
    list->v = arena_extend(a, list->v, list->n, &list->cap, sizeof *list->v);
    list->v[list->n++] = text;
}

static void add_setting(struct arena *a, struct migrate_settings *out, const char *file,
                        unsigned line, struct str name, struct str value)
{
    out->v = arena_extend(a, out->v, out->n, &out->cap, sizeof *out->v);
    out->v[out->n++] = (struct migrate_setting){file, line, name, value};
}

static struct str without_comment(struct str line)
{
    return str_trim(str_sub(line, 0, str_find(line, 0, '#')));
}

static struct str without_quotes(struct str text)
{
    bool quoted = text.n >= 2 && (text.p[0] == '"' || text.p[0] == '\'');
    return quoted && text.p[text.n - 1] == text.p[0] ? str_sub(text, 1, text.n - 1) : text;
}

/* The end of the name that a line begins with. */
static size_t name_end(struct str line, bool equals)
{
    size_t i = 0;
    while (i < line.n && !is_blank(line.p[i]) && !(equals && line.p[i] == '='))
        i++;
    return i;
}

static void read_words(struct arena *a, const char *file, unsigned n, struct str line,
                       struct migrate_settings *out)
{
    line = without_comment(line);
    size_t end = name_end(line, false);
    struct str value = str_trim(str_sub(line, end, line.n));
    if (end)
        add_setting(a, out, file, n, str_sub(line, 0, end), value);
}

static void read_equals(struct arena *a, const char *file, unsigned n, struct str line,
                        struct migrate_settings *out)
{
    line = without_comment(line);
    size_t equals = str_find(line, 0, '=');
    struct str name = str_trim(str_sub(line, 0, equals));
    if (equals == line.n) /* the program skips it; the account says so */
        name = name.n ? str_printf(a, "%.*s, without an =", STR_ARG(name)) : name;
    if (name.n)
        add_setting(a, out, file, n, name,
                    without_quotes(str_trim(str_sub(line, equals + 1, line.n))));
}

/* The next word of a shell's line, from *at on. False: there is none. */
static bool next_word(struct arena *a, struct str line, size_t *at, struct str *word)
{
    struct strbuf b;
    char quote = 0;
    while (*at < line.n && is_blank(line.p[*at]))
        ++*at;
    if (*at == line.n || line.p[*at] == '#')
        return false;
    sb_init(&b, a);
    for (; *at < line.n && (quote || !is_blank(line.p[*at])); ++*at) {
        char c = line.p[*at];
        if (c == quote)
            quote = 0;
        else if (!quote && (c == '"' || c == '\''))
            quote = c;
        else if (c == '\\' && quote != '\'' && *at + 1 < line.n)
            sb_addc(&b, line.p[++*at]);
        else
            sb_addc(&b, c);
    }
    *word = sb_str(&b);
    return true;
}

void syntax_words(struct arena *a, struct str line, struct migrate_texts *out)
{
    size_t at = 0;
    struct str word;
    while (next_word(a, line, &at, &word))
        texts_add(a, out, word);
}

static bool is_variable(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!ascii_is_alpha(name.p[i]) && !ascii_is_digit(name.p[i]) && name.p[i] != '_')
            return false;
    return name.n > 0;
}

/* NAME=word, with "export" before it or without. */
static bool shell_assignment(struct arena *a, struct str line, struct str *name, struct str *value)
{
    struct migrate_texts words = {0};
    syntax_words(a, line, &words);
    size_t i = words.n && str_eq(words.v[0], STR("export")) ? 1 : 0;
    if (words.n <= i)
        return false;
    size_t equals = str_find(words.v[i], 0, '=');
    *name = str_sub(words.v[i], 0, equals);
    *value = str_sub(words.v[i], equals + 1, words.v[i].n);
    return equals < words.v[i].n && is_variable(*name);
}

static void read_shell(struct arena *a, const char *file, unsigned n, struct str line,
                       struct migrate_settings *out)
{
    struct str name, value;
    if (shell_assignment(a, line, &name, &value))
        add_setting(a, out, file, n, name, value);
}

/* The long name of an option with one letter. */
static struct str long_name(struct str letter)
{
    static const struct {
        char letter;
        struct str name;
    } names[] = {
        {'h', STR_INIT("help")}, {'v', STR_INIT("verbose")}, {'q', STR_INIT("quiet")},
        {'u', STR_INIT("unix")}, {'i', STR_INIT("inet")},    {'d', STR_INIT("daemonize")},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (letter.n == 1 && names[i].letter == letter.p[0])
            return names[i].name;
    return letter;
}

static bool takes_value(struct str name)
{
    static const char alone[] = " help version verbose quiet daemonize lookup-by-subnet "
                                "lookup-by-host privacy exim ";
    char look[32];
    if (name.n + 3 > sizeof look)
        return true;
    memcpy(look + 1, name.p, name.n);
    look[0] = look[name.n + 1] = ' ';
    look[name.n + 2] = '\0';
    return !strstr(alone, look);
}

/* --name=value, --name value, -i value. */
static void read_command_line(struct arena *a, const char *file, unsigned n, struct str text,
                              struct migrate_settings *out)
{
    struct migrate_texts words = {0};
    syntax_words(a, text, &words);
    for (size_t i = 0; i < words.n; i++) {
        struct str word = words.v[i], value = STR("");
        bool is_long = str_starts(word, STR("--"));
        if (!word.n || word.p[0] != '-' || word.n < 2)
            continue;
        size_t equals = str_find(word, 0, '=');
        struct str name = str_sub(word, is_long ? 2 : 1, is_long ? equals : 2);
        name = is_long ? name : long_name(name);
        if (is_long && equals < word.n)
            value = str_sub(word, equals + 1, word.n);
        else if (!is_long && word.n > 2)
            value = str_sub(word, word.p[2] == '=' ? 3 : 2, word.n);
        else if (takes_value(name) && i + 1 < words.n)
            value = words.v[++i];
        add_setting(a, out, file, n, name, value);
    }
}

static void read_options(struct arena *a, const char *file, unsigned n, struct str line,
                         struct migrate_settings *out)
{
    static const struct str environment = STR_INIT("EnvironmentFile=");
    struct str name, value, text = str_trim(line);
    if (str_starts(text, environment)) {
        size_t path = environment.n + (str_find(text, 0, '-') == environment.n);
        add_setting(a, out, file, n, STR("EnvironmentFile"), str_sub(text, path, text.n));
        return;
    }
    if (str_starts(text, STR("-")) || str_starts(text, STR("ExecStart=")))
        read_command_line(a, file, n, text, out);
    else if (shell_assignment(a, text, &name, &value) && str_ends_nocase(name, STR("_TEXT")))
        add_setting(a, out, file, n, name, value);
    else if (shell_assignment(a, text, &name, &value))
        read_command_line(a, file, n, value, out);
}

/* name = value, where { "a", "b" } may take several lines; the entries have commas between them. */
static void read_confuse(struct arena *a, const char *file, struct str text,
                         struct migrate_settings *out)
{
    unsigned n = 0;
    struct str line;
    while (str_split(&text, '\n', &line)) {
        unsigned begin = ++n;
        struct strbuf list;
        line = without_comment(line);
        size_t equals = str_find(line, 0, '=');
        if (equals == line.n)
            continue;
        struct str name = str_trim(str_sub(line, 0, equals));
        struct str value = str_trim(str_sub(line, equals + 1, line.n)), more;
        sb_init(&list, a);
        sb_add(&list, value);
        while (value.n && value.p[0] == '{' && str_find(sb_str(&list), 0, '}') == list.n &&
               str_split(&text, '\n', &more)) {
            n++;
            sb_addc(&list, ' ');
            sb_add(&list, without_comment(more));
        }
        value = sb_str(&list);
        if (value.n && value.p[0] == '{')
            value = str_trim(str_sub(value, 1, str_find(value, 0, '}')));
        else
            value = without_quotes(value);
        add_setting(a, out, file, begin, name, value);
    }
}

typedef void line_fn(struct arena *a, const char *file, unsigned n, struct str line,
                     struct migrate_settings *out);

void syntax_read(struct arena *a, enum migrate_syntax syntax, const char *file, struct str text,
                 struct migrate_settings *out)
{
    static line_fn *const readers[] = {
        [SYNTAX_WORDS] = read_words,
        [SYNTAX_EQUALS] = read_equals,
        [SYNTAX_SHELL] = read_shell,
        [SYNTAX_OPTIONS] = read_options,
    };
    struct str line;
    struct strbuf joined;
    if (syntax == SYNTAX_CONFUSE) {
        read_confuse(a, file, text, out);
        return;
    }
    for (unsigned n = 1; str_split(&text, '\n', &line); n++) {
        unsigned begin = n;
        sb_init(&joined, a);
        bool shell = syntax == SYNTAX_SHELL || syntax == SYNTAX_OPTIONS;
        while (shell && str_trim(line).n && str_trim(line).p[str_trim(line).n - 1] == '\\') {
            sb_add(&joined, str_sub(str_trim(line), 0, str_trim(line).n - 1));
            if (!str_split(&text, '\n', &line))
                line = STR("");
            n++;
        }
        sb_add(&joined, line);
        readers[syntax](a, file, begin, sb_str(&joined), out);
    }
}
