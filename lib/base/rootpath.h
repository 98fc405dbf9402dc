/* rootpath.h - may root trust a path? */
#ifndef ASSAY_BASE_ROOTPATH_H
#define ASSAY_BASE_ROOTPATH_H

#include <stdbool.h>

/* True if nobody but root can change what the absolute path of a directory leads to, nor what is in
 * it: the directory, those above it, and symbolic links on the way belong to root, and nobody else
 * may write there (a directory above may be sticky, as /tmp is). False too if it cannot be known.
 */
bool only_root_changes(const char *directory);

#endif
