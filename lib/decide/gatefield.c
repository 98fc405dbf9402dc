/* gatefield.c - the field X-Assay-Gate: what was found about client, lists and sender that may be a
 * reason to look twice.
 *
 * Errors: none; labels are clean and the words are ours. */
#include "decide/gatefield.h"

#include "core/gate.h"

static void add_lists(struct strbuf *b, const struct evidence_lists *lists, const struct conf *conf)
{
    const char *before = " (";
    if (!lists->checked || lists->sum < conf->dnsbl_tag_at)
        return;
    sb_printf(b, " dnsbl=%d", lists->sum);
    for (size_t i = 0; i < lists->n; i++) {
        if (!lists->v[i].answer.counts)
            continue;
        sb_printf(b, "%s%.*s", before, STR_ARG(lists->v[i].list->label));
        before = ", ";
    }
    if (*before == ',')
        sb_addc(b, ')');
}

static void add_sender(struct strbuf *b, const struct evidence *e)
{
    static const char *const words[] = {
        [SENDER_UNKNOWN] = "unknown-domain",
        [SENDER_NULL_MX] = "null-mx",
        [SENDER_LOCAL_MX] = "local-mx",
        [SENDER_TEMPERROR] = NULL,
    };
    bool excused = e->sender.domain == SENDER_UNKNOWN && e->spf.mail_from.checked &&
                   e->spf.mail_from.outcome.result == SPF_PASS;
    if (words[e->sender.domain] && !excused)
        sb_printf(b, " sender=%s", words[e->sender.domain]);
    else if (e->sender.no_address)
        sb_add(b, STR(" sender=no-address"));
}

struct str gate_field(const struct telling *t)
{
    const struct evidence *e = t->evidence;
    struct strbuf b;
    sb_init(&b, t->arena);
    add_lists(&b, &e->lists, t->conf);
    add_sender(&b, e);
    if (e->client.helo != HELO_FINE)
        sb_add(&b, e->client.helo == HELO_OURS ? STR(" helo=ours") : STR(" helo=other-address"));
    if (e->client.iprev == IPREV_FAIL)
        sb_add(&b, STR(" iprev=fail"));
    if (e->srs.no_bounce)
        sb_add(&b, STR(" srs=no-bounce"));
    if (!b.n || gate_freedom(t->conf, t->session, t->message, e, t->arena) == GATE_FREE)
        return STR_NONE;
    return str_printf(t->arena, " %.*s;%.*s", STR_ARG(t->conf->authserv_id), STR_ARG(sb_str(&b)));
}
