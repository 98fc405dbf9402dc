/* srs.c - the settings that only postsrsd has, in version 1 and 2.
 *
 * Errors: lines of the account. */
#include <string.h>

#include "migrate/migration.h"

void carry_srs_domain(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    bool first = str_eq(s->name, STR("SRS_DOMAIN"));
    struct str problem;
    struct str domain =
        str_starts(s->value, STR(".")) ? str_sub(s->value, 1, s->value.n) : s->value;
    (void)row;
    if (!set_or_tell(m, "srs.domain", domain, s))
        return;
    m->srs_domain = domain;
    if (first && !set_value(m, "srs.local-domains", domain, s, &problem))
        first = false;
    tell(m, s, MIGRATE_CARRIED, "srs.domain = %.*s%s", STR_ARG(domain),
         first ? ", which is one of srs.local-domains, too" : "");
}

void carry_srs_domains(struct migration *m, const struct migrate_row *row,
                       const struct migrate_setting *s)
{
    struct migrate_texts entries = {0};
    split_list(m->arena, s->value, &entries);
    if (!entries.n) {
        tell(m, s, MIGRATE_CARRIED, "%s: the list is empty", row->to);
        return;
    }
    if (!m->srs_domain.p)
        m->srs_domain = entries.v[0];
    add_domains(m, row->to, &entries, s, row->fate,
                row->fate == MIGRATE_CHANGED ? "each includes its subdomains" : "");
}

void carry_srs_domains_file(struct migration *m, const struct migrate_row *row,
                            const struct migrate_setting *s)
{
    struct migrate_setting file = *s;
    struct migrate_texts entries = {0};
    if (!s->value.n) {
        tell(m, s, MIGRATE_CARRIED, "%s: it names no file", row->to);
        return;
    }
    file.value = str_printf(m->arena, "file:%.*s", STR_ARG(s->value));
    if (!read_dataset(m, &file, &entries))
        return;
    if (!m->srs_domain.p && entries.n)
        m->srs_domain = entries.v[0];
    add_domains(m, row->to, &entries, s, row->fate, "");
}

void carry_srs_secret(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    if (!set_or_tell(m, row->to, STR("/etc/assay/srs.secrets"), s))
        return;
    m->srs_secret = *s;
    m->before_srs = m->commands;
    command_before(m, "install -m 0640 -o root -g assay %.*s /etc/assay/srs.secrets",
                   STR_ARG(shell_quote(m->arena, s->value)));
    tell(m, s, MIGRATE_CARRIED, "srs.secrets, a copy of the file: bounces under way still arrive");
}

/* What postsrsd does not use if it is empty, or has this value. */
void carry_srs_unused(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    if (!s->value.n || str_eq_nocase(s->value, STR("embedded")))
        tell(m, s, MIGRATE_CARRIED, "the default");
    else
        tell_row(m, row, s);
}

void carry_srs_separator(struct migration *m, const struct migrate_row *row,
                         const struct migrate_setting *s)
{
    (void)row;
    bool same = str_eq(s->value, STR("=")) || !s->value.n;
    tell(m, s, same ? MIGRATE_CARRIED : MIGRATE_CHANGED, "= is written, and all three are read");
}

void carry_srs_socket(struct migration *m, const struct migrate_row *row,
                      const struct migrate_setting *s)
{
    if (set_or_tell(m, row->to, STR("inet:8897@127.0.0.1"), s))
        tell(m, s, MIGRATE_CHANGED, "%s = inet:8897@127.0.0.1; %s", row->to, row->note);
}

/* The group srs as it will be written. */
static struct str srs_text(struct migration *m)
{
    struct strbuf b;
    sb_init(&b, m->arena);
    for (size_t i = 0; i < options_count; i++)
        if (strncmp(options[i].name, "srs.", 4) == 0 && m->values[i].set)
            sb_printf(&b, "%s = %.*s; ", options[i].name + 4,
                      STR_ARG(option_text(m->arena, &options[i], &m->values[i].texts, 0)));
    return str_printf(m->arena, "srs = { %.*s};", STR_ARG(sb_str(&b)));
}

static void leave_srs(struct migration *m, const char *file)
{
    for (size_t i = 0; i < options_count; i++)
        if (strncmp(options[i].name, "srs.", 4) == 0)
            m->values[i] = (struct migrate_value){0};
    for (size_t i = 0; i < m->n_lines; i++)
        if (strcmp(m->lines[i].setting.file, file) == 0 &&
            str_starts(m->lines[i].note, STR("srs.")))
            m->lines[i] =
                (struct migrate_line){m->lines[i].setting, MIGRATE_LEFT,
                                      STR("nothing of SRS is carried over, see srs.domain")};
    m->commands = m->before_srs;
}

/* Says if the command for the secret would fail. */
static void check_secret(struct migration *m)
{
    const struct migrate_setting *s = &m->srs_secret;
    struct str problem = s->file ? file_problem(m, str_cstr(m->arena, s->value)) : STR_NONE;
    if (!problem.p)
        return;
    tell(m, s, MIGRATE_LEFT, "the file cannot be read, so that its command fails: %.*s",
         STR_ARG(problem));
}

/* Without a domain there is no SRS, and nothing of it is written. */
void finish_srs(struct migration *m)
{
    struct migrate_setting s = {m->lines[m->n_lines - 1].setting.file, 0, STR("srs.domain"),
                                STR("")};
    struct str problem = STR_NONE;
    bool named = m->srs_domain.p && (m->values[option_find(STR("srs.domain")) - options].set ||
                                     set_value(m, "srs.domain", m->srs_domain, &s, &problem));
    if (named && is_accepted(m, srs_text(m), &problem)) {
        check_secret(m);
        return;
    }
    leave_srs(m, s.file);
    if (problem.p)
        tell(m, &s, MIGRATE_LEFT, "%.*s", STR_ARG(problem));
    else
        tell(m, &s, MIGRATE_LEFT,
             "no domain is named, and postsrsd took what \"postconf -h mydomain\" says: write that "
             "into the file as SRS_DOMAIN, or srs-domain in version 2, and run the command again");
}
