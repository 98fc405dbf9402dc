/* probe.h - the side of an MTA in the milter protocol: one message to one filter.
 *
 * probe_command.c    words of the command line, the account of what came back
 * probe_link.c       the connection: packets out and in
 * probe_dialogue.c   the steps, from negotiation to the end of the message */
#ifndef ASSAY_MILTER_PROBE_H
#define ASSAY_MILTER_PROBE_H

#include "base/netset.h"
#include "base/str.h"
#include "milter/serve/milter_packet.h"

struct probe_edit {
    enum milter_reply reply;
    uint32_t index;
    struct str name, value;
};

/* A filter that is asked. Texts live in the arena. */
struct probe {
    struct arena *arena;
    int fd;
    int timeout_ms;     /* longest silence of the filter */
    uint32_t steps;     /* enum mta_step, negotiated */
    struct str trouble; /* absent, or why the filter could not be asked: a phrase */
    struct str answer;  /* in words, once there is one */
    bool accepted;
    struct probe_edit *edits;
    size_t n_edits, edits_cap;
};

/* What the filter is told. */
struct probe_facts {
    struct netaddr client;
    const char *client_name, *helo, *from, *daemon;
    const char *auth; /* NULL: not authenticated */
    const char *const *recipients;
    size_t n_recipients;
    struct str message;
};

/* "inet:8892@127.0.0.1", Postfix's "inet:127.0.0.1:8892", "inet6:", "unix:/path", "/path". False,
 * and p->trouble; close p->fd otherwise. */
bool probe_connect(struct probe *p, const char *socket_name);
/* Each is false with p->trouble. */
bool probe_send(struct probe *p, enum milter_command command, struct str data);
bool probe_receive(struct probe *p, char *reply, struct str *data);

/* Versions, actions, steps. False with p->trouble: that is no milter. */
bool probe_negotiate(struct probe *p);
/* The whole message; then p->trouble or p->answer is there. */
void probe_converse(struct probe *p, const struct probe_facts *facts);
void probe_quit(struct probe *p);

#endif
