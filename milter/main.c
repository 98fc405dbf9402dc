/* main.c - the program: milter/commands has its commands. */
#include <string.h>

#include "milter/commands/command.h"
#include "milter/daemon/identity.h"

int main(int argc, char **argv)
{
    static char version[] = "version";
    identity_hide_memory();
    if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")))
        argv[1] = version;
    return frame_main(&assay_command, argc, argv);
}
