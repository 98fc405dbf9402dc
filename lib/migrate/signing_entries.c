/* signing_entries.c - writes the rules as entries of `signing`, with the places of their keys.
 *
 * Errors: none. */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "migrate/migration.h"

/* Each question reads a file of the system, so it is asked once. */
static const struct migrate_owner *ask_owner(struct migration *m)
{
    struct migrate_owner *o = &m->owner;
    if (o->asked)
        return o;
    const struct passwd *user = getpwnam("assay");
    const struct group *group = getgrnam("assay");
    *o = (struct migrate_owner){true, user, group, user ? user->pw_uid : 0,
                                group ? group->gr_gid : 0};
    return o;
}

/* True if assay accepts the key where it is: its owner is root or assay, and nobody else can read
 * it. */
static bool is_usable(struct migration *m, const char *path)
{
    struct stat st;
    const struct migrate_owner *o = ask_owner(m);
    if (!o->has_user || stat(path, &st) != 0 || (st.st_mode & 037))
        return false;
    bool owned = st.st_uid == o->user && (st.st_mode & 0400);
    return owned || (st.st_uid == 0 && o->has_group && st.st_gid == o->group && (st.st_mode & 040));
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
    struct str *copied;
    while ((copied = strmap_get(&m->copies, name)) && !str_eq(*copied, path))
        name = str_printf(m->arena, "%.*s.%u.pem", STR_ARG(wanted), ++number);
    if (!copied) {
        copied = arena_make(m->arena, struct str);
        *copied = path;
        *strmap_put(&m->copies, name) = copied;
    }
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
    return is_usable(m, path) ? rule->path : copy_key(m, rule->domain, rule->selector, rule->path);
}

static bool is_whole(const struct migrate_rule *rule)
{
    return str_starts(rule->pattern, STR("*@")) && !pattern_is_below(rule->pattern) &&
           str_eq_nocase(pattern_host(rule->pattern), rule->domain);
}

static bool same_key(const struct migrate_rule *x, const struct migrate_rule *y)
{
    return str_eq_nocase(x->domain, y->domain) && str_eq(x->selector, y->selector) &&
           str_eq(x->path, y->path);
}

/* The first rule *@*.d for authors below the domain of a rule. */
static const struct migrate_rule *first_below(const struct migration *m,
                                              const struct migrate_rule *rule)
{
    return first_rule(m, str_printf(m->arena, "*@*.%.*s", STR_ARG(rule->domain)));
}

/* Counts keys of the domain, from this rule on. */
static size_t count_keys(const struct migration *m, const struct migrate_rule *first,
                         struct str domain)
{
    size_t n = 0;
    for (const struct migrate_rule *r = first; r; r = next_rule(m, r))
        n += str_eq_nocase(r->domain, domain);
    return n;
}

static bool has_below(const struct migration *m, const struct migrate_rule *rule)
{
    const struct migrate_rule *r = first_below(m, rule);
    while (r && !same_key(r, rule))
        r = next_rule(m, r);
    return r;
}

/* True if *@*.d has the same keys as *@d, so that `subdomains` can say it; marks those rules as
 * done. */
static bool take_subdomains(struct migration *m, const struct migrate_rule *rule, bool *done)
{
    const struct migrate_rule *whole = first_rule(m, rule->pattern), *below = first_below(m, rule);
    if (!is_whole(rule) || count_keys(m, below, rule->domain) != count_keys(m, whole, rule->domain))
        return false;
    for (const struct migrate_rule *r = whole; r; r = next_rule(m, r))
        if (str_eq_nocase(r->domain, rule->domain) && !has_below(m, r))
            return false;
    for (const struct migrate_rule *r = below; r; r = next_rule(m, r))
        if (str_eq_nocase(r->domain, rule->domain))
            done[r - m->rules] = true;
    return true;
}

/* Writes all keys of the rules with this pattern and domain. */
static void write_keys(struct migration *m, struct strbuf *out, size_t first, bool *done)
{
    bool begun = false;
    const struct migrate_rule *rule = &m->rules[first];
    for (; rule; rule = next_rule(m, rule)) {
        if (!str_eq_nocase(rule->domain, m->rules[first].domain))
            continue;
        done[rule - m->rules] = true;
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
