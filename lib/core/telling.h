/* telling.h - how a stage tells what it found: in the header, the log, JSON and text. */
#ifndef ASSAY_CORE_TELLING_H
#define ASSAY_CORE_TELLING_H

#include "base/json.h"
#include "conf/conf.h"
#include "core/edit.h"
#include "core/evidence.h"
#include "core/message.h"
#include "core/verdict.h"
#include "dns/dns.h"
#include "mail/authres.h"

/* Of a signature that does not fit the body: what `assay check` found out. */
struct told_body {
    struct str canonicalization; /* c= in full; empty: the signature or the body is beyond us */
    bool differs;                /* its digest is not that of bh= */
    struct str change;           /* which of the usual changes explains that; empty: none of them */
};

struct stage;

/* A message that was judged, for the code that tells of it. */
struct telling {
    const struct stage *const
        *stages; /* all that there are, in the order of telling; ends with NULL */
    const struct conf *conf;
    const struct session *session;
    const struct message *message;
    const struct evidence *evidence;
    const struct verdict *verdict;
    struct arena *arena;
    /* For the account of `assay check`; NULL elsewhere. */
    const struct dns_asker *asker;  /* may be asked what explains a result */
    const struct told_body *bodies; /* by signature */
    bool explain;                   /* each step of a result is asked for */
};

/* A stage that did not look at the message tells nothing, but in JSON, where it says null. Texts
 * from the network are cleaned by the function that writes them. Any may be NULL. */
struct stage_telling {
    void (*header)(const struct telling *t, struct authres *out); /* of Authentication-Results */
    void (*log)(const struct telling *t, struct strbuf *out);     /* " name=value" ... */
    void (*json)(const struct telling *t, struct json *out);      /* members of the object */
    void (*text)(const struct telling *t, struct strbuf *out);    /* lines */
    void (*count)(const struct telling *t);
    void (*edits)(const struct telling *t, struct edit_list *out); /* fields of its own */
};

/* For log fields. A word has no space, lest a HELO of "x action=reject" look like two fields; what
 * stands in quotes has none inside. */
struct str telling_word(struct arena *a, struct str s);
struct str telling_quoted(struct arena *a, struct str s);
/* What a log line about a message begins with: its queue id, or NOQUEUE. */
struct str telling_id(const struct message *m);

/* Members of an object that is open: result, reason, domain, selector, algorithm, key_bits of a
 * signature of DKIM or ARC. */
void telling_signature_json(struct json *j, const struct dkim_signature *s);

#endif
