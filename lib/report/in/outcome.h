/* outcome.h - what became of the messages of a row, and why, as one number. Daily sums are counted
 * by this number, and the database contains it. */
#ifndef ASSAY_REPORT_IN_OUTCOME_H
#define ASSAY_REPORT_IN_OUTCOME_H

#include "report/in/aggregate.h"

/* The kind of a message, from its results alone. */
enum message_kind {
    KIND_BOTH,      /* SPF and DKIM, both aligned */
    KIND_SPF,       /* SPF alone */
    KIND_DKIM,      /* DKIM alone: forwarded, or by a service that signs for us */
    KIND_FORWARDED, /* fails; the reporter says that it was forwarded, or went through a list */
    KIND_MODIFIED,  /* fails; our own signature is there, and broken */
    KIND_FOREIGN,   /* fails; another domain passes */
    KIND_NOTHING,   /* fails; nothing passes */
    KIND_COUNT,
};

/* Why DKIM or SPF gives no aligned pass: six reasons, one of which both can have. */
enum dkim_cause { DKIM_GOOD, DKIM_NO_SIGNATURE, DKIM_BROKEN, DKIM_OTHER_DOMAIN, DKIM_STRICT };
enum spf_cause { SPF_GOOD, SPF_FAILS, SPF_OTHER_DOMAIN, SPF_STRICT };

struct outcome {
    enum aggregate_disposition disposition;
    bool dkim, spf;
    enum message_kind kind;
    enum dkim_cause dkim_cause;
    enum spf_cause spf_cause;
    bool overridden; /* the reporter did something else than the policy says, with a reason */
};

struct outcome outcome_of(const struct aggregate_row *row, const struct aggregate_policy *policy);

static inline bool outcome_passes(const struct outcome *o)
{
    return o->dkim || o->spf;
}

#define OUTCOME_TRUST_SHIFT 16 /* above the outcome, in daily sums */

static inline int64_t outcome_pack(const struct outcome *o)
{
    return (int64_t)o->disposition | (int64_t)o->dkim << 3 | (int64_t)o->spf << 4 |
           (int64_t)o->kind << 5 | (int64_t)o->dkim_cause << 8 | (int64_t)o->spf_cause << 11 |
           (int64_t)o->overridden << 13;
}

static inline struct outcome outcome_unpack(int64_t packed)
{
    unsigned disposition = packed & 7, kind = packed >> 5 & 7, cause = packed >> 8 & 7;
    return (struct outcome){
        .disposition = disposition > AGGREGATE_UNSAID ? AGGREGATE_UNSAID
                                                      : (enum aggregate_disposition)disposition,
        .dkim = packed >> 3 & 1,
        .spf = packed >> 4 & 1,
        .kind = kind >= KIND_COUNT ? KIND_NOTHING : (enum message_kind)kind,
        .dkim_cause = cause > DKIM_STRICT ? DKIM_GOOD : (enum dkim_cause)cause,
        .spf_cause = (enum spf_cause)(packed >> 11 & 3),
        .overridden = packed >> 13 & 1,
    };
}

#endif
