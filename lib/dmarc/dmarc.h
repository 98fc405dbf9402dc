/* dmarc.h - RFC 9989: does an authenticated identifier align with the author domain, and what does
 * its owner ask for if none does? */
#ifndef ASSAY_DMARC_DMARC_H
#define ASSAY_DMARC_DMARC_H

#include "base/str.h"
#include "dns/dns.h"
#include "mail/psl.h"

enum dmarc_result {
    DMARC_NONE, /* no policy record applies */
    DMARC_PASS,
    DMARC_FAIL,
    DMARC_TEMPERROR,
    DMARC_PERMERROR, /* no usable author domain (said by the stage alone) */
    DMARC_RESULT_COUNT
};

enum dmarc_policy { DMARC_P_NONE, DMARC_P_QUARANTINE, DMARC_P_REJECT };

enum dmarc_alignment { DMARC_RELAXED, DMARC_STRICT };

/* How organizational domains are found, and with them policies above the author domain. */
enum dmarc_discovery {
    DMARC_TREEWALK, /* RFC 9989 4.10 */
    DMARC_PSL,      /* RFC 7489 3.2 and 6.6.3: by a public suffix list */
};

const char *dmarc_result_name(enum dmarc_result result);
const char *dmarc_discovery_name(enum dmarc_discovery discovery); /* "treewalk", "psl" */
const char *dmarc_policy_name(enum dmarc_policy policy);

/* A parsed policy record (RFC 9989 4.7). What is malformed or missing has its default. */
struct dmarc_record {
    enum dmarc_policy p, sp, np; /* sp and np with their defaults filled in */
    bool has_sp, has_np;
    enum dmarc_alignment adkim, aspf;
    char psd;      /* 'y', 'n' or 'u' */
    bool testing;  /* t=y */
    struct str fo; /* as published, if it is valid, else "0"; means nothing without a ruf */
    size_t n_rua, n_ruf;
    const struct str *rua, *ruf; /* syntactically valid URIs of any scheme, "!size" stripped; at
                                    most DMARC_URIS_MAX */
};

#define DMARC_URIS_MAX 32

/* The mailbox of a mailto: URI of such a record (RFC 6068 2), decoded, its domain normalised; false
 * for other schemes, and for what is no address that mail can go to. */
bool dmarc_mailto(struct arena *a, struct str uri, struct str *local, struct str *domain);

/* True if `text` is a DMARC record (RFC 9989 4.7: v=DMARC1 first); *usable is false if no policy
 * can be taken from it (4.10.1: no valid p, or an invalid sp or np, and no valid rua; with a rua it
 * means p=none, and sp and np count as absent). Strings point into `text` or the arena. */
bool dmarc_record_parse(struct arena *a, struct str text, struct dmarc_record *out, bool *usable);

/* What became of an identifier's own check. */
enum dmarc_auth { DMARC_AUTH_FAIL, DMARC_AUTH_PASS, DMARC_AUTH_UNKNOWN /* cannot be known now */ };

struct dmarc_identifier {
    struct str domain; /* normalised */
    enum dmarc_auth auth;
    bool spf; /* MAIL FROM domain of SPF; else d= of a signature */
};

/* For --explain: one step of the evaluation in words, clean. */
typedef void dmarc_step_fn(void *context, unsigned depth, struct str text);

struct dmarc_request {
    struct str author_domain; /* normalised */
    const struct dmarc_identifier *ids;
    size_t n_ids;
    const struct psl *psl; /* organizational domains are those of this list; NULL: tree walk */
    /* Look-ups that may be made for walks of identifiers, cached or not; counted down. What an
     * identifier needs beyond them makes it unaligned. NULL: any. */
    unsigned *identifier_queries;
    dmarc_step_fn *step; /* or NULL */
    void *step_context;
};

struct dmarc_outcome {
    enum dmarc_result result;       /* never DMARC_PERMERROR */
    enum dmarc_discovery discovery; /* the method used */
    struct str author_domain;
    struct str record_domain; /* where the policy was found; empty if nowhere, or not known */
    struct str organizational_domain; /* of the author domain; empty if it is not known, or was not
                                         needed: the record is the author domain's own, and only
                                         equal names could align; by a list it is always known */
    struct dmarc_record record;
    enum dmarc_policy policy; /* that applies to this message: p, sp or np, lowered by t=y */
    char policy_tag; /* 'p', 's' (sp) or 'n' (np, where that makes a difference): where it came
                        from; '-': no record */
    bool spf_aligned, dkim_aligned; /* by a passing identifier */
    size_t aligned_index;           /* identifier that made the pass */
    struct str reason;          /* a phrase for people: why pass, fail, none or temperror; clean */
    unsigned queries;           /* look-ups of the walks and of the author domain's existence */
    enum dns_security security; /* of the policy record */
};

/* How many look-ups, at most, dmarc_evaluate() makes for the author domain itself: those of its
 * walk and of its existence; at most nine. */
unsigned dmarc_author_cost(struct str domain, const struct psl *psl);

/* Starts the queries that dmarc_evaluate() can need for this domain: the walk's (at most eight;
 * with a list, at most two) and, for an author domain whose policy depends on it, that of its
 * existence: at once if the policy is cached, else (but with a list) when the walk has found it. */
void dmarc_prefetch(struct str domain, const struct psl *psl, struct dns_asker *asker);

/* Where policies are found by the tree walk: starts the queries that the walk of an identifier
 * makes beyond the author domain's, if the two have two labels in common: those that have less
 * hardly ever align. */
void dmarc_prefetch_identifier(struct str domain, struct str author_domain,
                               struct dns_asker *asker);

/* RFC 9989 4.10 and 5.3: one author domain against all identifiers. With a list, the policy is the
 * author domain's own record or else that of its organizational domain (RFC 7489 6.6.3), psd= says
 * nothing, and all else is as in RFC 9989. The result is DMARC_TEMPERROR exactly if what cannot be
 * known now could change it, or the policy of a fail; a pass that is sure stays a pass. Everything
 * in *out lives in asker->arena. */
void dmarc_evaluate(const struct dmarc_request *request, struct dns_asker *asker,
                    struct dmarc_outcome *out);

/* RFC 9989 4.10.2: the organizational domain of a normalised domain. False: cannot be known now. */
bool dmarc_organizational_domain(struct str domain, struct dns_asker *asker, struct str *out);

#endif
