/* send.h - a run of `assay report send`: makes reports about days that are over, makes mails of
 * them, and hands these over. */
#ifndef ASSAY_REPORT_OUT_SEND_H
#define ASSAY_REPORT_OUT_SEND_H

#include "conf/conf.h"
#include "dns/dns.h"
#include "store/rows.h"
#include "store/sent.h"

#define SEND_FORMER_DAYS 2           /* that are over: older ones are no news to anybody */
#define SEND_PATIENCE_S  (48 * 3600) /* how long one report is tried */

/* What became of a mail in this run, or would become of it. */
struct send_event {
    const struct sent_report *report;
    struct str destination; /* the address, or the URI if the address is not known */
    enum sent_state state;  /* SENT_BUILT: it has to be tried again, or (shown) would be sent */
    struct str note;        /* a phrase, clean; empty: nothing to add */
    struct str message_id, file; /* empty unless the mail was made */
    int64_t begin, end;
};

struct send_counts {
    uint64_t reports;            /* reports that mails of this run belong to */
    uint64_t handed_over, shown; /* shown: with --dry-run or --directory */
    uint64_t later;              /* have to be tried again */
    uint64_t failed;             /* given up */
    uint64_t refused, suppressed;
    uint64_t messages, rows; /* in what was handed over or shown */
    uint64_t left_out;       /* rows that cannot be reported: without a client's address */
    uint64_t under_way;      /* with show: reports that the day which is not over will make */
    int64_t under_way_day;   /* that day */
};

struct send_run {
    const struct conf *conf;
    struct dns_asker *asker; /* results live in its arena */
    struct rows_reader *reader;
    struct sent *sent; /* opened for writing, unless `show` */
    /* The time that decides; 0: the clock's, by which a day is over a minute after its end, when
     * the daemon has written what it counted. */
    int64_t at;
    struct str domain; /* only reports about this domain and its subdomains; empty: all */
    bool show;         /* notes nothing and hands nothing over */
    bool spread;       /* waits between mails */
    void *context;
    /* With show: gets a mail that would be handed over. False ends the run. May be NULL. */
    bool (*write)(void *context, struct str name, struct str text);
    void (*event)(void *context, const struct send_event *event);
    void (*progress)(void *context, uint64_t done, uint64_t all); /* in mails; may be NULL */
    struct send_counts counts;
    struct str problem; /* why send_reports() returned false */
};

/* False: the store failed; or write() returned false, and `problem` is empty. */
bool send_reports(struct send_run *run);

#endif
