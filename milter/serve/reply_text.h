/* reply_text.h - the text of an SMTP reply, as an MTA takes it from a milter. */
#ifndef ASSAY_MILTER_SERVE_REPLY_TEXT_H
#define ASSAY_MILTER_SERVE_REPLY_TEXT_H

#include <stddef.h>

#define REPLY_LINE_MAX 512 /* bytes of a line, RFC 5321 4.5.3.1.5 */

/* Writes the text with each '%' doubled, and a NUL behind it; what does not fit is left out. Both
 * MTAs print the text as a format: a '%' alone loses the reply under Sendmail, and itself under
 * Postfix. */
void reply_text(char *out, size_t room, const char *text);

#endif
