/* tool.h - what the parts of reference_tool share.
 *
 *   tool.c         the words that come in, the line that goes out
 *   tool_cases.c   one case of SPF, DKIM or DMARC */
#ifndef ASSAY_TESTS_REFERENCE_TOOL_H
#define ASSAY_TESTS_REFERENCE_TOOL_H

#include "reference/compare.h"
#include "reference/reference.h"

struct tool {
    struct reference *reference;
    struct key_cache *keys;
    const struct psl *psl;
    struct dns *dns;
    struct arena *arena; /* of the case */
    struct dns_asker asker;
    struct dns_event *events; /* what was asked of DNS */
    size_t n_events, events_cap;
    struct reference_differences differences;
};

_Noreturn void tool_die(const char *what);

/* The text before the next NUL. */
struct str tool_field(struct str *rest);

/* What is known of the case, as far as all cases have it. */
struct reference_facts tool_facts(const struct tool *t);

/* The line that goes out. */
void tool_answer(struct tool *t, const struct reference_report *report, struct str ours,
                 struct str theirs, struct str words);

void tool_spf(struct tool *t, struct str data);
void tool_dkim(struct tool *t, struct str data);
void tool_dmarc(struct tool *t, struct str data);

#endif
