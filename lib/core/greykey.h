/* greykey.h - the keys under which greylisting remembers: "g:n:192.0.2.0/24", "g:d:example.com". */
#ifndef ASSAY_CORE_GREYKEY_H
#define ASSAY_CORE_GREYKEY_H

#include "conf/conf.h"

#define GREYKEY_PREFIX "g:"

/* Of the network that the client is in, as wide as the configuration says. */
struct str greykey_of_client(const struct conf *conf, const struct netaddr *client,
                             struct arena *a);

/* Of a normalised domain. */
struct str greykey_of_domain(struct str domain, struct arena *a);

/* True for a domain that strangers have domains below, such as com and co.uk: they have nothing in
 * common, and greylisting has no key for it. The latter needs conf->suffixes. */
bool greykey_is_shared(const struct conf *conf, struct str domain, struct arena *a);

/* For people: "network 192.0.2.0/24", "domain example.com"; clean. */
struct str greykey_words(struct str key, struct arena *a);

#endif
