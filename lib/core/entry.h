/* entry.h - where mail that passes this host again had come in before: from its Received fields,
 * and what Authentication-Results of ours say of it since. */
#ifndef ASSAY_CORE_ENTRY_H
#define ASSAY_CORE_ENTRY_H

#include "conf/conf.h"
#include "core/message.h"
#include "mail/authres.h"

/* What an Authentication-Results field may call us: authserv-id and its aliases, in normal form. */
struct entry_names {
    size_t n;
    struct str *v;
};
void entry_authserv_ids(const struct conf *conf, struct arena *a, struct entry_names *out);

struct entry {
    /* It came in over SMTP or LMTP, without authentication, from a client outside trusted-networks;
     * the client's address, where the field tells it. */
    bool from_outside;
    struct netaddr client;
    /* So many fields on top were added since the message came in from there, or from a user who had
     * authenticated; 0: not known. */
    size_t fields_since;
};

/* Reads the Received fields from the top. Those are passed over that this host or localhost wrote
 * about a client on loopback, with an address of this host, in forwarded-networks, or about none;
 * the first other one decides. "This host" is the MTA's name for itself, authserv-id and its
 * aliases.
 */
void entry_find(const struct conf *conf, const struct session *session,
                const struct message *message, struct entry *out);

/* What all believed Authentication-Results fields of ours say since it came in, as far as they can
 * be read. */
void entry_results(const struct conf *conf, const struct message *message,
                   struct authres_results *out);

/* True if what we found out when the message came in lets it be signed for this author domain now:
 * a believed Authentication-Results field says dmarc=pass for it, or names another header.from (a
 * list on this host has rewritten From since). *why says which, or what is missing. */
bool entry_vouches(const struct conf *conf, const struct message *message, struct str author_domain,
                   struct str *why);

#endif
