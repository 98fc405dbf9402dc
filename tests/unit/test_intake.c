/* intake: what an evaluation takes of its arena at most is what intake_evaluation() says before,
 * for messages that make the most of each byte. (What is kept of a header: scenarios/limits.scn.)
 */
#include "test.h"

#include "dkim_util.h"

#include "conf/conf.h"
#include "core/intake.h"
#include "core/signing.h"
#include "decide/record.h"
#include "decide/whole.h"

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
    struct arena *arena;
    struct session session;
    struct message message;
};

static void begin(struct game *g)
{
    struct conf_problems problems;
    struct str problem;
    conf_problems_init(&problems, arena);
    g->conf =
        conf_parse(STR("authserv-id = \"mx.example\"; spf = { check-helo = true; };"), &problems);
    assert_non_null(g->conf);
    g->dns = dns_open_zone(str_of(zone), arena, &problem);
    assert_non_null(g->dns);
    g->keys = key_cache_new(1 << 20);
    g->arena = arena_new(0);
    g->session = (struct session){.arena = g->arena, .smtp = true, .helo = STR("b.example")};
    netaddr_parse(STR("192.0.2.1"), &g->session.client);
    g->message = (struct message){.arena = g->arena,
                                  .now = default_settings.now,
                                  .queue_id = STR("Q"),
                                  .from_text = STR("<x@a.example>")};
    mail_path_parse(g->message.from_text, &g->message.from);
    header_list_init(&g->message.headers, g->arena);
}

static void add(struct game *g, const char *name, struct str value)
{
    header_list_add(&g->message.headers, str_of(name), value);
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

/* How much of the estimate is used, in percent. */
static unsigned used(struct game *g, bool ours)
{
    const struct key_set keys = {signs_for_all};
    if (ours)
        g->message.auth_user = STR("ann");
    message_decide_origin(g->conf, &g->session, &g->message);
    struct whole w = {.conf = g->conf,
                      .session = &g->session,
                      .message = &g->message,
                      .body = STR("text\r\n"),
                      .asker = {.dns = g->dns},
                      .keys = g->keys,
                      .signing_keys = &keys};
    intake_header(g->conf, &g->message);
    assert_false(g->message.over_limit);
    size_t allowed = intake_evaluation(g->conf, &g->message), before = arena_used(g->arena);
    whole_message(&w);
    record_line(w.point, &g->session, &g->message, &w.evidence, &w.verdict, 0, g->arena);
    size_t percent = (arena_used(g->arena) - before) * 100 / allowed;
    if (percent > 100)
        print_error("%zu bytes used, %zu expected\n", arena_used(g->arena) - before, allowed);
    arena_free(g->arena);
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

static void long_fields(void **state)
{
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
            assert_in_range(used(&g, ours), 0, 100);
        }
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
        cmocka_unit_test(signatures_with_long_tags),
        cmocka_unit_test(many_fields),
        cmocka_unit_test(long_fields),
        cmocka_unit_test(sixteen_lists),
        cmocka_unit_test(many_authors),
        cmocka_unit_test(quoted_names_of_others),
    };
    return cmocka_run_group_tests(tests, dkim_setup, dkim_teardown);
}
