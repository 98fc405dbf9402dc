/* keygen_command.h - `assay dkim keygen`: its words, and what it prints. */
#ifndef ASSAY_KEYS_KEYGEN_COMMAND_H
#define ASSAY_KEYS_KEYGEN_COMMAND_H

#include <stdio.h>

#include "keys/keygen.h"

/* argv[0] is "keygen". Returns the exit status. */
int keygen_command(int argc, char **argv);

/* The keys as JSON (assay-dkim(1) describes it). */
void keygen_print_json(FILE *to, const struct generated_key *keys, size_t n, struct arena *a);

/* For people: the record to publish, the entry for assay.conf, and what to do next. `group`: who
 * can be given the right to read the key, or NULL. */
void keygen_print(FILE *to, const struct generated_key *keys, size_t n, const char *group,
                  struct arena *a);

#endif
