/* greylist_tell.c - how greylisting is told: in log, JSON and text. It has no place in the header:
 * who reads that has the message.
 *
 * Errors: none. */
#include "base/counters.h"
#include "core/stage.h"

static const char *const words[] = {
    [GREYLIST_EXEMPT] = "exempt", [GREYLIST_UNKNOWN] = "unknown", [GREYLIST_PASS] = "pass",
    [GREYLIST_NEW] = "new",       [GREYLIST_WAIT] = "wait",
};

static void greylist_log(const struct telling *t, struct strbuf *b)
{
    const struct evidence_greylist *g = &t->evidence->greylist;
    if (g->result == GREYLIST_NOT_ASKED)
        return;
    sb_printf(b, " greylist=%s", words[g->result]);
    if (g->result == GREYLIST_WAIT)
        sb_printf(b, "(%llds)", (long long)g->wait_s);
    else if (g->why.n)
        sb_printf(b, "(%.*s)", STR_ARG(g->why));
}

static void greylist_json(const struct telling *t, struct json *j)
{
    const struct evidence_greylist *g = &t->evidence->greylist;
    if (g->result == GREYLIST_NOT_ASKED) {
        json_text(j, "greylist", STR_NONE);
        return;
    }
    bool waits = g->result == GREYLIST_NEW || g->result == GREYLIST_WAIT;
    json_object(j, "greylist");
    json_text(j, "result", str_of(words[g->result]));
    json_text_or_null(j, "why", g->why);
    json_number(j, "wait", waits ? g->wait_s : 0);
    json_end(j, '}');
}

static void greylist_text(const struct telling *t, struct strbuf *b)
{
    const struct evidence_greylist *g = &t->evidence->greylist;
    if (g->result == GREYLIST_NOT_ASKED)
        return;
    sb_printf(b, "  greylist %s", words[g->result]);
    if (g->why.n)
        sb_printf(b, ": %.*s", STR_ARG(g->why));
    sb_addc(b, '\n');
}

static void greylist_count(const struct telling *t)
{
    static const enum counter counters[] = {
        [GREYLIST_EXEMPT] = CTR_GREYLIST_EXEMPT, [GREYLIST_UNKNOWN] = CTR_GREYLIST_UNKNOWN,
        [GREYLIST_PASS] = CTR_GREYLIST_PASS,     [GREYLIST_NEW] = CTR_GREYLIST_NEW,
        [GREYLIST_WAIT] = CTR_GREYLIST_WAIT,
    };
    enum greylist_result result = t->evidence->greylist.result;
    if (result != GREYLIST_NOT_ASKED)
        counter_inc(counters[result]);
}

const struct stage_telling telling_greylist = {
    .log = greylist_log, .json = greylist_json, .text = greylist_text, .count = greylist_count};
