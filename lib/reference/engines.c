/* engines.c - which engines a configuration wants.
 *
 * Errors: none. */
#include "reference/engines.h"

bool reference_wanted(const struct conf *conf)
{
    return conf->spf_engine != SPF_BY_OWN || conf->dkim_engine != DKIM_BY_OWN ||
           conf->reference_sample > 0;
}

const struct engines *reference_engines(const struct conf *conf, struct reference *r,
                                        struct arena *a)
{
    struct engines *engines = arena_make(a, struct engines);
    *engines = engines_own;
    if (conf->spf_engine == SPF_BY_LIBSPF2)
        engines->spf = reference_spf_engine(r, a);
    if (conf->dkim_engine == DKIM_BY_LIBOPENDKIM)
        engines->dkim = reference_dkim_engine(r, a);
    return engines;
}
