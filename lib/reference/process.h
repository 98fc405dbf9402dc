/* process.h - one worker process and the socket to it. Internal to lib/reference. */
#ifndef ASSAY_REFERENCE_PROCESS_H
#define ASSAY_REFERENCE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"

struct process {
    pid_t pid;
    int fd; /* our end */
};

/* The path of assay-reference, in `a`: beside the running program if there is one, else where it is
 * installed. */
const char *process_find_program(struct arena *a);

/* Starts the program with nothing but a socket as descriptor 3: no environment, no words, no other
 * descriptor of ours. False: errno says why. */
bool process_start(const char *program, struct process *out);

/* True if it has ended, or says something unasked. */
bool process_is_lost(const struct process *p);

/* Ends it at once and reaps it; how it had ended, as waitpid() says, if it had. */
int process_end(struct process *p);

/* "was ended by SIGSEGV", "ended with status 1". */
struct str process_ending(struct arena *a, int status);

#endif
