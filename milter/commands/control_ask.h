/* control_ask.h - asks the running daemon by its control socket. */
#ifndef ASSAY_MILTER_CONTROL_ASK_H
#define ASSAY_MILTER_CONTROL_ASK_H

#include "base/str.h"

/* One question ("metrics\n"), and the whole answer (in `a`). 0, or an errno: EACCES if we may not
 * ask; ENOENT or ECONNREFUSED if no daemon answers. */
int control_ask(struct str path, const char *question, struct arena *a, struct str *answer);

#endif
