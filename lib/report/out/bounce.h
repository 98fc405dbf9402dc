/* bounce.h - mail of ours that came back: which report it is about, and for how long its
 * destination is suppressed. */
#ifndef ASSAY_REPORT_OUT_BOUNCE_H
#define ASSAY_REPORT_OUT_BOUNCE_H

#include "store/sent.h"

enum bounce_kind {
    BOUNCE_NONE,  /* no bounce: an automatic reply, or anything else */
    BOUNCE_LATER, /* the mail is still under way, or has arrived */
    BOUNCE_FAILED,
};

struct bounce {
    enum bounce_kind kind;
    struct str why; /* what the other server says, clean; may be empty */
};

/* Finds out what a mail is. A delivery status (RFC 3464) decides; without one, only mail of a
 * MAILER-DAEMON is a bounce, mail with the field X-Failed-Recipients, and what a postmaster calls
 * undeliverable. */
void bounce_read(struct str mail, struct arena *a, struct bounce *out);

/* Finds the mail of ours that a bounce is about, by the Message-ID that it returns, or by the
 * address that it was sent to. *found: there is one. False: the store failed. */
bool bounce_find(struct str mail, struct sent *sent, struct arena *a, struct sent_mail *about,
                 bool *found);

/* What a mail that came back says, and what was done. */
struct bounce_taken {
    struct bounce bounce;
    bool ours;              /* it is about this mail of ours */
    struct sent_mail about; /* only if `ours` */
    int64_t suppressed;     /* from bounce_note(); 0: nothing was changed */
};

/* Reads a mail, and notes it if it says that a mail of ours has failed; other mail changes nothing.
 * `recipient` is the address that it came to, with or without a domain, which may name the mail;
 * absent: not known. False: the store failed. */
bool bounce_take(struct str mail, struct str recipient, struct sent *sent, int64_t now,
                 struct arena *a, struct bounce_taken *out);

/* Notes that the mail has failed, and suppresses its destination: for two days after the first
 * bounce, twice as long after each further one, at most 64 days; after 90 days without a bounce
 * this is forgotten. *suppressed: until when; 0: nothing was changed, because it was noted before,
 * or the destination is suppressed already. False: the store failed. */
bool bounce_note(struct sent *sent, struct sent_mail *about, const struct bounce *bounce,
                 int64_t now, struct arena *a, int64_t *suppressed);

#endif
