/* fill.c - fills a rows.db for tests: odd data, or many rows.
 *
 * PATH may be the URL of a server: then rows go through the file that the environment names as
 * ASSAY_SPOOL, and the server has them when it ends.
 *
 *     fill PATH DAY odd            rows that are odd in every way; RUA may name where they go
 *     fill PATH DAY random SEED N  N policies with rows of random odd data, equal for equal seeds
 *     fill PATH DAY many N [RUA]   N rows of varied clients under one policy, and their time
 *     fill PATH DAY row DOMAIN RUA IP MESSAGES...   one row of that many messages for each IP
 *     fill PATH DAY hourly DOMAIN RUA N   N messages of one kind, an hour apart, from midnight on
 *     fill PATH DAY tally NAME N...   N messages that have no row
 *     fill PATH DAY messages FILE     one for each line "DOMAIN ADDRESS SPF", whose SPF is pass or
 *                                     fail, with a signature of DOMAIN that passes
 *
 * Errors: exit status 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/rows.h"

#define NOON 40000 /* or near it: seconds from midnight */

static struct rows *rows;
static int64_t when;

static void add(const struct row *row, uint64_t messages)
{
    while (messages) {
        if (rows_add(rows, when, row))
            messages--;
        else
            rows_flush(rows, 60000000);
    }
}

static struct row plain(struct str domain, struct str rua, const char *address)
{
    struct row row = {
        .policy = {.domain = domain,
                   .p = STR("reject"),
                   .adkim = STR("r"),
                   .aspf = STR("r"),
                   .fo = STR("0"),
                   .testing = STR("n"),
                   .discovery = STR("treewalk"),
                   .destinations = rua},
        .header_from = domain,
        .envelope_from = domain,
        .envelope_to = STR("recv.example"),
        .disposition = ROW_PASS,
        .spf_aligned = true,
        .spf_domain = domain,
        .spf_scope = STR("mfrom"),
        .spf_result = STR("pass"),
    };
    netaddr_parse(str_of(address), &row.source);
    return row;
}

/* Each byte once, so that nothing is left out that a text could hold. */
static struct str every_byte(struct arena *a)
{
    char *p = arena_alloc(a, 256);
    for (size_t i = 0; i < 256; i++)
        p[i] = (char)i;
    return (struct str){p, 256};
}

static void add_odd_texts(struct row row, struct arena *a)
{
    struct row_reason reasons[ROWS_REASONS_MAX];
    for (size_t i = 0; i < ROWS_REASONS_MAX; i++)
        reasons[i] =
            (struct row_reason){i ? STR("local_policy") : STR("no such type"), every_byte(a)};
    row.header_from = every_byte(a);
    row.envelope_from = STR("\xC3\xA9.example\xFF\xFE");
    row.envelope_to = STR("<&>\"'.example");
    row.spf_result = STR("hardfail");
    row.spf_domain = STR("\xEF\xBF\xBF\xEF\xBF\xBE\xED\xA0\x80]]>");
    row.disposition = ROW_QUARANTINE;
    row.reasons = reasons;
    row.n_reasons = ROWS_REASONS_MAX;
    add(&row, 1);
}

static void add_long_names(struct row row, struct arena *a)
{
    char *name = arena_alloc(a, 253);
    memset(name, 'x', 253);
    for (size_t i = 63; i < 253; i += 64)
        name[i] = '.';
    row.header_from = row.envelope_from = row.spf_domain = (struct str){name, 253};
    netaddr_parse(STR("2001:db8::25"), &row.source);
    add(&row, 3);
}

static void add_signatures(struct row row, struct arena *a)
{
    struct row_signature *v = arena_array(a, struct row_signature, 300);
    static const char *const results[] = {"pass", "fail", "permerror", "unknown", ""};
    for (size_t i = 0; i < 300; i++)
        v[i] = (struct row_signature){str_printf(a, "d%zu.example", i),
                                      i % 7 ? str_printf(a, "s%zu", i) : STR(""),
                                      str_of(results[i % 5])};
    row.signatures = v;
    row.n_signatures = 300;
    row.dkim_aligned = true;
    add(&row, 1);
}

/* One message with three authors: of a bank below a public suffix domain (psd=y), whose record is
 * in force for it, of a name that the suffix does not know, and of somebody else. */
static void add_authors(struct row row, struct str rua)
{
    row.policy.domain = STR("suffix");
    row.policy.np = STR("reject");
    row.policy.destinations = rua;
    row.policy.discovery = STR("treewalk");
    row.header_from = STR("bank.suffix");
    add(&row, 1);
    row.header_from = STR("no-such-name.suffix");
    row.disposition = ROW_REJECT;
    row.spf_aligned = false;
    add(&row, 1);
    row.policy.domain = row.header_from = STR("b.odd.example");
    add(&row, 1);
}

static void fill_odd(struct str rua, struct arena *a)
{
    struct row row = plain(STR("odd.example"), rua, "192.0.2.1");
    row.policy.sp = STR("nil");
    row.policy.np = STR("quarantine");
    row.policy.fo = STR("1:d:s");
    row.policy.testing = STR("y");
    row.policy.discovery = STR("psl");
    add(&row, 2);
    add_odd_texts(row, a);
    add_long_names(row, a);
    add_signatures(row, a);
    row.envelope_from = row.envelope_to = STR("");
    row.spf_domain = row.spf_result = row.spf_scope = STR("");
    add(&row, 1);
    row.source.family = 0;
    add(&row, 1);
    row = plain(STR("a.odd.example"), rua, "203.0.113.4");
    row.policy.p = row.policy.adkim = row.policy.fo = row.policy.testing = row.policy.discovery =
        STR("");
    add(&row, 1);
    add_authors(row, rua);
    row = plain(STR("bad name.example\nX-Injected: yes"), rua, "203.0.113.4");
    add(&row, 1);
}

/* --- At random --- */

#define ODD_TEXTS 10000 /* in all: what others have to read is bounded, whatever the dice say */

static uint64_t dice_state;
static unsigned odd_texts;

static size_t dice(size_t n)
{
    dice_state = dice_state * 6364136223846793005U + 1442695040888963407U;
    return (size_t)(dice_state >> 33) % n;
}

/* A word that belongs there, nothing, any bytes, or a text that looks like something. */
static struct str any_text(struct arena *a, struct str good)
{
    static const char *const odd[] = {
        "]]>",          "<!--", "&#0;", "&amp;", "\xC3", "\xF4\x90\x80\x80",
        "\xEF\xBF\xBE", " ",    "\r\n", "none",  "pass", "\xC2\x85"};
    struct strbuf b;
    if (dice(2) || odd_texts == ODD_TEXTS)
        return dice(8) ? good : STR("");
    odd_texts++;
    sb_init(&b, a);
    for (size_t i = 0, n = dice(dice(8) ? 12 : 700); i < n; i++)
        if (dice(4))
            sb_addc(&b, (char)dice(256));
        else
            sb_printf(&b, "%s", odd[dice(sizeof odd / sizeof *odd)]);
    return sb_str(&b);
}

static struct str any_word(struct arena *a)
{
    static const char *const words[] = {"none", "pass",     "fail", "quarantine", "reject",
                                        "r",    "s",        "y",    "n",          "softfail",
                                        "psl",  "treewalk", "0",    "1:d:s",      "local_policy"};
    return any_text(a, str_of(words[dice(sizeof words / sizeof *words)]));
}

static void add_any_row(struct row row, struct arena *a)
{
    size_t many = odd_texts < ODD_TEXTS ? 301 : 4;
    size_t signatures = dice(8) ? dice(4) : dice(many), reasons = dice(12);
    struct row_signature *s = arena_array(a, struct row_signature, signatures);
    struct row_reason *r = arena_array(a, struct row_reason, reasons);
    for (size_t i = 0; i < signatures; i++)
        s[i] = (struct row_signature){any_text(a, STR("d.example")), any_text(a, STR("s")),
                                      any_word(a)};
    for (size_t i = 0; i < reasons; i++)
        r[i] = (struct row_reason){any_word(a), any_text(a, STR("a list"))};
    row.signatures = s, row.n_signatures = signatures;
    row.reasons = r, row.n_reasons = reasons;
    struct str from = any_text(a, row.header_from);
    if (from.n) /* DMARC finds a record for an author domain alone */
        row.header_from = from;
    row.envelope_from = any_text(a, row.envelope_from);
    row.envelope_to = any_text(a, row.envelope_to);
    row.spf_domain = any_text(a, row.spf_domain);
    row.spf_scope = any_word(a);
    row.spf_result = any_word(a);
    row.disposition = (enum row_disposition)dice(4);
    row.dkim_aligned = dice(2), row.spf_aligned = dice(2);
    row.source.family = dice(2) ? 4 : 6;
    for (size_t i = 0; i < 16; i++)
        row.source.bytes[i] = (uint8_t)(row.source.family == 6 || i < 4 ? dice(256) : 0);
    add(&row, 1 + dice(3));
}

static void fill_random(uint64_t seed, unsigned long n, struct str rua)
{
    struct arena *a = arena_new(0);
    for (unsigned long i = 0; i < n; i++, arena_reset(a)) {
        dice_state = seed * 1000003 + i;
        struct row row = plain(str_printf(a, "r%lu.odd.example", i), rua, "192.0.2.1");
        struct row_policy *p = &row.policy;
        struct str *const words[] = {&p->p,    &p->sp, &p->np,      &p->adkim,
                                     &p->aspf, &p->fo, &p->testing, &p->discovery};
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            *words[k] = any_word(a);
        for (size_t rows_of_it = 1 + dice(4); rows_of_it; rows_of_it--)
            add_any_row(row, a);
    }
    arena_free(a);
}

static void fill_many(unsigned long n, struct str rua)
{
    struct arena *a = arena_new(0);
    struct row row = plain(STR("many.example"), rua, "10.0.0.0");
    uint64_t seed = 1;
    for (unsigned long i = 0; i < n; i++) {
        char name[64];
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        row.source.bytes[0] = (uint8_t)(1 + (i >> 16) % 220);
        row.source.bytes[1] = (uint8_t)(i >> 8);
        row.source.bytes[2] = (uint8_t)i;
        row.source.bytes[3] = (uint8_t)(seed >> 56);
        snprintf(name, sizeof name, "m%u.example", (unsigned)(seed >> 40) % 500);
        row.envelope_from = row.spf_domain = str_copy(a, str_of(name));
        row.disposition = seed >> 63 ? ROW_PASS : ROW_REJECT;
        row.spf_aligned = seed >> 63;
        add(&row, 1);
        arena_reset(a);
    }
    arena_free(a);
}

static void fill_rows(struct str domain, struct str rua, char **words)
{
    for (; words[0] && words[1]; words += 2) {
        struct row row = plain(domain, rua, words[0]);
        add(&row, strtoul(words[1], NULL, 10));
    }
}

static void add_message(const char *name, const char *address, const char *spf)
{
    struct str domain = str_of(name);
    struct row_signature signature = {domain, STR("s2026"), STR("pass")};
    char rua[300];
    snprintf(rua, sizeof rua, "mailto:d@%s", name);
    struct row row = plain(domain, str_of(rua), address);
    row.spf_result = str_of(spf);
    row.spf_aligned = str_eq(row.spf_result, STR("pass"));
    row.dkim_aligned = true;
    row.signatures = &signature, row.n_signatures = 1;
    add(&row, 1);
}

static bool fill_messages(const char *path)
{
    char name[256], address[64], spf[16];
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    while (fscanf(f, "%255s %63s %15s", name, address, spf) == 3)
        add_message(name, address, spf);
    fclose(f);
    return true;
}

static void fill_hours(struct str domain, struct str rua, int64_t midnight, unsigned long n)
{
    struct row row = plain(domain, rua, "192.0.2.1");
    for (when = midnight; n; n--, when += 3600)
        add(&row, 1);
}

static void fill_tallies(char **words)
{
    for (; words[0] && words[1]; words += 2)
        for (unsigned long n = strtoul(words[1], NULL, 10); n; n--)
            rows_tally(rows, when, str_of(words[0]));
}

int main(int argc, char **argv)
{
    struct arena *a = arena_new(0);
    struct str problem = STR("");
    if (argc < 4)
        return 1;
    struct str to = str_of(argv[1]);
    bool server = str_starts(to, STR("postgresql:"));
    const struct rows_settings settings = {
        .path = server ? str_of(getenv("ASSAY_SPOOL")) : to,
        .server = server ? to : STR(""),
    };
    when = strtoll(argv[2], NULL, 10) * 86400 + NOON;
    rows = rows_open(&settings, a, &problem);
    if (!rows) {
        fprintf(stderr, "%.*s\n", STR_ARG(problem));
        return 1;
    }
    int64_t began = clock_us();
    if (strcmp(argv[3], "odd") == 0)
        fill_odd(argc > 4 ? str_of(argv[4]) : STR("mailto:d@odd.example"), a);
    else if (strcmp(argv[3], "random") == 0 && argc > 5)
        fill_random(strtoull(argv[4], NULL, 10), strtoul(argv[5], NULL, 10),
                    STR("mailto:d@odd.example"));
    else if (strcmp(argv[3], "many") == 0 && argc > 4)
        fill_many(strtoul(argv[4], NULL, 10),
                  argc > 5 ? str_of(argv[5]) : STR("mailto:d@many.example"));
    else if (strcmp(argv[3], "row") == 0 && argc > 5)
        fill_rows(str_of(argv[4]), str_of(argv[5]), argv + 6);
    else if (strcmp(argv[3], "hourly") == 0 && argc > 6)
        fill_hours(str_of(argv[4]), str_of(argv[5]), when - NOON, strtoul(argv[6], NULL, 10));
    else if (strcmp(argv[3], "tally") == 0)
        fill_tallies(argv + 4);
    bool good = strcmp(argv[3], "messages") != 0 || (argc > 4 && fill_messages(argv[4]));
    good = rows_flush(rows, 600000000) && good;
    for (int i = 0; i < 6000 && rows_figures(rows).spooled; i++)
        usleep(100000);
    good = good && !rows_figures(rows).spooled;
    printf("%.1f s\n", (double)(clock_us() - began) / 1e6);
    rows_close(rows);
    arena_free(a);
    return !good;
}
