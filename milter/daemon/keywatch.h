/* keywatch.h - the keys of key directories, while the daemon runs: looks their records up from time
 * to time, lets the keys live (keys/lifecycle.h), and puts those in force that are to sign. */
#ifndef ASSAY_MILTER_KEYWATCH_H
#define ASSAY_MILTER_KEYWATCH_H

#include "keys/keydir.h"
#include "milter/daemon/runtime.h"

/* Belongs to the main thread, as all of its functions do. */
struct keywatch;

struct keywatch *keywatch_new(struct runtime *rt);
/* Waits for the look that is under way. NULL is allowed. */
void keywatch_free(struct keywatch *w);

/* Before a candidate is installed: reads its key directories with what is known of them, and gives
 * the candidate the keys that are to sign. The generation (NULL: no directories) is for
 * keywatch_adopt() once the candidate is in force, or for keydirs_free(). */
struct keydirs *keywatch_prepare(struct keywatch *w, struct candidate *c);
void keywatch_adopt(struct keywatch *w, struct keydirs *dirs);

/* Does what is due; call it after every event. */
void keywatch_run(struct keywatch *w);

/* Milliseconds until something is due; -1: nothing will be. While a look at the DNS is under way
 * the runtime's bell rings at its end. */
int keywatch_timeout(const struct keywatch *w);

#endif
