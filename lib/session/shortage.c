/* shortage.c - the replies for want of room, their counters, and the warnings.
 *
 * Errors: none. */
#include "session/shortage.h"

#include "base/counters.h"
#include "base/log.h"

struct reply {
    const char *code, *enhanced, *text, *cause;
    enum counter counter;
};

/* RFC 3463: 4.3.1 system full, 4.3.2 not accepting messages now, 4.3.4 message too big, 4.5.3 too
 * many recipients. RFC 5321 4.5.3.1.10: with 452 the client sends to the others in another
 * transaction. */
static const struct reply replies[] = {
    [SHORTAGE_STOPPING] = {"451", "4.3.2", "Shutting down, try again later", NULL, CTR_TEMPFAILED},
    [SHORTAGE_CONNECTIONS] = {"451", "4.3.2", "Too many connections, try again later", NULL,
                              CTR_CONNECTIONS_REFUSED},
    [SHORTAGE_MEMORY] = {"452", "4.3.1", "Too many messages at once, try again later", "memory",
                         CTR_MEMORY_REFUSED},
    [SHORTAGE_MESSAGE] = {"452", "4.3.4", "This message needs more memory than is allowed here",
                          "memory", CTR_LIMIT_EXCEEDED},
    [SHORTAGE_RECIPIENTS] = {"452", "4.5.3", "Too many recipients", "recipients",
                             CTR_RECIPIENTS_REFUSED},
};

static void complain_of_crowd(const struct conf *conf)
{
    static struct log_pace pace;
    unsigned held_back;
    if (log_pace(&pace, &held_back))
        log_warning("more than %lld connections (limits.connections): the others get 451",
                    (long long)conf->limits_connections);
}

static void complain_of_memory(const struct conf *conf)
{
    static struct log_pace pace;
    unsigned held_back;
    if (log_pace(&pace, &held_back))
        log_warning("messages under way take all of the %llu MB of limits.memory: more get 452",
                    (unsigned long long)(conf->limits_memory >> 20));
}

void shortage_refuse(enum shortage shortage, const struct conf *conf, struct verdict *verdict)
{
    const struct reply *r = &replies[shortage];
    *verdict = (struct verdict){
        .action = ACTION_TEMPFAIL,
        .if_enforced = ACTION_TEMPFAIL,
        .scope = shortage == SHORTAGE_RECIPIENTS ? SCOPE_RECIPIENT : SCOPE_MESSAGE,
        .code = str_of(r->code),
        .enhanced = str_of(r->enhanced),
        .text = str_of(r->text),
        .cause = r->cause,
    };
    counter_inc(r->counter);
    if (shortage == SHORTAGE_CONNECTIONS)
        complain_of_crowd(conf);
    else if (shortage == SHORTAGE_MEMORY)
        complain_of_memory(conf);
}
