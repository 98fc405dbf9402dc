/* migrate_command.c - `assay migrate`: configurations of other filters as assay.conf.
 *
 * Errors: exit status 66 if a file cannot be read or is of no known kind: what could be read is
 * printed all the same. What is not carried over is no error. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "migrate/migrate.h"
#include "milter/commands/commands.h"

/* The command's own. */
struct migrate_words {
    const char *as;
    bool options;
};

static const struct command_option migrate_options[] = {
    OPTION("as", "KIND", take_text, struct migrate_words, as,
           "what the files are, if their content and names do not say it"),
    OPTION("options", NULL, take_flag, struct migrate_words, options,
           "print which settings are known, and what becomes of them; with --as, of one kind"),
    {0},
};

static void print_options(size_t kind)
{
    struct migrate_kind_view view = migrate_kind_at(kind);
    printf("%s: %s\n", view.name, view.title);
    for (size_t i = 0; i < view.n; i++) {
        struct migrate_option_view o = migrate_option_at(kind, i);
        printf("  %-28s %-16s %s%s%s\n", o.name, migrate_fate_name(o.fate), o.to,
               *o.to && *o.note ? "; " : "", o.note);
    }
}

static int list_options(struct command *c)
{
    const struct migrate_words *w = c->own;
    size_t one = w->as ? migrate_kind_find(str_of(w->as)) : 0;
    if (one == migrate_kinds())
        return command_fail(c, EX_USAGE, "--as: there is no kind \"%s\"; --options lists them",
                            w->as);
    for (size_t i = w->as ? one : 0; i < (w->as ? one + 1 : migrate_kinds()); i++)
        print_options(i);
    return EX_OK;
}

/* What was made of it is read as the daemon would: a complaint here is a bug of ours. */
static void check_result(struct command *c, struct str text)
{
    struct conf_problems problems;
    conf_problems_init(&problems, c->arena);

    struct conf *conf = conf_parse(text, &problems);
    if (conf)
        conf_free(conf);
    else
        fprintf(stderr, "\n\"assay config check\" will complain about this:\n");
    command_print_problems(&problems);
}

static void print_all(struct command *c, struct migration *m)
{
    struct str text = migration_conf(m), account = migration_account(m);
    struct json j;
    if (c->json) {
        json_begin(&j, c->arena);
        json_text(&j, "conf", text);
        migration_json(m, &j);
        command_print_json(&j);
        return;
    }
    fwrite(text.p, 1, text.n, stdout);
    fflush(stdout);
    fwrite(account.p, 1, account.n, stderr);
    check_result(c, text);
}

static int migrate_run(struct command *c)
{
    const struct migrate_words *w = c->own;
    struct migration *m = migration_new(c->arena);
    int status = EX_OK, n_read = 0;
    struct str problem;
    log_set_level(LOG_LEVEL_ERROR); /* warnings are for "assay config check" */
    if (w->options)
        return list_options(c);
    if (!c->n_words)
        return command_fail(c, EX_USAGE, "FILE is missing: name the files of the old filters");
    if (w->as && migrate_kind_find(str_of(w->as)) == migrate_kinds())
        return command_fail(c, EX_USAGE, "--as: there is no kind \"%s\"; --options lists them",
                            w->as);
    for (int i = 0; i < c->n_words; i++) {
        if (migration_read(m, c->words[i], w->as, &problem))
            n_read++;
        else
            status = command_fail(c, EX_NOINPUT, "%s %.*s", c->words[i], STR_ARG(problem));
    }
    if (!n_read)
        return status;
    migration_finish(m);
    print_all(c, m);
    return migration_is_incomplete(m) ? EX_NOINPUT : status;
}

const struct command_row migrate_command = {
    .name = "migrate",
    .brief = "configurations of opendkim, opendmarc, postgrey and others as assay.conf",
    .words = "[FILE...]",
    .options = migrate_options,
    .common = COMMON_JSON,
    .size = sizeof(struct migrate_words),
    .run = migrate_run,
    .about = "Reads configurations of other filters, with the tables and lists that they name, and "
             "prints an assay.conf on standard output; on standard error it prints what became of "
             "every setting, why, and what to do instead. It changes nothing on the machine.",
    .notes = "The kinds are opendkim, opendmarc, openarc, dkim-filter, dkimproxy, policyd-spf, "
             "smf-spf, postgrey, sqlgrey, tumgreyspf, postsrsd1, postsrsd2, and for single lists "
             "key-table, signing-table, trusted-hosts, whitelist-clients, whitelist-recipients, "
             "clients-ip-whitelist and clients-fqdn-whitelist. "
             "assay-migrate(7) says how to change over.",
    .status = "0 every file could be read; 66 one could not.",
};
