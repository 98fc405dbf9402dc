/* no_overrides.c - what the daemon's library asks of milter/daemon/override_*.c, which belong to
 * the program alone: in a test libmilter and libc meet as they are. */
#include "milter/daemon/override.h"

void override_let_libmilter_log(bool let)
{
    (void)let;
}

void override_acknowledge_at_once(void)
{
}
