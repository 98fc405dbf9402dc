/* neversigned.c - header fields that are removed, added or reordered on the way (RFC 6376 5.4), or
 * cannot be named in a signature, whatever an operator says.
 *
 * Errors: none. */
#include "mail/neversigned.h"

static const struct {
    struct str name;
    const char *why;
} fields[] = {
    {STR_INIT("return-path"), "it is written anew on delivery (RFC 5321 4.4)"},
    {STR_INIT("received"), "it is added by every MTA on the way (RFC 5321 4.4)"},
    {STR_INIT("bcc"), "it is removed before others see the message (RFC 5322 3.6.3)"},
    {STR_INIT("resent-bcc"), "it is removed before others see the message (RFC 5322 3.6.6)"},
    {STR_INIT("content-length"), "it is counted anew wherever the message is stored"},
    {STR_INIT("authentication-results"), "it is removed and added by receivers (RFC 8601 5)"},
    {STR_INIT("dkim-signature"), "it is added on the way, and in any order (RFC 6376 4.2)"},
};

const char *never_signed(struct str name)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_eq_nocase(name, fields[i].name))
            return fields[i].why;
    if (str_find(name, 0, ';') < name.n)
        return "it has a semicolon, which ends the list of signed fields (RFC 6376 3.2)";
    return NULL;
}
