/* sent.h - the reports that we send: which are pending, built, handed over and done, and which
 * destinations are spared. They stand beside the rows that they are made of (rows.h).
 *
 * A report is about one day (UTC) and one policy; a large one has several parts, each a report of
 * its own. Each has a mail for every URI of the policy. A state is written before the step that it
 * names, so whoever is killed between two loses nothing: what is found as handed over may have
 * been, and is handed over once more, as the same mail.
 *
 *     pending       noted, and its id is fixed; of a mail: its destination was not asked yet
 *     built         its content is in the store, and will not change any more
 *     handed over   it is being handed over
 *     done          the mailer has taken it
 *     failed        given up; refused: the destination did not agree; suppressed: it was spared
 *
 * One process at a time writes; the daemon beside it writes rows. */
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
    int64_t noted, built;  /* when */
    uint64_t rows, messages;
};

struct sent_mail {
    int64_t id, report;
    int64_t number;          /* in its report, from 1 */
    struct str uri, address; /* as published; where it goes, once that is known */
    int64_t form;            /* of the content: a number of who builds it */
    enum sent_state state;
    int64_t tries;
    int64_t next, changed; /* not before; when the state was written last */
    struct str note;       /* a phrase: what became of it */
};

struct sent;

/* NULL and *problem (in `a`). To write, the database may be made or brought to today's version. */
struct sent *sent_open(struct str path, bool write, struct arena *a, struct str *problem);
void sent_close(struct sent *s); /* NULL is allowed */

/* True: nobody else, on any host, is to write reports while this one is open. *free false: somebody
 * else is. Hosts that do not share a store do not meet here. */
bool sent_lock(struct sent *s, bool *free);

/* Every function that gives a bool gives false if the store failed: this is why. */
struct str sent_problem(const struct sent *s);

/* A text that nobody else knows, and that stays: ids of reports are made with it. */
bool sent_secret(struct sent *s, struct arena *a, struct str *out);

/* --- Writing; each call is on its way to the disk when it returns. --- */

/* Notes a report as pending, with a mail for each URI. */
bool sent_note(struct sent *s, const struct sent_report *r, const struct str *uris, size_t n);

/* Removes what an attempt to build this report has left. */
bool sent_forget_parts(struct sent *s, const struct sent_report *first);
/* Keeps the content of a part, which is noted if it is not the first. */
bool sent_keep_part(struct sent *s, const struct sent_report *part, int64_t form, struct str gz);
/* All parts of the report are there: each gets the mails of the first, and all are built. */
bool sent_built(struct sent *s, const struct sent_report *first, int64_t now);

/* Writes address, form, state, tries, next, changed and note of a mail. */
bool sent_update(struct sent *s, const struct sent_mail *mail);

/* Reports without open mails are done, and their content goes; of days before this one, all goes.
 */
bool sent_tidy(struct sent *s, int64_t before_day);

/* --- Reading. What is given lives until the function returns; false ends the reading. --- */

typedef bool sent_fn(void *context, const struct sent_report *r, const struct sent_mail *mail);

/* Reports by day and domain, each with its mails; NULL for a mail: the report has none. `open`:
 * mails that are not at an end only. */
bool sent_read(struct sent *s, bool open, int64_t from_day, sent_fn *each, void *context);

/* Content, in `a`. */
bool sent_content(struct sent *s, int64_t report, int64_t form, struct arena *a, struct str *gz);

/* The mail number `number` of the report with this id: address, and true in *found. */
bool sent_find(struct sent *s, struct str report_id, int64_t number, struct arena *a,
               struct sent_mail *mail, bool *found);

/* --- Destinations that are spared --- */

struct sent_suppression {
    struct str destination; /* an address, or a domain */
    int64_t since, until;   /* until 0: for good */
    int64_t bounces;        /* 0: by hand */
    struct str why;
};
typedef bool sent_suppression_fn(void *context, const struct sent_suppression *suppression);

bool sent_suppress(struct sent *s, const struct sent_suppression *suppression);
bool sent_unsuppress(struct sent *s, struct str destination, bool *was);
/* Of this destination itself; *found. Texts are in `a`. */
bool sent_suppression(struct sent *s, struct str destination, struct arena *a,
                      struct sent_suppression *out, bool *found);
bool sent_read_suppressions(struct sent *s, sent_suppression_fn *each, void *context);

#endif
