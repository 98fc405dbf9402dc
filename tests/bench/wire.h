/* wire.h - the milter protocol from the side of the MTA: one connection, its packets, negotiation
 * and macros.
 *
 * Errors: die() (figures.h). */
#ifndef ASSAY_BENCH_WIRE_H
#define ASSAY_BENCH_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_BUFFER 4096
#define WIRE_STAGES 7
#define WIRE_REPLY  131072 /* a packet of a filter, cut to it */

struct header;

struct wire {
    int fd;
    size_t n_out, n_in, at_in;
    char out[WIRE_BUFFER], in[WIRE_BUFFER];
    uint32_t steps;                  /* SMFIP_ flags, as negotiated */
    char wanted[WIRE_STAGES][256];   /* names of macros that the filter asked for */
    bool asked;                      /* did it ask for any? */
    bool accepted_session, accepted; /* it wants no more of this connection, of this message */
    char reply[WIRE_REPLY];
};

struct macro {
    const char *name, *value; /* NULL: not known */
};

/* Connects to a path, or a port of 127.0.0.1, and negotiates. */
void wire_open(struct wire *w, const char *socket);
void wire_close(struct wire *w);

/* Buffers a packet. */
void wire_put(struct wire *w, char command, const char *data, size_t n);

/* Buffers a packet of two strings and their NULs. */
void wire_put_pair(struct wire *w, char command, const char *a, size_t n_a, const char *b,
                   size_t n_b);

/* Buffers the macros that the filter wants with this command. */
void wire_put_macros(struct wire *w, char command, size_t stage, const struct macro *macros,
                     size_t count);

#define WIRE_MACROS(w, command, stage, ...)                                                        \
    wire_put_macros(w, command, stage, (const struct macro[]){__VA_ARGS__},                        \
                    sizeof((const struct macro[]){__VA_ARGS__}) / sizeof(struct macro))

/* The answer to a step: its kind, 'c' where the filter has said that it gives none. Edits before it
 * are applied to the header, where there is one. */
char wire_answer(struct wire *w, uint32_t no_reply, struct header *edited);

#endif
