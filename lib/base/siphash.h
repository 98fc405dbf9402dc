/* siphash.h - a keyed hash for tables whose keys come from the network.
 *
 * With a secret key nobody outside can aim names at one chain. */
#ifndef ASSAY_BASE_SIPHASH_H
#define ASSAY_BASE_SIPHASH_H

#include <stdint.h>

#include "base/str.h"

/* SipHash-1-3 (Aumasson and Bernstein, 2012) of the text. */
uint64_t siphash13(const uint64_t key[2], struct str text);

#endif
