/* daemon.h - the daemon from its start to its end. */
#ifndef ASSAY_DAEMON_DAEMON_H
#define ASSAY_DAEMON_DAEMON_H

#include <stdbool.h>

#include "base/log.h"

/* What the command line says. */
struct daemon_words {
    const char *conf_path;
    enum log_sink sink;
    bool debug; /* log debug lines too, whatever log-level says */
};

/* Serves until SIGTERM, in the calling thread, which has to be the first of the process. An exit
 * status of sysexits.h, with which the process should end at once. */
int daemon_run(const struct daemon_words *words);

#endif
