/* doors.h - how wide a configuration opens what only own clients and the mail server should have.
 */
#ifndef ASSAY_MILTER_DOORS_H
#define ASSAY_MILTER_DOORS_H

#include "conf/conf.h"

/* Warns of networks that hold strangers, of domains that hold them (com), and of sockets on all
 * addresses of the host. Looks at the configuration alone. */
void doors_check(const struct conf *conf, struct conf_problems *warnings);

/* Warns of sockets on addresses that this host does not have now: assay could not start. May ask
 * the DNS, for a socket at a host's name. */
void doors_check_addresses(const struct conf *conf, struct conf_problems *warnings);

#endif
