/* story.h - a scenario and what was said of it, as text: for tests that play it elsewhere. */
#ifndef ASSAY_TESTS_STORY_H
#define ASSAY_TESTS_STORY_H

#include "session/play.h"

struct story {
    struct str name, path;
    unsigned line;
    struct str config;  /* {keys} stands for the folder of the keys */
    struct str senders; /* the text of {keys}/senders */
    struct str zone;    /* with the keys in it */
    struct str host;    /* an address of our own, or empty */
    const struct letter *letter;
    const struct transaction *t; /* as it was answered */
    struct str log;
};

/* Prints it to stdout, a line for each thing: a word, and values with spaces and all that is not
 * ASCII as \xNN between them.
 *
 *     scenario NAME PATH:LINE
 *     config TEXT            senders TEXT          host ADDRESS
 *     name NAME STATUS       of the zone; STATUS: what it answers for types that it has no record
 * of record NAME TYPE TEXT  and of MX the preference behind it client NAME ADDRESS|- smtp|local
 * DAEMON MTA  helo NAME mail PATH ID AUTHTYPE AUTHUSER VERIFY SUBJECT rcpt PATH              header
 * NAME VALUE     body TEXT answer POINT ACTION CODE ENHANCED TEXT       of the verdict edit
 * delete|change|insert ORDINAL NAME VALUE log LINE               end
 */
void story_print(const struct story *story, struct arena *a);

#endif
