/* dmarc_rig.h - what the tests of dmarc_evaluate() and dmarc_prefetch() share: a resolver with a
 * zone, an asker, a request. */
#ifndef ASSAY_TESTS_UNIT_DMARC_RIG_H
#define ASSAY_TESTS_UNIT_DMARC_RIG_H

#include "test.h"

#include "dmarc/dmarc.h"

struct setting {
    struct arena *arena;
    struct dns *dns;
    struct dns_asker asker;
    struct dmarc_request request;
    struct dmarc_outcome outcome;
    struct dmarc_identifier ids[16];
    struct strbuf steps;
};

static inline void add_step(void *context, unsigned depth, struct str text)
{
    struct strbuf *steps = context;
    sb_printf(steps, "%u %.*s\n", depth, STR_ARG(text));
}

static inline struct setting *open_zone(const char *zone, const char *author)
{
    struct arena *a = arena_new(0);
    struct setting *s = arena_make(a, struct setting);
    struct str problem = STR_NONE;
    s->arena = a;
    s->dns = dns_open_zone(str_of(zone), a, &problem);
    assert_str(problem, "");
    assert_non_null(s->dns);
    s->asker = (struct dns_asker){.dns = s->dns, .arena = a, .patience_us = 1000000};
    sb_init(&s->steps, a);
    s->request = (struct dmarc_request){.author_domain = str_of(author),
                                        .ids = s->ids,
                                        .step = add_step,
                                        .step_context = &s->steps};
    return s;
}

static inline void add(struct setting *s, bool spf, enum dmarc_auth auth, const char *domain)
{
    s->ids[s->request.n_ids++] = (struct dmarc_identifier){str_of(domain), auth, spf};
}

static inline void evaluate(struct setting *s)
{
    dmarc_evaluate(&s->request, &s->asker, &s->outcome);
}

static inline void close_zone(struct setting *s)
{
    struct dns *dns = s->dns; /* *s dies with the arena, and so do the answers that it holds */
    arena_free(s->arena);
    dns_close(dns);
}

#endif
