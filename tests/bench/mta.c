/* mta.c - sessions and messages, played to one filter after the other. Errors: die(). */
#include "mta.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "figures.h"
#include "header.h"
#include "wire.h"

#define CHUNK   65535
#define FILTERS 4
#define ZEROS   "00000000"

struct mta {
    size_t n;
    char sockets[FILTERS][256];
    struct wire wires[FILTERS];
    char sender[256];
    struct header header;
};

struct mta *mta_new(const char *sockets)
{
    struct mta *mta = calloc(1, sizeof *mta);
    if (!mta)
        die("memory");
    for (const char *at = sockets; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
        if (mta->n == FILTERS)
            die("too many filters");
        snprintf(mta->sockets[mta->n++], sizeof *mta->sockets, "%.*s", (int)strcspn(at, ","), at);
    }
    return mta;
}

void mta_free(struct mta *mta)
{
    free(mta);
}

/* Asks for the answer to a step of the envelope: may the message go on? */
static bool go_on(struct wire *w, uint32_t no_reply)
{
    char kind = wire_answer(w, no_reply, NULL);
    w->accepted = kind == SMFIR_ACCEPT;
    return kind == SMFIR_CONTINUE || kind == SMFIR_ACCEPT;
}

/* --- The session -------------------------------------------------------------------------------*/

static void play_connect(struct wire *w, const struct letter *l)
{
    char data[512];
    uint16_t port = htons(40000);
    size_t n = strlen(l->helo) + 1;
    if (w->steps & SMFIP_NOCONNECT)
        return;
    if (n + 64 > sizeof data)
        die("a long HELO");
    memcpy(data, l->helo, n);
    data[n++] = strchr(l->client, ':') ? SMFIA_INET6 : SMFIA_INET;
    memcpy(data + n, &port, sizeof port);
    n += sizeof port;
    n += (size_t)snprintf(data + n, sizeof data - n, "%s", l->client) + 1;
    WIRE_MACROS(w, SMFIC_CONNECT, SMFIM_CONNECT, {"j", "mx.test"}, {"{daemon_name}", "smtpd"},
                {"{client_addr}", l->client}, {"v", "Postfix 3.7.11"});
    wire_put(w, SMFIC_CONNECT, data, n);
    if (!go_on(w, SMFIP_NR_CONN))
        die("CONNECT is refused");
    w->accepted_session = w->accepted;
}

static void play_helo(struct wire *w, const struct letter *l)
{
    if (w->steps & SMFIP_NOHELO || w->accepted_session)
        return;
    wire_put(w, SMFIC_HELO, l->helo, strlen(l->helo) + 1);
    if (!go_on(w, SMFIP_NR_HELO))
        die("HELO is refused");
    w->accepted_session = w->accepted;
}

void mta_connect(struct mta *mta, const struct letter *letter)
{
    for (size_t i = 0; i < mta->n; i++) {
        wire_open(&mta->wires[i], mta->sockets[i]);
        play_connect(&mta->wires[i], letter);
    }
    for (size_t i = 0; i < mta->n; i++)
        play_helo(&mta->wires[i], letter);
}

void mta_quit(struct mta *mta)
{
    for (size_t i = 0; i < mta->n; i++)
        wire_close(&mta->wires[i]);
}

/* --- The envelope ------------------------------------------------------------------------------*/

static bool play_mail(struct wire *w, const struct letter *l, const char *sender)
{
    if (w->steps & SMFIP_NOMAIL || w->accepted)
        return true;
    WIRE_MACROS(w, SMFIC_MAIL, SMFIM_ENVFROM, {"{auth_type}", l->user ? "PLAIN" : NULL},
                {"{auth_authen}", l->user}, {"{mail_addr}", sender}, {"i", "4PLAYED"});
    wire_put(w, SMFIC_MAIL, sender, strlen(sender) + 1);
    return go_on(w, SMFIP_NR_MAIL);
}

static bool play_rcpt(struct wire *w, const struct letter *l)
{
    if (w->steps & SMFIP_NORCPT || w->accepted)
        return true;
    WIRE_MACROS(w, SMFIC_RCPT, SMFIM_ENVRCPT, {"{rcpt_addr}", l->recipient},
                {"{rcpt_mailer}", "local"}, {"i", "4PLAYED"});
    wire_put(w, SMFIC_RCPT, l->recipient, strlen(l->recipient) + 1);
    return go_on(w, SMFIP_NR_RCPT);
}

static bool play_data(struct wire *w)
{
    if (w->steps & SMFIP_NODATA || w->accepted)
        return true;
    WIRE_MACROS(w, SMFIC_DATA, SMFIM_DATA, {"i", "4PLAYED"});
    wire_put(w, SMFIC_DATA, NULL, 0);
    return go_on(w, SMFIP_NR_DATA);
}

/* --- The message -------------------------------------------------------------------------------*/

/* One header field: name, NUL, value without its last CRLF and with LF in its folds, NUL. */
static void put_field(struct wire *w, const char *at, const char *end)
{
    char value[8192];
    size_t n = 0;
    const char *colon = strchr(at, ':'), *p = colon + 1;
    if (!(w->steps & SMFIP_HDR_LEADSPC) && *p == ' ')
        p++;
    for (; p < end - 2; p++) {
        if (n == sizeof value)
            die("a long header field");
        if (*p != '\r')
            value[n++] = *p;
    }
    wire_put_pair(w, SMFIC_HEADER, at, (size_t)(colon - at), value, n);
}

static bool play_header(struct wire *w, struct header *h)
{
    if (!(w->steps & SMFIP_NOHDRS))
        for (char *at = h->text, *next; *at && !w->accepted; at = next) {
            next = header_next(at);
            put_field(w, at, next);
            if (!go_on(w, SMFIP_NR_HDR))
                return false;
        }
    if (w->steps & SMFIP_NOEOH || w->accepted)
        return true;
    WIRE_MACROS(w, SMFIC_EOH, SMFIM_EOH, {"i", "4PLAYED"});
    wire_put(w, SMFIC_EOH, NULL, 0);
    return go_on(w, SMFIP_NR_EOH);
}

static bool play_body(struct wire *w, const struct letter *l)
{
    char kind = SMFIR_CONTINUE;
    for (size_t at = 0; at < l->body_size && kind == SMFIR_CONTINUE; at += CHUNK) {
        if (w->steps & SMFIP_NOBODY)
            break;
        size_t n = l->body_size - at < CHUNK ? l->body_size - at : CHUNK;
        wire_put(w, SMFIC_BODY, l->body + at, n);
        kind = wire_answer(w, SMFIP_NR_BODY, NULL);
    }
    w->accepted = kind == SMFIR_ACCEPT;
    return kind == SMFIR_CONTINUE || kind == SMFIR_SKIP || w->accepted;
}

static bool play_end(struct wire *w, struct header *h)
{
    WIRE_MACROS(w, SMFIC_BODYEOB, SMFIM_EOM, {"i", "4PLAYED"});
    wire_put(w, SMFIC_BODYEOB, NULL, 0);
    char kind = wire_answer(w, 0, h);
    return kind == SMFIR_CONTINUE || kind == SMFIR_ACCEPT;
}

static bool play_message(struct wire *w, const struct letter *l, struct header *h)
{
    return w->accepted || (play_header(w, h) && (w->accepted || play_body(w, l)) &&
                           (w->accepted || play_end(w, h)));
}

/* --- The whole ---------------------------------------------------------------------------------*/

static void number_zeros(char *text, long number)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%08ld", number);
    if (number >= 0)
        for (char *at = text; (at = strstr(at, ZEROS)); at += strlen(ZEROS))
            memcpy(at, digits, strlen(ZEROS));
}

static void begin_message(struct mta *mta, const struct letter *l, long number)
{
    header_set(&mta->header, l->header, (size_t)(l->body - l->header) - 2);
    snprintf(mta->sender, sizeof mta->sender, "%s", l->sender);
    number_zeros(mta->header.text, number);
    number_zeros(mta->sender, number);
    for (size_t i = 0; i < mta->n; i++)
        mta->wires[i].accepted = mta->wires[i].accepted_session;
}

enum fate mta_envelope(struct mta *mta, const struct letter *letter, long number)
{
    begin_message(mta, letter, number);
    for (size_t i = 0; i < mta->n; i++)
        if (!play_mail(&mta->wires[i], letter, mta->sender))
            return FATE_REFUSED_AT_MAIL;
    for (size_t i = 0; i < mta->n; i++)
        if (!play_rcpt(&mta->wires[i], letter))
            return FATE_REFUSED;
    for (size_t i = 0; i < mta->n; i++)
        if (!play_data(&mta->wires[i]))
            return FATE_REFUSED;
    return FATE_ACCEPTED;
}

enum fate mta_content(struct mta *mta, const struct letter *letter)
{
    for (size_t i = 0; i < mta->n; i++)
        if (!play_message(&mta->wires[i], letter, &mta->header))
            return FATE_REFUSED;
    return FATE_ACCEPTED;
}

void mta_end(struct mta *mta)
{
    for (size_t i = 0; i < mta->n; i++)
        wire_put(&mta->wires[i], SMFIC_ABORT, NULL, 0);
}

bool mta_header_has(const struct mta *mta, const char *words)
{
    return strstr(mta->header.text, words);
}
