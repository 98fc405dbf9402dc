/* mta.h - an MTA's connection, through whichever door it came: what it tells us, and what it is
 * told.
 *
 * A door (our own, milter_door.c, or libmilter, libmilter_door.c) calls the events, in the order of
 * the SMTP dialogue. During an event the MTA may be asked for macros; during `end_of_message` it
 * may be told of edits. All texts are the door's and last as long as the event. */
#ifndef ASSAY_MILTER_SERVE_MTA_H
#define ASSAY_MILTER_SERVE_MTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Actions that an MTA lets a filter do, and steps that may be left out or unanswered: bits of the
 * milter protocol, as both MTAs and libmilter know them. */
enum mta_action {
    MTA_ADD_HEADERS = 0x01,
    MTA_CHANGE_HEADERS = 0x10,
    MTA_QUARANTINE = 0x20,
    MTA_CHOOSE_MACROS = 0x100,
};
enum mta_step {
    MTA_NO_CONNECT = 0x1,
    MTA_NO_HELO = 0x2,
    MTA_NO_MAIL = 0x4,
    MTA_NO_RCPT = 0x8,
    MTA_NO_BODY = 0x10,
    MTA_NO_HEADER = 0x20,
    MTA_NO_EOH = 0x40,
    MTA_NR_HEADER = 0x80, /* NR: no reply is awaited */
    MTA_NO_UNKNOWN = 0x100,
    MTA_NO_DATA = 0x200,
    MTA_SKIP = 0x400,
    MTA_NR_CONNECT = 0x1000,
    MTA_NR_HELO = 0x2000,
    MTA_NR_MAIL = 0x4000,
    MTA_NR_RCPT = 0x8000,
    MTA_NR_DATA = 0x10000,
    MTA_NR_UNKNOWN = 0x20000,
    MTA_NR_EOH = 0x40000,
    MTA_NR_BODY = 0x80000,
    MTA_LEADING_SPACE =
        0x100000, /* values of header fields keep the white space behind the colon */
};

struct mta_offer {
    uint32_t actions, steps;
};

/* Points at which an MTA can be asked for macros of our choice. */
enum mta_macro_point {
    MTA_AT_CONNECT,
    MTA_AT_HELO,
    MTA_AT_MAIL,
    MTA_AT_RCPT,
    MTA_AT_DATA,
    MTA_AT_EOM,
    MTA_AT_EOH,
    MTA_MACRO_POINTS
};

struct mta_client {
    const char *host;    /* as the MTA found it; "[192.0.2.1]" where it found none */
    char family;         /* '4', '6', 'L' (a local socket), 'U' (none) */
    const char *address; /* text of '4', '6' and 'L'; "unknown" where the MTA does not know it */
    unsigned port;
};

enum mta_answer { MTA_CONTINUE, MTA_TEMPFAIL, MTA_REJECT };

struct mta;

/* What a door offers. */
struct mta_calls {
    /* By its name without braces; NULL if the MTA did not tell it. */
    const char *(*macro)(struct mta *mta, const char *name);
    /* The words for the TEMPFAIL or REJECT that the event then returns; '%' stands for itself.
     * False if the door cannot say that. */
    bool (*reply)(struct mta *mta, const char *code, const char *enhanced, const char *text);
    /* On top of all header fields. False: the MTA was not told. */
    bool (*insert_header)(struct mta *mta, const char *name, const char *value);
    /* The ordinal-th field of this name, 1 the topmost; value NULL: it is removed. */
    bool (*change_header)(struct mta *mta, const char *name, unsigned ordinal, const char *value);
    bool (*quarantine)(struct mta *mta, const char *reason);
    void (*progress)(struct mta *mta); /* keeps the MTA patient */
    /* The calling thread is about to wait, or has waited. */
    void (*waits)(struct mta *mta, bool begins);
};

struct mta {
    const struct mta_calls *calls;
};

/* What the program makes of it. `state` is that of opened(). */
struct mta_events {
    void *(*opened)(void *context, struct mta *mta);
    /* *wanted is part of *offered; macros[point] is NULL or a list of names with braces where they
     * have more than one letter. False: nothing can be done for this MTA. */
    bool (*negotiate)(void *state, const struct mta_offer *offered, struct mta_offer *wanted,
                      const char *macros[MTA_MACRO_POINTS]);
    enum mta_answer (*connect)(void *state, const struct mta_client *client);
    enum mta_answer (*helo)(void *state, const char *name);
    /* arguments[0] is the path, then ESMTP arguments, then NULL. */
    enum mta_answer (*mail)(void *state, const char *const *arguments);
    enum mta_answer (*rcpt)(void *state, const char *const *arguments);
    enum mta_answer (*data)(void *state);
    enum mta_answer (*header)(void *state, const char *name, const char *value);
    enum mta_answer (*end_of_header)(void *state);
    enum mta_answer (*body)(void *state, const void *data, size_t n);
    enum mta_answer (*end_of_message)(void *state);
    void (*abort)(void *state); /* outside of transactions too */
    void (*closed)(void *state);
};

#endif
