/* srs.h - the Sender Rewriting Scheme: the sender of a message that is forwarded becomes an address
 * of ours, which leads bounces back.
 *
 *     alice@example.com                      SRS0=HASH=TT=example.com=alice@srs.example.org
 *     SRS0=h=tt=example.com=alice@fwd.test   SRS1=HASH=fwd.test==h=tt=example.com=alice@srs...
 *
 * TT is the day (base32, days since 1970 modulo 1024); HASH is the beginning of an HMAC-SHA1 in
 * base64, over TT, host and user, or over the host and all that stands behind it. Nobody without
 * the secret can make such an address, so it is no way to send mail to others through us. There is
 * no RFC: these are the addresses of Mail::SRS, libsrs2 and postsrsd. */
#ifndef ASSAY_SRS_SRS_H
#define ASSAY_SRS_SRS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define SRS_HASH_MIN 4  /* the least digits of a hash that anybody should accept */
#define SRS_HASH_MAX 27 /* all digits of one */
/* What a time stamp can tell apart, in days. */
#define SRS_DAYS 1024
/* A stamp of our making that lies no more days ahead of today cannot be judged now: our clock was
 * fast then, or is slow, or another host of ours has passed midnight already. */
#define SRS_AHEAD_DAYS 7

enum srs_alphabet {
    SRS_BASE64,   /* with + and /: Mail::SRS, libsrs2, postsrsd before 2.2.6 */
    SRS_BASE64URL /* with - and _ */
};

/* How a server of ours rewrites. */
struct srs_scheme {
    struct str domain;          /* of the addresses that are made; normalised (mail/domain.h) */
    size_t n_secrets;           /* 0: they are not to be had now */
    const struct str *secrets;  /* the first one signs, all verify */
    unsigned hash_length;       /* digits of a hash that is made: SRS_HASH_MIN to SRS_HASH_MAX */
    unsigned hash_minimum;      /* digits that one has to have: likewise */
    enum srs_alphabet alphabet; /* of hashes that are made; both are read */
    int64_t validity_days;      /* below SRS_DAYS */
    /* Is this domain, normalised, one whose senders stay as they are? NULL: none is. The scheme's
     * own always is. */
    bool (*is_local)(const void *context, struct str domain);
    const void *context;
};

enum srs_status {
    SRS_DONE,      /* address is the other address */
    SRS_UNTOUCHED, /* it is not ours to change */
    SRS_TOO_LONG,  /* the same, because the other address would be too long */
    SRS_REFUSED,   /* it claims to be of our making, and is not, or not any more */
    SRS_UNKNOWN,   /* cannot be known now: no secret is to be had, or a clock is wrong */
};

struct srs_outcome {
    enum srs_status status;
    struct str address; /* SRS_DONE: in the caller's arena; what needs quotes has them */
    const char *why;    /* a phrase, for all others */
};

/* The address that mail of this sender is forwarded with at the time `now` (seconds since 1970).
 * `sender` is an envelope address, with or without angle brackets. An SRS address of others becomes
 * SRS1 whatever stands in it; one of ours, the null sender, and what is no address are left
 * untouched, and so is a sender whose address would have a local part beyond 64 octets (RFC 5321
 * 4.5.3.1.1). */
struct srs_outcome srs_forward(const struct srs_scheme *s, struct str sender, int64_t now,
                               struct arena *a);

/* The address that mail to this recipient is for: the sender that it was made of. Letters of either
 * case and both alphabets are read: on the way case is lost. */
struct srs_outcome srs_reverse(const struct srs_scheme *s, struct str recipient, int64_t now,
                               struct arena *a);

/* True for what looks like an SRS address of this domain (normalised): "SRS0=...@domain". Only
 * a secret tells whether it is of our making. */
bool srs_is_of(struct str domain, struct str address);

#endif
