/* address.h - the addresses of the envelope (RFC 5321) and of From (RFC 5322). */
#ifndef ASSAY_MAIL_ADDRESS_H
#define ASSAY_MAIL_ADDRESS_H

#include "base/str.h"
#include "mail/header.h"

/* An envelope path as milters see it: "<a@b>", bare "a@b", "<@x,@y:a@b>", "<\"a b\"@c>", "<>",
 * "<bob>", "<a@[192.0.2.1]>", UTF-8. */
struct mail_path {
    bool null;        /* <> */
    struct str local; /* local part as sent, quotes kept; without domain: everything */
    struct str
        domain; /* as sent: case, trailing dot, U-labels, brackets of a literal; may be empty */
    struct str whole; /* local@domain, or local alone; empty for the null path */
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
    FROM_OK,       /* n >= 1 mailboxes */
    FROM_MISSING,  /* no From field */
    FROM_SEVERAL,  /* more than one From field: none of them is read */
    FROM_SYNTAX,   /* cannot be parsed, or holds no mailbox (an empty group) */
    FROM_TOO_MANY, /* more than FROM_MAX_MAILBOXES */
};

#define FROM_MAX_MAILBOXES 64

struct from_parsed {
    enum from_status status;
    struct str problem; /* a phrase for people when status is not FROM_OK; ASCII, clean */
    size_t n;
    struct mailbox *mailboxes; /* in the arena */
};

/* RFC 5322 3.6.2 with 4.4 (obsolete routes, groups, comments, white space) and RFC 6532 (UTF-8).
 * One strict grammar: what it does not cover is FROM_SYNTAX, never a guess. */
void from_parse(struct arena *a, const struct header_list *headers, struct from_parsed *out);
/* The same for one field's value. */
void from_parse_value(struct arena *a, struct str value, struct from_parsed *out);

#endif
