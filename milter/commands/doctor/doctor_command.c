/* doctor_command.c - `assay doctor`: what is wrong with this mail server, and what to do.
 *
 * Gathers facts (gather.h), judges them (judge.h), and prints the findings (findings.h).
 *
 * Errors: exit status 1 for warnings, 2 for something grave; 64 for a wrong call, 78 for a
 * configuration that cannot be read. */
#include <sys/stat.h>
#include <unistd.h>

#include "milter/commands/commands.h"
#include "milter/commands/doctor/gather.h"
#include "milter/commands/doctor/judge.h"
#include "milter/commands/terminal.h"

#define PATIENCE_US 60000000 /* for all look-ups together */

static const char *take_addresses(struct command *c, const char *text, void *to)
{
    struct netaddr address;
    const char *problem = take_address(c, text, &address);
    return problem ? problem : take_texts(c, text, to);
}

static const struct command_option doctor_options[] = {
    OPTION("address", "ADDRESS", take_addresses, struct doctor_words, addresses,
           "mail leaves from this address, where that is none of this machine's own; may be given "
           "again"),
    OPTION("root", "DIR", take_text, struct doctor_words, root,
           "look at the files below this directory, those of another machine, instead of this one"),
    OPTION("quiet", NULL, take_flag, struct doctor_words, quiet, "do not tell what is good"),
    {0},
};

static int check_call(struct command *c)
{
    const struct doctor_words *words = c->own;
    struct stat st;
    if (words->root && (stat(words->root, &st) || !S_ISDIR(st.st_mode)))
        return command_fail(c, EX_USAGE, "--root: there is no directory \"%s\"", words->root);
    for (int i = 0; i < c->n_words; i++) {
        struct str name;
        const char *problem =
            conf_domain_problem(c->arena, str_of(c->words[i]), CONF_DOMAIN_NAMED, &name);
        if (problem)
            return command_fail(c, EX_USAGE, "DOMAIN: \"%.*s\" %s",
                                STR_ARG(str_safe(c->arena, str_of(c->words[i]), 100, true)),
                                problem);
    }
    return EX_OK;
}

static int load_configuration(struct command *c)
{
    const struct doctor_words *words = c->own;
    const char *path = path_within(c, DEFAULT_CONF);
    if (words->root && !c->conf_path && access(path, F_OK) == 0)
        c->conf_path = path;
    return command_load_conf(c);
}

/* Shows progress on a terminal that can take it back. */
static void tell_step(const struct command *c, const char *text)
{
    if (!c->json && terminal_obeys(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s", text);
}

static int gather_all(struct command *c, struct doctor_facts *facts)
{
    struct key_inventory keys = {0};
    tell_step(c, "this machine ...");
    gather_machine(c, facts);
    tell_step(c, "the mail server ...");
    gather_mtas(c, facts);
    gather_keys(c, facts, &keys);
    gather_domain_names(c, facts, &keys);
    gather_reports(c, facts);
    tell_step(c, "resolvers ...");
    gather_resolvers(c, facts);
    int status = command_open_dns(c);
    if (status != EX_OK)
        return status;
    c->asker.patience_us = facts->no_dns ? 0 : PATIENCE_US;
    tell_step(c, "names, records and lists ...");
    gather_addresses(c, facts);
    gather_domains(c, facts, &keys);
    gather_lists(c, facts);
    tell_step(c, "");
    return EX_OK;
}

static int doctor_run(struct command *c)
{
    const struct doctor_words *words = c->own;
    struct findings findings = {.arena = c->arena};
    struct json j;
    int status = check_call(c);
    if (status == EX_OK)
        status = load_configuration(c);
    if (status != EX_OK)
        return status;
    struct doctor_facts facts = {
        .conf = c->conf, .elsewhere = words->root != NULL, .host = c->conf->authserv_id};
    status = gather_all(c, &facts);
    if (status != EX_OK)
        return status;
    judge_all(&facts, &findings);
    if (c->json) {
        json_begin(&j, c->arena);
        findings_json(&findings, &j);
        command_print_json(&j);
    } else {
        findings_print(&findings, !words->quiet);
    }
    return findings_status(&findings);
}

const struct command_row doctor_command = {
    .name = "doctor",
    .brief = "what is wrong with this mail server, and what to do about it",
    .words = "[DOMAIN...]",
    .options = doctor_options,
    .common = COMMON_CONF | COMMON_DNS | COMMON_JSON,
    .size = sizeof(struct doctor_words),
    .run = doctor_run,
    .about =
        "Looks at this machine, at how Postfix or Sendmail asks assay, at the addresses that mail "
        "leaves from, and at what the domains publish: those named, or else those that are signed "
        "for. Says of everything that is wrong why it matters and what to do. Changes nothing, and "
        "sends no mail. Run it as root: then it looks with the rights of assay's user, and of the "
        "mail server's.",
    .status = "0 nothing is wrong; 1 warnings; 2 something is grave; 78 the configuration cannot "
              "be read.",
};
