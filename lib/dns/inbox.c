/* inbox.c - a queue with many writers and one reader, woken through an eventfd.
 *
 * Errors: only opening can fail. */
#include "dns/inbox.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool dns_inbox_open(struct dns_inbox *inbox)
{
    inbox->first = NULL;
    inbox->last = &inbox->first;
    inbox->closed = false;
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return inbox->fd >= 0;
}

void dns_inbox_free(struct dns_inbox *inbox)
{
    if (inbox->fd >= 0)
        close(inbox->fd);
    pthread_mutex_destroy(&inbox->lock);
}

/* Writing only fails when the counter is full, and then the reader wakes anyway. */
static void wake(const struct dns_inbox *inbox)
{
    uint64_t one = 1;
    ssize_t written = write(inbox->fd, &one, sizeof one);
    (void)written;
}

void dns_inbox_put(struct dns_inbox *inbox, struct dns_inbox_item *item)
{
    item->next = NULL;
    pthread_mutex_lock(&inbox->lock);
    bool was_empty = !inbox->first;
    *inbox->last = item;
    inbox->last = &item->next;
    pthread_mutex_unlock(&inbox->lock);
    if (was_empty)
        wake(inbox);
}

void dns_inbox_close(struct dns_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->closed = true;
    pthread_mutex_unlock(&inbox->lock);
    wake(inbox);
}

bool dns_inbox_take(struct dns_inbox *inbox, struct dns_inbox_item **items)
{
    uint64_t count;
    /* Before the queue is emptied: what comes after that wakes again. */
    ssize_t got = read(inbox->fd, &count, sizeof count);
    (void)got;
    pthread_mutex_lock(&inbox->lock);
    *items = inbox->first;
    inbox->first = NULL;
    inbox->last = &inbox->first;
    bool go_on = !inbox->closed;
    pthread_mutex_unlock(&inbox->lock);
    return go_on;
}
