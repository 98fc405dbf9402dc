/* session.h - the one conductor: plays a client's dialogue, as an MTA tells it, through facts,
 * stages, policy and edits.
 *
 *     connect  helo  mail  rcpt...  data  header...  end_of_header  body...  end  after
 *
 * Everything that judges a message goes through here: the daemon behind its doors, `assay check`,
 * scenarios, fuzz targets, benchmarks. So what one of them says, the others do.
 *
 * A dialogue belongs to one thread at a time. Its facts are const for everyone else; what a verdict
 * does to the MTA is the door's. Whatever comes from the network is stored within the limits of the
 * configuration: of header fields beyond limits.header-* only those that decide are kept
 * (core/intake.h); what does not fit in limits.message-memory, or what is left of limits.memory,
 * turns the message away at its end with 452; with less than a small message takes, none begins. */
#ifndef ASSAY_SESSION_SESSION_H
#define ASSAY_SESSION_SESSION_H

#include "base/budget.h"
#include "core/message.h"
#include "decide/edits.h"
#include "decide/policy.h"
#include "session/pipeline.h"
#include "session/snapshot.h"

struct transaction;

/* What happens to a message once it is answered: an entry of a list, in its order. */
struct after {
    const char *name;
    /* At the end of the header of a message that is judged and within its limits: does this one
     * want it? NULL: it wants every message, judged or not. */
    bool (*chooses)(void *context, const struct transaction *t);
    bool whole_body; /* what is chosen should have the whole body in message.body at the end */
    /* The transaction is answered at t->point. True: its arena, and all that lives there, belongs
     * to this entry now; only the last entry may say so. */
    bool (*answered)(void *context, struct transaction *t);
    /* The MTA gave it up before it was answered at its end. NULL: that is nothing to this one. */
    void (*given_up)(void *context, const struct transaction *t);
};
#define AFTER_MAX 8

/* What the dialogues of a program share. Outlives them; its functions may be called from any
 * thread. */
struct session_host {
    void *context;
    struct snapshot *(*snapshot_take)(void *context); /* the one in force */
    void (*snapshot_release)(struct snapshot *snapshot);
    /* A message begins: false if none may any more. Each that began ends. NULL: always. */
    bool (*message_begins)(void *context);
    void (*message_ended)(void *context);
    int64_t (*now)(void *context); /* seconds since 1970; NULL: the clock's */
    struct budget *memory;         /* limits.memory */
    int64_t state_patience_us;     /* what a message may wait for state; 0: STATE_BUDGET_US */
    struct budget *copies;         /* reference.memory: of bodies that are kept */
    const struct after *after;
    size_t n_after; /* at most AFTER_MAX */
};

/* The other end, which waits. Each function may be NULL. */
struct session_peer {
    void *context;
    void (*waiting)(void *context);            /* about once a second, at the end of a message */
    void (*waits)(void *context, bool begins); /* the calling thread is about to wait, or has */
    void (*trace)(void *context, const struct dns_event *event); /* every look-up */
};

/* One client of an MTA. */
struct dialogue {
    const struct session_host *host;
    struct session_peer peer;
    struct session facts;
    bool
        leading_space; /* header values come with the white space behind the colon; at first true */
    struct transaction *transaction; /* NULL between messages; lives in `messages` */
    struct arena *messages;
    size_t quota;           /* of `messages` */
    char *texts[4];         /* room for those of `facts`, which are told again and again */
    bool turned_away;       /* at CONNECT: no message begins */
    struct verdict refusal; /* of what no transaction can hold */
    unsigned checks;        /* of a policy service: what is judged (enum service_check); else 0 */
};

/* A message on its way, from MAIL to its end. */
struct transaction {
    const struct session *session;
    struct snapshot *snapshot;
    struct message message;
    struct evidence evidence;
    struct dns_asker asker;
    struct state_asker memory;
    struct pipeline *pipeline;
    struct body_digests *bodies; /* digests of the body, for all that want some */
    struct body_hash *seal_body; /* the one that a seal needs; NULL: none is made */
    enum policy_point point;     /* where it was answered last, and how: */
    struct verdict verdict;
    struct edit_list edits; /* at its end: what would be done if it is not refused */
    int64_t ended_us;       /* monotonic: when the end of the message came */
    struct arena *arena;    /* the message's, with the transaction in it */
    unsigned chosen;        /* bits: entries of host->after that want it */
    struct body_copy *copy; /* NULL: nobody needs the whole body */
    bool no_memory;         /* it does not fit in limits.message-memory, or limits.memory */
    bool crowded;           /* a recipient beyond limits.recipients was refused */
    bool judged;            /* at a recipient, by what holds for all of them */
    struct verdict judgement;
    size_t refused_alone; /* recipients, each by what holds for it alone */
};

/* What there is to tell of a transaction, as it was answered. */
struct telling transaction_telling(const struct transaction *t);

/* What the MTA tells of the client. Texts are copied. */
struct client_words {
    struct str name;        /* as the MTA found it; "[192.0.2.1]" where it found none */
    struct netaddr address; /* family 0: not known */
    bool smtp;              /* false: the message did not come by SMTP */
    struct str daemon_name; /* {daemon_name} */
    struct str mta_name;    /* {j} */
};

/* What it tells at MAIL; any may be absent. */
struct envelope_words {
    struct str from;
    struct str queue_id, auth_type, auth_user;
    struct certificate_macros certificate;
};

/* What it tells of a recipient: the argument of RCPT, and {rcpt_mailer}, {rcpt_host}, {rcpt_addr},
 * where it tells them. */
struct recipient_words {
    struct str path, mailer, host, address;
};

/* `peer` is copied. No client is ours before dialogue_connect() says so. */
struct dialogue *dialogue_new(const struct session_host *host, const struct session_peer *peer);
void dialogue_free(struct dialogue *d); /* a message under way is given up; NULL is allowed */

/* The points at which an answer is awaited give a verdict that refuses, which lasts until the next
 * call, or NULL: go on. */

/* `number`: which of the connections that are open this is. */
const struct verdict *dialogue_connect(struct dialogue *d, const struct client_words *client,
                                       unsigned number);
void dialogue_helo(struct dialogue *d, struct str name);

/* Begins a transaction; one that is still open is given up. If it is refused, dialogue_answered()
 * has to be called when that was told; without room for a message there is none, and
 * d->transaction is NULL. */
const struct verdict *dialogue_mail(struct dialogue *d, const struct envelope_words *envelope);
/* A refusal is for this recipient; the transaction goes on. */
const struct verdict *dialogue_rcpt(struct dialogue *d, const struct recipient_words *recipient);
/* If it is refused, dialogue_answered() has to be called. */
const struct verdict *dialogue_data(struct dialogue *d);
/* For a policy service, instead: judges all that can be known before the content, and waits for it
 * as long as dns.deadline lasts. Verdict and edits stand in the transaction then, as answered at
 * `point`: dialogue_answered() tells of it. */
void dialogue_judge_envelope(struct dialogue *d, enum policy_point point);
void dialogue_queue_id(struct dialogue *d, struct str queue_id); /* the first that is told counts */
void dialogue_header(struct dialogue *d, struct str name, struct str value);
void dialogue_end_of_header(struct dialogue *d);
void dialogue_body(struct dialogue *d, const void *data, size_t n);
/* Verdict and edits stand in the transaction then: carry them out, and call dialogue_answered(). */
void dialogue_end(struct dialogue *d);

/* The transaction is answered, at the point and with the verdict that stand in it: what comes after
 * is done, and it has ended. */
void dialogue_answered(struct dialogue *d);
void dialogue_give_up(struct dialogue *d); /* outside of transactions too */

#endif
