/* probe_command.c - `assay probe`: hands one message to a milter, as an MTA would, and tells what
 * came back.
 *
 * Errors: exit status 66 for a message that cannot be read, 69 if the milter cannot be asked. */
#include <unistd.h>

#include "milter/commands/commands.h"
#include "milter/commands/probe.h"

#define NAME_MAX_SHOWN 200
#define LINE_MAX_SHOWN 2000
#define RECIPIENTS_MAX 100
#define TIMEOUT_S      60
#define TIMEOUT_MAX_S  3600

/* The command's own. */
struct probe_words {
    struct netaddr client;
    const char *client_name, *helo, *from, *auth, *daemon;
    struct command_texts recipients;
    int timeout_s;
    bool check;
};

static const char *take_seconds(struct command *c, const char *text, void *to)
{
    unsigned long long seconds;
    (void)c;
    if (!str_to_u64(str_of(text), TIMEOUT_MAX_S, &seconds) || seconds == 0)
        return "is no number of seconds from 1 to 3600";
    *(int *)to = (int)seconds;
    return NULL;
}

static const char *take_recipient(struct command *c, const char *text, void *to)
{
    const struct command_texts *list = to;
    return list->n == RECIPIENTS_MAX ? "is one recipient too many: 100 are allowed"
                                     : take_texts(c, text, to);
}

static const struct command_option probe_options[] = {
    OPTION("client-ip", "ADDRESS", take_address, struct probe_words, client,
           "the client's address; default: 192.0.2.1"),
    OPTION("client-name", "NAME", take_text, struct probe_words, client_name,
           "its name as the MTA found it; default: [ADDRESS]"),
    OPTION("helo", "NAME", take_text, struct probe_words, helo,
           "its HELO; default: mail.example.org"),
    OPTION("from", "ADDRESS", take_text, struct probe_words, from,
           "envelope sender; default: the null sender"),
    OPTION("rcpt", "ADDRESS", take_recipient, struct probe_words, recipients,
           "envelope recipient; may be given again; default: postmaster"),
    OPTION("auth", "USER", take_text, struct probe_words, auth,
           "the client authenticated as this user"),
    OPTION("daemon", "NAME", take_text, struct probe_words, daemon,
           "the MTA's {daemon_name}; default: smtpd"),
    OPTION("timeout", "SECONDS", take_seconds, struct probe_words, timeout_s,
           "how long to wait for each answer of the milter; default: 60"),
    OPTION("check", NULL, take_flag, struct probe_words, check,
           "only ask whether a milter answers on SOCKET"),
    {0},
};

/* --- What came back ----------------------------------------------------------------------------*/

static void print_field(struct arena *a, const struct probe_edit *e)
{
    struct str rest = e->value, line;
    struct str name = str_safe(a, e->name, NAME_MAX_SHOWN, false);
    printf("%.*s:", STR_ARG(name));
    if (rest.n > 0 && rest.p[0] != ' ')
        putchar(' ');
    for (bool first = true; str_split(&rest, '\n', &line); first = false) {
        bool tab = line.n > 0 && line.p[0] == '\t';
        line = str_safe(a, tab ? str_sub(line, 1, line.n) : line, LINE_MAX_SHOWN, true);
        printf("%s%s%.*s", first ? "" : "\n", tab ? "\t" : "", STR_ARG(line));
    }
    putchar('\n');
}

static void print_edit(struct arena *a, const struct probe_edit *e)
{
    struct str name = str_safe(a, e->name, NAME_MAX_SHOWN, true);
    struct str value = str_safe(a, e->value, NAME_MAX_SHOWN, true);
    switch (e->reply) {
    case MILTER_SAY_CHANGE_HEADER:
        if (e->value.n)
            printf("Changed: number %u of %.*s, to: %.*s\n", e->index, STR_ARG(name),
                   STR_ARG(value));
        else
            printf("Deleted: number %u of %.*s\n", e->index, STR_ARG(name));
        break;
    case MILTER_SAY_QUARANTINE:
        printf("Quarantined: %.*s\n", STR_ARG(name));
        break;
    case MILTER_SAY_REPLACE_BODY:
        printf("The body is replaced.\n");
        break;
    case MILTER_SAY_INSERT_HEADER:
    case MILTER_SAY_ADD_HEADER:
        break; /* print_field() */
    default:
        printf("Other edit %c: %.*s\n", (char)e->reply, STR_ARG(name));
    }
}

static void print_result(const struct probe *p)
{
    for (size_t i = 0; i < p->n_edits; i++)
        print_edit(p->arena, &p->edits[i]);
    /* What was inserted on top last is the first line. */
    for (size_t i = p->n_edits; i-- > 0;)
        if (p->edits[i].reply == MILTER_SAY_INSERT_HEADER)
            print_field(p->arena, &p->edits[i]);
    for (size_t i = 0; i < p->n_edits; i++)
        if (p->edits[i].reply == MILTER_SAY_ADD_HEADER)
            print_field(p->arena, &p->edits[i]);
    printf("Message %.*s\n", STR_ARG(p->answer));
}

static const char *edit_word(enum milter_reply reply)
{
    return reply == MILTER_SAY_INSERT_HEADER   ? "insert"
           : reply == MILTER_SAY_ADD_HEADER    ? "add"
           : reply == MILTER_SAY_CHANGE_HEADER ? "change"
           : reply == MILTER_SAY_QUARANTINE    ? "quarantine"
           : reply == MILTER_SAY_REPLACE_BODY  ? "replace-body"
                                               : "other";
}

static void print_json(const struct probe *p)
{
    struct json j;
    json_begin(&j, p->arena);
    json_bool(&j, "accepted", p->accepted);
    json_text(&j, "answer", p->answer);
    json_array(&j, "edits");
    for (size_t i = 0; i < p->n_edits; i++) {
        const struct probe_edit *e = &p->edits[i];
        json_object(&j, NULL);
        json_text(&j, "edit", str_of(edit_word(e->reply)));
        json_number(&j, "index", e->index);
        json_text(&j, "name", e->name);
        json_text(&j, "value", e->value);
        json_end(&j, '}');
    }
    json_end(&j, ']');
    command_print_json(&j);
}

/* --- Running -----------------------------------------------------------------------------------*/

static bool gather_facts(struct command *c, struct probe_facts *facts)
{
    static const char *const postmaster = "postmaster";
    const struct probe_words *w = c->own;
    char address[NETADDR_TEXT];
    *facts = (struct probe_facts){
        .client = w->client,
        .client_name = w->client_name,
        .helo = w->helo ? w->helo : "mail.example.org",
        .from = w->from ? w->from : "",
        .daemon = w->daemon ? w->daemon : "smtpd",
        .auth = w->auth,
        .recipients = w->recipients.n ? w->recipients.v : &postmaster,
        .n_recipients = w->recipients.n ? w->recipients.n : 1,
    };
    if (!w->client.family)
        netaddr_parse(STR("192.0.2.1"), &facts->client);
    if (!w->client_name)
        facts->client_name =
            str_printf(c->arena, "[%s]", netaddr_format(&facts->client, address)).p;
    return w->check || command_read_file(c, c->n_words > 1 ? c->words[1] : "-", &facts->message);
}

static int tell_result(const struct command *c, const struct probe *p, bool check)
{
    if (p->trouble.p)
        return command_fail(c, EX_UNAVAILABLE, "%.*s", STR_ARG(p->trouble));
    if (check) {
        printf("A milter answers on %s.\n", c->words[0]);
        return EX_OK;
    }
    if (c->json)
        print_json(p);
    else
        print_result(p);
    return p->accepted ? EX_OK : 1;
}

static int probe_run(struct command *c)
{
    const struct probe_words *w = c->own;
    struct probe_facts facts;
    struct probe p = {
        .arena = c->arena,
        .timeout_ms = (w->timeout_s ? w->timeout_s : TIMEOUT_S) * 1000,
    };
    if (!gather_facts(c, &facts))
        return EX_NOINPUT;
    if (!probe_connect(&p, c->words[0]))
        return tell_result(c, &p, w->check);
    if (probe_negotiate(&p)) {
        if (!w->check)
            probe_converse(&p, &facts);
        probe_quit(&p);
    }
    close(p.fd);
    return tell_result(c, &p, w->check);
}

const struct command_row probe_command = {
    .name = "probe",
    .brief = "hand a message to a running milter, as an MTA would",
    .words = "SOCKET [FILE]",
    .options = probe_options,
    .common = COMMON_JSON,
    .size = sizeof(struct probe_words),
    .run = probe_run,
    .about =
        "Hands the message in FILE (standard input if absent or -) to the milter on SOCKET "
        "(inet:8892@127.0.0.1, unix:/path) as an MTA would, and prints the header edits and the "
        "answer. Nothing is delivered.",
    .status = "0 accepted; 1 refused or discarded; 69 the milter cannot be asked.",
};
