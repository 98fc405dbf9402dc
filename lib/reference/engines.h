/* engines.h - libspf2 and libopendkim as engines of the stages.
 *
 * Our own libraries always check first: they fetch the DNS, and theirs is the result wherever the
 * library gives none (refused, crashed, late, busy, absent) or was not asked. Whichever of the two
 * says that the result cannot be known now, the other's counts only so far:
 *
 *   ours cannot be known now     that is the result. The library had the same DNS trouble, and what
 *                                it takes for firm rests on a look-up that was not answered.
 *   theirs cannot be known now   ours is the result: nothing that it needed is missing. Whatever
 *                                libspf2 makes of a look-up that was not answered, it counts so.
 *
 * What options of ours demand of a signature (dkim.min-key-bits, dkim.partial-body,
 * dkim.clock-skew) holds with any engine. */
#ifndef ASSAY_REFERENCE_ENGINES_H
#define ASSAY_REFERENCE_ENGINES_H

#include "conf/conf.h"
#include "core/engine.h"
#include "reference/reference.h"

/* True if the configuration wants the libraries for anything. */
bool reference_wanted(const struct conf *conf);

/* The engines that the configuration names; they live in `a` and ask `r`. */
const struct engines *reference_engines(const struct conf *conf, struct reference *r,
                                        struct arena *a);

/* The parts; each lives in `a`. */
const struct spf_engine *reference_spf_engine(struct reference *r, struct arena *a);
const struct dkim_engine *reference_dkim_engine(struct reference *r, struct arena *a);

#endif
