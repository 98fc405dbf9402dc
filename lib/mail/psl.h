/* psl.h - organizational domains by a public suffix list, as RFC 7489 3.2 has them. */
#ifndef ASSAY_MAIL_PSL_H
#define ASSAY_MAIL_PSL_H

#include "base/arena.h"
#include "base/str.h"

/* A list. Immutable: threads may share it. Both its sections count, ICANN's and the private one. */
struct psl;

/* Reads the list `path`, as text (public_suffix_list.dat) or compiled (.dafsa). An empty path
 * stands for the system's list, and for the one built into libpsl if that is newer. NULL and
 * *problem, a phrase, if it cannot be read or is no such list. It lives as long as `a`. */
const struct psl *psl_open(struct arena *a, struct str path, struct str *problem);

/* The same from text: one rule a line. */
const struct psl *psl_parse(struct arena *a, struct str text, struct str *problem);

/* The organizational domain of a normalised domain: one label more than its public suffix, and the
 * domain itself where it is a public suffix. A part of `domain`. */
struct str psl_organizational(const struct psl *psl, struct str domain);

/* True for a public suffix by a rule of ICANN's section, such as com and co.uk: a registry gives
 * the names below it to anybody. */
bool psl_is_suffix(const struct psl *psl, struct str domain);

#endif
