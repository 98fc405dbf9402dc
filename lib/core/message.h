/* message.h - the facts: what the MTA told us. Written by milter/callbacks.c (and by tests) alone;
 * const for everyone else. */
#ifndef ASSAY_CORE_MESSAGE_H
#define ASSAY_CORE_MESSAGE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/netset.h"
#include "base/str.h"
#include "mail/address.h"
#include "mail/header.h"

/* A connection. Its texts live in its arena. */
struct session {
    struct arena *arena;
    struct netaddr client; /* family 0: not known */
    bool smtp; /* false: the message did not come by SMTP (port 0 on loopback, family L, U) */
    struct str client_name; /* as the MTA found it; "[192.0.2.1]" where it found none */
    struct str helo;        /* as given last */
    struct str daemon_name; /* {daemon_name} at CONNECT */
};

/* Whose mail it is: decided once, at MAIL. */
enum origin { ORIGIN_INBOUND, ORIGIN_OURS, ORIGIN_RELAYED };

/* A body in pieces, as they came, for who needs the whole of it at once. */
struct kept_body {
    bool whole; /* false: not kept to its end, and then `pieces` means nothing */
    size_t n;
    const struct str *pieces;
};

/* A transaction. Its texts live in its arena, which is reset when it ends. */
struct message {
    struct arena *arena;
    int64_t now;         /* seconds since 1970 at MAIL */
    int64_t started_us;  /* monotonic, at MAIL */
    struct str queue_id; /* empty until the MTA tells */
    struct mail_path from;
    struct str from_text;            /* the argument of MAIL as given */
    struct str auth_type, auth_user; /* {auth_type}, {auth_authen}: empty without verified AUTH */
    bool tls_verified;               /* {verify} is OK */
    struct str tls_subject;          /* {cert_subject} */
    size_t n_recipients;             /* accepted ones are not told apart */
    struct str first_recipient;      /* the argument of the first RCPT, without brackets */
    struct header_list headers;
    size_t header_bytes; /* of all fields, kept or not */
    /* Header bytes or count beyond the limits: of the fields behind them, headers holds only those
     * that decide (core/intake.h). */
    bool over_limit;
    size_t from_beyond, results_beyond; /* fields kept beyond the limits */
    bool results_lost; /* ... and there were more of those that may speak in our name */
    uint64_t body_bytes;
    struct kept_body body; /* at the end of the message, where somebody asked for it */
    enum origin origin;
    struct str origin_why; /* "SMTP AUTH alice", "trusted network 127.0.0.0/8": for the log */
};

struct conf;

/* Fills in origin and origin_why from the other facts (design: whose mail it is). */
void message_decide_origin(const struct conf *conf, const struct session *session,
                           struct message *message);

const char *origin_name(enum origin origin); /* "inbound" */

#endif
