/* header.h - the header of a message under the edits of filters: a text of lines that end with
 * CRLF, without the empty line.
 *
 * Errors: die() (figures.h). */
#ifndef ASSAY_BENCH_HEADER_H
#define ASSAY_BENCH_HEADER_H
#include <stddef.h>

#define HEADER_MAX 131072

struct header {
    size_t size;
    char text[HEADER_MAX + 1]; /* a string */
};

/* Takes a copy of n bytes. */
void header_set(struct header *h, const char *text, size_t n);

/* The end of the field that begins at `at`: the next field, or the end of the header. */
char *header_next(char *at);

/* Applies one packet of a filter: SMFIR_ADDHEADER, SMFIR_INSHEADER or SMFIR_CHGHEADER; others
 * change nothing. own_space: the values bring the space behind the colon (SMFIP_HDR_LEADSPC). */
void header_edit(struct header *h, char kind, char *data, size_t n, int own_space);

#endif
