/* callbacks.c - what an MTA says and is answered, whatever door it came through.
 *
 * Each event is a translation: arguments and macros to words for the dialogue (lib/session), its
 * verdict to an answer (apply.c). Steps at which no configuration can refuse are negotiated without
 * answer, so that the MTA need not wait.
 *
 * Errors: an event out of order (no transaction) is answered with a temporary failure. */
#include "milter/daemon/callbacks.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/counters.h"
#include "base/log.h"
#include "milter/daemon/apply.h"
#include "milter/daemon/host.h"
#include "milter/daemon/macros.h"

/* One connection of an MTA. */
struct connection {
    struct runtime *runtime;
    struct mta *mta;
    struct dialogue *dialogue;
    unsigned number; /* among those that were open when it came, from 1 */
};

static struct str macro(const struct connection *c, enum mta_macro which)
{
    const char *text = c->mta->calls->macro(c->mta, macro_name(which));
    if (text)
        macros_seen((int)which);
    return str_of(text);
}

/* The answer to a point of the dialogue. */
static enum mta_answer answer_mta(struct connection *c, const struct verdict *refusal)
{
    return refusal ? apply_refusal(c->mta, refusal) : MTA_CONTINUE;
}

/* The same where a refusal ends the transaction. */
static enum mta_answer answer_and_end(struct connection *c, const struct verdict *refusal)
{
    enum mta_answer what = answer_mta(c, refusal);
    if (refusal && c->dialogue->transaction)
        dialogue_answered(c->dialogue);
    return what;
}

/* --- Negotiation -------------------------------------------------------------------------------*/

/* Comes before CONNECT and AUTH, so it depends on the configuration alone, and it has to do for
 * other configurations too: a reload may bring checks that need the body. MAIL is always answered:
 * while stopping, or without memory, it is refused; and so is RCPT: there may be too many. What is
 * wrong with a header is said at the end of the message. MTA_NR_BODY excludes MTA_SKIP: it takes a
 * tenth of the CPU off an ordinary message, and a body that nobody wants costs 0.3 ms per
 * megabyte. */
static uint32_t steps_wanted(const struct conf *conf)
{
    uint32_t wanted =
        MTA_LEADING_SPACE | MTA_NO_UNKNOWN | MTA_NR_HELO | MTA_NR_HEADER | MTA_NR_EOH | MTA_NR_BODY;
    if (!policy_may_refuse(conf, POINT_DATA))
        wanted |= MTA_NO_DATA;
    return wanted;
}

static void choose_macros(const char *macros[MTA_MACRO_POINTS])
{
    macros[MTA_AT_CONNECT] = "j v {daemon_name} {client_addr}";
    macros[MTA_AT_HELO] = "{verify} {cert_subject} {cert_issuer}";
    macros[MTA_AT_MAIL] = "i {auth_type} {auth_authen} {verify} {cert_subject} {cert_issuer}";
    macros[MTA_AT_RCPT] = "i {rcpt_mailer} {rcpt_host} {rcpt_addr}";
    macros[MTA_AT_EOH] = macros[MTA_AT_EOM] = "i";
}

static bool on_negotiate(void *state, const struct mta_offer *offered, struct mta_offer *wanted,
                         const char *macros[MTA_MACRO_POINTS])
{
    static const uint32_t needed = MTA_ADD_HEADERS | MTA_CHANGE_HEADERS;
    struct connection *c = state;
    if ((offered->actions & needed) != needed) {
        log_error("this MTA does not let milters change headers: nothing can be done for it");
        return false;
    }
    struct snapshot *s = snapshot_take(c->runtime);
    wanted->actions = offered->actions & (needed | MTA_QUARANTINE | MTA_CHOOSE_MACROS);
    wanted->steps = offered->steps & steps_wanted(s->conf);
    snapshot_release(s);
    c->dialogue->leading_space = wanted->steps & MTA_LEADING_SPACE;
    choose_macros(macros);
    return true;
}

/* --- The client --------------------------------------------------------------------------------*/

static bool on_loopback(const struct netaddr *a)
{
    static const struct netaddr v6 = {.family = 6, .bytes = {[15] = 1}};
    return (a->family == 4 && a->bytes[0] == 127) || netaddr_eq(a, &v6);
}

/* Mail that Postfix's pickup took has a simulated client, loopback with port 0; Sendmail -bs has
 * none (family U), or a local socket (L). A client whose address Postfix could not find is a
 * stranger: its {client_addr} is "unknown". */
static void read_address(const struct connection *c, const struct mta_client *client,
                         struct client_words *words)
{
    const char *text = client->address ? client->address : "";
    if (client->family == '6' && !strncasecmp(text, "IPv6:", 5))
        text += 5; /* as Sendmail writes it */
    bool internet = client->family == '4' || client->family == '6';
    if (internet && netaddr_parse(str_of(text), &words->address))
        words->smtp = !(client->port == 0 && on_loopback(&words->address));
    else
        words->smtp = internet || str_eq(macro(c, MACRO_CLIENT_ADDR), STR("unknown"));
}

static enum mta_answer on_connect(void *state, const struct mta_client *client)
{
    struct connection *c = state;
    struct client_words words = {
        .name = str_of(client->host),
        .daemon_name = macro(c, MACRO_DAEMON_NAME),
        .mta_name = macro(c, MACRO_J),
    };
    read_address(c, client, &words);
    macros_seen(DEED_CONNECTION);
    return answer_mta(c, dialogue_connect(c->dialogue, &words, c->number));
}

static enum mta_answer on_helo(void *state, const char *name)
{
    struct connection *c = state;
    dialogue_helo(c->dialogue, str_of(name));
    return MTA_CONTINUE;
}

/* --- The envelope ------------------------------------------------------------------------------*/

static enum mta_answer on_mail(void *state, const char *const *argv)
{
    struct connection *c = state;
    const struct envelope_words words = {
        .from = str_of(argv[0]),
        .queue_id = macro(c, MACRO_I),
        .auth_type = macro(c, MACRO_AUTH_TYPE),
        .auth_user = macro(c, MACRO_AUTH_AUTHEN),
        .certificate = {.version = macro(c, MACRO_V),
                        .verify = macro(c, MACRO_VERIFY),
                        .subject = macro(c, MACRO_CERT_SUBJECT),
                        .issuer = macro(c, MACRO_CERT_ISSUER)},
    };
    return answer_and_end(c, dialogue_mail(c->dialogue, &words));
}

static enum mta_answer on_rcpt(void *state, const char *const *argv)
{
    struct connection *c = state;
    const struct recipient_words words = {
        .path = str_of(argv[0]),
        .mailer = macro(c, MACRO_RCPT_MAILER),
        .host = macro(c, MACRO_RCPT_HOST),
        .address = macro(c, MACRO_RCPT_ADDR),
    };
    if (!c->dialogue->transaction)
        return MTA_TEMPFAIL;
    dialogue_queue_id(c->dialogue, macro(c, MACRO_I));
    return answer_mta(c, dialogue_rcpt(c->dialogue, &words));
}

static enum mta_answer on_data(void *state)
{
    struct connection *c = state;
    if (!c->dialogue->transaction)
        return MTA_TEMPFAIL;
    return answer_and_end(c, dialogue_data(c->dialogue));
}

/* --- The message -------------------------------------------------------------------------------*/

static enum mta_answer on_header(void *state, const char *name, const char *value)
{
    struct connection *c = state;
    if (!c->dialogue->transaction)
        return MTA_TEMPFAIL;
    dialogue_header(c->dialogue, str_of(name), str_of(value));
    return MTA_CONTINUE;
}

static enum mta_answer on_end_of_header(void *state)
{
    struct connection *c = state;
    if (!c->dialogue->transaction)
        return MTA_TEMPFAIL;
    dialogue_queue_id(c->dialogue, macro(c, MACRO_I));
    dialogue_end_of_header(c->dialogue);
    return MTA_CONTINUE;
}

static enum mta_answer on_body(void *state, const void *data, size_t n)
{
    struct connection *c = state;
    if (!c->dialogue->transaction)
        return MTA_TEMPFAIL;
    dialogue_body(c->dialogue, data, n);
    return MTA_CONTINUE;
}

static enum mta_answer on_end_of_message(void *state)
{
    struct connection *c = state;
    struct dialogue *d = c->dialogue;
    if (!d->transaction)
        return MTA_TEMPFAIL;
    dialogue_queue_id(d, macro(c, MACRO_I));
    macros_seen(DEED_MESSAGE);
    dialogue_end(d);
    enum mta_answer what = apply_end(c->mta, d->transaction, d->leading_space);
    dialogue_answered(d);
    return what;
}

/* Comes outside of transactions too: Postfix sends it after each message. */
static void on_abort(void *state)
{
    struct connection *c = state;
    dialogue_give_up(c->dialogue);
}

/* --- The connection ----------------------------------------------------------------------------*/

static void keep_mta_waiting(void *mta)
{
    ((struct mta *)mta)->calls->progress(mta);
}

static void tell_door_of_wait(void *mta, bool begins)
{
    ((struct mta *)mta)->calls->waits(mta, begins);
}

static void *on_open(void *runtime, struct mta *mta)
{
    const struct session_peer peer = {
        .context = mta, .waiting = keep_mta_waiting, .waits = tell_door_of_wait};
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->runtime = runtime;
    c->mta = mta;
    c->dialogue = dialogue_new(runtime_host(runtime), &peer);
    c->number = runtime_connection_opened(runtime);
    counter_inc(CTR_CONNECTIONS);
    return c;
}

static void on_close(void *state)
{
    struct connection *c = state;
    dialogue_free(c->dialogue);
    runtime_connection_closed(c->runtime);
    free(c);
}

const struct mta_events mta_events = {
    .opened = on_open,
    .negotiate = on_negotiate,
    .connect = on_connect,
    .helo = on_helo,
    .mail = on_mail,
    .rcpt = on_rcpt,
    .data = on_data,
    .header = on_header,
    .end_of_header = on_end_of_header,
    .body = on_body,
    .end_of_message = on_end_of_message,
    .abort = on_abort,
    .closed = on_close,
};
