/* message.h - the facts: what the MTA told us. Written by milter/daemon/callbacks.c (and by tests)
 * alone; const for everyone else. */
#ifndef ASSAY_CORE_MESSAGE_H
#define ASSAY_CORE_MESSAGE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/netset.h"
#include "base/str.h"
#include "mail/address.h"
#include "mail/header.h"

/* What a policy service may check. */
enum service_check {
    SERVICE_SPF = 1,
    SERVICE_DNSBL = 2,
    SERVICE_CLIENT = 4,
    SERVICE_SENDER = 8,
    SERVICE_GREYLIST = 16,
};

/* A connection. Its texts live in its arena. */
struct session {
    struct arena *arena;
    struct netaddr client; /* family 0: not known */
    bool smtp; /* false: the message did not come by SMTP (port 0 on loopback, family L, U) */
    struct str client_name; /* as the MTA found it; "[192.0.2.1]" where it found none */
    struct str helo;        /* as given last */
    struct str daemon_name; /* {daemon_name} at CONNECT */
    struct str mta_name;    /* {j} at CONNECT: what the MTA calls itself in Received */
};

/* Whose mail it is: decided at MAIL; what may have come in before is looked at once more at the end
 * of the header. */
enum origin { ORIGIN_INBOUND, ORIGIN_OURS, ORIGIN_RELAYED, ORIGIN_FORWARDED, ORIGIN_COUNT };

/* A body in pieces, as they came, for code that needs the whole of it at once. */
struct kept_body {
    bool whole; /* false: not kept to its end, and then `pieces` means nothing */
    size_t n;
    const struct str *pieces;
};

/* A recipient, and what the MTA says of it. */
struct recipient {
    struct str address;   /* the argument of RCPT without brackets */
    struct str mailer;    /* {rcpt_mailer}: "local", "smtp", "error" */
    struct str host;      /* {rcpt_host} */
    struct str rewritten; /* {rcpt_addr}: Sendmail strips the domain of local users */
    bool refused;         /* by us */
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
    bool tls_verified;               /* the MTA trusts the client's certificate */
    struct str tls_subject;          /* {cert_subject}; of a certificate that is not trusted, too */
    size_t n_recipients;             /* all that were named */
    struct recipient *recipients;    /* the first recipients_kept of them (limits.recipients) */
    size_t recipients_kept, recipients_cap;
    struct header_list headers;
    size_t header_bytes; /* of all fields, kept or not */
    /* Header bytes or count beyond the limits: of the fields behind them, headers holds only those
     * that decide (core/intake.h). */
    bool over_limit;
    size_t from_beyond, results_beyond; /* fields kept beyond the limits */
    bool results_lost; /* ... and there were more of those that may speak in our name */
    uint64_t body_bytes;
    struct kept_body body; /* at the end of the message, if something has asked for it */
    unsigned checks;       /* a set of enum service_check for a policy service; 0: the milter */
    enum origin origin;
    struct str origin_why; /* "SMTP AUTH alice", "trusted network 127.0.0.0/8": for the log */
    /* From MAIL to the end of the header: its Received fields may yet make it forwarded, so nothing
     * may be refused on account of `origin`. */
    bool may_be_forwarded;
    struct netaddr entry_client; /* forwarded: from whom it had come in, where that is known */
    size_t entry_fields; /* fields on top that were added on this host since the message came in */
};

/* True if this is checked here: a policy service does what its configuration names. */
static inline bool message_is_checked(const struct message *message, enum service_check check)
{
    return !message->checks || (message->checks & check);
}

struct conf;

/* At MAIL: fills in origin, origin_why and may_be_forwarded from the other facts. */
void message_decide_origin(const struct conf *conf, const struct session *session,
                           struct message *message);

/* At the end of the header, before the pipeline hears of it: mail that had come in from outside and
 * passes this host again is forwarded (assay.conf(5), "Whose mail it is"). */
void message_settle_origin(const struct conf *conf, const struct session *session,
                           struct message *message);

/* True for addresses of loopback, and those that this host had when the configuration was read. */
bool message_from_this_host(const struct conf *conf, const struct netaddr *address);

/* What the MTA tells of the client's certificate; what it does not tell is empty. */
struct certificate_macros {
    struct str version;         /* v: "8.17.1.9", "Postfix 3.7.11" */
    struct str verify;          /* {verify}: OK, FAIL, NO and others; Sendmail's alone */
    struct str subject, issuer; /* {cert_subject}, {cert_issuer} */
};

/* True if the MTA has verified it. Sendmail says so in {verify}, and names certificates that it
 * does not trust, too; Postfix has no {verify}, and names only those that it trusts. */
bool certificate_is_trusted(const struct certificate_macros *m);

const char *origin_name(enum origin origin); /* "inbound" */

#endif
