/* srs_command.c - `assay srs`: what the socketmap door answers, and its secrets.
 *
 * Errors: exit status 1 where the map says NOTFOUND, 73 for a file that cannot be written, 75 where
 * no hash can be made, 78 for the configuration and the file of secrets. */
#include <string.h>
#include <sysexits.h>

#include "keys/srssecrets.h"
#include "milter/commands/commands.h"

struct srs_words {
    bool explain;
};

static const struct command_option srs_options[] = {
    OPTION("explain", NULL, take_flag, struct srs_words, explain,
           "print on standard error why there is no other address"),
    {0},
};

/* The configuration and its scheme. 0, or an exit status after a complaint. */
static int load_scheme(struct command *c, const struct srs_scheme **scheme)
{
    struct conf_problems problems;
    int status = command_load_conf(c);
    if (status != EX_OK)
        return status;
    conf_problems_init(&problems, c->arena);
    *scheme = srs_scheme_load(c->conf, c->arena, &problems);
    command_print_problems(&problems);
    if (!*scheme)
        return command_fail(c, EX_CONFIG, "the configuration has no srs.domain");
    return problems.n ? EX_CONFIG : EX_OK;
}

typedef struct srs_outcome direction(const struct srs_scheme *s, struct str address, int64_t now,
                                     struct arena *a);

static int say_other(struct command *c, direction *other)
{
    const struct srs_words *w = c->own;
    const struct srs_scheme *scheme;
    int status = load_scheme(c, &scheme);
    if (status != EX_OK)
        return status;
    struct srs_outcome o = other(scheme, str_of(c->words[0]), c->now, c->arena);
    if (o.status == SRS_UNKNOWN)
        return command_fail(c, EX_TEMPFAIL, "%s", o.why);
    if (o.status == SRS_DONE)
        printf("%.*s\n", STR_ARG(o.address));
    else if (w->explain)
        command_fail(c, 1, "%s", o.why);
    return o.status == SRS_DONE ? EX_OK : 1;
}

static int forward_address(struct command *c)
{
    return say_other(c, srs_forward);
}

static int reverse_address(struct command *c)
{
    return say_other(c, srs_reverse);
}

/* --- Secrets -----------------------------------------------------------------------------------*/

static int load_secrets_path(struct command *c)
{
    int status = command_load_conf(c);
    if (status == EX_OK && !c->conf->srs_secrets.p)
        return command_fail(c, EX_CONFIG, "the configuration has no srs.secrets");
    return status;
}

static int add_secret(struct command *c)
{
    struct str problem;
    int status = load_secrets_path(c);
    if (status != EX_OK)
        return status;
    if (!srs_secrets_add(c->conf, c->arena, &problem))
        return command_fail(c, EX_CANTCREAT, "%.*s", STR_ARG(problem));
    printf(
        "%.*s has a fresh secret, which makes addresses after a reload.\n"
        "Keep older secrets in the file until srs.validity has passed: addresses made with them "
        "are accepted.\n"
        "If servers share the secrets, give all of them the file before you reload any of them.\n",
        STR_ARG(c->conf->srs_secrets));
    return EX_OK;
}

static void list_json(const struct command *c, const struct srs_scheme *s)
{
    char fingerprint[SRS_FINGERPRINT + 1];
    struct json j;
    json_begin(&j, c->arena);
    json_array(&j, "secrets");
    for (size_t i = 0; i < s->n_secrets; i++) {
        srs_secret_fingerprint(s->secrets[i], fingerprint);
        json_object(&j, NULL);
        json_text(&j, "use", i ? STR("accept") : STR("make"));
        json_number(&j, "characters", (int64_t)s->secrets[i].n);
        json_text(&j, "fingerprint", str_of(fingerprint));
        json_end(&j, '}');
    }
    json_end(&j, ']');
    command_print_json(&j);
}

static void list_text(const struct srs_scheme *s)
{
    char fingerprint[SRS_FINGERPRINT + 1];
    for (size_t i = 0; i < s->n_secrets; i++) {
        srs_secret_fingerprint(s->secrets[i], fingerprint);
        printf("%2zu  %s  %3zu characters  %s\n", i + 1,
               i ? "accepts addresses      " : "makes and accepts them ", s->secrets[i].n,
               fingerprint);
    }
}

static int list_secrets(struct command *c)
{
    const struct srs_scheme *scheme;
    int status = load_scheme(c, &scheme);
    if (status != EX_OK)
        return status;
    if (c->json)
        list_json(c, scheme);
    else
        list_text(scheme);
    return EX_OK;
}

/* --- Rows --------------------------------------------------------------------------------------*/

static const char status_text[] =
    "0 the other address was printed; 1 there is none, where the map says NOTFOUND; 75 no hash can "
    "be made; 78 the configuration or the file of secrets is wrong.";

static const struct command_row forward_command = {
    .name = "forward",
    .brief = "the address that mail of a sender is forwarded with",
    .words = "ADDRESS",
    .options = srs_options,
    .common = COMMON_CONF | COMMON_AT,
    .size = sizeof(struct srs_words),
    .run = forward_address,
    .about = "Prints the SRS address that mail of this sender is forwarded with, as the map "
             "forward gives it.",
    .status = status_text,
};

static const struct command_row reverse_command = {
    .name = "reverse",
    .brief = "the address that mail to an SRS address is for",
    .words = "ADDRESS",
    .options = srs_options,
    .common = COMMON_CONF | COMMON_AT,
    .size = sizeof(struct srs_words),
    .run = reverse_address,
    .about = "Prints the address that mail to this SRS address of ours is for, as the map reverse "
             "gives it.",
    .status = status_text,
};

static const struct command_row add_command = {
    .name = "add",
    .brief = "put a fresh secret before those of the file",
    .common = COMMON_CONF,
    .run = add_secret,
    .about = "Puts a fresh random secret at the beginning of the file srs.secrets, or makes the "
             "file.",
    .status = "0; 73 the file cannot be written; 78 the configuration is wrong.",
};

static const struct command_row list_command = {
    .name = "list",
    .brief = "list the secrets, without printing them",
    .common = COMMON_CONF | COMMON_JSON,
    .run = list_secrets,
    .about = "Lists the secrets of the file srs.secrets: what each is used for, how long it is, "
             "and a fingerprint (of SHA-256) that tells whether two servers have the same.",
    .status = "0; 78 the configuration or the file is wrong.",
};

static const struct command_row secret_command = {
    .name = "secret",
    .brief = "secret add: make one; secret list: list them",
    .commands = (const struct command_row *const[]){&add_command, &list_command, NULL},
};

const struct command_row srs_command = {
    .name = "srs",
    .brief = "addresses for forwarding: forward, reverse, secret",
    .commands = (const struct command_row *const[]){&forward_command, &reverse_command,
                                                    &secret_command, NULL},
};
