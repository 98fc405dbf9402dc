/* probe_dialogue.c - the steps of a message, in version 6 of the milter protocol, as Postfix and
 * Sendmail take them.
 *
 * Errors: STEP_TROUBLE, and p->trouble says why. */
#include <arpa/inet.h>
#include <string.h>

#include "milter/commands/probe.h"

#define ALL_ACTIONS 0x1ffU    /* of version 6 */
#define ALL_STEPS   0x1fffffU /* the same */
#define CHUNK       65535     /* bytes of body in a packet */
#define ANSWER_MAX  2000

enum probe_step {
    STEP_GO_ON,
    STEP_ENOUGH,   /* the filter wants no more of these */
    STEP_FINISHED, /* p->answer is there */
    STEP_TROUBLE,
};

static void add_u32(struct strbuf *b, uint32_t value)
{
    uint32_t wire = htonl(value);
    sb_add(b, (struct str){(const char *)&wire, sizeof wire});
}

static uint32_t get_u32(const char *p)
{
    uint32_t wire;
    memcpy(&wire, p, sizeof wire);
    return ntohl(wire);
}

static void add_text(struct strbuf *b, struct str text)
{
    sb_add(b, text);
    sb_addc(b, '\0');
}

static struct str next_text(struct str *rest)
{
    struct str part = str_sub(*rest, 0, str_find(*rest, 0, '\0'));
    *rest = str_sub(*rest, part.n + 1, rest->n);
    return part;
}

/* --- Answers -----------------------------------------------------------------------------------*/

static bool remember_edit(struct probe *p, enum milter_reply reply, struct str data)
{
    struct probe_edit e = {.reply = reply};
    if (reply == MILTER_SAY_INSERT_HEADER || reply == MILTER_SAY_CHANGE_HEADER) {
        if (data.n < 4) {
            p->trouble = STR("a header edit that is cut short");
            return false;
        }
        e.index = get_u32(data.p);
        data = str_sub(data, 4, data.n);
    }
    if (reply != MILTER_SAY_REPLACE_BODY)
        e.name = next_text(&data);
    e.value = next_text(&data);
    p->edits = arena_extend(p->arena, p->edits, p->n_edits, &p->edits_cap, sizeof e);
    p->edits[p->n_edits++] = e;
    return true;
}

/* `where` is the name of the step, NULL at the end of the message. */
static enum probe_step finish_probe(struct probe *p, const char *where, const char *words,
                                    struct str text)
{
    text = str_safe(p->arena, text, ANSWER_MAX, true);
    p->answer = text.n ? str_printf(p->arena, "%s %.*s", words, STR_ARG(text)) : str_of(words);
    if (where)
        p->answer = str_printf(p->arena, "%.*s (answer to %s)", STR_ARG(p->answer), where);
    return STEP_FINISHED;
}

static enum probe_step finish_accepted(struct probe *p, const char *where)
{
    p->accepted = true;
    return finish_probe(p, where, "accepted", STR(""));
}

static enum probe_step wait_for_answer(struct probe *p, const char *where)
{
    char reply;
    struct str data;
    while (probe_receive(p, &reply, &data)) {
        switch ((enum milter_reply)reply) {
        case MILTER_SAY_PROGRESS:
            break;
        case MILTER_SAY_CONTINUE:
            return where ? STEP_GO_ON : finish_accepted(p, NULL);
        case MILTER_SAY_ACCEPT:
            return finish_accepted(p, where);
        case MILTER_SAY_SKIP:
            return STEP_ENOUGH;
        case MILTER_SAY_DISCARD:
            return finish_probe(p, where, "accepted and discarded", STR(""));
        case MILTER_SAY_REJECT:
            return finish_probe(p, where, "refused for good, in the MTA's words", STR(""));
        case MILTER_SAY_TEMPFAIL:
            return finish_probe(p, where, "refused for a while, in the MTA's words", STR(""));
        case MILTER_SAY_REPLY_CODE:
            return finish_probe(p, where, "refused:", str_trim(next_text(&data)));
        case MILTER_SAY_SHUTDOWN:
        case MILTER_SAY_CLOSE:
            return finish_probe(p, where, "connection closed (421)", STR(""));
        default:
            if (!remember_edit(p, (enum milter_reply)reply, data))
                return STEP_TROUBLE;
        }
    }
    return STEP_TROUBLE;
}

/* --- Steps -------------------------------------------------------------------------------------*/

/* Takes a step unless the filter does not want it, and waits for its answer unless there is none.
 */
static enum probe_step take_step(struct probe *p, const char *where, enum milter_command command,
                                 struct str data, uint32_t not_wanted, uint32_t no_reply)
{
    if (p->steps & not_wanted)
        return STEP_GO_ON;
    if (!probe_send(p, command, data))
        return STEP_TROUBLE;
    return p->steps & no_reply ? STEP_GO_ON : wait_for_answer(p, where);
}

/* Macros before a step: pairs of name and value, closed by NULL; those without value are left out.
 */
static bool send_macros(struct probe *p, enum milter_command command, const char *const *pairs)
{
    struct strbuf b;
    sb_init(&b, p->arena);
    sb_addc(&b, (char)command);
    for (; *pairs; pairs += 2) {
        if (!pairs[1])
            continue;
        add_text(&b, str_of(pairs[0]));
        add_text(&b, str_of(pairs[1]));
    }
    return probe_send(p, MILTER_MACROS, sb_str(&b));
}

bool probe_negotiate(struct probe *p)
{
    char reply;
    struct str data;
    struct strbuf b;
    sb_init(&b, p->arena);
    add_u32(&b, MILTER_VERSION_MAX);
    add_u32(&b, ALL_ACTIONS);
    add_u32(&b, ALL_STEPS);
    if (!probe_send(p, MILTER_NEGOTIATE, sb_str(&b)) || !probe_receive(p, &reply, &data))
        return false;
    if (reply == MILTER_NEGOTIATE && data.n >= 12) {
        p->steps = get_u32(data.p + 8);
        return true;
    }
    p->trouble = STR("no negotiation: is this a milter?");
    return false;
}

static enum probe_step greet_milter(struct probe *p, const struct probe_facts *facts)
{
    char address[NETADDR_TEXT];
    netaddr_format(&facts->client, address);
    const char *macros[] = {
        "j",     "assay-probe",   "{daemon_name}",    facts->daemon, "{client_addr}",
        address, "{client_name}", facts->client_name, NULL};
    if (!send_macros(p, MILTER_CONNECT, macros))
        return STEP_TROUBLE;
    struct strbuf b;
    sb_init(&b, p->arena);
    add_text(&b, str_of(facts->client_name));
    sb_addc(&b, facts->client.family == 6 ? '6' : '4');
    uint16_t port = htons(49152);
    sb_add(&b, (struct str){(const char *)&port, sizeof port});
    add_text(&b, str_of(address));
    enum probe_step step =
        take_step(p, "CONNECT", MILTER_CONNECT, sb_str(&b), MTA_NO_CONNECT, MTA_NR_CONNECT);
    if (step != STEP_GO_ON)
        return step;
    sb_init(&b, p->arena);
    add_text(&b, str_of(facts->helo));
    return take_step(p, "HELO", MILTER_HELO, sb_str(&b), MTA_NO_HELO, MTA_NR_HELO);
}

static struct str path_argument(struct probe *p, const char *address)
{
    struct strbuf b;
    sb_init(&b, p->arena);
    add_text(&b, str_printf(p->arena, "<%s>", address));
    return sb_str(&b);
}

static enum probe_step send_recipient(struct probe *p, const char *address)
{
    const char *macros[] = {"{rcpt_addr}", address, NULL};
    if (!send_macros(p, MILTER_RCPT, macros))
        return STEP_TROUBLE;
    return take_step(p, "RCPT", MILTER_RCPT, path_argument(p, address), MTA_NO_RCPT, MTA_NR_RCPT);
}

static enum probe_step send_envelope(struct probe *p, const struct probe_facts *facts)
{
    const char *macros[] = {"i",
                            "PROBE",
                            "{auth_type}",
                            facts->auth ? "PLAIN" : NULL,
                            "{auth_authen}",
                            facts->auth,
                            "{mail_addr}",
                            facts->from,
                            NULL};
    if (!send_macros(p, MILTER_MAIL, macros))
        return STEP_TROUBLE;
    enum probe_step step =
        take_step(p, "MAIL", MILTER_MAIL, path_argument(p, facts->from), MTA_NO_MAIL, MTA_NR_MAIL);
    size_t refused = 0;
    for (size_t i = 0; i < facts->n_recipients && step == STEP_GO_ON; i++) {
        step = send_recipient(p, facts->recipients[i]);
        if (step == STEP_FINISHED && !p->accepted && ++refused < facts->n_recipients)
            step = STEP_GO_ON; /* this recipient alone */
    }
    return step == STEP_GO_ON ? take_step(p, "DATA", MILTER_DATA, STR(""), MTA_NO_DATA, MTA_NR_DATA)
                              : step;
}

/* --- The message -------------------------------------------------------------------------------*/

/* Takes a line, without its LF or CRLF, off the front of *rest. */
static bool next_line(struct str *rest, struct str *line)
{
    if (rest->n == 0 || !str_split(rest, '\n', line))
        return false;
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

static bool is_folded(struct str rest)
{
    return rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t');
}

/* Takes a header field off the front of *rest; folds are kept as LF. False where the header ends.
 */
static bool next_field(struct probe *p, struct str *rest, struct str *name, struct str *value)
{
    struct str line, after = *rest;
    if (is_folded(after) || !next_line(&after, &line))
        return false;
    size_t colon = str_find(line, 0, ':');
    if (colon == line.n || colon == 0)
        return false;
    struct strbuf b;
    sb_init(&b, p->arena);
    *name = str_sub(line, 0, colon);
    line = str_sub(line, colon + 1, line.n);
    if (!(p->steps & MTA_LEADING_SPACE) && line.n > 0 && line.p[0] == ' ')
        line = str_sub(line, 1, line.n);
    sb_add(&b, line);
    *rest = after;
    while (is_folded(after) && next_line(&after, &line)) {
        sb_addc(&b, '\n');
        sb_add(&b, line);
        *rest = after;
    }
    *value = sb_str(&b);
    return true;
}

static enum probe_step send_header(struct probe *p, struct str *rest)
{
    struct str name, value, line;
    if (str_starts(*rest, STR("From "))) /* the first line of an mbox */
        next_line(rest, &line);
    while (next_field(p, rest, &name, &value)) {
        struct strbuf b;
        sb_init(&b, p->arena);
        add_text(&b, name);
        add_text(&b, value);
        enum probe_step step =
            take_step(p, "header", MILTER_HEADER, sb_str(&b), MTA_NO_HEADER, MTA_NR_HEADER);
        if (step == STEP_ENOUGH)
            p->steps |= MTA_NO_HEADER;
        else if (step != STEP_GO_ON)
            return step;
    }
    struct str after = *rest;
    if (next_line(&after, &line) && line.n == 0)
        *rest = after;
    return take_step(p, "end of header", MILTER_END_OF_HEADER, STR(""), MTA_NO_EOH, MTA_NR_EOH);
}

static enum probe_step send_body(struct probe *p, struct str rest)
{
    struct strbuf b;
    struct str line;
    sb_init(&b, p->arena);
    while (next_line(&rest, &line)) {
        sb_add(&b, line);
        sb_add(&b, STR("\r\n"));
    }
    struct str body = sb_str(&b);
    while (body.n > 0) {
        struct str chunk = str_sub(body, 0, CHUNK);
        enum probe_step step = take_step(p, "body", MILTER_BODY, chunk, MTA_NO_BODY, MTA_NR_BODY);
        if (step == STEP_ENOUGH)
            break;
        if (step != STEP_GO_ON)
            return step;
        body = str_sub(body, chunk.n, body.n);
    }
    return probe_send(p, MILTER_END_OF_MESSAGE, STR("")) ? wait_for_answer(p, NULL) : STEP_TROUBLE;
}

void probe_converse(struct probe *p, const struct probe_facts *facts)
{
    struct str message = facts->message;
    enum probe_step step = greet_milter(p, facts);
    if (step == STEP_GO_ON)
        step = send_envelope(p, facts);
    if (step == STEP_GO_ON)
        step = send_header(p, &message);
    if (step == STEP_GO_ON)
        send_body(p, message);
}

void probe_quit(struct probe *p)
{
    struct str trouble = p->trouble;
    probe_send(p, MILTER_QUIT, STR(""));
    p->trouble = trouble;
}
