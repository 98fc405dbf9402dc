/* scenario.h - a scenario file, parsed.
 *
 * "=== name" begins a scenario; what stands before the first one is common to all. '*' in [expect]
 * stands for anything, and all else for itself; '#' begins a comment there and in [session].
 *
 *   [config]    lines of assay.conf; {keys} is a folder with rsa.pem, ed25519.pem and senders
 *   [zone]      the whole DNS (lib/dns/zone.h); {rsa} and {ed25519} are p= of the test keys
 *   [senders]   the text of {keys}/senders
 *   [session]   client ADDRESS or local; name, helo, daemon, auth USER, tls SUBJECT, from <PATH>,
 *               rcpt <PATH>: of client and envelope, each with a default; mta NAME: {j}; host
 *               ADDRESS: one of our own
 *   [sign]      DOMAIN SELECTOR rsa|ed25519 [SECONDS]: signs the message, the last line on top;
 *               SECONDS: t= is so far in the future
 *   [seal]      before|after DOMAIN SELECTOR rsa|ed25519 RESULTS: an ARC set of the next instance,
 *               with RESULTS behind its i=; before or after the body gets its TAMPER, and the
 *               Subject a [list]
 *   [state]     KEY AGE: what greylisting remembers, first seen AGE seconds ago, or in the future
 *               (-AGE); or down: it cannot be had
 *   [message]   header, empty line, body; a body line TAMPER comes in after signing
 *   [expect]    origin, spf, dkim, dmarc, arc (result words), action, would, at, override, reply,
 * log: what came out has this form; header and no-header: some field that is added has, or none;
 * delete: the fields that are removed, as "NAME ORDINAL, ..."; leaves: what a validator makes of
 * the message that goes out ("pass 2 oldest-pass=0", "fail PHRASE", "none"); change: some field
 * that is written anew; queries: those that the message cost, and warm-queries: if it comes once
 * more; state: what is remembered then, "KEY=AGE/LEFT ..." in seconds, by key; row: some row for
 * reports that is made (run.c has its form); rows: how many; tally: what is counted without one */
#ifndef ASSAY_TESTS_SCENARIO_H
#define ASSAY_TESTS_SCENARIO_H

#include "base/arena.h"
#include "base/str.h"

enum section {
    SECTION_CONFIG,
    SECTION_ZONE,
    SECTION_SESSION,
    SECTION_SENDERS,
    SECTION_SIGN,
    SECTION_SEAL,
    SECTION_STATE,
    SECTION_MESSAGE,
    SECTION_EXPECT,
    SECTION_COUNT
};

struct scenario {
    struct str name;
    unsigned line;                     /* where it begins */
    struct str section[SECTION_COUNT]; /* text; what precedes the first scenario is put before it */
    unsigned section_line[SECTION_COUNT];
};

struct scenario_file {
    size_t n;
    struct scenario *v;
};

/* False, and a phrase with the line, if the file is not well-formed. */
bool scenario_parse(struct arena *a, struct str text, struct scenario_file *out,
                    struct str *problem);

/* Text against a pattern in which '*' stands for anything and all else for itself. */
bool pattern_matches(struct str pattern, struct str text);

#endif
