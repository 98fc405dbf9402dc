/* taglist.c - tag=value lists, in the strict form of DKIM and the forgiving one of DMARC.
 *
 * Errors: a status and a phrase from the strict form; the lenient one leaves out what it cannot
 * use. Both look at each byte once and at no more than TAGLIST_MAX tags. */
#include "mail/taglist.h"

#include "base/ascii.h"

/* RFC 6376 3.2: ALPHA *ALNUMPUNC */
static bool is_tag_name(struct str name)
{
    if (name.n == 0 || !ascii_is_alpha(name.p[0]))
        return false;
    for (size_t i = 1; i < name.n; i++)
        if (!ascii_is_alnum(name.p[i]) && name.p[i] != '_')
            return false;
    return true;
}

/* RFC 6376 3.2: VALCHAR and folding white space; UTF-8 in the fields of internationalized messages
 * (RFC 8616 5), whose right places the readers of the tags have to know. */
static bool is_tag_value(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c > ' ' && c < 0x7F)
            continue; /* nearly all */
        if (c == '\r' && i + 1 < value.n && value.p[i + 1] == '\n')
            c = value.p[++i];
        if (c == '\n') {
            if (i + 1 >= value.n || !ascii_is_wsp(value.p[i + 1]))
                return false;
        } else if (ascii_is_8bit(c)) {
            size_t n = str_utf8(value, i);
            if (n == 0)
                return false;
            i += n - 1;
        } else if (ascii_is_control(c) && c != '\t') {
            return false;
        }
    }
    return true;
}

/* Splits "name = value"; false if there is no '=' or the name is none. */
static bool parse_tag(struct str part, struct tag *tag)
{
    size_t equals = str_find(part, 0, '=');
    if (equals == part.n)
        return false;
    tag->name = str_trim(str_sub(part, 0, equals));
    tag->value = str_trim(str_sub(part, equals + 1, part.n));
    return is_tag_name(tag->name);
}

static void add_tag(struct arena *a, struct taglist *list, size_t *cap, struct tag tag)
{
    list->tags = arena_extend(a, list->tags, list->n, cap, sizeof tag);
    list->tags[list->n++] = tag;
}

enum taglist_status taglist_parse(struct arena *a, struct str text, struct taglist *out,
                                  struct str *problem)
{
    struct str rest = text, part;
    size_t cap = 0;
    *out = (struct taglist){0};
    *problem = STR_NONE;
    while (str_split(&rest, ';', &part)) {
        struct tag tag;
        if (out->n > 0 && !rest.p && str_trim(part).n == 0)
            break; /* the ';' that may end the list */
        if (!parse_tag(part, &tag) || !is_tag_value(part)) {
            *problem = STR("the tag list has a part that is no tag=value");
            return TAGLIST_SYNTAX;
        }
        if (taglist_get(out, tag.name).p) {
            *problem = STR("a tag occurs twice");
            return TAGLIST_DUPLICATE;
        }
        if (out->n == TAGLIST_MAX) {
            *problem = STR("the tag list has too many tags");
            return TAGLIST_TOO_MANY;
        }
        add_tag(a, out, &cap, tag);
    }
    if (out->n == 0) {
        *problem = STR("the tag list is empty");
        return TAGLIST_SYNTAX;
    }
    return TAGLIST_OK;
}

void taglist_parse_lenient(struct arena *a, struct str text, enum taglist_names names,
                           struct taglist *out)
{
    struct str rest = text, part;
    size_t cap = 0;
    *out = (struct taglist){.names = names};
    for (bool first = true; str_split(&rest, ';', &part) && out->n < TAGLIST_MAX; first = false) {
        struct tag tag;
        if (!parse_tag(part, &tag)) {
            if (!first)
                continue;
            tag = (struct tag){STR(""), STR("")};
        } else if (taglist_get(out, tag.name).p) {
            continue;
        }
        add_tag(a, out, &cap, tag);
    }
}

static bool is_tag(const struct taglist *list, const struct tag *tag, struct str name)
{
    return list->names == TAGLIST_ANY_CASE ? str_eq_nocase(tag->name, name)
                                           : str_eq(tag->name, name);
}

struct str taglist_get(const struct taglist *list, struct str name)
{
    for (size_t i = 0; i < list->n; i++)
        if (is_tag(list, &list->tags[i], name))
            return list->tags[i].value;
    return STR_NONE;
}

struct str taglist_strip(struct arena *a, struct str value)
{
    char *stripped = arena_copy(a, value.p, value.n);
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++)
        if (!ascii_is_wsp(value.p[i]) && value.p[i] != '\r' && value.p[i] != '\n')
            stripped[n++] = value.p[i];
    stripped[n] = '\0';
    return (struct str){stripped, n};
}
