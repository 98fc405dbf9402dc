/* keygen_print.h - what `assay dkim keygen` and `assay dkim rotate` print. */
#ifndef ASSAY_MILTER_KEYGEN_PRINT_H
#define ASSAY_MILTER_KEYGEN_PRINT_H

#include <stdio.h>

#include "base/json.h"
#include "conf/conf.h"
#include "keys/keygen.h"

/* The keys as JSON (assay-dkim(1) describes it), on standard output. */
void keygen_print_json(const struct generated_key *keys, size_t n, struct arena *a);

/* One of them: the members of an object that is opened and ended here. */
void keygen_json_key(struct json *j, const char *name, const struct generated_key *key);

/* For people: the record of one key, for a zone file and for a web form. */
void keygen_print_record(FILE *to, const struct generated_key *key);

/* For people: the record to publish, the entry for assay.conf, and what to do next. `group`: the
 * group that can be given the right to read the key, or NULL. */
void keygen_print(FILE *to, const struct generated_key *keys, size_t n, const char *group,
                  struct arena *a);

/* For people: a key that was made for a key directory, and what happens next. */
void keygen_print_rotated(FILE *to, const struct conf *conf, const struct generated_key *key,
                          struct arena *a);

#endif
