/* mailfile.h - a message from a file as DKIM sees it: header fields, and a body with CRLF. */
#ifndef ASSAY_MILTER_MAILFILE_H
#define ASSAY_MILTER_MAILFILE_H

#include "mail/header.h"
#include "milter/commands/command.h"

struct mail_file {
    struct str text; /* as it came */
    bool crlf;       /* its lines end with CRLF */
    struct header_list headers;
    struct str body; /* with CRLF */
};

/* The text as SMTP carries it: where the first line ends with a bare LF, every LF becomes CRLF. */
struct str mail_with_crlf(struct arena *a, struct str text);

/* The text before it went into an mbox, which writes ">From " for "From " where a line begins. */
struct str mail_unquote_from(struct arena *a, struct str text);

/* Reads the file ("-": standard input). A message whose first line ends with a bare LF comes from a
 * Unix program that writes all lines so: in its body every bare LF becomes CRLF, as on its way
 * through SMTP. False after a complaint. */
bool mail_file_read(struct command *c, const char *path, struct mail_file *m);

#endif
