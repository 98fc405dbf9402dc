/* signer.h - the making of signatures that are not DKIM's own. Within lib/dkim and lib/arc. */
#ifndef ASSAY_DKIM_SIGNER_H
#define ASSAY_DKIM_SIGNER_H

#include "dkim/dkim.h"

/* A signer of ARC-Message-Signature fields (RFC 8617 4.1.2) with this i=: as dkim_signer_new(), but
 * that it covers DKIM-Signature fields, and none of ARC's, whatever the settings say. Of the body
 * it takes the digest, whose kind is that of the settings. */
struct dkim_signer *signer_new_arc(struct arena *a, const struct dkim_sign_settings *settings,
                                   const struct header_list *headers, unsigned instance,
                                   struct body_hash *body);

/* Parts of the value of a signature field. */

/* name=value; with a space or a fold before it. */
void signer_add_tag(struct header_folder *f, struct arena *a, const char *name, struct str value);
/* d= and s= */
void signer_add_key(struct header_folder *f, struct arena *a, const struct dkim_signing_key *key);
/* "b=", on a line of its own; and its text, which may be folded anywhere: no hash covers it.
 */
void signer_begin_b(struct header_folder *f);
void signer_add_b(struct header_folder *f, struct str base64);

#endif
