/* mta.h - one MTA process as Postfix is one: the connections to its filters, and the message that
 * they pass from one to the next.
 *
 * Commands are buffered up to 4096 bytes and sent when an answer is awaited; macros are those that
 * the filter asked for, or Postfix's defaults. Each step of the envelope goes to one filter after
 * the other; then each gets the whole message, with the header as the ones before it left it.
 *
 * Errors: die(). */
#ifndef ASSAY_BENCH_MTA_H
#define ASSAY_BENCH_MTA_H
#include <stdbool.h>
#include <stddef.h>

struct letter {
    char *text; /* the file; the words of its first line are cut out of it */
    char *client, *helo, *sender, *recipient, *user;
    char *header, *body; /* the header ends with its empty line, where the body begins */
    size_t body_size;
    const struct letter *same_client; /* the next one from there, around again */
};

struct mta;

enum fate { FATE_ACCEPTED, FATE_REFUSED_AT_MAIL, FATE_REFUSED };

/* An MTA for these filters: paths of Unix sockets or ports of 127.0.0.1, separated by commas. */
struct mta *mta_new(const char *sockets);
void mta_free(struct mta *mta);

/* Opens and closes the connections to all filters, for mail from the client of `letter`. */
void mta_connect(struct mta *mta, const struct letter *letter);
void mta_quit(struct mta *mta);

/* The envelope of a message; where `number` is not negative it stands for each run of eight zeros
 * in the sender and the header. Then, if it was accepted, the content. Then the end. */
enum fate mta_envelope(struct mta *mta, const struct letter *letter, long number);
enum fate mta_content(struct mta *mta, const struct letter *letter);
void mta_end(struct mta *mta);

/* Are these words in the header that the last message came out with? */
bool mta_header_has(const struct mta *mta, const char *words);

#endif
