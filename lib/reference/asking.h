/* asking.h - one question to a library, under way. Internal to lib/reference.
 *
 *   asking.c                          the conversation with a worker
 *   ask_spf.c ask_dkim.c ask_dmarc.c  what is asked and what comes of it
 *   vet.c                             what may be given to a library
 *   pool.c process.c channel.c        workers, and how to talk to one */
#ifndef ASSAY_REFERENCE_ASKING_H
#define ASSAY_REFERENCE_ASKING_H

#include <sys/uio.h>

#include "reference/messages.h"
#include "reference/pool.h"

struct reference {
    struct arena *arena;
    struct pool *pool;
    int64_t time_limit_ms;
    struct hello hello;
};

struct asking {
    struct reference *r;
    enum reference_library library;
    struct dns_asker *asker;
    struct arena *scratch; /* ends with the question */
    struct arena *reply;   /* for one answer from DNS at a time */
    struct iovec *parts;   /* the job, as it is sent */
    size_t n, cap;
    /* Takes a RESULT: false if this worker may not say it. What is kept has to be copied. */
    bool (*read)(struct asking *q, struct str payload, void *context);
    void *context;
    struct reference_report report;
    struct str refused; /* why, if DNS brought what the library is not given */
    int64_t left_us;
    unsigned questions_max; /* that are answered */
    bool insecure;          /* some answer was not protected by DNSSEC */
};

void asking_begin(struct asking *q, struct reference *r, enum reference_library library,
                  struct dns_asker *asker);

/* No more than so many of its questions are answered: what a message may ask for. */
void asking_limit(struct asking *q, unsigned questions);

/* Adds bytes to the job; they have to stay where they are. */
void asking_add(struct asking *q, const void *p, size_t n);

/* It is not asked: `why` is clean. */
void asking_refuse(struct asking *q, struct str why);

/* Asks, with `read` and `context` set. */
void asking_run(struct asking *q);

/* The end of it. */
struct reference_report asking_end(struct asking *q);

#endif
