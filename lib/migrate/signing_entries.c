/* signing_entries.c - writes the rules as entries of `signing`, with the places of their keys.
 *
 * Errors: none. */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "migrate/migration.h"

/* True if assay accepts the key where it is: its owner is root or assay, and nobody else can read
 * it. */
static bool is_usable(const char *path)
{
    struct stat st;
    struct passwd *user = getpwnam("assay");
    struct group *group = getgrnam("assay");
    if (!user || stat(path, &st) != 0 || (st.st_mode & 037))
        return false;
    bool owned = st.st_uid == user->pw_uid && (st.st_mode & 0400);
    return owned || (st.st_uid == 0 && group && st.st_gid == group->gr_gid && (st.st_mode & 040));
}

struct str plain_name(struct arena *a, struct str text)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        sb_addc(&b, ascii_is_alpha(c) || ascii_is_digit(c) || strchr(".-_", c) ? c : '_');
    }
    return sb_str(&b);
}

/* Two keys may have the same domain and selector: each file has a copy of its own. */
static struct str name_copy(struct migration *m, struct str domain, struct str selector,
                            struct str path)
{
    struct str wanted =
        str_printf(m->arena, MIGRATE_KEYS "/%.*s.%.*s", STR_ARG(str_lower(m->arena, domain)),
                   STR_ARG(str_lower(m->arena, selector)));
    struct str name = str_printf(m->arena, "%.*s.pem", STR_ARG(wanted));
    unsigned number = 1;
    for (size_t i = 0; i < m->copies.n; i++) {
        if (!str_eq(m->copies.v[i], name))
            continue;
        if (str_eq(m->copied.v[i], path))
            return name;
        name = str_printf(m->arena, "%.*s.%u.pem", STR_ARG(wanted), ++number);
    }
    texts_add(m->arena, &m->copies, name);
    texts_add(m->arena, &m->copied, path);
    return name;
}

struct str copy_key(struct migration *m, struct str domain, struct str selector, struct str path)
{
    struct str copy = name_copy(m, domain, selector, path);
    command_before(m, "install -d -m 0750 -o root -g assay " MIGRATE_KEYS);
    command_before(m, "install -m 0640 -o root -g assay %.*s %.*s",
                   STR_ARG(shell_quote(m->arena, path)), STR_ARG(shell_quote(m->arena, copy)));
    return copy;
}

/* The path of the key for assay. */
static struct str place_key(struct migration *m, const struct migrate_rule *rule)
{
    const char *path = str_cstr(m->arena, rule->path);
    return is_usable(path) ? rule->path : copy_key(m, rule->domain, rule->selector, rule->path);
}

static bool is_whole(const struct migrate_rule *rule)
{
    return str_starts(rule->pattern, STR("*@")) && !pattern_is_below(rule->pattern) &&
           str_eq_nocase(pattern_host(rule->pattern), rule->domain);
}

static bool is_whole_below(const struct migrate_rule *rule)
{
    return str_starts(rule->pattern, STR("*@*.")) &&
           str_eq_nocase(pattern_host(rule->pattern), rule->domain);
}

static bool same_key(const struct migrate_rule *x, const struct migrate_rule *y)
{
    return str_eq_nocase(x->domain, y->domain) && str_eq(x->selector, y->selector) &&
           str_eq(x->path, y->path);
}

static size_t count_keys(const struct migration *m, const struct migrate_rule *rule, bool below)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_rules; i++)
        n += (below ? is_whole_below(&m->rules[i]) : is_whole(&m->rules[i])) &&
             str_eq_nocase(m->rules[i].domain, rule->domain);
    return n;
}

static bool has_below(const struct migration *m, const struct migrate_rule *rule)
{
    for (size_t i = 0; i < m->n_rules; i++)
        if (is_whole_below(&m->rules[i]) && same_key(&m->rules[i], rule))
            return true;
    return false;
}

/* True if *@*.d has the same keys as *@d, so that `subdomains` can say it; marks those rules as
 * done. */
static bool take_subdomains(struct migration *m, const struct migrate_rule *rule, bool *done)
{
    if (!is_whole(rule) || count_keys(m, rule, true) != count_keys(m, rule, false))
        return false;
    for (size_t i = 0; i < m->n_rules; i++)
        if (is_whole(&m->rules[i]) && str_eq_nocase(m->rules[i].domain, rule->domain) &&
            !has_below(m, &m->rules[i]))
            return false;
    for (size_t i = 0; i < m->n_rules; i++)
        if (is_whole_below(&m->rules[i]) && str_eq_nocase(m->rules[i].domain, rule->domain))
            done[i] = true;
    return true;
}

/* Writes all keys of the rules with this pattern and domain. */
static void write_keys(struct migration *m, struct strbuf *out, size_t first, bool *done)
{
    bool begun = false;
    for (size_t i = first; i < m->n_rules; i++) {
        const struct migrate_rule *rule = &m->rules[i];
        if (done[i] || !str_eq_nocase(rule->pattern, m->rules[first].pattern) ||
            !str_eq_nocase(rule->domain, m->rules[first].domain))
            continue;
        done[i] = true;
        struct str selector = value_quote(m->arena, rule->selector);
        struct str file = value_quote(m->arena, place_key(m, rule));
        sb_printf(out, "%s{ selector = %.*s; file = %.*s; }",
                  begun ? ",\n               " : "\n      keys = ( ", STR_ARG(selector),
                  STR_ARG(file));
        begun = true;
    }
    sb_add(out, STR(" ); }"));
}

static void write_entry(struct migration *m, struct strbuf *out, size_t i, bool *done)
{
    const struct migrate_rule *rule = &m->rules[i];
    sb_printf(out, "%s    { domain = %.*s;", out->n ? ",\n" : "",
              STR_ARG(value_quote(m->arena, str_lower(m->arena, rule->domain))));
    if (take_subdomains(m, rule, done))
        sb_add(out, STR("\n      subdomains = true;"));
    if (!is_whole(rule))
        sb_printf(out, "\n      senders = [ %.*s ];",
                  STR_ARG(value_quote(m->arena, rule->pattern)));
    write_keys(m, out, i, done);
}

void write_signing(struct migration *m)
{
    struct strbuf out;
    bool *done = arena_array(m->arena, bool, m->n_rules);
    sb_init(&out, m->arena);
    for (int whole = 1; whole >= 0; whole--)
        for (size_t i = 0; i < m->n_rules; i++)
            if (!done[i] && is_whole(&m->rules[i]) == whole)
                write_entry(m, &out, i, done);
    if (out.n)
        m->signing_text = str_printf(m->arena, "signing = (\n%.*s\n);\n", STR_ARG(sb_str(&out)));
}
