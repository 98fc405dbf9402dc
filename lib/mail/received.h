/* received.h - Received (RFC 5321 4.4): from whom a server took a message, by which protocol.
 *
 * Read for the shapes of Postfix, Sendmail and the programs that stand beside them. Only what the
 * server itself found out is read as the client's address: never what the client called itself. */
#ifndef ASSAY_MAIL_RECEIVED_H
#define ASSAY_MAIL_RECEIVED_H

#include "base/netset.h"
#include "base/str.h"

enum received_source {
    RECEIVED_UNCLEAR, /* no address, several, or a field of another shape */
    RECEIVED_ADDRESS, /* a client with this address */
    RECEIVED_NAMED,   /* a client without address, known by its name alone: LMTP on a Unix socket */
    RECEIVED_LOCAL,   /* no client: a program on that host handed the message in */
};

struct received {
    enum received_source source;
    struct netaddr client; /* with RECEIVED_ADDRESS */
    struct str from;       /* what the client called itself, as written; empty: no from clause */
    struct str by;         /* the server's name, as written; empty: no by clause */
    struct str with;       /* the protocol, as written; empty: none is named */
    /* The last of several by clauses, else empty. One of them was somebody else's words, and then
     * nothing else of the field can be relied on. */
    struct str last_by;
};

/* Reads a field's value; parts point into it. Whatever the bytes are, every byte is looked at a
 * bounded number of times, and what cannot be understood is RECEIVED_UNCLEAR. */
void received_parse(struct str value, struct received *out);

/* True if the protocol is SMTP, ESMTP or LMTP in any of its forms (RFC 3848, RFC 6531 4.3);
 * *authenticated: the form of it that says so (the A of ESMTPSA). */
bool received_with_smtp(struct str with, bool *authenticated);

#endif
