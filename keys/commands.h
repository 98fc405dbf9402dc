/* commands.h - the `assay dkim` commands. */
#ifndef ASSAY_KEYS_COMMANDS_H
#define ASSAY_KEYS_COMMANDS_H

/* argv[0] is "dkim". Returns the exit status (sysexits.h): 0, or 64 for a wrong call, 73 if a file
 * cannot be made, 70 if OpenSSL fails. */
int dkim_command(int argc, char **argv);

#endif
