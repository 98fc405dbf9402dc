/* lists_tell.c - how the answers of DNS lists are told: by label and public zone, never by the zone
 * that is asked, which may hold a key.
 *
 * Errors: none. */
#include "base/counters.h"
#include "core/stage.h"
#include "mail/domain.h"

/* RFC 8904 4: an allow list that refuses us will do so until somebody changes something. */
static const char *dnswl_result(enum dnsbl_result result)
{
    switch (result) {
    case DNSBL_LISTED:
        return "pass";
    case DNSBL_CLEAR:
        return "none";
    case DNSBL_UNKNOWN:
        return "temperror";
    default:
        return "permerror";
    }
}

/* The zone stood before. */
static bool is_told(const struct evidence_lists *lists, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (str_eq(lists->v[i].list->asked.zone, lists->v[index].list->asked.zone))
            return true;
    return false;
}

static void lists_header(const struct telling *t, struct authres *w)
{
    const struct evidence_lists *lists = &t->evidence->lists;
    char address[NETADDR_TEXT];
    for (size_t i = 0; i < lists->n; i++) {
        const struct evidence_list *e = &lists->v[i];
        if (e->list->asked.kind != DNSBL_ALLOW || e->answer.result == DNSBL_NOT_ASKED ||
            e->answer.result == DNSBL_PENDING || is_told(lists, i))
            continue;
        authres_result(w, STR("dnswl"), str_of(dnswl_result(e->answer.result)), STR_NONE);
        authres_property(w, "dns.zone", e->list->public_zone);
        if (e->answer.result == DNSBL_LISTED)
            authres_property(w, "policy.ip", str_of(netaddr_format(&e->answer.code, address)));
    }
}

static bool counts(const struct evidence_list *e)
{
    return e->answer.counts;
}

static bool is_out(const struct evidence_list *e)
{
    return e->answer.result >= DNSBL_UNKNOWN;
}

/* "(label,label)" of those that are so; nothing if none is. Labels are the operator's words, and
 * clean. */
static void add_labels(const struct evidence_lists *lists,
                       bool (*is_so)(const struct evidence_list *), struct strbuf *b)
{
    bool any = false;
    for (size_t i = 0; i < lists->n; i++) {
        if (!is_so(&lists->v[i]))
            continue;
        sb_printf(b, "%c%.*s", any ? ',' : '(', STR_ARG(lists->v[i].list->label));
        any = true;
    }
    if (any)
        sb_addc(b, ')');
}

/* dnsbl=7(Example BL,DNSWL): what has made the sum. */
static void lists_log(const struct telling *t, struct strbuf *b)
{
    const struct evidence_lists *lists = &t->evidence->lists;
    size_t out = 0;
    if (!lists->checked)
        return;
    for (size_t i = 0; i < lists->n; i++)
        out += is_out(&lists->v[i]);
    sb_printf(b, " dnsbl=%d", lists->sum);
    add_labels(lists, counts, b);
    if (out) {
        sb_printf(b, " dnsbl-unknown=%zu", out);
        add_labels(lists, is_out, b);
    }
}

static void list_json(const struct evidence_list *e, struct json *j)
{
    char address[NETADDR_TEXT];
    const struct dnsbl_answer *a = &e->answer;
    json_object(j, NULL);
    json_text(j, "label", e->list->label);
    json_text(j, "zone", e->list->public_zone);
    json_text(j, "result", str_of(dnsbl_result_name(a->result)));
    json_number(j, "weight", a->counts ? e->list->weight : 0);
    json_text(j, "code", a->code.family ? str_of(netaddr_format(&a->code, address)) : STR_NONE);
    json_text_or_null(j, "about", e->about);
    json_text(j, "problem", str_of(a->cause));
    json_end(j, '}');
}

static void lists_json(const struct telling *t, struct json *j)
{
    const struct evidence_lists *lists = &t->evidence->lists;
    if (!lists->checked) {
        json_text(j, "dnsbl", STR_NONE);
        return;
    }
    json_object(j, "dnsbl");
    json_number(j, "sum", lists->sum);
    json_array(j, "lists");
    for (size_t i = 0; i < lists->n; i++)
        list_json(&lists->v[i], j);
    json_end(j, ']');
    json_end(j, '}');
}

static void list_text(const struct telling *t, const struct evidence_list *e, struct strbuf *b)
{
    char address[NETADDR_TEXT];
    const struct dnsbl_answer *a = &e->answer;
    sb_printf(b, "  list     %.*s (%.*s): %s", STR_ARG(e->list->label),
              STR_ARG(e->list->public_zone), dnsbl_result_name(a->result));
    if (a->result == DNSBL_LISTED)
        sb_printf(b, " %.*s as %s, weight %d%s",
                  STR_ARG(str_safe(t->arena, e->about, DOMAIN_MAX, true)),
                  netaddr_format(&a->code, address), a->counts ? e->list->weight : 0,
                  a->counts ? "" : ": codes does not have it");
    if (a->cause)
        sb_printf(b, ": %s", a->cause);
    sb_addc(b, '\n');
}

static void lists_text(const struct telling *t, struct strbuf *b)
{
    const struct evidence_lists *lists = &t->evidence->lists;
    if (!lists->checked)
        return;
    for (size_t i = 0; i < lists->n; i++)
        list_text(t, &lists->v[i], b);
    sb_printf(b, "  lists    sum %d; rejected from %lld, tagged from %lld\n", lists->sum,
              (long long)t->conf->dnsbl_reject_at, (long long)t->conf->dnsbl_tag_at);
}

static void lists_count(const struct telling *t)
{
    const struct evidence_lists *lists = &t->evidence->lists;
    for (size_t i = 0; i < lists->n; i++) {
        const struct evidence_list *e = &lists->v[i];
        bool allow = e->list->asked.kind == DNSBL_ALLOW;
        counter_add(CTR_DNSBL_LISTED, !allow && e->answer.counts);
        counter_add(CTR_DNSWL_LISTED, allow && e->answer.counts);
        counter_add(CTR_DNSBL_UNKNOWN, e->answer.result == DNSBL_UNKNOWN);
        counter_add(CTR_DNSBL_REFUSED, e->answer.result == DNSBL_REFUSED);
        counter_add(CTR_DNSBL_SUSPENDED, e->answer.result == DNSBL_BROKEN);
    }
}

const struct stage_telling telling_lists = {.header = lists_header,
                                            .log = lists_log,
                                            .json = lists_json,
                                            .text = lists_text,
                                            .count = lists_count};
