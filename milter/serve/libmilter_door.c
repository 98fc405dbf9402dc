/* libmilter_door.c - libmilter's callbacks as events of an MTA.
 *
 * Errors: a callback out of order (no connection) is answered with a temporary failure. */
#include "milter/serve/libmilter_door.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>

#include "base/log.h"

#define TEXT_MAX 512 /* of a reply; RFC 5321 4.5.3.1.5 */

struct door {
    struct mta mta; /* first */
    SMFICTX *ctx;
    void *state; /* of the events */
    uint32_t steps;
};

/* libmilter has no room for a pointer of ours before a connection exists. */
static const struct mta_events *events;
static void *context;

/* --- What the program may ask and say ----------------------------------------------------------*/

static SMFICTX *ctx_of(struct mta *mta)
{
    return ((struct door *)mta)->ctx;
}

static const char *find_macro(struct mta *mta, const char *name)
{
    char symbol[64]; /* libmilter asks for a char *, and only reads it */
    snprintf(symbol, sizeof symbol, name[0] && name[1] ? "{%s}" : "%s", name);
    return smfi_getsymval(ctx_of(mta), symbol);
}

/* A '%' that is not doubled loses the reply under Sendmail, and itself under Postfix. */
static bool set_reply(struct mta *mta, const char *code, const char *enhanced, const char *text)
{
    char c[8], e[16], t[TEXT_MAX]; /* libmilter wants them writable */
    size_t n = 0;
    snprintf(c, sizeof c, "%s", code);
    snprintf(e, sizeof e, "%s", enhanced);
    for (; *text && n + 2 < sizeof t; text++) {
        t[n++] = *text;
        if (*text == '%')
            t[n++] = '%';
    }
    t[n] = '\0';
    return smfi_setreply(ctx_of(mta), c, e, t) == MI_SUCCESS;
}

/* libmilter takes no const, and changes nothing. */
static bool insert_header(struct mta *mta, const char *name, const char *value)
{
    char *copies[] = {strdup(name), strdup(value)};
    bool done = copies[0] && copies[1] &&
                smfi_insheader(ctx_of(mta), 0, copies[0], copies[1]) == MI_SUCCESS;
    free(copies[0]);
    free(copies[1]);
    return done;
}

static bool change_header(struct mta *mta, const char *name, unsigned ordinal, const char *value)
{
    char *copies[] = {strdup(name), value ? strdup(value) : NULL};
    bool done = copies[0] && ordinal <= INT_MAX &&
                smfi_chgheader(ctx_of(mta), copies[0], (int)ordinal, copies[1]) == MI_SUCCESS;
    free(copies[0]);
    free(copies[1]);
    return done;
}

static bool quarantine(struct mta *mta, const char *reason)
{
    char *copy = strdup(reason);
    bool done = copy && smfi_quarantine(ctx_of(mta), copy) == MI_SUCCESS;
    free(copy);
    return done;
}

static void progress(struct mta *mta)
{
    smfi_progress(ctx_of(mta));
}

static void waits(struct mta *mta, bool begins)
{
    (void)mta, (void)begins; /* the library counts its threads itself */
}

static const struct mta_calls calls = {
    .macro = find_macro,
    .reply = set_reply,
    .insert_header = insert_header,
    .change_header = change_header,
    .quarantine = quarantine,
    .progress = progress,
    .waits = waits,
};

/* --- Callbacks ---------------------------------------------------------------------------------*/

static struct door *door_of(SMFICTX *ctx)
{
    return smfi_getpriv(ctx);
}

/* For the steps that libmilter lets come without a negotiation: after SMFIC_QUIT_NC, and from an
 * MTA that does not keep to the protocol. */
static struct door *door_made(SMFICTX *ctx)
{
    struct door *d = door_of(ctx);
    if (d)
        return d;
    d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->mta.calls = &calls;
    d->ctx = ctx;
    d->state = events->opened(context, &d->mta);
    smfi_setpriv(ctx, d);
    return d;
}

static sfsistat status_of(const struct door *d, uint32_t no_reply, enum mta_answer answer)
{
    static const sfsistat statuses[] = {
        [MTA_CONTINUE] = SMFIS_CONTINUE,
        [MTA_TEMPFAIL] = SMFIS_TEMPFAIL,
        [MTA_REJECT] = SMFIS_REJECT,
    };
    return d && d->steps & no_reply ? SMFIS_NOREPLY : statuses[answer];
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
                             unsigned long f2, unsigned long f3, unsigned long *our_actions,
                             unsigned long *our_steps, unsigned long *our_f2, unsigned long *our_f3)
{
    (void)f2, (void)f3;
    struct door *d = door_made(ctx);
    const struct mta_offer offered = {(uint32_t)actions, (uint32_t)steps};
    struct mta_offer wanted = {0};
    const char *macros[MTA_MACRO_POINTS] = {0};
    *our_f2 = *our_f3 = 0;
    if (!events->negotiate(d->state, &offered, &wanted, macros))
        return SMFIS_REJECT;
    d->steps = wanted.steps;
    *our_actions = wanted.actions;
    *our_steps = wanted.steps;
    for (int i = 0; wanted.actions & MTA_CHOOSE_MACROS && i < MTA_MACRO_POINTS; i++) {
        char *names = macros[i] ? strdup(macros[i]) : NULL;
        if (names && smfi_setsymlist(ctx, i, names) != MI_SUCCESS)
            log_warning("libmilter refused the list of macros \"%s\"", names);
        free(names);
    }
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, struct sockaddr *address)
{
    struct door *d = door_made(ctx);
    char text[INET6_ADDRSTRLEN] = "";
    struct mta_client client = {.host = host ? host : ""};
    if (!address) {
        client.family = 'U'; /* libmilter tells no more of an address that is none, either */
    } else if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        client = (struct mta_client){client.host, '4', text, ntohs(v4->sin_port)};
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
        client = (struct mta_client){client.host, '6', text, ntohs(v6->sin6_port)};
    } else {
        client.family = 'L';
    }
    return status_of(d, MTA_NR_CONNECT, events->connect(d->state, &client));
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    struct door *d = door_made(ctx);
    return status_of(d, MTA_NR_HELO, events->helo(d->state, name));
}

static sfsistat on_mail(SMFICTX *ctx, char **arguments)
{
    struct door *d = door_made(ctx);
    return status_of(d, MTA_NR_MAIL, events->mail(d->state, (const char *const *)arguments));
}

static sfsistat on_rcpt(SMFICTX *ctx, char **arguments)
{
    struct door *d = door_made(ctx);
    return status_of(d, MTA_NR_RCPT, events->rcpt(d->state, (const char *const *)arguments));
}

static sfsistat on_data(SMFICTX *ctx)
{
    struct door *d = door_made(ctx);
    return status_of(d, MTA_NR_DATA, events->data ? events->data(d->state) : MTA_CONTINUE);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct door *d = door_made(ctx);
    return status_of(d, MTA_NR_HEADER, events->header(d->state, name, value));
}

static sfsistat on_end_of_header(SMFICTX *ctx)
{
    struct door *d = door_made(ctx);
    return status_of(d, MTA_NR_EOH, events->end_of_header(d->state));
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t n)
{
    struct door *d = door_made(ctx);
    return status_of(d, MTA_NR_BODY, events->body(d->state, data, n));
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
    struct door *d = door_made(ctx);
    return status_of(d, 0, events->end_of_message(d->state));
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct door *d = door_of(ctx);
    if (d)
        events->abort(d->state);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    struct door *d = door_of(ctx);
    if (d)
        events->closed(d->state);
    free(d);
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

bool libmilter_door_register(const struct mta_events *to_call, void *its_context)
{
    static char name[] = "assay";
    events = to_call;
    context = its_context;
    struct smfiDesc description = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_data = on_data,
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
