/* spf_rig.h - what the tests of spf_check() share: a resolver with a zone, an asker, a request. */
#ifndef ASSAY_TESTS_UNIT_SPF_RIG_H
#define ASSAY_TESTS_UNIT_SPF_RIG_H

#include "test.h"

#include "spf/spf.h"

/* Client 192.0.2.1, sender user@example.org. */
struct rig {
    struct arena *arena;
    struct dns_asker asker;
    struct spf_request request;
    struct spf_outcome out;
};

static inline struct rig rig_open_text(struct str zone)
{
    struct rig r = {.arena = arena_new(0)};
    struct str problem = STR("");
    r.asker = (struct dns_asker){.arena = r.arena, .patience_us = 10000000};
    r.asker.dns = dns_open_zone(zone, r.arena, &problem);
    if (!r.asker.dns)
        print_error("%.*s\n", STR_ARG(problem));
    assert_non_null(r.asker.dns);
    r.request = (struct spf_request){
        .helo = STR("mail.example.org"),
        .local = STR("user"),
        .domain = STR("example.org"),
        .receiver = STR("mx.example.net"),
        .now = 1700000000,
        .limits = spf_limits_default,
        .want_explanation = true,
    };
    assert_true(netaddr_parse(STR("192.0.2.1"), &r.request.client));
    return r;
}

static inline struct rig rig_open(const char *zone)
{
    return rig_open_text(str_of(zone));
}

static inline void rig_check(struct rig *r)
{
    spf_check(&r->request, &r->asker, &r->out);
}

static inline void rig_close(struct rig *r)
{
    struct dns *dns = r->asker.dns;
    arena_free(r->arena);
    dns_close(dns);
}

static inline void rig_expect(struct rig *r, const char *result, const char *mechanism)
{
    rig_check(r);
    assert_false(r->out.pending);
    if (strcmp(spf_result_name(r->out.result), result) != 0)
        print_error("problem: %.*s\n", STR_ARG(r->out.problem));
    assert_string_equal(spf_result_name(r->out.result), result);
    assert_str(r->out.mechanism, mechanism);
}

/* One zone, one check: result and mechanism. */
static inline void expect(const char *zone, const char *result, const char *mechanism)
{
    struct rig r = rig_open(zone);
    rig_expect(&r, result, mechanism);
    rig_close(&r);
}

/* The head, and then `each` for 1..n with the number for each '#'. */
static inline struct str many(struct arena *a, const char *head, const char *each, unsigned n)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, str_of(head));
    for (unsigned i = 1; i <= n; i++) {
        struct str rest = str_of(each), part;
        for (bool first = true; str_split(&rest, '#', &part); first = false) {
            if (!first)
                sb_printf(&b, "%u", i);
            sb_add(&b, part);
        }
    }
    return sb_str(&b);
}

#endif
