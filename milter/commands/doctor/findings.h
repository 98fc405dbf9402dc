/* findings.h - what `assay doctor` finds.
 *
 * A check is a row of checks.def. Its judge makes findings only from facts (facts.h), so that a
 * test can give it any machine. */
#ifndef ASSAY_MILTER_DOCTOR_FINDINGS_H
#define ASSAY_MILTER_DOCTOR_FINDINGS_H

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

enum doctor_area { AREA_MACHINE, AREA_MTA, AREA_ADDRESSES, AREA_DOMAINS, AREA_REPORTS, AREA_COUNT };

enum doctor_level {
    LEVEL_GOOD,
    LEVEL_UNSEEN, /* it could not be looked at */
    LEVEL_NOTE,   /* worth knowing, and nothing is wrong */
    LEVEL_WARNING,
    LEVEL_GRAVE, /* mail is lost, refused, or goes unchecked */
};

enum doctor_check {
#define DOCTOR_CHECK(id, area, name, judge) id,
#include "milter/commands/doctor/checks.def"
#undef DOCTOR_CHECK
    CHECK_COUNT
};

struct finding {
    enum doctor_check check;
    enum doctor_level level;
    struct str subject; /* a domain, an address, a file; absent: the machine */
    struct str what;    /* a sentence without a full stop */
    struct str why;     /* why it matters; absent where nothing is wrong */
    struct str mend;    /* what to do; or absent */
    struct str command; /* for a shell: it mends or shows more, and does no harm; or absent */
    struct str publish; /* a record in zone file syntax; or absent */
};

struct findings {
    struct arena *arena;
    size_t n, cap;
    struct finding *v;
};

/* Adds a finding. The caller fills in why, mend, command and publish before it adds the next one.
 * Texts from files or the network go through clean() first. */
struct finding *find(struct findings *f, enum doctor_check check, enum doctor_level level,
                     struct str subject, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* A text from a file or the network, made printable, at most 300 bytes. */
struct str clean(struct findings *f, struct str text);

/* "command subject", for a shell. */
struct str command_about(const char *command, struct str subject, struct findings *f);

/* The exit status: 0 fine, 1 with a warning, 2 with something grave. */
int findings_status(const struct findings *f);

/* Prints the findings for people, on standard output; with `all`, the good ones too. */
void findings_print(const struct findings *f, bool all);
void findings_json(const struct findings *f, struct json *j);

#endif
