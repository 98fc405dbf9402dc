/* verdict.h - what is done with a message, and what is answered. Policy alone makes it. */
#ifndef ASSAY_CORE_VERDICT_H
#define ASSAY_CORE_VERDICT_H

#include "base/str.h"
#include "conf/action.h"
#include "dmarc/dmarc.h"

enum policy_point { POINT_MAIL, POINT_RCPT, POINT_DATA, POINT_EOM };
const char *point_name(enum policy_point point); /* "mail", "rcpt", "data", "end" */

/* What the answer is for: this recipient, or the whole message. */
enum verdict_scope { SCOPE_RECIPIENT, SCOPE_MESSAGE };

/* Local reasons to deviate from a published DMARC policy (RFC 9990 words). */
enum override_reason {
    OVERRIDE_NONE,
    OVERRIDE_LOCAL_POLICY,
    OVERRIDE_MAILING_LIST,
    OVERRIDE_TRUSTED_FORWARDER,
    OVERRIDE_TEST_MODE, /* t=y: said by the record, not by us */
};
const char *override_name(enum override_reason reason); /* "local_policy" */

/* What was done for one author domain; of an outcome that is no fail, nothing was. */
struct author_verdict {
    enum dmarc_policy disposition;
    enum override_reason override;
    struct str comment; /* in words; empty if none */
};

struct verdict {
    enum action action;      /* what to do */
    enum action if_enforced; /* what enforcing would do; differs from action only in shadow */
    enum verdict_scope scope;
    struct str code;     /* "550" for TEMPFAIL and REJECT */
    struct str enhanced; /* "5.7.1" */
    struct str text; /* clean ASCII, one line, '%' not doubled yet; also the quarantine's reason */
    const char *cause; /* "spf", "dmarc", "from", "limit", "forged", "sender"; of the gate "iprev",
                          "helo", "dnsbl", "sender-domain", "no-address", "no-bounce", "greylist":
                          for the log; NULL if none */
    /* DMARC's part, for Authentication-Results and log; meaningful at POINT_EOM. */
    size_t author; /* which of the outcomes in evidence asks for most, after all overrides */
    enum dmarc_policy disposition; /* what was done for DMARC: dis= */
    enum override_reason override;
    struct str override_comment;          /* in words; empty if none */
    const struct author_verdict *authors; /* of each outcome in the evidence; NULL: not judged */
};

#endif
