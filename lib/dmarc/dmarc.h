/* dmarc.h - RFC 9989: does an authenticated identifier align with the author domain, and what does
 * its owner ask for if none does? */
#ifndef ASSAY_DMARC_DMARC_H
#define ASSAY_DMARC_DMARC_H

#include "base/str.h"
#include "dns/dns.h"

enum dmarc_result {
    DMARC_NONE, /* no policy record applies */
    DMARC_PASS,
    DMARC_FAIL,
    DMARC_TEMPERROR,
    DMARC_PERMERROR, /* no usable author domain (said by the stage) */
    DMARC_RESULT_COUNT
};

enum dmarc_policy { DMARC_P_NONE, DMARC_P_QUARANTINE, DMARC_P_REJECT };

enum dmarc_alignment { DMARC_RELAXED, DMARC_STRICT };

const char *dmarc_result_name(enum dmarc_result result);
const char *dmarc_policy_name(enum dmarc_policy policy);

/* A parsed policy record (RFC 9989 4.7). */
struct dmarc_record {
    enum dmarc_policy p, sp, np; /* sp and np with their defaults filled in */
    bool has_sp, has_np;
    enum dmarc_alignment adkim, aspf;
    char psd;      /* 'y', 'n' or 'u' */
    bool testing;  /* t=y */
    struct str fo; /* as published */
    size_t n_rua, n_ruf;
    const struct str *rua, *ruf; /* syntactically valid URIs, "!size" stripped */
};

/* True if `text` is a DMARC record (RFC 9989 4.7: v=DMARC1 first); *usable is false if no policy
 * can be taken from it. Strings point into `text` or the arena. */
bool dmarc_record_parse(struct arena *a, struct str text, struct dmarc_record *out, bool *usable);

/* What became of an identifier's own check. */
enum dmarc_auth { DMARC_AUTH_FAIL, DMARC_AUTH_PASS, DMARC_AUTH_UNKNOWN /* cannot be known now */ };

struct dmarc_identifier {
    struct str domain; /* normalised */
    enum dmarc_auth auth;
    bool spf; /* MAIL FROM domain of SPF; else d= of a signature */
};

/* One identifier's alignment with the author domain. */
enum dmarc_aligned { DMARC_UNALIGNED, DMARC_ALIGNED, DMARC_ALIGNED_UNKNOWN };

struct dmarc_outcome {
    enum dmarc_result result;
    struct str author_domain;
    struct str record_domain;         /* where the policy was found; empty if nowhere */
    struct str organizational_domain; /* of the author domain; empty if not known */
    struct dmarc_record record;
    enum dmarc_policy policy;       /* that applies to this message: p, sp or np, lowered by t=y */
    char policy_tag;                /* 'p', 's' (sp) or 'n' (np): where it came from */
    bool spf_aligned, dkim_aligned; /* by a passing identifier */
    size_t aligned_index;           /* identifier that made the pass */
    struct str reason;              /* a phrase for people: why fail, none or temperror */
    unsigned queries;               /* look-ups of the walks */
    enum dns_security security;     /* of the policy record */
};

/* Starts the queries that dmarc_evaluate() will make for this domain's walk. */
void dmarc_prefetch(struct str domain, struct dns_asker *asker);

/* One author domain (normalised) against all identifiers. Lives in asker->arena. */
void dmarc_evaluate(struct str author_domain, const struct dmarc_identifier *ids, size_t n_ids,
                    struct dns_asker *asker, struct dmarc_outcome *out);

/* RFC 9989 4.10.2: the organizational domain. False: cannot be known now. */
bool dmarc_organizational_domain(struct str domain, struct dns_asker *asker, struct str *out);

#endif
