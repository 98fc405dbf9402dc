/* entry: whose Received fields tell where mail came in, and what our results say of it. */
#include "test.h"

#include "core/entry.h"
#include "mail/domain.h"

/* What a Received field by this name says, to a host whose names fill their list. Behind that
 * stands the text of its name of nine bytes; who read on would take the last one for the length of
 * another name, with zeros behind it. */
static struct entry entry_by(struct arena *a, struct str by)
{
    static struct str aliases[] = {STR_INIT("a.t"), STR_INIT("B.t."), STR_INIT("beyond.t")};
    static const struct conf conf = {.authserv_id = STR_INIT("mx.here.t"),
                                     .authserv_id_aliases = {.v = aliases, .n = 2}};
    const struct session session = {.mta_name = STR("mx1.here.example")};
    struct message message = {.arena = a};
    struct entry out;
    arena_alloc(a, 2048);
    arena_reset(a);
    header_list_init(&message.headers, a);
    header_list_add(&message.headers, STR("Received"),
                    str_printf(a, " from away.example (unknown [203.0.113.66]) by %.*s with ESMTP",
                               STR_ARG(by)));
    entry_find(&conf, &session, &message, &out);
    return out;
}

static void names_of_ours(void **state)
{
    static const struct str names[] = {
        STR_INIT("mx.here.t"),        STR_INIT("MX.Here.T."), STR_INIT("mx1.here.example"),
        STR_INIT("mX1.here.example"), STR_INIT("a.t"),        STR_INIT("b.t")};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct arena *a = arena_new(0);
        assert_true(entry_by(a, names[i]).from_outside);
        arena_free(a);
    }
}

/* However long they are. */
static void names_of_others(void **state)
{
    char name[DOMAIN_MAX];
    (void)state;
    memset(name, 'x', sizeof name);
    for (size_t i = 60; i < sizeof name; i += 60)
        name[i] = '.';
    for (size_t n = 1; n <= sizeof name; n++) {
        struct arena *a = arena_new(0);
        assert_false(entry_by(a, (struct str){name, n}).from_outside);
        arena_free(a);
    }
}

/* What these fields say, from the top; a line each, "-" for a field that is no Received. One more,
 * which tells of an outsider, stands behind the last one. */
static struct entry entry_of(struct arena *a, const char *lines)
{
    static const struct conf conf = {.authserv_id = STR_INIT("mx.here.t")};
    const struct session session = {.mta_name = STR("mx1.here.example")};
    struct message message = {.arena = a};
    struct str rest = str_of(lines), line;
    struct entry out;
    header_list_init(&message.headers, a);
    while (str_split(&rest, '\n', &line))
        header_list_add(&message.headers, str_eq(line, STR("-")) ? STR("X-A") : STR("Received"),
                        line);
    header_list_add(&message.headers, STR("Received"),
                    STR("from x.example (unknown [192.0.2.99]) by mx.here.t with ESMTP"));
    message.headers.n--;
    entry_find(&conf, &session, &message, &out);
    return out;
}

#define OUTSIDER "from x.example (unknown [203.0.113.66]) by "

/* Fields of this host and of localhost are passed over, the first other one decides. */
static void ways_in(void **state)
{
    static const struct {
        const char *lines;
        bool outside;
        size_t since;
    } cases[] = {
        {"", false, 0},
        {"-\n-", false, 0},
        {OUTSIDER "mx.here.t with ESMTP", true, 0},
        {"-\n" OUTSIDER "mx.here.t with ESMTP", true, 1},
        {"-\n-\n" OUTSIDER "mx1.here.example with LMTP", true, 2},
        {OUTSIDER "elsewhere.example with ESMTP", false, 0},
        /* localhost says of an outsider what anybody may say. */
        {OUTSIDER "localhost with ESMTP", false, 0},
        {"-\n" OUTSIDER "localhost with ESMTP\n" OUTSIDER "mx.here.t with ESMTP", false, 0},
        /* By whom and from whom this host hands on mail. */
        {"-\nfrom a (localhost [127.0.0.1]) by localhost with ESMTP\n" OUTSIDER
         "mx.here.t with ESMTP",
         true, 2},
        {"-\nfrom a (localhost [127.0.0.1]) by localhost.localdomain with ESMTP\n" OUTSIDER
         "mx.here.t with ESMTP",
         true, 2},
        {"-\nfrom a (localhost [127.0.0.1]) by [127.0.0.1] with ESMTP\n" OUTSIDER
         "mx.here.t with ESMTP",
         true, 2},
        {"-\nfrom a (localhost [127.0.0.1]) by [IPv6:::1] with ESMTP\n" OUTSIDER
         "mx.here.t with ESMTP",
         true, 2},
        {"-\nfrom a (localhost [127.0.0.1]) by away.example with ESMTP\n" OUTSIDER
         "mx.here.t with ESMTP",
         false, 0},
        /* A user who had authenticated, then an outsider below. */
        {"-\nfrom a (localhost [127.0.0.1]) by mx.here.t with ESMTPA\n-\n" OUTSIDER
         "elsewhere.example with ESMTP",
         false, 1},
        {"-\n" OUTSIDER "mx.here.t with ESMTPSA", false, 1},
        {"-\n" OUTSIDER "mx.here.t with HTTP", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new(0);
        struct entry got = entry_of(a, cases[i].lines);
        if (got.from_outside != cases[i].outside || got.fields_since != cases[i].since)
            fail_msg("%s: %d, %zu", cases[i].lines, got.from_outside, got.fields_since);
        arena_free(a);
    }
}

/* --- Authentication-Results --------------------------------------------------------------------*/

/* A message with these values, of which the first two fields were added here. */
static struct message with_results(struct arena *a, const char *const values[3])
{
    struct message message = {.arena = a, .entry_fields = 2};
    header_list_init(&message.headers, a);
    for (size_t i = 0; i < 3; i++)
        header_list_add(&message.headers,
                        values[i] ? STR("Authentication-Results") : STR("X-Other"),
                        str_of(values[i] ? values[i] : "dmarc=pass header.from=a.example"));
    return message;
}

#define PASS  "mx.here.t; dmarc=pass header.from=a.example"
#define FAIL  "mx.here.t; dmarc=fail header.from=a.example"
#define OTHER "away.example; dmarc=pass header.from=a.example"
#define Q32   "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
#define Q29   "qqqqqqqqqqqqqqqqqqqqqqqqqqqqq"

/* For a.example: all that was found out has to speak for it. */
static void what_vouches(void **state)
{
    static const struct {
        const char *values[3];
        bool vouches;
        const char *why;
    } cases[] = {
        {{NULL, NULL, PASS}, false, "no Authentication-Results of ours since it came in"},
        {{OTHER, NULL, PASS}, false, "no Authentication-Results of ours since it came in"},
        {{PASS, NULL, NULL}, true, "dmarc=pass when it came in"},
        {{NULL, PASS, FAIL}, true, "dmarc=pass when it came in"},
        {{OTHER, PASS, NULL}, true, "dmarc=pass when it came in"},
        {{PASS, PASS, NULL}, true, "dmarc=pass when it came in"},
        {{PASS, FAIL, NULL}, false, "dmarc=fail when it came in"},
        {{FAIL, PASS, NULL}, false, "dmarc=fail when it came in"},
        {{"mx.here.t; DMARC=PASS header.from=A.Example.", NULL, NULL},
         true,
         "dmarc=pass when it came in"},
        {{"mx.here.t; spf=pass", NULL, NULL},
         false,
         "our Authentication-Results tells no DMARC result"},
        {{"mx.here.t; dmarc=pass", NULL, NULL},
         false,
         "our Authentication-Results tells no DMARC result"},
        {{"mx.here.t; dmarc=fail header.from=b.example", NULL, NULL},
         true,
         "From was rewritten here, it was b.example"},
        /* Words that no program of ours writes are shown up to a length, in ASCII. */
        {{"mx.here.t; dmarc=" Q32 " header.from=a.example", NULL, NULL},
         false,
         "dmarc=" Q32 " when it came in"},
        {{"mx.here.t; dmarc=" Q32 "q header.from=a.example", NULL, NULL},
         false,
         "dmarc=" Q29 "... when it came in"},
        {{"mx.here.t; dmarc=\"p\xC3\xA4\" header.from=a.example", NULL, NULL},
         false,
         "dmarc=p\\xc3\\xa4 when it came in"},
    };
    static const struct conf conf = {.authserv_id = STR_INIT("mx.here.t")};
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct message message = with_results(a, cases[i].values);
        struct str why;
        if (entry_vouches(&conf, &message, STR("a.example"), &why) != cases[i].vouches)
            fail_msg("case %zu: %.*s", i, STR_ARG(why));
        assert_str(why, cases[i].why);
    }
    arena_free(a);
}

/* All of them, one behind the other. */
static void what_was_found_out(void **state)
{
    static const struct {
        const char *values[3];
        const char *want; /* "method=result " for each */
    } cases[] = {
        {{NULL, NULL, PASS}, ""},
        {{OTHER, NULL, PASS}, ""},
        {{"mx.here.t; dmarc=", NULL, NULL}, ""}, /* cannot be read */
        {{PASS, NULL, FAIL}, "dmarc=pass "},
        {{NULL, "mx.here.t; none", NULL}, ""},
        {{"mx.here.t; spf=pass; dkim=none", FAIL, NULL}, "spf=pass dkim=none dmarc=fail "},
        {{OTHER, "mx.here.t; spf=fail", PASS}, "spf=fail "},
    };
    static const struct conf conf = {.authserv_id = STR_INIT("mx.here.t")};
    struct arena *a = arena_new(0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct message message = with_results(a, cases[i].values);
        struct authres_results all;
        struct strbuf b;
        entry_results(&conf, &message, &all);
        sb_init(&b, a);
        for (size_t k = 0; k < all.n; k++)
            sb_printf(&b, "%.*s=%.*s ", STR_ARG(all.v[k].method), STR_ARG(all.v[k].result));
        assert_str(sb_str(&b), cases[i].want);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_ours),
        cmocka_unit_test(names_of_others),
        cmocka_unit_test(ways_in),
        cmocka_unit_test(what_vouches),
        cmocka_unit_test(what_was_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
