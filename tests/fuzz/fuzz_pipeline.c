/* The whole chain: session, zone and message from bytes, through pipeline, policy and edits, twice,
 * with the body in different pieces. Parts are divided by lines of "%%":
 *
 *   4 203.0.113.9 mail.example <a@b.example>       configuration's number, client, HELO, MAIL FROM
 *   %%
 *   b.example TXT "v=spf1 -all"                    zone text
 *   %%
 *   From: a@b.example                              message
 */
#include "fuzz.h"

#include "conf/conf.h"
#include "core/intake.h"
#include "decide/record.h"
#include "mail/authres.h"
#include "session/play.h"

static const char *const configurations[] = {
    "dmarc = { on-reject = \"reject\"; on-quarantine = \"quarantine\"; };",
    "mode = \"shadow\"; dmarc = { on-reject = \"reject\"; };",
    "spf = { on-fail = \"reject\"; reject-at = \"mail\"; check-helo = true; };",
    "spf = { on-fail = \"tempfail\"; reject-at = \"rcpt\"; };",
    "limits = { header-bytes = \"1K\"; on-header-limit = \"reject\"; };",
    "trusted-networks = [ \"203.0.113.0/24\" ]; auth-header = true;",
    "relay-networks = [ \"203.0.113.0/24\" ];",
    "dkim = { partial-body = true; }; dmarc = { on-bad-from = \"tag\"; };",
};
#define CONFIGURATIONS (sizeof configurations / sizeof *configurations)

struct input {
    unsigned conf;
    struct str client, helo, from, zone, message;
};

static struct conf *conf_of(unsigned number)
{
    static struct conf *made[CONFIGURATIONS]; /* for all inputs: reading costs more than a check */
    if (!made[number]) {
        struct arena *a = arena_new(0);
        struct conf_problems problems;
        conf_problems_init(&problems, a);
        made[number] = conf_parse(
            str_printf(a, "authserv-id = \"mx.fuzz.example\"; %s", configurations[number]),
            &problems);
        require(made[number]);
        arena_free(a);
    }
    return made[number];
}

/* Takes the text before the next line of "%%". */
static struct str part(struct str *rest)
{
    struct str whole = *rest;
    for (size_t at = 0; at < whole.n; at = str_find(whole, at, '\n') + 1)
        if (str_starts(str_sub(whole, at, whole.n), STR("%%\n"))) {
            *rest = str_sub(whole, at + 3, whole.n);
            return str_sub(whole, 0, at);
        }
    *rest = STR("");
    return whole;
}

static void read_input(struct str text, struct input *in)
{
    struct str words = part(&text), number = STR("");
    in->zone = part(&text);
    in->message = text;
    words = str_sub(words, 0, str_find(words, 0, '\n'));
    str_split(&words, ' ', &number);
    in->conf = number.n ? (unsigned char)number.p[0] % CONFIGURATIONS : 0;
    str_split(&words, ' ', &in->client);
    str_split(&words, ' ', &in->helo);
    in->from = words;
}

struct play {
    struct fixed_host host;
    struct dialogue *dialogue;
    const struct transaction *t;
};

static void run(struct play *p, const struct input *in, struct arena *a, struct dns *dns,
                size_t chunk)
{
    static const struct session_peer nobody;
    const struct recipient_words recipient = {.path = STR("<bob@mx.fuzz.example>")};
    struct header_list headers;
    struct letter letter = {
        .client = {.smtp = true},
        .helo = in->helo,
        .envelope = {.from = in->from, .queue_id = STR("Q")},
        .n_recipients = 1,
        .recipients = &recipient,
        .headers = &headers,
        .chunk = chunk,
    };
    netaddr_parse(in->client, &letter.client.address);
    header_list_init(&headers, a);
    header_parse_message(&headers, in->message, &letter.body);
    fixed_host_init(&p->host);
    p->host.now = 1800000000;
    p->host.snapshot.conf = conf_of(in->conf);
    p->host.snapshot.dns = dns;
    p->dialogue = dialogue_new(&p->host.host, &nobody);
    play_letter(p->dialogue, &letter);
    p->t = p->dialogue->transaction;
}

static void check_verdict(const struct play *p)
{
    const struct verdict *v = &p->t->verdict;
    bool flood = p->t->evidence.forged.too_many;
    require(v->action <= v->if_enforced);
    require(!flood || v->action == ACTION_REJECT || p->t->point != POINT_EOM);
    require(p->t->message.origin == ORIGIN_INBOUND || v->action == ACTION_ACCEPT || flood);
    require(p->t->snapshot->conf->mode == RUN_ENFORCE || v->action == ACTION_ACCEPT || flood);
    if (v->if_enforced < ACTION_TEMPFAIL)
        return;
    require(v->code.n == 3 && v->enhanced.n >= 5 && v->text.n && v->text.n <= 400);
    require(v->code.p[0] == v->enhanced.p[0]);
    if (v->action >= ACTION_TEMPFAIL)
        require(v->code.p[0] == (v->action == ACTION_REJECT ? '5' : '4'));
    for (size_t i = 0; i < v->text.n; i++)
        require(v->text.p[i] >= 0x20 && v->text.p[i] < 0x7F);
}

/* A pass rests on an identifier that passed and is aligned. */
static void check_pass(const struct evidence *e)
{
    if (!e->dmarc.checked || e->dmarc.result != DMARC_PASS)
        return;
    const struct dmarc_outcome *o = &e->dmarc.outcomes[e->dmarc.decisive];
    bool passed = o->spf_aligned && e->spf.mail_from.outcome.result == SPF_PASS;
    for (size_t i = 0; i < e->dkim.n; i++)
        passed = passed || (o->dkim_aligned && e->dkim.signatures[i].result == DKIM_PASS);
    require(passed);
}

static void check_insert(const struct edit *e, struct arena *a)
{
    require(e->value.n && e->value.p[0] == ' ');
    require_field_lines(e->value, e->name.n + 1);
    if (!str_eq(e->name, STR("Authentication-Results")))
        return;
    struct authres_head head;
    authres_parse_head(a, e->value, &head);
    require(head.parsed && head.version_ok && str_eq(head.id, STR("mx.fuzz.example")));
}

static void check_edits(const struct play *p, struct arena *a)
{
    const struct edit_list *list = &p->t->edits;
    for (size_t i = 0; i < list->n; i++) {
        const struct edit *e = &list->v[i], *next = i + 1 < list->n ? e + 1 : NULL;
        if (e->kind != EDIT_DELETE)
            check_insert(e, a);
        else if (next && next->kind == EDIT_DELETE && str_eq(e->name, next->name))
            require(e->ordinal > next->ordinal);
        require(!next || next->kind >= e->kind);
    }
    require(p->t->message.origin != ORIGIN_RELAYED || list->n == 0);
}

static struct str log_line(const struct play *p)
{
    const struct telling telling = transaction_telling(p->t);
    struct str line = record_line(p->t->point, &telling, 0);
    for (size_t i = 0; i < line.n; i++)
        require((unsigned char)line.p[i] >= 0x20 && line.p[i] != 0x7F);
    return line;
}

static void check_both(const struct play *whole, const struct play *pieces, struct arena *a)
{
    check_verdict(whole);
    check_pass(&whole->t->evidence);
    check_edits(whole, a);
    require(str_eq(log_line(whole), log_line(pieces)));
}

/* Zone text can make names late, by more than a fuzzer has time for: below 10 ms it may. */
static bool is_patient(struct str zone)
{
    static const struct str word = STR_INIT("DELAY");
    for (size_t at = 0; at + word.n <= zone.n; at++) {
        struct str value = str_sub(zone, at + word.n, zone.n);
        if (str_eq_nocase(str_sub(zone, at, at + word.n), word) &&
            !(str_starts(value, STR(" ")) && str_starts(str_sub(value, 2, value.n), STR("ms"))))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct input in = {0};
    struct play whole, pieces;
    struct str problem;
    read_input(fuzz_text(data, size), &in);
    struct dns *dns = is_patient(in.zone) ? dns_open_zone(in.zone, a, &problem) : NULL;
    if (!dns)
        dns = dns_open_zone(STR(""), a, &problem);
    run(&whole, &in, a, dns, 0);
    run(&pieces, &in, a, dns, 1 + size % 7);
    require(!whole.t == !pieces.t); /* none: the envelope alone is too much */
    if (whole.t)
        check_both(&whole, &pieces, a);
    dialogue_free(whole.dialogue);
    dialogue_free(pieces.dialogue);
    arena_free(a);
    dns_close(dns);
    return 0;
}
