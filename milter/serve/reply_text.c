/* reply_text.c - the text of an SMTP reply, as an MTA takes it from a milter.
 *
 * Errors: none; a long text is cut. */
#include "milter/serve/reply_text.h"

void reply_text(char *out, size_t room, const char *text)
{
    size_t n = 0;
    for (; *text && n + 2 < room; text++) {
        out[n++] = *text;
        if (*text == '%')
            out[n++] = '%';
    }
    out[n] = '\0';
}
