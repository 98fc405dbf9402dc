/* overrides.h - what libmilter gets instead of some functions of libc: see overrides.c. */
#ifndef ASSAY_MILTER_OVERRIDES_H
#define ASSAY_MILTER_OVERRIDES_H

/* MTAs connect over TCP: what they write is acknowledged at once. Before the first connection. */
void overrides_acknowledge_at_once(void);

#endif
