/* rows.h - what happened to messages, counted by day and read again: the ground of DMARC reports
 * and of our own figures.
 *
 * A row is a kind of message: everything that an aggregate report (RFC 9990) says of one, with the
 * number of messages of that kind on a day (UTC). Rows go through a bounded queue to one writer; a
 * caller never waits, and what does not fit is lost and counted. What was added is on its way to
 * the disk after half a second, so a kill -9 loses at most the last second. Whatever fails: the log
 * has one line when that begins and one when it ends; rows wait in the queue meanwhile.
 *
 * What stands behind this header is a SQLite database in a file of this host, or a PostgreSQL
 * server that several hosts share. On their way to a server rows wait in a file (`path`), from
 * which a thread carries them over; whatever happens to the server, they come there once.
 *
 *   Reports that we send have tables of their own in the same database, for what was built, handed
 * over and done, and for destinations that are suppressed: sent.h.
 *   Reports that we receive add a table of reports (organization, report id, domain, period,
 * digest, trust) and one of their rows, whose policies, senders and results are those tables that
 * ours have: struct row says a row of theirs too, with the days left out. */
#ifndef ASSAY_STORE_ROWS_H
#define ASSAY_STORE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/netset.h"
#include "base/str.h"

#define ROWS_SIGNATURES_MAX 100 /* of a row (RFC 9990 3.1.3); further ones are left out */
#define ROWS_REASONS_MAX    10
#define ROWS_TEXT_MAX       500  /* bytes of a text; a longer one is cut */
#define ROWS_RUA_MAX        4000 /* bytes of rua, likewise */

/* A DMARC policy, and where it was found. Words are those of RFC 9990; empty: the record does not
 * say it. */
struct row_policy {
    struct str domain;       /* policy domain, which has the record; A-labels */
    struct str p, sp, np;    /* none, quarantine, reject */
    struct str adkim, aspf;  /* r, s */
    struct str fo;           /* 0, 1, d, s, with colons */
    struct str testing;      /* n, y */
    struct str discovery;    /* treewalk, psl */
    struct str destinations; /* rua as published */
};

struct row_signature {
    struct str domain, selector, result; /* result: a word of RFC 8601 */
};

/* Why something else was done than the policy asks for. */
struct row_reason {
    struct str type, comment;
};

enum row_disposition { ROW_NONE, ROW_PASS, ROW_QUARANTINE, ROW_REJECT };

struct row {
    struct row_policy policy;
    struct netaddr source;                              /* the client */
    struct str header_from, envelope_from, envelope_to; /* domains; empty: none */
    enum row_disposition disposition;
    bool dkim_aligned, spf_aligned; /* the two results of DMARC's evaluation */
    size_t n_reasons;
    const struct row_reason *reasons;
    size_t n_signatures;
    const struct row_signature *signatures;       /* all that were evaluated, best first */
    struct str spf_domain, spf_scope, spf_result; /* result empty: SPF was not checked */
};

/* --- Writing --- */

#define ROWS_QUEUE_BYTES (UINT64_C(16) << 20) /* that wait, unless the settings say otherwise */

#define ROWS_TABLE_BYTES ((size_t)1280 << 10) /* numbers of texts that are known */

struct rows_settings {
    struct str path;
    struct str server;    /* URL of the database that several hosts share; empty: path is it */
    uint64_t max_bytes;   /* of the file; beyond it rows are lost. 0: 32 GB */
    uint64_t queue_bytes; /* what may wait. 0: ROWS_QUEUE_BYTES */
    int64_t pause_us;     /* the longest pause after a failure; 0: 5 s */
    int64_t patience_us;  /* with a server that does not answer; 0: 10 s */
};

struct rows;

/* Like state_open(), does not fail for temporary trouble. */
struct rows *rows_open(const struct rows_settings *settings, struct arena *a, struct str *problem);
void rows_close(struct rows *rows); /* writes waiting rows, if it can; NULL is allowed */

/* Counts one more message of this kind on the day of `time` (seconds since 1970). Texts are stored
 * as they are, control characters included; the code that prints them cleans them. False: it is
 * lost. From any thread; never waits. */
bool rows_add(struct rows *rows, int64_t time, const struct row *row);

/* Counts one more message that has no row, by name and day: "none/accept". */
bool rows_tally(struct rows *rows, int64_t time, struct str name);

/* Removes rows of days before this one, and texts that only they used. The writer does this in the
 * order of calls. */
bool rows_drop_before(struct rows *rows, int64_t day);

/* Waits until everything that was added before is written; false if that failed, or took longer
 * than patience_us. For tools and tests. */
bool rows_flush(struct rows *rows, int64_t patience_us);

struct rows_figures {
    uint64_t written; /* rows and tallies */
    uint64_t lost;
    uint64_t waiting_bytes;
    uint64_t spooled; /* batches that a server does not have yet */
};
struct rows_figures rows_figures(struct rows *rows);

/* --- Reading: for tools, while a daemon may write --- */

struct rows_reader;

/* The path of a file, or a URL. NULL and *problem (in `a`): there is no database, or not one of
 * this version. */
struct rows_reader *rows_reader_open(struct str path, struct arena *a, struct str *problem);
/* False: nothing was ever written there. True as well if that cannot be known now. */
bool rows_exist(struct str path);
void rows_reader_close(struct rows_reader *reader); /* NULL is allowed */

/* A path or URL as people may see it: without the password. In `a`. */
struct str rows_title(struct str path, struct arena *a);

/* Whether this machine has what the store needs, without asking it: NULL, or a phrase. */
const char *rows_unusable(struct str path);

static inline int64_t rows_day(int64_t time)
{
    return (time >= 0 ? time : time - 86399) / 86400;
}

/* The rows of one day under one policy, from which one report is made. */
struct rows_period {
    int64_t day;
    int64_t policy_id; /* for rows_read() */
    struct row_policy policy;
    uint64_t rows, messages;
};

/* Each calls its function with what it finds, by day and then by policy. What the function gets
 * lives until it returns; if it returns false, reading ends. False if reading failed, and
 * rows_reader_problem() says why. */
typedef bool rows_period_fn(void *context, const struct rows_period *period);
typedef bool rows_row_fn(void *context, const struct row *row, uint64_t messages);
typedef bool rows_tally_fn(void *context, int64_t day, struct str name, uint64_t messages);
bool rows_read_periods(struct rows_reader *reader, int64_t from_day, int64_t to_day,
                       rows_period_fn *each, void *context);
bool rows_read(struct rows_reader *reader, const struct rows_period *period, rows_row_fn *each,
               void *context);
bool rows_read_tallies(struct rows_reader *reader, int64_t from_day, int64_t to_day,
                       rows_tally_fn *each, void *context);

/* What became of the messages that have rows, by day. */
typedef bool rows_disposition_fn(void *context, int64_t day, enum row_disposition disposition,
                                 uint64_t messages);
bool rows_read_dispositions(struct rows_reader *reader, int64_t from_day, int64_t to_day,
                            rows_disposition_fn *each, void *context);
struct str rows_reader_problem(const struct rows_reader *reader);

#endif
