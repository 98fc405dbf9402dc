/* recorder.c - the log line, the counters and the rows of each message.
 *
 * Errors: none. */
#include "milter/daemon/recorder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "decide/clockdoubt.h"
#include "decide/record.h"
#include "decide/row.h"

#define COUNTERS_PER_LINE 8

/* Many signatures that verify and are dated in the future say that our clock is wrong, not theirs.
 */
static void doubt_clock(const struct evidence_dkim *dkim, int64_t now)
{
    static struct clock_doubt doubt;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    for (size_t i = 0; i < dkim->n; i++) {
        const struct dkim_signature *s = &dkim->signatures[i];
        if (!s->ahead_s)
            continue;
        pthread_mutex_lock(&lock);
        int64_t ahead = clock_doubt_note(&doubt, s->domain, s->ahead_s, now);
        pthread_mutex_unlock(&lock);
        if (ahead)
            log_warning("the clock of this host seems to be slow: within an hour signatures of %d "
                        "domains were good, but dated %lld s or more in the future",
                        CLOCK_DOUBT_DOMAINS, (long long)ahead);
    }
}

void recorder_log(const struct transaction *t)
{
    const struct telling telling = transaction_telling(t);
    struct str line = record_line(t->point, &telling, clock_us() - t->message.started_us);
    log_info("%.*s", STR_ARG(line));
}

void recorder_count(const struct transaction *t)
{
    const struct telling telling = transaction_telling(t);
    record_count(t->point, &telling);
}

/* True for the first caller of a day. */
static void remove_old_rows(struct rows *rows, const struct conf *conf, int64_t now)
{
    static _Atomic int64_t looked; /* the day, counted from 1 */
    int64_t day = rows_day(now), keep = conf->reports_keep_rows / 86400000;
    if (atomic_exchange(&looked, day + 1) != day + 1)
        rows_drop_before(rows, day - keep);
}

/* A message belongs to the day on which it was answered: the report on a day is made soon after it,
 * and one that came in slowly would be too late for the day that it began on. */
void recorder_rows(const struct transaction *t)
{
    struct rows *rows = t->snapshot->rows;
    const struct telling telling = transaction_telling(t);
    struct row_account account;
    int64_t now = time(NULL);
    if (!rows)
        return;
    row_account(t->point, &telling, &account);
    for (size_t i = 0; i < account.n; i++)
        counter_inc(rows_add(rows, now, &account.rows[i]) ? CTR_ROWS_ADDED : CTR_ROWS_LOST);
    if (account.tally.n)
        counter_inc(rows_tally(rows, now, account.tally) ? CTR_ROWS_ADDED : CTR_ROWS_LOST);
    remove_old_rows(rows, t->snapshot->conf, now);
}

void recorder_doubt_clock(const struct transaction *t)
{
    doubt_clock(&t->evidence.dkim, t->message.now);
}

void recorder_given_up(const struct transaction *t)
{
    counter_inc(CTR_MESSAGES_ABORTED);
    log_debug("%.*s: given up by the MTA", STR_ARG(telling_id(&t->message)));
}

static void log_and_clear(struct strbuf *b, int *named)
{
    if (*named)
        log_info("counters:%.*s", STR_ARG(sb_str(b)));
    *named = 0;
}

void recorder_log_counters(enum which_counters which)
{
    struct arena *a = arena_new(0);
    struct strbuf b;
    int named = 0;
    for (int i = 0; i < COUNTER_COUNT; i++) {
        unsigned long long value = counter_get((enum counter)i);
        if (value == 0 && which == COUNTERS_THAT_COUNTED)
            continue;
        if (!named)
            sb_init(&b, a);
        sb_printf(&b, " %s=%llu", counter_name((enum counter)i), value);
        if (++named == COUNTERS_PER_LINE)
            log_and_clear(&b, &named);
    }
    log_and_clear(&b, &named);
    arena_free(a);
}
