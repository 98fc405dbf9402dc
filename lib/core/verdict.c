/* verdict.c - the words of a verdict.
 *
 * Errors: none. */
#include "core/verdict.h"

const char *point_name(enum policy_point point)
{
    static const char *const names[] = {"mail", "rcpt", "data", "end"};
    return names[point];
}

const char *override_name(enum override_reason reason)
{
    static const char *const names[] = {"none", "local_policy", "mailing_list", "trusted_forwarder",
                                        "policy_test_mode"};
    return names[reason];
}
