/* milter_packet.h - packets of the milter protocol, versions 2 to 6, as Sendmail and Postfix speak
 * it: four bytes of length, a letter, data. No state, no connection: bytes in, views out. */
#ifndef ASSAY_MILTER_SERVE_MILTER_PACKET_H
#define ASSAY_MILTER_SERVE_MILTER_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "milter/serve/mta.h"

#define MILTER_VERSION_MIN 2
#define MILTER_VERSION_MAX 6
/* Bytes of a packet. Body chunks have 65535 at most, and Postfix cuts a header field at 60000. */
#define MILTER_PACKET_MAX   (256U << 10)
#define MILTER_MACROS_MAX   (32U << 10) /* bytes of all macros that a connection keeps */
#define MILTER_ARGUMENT_MAX 64          /* of MAIL and RCPT: more are not looked at */

/* What an MTA says. */
enum milter_command {
    MILTER_ABORT = 'A',
    MILTER_BODY = 'B',
    MILTER_CONNECT = 'C',
    MILTER_MACROS = 'D',
    MILTER_END_OF_MESSAGE = 'E',
    MILTER_HELO = 'H',
    MILTER_QUIT_NEW_CONNECTION = 'K',
    MILTER_HEADER = 'L',
    MILTER_MAIL = 'M',
    MILTER_END_OF_HEADER = 'N',
    MILTER_NEGOTIATE = 'O',
    MILTER_QUIT = 'Q',
    MILTER_RCPT = 'R',
    MILTER_DATA = 'T',
    MILTER_UNKNOWN = 'U',
};

/* What it is told. */
enum milter_reply {
    MILTER_SAY_SHUTDOWN = '4',
    MILTER_SAY_ACCEPT = 'a',
    MILTER_SAY_REPLACE_BODY = 'b',
    MILTER_SAY_CONTINUE = 'c',
    MILTER_SAY_DISCARD = 'd',
    MILTER_SAY_CLOSE = 'f',
    MILTER_SAY_ADD_HEADER = 'h',
    MILTER_SAY_INSERT_HEADER = 'i',
    MILTER_SAY_CHANGE_HEADER = 'm',
    MILTER_SAY_PROGRESS = 'p',
    MILTER_SAY_QUARANTINE = 'q',
    MILTER_SAY_REJECT = 'r',
    MILTER_SAY_SKIP = 's',
    MILTER_SAY_TEMPFAIL = 't',
    MILTER_SAY_REPLY_CODE = 'y',
};

struct milter_packet {
    char command;
    const char *data;
    size_t n;
};

/* The length of the first packet with its head: 0 if not all of it is there, -1 and *problem if it
 * is none. */
ptrdiff_t milter_frame(const char *data, size_t n, const char **problem);
struct milter_packet milter_packet(const char *frame, size_t n); /* of a whole frame */

struct milter_negotiation {
    uint32_t version;
    struct mta_offer offer;
};

/* Each reads the data of one command; false if they are malformed. Texts are views of the data. */
bool milter_read_negotiation(const struct milter_packet *p, struct milter_negotiation *out);
bool milter_read_connect(const struct milter_packet *p, struct mta_client *out);
bool milter_read_text(const struct milter_packet *p, const char **out); /* one, with its NUL */
/* At least one text; *out ends with NULL. */
bool milter_read_arguments(const struct milter_packet *p, const char *out[MILTER_ARGUMENT_MAX + 1]);
bool milter_read_header(const struct milter_packet *p, const char **name, const char **value);
/* A command's letter, then pairs of name and value. */
bool milter_read_macros(const struct milter_packet *p, char *command);

/* The value of a macro in the pairs behind the letter, or NULL. `name` has no braces. */
const char *milter_find_macro(const char *pairs, size_t n, const char *name);

#endif
