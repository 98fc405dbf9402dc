/* check.h - `assay check`: what the daemon would do with a saved message, and why.
 *
 * check_command.c   words of the command line, the loop over messages, the summary
 * check_input.c     files, mbox, Maildir: bytes to messages
 * check_facts.c     client, HELO, envelope: from the options, else from the message itself
 * check_report.c    the account for people
 * check_json.c      the account for programs (the schema stands in assay-check(1))
 * check_body.c      why a body hash differs: what change would explain it
 * check_advice.c    what would have saved the message
 * check_record.c    records as text; --save-dns: what was asked, as a zone file
 * check_reference.h --reference: what the field's libraries say */
#ifndef ASSAY_MILTER_CHECK_H
#define ASSAY_MILTER_CHECK_H

#include "base/json.h"
#include "milter/commands/check_reference.h"
#include "milter/commands/command.h"
#include "session/play.h"

/* One saved message. */
struct check_message {
    struct str label; /* "FILE", or "FILE:3" for the third of an mbox */
    struct str text;
};

struct check_messages {
    struct arena *arena;
    size_t n, cap;
    struct check_message *v;
};

/* Adds all messages of a file (one message, or an mbox), a Maildir or a folder of it, or standard
 * input ("-"). False after a complaint on standard error. */
bool check_input(struct command *c, const char *path, struct check_messages *out);

/* What the command line says of every message; NULL, family 0: not said. */
struct check_words {
    struct netaddr ip;
    const char *name, *helo, *from, *rcpt, *auth, *daemon, *mta;
};

/* One message under way. */
struct check_case {
    struct arena *arena;
    struct check_message input;
    struct header_list headers;
    struct recipient_words recipient;
    struct letter letter;        /* the facts */
    const struct transaction *t; /* as the daemon would answer it */
    bool trace;                  /* tell every look-up, not only the records */
    bool explain;                /* tell each step of a chain */
    struct dns_event *events; /* finished look-ups in their order; they live in the case's arena */
    size_t n_events, events_cap;
    size_t n_own; /* of these were asked for the verdict; the others by the field's libraries */
    const struct check_reference *reference; /* NULL: they were not asked */
    size_t n_assumed; /* facts that were not given: where each was taken from, in words */
    struct str assumed[8];
};

/* Splits the text into header and body (line ends become CRLF where the text has none) and fills in
 * the facts. */
void check_facts(const struct check_words *words, struct check_case *c);

/* What is to say of the body under one signature; `index` is that of the signature in the
 * evidence. */
void check_body(const struct check_case *c, size_t index, struct told_body *out);

/* What the stages tell of, with what explains their results. */
struct telling check_telling(const struct check_case *c);

/* What would have saved a message that was not simply delivered. */
struct check_advice {
    size_t n;
    struct check_advised {
        const char *by;  /* "seal", "sealer", "srs" */
        struct str text; /* a sentence, clean */
    } v[8];
};
void check_advice(const struct check_case *c, struct check_advice *out);

/* The account of one message on standard output. `colour`: for a terminal. */
void check_report(const struct check_case *c, bool colour);
void check_json(struct json *j, const struct check_case *c);

/* "rejected", "delivered, tagged", ...: the verdict in a word or two. */
const char *check_verdict_words(const struct verdict *verdict);

/* The DNS as zone text: each question once, as it was answered. */
struct check_recorder {
    struct strbuf zone;
    size_t n, cap;
    struct check_asked {
        struct str name;
        enum dns_type type;
    } * asked;
};
void check_recorder_init(struct check_recorder *r, struct arena *a);
void check_recorder_add(struct check_recorder *r, const struct dns_event *event);

/* One record's data as a zone file has it. */
void check_record_data(struct strbuf *b, enum dns_type type, const struct dns_rr *rr);

#endif
