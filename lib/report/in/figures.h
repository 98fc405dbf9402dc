/* figures.h - what received reports say, as figures, for terminals, JSON and pages. All figures of
 * an answer follow the same filter. They come from the daily sums, which stay when rows are
 * deleted.
 *
 * Messages count for the day (UTC) in the middle of the report period. Texts are as they came: the
 * code that prints them cleans or escapes them. Everything lives in the given arena.
 *
 * Errors: false, and received_problem() is a phrase. */
#ifndef ASSAY_REPORT_IN_FIGURES_H
#define ASSAY_REPORT_IN_FIGURES_H

#include "conf/conf.h"
#include "report/in/outcome.h"
#include "report/in/received.h"

/* --- What is wanted --- */

enum figures_result {
    RESULT_ANY,
    RESULT_PASS,
    RESULT_FAIL,
    RESULT_BOTH,
    RESULT_DKIM,
    RESULT_SPF,
    RESULT_QUARANTINED,
    RESULT_REJECTED,
    RESULT_COUNT
};
/* "any", "pass", "fail", "both", "dkim" and "spf" (alone), "quarantine", "reject". */
const char *figures_result_word(enum figures_result result);
bool figures_result_of_word(struct str word, enum figures_result *result);

/* What is ours; the same for all questions of a program. */
struct figures_owner {
    const struct conf_strings *domains; /* only these are counted, and those below them */
    const struct netset *hosts;         /* addresses of our own; may be NULL */
    const struct netset *networks;      /* likewise */
};

struct figures_filter {
    struct figures_owner owner;
    struct str domain;        /* empty: all of ours */
    int64_t from_day, to_day; /* days since 1970, both included */
    int64_t today;            /* a day that is not over, so it lacks no report; 0: all are over */
    struct str source;        /* a figures_source.name; empty: all */
    struct str reporter;      /* a figures_reporter.name; empty: all */
    enum figures_result result;
    bool all_trust; /* also count reports whose mail did not pass DMARC */
};

/* --- What comes out --- */

/* Numbers of messages. both + dkim + spf + fail is all of them. */
struct figures_counts {
    uint64_t both, dkim, spf, fail; /* aligned by both, by one alone, by none */
    uint64_t quarantined, rejected; /* what reporters did; the other messages passed */
    uint64_t overridden;            /* failing, and something else was done than the policy says */
};

static inline uint64_t figures_all(const struct figures_counts *c)
{
    return c->both + c->dkim + c->spf + c->fail;
}

struct figures_day {
    int64_t day;
    struct figures_counts counts;
};

enum source_class {
    CLASS_OWN,
    CLASS_APPROVED,
    CLASS_FORWARDER,
    CLASS_UNKNOWN,
    CLASS_SPOOF,
    CLASS_COUNT
};
/* "own", "approved", "forwarder-like", "unknown", "spoof". */
const char *source_class_word(enum source_class class);
bool source_class_of_word(struct str word, enum source_class *class); /* "forwarder", too */

/* Six reasons why messages fail. Each failing message has one for DKIM and one for SPF; strict can
 * be either. */
enum figures_cause {
    CAUSE_NO_SIGNATURE,
    CAUSE_BROKEN_SIGNATURE,
    CAUSE_OTHER_SIGNER,
    CAUSE_SPF_FAILS,
    CAUSE_SPF_OTHER,
    CAUSE_STRICT,
    CAUSE_COUNT
};
const char *figures_cause_word(enum figures_cause cause);   /* "no-signature" */
const char *figures_cause_phrase(enum figures_cause cause); /* "has no signature" */

/* Who sends: the hosts of one organization, which the verified names of their addresses show, or
 * else a network. */
struct figures_source {
    int64_t id;
    struct str name; /* "example.net", "192.0.2.0/24" */
    enum source_kind kind;
    enum source_class class;
    bool labelled;      /* the operator set the class */
    struct str title;   /* the operator's name for it; may be empty */
    struct str country; /* of most addresses; empty: not known */
    struct figures_counts counts;
    uint64_t kinds[KIND_COUNT];   /* messages by kind */
    uint64_t causes[CAUSE_COUNT]; /* of failing messages */
    int64_t first_day, last_day;  /* first and last day seen at all, for any domain of the filter */
};

struct figures_reporter {
    int64_t id;
    struct str name; /* empty: it does not say one */
    struct figures_counts counts;
    uint64_t reports;
    int64_t first_day, last_day; /* of its reports in this period */
    uint64_t others;             /* of its reports: sent by somebody else (reporter.h); */
    int64_t other_report;        /* the last of these, */
    struct str other;            /* and the domain that sent it */
    uint64_t missing; /* days without a report from its first day to the end of the period */
};

struct figures_domain {
    int64_t id;
    struct str name;
    bool ours;
    struct figures_counts counts; /* 0 for a domain that is not ours */
    uint64_t reports;
    struct str p, sp; /* from the newest report that counts; empty: not said */
};

struct figures {
    struct figures_counts counts;
    uint64_t causes[CAUSE_COUNT];
    size_t n_days; /* every day of the period, without gaps */
    struct figures_day *days;
    size_t n_sources; /* most messages first */
    struct figures_source *sources;
    size_t n_reporters; /* most messages first */
    struct figures_reporter *reporters;
    size_t n_domains; /* most messages first; domains that are not ours come last */
    struct figures_domain *domains;
};

/* Reads all of this at once. Ten million messages over 400 days take below 0.3 s. */
bool figures_read(struct received *r, const struct figures_filter *f, struct arena *a,
                  struct figures *out);

/* --- One source, from rows: its last FIGURES_ROWS_MAX in the period --- */

#define FIGURES_ROWS_MAX 20000
struct figures_address {
    struct netaddr address;
    struct str name, country;
    struct figures_counts counts;
};
struct figures_identity {
    struct str what;             /* "dkim", "spf" */
    struct str domain, selector; /* of spf: MAIL FROM domain, no selector */
    struct str result;
    uint64_t messages;
};
struct figures_detail {
    size_t n_addresses, n_identities; /* most messages first */
    struct figures_address *addresses;
    struct figures_identity *identities;
    bool cut; /* there were more rows */
};
bool figures_source_detail(struct received *r, const struct figures_filter *f, int64_t source,
                           struct arena *a, struct figures_detail *out);

/* --- Failing mail by country, from rows (so as long as keep-rows has them) --- */

struct figures_country {
    struct str country; /* two letters; empty: not known */
    uint64_t fail, all;
};
bool figures_countries(struct received *r, const struct figures_filter *f, struct arena *a,
                       size_t *n, struct figures_country **out); /* most failing first */

/* --- Failure reports: reports about single messages --- */

struct figures_failure_day {
    int64_t day;
    uint64_t incidents;
};
struct figures_failures {
    struct str source;
    uint64_t incidents;
    int64_t last_day;
    size_t n_days; /* on which there were some, the oldest first */
    struct figures_failure_day *days;
};
/* From the daily sums, which stay when the reports go. The filter's domain, period and source
 * count. */
bool figures_failure_reports(struct received *r, const struct figures_filter *f, struct arena *a,
                             size_t *n, struct figures_failures **out); /* most first */

/* One as it came. It counts for the day that it says the message arrived on, else for that of its
 * own arrival. */
struct figures_single {
    int64_t id, received;
    struct str source; /* as figures_failures.source has it */
    struct failure_report report;
};
/* Of whatever domain, the newest first: `most` of them behind the first `skip`, which cost next to
 * nothing. The filter's domain, period and source count. */
bool figures_singles(struct received *r, const struct figures_filter *f, int64_t skip, size_t most,
                     struct arena *a, size_t *n, struct figures_single **out);
/* The id and domain of each of them, the newest first, until `each` returns false. */
typedef bool figures_single_fn(void *context, int64_t id, struct str domain);
bool figures_each_single(struct received *r, const struct figures_filter *f,
                         figures_single_fn *each, void *context);
/* The one with this id; *n is 0 if there is none. */
bool figures_single(struct received *r, int64_t id, struct arena *a, size_t *n,
                    struct figures_single **out);

#endif
