/* main.c - the program's entry.
 *
 * Errors: exit status 64 for a wrong call. */
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argv;
    printf("assay %s\n", ASSAY_VERSION);
    return argc > 1 ? 64 : 0;
}
