/* sender_tell.c - how the results about the sender are told.
 *
 * Errors: none. */
#include "base/counters.h"
#include "core/stage.h"

static const char *const names[] = {
    [SENDER_FINE] = "pass",           [SENDER_UNKNOWN] = "unknown-domain",
    [SENDER_NULL_MX] = "null-mx",     [SENDER_LOCAL_MX] = "local-mx",
    [SENDER_TEMPERROR] = "temperror",
};

static void sender_log(const struct telling *t, struct strbuf *b)
{
    const struct evidence_sender *e = &t->evidence->sender;
    if (e->domain != SENDER_UNCHECKED)
        sb_printf(b, " sender-domain=%s", names[e->domain]);
    if (e->no_address)
        sb_add(b, STR(" header-sender=none"));
}

static void sender_json(const struct telling *t, struct json *j)
{
    const struct evidence_sender *e = &t->evidence->sender;
    if (e->domain == SENDER_UNCHECKED && !e->no_address) {
        json_text(j, "sender", STR_NONE);
        return;
    }
    json_object(j, "sender");
    json_text(j, "domain", str_of(names[e->domain]));
    json_bool(j, "no_address", e->no_address);
    json_end(j, '}');
}

static void sender_text(const struct telling *t, struct strbuf *b)
{
    static const char *const words[] = {
        [SENDER_FINE] = "receives mail",
        [SENDER_UNKNOWN] = "receives no mail: it has neither MX nor address",
        [SENDER_NULL_MX] = "says that it receives no mail (RFC 7505)",
        [SENDER_LOCAL_MX] = "receives no mail: it leads to loopback or private addresses alone",
        [SENDER_TEMPERROR] = "cannot be checked now: DNS gave no answer",
    };
    const struct evidence_sender *e = &t->evidence->sender;
    if (e->domain != SENDER_UNCHECKED)
        sb_printf(b, "  sender   its domain %s\n", words[e->domain]);
    if (e->no_address)
        sb_add(b, STR("  sender   a bounce that nobody can answer: no usable address in From, "
                      "Sender and Reply-To\n"));
}

static void sender_count(const struct telling *t)
{
    const struct evidence_sender *e = &t->evidence->sender;
    counter_add(CTR_SENDER_UNKNOWN, e->domain == SENDER_UNKNOWN);
    counter_add(CTR_SENDER_NULL_MX, e->domain == SENDER_NULL_MX);
    counter_add(CTR_SENDER_LOCAL_MX, e->domain == SENDER_LOCAL_MX);
    counter_add(CTR_SENDER_TEMPERROR, e->domain == SENDER_TEMPERROR);
    counter_add(CTR_SENDER_NO_ADDRESS, e->no_address);
}

const struct stage_telling telling_sender = {
    .log = sender_log, .json = sender_json, .text = sender_text, .count = sender_count};
