/* stage_rig.h - a stage alone: facts that the test makes up, a zone, and a resolver that notes what
 * it is asked and may hold its answers back (dns_held.h), under a clock of the test's. */
#ifndef ASSAY_TESTS_UNIT_STAGE_RIG_H
#define ASSAY_TESTS_UNIT_STAGE_RIG_H

#include "test.h"

#include "core/gate.h"
#include "core/stage.h"
#include "dns_held.h"
#include "mail/address.h"

#define RIG_NOW 1800000000 /* of the message */

struct rig {
    struct arena *arena;
    struct conf *conf;
    struct dns *dns;
    struct session session;
    struct message message;
    struct evidence evidence;
    struct dns_asker asker;
    struct stage_run run;
};

static struct rig_resolver {
    struct strbuf asked; /* since rig_asked() */
    bool holds;          /* answers come with rig_answer() */
    int64_t now_us;
} rig_resolver;

static inline int64_t rig_clock(void)
{
    return rig_resolver.now_us;
}

static inline bool rig_note(const struct dns_question *q)
{
    struct arena *a = arena_new(0);
    sb_printf(&rig_resolver.asked, "%s%s %.*s", rig_resolver.asked.n ? ", " : "",
              dns_type_name(q->type), STR_ARG(dns_name_text(a, &q->name)));
    arena_free(a);
    return rig_resolver.holds;
}

/* All that is held back; what is asked from now on is answered at once. */
static inline void rig_answer(void)
{
    rig_resolver.holds = false;
    held_answer();
}

static inline struct dns *rig_open(const char *zone)
{
    struct dns *dns = held_open(zone, rig_note, rig_clock);
    rig_resolver = (struct rig_resolver){.now_us = INT64_C(1000000000)};
    sb_init(&rig_resolver.asked, held.zone.arena);
    return dns;
}

/* Conf behind its authserv-id; a message of <ann@a.example> by the client 192.0.2.1, without
 * header, whose queries are answered from the zone's text. */
static inline void rig_begin(struct rig *r, const char *conf, const char *zone)
{
    struct conf_problems problems;
    *r = (struct rig){.arena = arena_new(0)};
    conf_problems_init(&problems, r->arena);
    r->conf =
        conf_parse(str_printf(r->arena, "authserv-id = \"mx.recv.example\"; %s", conf), &problems);
    if (!r->conf)
        fail_msg("%s: %.*s", conf, STR_ARG(problems.v[0]));
    r->dns = rig_open(zone);
    r->session = (struct session){.arena = r->arena, .smtp = true, .helo = STR("helo.example")};
    netaddr_parse(STR("192.0.2.1"), &r->session.client);
    r->message = (struct message){.arena = r->arena, .now = RIG_NOW, .origin = ORIGIN_INBOUND};
    mail_path_parse(STR("<ann@a.example>"), &r->message.from);
    header_list_init(&r->message.headers, r->arena);
    r->asker = (struct dns_asker){.dns = r->dns, .arena = r->arena, .may_pend = true};
    r->run = (struct stage_run){.conf = r->conf,
                                .session = &r->session,
                                .message = &r->message,
                                .evidence = &r->evidence,
                                .asker = &r->asker,
                                .client_gate = gate_new(r->conf, &r->asker),
                                .sender_gate = gate_new(r->conf, &r->asker),
                                .lists_gate = gate_new_for_lists(r->conf, &r->asker),
                                .engines = &engines_own};
}

static inline void rig_end(struct rig *r)
{
    conf_free(r->conf);
    arena_free(r->arena);
    dns_close(r->dns);
}

/* "A host.example, MX a.example": what went to the network since the last time, in this order. */
static inline struct str rig_asked(struct rig *r)
{
    struct str asked = str_copy(r->arena, sb_str(&rig_resolver.asked));
    sb_init(&rig_resolver.asked, held.zone.arena);
    return asked;
}

static inline void rig_header(struct rig *r, const char *name, const char *value)
{
    header_list_add(&r->message.headers, str_of(name), str_of(value));
}

#endif
