/* gate.h - how a message asks about clients, DNS lists and senders: beside the message's own asker,
 * with queries, spare queries and memory of its own, so that no result of SPF, DKIM or DMARC
 * depends on what was asked here; with its patience, so that it waits no longer.
 *
 * There are three, because a client chooses what the DNS says of itself: answers that fill its part
 * make nothing unknown of a sender's domain, which may be somebody else's, and keep no list from
 * being heard. */
#ifndef ASSAY_CORE_GATE_H
#define ASSAY_CORE_GATE_H

#include "conf/conf.h"

/* What one list may be asked for a message: about so many domains, and two test points (RFC 5782
 * 5). Its answers are of one or two addresses each. */
#define GATE_LIST_NAMES   16
#define GATE_LIST_QUERIES (GATE_LIST_NAMES + 2)

struct gate;

/* Beside this asker, in its arena: for the client or the sender, with half of the queries and of
 * the memory that both have; and for all lists, each with its part whatever the others need. */
struct gate *gate_new(const struct conf *conf, struct dns_asker *asker);
struct gate *gate_new_for_lists(const struct conf *conf, struct dns_asker *asker);

/* As dns_start() and dns_lookup(). What is asked beyond the share is DNS_SERVFAIL. */
void gate_start(struct gate *gate, struct str name, enum dns_type type);
const struct dns_answer *gate_lookup(struct gate *gate, struct str name, enum dns_type type);

/* Does something in `exceptions` free this message of the gate's verdict? */
enum gate_freedom {
    GATE_BOUND,
    GATE_FREE,
    GATE_UNSURE, /* SPF or DKIM could free it, and cannot be known: now, or, at DATA, yet */
};
struct session;
struct message;
struct evidence;
enum gate_freedom gate_freedom(const struct conf *conf, const struct session *session,
                               const struct message *message, const struct evidence *evidence,
                               struct arena *a);

/* postmaster and abuse, wherever: whoever writes to them is never asked to come again. */
bool gate_is_responsible(struct str address);

#endif
