/* sent.h - the reports that we send, which are pending, built, handed over and done, and the
 * destinations that are suppressed. They are in the same database as the rows that they are made
 * from (rows.h).
 *
 * A report is about one day (UTC) and one policy; a large one has several parts, each a report of
 * its own. Each has a mail for every URI of the policy. A state is written before the step that it
 * names, so a kill between two steps loses nothing: a mail in the state "handed over" may have been
 * handed over, and is handed over again, unchanged.
 *
 *     pending       noted, and its id is fixed; of a mail: its destination was not asked yet
 *     built         its content is in the store, and will not change any more
 *     handed over   it is being handed over
 *     done          the mailer has taken it
 *     failed        given up; refused: the destination did not agree; suppressed: by us, for now
 *
 * Only one process at a time writes these tables; meanwhile the daemon writes rows. */
#ifndef ASSAY_STORE_SENT_H
#define ASSAY_STORE_SENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum sent_state {
    SENT_PENDING,
    SENT_BUILT,
    SENT_HANDED_OVER,
    SENT_DONE,
    SENT_FAILED,
    SENT_REFUSED,
    SENT_SUPPRESSED,
};
const char *sent_state_name(enum sent_state state); /* "handed over" */

struct sent_report {
    int64_t id;
    int64_t day, policy_id; /* of struct rows_period */
    int64_t part;           /* from 1 */
    struct str report_id, domain;
    struct str sender;     /* the address that it comes from */
    enum sent_state state; /* SENT_PENDING, SENT_BUILT, SENT_DONE: nothing is to be done any more */
    int64_t noted, built;  /* times */
    uint64_t rows, messages;
};

struct sent_mail {
    int64_t id, report;
    int64_t number;          /* in its report, from 1 */
    struct str uri, address; /* in the record; that the mail goes to, once it is known */
    int64_t form;            /* of the content: a number that the caller chooses */
    enum sent_state state;
    int64_t tries;
    int64_t next, changed; /* do not try before; when the state was last written */
    struct str note;       /* a phrase that says what became of it */
};

struct sent;

/* NULL and *problem (in `a`). With `write`, the database is made or upgraded if necessary. */
struct sent *sent_open(struct str path, bool write, struct arena *a, struct str *problem);
void sent_close(struct sent *s); /* NULL is allowed */

/* True: nobody else, on any host, is to write reports while this one is open. *free false: somebody
 * else is. Hosts that do not share a store do not meet here. */
bool sent_lock(struct sent *s, bool *free);

/* Why the last function returned false: the store failed. */
struct str sent_problem(const struct sent *s);

/* A secret text that never changes; ids of reports are made with it. */
bool sent_secret(struct sent *s, struct arena *a, struct str *out);

/* --- Writing: each call is committed when it returns. --- */

/* Notes a report as pending, with a mail for each URI. */
bool sent_note(struct sent *s, const struct sent_report *r, const struct str *uris, size_t n);

/* Removes what an earlier attempt to build this report has left. */
bool sent_forget_parts(struct sent *s, const struct sent_report *first);
/* Stores the content of a part; a part that is not the first one is noted, too. */
bool sent_keep_part(struct sent *s, const struct sent_report *part, int64_t form, struct str gz);
/* All parts of the report are stored: gives each the mails of the first one, and sets all to built.
 */
bool sent_built(struct sent *s, const struct sent_report *first, int64_t now);

/* Writes address, form, state, tries, next, changed and note of a mail. */
bool sent_update(struct sent *s, const struct sent_mail *mail);

/* Sets reports without open mails to done, and deletes their content; deletes everything about days
 * before this one. */
bool sent_tidy(struct sent *s, int64_t before_day);

/* --- Reading: what `each` gets lives until it returns; false ends the reading. --- */

typedef bool sent_fn(void *context, const struct sent_report *r, const struct sent_mail *mail);

/* Reports by day and domain, each with its mails; a NULL mail means that the report has none.
 * `open`: only mails that are not finished. */
bool sent_read(struct sent *s, bool open, int64_t from_day, sent_fn *each, void *context);

/* The content, in `a`. */
bool sent_content(struct sent *s, int64_t report, int64_t form, struct arena *a, struct str *gz);

/* Finds the mail with this number of the report with this id; *found: it exists. */
bool sent_find(struct sent *s, struct str report_id, int64_t number, struct arena *a,
               struct sent_mail *mail, bool *found);

/* --- Destinations that are suppressed --- */

struct sent_suppression {
    struct str destination; /* an address, or a domain */
    int64_t since, until;   /* until 0: for good */
    int64_t bounces;        /* 0: by hand */
    struct str why;
};
typedef bool sent_suppression_fn(void *context, const struct sent_suppression *suppression);

bool sent_suppress(struct sent *s, const struct sent_suppression *suppression);
bool sent_unsuppress(struct sent *s, struct str destination, bool *was);
/* The suppression of exactly this destination; *found: there is one. Texts are in `a`. */
bool sent_suppression(struct sent *s, struct str destination, struct arena *a,
                      struct sent_suppression *out, bool *found);
bool sent_read_suppressions(struct sent *s, sent_suppression_fn *each, void *context);

#endif
