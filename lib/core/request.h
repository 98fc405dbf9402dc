/* request.h - what SPF, DKIM and DMARC are asked about a message: its facts, as the configuration
 * wants them judged. The stages ask this, and so does the code that asks other libraries the same.
 */
#ifndef ASSAY_CORE_REQUEST_H
#define ASSAY_CORE_REQUEST_H

#include "conf/conf.h"
#include "core/evidence.h"
#include "core/message.h"

/* How dns.max-queries is shared out. Each part has its own, because no result may depend on what
 * another part happened to ask first: SPF may be decided before anything is known of From. */
struct request_shares {
    unsigned dmarc; /* author domains come first, and always fit; then identifiers */
    unsigned keys;  /* of DKIM, and then of ARC with what is left */
    unsigned spare; /* those ahead of need, and those repeated: see struct dns_asker */
    unsigned spf;   /* MAIL FROM, and then HELO with what is left */
    unsigned gate;  /* on top: of what is asked about clients, lists and senders (core/gate.h) */
};

/* Half of limits.dns-memory is for whatever a message asks for: SPF alone may fill it with what a
 * sender publishes. The other half is set aside for keys and policies, a part for each of these
 * questions, so that no sender can make them fail. */
struct request_memory {
    size_t common;    /* bytes */
    size_t set_aside; /* of an answer */
};

struct request_memory request_memory(const struct conf *conf);

struct request_shares request_shares(const struct conf *conf);

/* About MAIL FROM; for a null sender, and no other, about postmaster@HELO (RFC 7208 2.4): a sender
 * without a domain has an empty one here, which gives none. Texts are those of conf, session and
 * message. */
struct spf_request request_spf(const struct conf *conf, const struct session *session,
                               const struct message *message);

/* About HELO (RFC 7208 2.3), with all of SPF's queries. */
struct spf_request request_spf_helo(const struct conf *conf, const struct session *session,
                                    const struct message *message);

struct dkim_verify_settings request_dkim(const struct conf *conf, const struct message *message);

/* For a chain, behind signatures of DKIM that may need so many keys. False: no query is left for
 * it. */
bool request_arc(const struct conf *conf, const struct message *message, size_t n_signatures,
                 struct dkim_verify_settings *settings);

/* With what SPF and DKIM authenticated, or could not; all but the author domain. What it points at
 * lives in the message's arena. */
struct dmarc_request request_dmarc(const struct conf *conf, const struct message *message,
                                   const struct evidence *evidence);

/* How DMARC takes the result of a signature. */
enum dmarc_auth request_auth_of(const struct dkim_signature *signature);

#endif
