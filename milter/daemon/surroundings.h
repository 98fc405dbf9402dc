/* surroundings.h - what a configuration needs of the machine: directories, groups, rights. */
#ifndef ASSAY_MILTER_SURROUNDINGS_H
#define ASSAY_MILTER_SURROUNDINGS_H

#include "conf/conf.h"

/* Looks at what a start, a reload and the life of keys will need, with the rights of the daemon's
 * user where the process may take them. What would stop the start is added to `problems`; what may
 * be right, or costs less than that, to `warnings`. `conf` was read from `path`. */
void surroundings_check(const struct conf *conf, const char *path, struct conf_problems *problems,
                        struct conf_problems *warnings);

/* Only what can be said without looking at the machine: names and networks. */
void surroundings_check_names(const struct conf *conf, struct conf_problems *warnings);

#endif
