/* client_tell.c - how the results about the client are told.
 *
 * Errors: none. */
#include "base/counters.h"
#include "core/stage.h"
#include "mail/domain.h"

static const char *const iprev_names[] = {
    [IPREV_PASS] = "pass",
    [IPREV_FAIL] = "fail",
    [IPREV_TEMPERROR] = "temperror",
    [IPREV_PERMERROR] = "permerror",
};

static const char *const helo_names[] = {[HELO_OURS] = "ours", [HELO_OTHER] = "other-address"};

static void client_header(const struct telling *t, struct authres *w)
{
    const struct evidence_client *e = &t->evidence->client;
    char address[NETADDR_TEXT];
    if (e->iprev == IPREV_NONE)
        return;
    authres_result(w, STR("iprev"), str_of(iprev_names[e->iprev]), STR_NONE);
    authres_property(w, "policy.iprev", str_of(netaddr_format(&t->session->client, address)));
}

static void client_log(const struct telling *t, struct strbuf *b)
{
    const struct evidence_client *e = &t->evidence->client;
    if (e->iprev != IPREV_NONE)
        sb_printf(b, " iprev=%s%s", iprev_names[e->iprev],
                  e->capped && e->iprev != IPREV_PASS ? "(capped)" : "");
    if (e->helo != HELO_FINE)
        sb_printf(b, " helo-check=%s", helo_names[e->helo]);
}

static void client_json(const struct telling *t, struct json *j)
{
    const struct evidence_client *e = &t->evidence->client;
    json_text(j, "iprev", str_of(iprev_names[e->iprev]));
    json_text(j, "helo_check", str_of(helo_names[e->helo]));
}

static void client_text(const struct telling *t, struct strbuf *b)
{
    static const char *const words[] = {
        [IPREV_PASS] = "pass: it leads back from",
        [IPREV_FAIL] = "fail: its name does not lead back to it",
        [IPREV_TEMPERROR] = "temperror: DNS gave no answer",
        [IPREV_PERMERROR] = "permerror: the address has no name",
    };
    const struct evidence_client *e = &t->evidence->client;
    if (e->iprev != IPREV_NONE)
        sb_printf(b, "  client   iprev %s%s%.*s\n", words[e->iprev], e->name.n ? " " : "",
                  STR_ARG(str_safe(t->arena, e->name, DOMAIN_MAX, true)));
    if (e->helo == HELO_OURS)
        sb_add(b, STR("  client   HELO is our own name or address, and a stranger said it\n"));
    if (e->helo == HELO_OTHER)
        sb_add(b, STR("  client   HELO is an address that is not the client's\n"));
}

static void client_count(const struct telling *t)
{
    static const enum counter counters[] = {
        [IPREV_PASS] = CTR_IPREV_PASS,
        [IPREV_FAIL] = CTR_IPREV_FAIL,
        [IPREV_TEMPERROR] = CTR_IPREV_TEMPERROR,
        [IPREV_PERMERROR] = CTR_IPREV_PERMERROR,
    };
    const struct evidence_client *e = &t->evidence->client;
    if (e->iprev != IPREV_NONE)
        counter_inc(counters[e->iprev]);
    counter_add(CTR_HELO_OURS, e->helo == HELO_OURS);
}

const struct stage_telling telling_client = {.header = client_header,
                                             .log = client_log,
                                             .json = client_json,
                                             .text = client_text,
                                             .count = client_count};
