/* dmarc_case.h - DMARC evaluations as text, for the tests and for the model.
 *
 * A file holds any number of cases. A line is a word and what follows it; '#' begins a comment.
 *
 *   case    DKIM of a subdomain aligns    starts a case; the words say what it shows
 *   zone    _dmarc.example.com. TXT "..." a line of zone text (lib/dns/zone.h), as many as needed;
 *                                         those before the first case stand in every case
 *   from    example.com                   the author domain
 *   spf     pass bounce.example.com       what SPF found for MAIL FROM: pass, fail or unknown
 *   dkim    pass mail.example.com         the same for a signature's d=, as many as needed
 *   suffixes com uk co.uk *.ck            organizational domains are those of this public suffix
 *                                         list, and not those of the tree walk
 *   want    pass policy=reject queries=3  the result, and whichever words of dmarc_case_line()
 *                                         matter
 *   reason  ...                           the whole reason phrase, if it matters
 */
#ifndef ASSAY_TESTS_DMARC_CASE_H
#define ASSAY_TESTS_DMARC_CASE_H

#include "dmarc/dmarc.h"

#define DMARC_CASE_IDS 32

struct dmarc_case {
    unsigned line; /* where it starts */
    struct str name, from, want, reason, suffixes;
    struct strbuf zone;
    struct dmarc_identifier ids[DMARC_CASE_IDS];
    size_t n_ids;
};

struct dmarc_case_reader {
    const char *file; /* for messages */
    struct str rest;
    unsigned line;
    struct str common_zone;
    struct str next; /* the `case` line that ended the case before */
};

void dmarc_case_open(struct dmarc_case_reader *reader, const char *file, struct str text);

/* The next case, in the arena; NULL at the end. What cannot be read ends the program with a message
 * and status 2. */
struct dmarc_case *dmarc_case_next(struct dmarc_case_reader *reader, struct arena *a);

/* Plays it. *steps: the account of the evaluation, for people. */
void dmarc_case_play(const struct dmarc_case *c, struct arena *a, struct dmarc_outcome *out,
                     struct str *steps);

/* The outcome in one line: "pass policy=reject tag=sp record=example.com org=example.com
 * aligned=spf,dkim queries=3"; "-" for what is empty. */
struct str dmarc_case_line(struct arena *a, const struct dmarc_outcome *out);

#endif
