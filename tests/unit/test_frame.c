/* frame: options, words, help and complaints of a table of commands. */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/netset.h"
#include "milter/commands/command.h"

/* --- A table of its own ------------------------------------------------------------------------*/

struct sample {
    const char *text;
    bool flag;
    int64_t time;
    struct netaddr address;
    struct str domain, selector;
    struct command_texts texts;
    const char *must;
};

static const struct command_option sample_options[] = {
    OPTION("text", "TEXT", take_text, struct sample, text, "a text"),
    OPTION("flag", NULL, take_flag, struct sample, flag, "a flag"),
    OPTION("time", "TIME", take_time, struct sample, time, "a time"),
    OPTION("address", "ADDRESS", take_address, struct sample, address,
           "an address, with so many words behind it that the line has to be broken somewhere"),
    OPTION("domain", "DOMAIN", take_domain, struct sample, domain, "a domain"),
    OPTION("selector", "SELECTOR", take_selector, struct sample, selector, "a selector"),
    OPTION("texts", "TEXT", take_texts, struct sample, texts, "may be given again"),
    OPTION("an-option-with-a-long-name", "VALUE", take_text, struct sample, text, "long"),
    OPTION_REQUIRED("must", "VALUE", take_text, struct sample, must, "what is needed"),
    {0},
};

/* What the command was given, of the last run. */
static struct sample seen;
static struct command seen_command;
static struct str seen_words;
static struct arena *arena;

static int run_sample(struct command *c)
{
    struct strbuf b;
    seen = *(struct sample *)c->own;
    seen_command = *c;
    seen.domain = str_copy(arena, seen.domain);
    seen.selector = str_copy(arena, seen.selector);
    sb_init(&b, arena);
    for (int i = 0; i < c->n_words; i++)
        sb_printf(&b, "%s%s", i ? "|" : "", c->words[i]);
    for (size_t i = 0; i < seen.texts.n; i++)
        sb_printf(&b, "+%s", seen.texts.v[i]);
    seen_words = sb_str(&b);
    return 7;
}

static int run_bare(struct command *c)
{
    assert_ptr_not_equal(c->arena, NULL);
    return EX_OK;
}

static int run_json(struct command *c)
{
    struct json j;
    json_begin(&j, c->arena);
    json_bool(&j, "json", c->json);
    command_print_json(&j);
    return EX_OK;
}

static const struct command_row sample_command = {
    .name = "sample",
    .brief = "takes everything",
    .words = "FIRST [SECOND...]",
    .options = sample_options,
    .common = COMMON_QUESTION,
    .size = sizeof(struct sample),
    .run = run_sample,
    .about = "About it.",
    .notes = "Notes.",
    .status = "7.",
};
static const struct command_row bare_command = {.name = "bare", .brief = "none", .run = run_bare};
static const struct command_row json_command = {
    .name = "json",
    .brief = "prints JSON",
    .words = "[FILE]",
    .common = COMMON_JSON,
    .run = run_json,
};
static const struct command_row inner_group = {
    .name = "inner",
    .brief = "a group in a group",
    .commands = (const struct command_row *const[]){&sample_command, NULL},
};
static const struct command_row root = {
    .name = "tool",
    .about = "A tool.",
    .commands =
        (const struct command_row *const[]){&inner_group, &bare_command, &json_command, NULL},
};

/* --- Running it --------------------------------------------------------------------------------*/

struct outcome {
    int status;
    struct str out, err;
};

static struct str read_back(FILE *f)
{
    static char text[65536];
    rewind(f);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    return str_copy(arena, (struct str){text, n});
}

/* The words are separated by blanks; '' stands for an empty one. */
static struct outcome run_line(const struct command_row *row, const char *line)
{
    char *argv[40];
    int argc = 0;
    struct str rest = str_of(line), word;
    while (str_split(&rest, ' ', &word))
        if (word.n && argc < 40)
            argv[argc++] = str_cstr(arena, str_eq(word, STR("''")) ? STR("") : word);
    FILE *out = tmpfile(), *err = tmpfile(), *old_out = stdout, *old_err = stderr;
    assert_non_null(out);
    assert_non_null(err);
    stdout = out;
    stderr = err;
    struct outcome o = {.status = frame_main(row, argc, argv)};
    stdout = old_out;
    stderr = old_err;
    o.out = read_back(out);
    o.err = read_back(err);
    return o;
}

static void check(const char *line, int status, const char *out, const char *err)
{
    struct outcome o = run_line(&root, line);
    if (o.status != status)
        print_error("%s\n%.*s%.*s", line, STR_ARG(o.out), STR_ARG(o.err));
    assert_int_equal(o.status, status);
    if (out)
        assert_str(o.out, out);
    if (err)
        assert_str(o.err, err);
}

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(0);
    seen = (struct sample){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* --- Options and words -------------------------------------------------------------------------*/

static void values(void **state)
{
    (void)state;
    check("tool inner sample --text a --flag --time 1700000000 --address 2001:db8::1 "
          "--domain EXAMPLE.org --selector s1 --must x -c conf --dns zone --explain --json word",
          7, "", "");
    assert_string_equal(seen.text, "a");
    assert_true(seen.flag);
    assert_int_equal(seen.time, 1700000000);
    assert_int_equal(seen.address.family, 6);
    assert_str(seen.domain, "example.org");
    assert_str(seen.selector, "s1");
    assert_string_equal(seen.must, "x");
    assert_str(seen_words, "word");
    assert_string_equal(seen_command.conf_path, "conf");
    assert_string_equal(seen_command.zone_path, "zone");
    assert_true(seen_command.explain && seen_command.json);
}

static void forms(void **state)
{
    static const struct {
        const char *line, *text, *words;
    } cases[] = {
        {"tool inner sample one --must=a --text=b=c two", "b=c", "one|two"},
        {"tool inner sample --must a --text= one", "", "one"},
        {"tool inner sample --must a --text '' one", "", "one"},
        {"tool inner sample --must a one", NULL, "one"},
        {"tool inner sample --must a one -- --text -", NULL, "one|--text|-"},
        {"tool inner sample --must a - --", NULL, "-"},
        {"tool inner sample --must a --text --flag one", "--flag", "one"},
        {"tool inner sample --mu a one", NULL, "one"}, /* a beginning that is one option's */
        {"tool inner sample --must a --text b one", "b", "one"}, /* "texts" begins so, too */
        {"tool inner sample --must a --texts b --texts c one", NULL, "one+b+c"},
        {"tool inner sample --must a --text b --text c one", "c", "one"},
        {"tool inner sample --must a -cfile one", NULL, "one"},
        {"tool inner sample --must a one two three", NULL, "one|two|three"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(cases[i].line, 7, "", "");
        assert_int_equal(seen.text != NULL, cases[i].text != NULL);
        if (cases[i].text)
            assert_string_equal(seen.text, cases[i].text);
        assert_str(seen_words, cases[i].words);
    }
}

static void complaints(void **state)
{
    static const struct {
        const char *line, *err;
    } cases[] = {
        {"tool inner sample one", "tool inner sample: --must is missing: what is needed\n"},
        {"tool inner sample --must a", "tool inner sample: FIRST is missing\n"
                                       "\"tool inner sample --help\" tells more\n"},
        {"tool inner sample --must", "tool inner sample: --must: VALUE is missing\n"
                                     "\"tool inner sample --help\" tells more\n"},
        {"tool bare more", "tool bare: unexpected \"more\"\n\"tool bare --help\" tells more\n"},
        {"tool bare --jsno", "tool bare: there is no option --jsno\n"
                             "\"tool bare --help\" tells more\n"},
        {"tool json --jsno", "tool json: there is no option --jsno; do you mean --json?\n"
                             "\"tool json --help\" tells more\n"},
        {"tool json --json=yes", "tool json: --json takes no value\n"
                                 "\"tool json --help\" tells more\n"},
        {"tool json one two", "tool json: unexpected \"two\"\n\"tool json --help\" tells more\n"},
        {"tool json -x", "tool json: there is no option -x\n\"tool json --help\" tells more\n"},
        {"tool json --help=\x1b", "tool json: --help takes no value\n"
                                  "\"tool json --help\" tells more\n"},
        {"tool json --\x1b", "tool json: there is no option --\\x1b\n"
                             "\"tool json --help\" tells more\n"},
        {"tool inner sample --te a one", "tool inner sample: there is no option --te; do you mean "
                                         "--text?\n\"tool inner sample --help\" tells more\n"},
        {"tool inner sample --must a --time tomorrow one",
         "tool inner sample: --time: \"tomorrow\" is no time: wanted is 2026-11-29T20:00:00Z "
         "(RFC 3339, in UTC), or seconds since 1970\n"},
        {"tool inner sample --must a --time -1 one",
         "tool inner sample: --time: \"-1\" is no time: wanted is 2026-11-29T20:00:00Z "
         "(RFC 3339, in UTC), or seconds since 1970\n"},
        {"tool inner sample --must a --address 1.2.3 one",
         "tool inner sample: --address: \"1.2.3\" is no address such as 192.0.2.1 or "
         "2001:db8::1\n"},
        {"tool inner sample --must a --domain not..good one",
         "tool inner sample: --domain: \"not..good\" is no domain name such as example.org\n"},
        {"tool inner sampel", "tool inner: there is no command \"sampel\"; do you mean "
                              "\"sample\"?\n"},
        {"tool other", "tool: there is no command \"other\"; \"tool help\" lists them\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].line, EX_USAGE, "", cases[i].err);
    assert_null(seen.must);
}

static void json_output(void **state)
{
    (void)state;
    check("tool json --json", EX_OK, "{\n  \"json\": true\n}\n", "");
    check("tool json", EX_OK, "{\n  \"json\": false\n}\n", "");
}

/* --- Help --------------------------------------------------------------------------------------*/

static const char group_help[] = "A tool.\n"
                                 "\n"
                                 "usage: tool COMMAND [OPTION...]\n"
                                 "\n"
                                 "  inner  a group in a group\n"
                                 "  bare   none\n"
                                 "  json   prints JSON\n"
                                 "\n"
                                 "\"tool COMMAND --help\" tells more of one.\n";

static const char sample_help[] =
    "usage: tool inner sample --must VALUE [OPTION...] FIRST [SECOND...]\n"
    "\n"
    "About it.\n"
    "\n"
    "      --text TEXT          a text\n"
    "      --flag               a flag\n"
    "      --time TIME          a time\n"
    "      --address ADDRESS    an address, with so many words behind it that the\n"
    "                           line has to be broken somewhere\n"
    "      --domain DOMAIN      a domain\n"
    "      --selector SELECTOR  a selector\n"
    "      --texts TEXT         may be given again\n"
    "      --an-option-with-a-long-name VALUE\n"
    "                           long\n"
    "      --must VALUE         what is needed\n"
    "  -c, --config FILE        the configuration; default: /etc/assay/assay.conf\n"
    "      --dns FILE           answer from this zone file instead of the DNS\n"
    "      --explain            print every step: record, term, look-up\n"
    "      --json               print the result for a program\n"
    "  -h, --help               print this\n"
    "\n"
    "Notes.\n"
    "Exit status: 7.\n";

static void help(void **state)
{
    (void)state;
    check("tool", EX_USAGE, "", group_help);
    check("tool --help", EX_OK, group_help, "");
    check("tool help", EX_OK, group_help, "");
    check("tool inner sample --help", EX_OK, sample_help, "");
    check("tool inner sample -h", EX_OK, sample_help, "");
    check("tool help inner sample", EX_OK, sample_help, "");
    check("tool inner help sample", EX_OK, sample_help, "");
    check("tool inner help other", EX_USAGE, "", NULL);
}

/* --- The table of the program ------------------------------------------------------------------*/

static void check_row(const struct command_row *row)
{
    bool common;
    const struct command_option *o, *other;
    if (row->commands) {
        for (size_t i = 0; row->commands[i]; i++) {
            assert_non_null(row->commands[i]->brief);
            for (size_t k = 0; k < i; k++)
                assert_string_not_equal(row->commands[i]->name, row->commands[k]->name);
            check_row(row->commands[i]);
        }
        return;
    }
    assert_non_null(row->run);
    for (size_t i = 0; (o = frame_option(row, i, &common)); i++) {
        assert_true(i < 64);
        assert_non_null(o->help);
        assert_true(common || o->to < row->size);
        for (size_t k = 0; k < i; k++) {
            other = frame_option(row, k, &common);
            assert_string_not_equal(other->name, o->name);
            assert_true(!o->letter || other->letter != o->letter);
        }
    }
}

static void real_table(void **state)
{
    (void)state;
    check_row(&assay_command);
    struct outcome o = run_line(&assay_command, "assay --help");
    assert_int_equal(o.status, EX_OK);
    o = run_line(&assay_command, "assay config help check");
    assert_int_equal(o.status, EX_OK);
    assert_true(str_starts(o.out, STR("usage: assay config check [OPTION...]\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(complaints, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_output, set_up, tear_down),
        cmocka_unit_test_setup_teardown(help, set_up, tear_down),
        cmocka_unit_test_setup_teardown(real_table, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
