/* session: the one conductor. Points and their answers, recipients, patience, what comes after, the
 * ends of a transaction, and what a message that was played at once says to what the daemon does
 * step by step. */
#include "test.h"

#include <stdlib.h>

#include "dkim_util.h"

#include "session/play.h"
#include "session/shortage.h"

#define ZONE_TEXT                                                                                  \
    "pass.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"                                             \
    "fail.example TXT \"v=spf1 -all\"\n"                                                           \
    "late.example DELAY 300ms\nlate.example TXT \"v=spf1 -all\"\n"                                 \
    "_dmarc.late.example TXT \"v=DMARC1; p=reject\"\n"                                             \
    "s._domainkey.late.example TXT \"v=DKIM1; p=" RSA_PUBLIC "\"\n"

/* What came after: names of the entries, in order. */
static struct str told;
static unsigned begun, ended;
static bool stopping, taking;
static struct arena *taken;

static bool tell_first(void *context, struct transaction *t)
{
    (void)context;
    told = str_printf(arena, "%.*sfirst:%s:%s ", STR_ARG(told), point_name(t->point),
                      action_name(t->verdict.action));
    return false;
}

static bool choose(void *context, const struct transaction *t)
{
    (void)context;
    assert_int_equal(t->message.origin, ORIGIN_INBOUND);
    return taking;
}

static bool take(void *context, struct transaction *t)
{
    (void)context;
    told = str_printf(arena, "%.*stook ", STR_ARG(told));
    taken = t->arena;
    return true;
}

static void given_up(void *context, const struct transaction *t)
{
    (void)context;
    told = str_printf(arena, "%.*sgiven-up:%.*s ", STR_ARG(told), STR_ARG(t->message.queue_id));
}

static const struct after after[] = {
    {.name = "first", .answered = tell_first, .given_up = given_up},
    {.name = "taker", .chooses = choose, .answered = take},
};

static bool begins(void *context)
{
    (void)context;
    begun += !stopping;
    return !stopping;
}

static void ends(void *context)
{
    (void)context;
    ended++;
}

struct game {
    struct fixed_host host;
    struct conf *conf;
    struct budget memory;
    struct dialogue *d;
};

static void begin(struct game *g, const char *config)
{
    static const struct session_peer nobody;
    struct conf_problems problems;
    struct str problem;
    struct client_words client = {.name = STR("mail.example"), .smtp = true};
    conf_problems_init(&problems, arena);
    *g = (struct game){0};
    fixed_host_init(&g->host);
    g->conf = conf_parse(str_printf(arena, "authserv-id = \"mx.example\";\n%s", config), &problems);
    assert_non_null(g->conf);
    g->host.now = default_settings.now;
    g->host.host.after = after;
    g->host.host.n_after = sizeof after / sizeof *after;
    g->host.host.message_begins = begins;
    g->host.host.message_ended = ends;
    g->host.host.memory = &g->memory;
    g->host.snapshot.conf = g->conf;
    g->host.snapshot.dns = dns_open_zone(STR(ZONE_TEXT), arena, &problem);
    assert_non_null(g->host.snapshot.dns);
    g->host.snapshot.key_cache = key_cache_new(1 << 20);
    g->d = dialogue_new(&g->host.host, &nobody);
    told = STR("");
    begun = ended = 0;
    stopping = taking = false;
    netaddr_parse(STR("192.0.2.1"), &client.address);
    assert_null(dialogue_connect(g->d, &client, 1));
    dialogue_helo(g->d, STR("mail.example"));
}

static void end(struct game *g)
{
    dialogue_free(g->d);
    key_cache_free(g->host.snapshot.key_cache);
    dns_close(g->host.snapshot.dns);
    conf_free(g->conf);
    assert_int_equal(begun, ended);
    assert_int_equal(atomic_load(&g->memory.taken), 0);
}

static const struct verdict *mail(struct game *g, const char *from)
{
    const struct envelope_words words = {.from = str_of(from), .queue_id = STR("Q1")};
    return dialogue_mail(g->d, &words);
}

static const struct verdict *rcpt(struct game *g, const char *to)
{
    const struct recipient_words words = {.path = str_of(to), .mailer = STR("local")};
    return dialogue_rcpt(g->d, &words);
}

static void content(struct game *g)
{
    dialogue_header(g->d, STR("From"), STR(" x@pass.example"));
    dialogue_end_of_header(g->d);
    dialogue_body(g->d, "text\r\n", 6);
    dialogue_end(g->d);
}

static void a_message_from_beginning_to_end(void **state)
{
    (void)state;
    struct game g;
    begin(&g, "");
    assert_null(mail(&g, "<x@pass.example>"));
    assert_null(rcpt(&g, "<a@mx.example>"));
    assert_null(rcpt(&g, "<b@mx.example>"));
    assert_null(dialogue_data(g.d));
    content(&g);
    const struct transaction *t = g.d->transaction;
    assert_int_equal(t->point, POINT_EOM);
    assert_int_equal(t->evidence.spf.mail_from.outcome.result, SPF_PASS);
    assert_int_equal(t->message.n_recipients, 2);
    assert_str(t->message.recipients[1].address, "b@mx.example");
    assert_str(t->message.recipients[1].mailer, "local");
    assert_int_equal(t->message.body_bytes, 6);
    assert_true(t->edits.n >= 2);
    assert_str(told, "");
    dialogue_answered(g.d);
    assert_null(g.d->transaction);
    assert_str(told, "first:end:accept ");
    end(&g);
}

static void a_refusal_at_mail_ends_it(void **state)
{
    (void)state;
    struct game g;
    begin(&g, "spf = { on-fail = \"reject\"; reject-at = \"mail\"; };");
    const struct verdict *v = mail(&g, "<x@fail.example>");
    assert_non_null(v);
    assert_str(v->code, "550");
    assert_int_equal(g.d->transaction->point, POINT_MAIL);
    dialogue_answered(g.d);
    assert_str(told, "first:mail:reject ");
    assert_null(mail(&g, "<x@pass.example>")); /* the next one is a new one */
    end(&g);
}

static void a_refused_recipient_does_not_refuse_the_others(void **state)
{
    (void)state;
    struct game g;
    begin(&g, "limits = { recipients = 2; };");
    assert_null(mail(&g, "<x@pass.example>"));
    assert_null(rcpt(&g, "<a@mx.example>"));
    assert_null(rcpt(&g, "<b@mx.example>"));
    const struct verdict *v = rcpt(&g, "<c@mx.example>");
    assert_non_null(v);
    assert_int_equal(v->scope, SCOPE_RECIPIENT);
    assert_str(v->code, "452");
    content(&g);
    assert_int_equal(g.d->transaction->verdict.action, ACTION_ACCEPT);
    assert_int_equal(g.d->transaction->message.recipients_kept, 2);
    assert_str(told, "");
    dialogue_answered(g.d);
    assert_str(told, "first:end:accept ");
    end(&g);
}

static void what_holds_for_all_recipients_is_told_once(void **state)
{
    (void)state;
    struct game g;
    begin(&g,
          "spf = { on-fail = \"reject\"; reject-at = \"rcpt\"; };\nlimits = { recipients = 2; };");
    assert_null(mail(&g, "<x@fail.example>"));
    for (int i = 0; i < 4; i++) {
        const struct verdict *v = rcpt(&g, "<a@mx.example>");
        assert_non_null(v);
        assert_str(v->code, "550"); /* and not 452: one more changes nothing */
    }
    assert_true(g.d->transaction->message.recipients[0].refused);
    assert_str(told, "first:rcpt:reject ");
    dialogue_give_up(g.d);
    assert_str(told, "first:rcpt:reject given-up:Q1 ");
    end(&g);
}

static void the_last_that_comes_after_may_take_the_message(void **state)
{
    (void)state;
    struct game g;
    begin(&g, "");
    taking = true;
    assert_null(mail(&g, "<x@pass.example>"));
    content(&g);
    dialogue_answered(g.d);
    assert_str(told, "first:end:accept took ");
    assert_null(g.d->transaction);
    taking = false;
    assert_null(mail(&g, "<x@pass.example>")); /* in an arena of its own */
    assert_ptr_not_equal(g.d->transaction->arena, taken);
    arena_free(taken);
    end(&g);
}

static void mail_of_ours_is_chosen_by_nobody(void **state)
{
    (void)state;
    struct game g;
    begin(&g, "trusted-networks = [ \"192.0.2.0/24\", \"127.0.0.1\" ];");
    taking = true;
    assert_null(mail(&g, "<x@pass.example>"));
    assert_int_equal(g.d->transaction->message.origin, ORIGIN_OURS);
    content(&g);
    dialogue_answered(g.d);
    assert_str(told, "first:end:accept ");
    end(&g);
}

static void ends_of_all_kinds(void **state)
{
    (void)state;
    struct game g;
    begin(&g, "");
    dialogue_give_up(g.d); /* outside of a transaction */
    assert_null(mail(&g, "<x@pass.example>"));
    assert_null(mail(&g, "<y@pass.example>")); /* the one before is given up */
    assert_str(told, "given-up:Q1 ");
    stopping = true;
    const struct verdict *v = mail(&g, "<z@pass.example>");
    assert_non_null(v);
    assert_str(v->code, "451");
    assert_str(v->enhanced, "4.3.2");
    assert_null(g.d->transaction);
    assert_str(told, "given-up:Q1 given-up:Q1 ");
    stopping = false;
    assert_null(mail(&g, "<z@pass.example>"));
    end(&g); /* in the midst of one */
    assert_str(told, "given-up:Q1 given-up:Q1 given-up:Q1 ");
}

static void without_memory_none_begins(void **state)
{
    (void)state;
    struct game g;
    begin(&g, "");
    assert_true(budget_take(&g.memory, (size_t)1 << 30, (size_t)1 << 30));
    const struct verdict *v = mail(&g, "<x@pass.example>");
    assert_non_null(v);
    assert_str(v->code, "452");
    assert_null(g.d->transaction);
    assert_str(told, "");
    budget_return(&g.memory, (size_t)1 << 30);
    assert_null(mail(&g, "<x@pass.example>"));
    end(&g);
}

static void a_header_that_does_not_fit_is_told_at_the_end(void **state)
{
    (void)state;
    struct game g;
    begin(&g, "limits = { message-memory = \"256K\"; };");
    char *value = calloc(1, 300001);
    assert_non_null(value);
    memset(value, 'x', 300000);
    assert_null(mail(&g, "<x@pass.example>"));
    dialogue_header(g.d, STR("X-Long"), (struct str){value, 300000});
    free(value);
    assert_false(g.d->transaction->message.over_limit);
    content(&g);
    assert_str(g.d->transaction->verdict.code, "452");
    assert_str(g.d->transaction->verdict.enhanced, "4.3.4");
    assert_int_equal(g.d->transaction->edits.n, 0);
    dialogue_answered(g.d);
    assert_str(told, "first:end:tempfail ");
    end(&g);
}

static void too_many_connections(void **state)
{
    (void)state;
    struct game g;
    const struct client_words client = {.smtp = true};
    begin(&g, "limits = { connections = 3; };");
    assert_null(dialogue_connect(g.d, &client, 3));
    const struct verdict *v = dialogue_connect(g.d, &client, 4);
    assert_non_null(v);
    assert_str(v->code, "451");
    end(&g);
}

static void values_without_their_space_get_one(void **state)
{
    (void)state;
    struct game g;
    begin(&g, "");
    g.d->leading_space = false;
    assert_null(mail(&g, "<x@pass.example>"));
    dialogue_header(g.d, STR("From"), STR("x@pass.example"));
    assert_str(g.d->transaction->message.headers.fields[0].value, " x@pass.example");
    end(&g);
}

static void a_helo_may_come_again_and_be_long(void **state)
{
    (void)state;
    struct game g;
    begin(&g, "");
    char name[2000];
    memset(name, 'x', sizeof name);
    for (int i = 0; i < 1000; i++)
        dialogue_helo(g.d, (struct str){name, sizeof name});
    assert_int_equal(g.d->facts.helo.n, 512);
    assert_true(arena_used(g.d->facts.arena) < 10000);
    dialogue_helo(g.d, STR("short"));
    assert_str(g.d->facts.helo, "short");
    end(&g);
}

/* reject-at = "mail", an early wait that ends before the record is there, a signature that saves
 * the message: the refusal cannot be known at MAIL, and at the end it is none. assay check plays
 * the message at once and has to say what the daemon does. */
static void a_late_record_is_no_refusal_at_mail(void **state)
{
    (void)state;
    static const struct session_peer nobody;
    const struct recipient_words to = {.path = STR("<a@mx.example>")};
    const struct dkim_signing_key key = {STR("late.example"), STR("s"), rsa_key};
    const struct dkim_sign_settings settings = {
        .header_canon = CANON_RELAXED, .body_canon = CANON_RELAXED, .now = default_settings.now};
    struct game g;
    struct header_list plain, headers;
    struct str value, problem;
    begin(&g, "spf = { on-fail = \"reject\"; reject-at = \"mail\"; };\n"
              "dns = { early-wait = \"50ms\"; };\ndmarc = { on-reject = \"reject\"; };");
    header_list_init(&plain, arena);
    header_list_add(&plain, STR("From"), STR(" x@late.example"));
    struct dkim_signer *signer = dkim_signer_new(arena, &settings, &plain);
    dkim_signer_body(signer, "text\r\n", 6);
    assert_true(dkim_signer_finish(signer, &key, 1, &value, &problem));
    header_list_init(&headers, arena);
    header_list_add(&headers, STR("DKIM-Signature"), value);
    header_list_add(&headers, STR("From"), STR(" x@late.example"));
    struct letter letter = {.client = {.smtp = true},
                            .helo = STR("mail.example"),
                            .envelope = {.from = STR("<x@late.example>")},
                            .n_recipients = 1,
                            .recipients = &to,
                            .headers = &headers,
                            .body = STR("text\r\n")};
    netaddr_parse(STR("192.0.2.1"), &letter.client.address);
    struct dialogue *d = dialogue_new(&g.host.host, &nobody);
    assert_null(play_letter(d, &letter));
    assert_int_equal(d->transaction->point, POINT_EOM);
    assert_int_equal(d->transaction->evidence.spf.mail_from.outcome.result, SPF_FAIL);
    assert_int_equal(d->transaction->evidence.dmarc.result, DMARC_PASS);
    assert_int_equal(d->transaction->verdict.action, ACTION_ACCEPT);
    dialogue_free(d);
    letter.envelope.from = STR("<x@late.example>"); /* with its record known: refused at MAIL */
    d = dialogue_new(&g.host.host, &nobody);
    const struct verdict *v = play_letter(d, &letter);
    assert_non_null(v);
    assert_int_equal(d->transaction->point, POINT_MAIL);
    dialogue_free(d);
    end(&g);
}

/* Two answers about SPF that take `bytes` together, which a sender chooses. */
static struct dns *open_filling(size_t bytes)
{
    static char x[600 * 1024];
    struct str problem;
    memset(x, 'x', sizeof x);
    struct str zone =
        str_printf(arena,
                   "fill.example TXT \"v=spf1 include:a.fill.example include:b.fill.example\"\n"
                   "a.fill.example TXT \"v=spf1 ?all\"\na.fill.example TXT \"%.*s\"\n"
                   "b.fill.example TXT \"v=spf1 ?all\"\nb.fill.example TXT \"%.*s\"\n"
                   "_dmarc.victim.example TXT \"v=DMARC1; p=reject\"\n",
                   (int)(bytes / 2), x, (int)(bytes / 2), x);
    struct dns *dns = dns_open_zone(zone, arena, &problem);
    assert_non_null(dns);
    return dns;
}

/* A sender who fills the room for DNS answers to the brim does not turn another domain's policy
 * into something that cannot be known. */
static void a_sender_takes_no_room_from_policies(void **state)
{
    enum { ROOM = 512 * 1024 };
    static const size_t halves[] = {ROOM, ROOM / 2};
    (void)state;
    for (size_t i = 0; i < 10; i++) {
        struct game g;
        size_t full = halves[i % 2];
        begin(&g, "dmarc = { on-reject = \"reject\"; on-temperror = \"tag\"; };");
        dns_close(g.host.snapshot.dns);
        g.host.snapshot.dns = open_filling(full - 2000 + i / 2 * 200);
        assert_null(mail(&g, "<x@fill.example>"));
        assert_null(rcpt(&g, "<a@mx.example>"));
        dialogue_header(g.d, STR("From"), STR(" x@victim.example"));
        dialogue_end_of_header(g.d);
        dialogue_end(g.d);
        assert_int_equal(g.d->transaction->evidence.dmarc.result, DMARC_FAIL);
        assert_int_equal(g.d->transaction->verdict.action, ACTION_REJECT);
        dialogue_answered(g.d);
        end(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_from_beginning_to_end),
        cmocka_unit_test(a_refusal_at_mail_ends_it),
        cmocka_unit_test(a_refused_recipient_does_not_refuse_the_others),
        cmocka_unit_test(what_holds_for_all_recipients_is_told_once),
        cmocka_unit_test(the_last_that_comes_after_may_take_the_message),
        cmocka_unit_test(mail_of_ours_is_chosen_by_nobody),
        cmocka_unit_test(ends_of_all_kinds),
        cmocka_unit_test(without_memory_none_begins),
        cmocka_unit_test(a_header_that_does_not_fit_is_told_at_the_end),
        cmocka_unit_test(too_many_connections),
        cmocka_unit_test(values_without_their_space_get_one),
        cmocka_unit_test(a_helo_may_come_again_and_be_long),
        cmocka_unit_test(a_late_record_is_no_refusal_at_mail),
        cmocka_unit_test(a_sender_takes_no_room_from_policies),
    };
    return cmocka_run_group_tests(tests, dkim_setup, dkim_teardown);
}
