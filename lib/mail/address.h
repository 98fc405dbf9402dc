/* address.h - the addresses of the envelope (RFC 5321) and of From (RFC 5322). */
#ifndef ASSAY_MAIL_ADDRESS_H
#define ASSAY_MAIL_ADDRESS_H

#include "base/str.h"
#include "mail/header.h"

/* An envelope path as milters see it: "<a@b>", bare "a@b", "<@x,@y:a@b>", "<\"a b\"@c>", "<>",
 * "<bob>", "<a@[192.0.2.1]>", UTF-8. */
struct mail_path {
    bool null;         /* <> */
    struct str local;  /* local part as sent, quotes kept; without domain: everything */
    struct str domain; /* as sent, with case, trailing dot, U-labels, brackets; may be empty */
    struct str whole;  /* local@domain, or local alone; empty for the null path */
};

/* False if it cannot be understood: then it is not the null path, local and domain are empty, and
 * whole is what stands there, for people. Parts point into `text`. */
bool mail_path_parse(struct str text, struct mail_path *out);

/* One mailbox of a From field. */
struct mailbox {
    struct str local;  /* quotes and escapes as written */
    struct str domain; /* normalised (domain.h); empty if domain_ok is false */
    bool domain_ok;    /* false: literal, or no domain name */
};

enum from_status {
    FROM_OK,        /* n >= 1 mailboxes */
    FROM_UNPARSED,  /* does not parse, but every reading of it names one domain */
    FROM_NO_DOMAIN, /* is well formed and names no domain: empty groups, address literals */
    FROM_EMPTY,     /* the same, and has "<>" for an address: fit for bounces */
    FROM_MISSING,   /* no From field */
    FROM_SEVERAL,   /* more than one From field: none of them is read */
    FROM_SYNTAX,    /* cannot be parsed */
    FROM_TOO_MANY,  /* more than FROM_MAX_MAILBOXES */
};

#define FROM_MAX_MAILBOXES 64

struct from_parsed {
    enum from_status status;
    struct str problem; /* a phrase for people when status is not FROM_OK; ASCII, clean */
    size_t n;
    struct mailbox *mailboxes; /* FROM_UNPARSED: all that can be read, of one domain */
    bool doubtful; /* FROM_UNPARSED: there may be others, with another local part in that domain */
};

/* True if the field gives no author domain and should have one, for all that is known of the text
 * (FROM_EMPTY is right in a bounce). */
static inline bool from_is_bad(enum from_status status)
{
    return status != FROM_OK && status != FROM_UNPARSED && status != FROM_NO_DOMAIN;
}

/* RFC 5322 3.6.2 with 4.1 and 4.4 (obsolete routes, groups, comments, white space, control
 * characters in quotes) and RFC 6532 (UTF-8); dots at the end of a local part and doubled ones are
 * allowed, because there are such addresses. What does not parse is never guessed at: it is
 * FROM_SYNTAX, unless each at sign in it, however it is read, has one and the same domain behind it
 * (readings.h). Neither does a field without a domain hide one: an at sign in a name makes it
 * FROM_SYNTAX. Time and memory are linear. */
void from_parse(struct arena *a, const struct header_list *headers, struct from_parsed *out);
/* The same for one field's value. */
void from_parse_value(struct arena *a, struct str value, struct from_parsed *out);

#endif
