/* sandbox.h - what the daemon gives up once its sockets are open and it is its own user:
 * privileges, system calls (seccomp) and files (Landlock) that serving mail does not need. */
#ifndef ASSAY_MILTER_SANDBOX_H
#define ASSAY_MILTER_SANDBOX_H

#include <stdbool.h>

#include "conf/conf.h"

/* What was put up, for the log. */
struct sandbox {
    bool calls;         /* the filter of system calls */
    int files;          /* version of the kernel's Landlock; 0: there is none */
    struct str missing; /* why a wall is not there, as a phrase; empty: all are */
};

/* For good, for this thread and all that it will start: call it before there are others. What
 * cannot be put up is left out and told in *made (in `a`): mail goes on. */
void sandbox_enter(const struct conf *conf, struct arena *a, struct sandbox *made);
/* In one line. */
void sandbox_log(const struct sandbox *made);

/* The parts. False or 0 and *problem. */
bool sandbox_filter_calls(struct arena *a, struct str *problem);
int sandbox_restrict_files(const struct conf *conf, struct arena *a, struct str *problem);
/* False: a build with sanitizers, which need some of the calls that are refused otherwise. */
bool sandbox_is_strict(void);

/* What the daemon of this configuration must not be able to do, and what it must, each tried within
 * the sandbox and without it in a process of its own, and printed. Needs to be root, or the
 * daemon's user. An exit status: 0 all is as it should be, 1 something is not, 69 there is no
 * sandbox here. */
int sandbox_try(const char *conf_path);

#endif
