/* dkim_commands.h - the commands behind `assay dkim` that need a configuration. argv[0] is the
 * command's own name; each returns the exit status. */
#ifndef ASSAY_MILTER_DKIM_COMMANDS_H
#define ASSAY_MILTER_DKIM_COMMANDS_H

int dkim_list_command(int argc, char **argv);
int dkim_test_command(int argc, char **argv);
int dkim_rotate_command(int argc, char **argv);
int dkim_sign_command(int argc, char **argv);
int dkim_verify_command(int argc, char **argv);

#endif
