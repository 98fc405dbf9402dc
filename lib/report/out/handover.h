/* handover.h - hands a mail to the mail server of this host, by sendmail(1) or by SMTP. */
#ifndef ASSAY_REPORT_OUT_HANDOVER_H
#define ASSAY_REPORT_OUT_HANDOVER_H

#include "base/arena.h"
#include "base/str.h"

enum handed {
    HANDED_OVER,
    HANDED_LATER, /* not accepted now: try again */
    HANDED_NEVER, /* this mail was refused for good */
};

struct letter_out {
    struct str sender, recipient; /* of the envelope */
    struct str text; /* header and body, lines ending with LF, no line longer than 998 */
};

/* `mailer` is the path of a sendmail(1), called with -i -f SENDER -- RECIPIENT, or a URL
 * smtp://HOST[:PORT]. Waits for at most five minutes. *why (in `a`): what went wrong, clean. */
enum handed hand_over(struct str mailer, const struct letter_out *letter, struct arena *a,
                      struct str *why);

/* NULL if `mailer` is one of these, else a phrase. */
const char *mailer_problem(struct str mailer);

/* --- Within --- */

#define MAILER_SMTP    "smtp://"
#define MAILER_SECONDS 300

enum handed hand_to_program(struct str program, const struct letter_out *letter, struct arena *a,
                            struct str *why);
/* `place` is what stands behind smtp://. */
enum handed hand_to_server(struct str place, const struct letter_out *letter, struct arena *a,
                           struct str *why);
bool smtp_place(struct str place, struct arena *a, char **host, char **port);

#endif
