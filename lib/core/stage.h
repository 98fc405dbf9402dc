/* stage.h - the story of one message, and what a stage is.
 *
 * At MAIL it is decided whose mail it is; that chooses a list of stages (pipeline.c). Each stage
 * hears the points of the transaction in order, and fills its part of the evidence. Hooks return
 * nothing: a stage that could not work says so in its evidence, and policy alone turns that into a
 * reply. Stages do not know each other; a later stage may read the evidence of earlier ones at the
 * end of the message, and the order of the list is the order of the hooks.
 *
 * mail and rcpt and header run while the client waits for each reply: there a stage starts DNS
 * queries (dns_prefetch) and does not wait for them. data may wait where policy may refuse there;
 * what is known by then is judged, the rest at the end. eom may wait, as long as the message's
 * deadline lasts. */
#ifndef ASSAY_CORE_STAGE_H
#define ASSAY_CORE_STAGE_H

#include "conf/conf.h"
#include "core/engine.h"
#include "core/evidence.h"
#include "core/message.h"
#include "core/signing.h"
#include "core/telling.h"
#include "dns/dns.h"
#include "store/state.h"

/* What a stage works with. */
struct gate;
struct list_health;

struct stage_run {
    const struct conf *conf;
    const struct session *session;
    const struct message *message;
    struct evidence *evidence;
    struct dns_asker *asker;         /* the message's; its arena is the message's */
    struct list_health *list_health; /* NULL: none is remembered */
    struct gate *client_gate, *sender_gate, *lists_gate; /* how they are asked; core/gate.h */
    struct key_cache *keys;                              /* decoded public keys */
    const struct key_set *signing_keys;
    struct body_digests *bodies;   /* of the message: what is wanted there is fed for all at once */
    const struct engines *engines; /* what evaluates; given as NULL: our own libraries */
    struct state_asker *memory;    /* what was seen before; NULL: there is none */
    void *state;                   /* the stage's own, for this message; set by its first hook */
};

struct stage {
    const char *name;
    bool favoured; /* asks for keys or policies, for whose answers there is room; core/request.h */
    void (*mail)(struct stage_run *run); /* any hook may be NULL */
    void (*rcpt)(struct stage_run *run);
    void (*data)(
        struct stage_run *run); /* all recipients are known; may wait where policy may act */
    void (*eoh)(struct stage_run *run); /* all header fields are in message->headers */
    void (*body)(struct stage_run *run, const void *data, size_t n);
    void (*eom)(struct stage_run *run);
    /* After eoh: false if this stage needs no (more) body. NULL with a body hook: always. */
    bool (*wants_body)(const struct stage_run *run);
    const struct stage_telling *telling; /* beside the stage */
};

#define STAGE(name)                                                                                \
    extern const struct stage stage_##name;                                                        \
    extern const struct stage_telling telling_##name;
#include "core/stages.def"
#undef STAGE

#endif
