/* intake: what an evaluation takes of its arena at most is what intake_evaluation() says before,
 * for messages that make the most of each byte; and what is kept of a header. */
#include "test.h"

#include "dkim_util.h"

#include "conf/conf.h"
#include "core/intake.h"
#include "core/signing.h"
#include "decide/record.h"
#include "session/play.h"

static const char zone[] = "_dmarc.a.example TXT \"v=DMARC1; p=reject\"\n"
                           "a.example TXT \"v=spf1 include:b.example exists:%{l}.%{i}.c.example "
                           "a mx ptr -all\"\n"
                           "b.example TXT \"v=spf1 a:b.example mx exists:%{s}.d.example ~all\"\n"
                           "s._domainkey.a.example TXT \"v=DKIM1; p=" RSA_PUBLIC "\"\n";

static void signs_for_all(const struct key_set *set, const struct mailbox *author, struct arena *a,
                          struct signing_choice *choice)
{
    static const struct dkim_sign_settings settings = {.header_canon = CANON_RELAXED,
                                                       .body_canon = CANON_RELAXED};
    (void)set, (void)author;
    struct dkim_signing_key *key = arena_make(a, struct dkim_signing_key);
    *key = (struct dkim_signing_key){STR("a.example"), STR("s"), rsa_key};
    *choice = (struct signing_choice){.n = 1, .keys = key, .settings = &settings};
}

struct game {
    struct conf *conf;
    struct dns *dns;
    struct key_cache *keys;
    struct header_list headers;
};

static void begin(struct game *g)
{
    struct conf_problems problems;
    struct str problem;
    conf_problems_init(&problems, arena);
    g->conf = conf_parse(STR("authserv-id = \"mx.example\"; spf = { check-helo = true; };\n"
                             "limits = { message-memory = \"1G\"; memory = \"2G\"; };"),
                         &problems);
    assert_non_null(g->conf);
    g->dns = dns_open_zone(str_of(zone), arena, &problem);
    assert_non_null(g->dns);
    g->keys = key_cache_new(1 << 20);
    header_list_init(&g->headers, arena);
}

static void add(struct game *g, const char *name, struct str value)
{
    header_list_add(&g->headers, str_of(name), value);
}

/* The text n times, one behind the other. */
static struct str times(size_t n, const char *text)
{
    struct strbuf b;
    sb_init(&b, arena);
    while (n-- > 0)
        sb_add(&b, str_of(text));
    return sb_str(&b);
}

/* The dialogue of a game, up to the end of its header. */
static struct dialogue *tell(struct game *g, struct fixed_host *host, bool ours)
{
    static const struct session_peer nobody;
    struct client_words client = {.smtp = true};
    const struct envelope_words envelope = {.from = STR("<x@a.example>"),
                                            .queue_id = STR("Q"),
                                            .auth_user = ours ? STR("ann") : STR("")};
    netaddr_parse(STR("192.0.2.1"), &client.address);
    struct dialogue *d = dialogue_new(&host->host, &nobody);
    assert_null(dialogue_connect(d, &client, 1));
    dialogue_helo(d, STR("b.example"));
    assert_null(dialogue_mail(d, &envelope));
    for (size_t i = 0; i < g->headers.n; i++)
        dialogue_header(d, g->headers.fields[i].name, g->headers.fields[i].value);
    assert_false(d->transaction->message.over_limit);
    return d;
}

/* How much of the estimate is used, in percent. */
static unsigned used(struct game *g, bool ours)
{
    static const struct key_set keys = {signs_for_all};
    struct fixed_host host;
    fixed_host_init(&host);
    host.now = default_settings.now;
    host.snapshot.conf = g->conf;
    host.snapshot.dns = g->dns;
    host.snapshot.key_cache = g->keys;
    host.snapshot.keys = &keys;
    struct dialogue *d = tell(g, &host, ours);
    const struct transaction *t = d->transaction;
    size_t allowed = intake_evaluation(g->conf, &t->message), before = arena_used(t->arena);
    dialogue_end_of_header(d);
    dialogue_body(d, "text\r\n", 6);
    dialogue_end(d);
    assert_false(t->no_memory);
    const struct telling telling = transaction_telling(t);
    record_line(t->point, &telling, 0);
    size_t took = arena_used(t->arena) - before, percent = took * 100 / allowed;
    if (percent > 100)
        print_error("%zu bytes used, %zu expected\n", took, allowed);
    dialogue_free(d);
    key_cache_free(g->keys);
    conf_free(g->conf);
    dns_close(g->dns);
    return (unsigned)percent;
}

#define TAGS                                                                                       \
    " v=1; a=rsa-sha256; d=a.example; s=s; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "

static void signatures_with_many_names(void **state)
{
    (void)state;
    struct game g;
    begin(&g);
    struct str names = times(49000, "a:");
    for (int i = 0; i < 10; i++)
        add(&g, "DKIM-Signature", str_printf(arena, TAGS "b=AAAA; h=%.*sfrom", STR_ARG(names)));
    add(&g, "From", STR(" x@a.example"));
    unsigned percent = used(&g, false);
    assert_in_range(percent, 40, 100);
}

/* The one that is evaluated is the one that counts. */
static void one_signature_of_all(void **state)
{
    (void)state;
    struct game g;
    begin(&g);
    g.conf->dkim_max_signatures = 1;
    struct str names = times(49000, "a:");
    add(&g, "DKIM-Signature", str_printf(arena, TAGS "b=AAAA; h=%.*sfrom", STR_ARG(names)));
    add(&g, "From", STR(" x@a.example"));
    assert_in_range(used(&g, false), 40, 100);
}

static void signatures_with_long_names(void **state)
{
    (void)state;
    struct game g;
    begin(&g);
    struct str names = times(1600, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:");
    for (int i = 0; i < 10; i++)
        add(&g, "DKIM-Signature", str_printf(arena, TAGS "b=AAAA; h=%.*sfrom", STR_ARG(names)));
    add(&g, "From", STR(" x@a.example"));
    assert_in_range(used(&g, false), 0, 100);
}

/* Fifty sets that are well-formed, with all that they can name; and fields that are none. */
static void chains(void **state)
{
    (void)state;
    static const char seal[] = " i=%u; a=rsa-sha256; cv=%s; d=a.example; s=s; b=AAAA";
    struct game g;
    begin(&g);
    struct str names = times(3000, "a:");
    for (unsigned i = 1; i <= 50; i++) {
        add(&g, "ARC-Seal", str_printf(arena, seal, i, i == 1 ? "none" : "pass"));
        add(&g, "ARC-Message-Signature",
            str_printf(arena, " i=%u; a=rsa-sha256; d=a.example; s=s; bh=AAAA; b=AAAA; h=%.*sfrom",
                       i, STR_ARG(names)));
        add(&g, "ARC-Authentication-Results",
            str_printf(arena, " i=%u; a.example; dmarc=pass header.from=a.example", i));
    }
    add(&g, "From", STR(" x@a.example"));
    assert_in_range(used(&g, false), 10, 100);
    begin(&g);
    for (unsigned i = 0; i < 50; i++)
        add(&g, "ARC-Seal", STR(" i=1"));
    add(&g, "From", STR(" x@a.example"));
    assert_in_range(used(&g, false), 1, 100);
}

/* What fields of ARC cost beyond their text, for as many as a chain can have. */
static void fields_of_chains(void **state)
{
    (void)state;
    struct game g;
    size_t before, more[151];
    begin(&g);
    struct message m = {.arena = arena, .origin = ORIGIN_INBOUND};
    header_list_init(&m.headers, arena);
    before = intake_evaluation(g.conf, &m);
    for (size_t i = 0; i <= 150; i++) {
        header_list_add(&m.headers, STR("ARC-Seal"), STR(""));
        more[i] = intake_evaluation(g.conf, &m) - before;
        before += more[i];
    }
    assert_true(more[0] > more[150]);
    for (size_t i = 1; i < 150; i++)
        assert_int_equal(more[i], more[0]);
    conf_free(g.conf);
    dns_close(g.dns);
    key_cache_free(g.keys);
}

/* The same of signatures, for as many as are evaluated, and beyond the limits for none. */
static void fields_of_signatures(void **state)
{
    (void)state;
    struct game g;
    int64_t before, more[9];
    begin(&g);
    g.conf->dkim_max_signatures = 5;
    for (int over = 0; over < 2; over++) {
        struct message m = {.arena = arena, .origin = ORIGIN_INBOUND, .over_limit = over};
        header_list_init(&m.headers, arena);
        before = (int64_t)intake_evaluation(g.conf, &m);
        for (size_t i = 0; i < 9; i++) {
            header_list_add(&m.headers, STR("DKIM-Signature"), STR(" v=1; b=AAAA"));
            more[i] = (int64_t)intake_evaluation(g.conf, &m) - before;
            before += more[i];
        }
        assert_true(over ? more[0] == more[8] : more[0] > more[8]);
        for (size_t i = 1; i < 9; i++)
            assert_int_equal(more[i], i < 5 ? more[0] : more[8]);
    }
    conf_free(g.conf);
    dns_close(g.dns);
    key_cache_free(g.keys);
}

/* Each DNS list needs as much. */
static void lists_of_all(void **state)
{
    (void)state;
    struct conf conf = {.dkim_max_signatures = 5};
    struct message m = {.arena = arena};
    header_list_init(&m.headers, arena);
    const size_t none = intake_evaluation(&conf, &m);
    conf.n_lists = 1;
    const size_t one = intake_evaluation(&conf, &m);
    assert_true(one > none);
    conf.n_lists = 16;
    assert_int_equal(intake_evaluation(&conf, &m) - none, 16 * (one - none));
}

/* --- What is kept -----------------------------------------------------------------------------*/

/* Beyond the limits only what decides, and not too much of it. */
static void fields_beyond_the_limits(void **state)
{
    static const struct {
        const char *name;
        bool kept, lost;
        size_t from, results;
    } beyond[] = {
        {"Subject", false, false, 0, 0},        {"From", true, false, 1, 0},
        {" FROM\t", true, false, 2, 0},         {"Authentication-Results", true, false, 2, 1},
        {"DKIM-Signature", false, false, 2, 1}, {"received-spf", true, false, 2, 2},
        {"X-Assay-Gate", true, false, 2, 3},    {"Received-SPF", false, true, 2, 3},
        {"X-Assay-Gate", false, true, 2, 3},    {"From", true, true, 3, 3},
    };
    const struct conf conf = {
        .limits_header_count = 2, .limits_header_bytes = 1000, .limits_forged_fields = 3};
    struct message m = {.arena = arena};
    (void)state;
    header_list_init(&m.headers, arena);
    for (size_t i = 0; i < 2; i++) {
        assert_true(intake_field(&conf, &m, STR("Subject"), 3));
        assert_false(m.over_limit);
        assert_int_equal(m.header_bytes, (i + 1) * strlen("Subject:abc\r\n"));
        header_list_add(&m.headers, STR("Subject"), STR("abc"));
    }
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        assert_int_equal(intake_field(&conf, &m, str_of(beyond[i].name), 3), beyond[i].kept);
        assert_true(m.over_limit);
        assert_int_equal(m.results_lost, beyond[i].lost);
        assert_int_equal(m.from_beyond, beyond[i].from);
        assert_int_equal(m.results_beyond, beyond[i].results);
    }
    for (size_t i = 3; i < 10; i++)
        assert_true(intake_field(&conf, &m, STR("From"), 3));
    assert_false(intake_field(&conf, &m, STR("From"), 3));
    assert_int_equal(m.from_beyond, 10);
}

/* To the byte: with colon and line end. */
static void bytes_of_a_header(void **state)
{
    const struct conf conf = {.limits_header_count = 100, .limits_header_bytes = 20};
    struct message m = {.arena = arena};
    (void)state;
    header_list_init(&m.headers, arena);
    assert_true(intake_field(&conf, &m, STR("To"), 5));
    assert_true(intake_field(&conf, &m, STR("Cc"), 5));
    assert_int_equal(m.header_bytes, 20);
    assert_false(m.over_limit);
    assert_false(intake_field(&conf, &m, STR(""), 0));
    assert_int_equal(m.header_bytes, 23);
    assert_true(m.over_limit);
}

static void signatures_with_long_tags(void **state)
{
    (void)state;
    static const char *const tags[] = {"b=%.*s; h=from", "b=AAAA; h=from; i=%.*s@a.example",
                                       "b=AAAA; h=from; z=%.*s"};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        struct game g;
        begin(&g);
        struct str value = times(9000, "AAAAAAAAA "), text = str_of(tags[i]);
        size_t at = str_find(text, 0, '%');
        for (int k = 0; k < 10; k++)
            add(&g, "DKIM-Signature",
                str_printf(arena, TAGS "%.*s%.*s%s", STR_ARG(str_sub(text, 0, at)), STR_ARG(value),
                           tags[i] + at + 4));
        add(&g, "From", STR(" x@a.example"));
        assert_in_range(used(&g, false), 0, 100);
    }
}

static void many_fields(void **state)
{
    (void)state;
    struct game g;
    for (int ours = 0; ours < 2; ours++) {
        begin(&g);
        add(&g, "DKIM-Signature", STR(TAGS "b=AAAA; h=from"));
        add(&g, "From", STR(" x@a.example"));
        for (int i = 0; i < 4998; i++)
            add(&g, "Subject", STR(" y"));
        assert_in_range(used(&g, ours), 15, 100);
    }
}

/* The worst of them need most of what is expected. */
static void long_fields(void **state)
{
    unsigned worst[2] = {0};
    (void)state;
    static const char *const names[] = {"From",         "To",      "Authentication-Results",
                                        "Received-SPF", "List-Id", "Subject"};
    static const char *const parts[] = {"\"\\a\"", "a\n ",  "a@b.example,", "(\\a)",
                                        "<a@b>,",  "(c)a.", "\xC3\xBC\t"};
    for (size_t i = 0; i < 42; i++)
        for (int ours = 0; ours < 2; ours++) {
            struct game g;
            begin(&g);
            struct str text = times(200000, parts[i % 7]);
            add(&g, names[i / 7], str_printf(arena, " %.*s", STR_ARG(str_sub(text, 0, 900000))));
            if (i >= 7)
                add(&g, "From", STR(" x@a.example"));
            unsigned percent = used(&g, ours);
            assert_in_range(percent, 0, 100);
            worst[ours] = percent > worst[ours] ? percent : worst[ours];
        }
    assert_in_range(worst[false], 80, 100);
    assert_in_range(worst[true], 80, 100);
}

/* A From that is read to its end: a hundred authors with comments between all words. */
static void many_authors(void **state)
{
    (void)state;
    for (int ours = 0; ours < 2; ours++) {
        struct game g;
        begin(&g);
        struct str author = str_printf(arena, "%.*sx@a.example", STR_ARG(times(1500, "(c)a.")));
        char *one = str_cstr(arena, str_printf(arena, "%.*s,", STR_ARG(author)));
        add(&g, "From", times(100, one));
        assert_in_range(used(&g, ours), 5, 100);
    }
}

static void quoted_names_of_others(void **state)
{
    (void)state;
    struct game g;
    begin(&g);
    struct str name = times(4000, "\\a");
    for (int i = 0; i < 100; i++)
        add(&g, "Authentication-Results", str_printf(arena, " \"%.*s\"; x=y", STR_ARG(name)));
    add(&g, "From", STR(" x@a.example"));
    assert_in_range(used(&g, false), 40, 100);
}

static void sixteen_lists(void **state)
{
    (void)state;
    struct game g;
    begin(&g);
    add(&g, "From", STR(" x@a.example"));
    struct str list = times(3000, "ann@b.example,");
    for (int i = 0; i < 20; i++)
        add(&g, "To", str_printf(arena, " %.*sc@d.example", STR_ARG(list)));
    assert_in_range(used(&g, true), 20, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_with_many_names),
        cmocka_unit_test(one_signature_of_all),
        cmocka_unit_test(signatures_with_long_names),
        cmocka_unit_test(signatures_with_long_tags),
        cmocka_unit_test(chains),
        cmocka_unit_test(fields_of_chains),
        cmocka_unit_test(fields_of_signatures),
        cmocka_unit_test(lists_of_all),
        cmocka_unit_test(fields_beyond_the_limits),
        cmocka_unit_test(bytes_of_a_header),
        cmocka_unit_test(many_fields),
        cmocka_unit_test(long_fields),
        cmocka_unit_test(sixteen_lists),
        cmocka_unit_test(many_authors),
        cmocka_unit_test(quoted_names_of_others),
    };
    return cmocka_run_group_tests(tests, dkim_setup, dkim_teardown);
}
