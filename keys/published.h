/* published.h - does the DNS record of a signing key fit the private key? */
#ifndef ASSAY_KEYS_PUBLISHED_H
#define ASSAY_KEYS_PUBLISHED_H

#include "crypto/keys.h"
#include "dns/dns.h"

/* What was found at the record's name: finding, word for lists, what to do about it. */
#define RECORD_FINDINGS(X)                                                                         \
    X(RECORD_UNKNOWN, "unknown", "the DNS does not answer: ask again later")                       \
    X(RECORD_GOOD, "published", "")                                                                \
    X(RECORD_ABSENT, "absent", "publish the record")                                               \
    X(RECORD_TESTING, "testing",                                                                   \
      "t=y says that the key is only tested, and receivers may ignore it: take t=y out")           \
    X(RECORD_DIFFERS, "differs", "it holds another key: publish the record of this one")           \
    X(RECORD_CUT, "cut",                                                                           \
      "its p= is the beginning of the right one: it was cut; publish it in several strings")       \
    X(RECORD_REVOKED, "revoked", "its p= is empty: the key is revoked; use another key")           \
    X(RECORD_QUOTED, "quoted",                                                                     \
      "its text holds quotation marks or backslashes: enter it without them")                      \
    X(RECORD_BROKEN, "broken", "it is no key record: publish the right one")                       \
    X(RECORD_OTHER_TYPE, "type", "its k= is not the type of the key: publish the right record")    \
    X(RECORD_NO_SHA256, "hash", "its h= does not allow sha256: take h= out")                       \
    X(RECORD_NO_EMAIL, "service", "its s= does not allow email: take s= out")                      \
    X(RECORD_SEVERAL, "several",                                                                   \
      "there are several records, and what receivers take is anybody's guess (RFC 6376 3.6.2.2): " \
      "leave only the right one")

enum record_finding {
#define X(id, word, what) id,
    RECORD_FINDINGS(X)
#undef X
};

const char *record_finding_word(enum record_finding finding);
const char *record_finding_advice(enum record_finding finding); /* empty: all is well */

/* The answer for TXT at the name of the key's record, against the key. RFC 6376 3.6.1. */
enum record_finding record_compare(const struct dns_answer *answer, const struct private_key *key,
                                   struct arena *a);

/* True if receivers can verify by the record, whatever else may be said of it. */
static inline bool record_usable(enum record_finding finding)
{
    return finding == RECORD_GOOD || finding == RECORD_TESTING;
}

#endif
