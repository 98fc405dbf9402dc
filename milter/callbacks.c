/* callbacks.c - libmilter's callbacks: words of the MTA in, answers out.
 *
 * Each callback is a translation: arguments and macros to facts (connection.c), a verdict to an
 * answer (apply.c). Steps at which no configuration can refuse are negotiated without answer, so
 * that the MTA need not wait; there SMFIS_NOREPLY has to be returned.
 *
 * Errors: a callback out of order (no transaction) is answered with a temporary failure. */
#include "milter/callbacks.h"

#include <netinet/in.h>
#include <string.h>

#include <libmilter/mfapi.h>

#include "base/counters.h"
#include "base/log.h"
#include "milter/apply.h"
#include "milter/connection.h"
#include "milter/recorder.h"
#include "milter/shortage.h"

#define ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE)

/* libmilter has no room for a pointer of ours before a connection exists. */
static struct runtime *shared;

static struct connection *connection_of(SMFICTX *ctx)
{
    return smfi_getpriv(ctx);
}

/* For the steps that libmilter lets come without a negotiation: after SMFIC_QUIT_NC, and from an
 * MTA that does not keep to the protocol. */
static struct connection *connection_made(SMFICTX *ctx)
{
    struct connection *c = connection_of(ctx);
    if (!c) {
        c = connection_new(shared);
        smfi_setpriv(ctx, c);
    }
    return c;
}

static const char *macro(SMFICTX *ctx, const char *name)
{
    char symbol[32]; /* libmilter asks for a char *, and only reads it */
    strncpy(symbol, name, sizeof symbol - 1);
    symbol[sizeof symbol - 1] = '\0';
    return smfi_getsymval(ctx, symbol);
}

static sfsistat go_on(const struct connection *c, unsigned long no_reply_bit)
{
    return c->no_reply & no_reply_bit ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static bool refuses(const struct verdict *v)
{
    return v->action >= ACTION_TEMPFAIL;
}

/* --- Negotiation -------------------------------------------------------------------------------*/

/* Comes before CONNECT and AUTH, so it depends on the configuration alone, and it has to do for
 * other configurations too: a reload may bring checks that need the body. MAIL is always answered:
 * while stopping, or without memory, it is refused; and so is RCPT: there may be too many. What is
 * wrong with a header is said at the end of the message. SMFIP_NR_BODY excludes SMFIS_SKIP: it
 * takes a tenth of the CPU off an ordinary message, and a body that nobody wants costs 0.3 ms per
 * megabyte. */
#define PROTOCOL_WANTED                                                                            \
    (SMFIP_HDR_LEADSPC | SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NR_HELO | SMFIP_NR_HDR |           \
     SMFIP_NR_EOH | SMFIP_NR_BODY)

static void ask_for_macros(SMFICTX *ctx)
{
    static const struct {
        int where;
        char names[80];
    } lists[] = {
        {SMFIM_CONNECT, "j v {daemon_name} {client_addr}"},
        {SMFIM_HELO, "{verify} {cert_subject} {cert_issuer}"},
        {SMFIM_ENVFROM, "i {auth_type} {auth_authen} {verify} {cert_subject} {cert_issuer}"},
        {SMFIM_ENVRCPT, "i"},
        {SMFIM_EOH, "i"},
        {SMFIM_EOM, "i"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char names[sizeof lists[i].names];
        memcpy(names, lists[i].names, sizeof names);
        if (smfi_setsymlist(ctx, lists[i].where, names) != MI_SUCCESS)
            log_warning("libmilter refused the list of macros \"%s\"", names);
    }
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
                             unsigned long f2, unsigned long f3, unsigned long *our_actions,
                             unsigned long *our_steps, unsigned long *our_f2, unsigned long *our_f3)
{
    (void)f2, (void)f3;
    *our_f2 = *our_f3 = 0;
    if ((actions & (SMFIF_ADDHDRS | SMFIF_CHGHDRS)) != (SMFIF_ADDHDRS | SMFIF_CHGHDRS)) {
        log_error("this MTA does not let milters change headers: nothing can be done for it");
        return SMFIS_REJECT;
    }
    struct connection *c = connection_made(ctx);
    *our_actions = actions & ACTIONS;
    *our_steps = steps & PROTOCOL_WANTED;
    c->no_reply = *our_steps;
    c->leading_space = *our_steps & SMFIP_HDR_LEADSPC;
    if (actions & SMFIF_SETSYMLIST) {
        *our_actions |= SMFIF_SETSYMLIST;
        ask_for_macros(ctx);
    }
    return SMFIS_CONTINUE;
}

/* --- The session -------------------------------------------------------------------------------*/

static bool on_loopback(const struct netaddr *a)
{
    static const struct netaddr v6 = {.family = 6, .bytes = {[15] = 1}};
    return (a->family == 4 && a->bytes[0] == 127) || netaddr_eq(a, &v6);
}

/* Mail that Postfix's pickup took has a simulated client, loopback with port 0; Sendmail -bs has
 * none (family U), or a local socket (L). A client whose address Postfix could not find is a
 * stranger: its {client_addr} is "unknown". */
static void take_client(SMFICTX *ctx, struct connection *c, const struct sockaddr *address)
{
    struct session *s = &c->session;
    if (!address) {
        const char *text = macro(ctx, "{client_addr}");
        s->smtp = text && !strcmp(text, "unknown");
        return;
    }
    if (!netaddr_from_sockaddr(address, &s->client)) {
        s->smtp = false;
        return;
    }
    /* Both families have the port at the same place. */
    bool no_port = ((const struct sockaddr_in *)(const void *)address)->sin_port == 0;
    s->smtp = !(no_port && on_loopback(&s->client));
}

static sfsistat refuse_crowd(SMFICTX *ctx, struct connection *c)
{
    struct snapshot *s = snapshot_take(shared);
    struct verdict verdict;
    bool too_many = c->number > (unsigned)s->conf->max_connections;
    if (too_many)
        shortage_refuse(SHORTAGE_CONNECTIONS, s->conf, &verdict);
    snapshot_release(s);
    return too_many ? apply_refusal(ctx, &verdict) : SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, struct sockaddr *address)
{
    struct connection *c = connection_made(ctx);
    c->session.client_name = str_copy(c->session.arena, str_of(host));
    c->session.daemon_name = str_copy(c->session.arena, str_of(macro(ctx, "{daemon_name}")));
    c->session.mta_name = str_copy(c->session.arena, str_of(macro(ctx, "j")));
    take_client(ctx, c, address);
    return refuse_crowd(ctx, c);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    struct connection *c = connection_made(ctx);
    connection_helo(c, name);
    return go_on(c, SMFIP_NR_HELO);
}

static sfsistat on_close(SMFICTX *ctx)
{
    struct connection *c = connection_of(ctx);
    if (c && c->now)
        recorder_given_up(c);
    connection_free(c);
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

/* --- The envelope ------------------------------------------------------------------------------*/

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    struct connection *c = connection_made(ctx);
    struct envelope e = {
        .from = argv[0],
        .queue_id = macro(ctx, "i"),
        .auth_type = macro(ctx, "{auth_type}"),
        .auth_user = macro(ctx, "{auth_authen}"),
        .version = macro(ctx, "v"),
        .verify = macro(ctx, "{verify}"),
        .cert_subject = macro(ctx, "{cert_subject}"),
        .cert_issuer = macro(ctx, "{cert_issuer}"),
    };
    struct verdict verdict;
    struct transaction *t = transaction_begin(c, &e, &verdict);
    if (!t)
        return apply_refusal(ctx, &verdict);
    if (!refuses(&verdict))
        return SMFIS_CONTINUE;
    recorder_message(c, POINT_MAIL, &verdict);
    sfsistat answer = apply_refusal(ctx, &verdict);
    transaction_end(c); /* libmilter reports no end of a refused transaction */
    return answer;
}

static sfsistat out_of_order(const struct connection *c, unsigned long no_reply_bit)
{
    return c && c->no_reply & no_reply_bit ? SMFIS_NOREPLY : SMFIS_TEMPFAIL;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
    struct connection *c = connection_of(ctx);
    if (!c || !c->now)
        return SMFIS_TEMPFAIL;
    struct verdict verdict;
    transaction_queue_id(c->now, macro(ctx, "i"));
    bool told = transaction_recipient(c, argv[0], &verdict);
    if (!refuses(&verdict))
        return SMFIS_CONTINUE;
    if (told)
        recorder_message(c, POINT_RCPT, &verdict);
    return apply_refusal(ctx, &verdict);
}

/* --- The message -------------------------------------------------------------------------------*/

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct connection *c = connection_of(ctx);
    if (!c || !c->now)
        return out_of_order(c, SMFIP_NR_HDR);
    transaction_header(c, name, value);
    return go_on(c, SMFIP_NR_HDR);
}

static sfsistat on_end_of_header(SMFICTX *ctx)
{
    struct connection *c = connection_of(ctx);
    if (!c || !c->now)
        return out_of_order(c, SMFIP_NR_EOH);
    transaction_queue_id(c->now, macro(ctx, "i"));
    transaction_end_of_header(c);
    return go_on(c, SMFIP_NR_EOH);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t n)
{
    struct connection *c = connection_of(ctx);
    if (!c || !c->now)
        return out_of_order(c, SMFIP_NR_BODY);
    transaction_body(c->now, data, n);
    return go_on(c, SMFIP_NR_BODY);
}

static void keep_mta_waiting(void *ctx)
{
    smfi_progress(ctx);
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
    struct connection *c = connection_of(ctx);
    if (!c || !c->now)
        return SMFIS_TEMPFAIL;
    struct transaction *t = c->now;
    struct verdict verdict;
    struct edit_list edits;
    transaction_queue_id(t, macro(ctx, "i"));
    transaction_finish(c, keep_mta_waiting, ctx, &verdict);
    edits_plan(t->snapshot->conf, &c->session, &t->message, &t->evidence, &verdict,
               t->message.arena, &edits);
    sfsistat answer = apply_end(ctx, &t->message, &edits, c->leading_space, &verdict);
    recorder_message(c, POINT_EOM, &verdict);
    transaction_done(c);
    return answer;
}

/* Comes outside of transactions too: Postfix sends it after each message. */
static sfsistat on_abort(SMFICTX *ctx)
{
    struct connection *c = connection_of(ctx);
    if (c && c->now) {
        recorder_given_up(c);
        transaction_end(c);
    }
    return SMFIS_CONTINUE;
}

bool callbacks_register(struct runtime *rt)
{
    static char name[] = "assay";
    shared = rt;
    struct smfiDesc description = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = ACTIONS,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_header = on_header,
        .xxfi_eoh = on_end_of_header,
        .xxfi_body = on_body,
        .xxfi_eom = on_end_of_message,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };
    return smfi_register(description) == MI_SUCCESS;
}
