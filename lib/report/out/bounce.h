/* bounce.h - mail of ours that came back: which report it was, and for how long its destination is
 * spared. */
#ifndef ASSAY_REPORT_OUT_BOUNCE_H
#define ASSAY_REPORT_OUT_BOUNCE_H

#include "store/sent.h"

enum bounce_kind {
    BOUNCE_NONE,  /* it is no bounce: an automatic reply, or anything else */
    BOUNCE_LATER, /* it is on its way yet, or has arrived */
    BOUNCE_FAILED,
};

struct bounce {
    enum bounce_kind kind;
    struct str why; /* what the other server says, clean; empty: nothing */
};

/* What a mail is. With a delivery status (RFC 3464), that says; without, only mail of a
 * MAILER-DAEMON is a bounce. */
void bounce_read(struct str mail, struct arena *a, struct bounce *out);

/* The mail of ours that it is about: by the Message-ID that it returns, or by the envelope sender
 * that it is addressed to. *found; false: the store failed. */
bool bounce_find(struct str mail, struct sent *sent, struct arena *a, struct sent_mail *about,
                 bool *found);

/* What a mail that came back said, and what followed. */
struct bounce_taken {
    struct bounce bounce;
    bool ours;              /* it is about this mail of ours */
    struct sent_mail about; /* else nothing is there */
    int64_t spared;         /* as bounce_note() gives it; 0: nothing was changed */
};

/* Reads a mail, and notes what it says of a mail of ours, if it has failed; what names none of ours
 * changes nothing. `recipient` is the address that it came to, with or without domain, which may
 * name the mail; absent: not known. False: the store failed. */
bool bounce_take(struct str mail, struct str recipient, struct sent *sent, int64_t now,
                 struct arena *a, struct bounce_taken *out);

/* Notes that the mail has failed, and spares its destination: two days after the first bounce,
 * twice as long after each further one, at most 64 days; what has worked for 90 days is forgotten.
 * *spared: until when; 0: nothing was changed, since it was noted before, or is spared already.
 * False: the store failed. */
bool bounce_note(struct sent *sent, struct sent_mail *about, const struct bounce *bounce,
                 int64_t now, struct arena *a, int64_t *spared);

#endif
