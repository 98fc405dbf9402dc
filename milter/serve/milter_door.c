/* milter_door.c - the milter protocol: packets of an MTA to events, answers to packets.
 *
 * An MTA that does not keep to the protocol - a malformed packet, a command where it cannot stand -
 * loses its connection: what it meant is not guessed. Where a transaction was refused, an MTA may
 * have sent more of it already; that is answered with a temporary failure.
 *
 * Errors: a line in the log with what was wrong, and SERVE_CLOSE. */
#include "milter/serve/milter_door.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "milter/serve/milter_packet.h"
#include "milter/serve/reply_text.h"

/* How far the dialogue is. */
enum phase { BEFORE_NEGOTIATION, IDLE, IN_MAIL, IN_HEADER, IN_BODY };

struct macros {
    char *pairs;
    size_t n;
};

struct milter {
    struct mta mta; /* first */
    struct serve_connection *connection;
    const struct mta_events *events;
    void *state; /* of the events */
    enum phase phase;
    bool refused;            /* the transaction before was, and the MTA may not know it yet */
    uint32_t steps, actions; /* as negotiated */
    struct macros macros[MTA_MACRO_POINTS];
    char reply[REPLY_LINE_MAX]; /* empty: none was set for this event */
};

/* --- Answers -----------------------------------------------------------------------------------*/

static void write_u32(char out[4], uint32_t n)
{
    out[0] = (char)(n >> 24);
    out[1] = (char)(n >> 16);
    out[2] = (char)(n >> 8);
    out[3] = (char)n;
}

static void send_head(struct milter *m, char letter, size_t n)
{
    char head[5];
    write_u32(head, (uint32_t)n + 1);
    head[4] = letter;
    serve_send(m->connection, head, sizeof head);
}

static void send_text(struct milter *m, const char *text)
{
    serve_send(m->connection, text, strlen(text) + 1);
}

static void answer_packet(struct milter *m, enum mta_answer what)
{
    if (what != MTA_CONTINUE && m->reply[0]) {
        send_head(m, MILTER_SAY_REPLY_CODE, strlen(m->reply) + 1);
        send_text(m, m->reply);
    } else {
        send_head(m,
                  what == MTA_CONTINUE   ? MILTER_SAY_CONTINUE
                  : what == MTA_TEMPFAIL ? MILTER_SAY_TEMPFAIL
                                         : MILTER_SAY_REJECT,
                  0);
    }
    m->reply[0] = '\0';
}

/* Unless the MTA was told at the beginning that none comes. */
static void answer_step(struct milter *m, enum mta_step no_reply, enum mta_answer what)
{
    if (!(m->steps & no_reply))
        answer_packet(m, what);
    m->reply[0] = '\0';
}

/* --- What the program may ask and say ----------------------------------------------------------*/

/* The latest one counts. */
static const char *find_macro(struct mta *mta, const char *name)
{
    static const enum mta_macro_point latest_first[] = {
        MTA_AT_EOM, MTA_AT_EOH, MTA_AT_DATA, MTA_AT_RCPT, MTA_AT_MAIL, MTA_AT_HELO, MTA_AT_CONNECT,
    };
    const struct milter *m = (const struct milter *)mta;
    for (size_t i = 0; i < sizeof latest_first / sizeof *latest_first; i++) {
        const struct macros *macros = &m->macros[latest_first[i]];
        const char *found = milter_find_macro(macros->pairs, macros->n, name);
        if (found)
            return found;
    }
    return NULL;
}

static bool set_reply(struct mta *mta, const char *code, const char *enhanced, const char *text)
{
    struct milter *m = (struct milter *)mta;
    int n = snprintf(m->reply, sizeof m->reply, "%s %s ", code, enhanced);
    if (n < 0 || (size_t)n >= sizeof m->reply)
        return false;
    reply_text(m->reply + n, sizeof m->reply - (size_t)n, text);
    return true;
}

static bool insert_header(struct mta *mta, const char *name, const char *value)
{
    struct milter *m = (struct milter *)mta;
    static const char on_top[4];
    if (!(m->actions & MTA_ADD_HEADERS))
        return false;
    send_head(m, MILTER_SAY_INSERT_HEADER, sizeof on_top + strlen(name) + strlen(value) + 2);
    serve_send(m->connection, on_top, sizeof on_top);
    send_text(m, name);
    send_text(m, value);
    return true;
}

static bool change_header(struct mta *mta, const char *name, unsigned ordinal, const char *value)
{
    struct milter *m = (struct milter *)mta;
    const char *text = value ? value : "";
    char number[4];
    if (!(m->actions & MTA_CHANGE_HEADERS))
        return false;
    write_u32(number, ordinal);
    send_head(m, MILTER_SAY_CHANGE_HEADER, sizeof number + strlen(name) + strlen(text) + 2);
    serve_send(m->connection, number, sizeof number);
    send_text(m, name);
    send_text(m, text);
    return true;
}

static bool door_quarantine(struct mta *mta, const char *reason)
{
    struct milter *m = (struct milter *)mta;
    if (!(m->actions & MTA_QUARANTINE))
        return false;
    send_head(m, MILTER_SAY_QUARANTINE, strlen(reason) + 1);
    send_text(m, reason);
    return true;
}

static void door_progress(struct mta *mta)
{
    struct milter *m = (struct milter *)mta;
    send_head(m, MILTER_SAY_PROGRESS, 0);
    serve_send_now(m->connection);
}

static void door_waits(struct mta *mta, bool begins)
{
    serve_waits(((struct milter *)mta)->connection, begins);
}

static const struct mta_calls calls = {
    .macro = find_macro,
    .reply = set_reply,
    .insert_header = insert_header,
    .change_header = change_header,
    .quarantine = door_quarantine,
    .progress = door_progress,
    .waits = door_waits,
};

/* --- Macros ------------------------------------------------------------------------------------*/

static int macro_point_of(char command)
{
    switch (command) {
    case MILTER_CONNECT:
        return MTA_AT_CONNECT;
    case MILTER_HELO:
        return MTA_AT_HELO;
    case MILTER_MAIL:
        return MTA_AT_MAIL;
    case MILTER_RCPT:
        return MTA_AT_RCPT;
    case MILTER_DATA:
        return MTA_AT_DATA;
    case MILTER_END_OF_HEADER:
        return MTA_AT_EOH;
    case MILTER_END_OF_MESSAGE:
        return MTA_AT_EOM;
    default:
        return -1; /* for other commands, of which nothing is asked */
    }
}

static void forget_macros(struct milter *m, enum mta_macro_point from)
{
    for (int i = (int)from; i < MTA_MACRO_POINTS; i++) {
        free(m->macros[i].pairs);
        m->macros[i] = (struct macros){0};
    }
}

static size_t macros_but(const struct milter *m, int point)
{
    size_t n = 0;
    for (int i = 0; i < MTA_MACRO_POINTS; i++)
        n += i == point ? 0 : m->macros[i].n;
    return n;
}

static const char *take_macros(struct milter *m, const struct milter_packet *p)
{
    char command;
    if (!milter_read_macros(p, &command))
        return "malformed macros";
    int point = macro_point_of(command);
    if (p->n + macros_but(m, point) > MILTER_MACROS_MAX)
        return "too many macros";
    if (point < 0)
        return NULL;
    struct macros *macros = &m->macros[point];
    free(macros->pairs);
    *macros = (struct macros){malloc(p->n), p->n - 1};
    if (!macros->pairs)
        abort();
    memcpy(macros->pairs, p->data + 1, p->n - 1);
    return NULL;
}

/* --- Commands: each returns what is wrong with it, or NULL -------------------------------------*/

static void end_transaction(struct milter *m, bool refused)
{
    m->phase = IDLE;
    m->refused = refused;
    forget_macros(m, MTA_AT_MAIL);
}

static void send_negotiation(struct milter *m, uint32_t version, const struct mta_offer *wanted,
                             const char *macros[MTA_MACRO_POINTS])
{
    char numbers[12], point[4];
    size_t n = sizeof numbers;
    for (uint32_t i = 0; i < MTA_MACRO_POINTS; i++)
        if (macros[i])
            n += sizeof point + strlen(macros[i]) + 1;
    write_u32(numbers, version);
    write_u32(numbers + 4, wanted->actions);
    write_u32(numbers + 8, wanted->steps);
    send_head(m, MILTER_NEGOTIATE, n);
    serve_send(m->connection, numbers, sizeof numbers);
    for (uint32_t i = 0; i < MTA_MACRO_POINTS; i++) {
        if (!macros[i])
            continue;
        write_u32(point, i);
        serve_send(m->connection, point, sizeof point);
        send_text(m, macros[i]);
    }
}

static const char *on_negotiate(struct milter *m, const struct milter_packet *p)
{
    struct milter_negotiation theirs;
    const char *macros[MTA_MACRO_POINTS] = {0};
    struct mta_offer wanted = {0};
    if (m->phase != BEFORE_NEGOTIATION)
        return "a second negotiation";
    if (!milter_read_negotiation(p, &theirs))
        return "a malformed negotiation";
    if (theirs.version < MILTER_VERSION_MIN)
        return "a version of the protocol below 2";
    if (!m->events->negotiate(m->state, &theirs.offer, &wanted, macros))
        return "this MTA offers too little";
    if (!(wanted.actions & theirs.offer.actions & MTA_CHOOSE_MACROS))
        memset(macros, 0, sizeof macros);
    m->phase = IDLE;
    wanted.actions &= theirs.offer.actions;
    wanted.steps &= theirs.offer.steps;
    m->actions = wanted.actions;
    m->steps = wanted.steps;
    send_negotiation(m, theirs.version < MILTER_VERSION_MAX ? theirs.version : MILTER_VERSION_MAX,
                     &wanted, macros);
    return NULL;
}

static const char *on_connect(struct milter *m, const struct milter_packet *p)
{
    struct mta_client client;
    if (m->phase != IDLE)
        return "CONNECT within a transaction";
    if (!milter_read_connect(p, &client))
        return "a malformed CONNECT";
    forget_macros(m, MTA_AT_HELO); /* another client's, if this is not the first one */
    answer_step(m, MTA_NR_CONNECT, m->events->connect(m->state, &client));
    return NULL;
}

static const char *on_helo(struct milter *m, const struct milter_packet *p)
{
    const char *name;
    if (!milter_read_text(p, &name))
        return "a malformed HELO";
    if (m->phase != IDLE) {
        m->events->abort(m->state);
        end_transaction(m, false);
    }
    answer_step(m, MTA_NR_HELO, m->events->helo(m->state, name));
    return NULL;
}

static const char *on_mail(struct milter *m, const struct milter_packet *p)
{
    const char *arguments[MILTER_ARGUMENT_MAX + 1];
    if (!milter_read_arguments(p, arguments))
        return "a malformed MAIL";
    if (m->phase != IDLE) {
        m->events->abort(m->state);
        forget_macros(m, MTA_AT_RCPT); /* those of this MAIL have come already */
    }
    enum mta_answer what = m->events->mail(m->state, arguments);
    m->phase = IN_MAIL;
    m->refused = false;
    if (what != MTA_CONTINUE)
        end_transaction(m, true);
    answer_step(m, MTA_NR_MAIL, what);
    return NULL;
}

static const char *on_rcpt(struct milter *m, const struct milter_packet *p)
{
    const char *arguments[MILTER_ARGUMENT_MAX + 1];
    if (m->phase != IN_MAIL)
        return "RCPT outside of an envelope";
    if (!milter_read_arguments(p, arguments))
        return "a malformed RCPT";
    answer_step(m, MTA_NR_RCPT, m->events->rcpt(m->state, arguments));
    return NULL;
}

static const char *on_data(struct milter *m)
{
    if (m->phase != IN_MAIL)
        return "DATA outside of an envelope";
    enum mta_answer what = m->events->data ? m->events->data(m->state) : MTA_CONTINUE;
    if (what != MTA_CONTINUE)
        end_transaction(m, true);
    answer_step(m, MTA_NR_DATA, what);
    return NULL;
}

static const char *on_header(struct milter *m, const struct milter_packet *p)
{
    const char *name, *value;
    if (m->phase != IN_MAIL && m->phase != IN_HEADER)
        return "a header field outside of a header";
    if (!milter_read_header(p, &name, &value))
        return "a malformed header field";
    m->phase = IN_HEADER;
    answer_step(m, MTA_NR_HEADER, m->events->header(m->state, name, value));
    return NULL;
}

static const char *on_end_of_header(struct milter *m)
{
    if (m->phase != IN_MAIL && m->phase != IN_HEADER)
        return "the end of a header outside of one";
    m->phase = IN_BODY;
    answer_step(m, MTA_NR_EOH, m->events->end_of_header(m->state));
    return NULL;
}

static const char *on_body(struct milter *m, const struct milter_packet *p)
{
    if (m->phase != IN_BODY)
        return "a body outside of a message";
    answer_step(m, MTA_NR_BODY, m->events->body(m->state, p->data, p->n));
    return NULL;
}

static const char *on_end_of_message(struct milter *m, const struct milter_packet *p)
{
    if (m->phase != IN_BODY)
        return "the end of a message outside of one";
    if (p->n) /* the protocol lets the last piece come with the end */
        m->events->body(m->state, p->data, p->n);
    answer_packet(m, m->events->end_of_message(m->state));
    end_transaction(m, false);
    return NULL;
}

static const char *on_abort(struct milter *m)
{
    m->events->abort(m->state);
    end_transaction(m, false);
    return NULL;
}

/* The session is over, and the connection is kept for the next one: what was negotiated holds. */
static const char *on_new_session(struct milter *m)
{
    on_abort(m);
    forget_macros(m, MTA_AT_CONNECT);
    return NULL;
}

static bool belongs_to_transaction(char command)
{
    return command == MILTER_RCPT || command == MILTER_DATA || command == MILTER_HEADER ||
           command == MILTER_END_OF_HEADER || command == MILTER_BODY ||
           command == MILTER_END_OF_MESSAGE;
}

static enum mta_step no_reply_bit(char command)
{
    switch (command) {
    case MILTER_RCPT:
        return MTA_NR_RCPT;
    case MILTER_DATA:
        return MTA_NR_DATA;
    case MILTER_HEADER:
        return MTA_NR_HEADER;
    case MILTER_END_OF_HEADER:
        return MTA_NR_EOH;
    case MILTER_BODY:
        return MTA_NR_BODY;
    default:
        return (enum mta_step)0;
    }
}

static const char *carry_out(struct milter *m, const struct milter_packet *p)
{
    if (m->refused && belongs_to_transaction(p->command)) {
        answer_step(m, no_reply_bit(p->command), MTA_TEMPFAIL);
        return NULL;
    }
    switch (p->command) {
    case MILTER_NEGOTIATE:
        return on_negotiate(m, p);
    case MILTER_MACROS:
        return take_macros(m, p);
    case MILTER_CONNECT:
        return on_connect(m, p);
    case MILTER_HELO:
        return on_helo(m, p);
    case MILTER_MAIL:
        return on_mail(m, p);
    case MILTER_RCPT:
        return on_rcpt(m, p);
    case MILTER_DATA:
        return on_data(m);
    case MILTER_HEADER:
        return on_header(m, p);
    case MILTER_END_OF_HEADER:
        return on_end_of_header(m);
    case MILTER_BODY:
        return on_body(m, p);
    case MILTER_END_OF_MESSAGE:
        return on_end_of_message(m, p);
    case MILTER_ABORT:
        return on_abort(m);
    case MILTER_QUIT_NEW_CONNECTION:
        return on_new_session(m);
    case MILTER_UNKNOWN:
        answer_step(m, MTA_NR_UNKNOWN, MTA_CONTINUE);
        return NULL;
    default:
        return "an unknown command";
    }
}

/* --- The protocol ------------------------------------------------------------------------------*/

static void *milter_opened(void *context, struct serve_connection *c)
{
    const struct milter_door *door = context;
    struct milter *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    m->mta.calls = &calls;
    m->connection = c;
    m->events = door->events;
    m->state = door->events->opened(door->context, &m->mta);
    return m;
}

static enum serve_next milter_handle(void *state, const char *frame, size_t n)
{
    struct milter *m = state;
    const struct milter_packet p = milter_packet(frame, n);
    const char *problem = NULL;
    if (p.command == MILTER_QUIT)
        return SERVE_CLOSE;
    if (m->phase == BEFORE_NEGOTIATION && p.command != MILTER_NEGOTIATE)
        problem = "a command before the negotiation";
    else
        problem = carry_out(m, &p);
    if (!problem)
        return SERVE_GO_ON;
    log_warning("milter connection of %s is closed: %s", serve_peer(m->connection), problem);
    return SERVE_CLOSE;
}

static void milter_closed(void *state)
{
    struct milter *m = state;
    m->events->closed(m->state);
    forget_macros(m, MTA_AT_CONNECT);
    free(m);
}

const struct serve_protocol milter_protocol = {
    .name = "milter",
    .frame_max = MILTER_PACKET_MAX + 4,
    .frame = milter_frame,
    .opened = milter_opened,
    .handle = milter_handle,
    .closed = milter_closed,
};
