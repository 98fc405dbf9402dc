/* worker.h - the parts of assay-reference.
 *
 *   main.c                            what it is started for
 *   serve.c                           jobs, one after the other, until it is time for a new worker
 *   channel.c                         frames on the socket
 *   spf2.c opendkim.c opendmarc.c     a library each: its conclusion in our words
 *   now.c                             the libraries' clock
 *   warm.c                            each library used once, so that what it loads is loaded
 *   sandbox.c                         no way out from here on
 *   try.c                             proof of that: what must not be possible, attempted
 *
 * Nothing here is shared with the process that asks but the socket. */
#ifndef ASSAY_REFERENCE_WORKER_H
#define ASSAY_REFERENCE_WORKER_H

#include "reference/messages.h"

/* Where a library's DNS questions go. Never returns NULL; the answer lives until the next one. */
struct resolver {
    const struct dns_answer *(*look_up)(struct resolver *r, struct str name, enum dns_type type);
};

/* ---- channel.c: every failure ends the process, as nobody is left to tell ---- */

struct channel {
    struct resolver resolver;
    struct arena *arena; /* of the last answer, or piece of a body */
};

void channel_init(struct channel *c);
/* The next frame, which is all that the arena holds then. False at the end of the stream. */
bool channel_read(struct arena *a, struct frame *frame);
/* All of `out`, which is empty then. */
void channel_write(struct strbuf *out);
/* Assay and this worker do not understand each other. */
_Noreturn void channel_broken(void);

/* ---- the libraries: `out` gets a RESULT or a REFUSAL ---- */

bool spf2_start(void); /* this, and the two below: once; false: it cannot be used */
struct str spf2_version(struct arena *a);
void spf2_answer(const struct job *job, struct resolver *r, struct arena *a, struct strbuf *out);

bool opendkim_start(void);
struct str opendkim_version(struct arena *a);
struct opendkim_work;
struct opendkim_work *opendkim_begin(const struct job *job, struct arena *a);
void opendkim_body(struct opendkim_work *work, struct str piece);
void opendkim_answer(struct opendkim_work *work, struct resolver *r, struct strbuf *out);

bool opendmarc_start(void); /* reads the public suffix list */
struct str opendmarc_version(struct arena *a);
void opendmarc_answer(const struct job *job, struct resolver *r, struct arena *a,
                      struct strbuf *out);

/* ---- now.c ---- */

/* time() in this process, the libraries' too; 0: the real time. */
void now_set(int64_t now);

/* ---- warm.c ---- */

void warm_up(void);

/* ---- serve.c ---- */

_Noreturn void serve(const struct hello *hello);

/* ---- sandbox.c ---- */

struct sandbox_limits {
    unsigned long memory; /* bytes of address space, libraries included */
    unsigned long cpu_s;
};
extern const struct sandbox_limits sandbox_limits;

/* Dies with its parent, from now on. */
void sandbox_follow_parent(void);
/* True if the process that made WORKER_SOCKET is still the parent: it may have died before we
 * followed it, and what it had written into the socket is nobody's any more. */
bool sandbox_has_parent(void);
/* Standard error becomes /dev/null, and nothing but WORKER_SOCKET stays open beside it; then the
 * kernel lets this process compute, and read and write that socket. False and *problem if it does
 * not do all of this; whether it filters system calls at all is found out while standard error is
 * there to tell it. */
bool sandbox_enter(const struct sandbox_limits *limits, const char **problem);
/* False for a build with sanitizers, which need what the sandbox denies. */
bool sandbox_is_built(void);

/* ---- try.c ---- */

/* Attempts the named thing ("all": each) in a process of its own, sandboxed or `outside`, and says
 * what became of it: 0 if it was refused, 1 if not, 64 if there is no such attempt. */
int try_attempt(const char *name, bool outside);
void try_list(void);

#endif
