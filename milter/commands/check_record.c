/* check_record.c - records as text, and what was asked of the DNS as a zone file that answers
 * alike.
 *
 * Errors: none. */
#include "milter/commands/check.h"

#include <string.h>

#include "base/ascii.h"

void check_recorder_init(struct check_recorder *r, struct arena *a)
{
    *r = (struct check_recorder){0};
    sb_init(&r->zone, a);
    sb_add(&r->zone, STR("; what assay check asked the DNS; play it back with --dns\n"));
}

static bool is_new(struct check_recorder *r, const struct dns_event *e)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->asked[i].type == e->type && str_eq_nocase(r->asked[i].name, e->name))
            return false;
    r->asked = arena_extend(r->zone.arena, r->asked, r->n, &r->cap, sizeof *r->asked);
    r->asked[r->n++] = (struct check_asked){str_copy(r->zone.arena, e->name), e->type};
    return true;
}

static void put_name(struct strbuf *b, struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (ascii_is_alnum(c) || (c && strchr(".-_/=+", c)))
            sb_addc(b, c);
        else
            sb_printf(b, "\\%03u", (unsigned char)c);
    }
    if (!name.n || name.p[name.n - 1] != '.')
        sb_addc(b, '.');
}

static void put_text(struct strbuf *b, struct str text)
{
    sb_addc(b, '"');
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\')
            sb_printf(b, "\\%03u", c);
        else
            sb_addc(b, (char)c);
    }
    sb_addc(b, '"');
}

void check_record_data(struct strbuf *b, enum dns_type type, const struct dns_rr *rr)
{
    char address[NETADDR_TEXT];
    if (type == DNS_A || type == DNS_AAAA)
        sb_add(b, str_of(netaddr_format(&rr->addr, address)));
    else if (type == DNS_TXT)
        put_text(b, rr->text);
    else {
        if (type == DNS_MX)
            sb_printf(b, "%u ", rr->preference);
        put_name(b, rr->text);
    }
}

/* A name without records of the type: that it exists, or that asking failed. NXDOMAIN is what is
 * not there. */
static void put_absence(struct strbuf *b, const struct dns_event *e)
{
    static const char *const words[] = {
        [DNS_NODATA] = "NS .",
        [DNS_SERVFAIL] = "SERVFAIL",
        [DNS_TIMEOUT] = "TIMEOUT",
        [DNS_BOGUS] = "BOGUS",
    };
    enum dns_status status = e->answer->status;
    if (status == DNS_NXDOMAIN || status == DNS_PENDING)
        return;
    put_name(b, e->name);
    sb_printf(b, " %s\n", words[status]);
}

void check_recorder_add(struct check_recorder *r, const struct dns_event *event)
{
    const struct dns_answer *answer = event->answer;
    if (!is_new(r, event))
        return;
    sb_printf(&r->zone, "$SECURE %s\n", answer->security == DNS_SECURE ? "yes" : "no");
    if (answer->status != DNS_ANSWER)
        put_absence(&r->zone, event);
    for (size_t i = 0; answer->status == DNS_ANSWER && i < answer->n; i++) {
        put_name(&r->zone, event->name);
        sb_printf(&r->zone, " %u %s ", answer->ttl, dns_type_name(event->type));
        check_record_data(&r->zone, event->type, &answer->rr[i]);
        sb_addc(&r->zone, '\n');
    }
}
