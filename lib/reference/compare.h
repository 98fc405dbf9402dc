/* compare.h - what a library of the field concludes beside what we do, and why the two differ.
 *
 * Every class of disagreement that is known stands once in classes.def: with the library, what has
 * to hold for a pair of outcomes to be of it, the section that decides, and words for
 * administrators. A difference of no class is unlisted: to be looked into.
 *
 *   compare.c         differences, and their classes
 *   classes_spf.c     what has to hold: libspf2
 *   classes_dkim.c    libopendkim
 *   classes_dmarc.c   libopendmarc
 *
 * Pure: nothing is asked, and nothing but the arena changes. */
#ifndef ASSAY_REFERENCE_COMPARE_H
#define ASSAY_REFERENCE_COMPARE_H

#include "reference/reference.h"

/* Which side does what the section says. */
enum reference_decision {
    REFERENCE_OURS,
    REFERENCE_THEIRS,
    REFERENCE_BOTH, /* the section leaves it to the receiver */
};

const char *reference_decision_name(enum reference_decision decision); /* "ours" */

struct reference_class {
    const char *id; /* "spf-void-lookups" */
    enum reference_library library;
    enum reference_decision decision;
    const char *section; /* "RFC 7208 4.6.4" */
    const char *words;   /* one sentence, or two */
};

/* The classes in the order of classes.def; NULL behind the last. */
const struct reference_class *reference_class_at(size_t index);

struct reference_difference {
    enum reference_library library;
    struct str subject;                  /* "SPF", "DKIM signature 2", "DMARC policy" */
    struct str ours, theirs;             /* "permerror", "pass" */
    const struct reference_class *class; /* NULL: unlisted */
};

struct reference_differences {
    struct arena *arena;
    size_t n, cap;
    struct reference_difference *v;
};

/* What the outcomes rest on; what is not known stays zeroed, and fewer differences find their
 * class. */
struct reference_facts {
    const struct spf_request *spf;
    const struct dkim_verify_settings *dkim;
    const struct header_list *headers;
    const struct reference_body *body;
    const struct dmarc_request *dmarc;
    const struct dns_event *events; /* what was asked of DNS, with its answers */
    size_t n_events;
};

void reference_differences_init(struct reference_differences *d, struct arena *a);

/* Add what differs; the outcomes must outlive the list. */

/* At most one: the results. */
void reference_compare_spf(struct reference_differences *d, const struct reference_facts *facts,
                           const struct spf_outcome *ours, const struct spf_outcome *theirs);

/* Signatures of which one side says that they hold, or that this cannot be known now, and the other
 * does not. Which word is used for a signature that does not hold is no difference. */
void reference_compare_dkim(struct reference_differences *d, const struct reference_facts *facts,
                            const struct dkim_signature *ours, size_t n_ours,
                            const struct dkim_signature *theirs, size_t n_theirs);

/* The result; or, where the result is the same, the policy, and who is aligned. */
void reference_compare_dmarc(struct reference_differences *d, const struct reference_facts *facts,
                             const struct dmarc_outcome *ours, const struct dmarc_outcome *theirs);

#endif
