/* message: which certificates of clients the MTA has verified, and how it is told whose mail it is.
 * The macros are those that Sendmail 8.17 and Postfix 3.7 send. */
#include "test.h"

#include "conf/conf.h"
#include "core/message.h"

static void certificates(void **state)
{
    static const struct {
        const char *version, *verify, *subject, *issuer;
        bool trusted;
    } cases[] = {
        {"8.17.1.9", "OK", "/CN=laptop", "/CN=Our+20CA", true},
        {"8.17.1.9", "FAIL", "/CN=laptop", "/CN=laptop", false},
        {"8.17.1.9", "NO", NULL, NULL, false},
        {"8.17.1.9", "NONE", NULL, NULL, false},
        {"8.17.1.9", "ok", "/CN=laptop", "/CN=Our+20CA", false},
        {"8.17.1.9", NULL, "/CN=laptop", "/CN=Our+20CA", false},
        {NULL, NULL, "/CN=laptop", "/CN=Our+20CA", false},
        {NULL, "OK", NULL, NULL, true},
        {"Postfix 3.7.11", NULL, "laptop", "Our CA", true},
        {"Postfix 3.7.11", NULL, "", "Our CA", true}, /* a subject without CN */
        {"Postfix 3.7.11", NULL, "laptop", "", true},
        {"Postfix 3.7.11", NULL, "", "", false},
        {"Postfix 3.7.11", NULL, NULL, NULL, false}, /* not trusted, or none */
        {"Postfix 3.7.11", "FAIL", "laptop", "Our CA", false},
        {"Other 1.0", NULL, "laptop", "Our CA", false},
        {"Postfixed 1.0", NULL, "laptop", "Our CA", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct certificate_macros macros = {
            .version = str_of(cases[i].version),
            .verify = str_of(cases[i].verify),
            .subject = str_of(cases[i].subject),
            .issuer = str_of(cases[i].issuer),
        };
        if (certificate_is_trusted(&macros) != cases[i].trusted)
            fail_msg("case %zu", i);
    }
}

/* Names that others chose are shown up to a length, and cut beyond it. */
static void names_in_the_log(void **state)
{
    static const struct {
        const char *words;
        size_t max;
    } cases[] = {{"SMTP AUTH ", 128}, {"TLS certificate ", 128}, {"submission daemon ", 64}};
    char letters[129];
    (void)state;
    memset(letters, 'q', sizeof letters);
    for (size_t i = 0; i < 3; i++)
        for (size_t more = 0; more < 2; more++) {
            struct arena *a = arena_new(0);
            struct str name = {letters, cases[i].max + more}, none = STR("");
            struct str daemons[] = {name};
            const struct conf conf = {.trust_tls_certificates = true,
                                      .submission_daemons_trusted = true,
                                      .submission_daemons = {.v = daemons, .n = 1}};
            const struct session s = {.smtp = true, .daemon_name = i == 2 ? name : none};
            struct message m = {.arena = a,
                                .auth_user = i == 0 ? name : none,
                                .tls_verified = i == 1,
                                .tls_subject = i == 1 ? name : none};
            message_decide_origin(&conf, &s, &m);
            assert_int_equal(m.origin, ORIGIN_OURS);
            int shown = (int)(more ? cases[i].max - 3 : cases[i].max);
            struct str want =
                str_printf(a, "%s%.*s%s", cases[i].words, shown, letters, more ? "..." : "");
            assert_str(m.origin_why, str_cstr(a, want));
            arena_free(a);
        }
}

/* A user may have any name; a daemon is named by the MTA's configuration, and is told in ASCII. */
static void letters_beyond_ascii(void **state)
{
    struct arena *a = arena_new(0);
    struct str name = STR("J\xC3\xB6rg");
    const struct conf conf = {.trust_tls_certificates = true,
                              .submission_daemons_trusted = true,
                              .submission_daemons = {.v = &name, .n = 1}};
    const struct session s = {.smtp = true, .daemon_name = name};
    struct message user = {.arena = a, .auth_user = name};
    struct message laptop = {.arena = a, .tls_verified = true, .tls_subject = name};
    struct message submitted = {.arena = a};
    (void)state;
    message_decide_origin(&conf, &s, &user);
    assert_str(user.origin_why, "SMTP AUTH J\xC3\xB6rg");
    message_decide_origin(&conf, &s, &laptop);
    assert_str(laptop.origin_why, "TLS certificate J\xC3\xB6rg");
    message_decide_origin(&conf, &s, &submitted);
    assert_str(submitted.origin_why, "submission daemon J\\xc3\\xb6rg");
    arena_free(a);
}

/* Of several daemons any, but none that stands behind the last one. */
static void submission_daemons(void **state)
{
    static struct str daemons[] = {STR_INIT("MSA"), STR_INIT("other"), STR_INIT("beyond")};
    static const struct {
        struct str name;
        enum origin want;
    } cases[] = {
        {STR_INIT("MSA"), ORIGIN_OURS},       {STR_INIT("other"), ORIGIN_OURS},
        {STR_INIT("beyond"), ORIGIN_INBOUND}, {STR_INIT("msa"), ORIGIN_INBOUND},
        {STR_INIT(""), ORIGIN_INBOUND},
    };
    struct arena *a = arena_new(0);
    const struct conf conf = {.submission_daemons_trusted = true,
                              .submission_daemons = {.v = daemons, .n = 2}},
                      untrusted = {.submission_daemons = {.v = daemons, .n = 2}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct session s = {.smtp = true, .daemon_name = cases[i].name};
        struct message m = {.arena = a};
        message_decide_origin(&conf, &s, &m);
        assert_int_equal(m.origin, cases[i].want);
        message_decide_origin(&untrusted, &s, &m);
        assert_int_equal(m.origin, ORIGIN_INBOUND);
    }
    arena_free(a);
}

/* What a client on loopback hands in may have come in before, until its header says. */
static void settled_by_the_header(void **state)
{
    static const struct {
        const char *received; /* or NULL: there is none */
        enum origin want;
        const char *why;
    } cases[] = {
        {NULL, ORIGIN_INBOUND, "not authenticated, not from a trusted network"},
        {" from a.example (unknown [203.0.113.66]) by mx.example with ESMTP", ORIGIN_FORWARDED,
         "it had come in from 203.0.113.66"},
        {" from a.example (unknown [203.0.113.66]) by mx.example with ESMTPA", ORIGIN_INBOUND,
         "not authenticated, not from a trusted network"},
    };
    struct arena *a = arena_new(0);
    const struct conf conf = {.authserv_id = STR("mx.example")};
    const struct session s = {.smtp = true, .client = {.family = 4, .bytes = {127, 0, 0, 1}}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message m = {.arena = a};
        message_decide_origin(&conf, &s, &m);
        assert_true(m.may_be_forwarded);
        header_list_init(&m.headers, a);
        header_list_add(&m.headers, STR("X-Above"), STR(" 1"));
        if (cases[i].received)
            header_list_add(&m.headers, STR("Received"), str_of(cases[i].received));
        message_settle_origin(&conf, &s, &m);
        assert_false(m.may_be_forwarded);
        assert_int_equal(m.origin, cases[i].want);
        assert_str(m.origin_why, cases[i].why);
        assert_int_equal(m.entry_fields, cases[i].received ? 1 : 0);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates),          cmocka_unit_test(names_in_the_log),
        cmocka_unit_test(letters_beyond_ascii),  cmocka_unit_test(submission_daemons),
        cmocka_unit_test(settled_by_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
