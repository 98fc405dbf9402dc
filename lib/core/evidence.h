/* evidence.h - what the stages found out about one message. Each stage fills its own part; policy
 * and edits read. Zeroed is "not looked at". Everything lives in the message's arena. */
#ifndef ASSAY_CORE_EVIDENCE_H
#define ASSAY_CORE_EVIDENCE_H

#include <stdint.h>

#include "arc/arc.h"
#include "base/str.h"
#include "dkim/dkim.h"
#include "dmarc/dmarc.h"
#include "dnsbl/dnsbl.h"
#include "mail/address.h"
#include "mail/authres.h"
#include "spf/spf.h"

struct conf_list;

/* One identity that SPF was asked about. */
struct evidence_spf_identity {
    bool checked; /* false: not asked, or not yet known */
    struct spf_outcome outcome;
};

struct evidence_spf {
    struct evidence_spf_identity mail_from; /* of postmaster@HELO for a null sender */
    struct evidence_spf_identity helo;      /* only with spf.check-helo */
    struct str skipped;                     /* why SPF was not asked, for the log; empty: it was */
};

struct evidence_dkim {
    bool checked;
    size_t n, skipped; /* evaluated; beyond the cap */
    const struct dkim_signature *signatures;
    size_t n_claimed; /* from the end of the header on: d= of signatures that may pass yet */
    const struct str *claimed;
};

struct evidence_dmarc {
    bool checked;
    enum dmarc_result result; /* the strictest of all author domains */
    struct str reason;        /* a phrase: why */
    enum from_status from_status;
    struct str from_problem; /* a phrase: why From does not parse, and was evaluated all the same */
    unsigned identifier_queries; /* of DMARC's share, what is left of it */
    size_t n;                    /* author domains evaluated */
    const struct dmarc_outcome *outcomes;
    size_t decisive;                /* the strictest of the outcomes; meaningful if n > 0 */
    enum dmarc_auth list_signature; /* of a mailing list that the operator named */
};

struct evidence_forged {
    bool too_many; /* more than limits.forged-fields: none is named, and the message is refused */
    size_t n;
    const unsigned *ordinals; /* of Authentication-Results fields that must go: 1 is the topmost */
    size_t n_received_spf;
    const unsigned *received_spf; /* Received-SPF fields that claim receiver= us */
    size_t n_gate;
    const unsigned *gate; /* X-Assay-Gate fields in our name */
};

enum iprev_result { IPREV_NONE, IPREV_PASS, IPREV_FAIL, IPREV_TEMPERROR, IPREV_PERMERROR };
enum helo_result {
    HELO_FINE,
    HELO_OURS,  /* our own name or address, said by a stranger */
    HELO_OTHER, /* an address that is not the client's */
};

struct evidence_client {
    enum iprev_result iprev; /* IPREV_NONE: not asked, or not yet known */
    bool capped;             /* the address has more names than are looked at */
    struct str name;         /* IPREV_PASS: the name that leads back */
    enum helo_result helo;
};

/* What one list says, of all that it was asked about. */
struct evidence_list {
    const struct conf_list *list;
    struct dnsbl_answer answer; /* DNSBL_NOT_ASKED: it had nothing to be asked about */
    struct str about;           /* of a listing: the address, or the domain */
};

struct evidence_lists {
    bool checked;
    size_t n;
    const struct evidence_list *v; /* by entry of dnsbl.lists */
    int sum;                       /* of the weights of what lists this message */
    int doubt;          /* the weights of allow lists that could not be asked, 0 or less */
    int pending;        /* the same of those whose answer is still under way */
    bool trusted;       /* an allow list knows the client well (of DNSWL: medium or high) */
    bool trust_unknown; /* ... or could not be asked */
};

enum sender_domain {
    SENDER_UNCHECKED, /* or not yet known */
    SENDER_FINE,
    SENDER_UNKNOWN,  /* neither MX nor an address */
    SENDER_NULL_MX,  /* RFC 7505 */
    SENDER_LOCAL_MX, /* all that it leads to are loopback or private addresses */
    SENDER_TEMPERROR,
};

struct evidence_sender {
    enum sender_domain domain; /* of MAIL FROM */
    bool no_address;           /* a bounce that nobody can answer */
};

/* Whether a chain excuses a message that fails DMARC, for one author domain. */
struct arc_excuse {
    enum dmarc_auth granted; /* unknown: if the DNS answered, it might be */
    unsigned believed;       /* the instance that vouches for the domain; 0: none does */
    struct str why_not;      /* a phrase, if a set vouches but is not trusted: by whom */
    struct str comment;      /* for reports (RFC 8617 7.2.2) */
};

/* A set of our own. */
struct evidence_seal {
    bool tried;
    struct str why;     /* why there is none, for the log */
    struct str problem; /* it could not be made: why */
    unsigned instance;  /* 0: none was made */
    enum arc_cv cv;
    struct str domain, selector;
};

struct evidence_arc {
    bool checked;
    enum arc_result result;
    struct str reason;          /* a phrase: why it is no pass */
    struct arc_outcome outcome; /* its structure, for mail whose result our own field tells */
    const bool *trusted;        /* of each set: by arc.trusted-sealers */
    size_t n_excuses;
    const struct arc_excuse *excuses; /* in the order of the outcomes of DMARC */
    struct authres_results believed;  /* forwarded: what our set says, made when it came in */
    bool told_before;                 /* ... and of the chain, too */
    bool told_limit; /* forwarded: it failed when it came in, but by our limits alone */
    struct evidence_seal seal;
};

struct evidence_signing {
    bool tried;
    bool mismatch;            /* senders-must-match does not let this user use this From */
    struct str why;           /* "SMTP AUTH alice", "no key for example.net": for the log */
    struct str problem;       /* a signature could not be made: why */
    size_t n;                 /* signatures made */
    const struct str *values; /* DKIM-Signature field values, to be inserted above each other */
    const struct dkim_signing_key *keys;
    size_t n_rewritten; /* fields that have to be delivered in the form that was signed */
    const struct dkim_rewritten *rewritten;
    unsigned risks; /* a set of enum dkim_risk: the signature may not hold on the way */
};

/* Mail that is about reports makes no row, lest reports beget reports. */
struct evidence_reports {
    const char *exempt; /* a phrase: why this message makes no row; NULL: it makes rows */
};

enum greylist_result {
    GREYLIST_NOT_ASKED,
    GREYLIST_EXEMPT,  /* `why` tells why */
    GREYLIST_UNKNOWN, /* the store did not answer, or could not record: nobody is greylisted */
    GREYLIST_PASS,    /* `why` is the key: "network 192.0.2.0/24", "domain example.com" */
    GREYLIST_NEW,     /* recorded now */
    GREYLIST_WAIT,    /* it came again, too soon */
};

struct evidence_greylist {
    enum greylist_result result;
    bool at_end; /* asked at the end of the message, not at DATA */
    struct str why;
    int64_t wait_s; /* GREYLIST_NEW, GREYLIST_WAIT: then it may come again */
};

/* Mail to SRS addresses of ours that is no bounce. */
struct evidence_srs {
    size_t no_bounce; /* recipients that are such addresses, and were not refused */
    size_t others;    /* where there are some: the other recipients */
};

struct evidence {
    struct evidence_greylist greylist;
    struct evidence_spf spf;
    struct evidence_dkim dkim;
    struct evidence_dmarc dmarc;
    struct evidence_arc arc;
    struct evidence_client client;
    struct evidence_lists lists;
    struct evidence_sender sender;
    struct evidence_reports reports;
    struct evidence_srs srs;
    struct evidence_forged forged;
    struct evidence_signing signing;
};

#endif
