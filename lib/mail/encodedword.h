/* encodedword.h - encoded words (RFC 2047) as programs for reading mail show them.
 *
 * For finding out what an odd field may be taken for, not for showing it: words are decoded
 * wherever they stand, in quoted strings, in comments and amidst addresses, because some programs
 * do. */
#ifndef ASSAY_MAIL_ENCODEDWORD_H
#define ASSAY_MAIL_ENCODEDWORD_H

#include "base/str.h"

/* True if something in the text begins like an encoded word. */
bool encoded_words_in(struct str text);

/* The text with its words decoded, as UTF-8; with `joined` without the white space between words
 * (RFC 2047 6.2), else with it (some programs leave it there). Characters above U+007F of charsets
 * other than UTF-8 and ISO 8859-1 become U+FFFD, an at sign of double width becomes "@".
 *
 * False if a word cannot be decoded for certain: an unknown charset, Base64 or an escape in bad
 * form, a word that does not end, or one that yields the beginning of another. Linear in time and
 * memory. */
bool encoded_words_decode(struct arena *a, struct str text, bool joined, struct str *out);

/* Length of an at sign of double width at text[i] in one of the charsets of East Asia, 0 if there
 * is none: Shift_JIS, EUC-JP, GB 2312 and GBK, EUC-KR, Big5. These charsets are not told apart, and
 * what belongs to two characters may be found. */
size_t wide_at_sign(struct str text, size_t i);

#endif
