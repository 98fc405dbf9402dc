/* check.h - what one setting alone cannot tell: rules between options and the form of texts. */
#ifndef ASSAY_CONF_CHECK_H
#define ASSAY_CONF_CHECK_H

#include "conf/conf.h"

/* Complains of what does not fit; fills in what depends on other options. */
void conf_check(struct conf *conf, struct conf_problems *problems, struct arena *scratch);

/* Of the options `reports` (reports.c). */
void conf_check_reports(const struct conf *conf, struct conf_problems *problems,
                        struct arena *scratch);

/* That no two sockets are the same one (sockets.c). */
void conf_check_sockets(const struct conf *conf, struct conf_problems *problems,
                        struct arena *scratch);

/* Sets authserv-id from the host's name where it is absent. */
void conf_fill_authserv_id(struct conf *conf);

/* Notes the addresses that this host has now. */
void conf_fill_host_addresses(struct conf *conf);

/* This host's full name, normalised: the host name if it has a dot, else the full name that
 * hosts_file ("/etc/hosts") gives it. Never asks DNS, which may be dead when we start. False and
 * the short name if there is no full one. */
bool host_full_name(struct arena *a, struct str host, const char *hosts_file, struct str *name);

#endif
