/* config_bounds.h - what `assay config show --bounds` prints. */
#ifndef ASSAY_MILTER_CONFIG_BOUNDS_H
#define ASSAY_MILTER_CONFIG_BOUNDS_H

#include "milter/commands/command.h"

/* A table, or JSON: {"parts": [{part, option, formula, bytes}], "sum": N, "others": [...]}. */
void config_show_bounds(struct command *command, const struct conf *conf);

#endif
