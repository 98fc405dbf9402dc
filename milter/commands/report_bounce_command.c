/* report_bounce_command.c - `assay report bounce`: a report came back.
 *
 * Errors: exit status 65 for a mail that is no bounce of a report, 66 for one that cannot be read,
 * 75 if the store cannot be opened, 78 for the configuration. */
#include "milter/commands/commands.h"
#include "milter/commands/report_out.h"
#include "report/out/bounce.h"

struct own {
    bool deliver;
    const char *recipient;
};

static int not_ours(const struct command *c, const char *path, const char *what)
{
    const struct own *own = c->own;
    if (own->deliver)
        return EX_OK;
    return command_fail(c, EX_DATAERR, "%s: %s", path, what);
}

/* It was about a mail of ours. */
static void tell_taken(const struct bounce_taken *taken)
{
    char until[REPORT_TIME_TEXT];
    struct str address = taken->about.address;
    if (taken->bounce.kind != BOUNCE_FAILED)
        printf("%.*s: has not failed\n", STR_ARG(address));
    else if (taken->suppressed)
        printf("%.*s: gets no reports until %s\n", STR_ARG(address),
               report_time_text(taken->suppressed, until));
    else
        printf("%.*s: is known\n", STR_ARG(address));
}

static int take_bounce(struct command *c, struct sent *sent, const char *path)
{
    const struct own *own = c->own;
    struct str mail, recipient = own->recipient ? str_of(own->recipient) : STR_NONE;
    struct bounce_taken taken;
    if (!command_read_file(c, path, &mail))
        return EX_NOINPUT;
    if (!bounce_take(mail, recipient, sent, c->now, c->arena, &taken))
        return report_sent_failed(c, sent);
    if (taken.bounce.kind == BOUNCE_NONE)
        return not_ours(c, path, "is no bounce");
    if (!taken.ours)
        return not_ours(c, path, "is about no report of ours");
    tell_taken(&taken);
    return EX_OK;
}

static int take_bounces(struct command *c)
{
    char standard_input[] = "-", *only[] = {standard_input};
    char **paths = c->n_words ? c->words : only;
    struct sent *sent = NULL;
    int worst = report_open_sent(c, true, &sent);
    for (int i = 0; sent && i < (c->n_words ? c->n_words : 1); i++) {
        int status = take_bounce(c, sent, paths[i]);
        worst = status > worst ? status : worst;
    }
    sent_close(sent);
    return worst;
}

static int bounce_run(struct command *c)
{
    const struct own *own = c->own;
    return command_delivered(own->deliver, take_bounces(c));
}

static const struct command_option bounce_options[] = {
    OPTION(
        "deliver", NULL, take_flag, struct own, deliver,
        "for an alias or a pipe: a mail that is no bounce of a report is no error, and 75 is the "
        "exit status of all that is one"),
    OPTION("recipient", "NAME", take_text, struct own, recipient,
           "the address that the mail came to, which may name the report"),
    {0},
};

const struct command_row report_bounce_command = {
    .name = "bounce",
    .brief = "stop reports to a destination whose report came back",
    .words = "[FILE...]",
    .options = bounce_options,
    .common = COMMON_CONF | COMMON_AT,
    .size = sizeof(struct own),
    .run = bounce_run,
    .about = "Reads mails that came back, standard input without FILE: notes a report that could "
             "not be delivered as failed, and suppresses its destination, for two days after the "
             "first bounce, and twice as long after each further one, up to 64 days. It finds the "
             "report by the Message-ID that the bounce returns, or, with reports.delimiter, by the "
             "address that the bounce was sent to.",
    .status =
        "0; 65 no bounce of a report; 66 FILE cannot be read; 75 the store cannot be opened now; "
        "78 the configuration.",
};
