/* figures.h - what the load generators share: sockets, files, times, and the line that they print.
 *
 * Errors: die(). */
#ifndef ASSAY_BENCH_FIGURES_H
#define ASSAY_BENCH_FIGURES_H
#include <stddef.h>

/* Ends the program with status 1, its name, a phrase and errno. */
_Noreturn void die(const char *what);

/* A connection to a path or to a port of 127.0.0.1, which does not wait with small packets. */
int open_socket(const char *address);

/* Milliseconds of a clock that only goes forward. */
double now_ms(void);

/* The text of a file and a NUL; n: its bytes. It is the caller's, to be freed with free(). */
char *read_file(const char *path, size_t *n);

/* Prints "items seconds p50 p99 well" and flushes; took: the times of n items in ms, which are
 * sorted here. */
void print_figures(double *took, size_t n, double seconds, size_t well);

#endif
