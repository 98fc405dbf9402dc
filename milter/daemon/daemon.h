/* daemon.h - `assay milter`: the daemon from its start to its end. */
#ifndef ASSAY_DAEMON_DAEMON_H
#define ASSAY_DAEMON_DAEMON_H

#define DEFAULT_CONF "/etc/assay/assay.conf"

/* argv[0] is "milter". The exit status (sysexits.h). */
int command_milter(int argc, char **argv);

#endif
