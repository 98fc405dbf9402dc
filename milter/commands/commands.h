/* commands.h - the commands of the program. Each gets its words, its own name first, and returns
 * the exit status (sysexits.h). */
#ifndef ASSAY_MILTER_COMMANDS_H
#define ASSAY_MILTER_COMMANDS_H

#include "milter/daemon/daemon.h" /* command_milter(), DEFAULT_CONF */

int command_config(int argc, char **argv);
int command_check(int argc, char **argv);
int command_dkim(int argc, char **argv);
int command_spf(int argc, char **argv);
int command_dmarc(int argc, char **argv);
int command_status(int argc, char **argv);
int command_metrics(int argc, char **argv);

#endif
