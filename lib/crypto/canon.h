/* canon.h - the canonicalisations of RFC 6376 3.4, fed to SHA-256 as a stream.
 *
 * Line ends may be CRLF or bare LF in header values (the MTA gives LF; RFC 6376 sees CRLF). Bodies
 * come as the MTA saw them: CRLF; a bare CR or LF is an ordinary byte (RFC 6376 3.4). */
#ifndef ASSAY_CRYPTO_CANON_H
#define ASSAY_CRYPTO_CANON_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "mail/header.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

/* One body digest: any number of signatures with the same kind and limit share it. */
struct body_hash;

/* `limit`: octets of canonical body to hash (the l= tag), UINT64_MAX for all. Dies with the arena.
 */
struct body_hash *body_hash_new(struct arena *a, enum canon canon, uint64_t limit);
void body_hash_update(struct body_hash *h, const void *data, size_t n);
/* True once the limit is passed: more body changes neither the digest nor the fact that the limit
 * is shorter than the body. */
bool body_hash_settled(const struct body_hash *h);
/* Ends the stream (further calls give the same digest). */
void body_hash_finish(struct body_hash *h, unsigned char digest[32]);
/* Octets of the whole canonical body, known after body_hash_finish(); may exceed the limit. */
uint64_t body_hash_length(const struct body_hash *h);

/* SHA-256 over header fields. */
struct header_hash;
struct header_hash *header_hash_new(struct arena *a, enum canon canon);
/* A second hash that has taken what `from` has; both go on independently. */
struct header_hash *header_hash_copy(struct arena *a, const struct header_hash *from);
/* One field with its CRLF; the name with the white space before the colon, if there is any. */
void header_hash_field(struct header_hash *h, struct str name, struct str value);
/* The signature field itself: b= emptied (RFC 6376 3.5, 3.7), no CRLF at the end. */
void header_hash_signature(struct header_hash *h, struct str name, struct str value);
void header_hash_finish(struct header_hash *h, unsigned char digest[32]);

/* Base64 with white space allowed between characters; STR_NONE if it is malformed. */
struct str base64_decode(struct arena *a, struct str text);
struct str base64_encode(struct arena *a, struct str bytes);

#endif
