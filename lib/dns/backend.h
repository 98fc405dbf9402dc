/* backend.h - what answers the cache's questions: c-ares, libunbound, or a zone in memory. */
#ifndef ASSAY_DNS_BACKEND_H
#define ASSAY_DNS_BACKEND_H

#include "dns/dns.h"
#include "dns/name.h"
#include "dns/reply.h"

struct dns_question {
    enum dns_type type;
    struct dns_name name;
};

struct dns_entry; /* a question under way, see cache.h */

struct dns_backend {
    /* Starts a query; never blocks. dns_entry_finish(e) follows exactly once, from any thread,
     * perhaps before this returns; the backend touches the entry no more after that. */
    void (*ask)(struct dns_backend *b, struct dns_entry *e);
    /* On the thread that finishes queries: no resolver answers; there may be others by now. Or
     * NULL. */
    void (*silent)(struct dns_backend *b);
    /* Finishes what is under way at once, ends the backend's threads and frees it. */
    void (*close)(struct dns_backend *b);
};

const struct dns_question *dns_entry_question(const struct dns_entry *e);

/* Hands the answer over (`reply` becomes the entry's), wakes the threads that wait for it. */
void dns_entry_finish(struct dns_entry *e, struct dns_reply *reply);

/* The backends. NULL on failure, and *problem is a phrase (in `a`). */
struct dns_backend *dns_backend_zone(struct str zone_text, struct arena *a, struct str *problem);
struct dns_backend *dns_backend_cares(const struct dns_settings *settings, struct arena *a,
                                      struct str *problem);
struct dns_backend *dns_backend_unbound(const struct dns_settings *settings, struct arena *a,
                                        struct str *problem);

#endif
