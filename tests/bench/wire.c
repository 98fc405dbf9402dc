/* wire.c - packets of the milter protocol, buffered as Postfix does. Errors: die(). */
#include "wire.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "figures.h"
#include "header.h"

#define ALL     0x1FFFFFU /* every protocol step; the same bits as libmilter's SMFIP_ */
#define ACTIONS 0x1FFU

/* --- Bytes -------------------------------------------------------------------------------------*/

static void write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done < 0)
            die("send");
        p += done;
        n -= (size_t)done;
    }
}

static void flush(struct wire *w)
{
    write_all(w->fd, w->out, w->n_out);
    w->n_out = 0;
}

static void put(struct wire *w, const void *p, size_t n)
{
    if (w->n_out + n > WIRE_BUFFER)
        flush(w);
    if (n > WIRE_BUFFER) {
        write_all(w->fd, p, n);
        return;
    }
    if (n)
        memcpy(w->out + w->n_out, p, n);
    w->n_out += n;
}

static void get(struct wire *w, void *p, size_t n)
{
    char *to = p;
    while (n) {
        if (w->at_in == w->n_in) {
            ssize_t came = recv(w->fd, w->in, WIRE_BUFFER, 0);
            if (came <= 0)
                die("the milter went away");
            w->n_in = (size_t)came;
            w->at_in = 0;
        }
        size_t part = w->n_in - w->at_in < n ? w->n_in - w->at_in : n;
        memcpy(to, w->in + w->at_in, part);
        w->at_in += part;
        to += part;
        n -= part;
    }
}

/* --- Packets -----------------------------------------------------------------------------------*/

static void put_head(struct wire *w, char command, size_t n)
{
    uint32_t length = htonl((uint32_t)(n + 1));
    put(w, &length, sizeof length);
    put(w, &command, 1);
}

void wire_put(struct wire *w, char command, const char *data, size_t n)
{
    put_head(w, command, n);
    put(w, data, n);
}

void wire_put_pair(struct wire *w, char command, const char *a, size_t n_a, const char *b,
                   size_t n_b)
{
    put_head(w, command, n_a + n_b + 2);
    put(w, a, n_a);
    put(w, "", 1);
    put(w, b, n_b);
    put(w, "", 1);
}

/* The kind of the next packet; its data in w->reply. */
static char get_packet(struct wire *w, size_t *n)
{
    uint32_t length;
    char kind;
    get(w, &length, sizeof length);
    *n = ntohl(length) - 1;
    if (*n >= WIRE_REPLY)
        die("a long packet of the milter");
    get(w, &kind, 1);
    get(w, w->reply, *n);
    w->reply[*n] = '\0';
    return kind;
}

char wire_answer(struct wire *w, uint32_t no_reply, struct header *edited)
{
    size_t n;
    if (no_reply && w->steps & no_reply)
        return SMFIR_CONTINUE;
    flush(w);
    for (;;) {
        char kind = get_packet(w, &n);
        if (!strchr("pqimhb+-e", kind))
            return kind;
        if (edited)
            header_edit(edited, kind, w->reply, n, w->steps & SMFIP_HDR_LEADSPC);
    }
}

/* --- Negotiation and macros --------------------------------------------------------------------*/

static void take_macros(struct wire *w, size_t at, size_t n)
{
    uint32_t stage;
    for (; at + sizeof stage < n; at += strlen(w->reply + at) + 1) {
        memcpy(&stage, w->reply + at, sizeof stage);
        at += sizeof stage;
        if (ntohl(stage) < WIRE_STAGES)
            snprintf(w->wanted[ntohl(stage)], sizeof *w->wanted, " %s ", w->reply + at);
        w->asked = true;
    }
}

static void negotiate(struct wire *w)
{
    uint32_t offer[3] = {htonl(6), htonl(ACTIONS), htonl(ALL)}, taken[3];
    size_t n;
    wire_put(w, SMFIC_OPTNEG, (const char *)offer, sizeof offer);
    flush(w);
    if (get_packet(w, &n) != SMFIC_OPTNEG || n < sizeof taken)
        die("negotiation");
    memcpy(taken, w->reply, sizeof taken);
    w->steps = ntohl(taken[2]);
    take_macros(w, sizeof taken, n);
}

/* Postfix's defaults hold what is asked for here. */
static size_t add_macro(const struct wire *w, size_t stage, char *to, size_t n, size_t room,
                        const struct macro *m)
{
    char word[64];
    snprintf(word, sizeof word, " %s ", m->name);
    if (!m->value || (w->asked && !strstr(w->wanted[stage], word)))
        return n;
    int more = snprintf(to + n, room - n, "%s%c%s", m->name, 0, m->value);
    if (more < 0 || n + (size_t)more + 1 > room)
        die("macros");
    return n + (size_t)more + 1;
}

void wire_put_macros(struct wire *w, char command, size_t stage, const struct macro *macros,
                     size_t count)
{
    char data[1024] = {command};
    size_t n = 1;
    for (size_t i = 0; i < count; i++)
        n = add_macro(w, stage, data, n, sizeof data, &macros[i]);
    if (n > 1)
        wire_put(w, SMFIC_MACRO, data, n);
}

/* --- The connection ----------------------------------------------------------------------------*/

void wire_open(struct wire *w, const char *socket)
{
    w->n_out = w->n_in = w->at_in = 0;
    w->asked = w->accepted = w->accepted_session = false;
    w->fd = open_socket(socket);
    negotiate(w);
}

void wire_close(struct wire *w)
{
    wire_put(w, SMFIC_QUIT, NULL, 0);
    flush(w);
    close(w->fd);
}
