/* inbox.h - how questions reach a backend's own thread: a queue and a descriptor to poll. */
#ifndef ASSAY_DNS_INBOX_H
#define ASSAY_DNS_INBOX_H

#include <pthread.h>
#include <stdbool.h>

struct dns_inbox_item {
    struct dns_inbox_item *next;
};

struct dns_inbox {
    int fd; /* readable when something came or the end has come */
    pthread_mutex_t lock;
    struct dns_inbox_item *first, **last;
    bool closed;
};

/* False, with errno set, if there is no descriptor left. */
bool dns_inbox_open(struct dns_inbox *inbox);

/* From any thread; never blocks. */
void dns_inbox_put(struct dns_inbox *inbox, struct dns_inbox_item *item);

/* Tells the reader that the end has come. */
void dns_inbox_close(struct dns_inbox *inbox);

/* The reader takes all that came, oldest first; false when the end has come. */
bool dns_inbox_take(struct dns_inbox *inbox, struct dns_inbox_item **items);

void dns_inbox_free(struct dns_inbox *inbox);

#endif
