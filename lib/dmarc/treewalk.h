/* treewalk.h - the DNS tree walk (RFC 9989 4.10) where some answers may be missing. Internal to
 * lib/dmarc.
 *
 * An evaluation looks at each name once: walks share their nodes. A name whose look-up failed is an
 * unknown node: anything may be published there. What follows from a walk is sure if it follows
 * whatever the unknown nodes hold, and that is found out by supposing each thing in turn. */
#ifndef ASSAY_DMARC_TREEWALK_H
#define ASSAY_DMARC_TREEWALK_H

#include "dmarc/dmarc.h"

#define DMARC_WALK_MAX 8 /* RFC 9989 4.10: queries of one walk */

enum node_state {
    NODE_EMPTY, /* no record, or more than one */
    NODE_RECORD,
    NODE_UNKNOWN
};

/* What "_dmarc." and one domain leads to. */
struct dmarc_node {
    struct dmarc_node *next;
    struct str domain;
    enum node_state state;
    enum dns_status status;
    enum dns_security security;
    struct dmarc_record record; /* of NODE_RECORD; usable as dmarc_record_parse() says */
    bool usable;
    char supposed; /* psd= of the record that an unknown node is supposed to hold; '\0': none */
};

struct dmarc_walk {
    size_t n;
    struct dmarc_node *nodes[DMARC_WALK_MAX]; /* [0]: where the walk starts; upwards */
};

struct dmarc_walker {
    struct dns_asker *asker;
    const struct psl *psl; /* instead of walks; or NULL */
    dmarc_step_fn *step;   /* or NULL */
    void *step_context;
    struct dmarc_node *nodes; /* all names looked at */
    unsigned queries;
};

/* One name; asked for at the first call. Never NULL. */
struct dmarc_node *dmarc_look(struct dmarc_walker *walker, struct str domain);

/* The walk from `domain` to where a known psd=n or psd=y ends it, or to the top. */
void dmarc_walk(struct dmarc_walker *walker, struct str domain, struct dmarc_walk *out);

/* The same without asking: false if that walk was not made. */
bool dmarc_walk_seen(struct dmarc_walker *walker, struct str domain, struct dmarc_walk *out);

/* How many look-ups that walk can make: those of names that were not looked at yet. */
unsigned dmarc_walk_cost(const struct dmarc_walker *walker, struct str domain);

/* The lowest unknown node, or NULL. */
const struct dmarc_node *dmarc_walk_unknown(const struct dmarc_walk *walk);

/* The organizational domain (RFC 9989 4.10.2), if it is the same whatever unknown nodes hold. */
bool dmarc_walk_organizational(struct dmarc_walk *walk, struct str *out);

/* The node whose record is the policy for the domain where the walk starts (RFC 9989 4.10.1), NULL
 * if there is none. The walk has no unknown node. */
const struct dmarc_node *dmarc_walk_policy(struct dmarc_walk *walk);

/* Have the two starts one organizational domain? */
enum dmarc_aligned { DMARC_UNALIGNED, DMARC_ALIGNED, DMARC_ALIGNED_UNKNOWN };
enum dmarc_aligned dmarc_walks_align(struct dmarc_walk *a, struct dmarc_walk *b);

/* A step for --explain; its arguments are only worked out where there is a listener. Those from the
 * network are made safe before. */
#define dmarc_step(walker, ...) ((walker)->step ? dmarc_say((walker), __VA_ARGS__) : (void)0)
void dmarc_say(struct dmarc_walker *walker, unsigned depth, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
