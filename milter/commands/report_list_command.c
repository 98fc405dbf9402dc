/* report_list_command.c - `assay report list` and `assay report show`: the reports that are stored.
 *
 * Errors: exit status 1 if show finds none, 75 if the store is not to be had. */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "milter/commands/commands.h"
#include "milter/commands/csv.h"
#include "milter/commands/report.h"
#include "milter/commands/terminal.h"
#include "report/in/answer.h"

/* The own of both. */
struct listing {
    struct command *command;
    struct received *store;
    struct arena *scratch; /* of a line */
    struct received_wanted wanted;
    bool refused, tls, raw, csv;
    struct json json;
    size_t n; /* that were printed */
};

/* --- Writing -----------------------------------------------------------------------------------*/

#define FLUSH_AT 65536

static void flush_if_full(struct listing *l)
{
    if (l->json.out.n <= FLUSH_AT)
        return;
    fwrite(l->json.out.p, 1, l->json.out.n, stdout);
    l->json.out.n = 0;
}

static const char *day_of(int64_t seconds, char out[16])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!seconds || !gmtime_r(&t, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
        strcpy(out, "-");
    return out;
}

static struct str listing_safe(const struct listing *l, struct str text, size_t max)
{
    return str_safe(l->scratch, text.p ? text : STR(""), max, true);
}

static struct str listing_column(const struct listing *l, struct str text, size_t width)
{
    return terminal_column(l->scratch, text, width);
}

/* --- JSON: the contract stands in assay-report(1) ----------------------------------------------*/

static bool json_row(void *listing, const struct aggregate_row *row)
{
    struct listing *l = listing;
    answer_row(&l->json, row);
    flush_if_full(l);
    return true;
}

static bool list_json(void *listing, const struct received_report *r)
{
    struct listing *l = listing;
    answer_report(&l->json, r);
    json_end(&l->json, '}');
    flush_if_full(l);
    l->n++;
    return true;
}

static bool show_json(void *listing, const struct received_report *r)
{
    struct listing *l = listing;
    answer_report(&l->json, r);
    answer_head(&l->json, &r->head);
    json_array(&l->json, "rows");
    bool good = received_each_row(l->store, r->id, json_row, l);
    json_end(&l->json, ']');
    json_end(&l->json, '}');
    l->n++;
    return good;
}

/* --- Text --------------------------------------------------------------------------------------*/

static struct str other_sender(const struct listing *l, const struct received_report *r)
{
    return r->other ? str_printf(l->scratch, "  (sent by %.*s)",
                                 STR_ARG(listing_safe(l, r->author, 100)))
                    : STR("");
}

static bool list_text(void *listing, const struct received_report *r)
{
    struct listing *l = listing;
    char begin[16];
    arena_reset(l->scratch);
    if (!l->n++)
        printf("%-10s  %-24s  %-24s  %5s  %9s  %-7s  %s\n", "PERIOD", "REPORTER", "DOMAIN", "ROWS",
               "MESSAGES", "TRUST", "REPORT-ID");
    printf("%-10s  %.*s  %.*s  %5" PRIu64 "  %9" PRIu64 "  %-7s  %.*s%s%.*s\n",
           day_of(r->head.begin, begin), STR_ARG(listing_column(l, r->head.org_name, 24)),
           STR_ARG(listing_column(l, r->head.policy.domain, 24)), r->records, r->messages,
           trust_word(r->trust), STR_ARG(listing_safe(l, r->head.report_id, 80)),
           r->damaged ? "  (damaged)" : "", STR_ARG(other_sender(l, r)));
    return true;
}

static bool row_text(void *listing, const struct aggregate_row *row)
{
    struct listing *l = listing;
    char address[NETADDR_TEXT];
    const char *disposition = aggregate_disposition_word(row->disposition);
    arena_reset(l->scratch);
    printf("  %8" PRId64 "  %-39s  %-11s  dkim=%s spf=%s  %.*s", row->count,
           netaddr_format(&row->source, address), disposition ? disposition : "-",
           row->dkim ? "pass" : "fail", row->spf ? "pass" : "fail",
           STR_ARG(listing_safe(l, row->header_from, 100)));
    for (size_t i = 0; i < row->n_dkim; i++)
        printf("  d=%.*s/%.*s:%.*s", STR_ARG(listing_safe(l, row->auth_dkim[i].domain, 100)),
               STR_ARG(listing_safe(l, row->auth_dkim[i].selector, 60)),
               STR_ARG(listing_safe(l, row->auth_dkim[i].result, 20)));
    for (size_t i = 0; i < row->n_spf; i++)
        printf("  mfrom=%.*s:%.*s", STR_ARG(listing_safe(l, row->auth_spf[i].domain, 100)),
               STR_ARG(listing_safe(l, row->auth_spf[i].result, 20)));
    for (size_t i = 0; i < row->n_reasons; i++)
        printf("  %.*s(%.*s)", STR_ARG(listing_safe(l, row->reasons[i].type, 40)),
               STR_ARG(listing_safe(l, row->reasons[i].comment, 100)));
    putchar('\n');
    return true;
}

/* What the report says of the record. */
static void policy_text(const struct listing *l, const struct aggregate_policy *p)
{
    struct json_member tags[ANSWER_TAGS];
    answer_tags(p, tags);
    printf("  policy");
    for (size_t i = 0; i < ANSWER_TAGS; i++)
        if (tags[i].text.n)
            printf(" %s=%.*s", tags[i].name, STR_ARG(listing_safe(l, tags[i].text, 20)));
    putchar('\n');
}

static void say_text(const struct listing *l, const char *what, struct str text)
{
    if (text.n)
        printf("  %s %.*s\n", what, STR_ARG(listing_safe(l, text, 300)));
}

/* ", 2 rows without an address left out". */
static struct str left_out(const struct listing *l, uint64_t rows)
{
    return rows ? str_printf(l->scratch, ", %" PRIu64 " row%s without an address left out", rows,
                             rows == 1 ? "" : "s")
                : STR("");
}

static bool show_text(void *listing, const struct received_report *r)
{
    struct listing *l = listing;
    const struct aggregate_policy *p = &r->head.policy;
    char begin[16], end[16], received[16];
    printf("%s%.*s  from %.*s <%.*s>\n", l->n++ ? "\n" : "",
           STR_ARG(listing_safe(l, r->head.report_id, 200)),
           STR_ARG(listing_safe(l, r->head.org_name, 100)),
           STR_ARG(listing_safe(l, r->head.email, 100)));
    printf("  about %.*s, %s to %s, %" PRIu64 " %s, %" PRIu64 " %s%.*s; trust %s, received %s%s\n",
           STR_ARG(listing_safe(l, p->domain, 100)), day_of(r->head.begin, begin),
           day_of(r->head.end, end), r->records, r->records == 1 ? "row" : "rows", r->messages,
           r->messages == 1 ? "message" : "messages", STR_ARG(left_out(l, r->skipped)),
           trust_word(r->trust), day_of(r->received, received), r->damaged ? ", damaged" : "");
    say_text(l, r->other ? "sent by another organization than it names:" : "sent by", r->author);
    policy_text(l, p);
    say_text(l, "it says of errors:", r->head.error);
    say_text(l, "made by", r->head.generator);
    if (r->records)
        printf("  %8s  %-39s  %-11s  %-18s  %s\n", "MESSAGES", "ADDRESS", "DISPOSITION", "ALIGNED",
               "FROM; SIGNATURES, ENVELOPE SENDER, REASONS");
    return received_each_row(l->store, r->id, row_text, l);
}

static bool show_raw(void *listing, const struct received_report *r)
{
    struct listing *l = listing;
    struct arena *a = arena_new(0);
    struct str xml = received_raw(l->store, r->id, a);
    l->n += xml.p != NULL;
    if (xml.p && isatty(STDOUT_FILENO))
        xml = terminal_text(a, xml);
    if (xml.p)
        fwrite(xml.p, 1, xml.n, stdout);
    arena_free(a);
    return true;
}

/* --- CSV ---------------------------------------------------------------------------------------*/

static bool list_csv(void *listing, const struct received_report *r)
{
    struct listing *l = listing;
    struct csv c;
    csv_begin(&c, stdout);
    if (!l->n++)
        fputs("org_name,email,report_id,domain,begin,end,records,messages,trust,damaged,sent_by,"
              "sent_by_other\r\n",
              stdout);
    csv_text(&c, r->head.org_name);
    csv_text(&c, r->head.email);
    csv_text(&c, r->head.report_id);
    csv_text(&c, r->head.policy.domain);
    csv_number(&c, r->head.begin);
    csv_number(&c, r->head.end);
    csv_number(&c, (int64_t)r->records);
    csv_number(&c, (int64_t)r->messages);
    csv_text(&c, str_of(trust_word(r->trust)));
    csv_text(&c, r->damaged ? STR("true") : STR("false"));
    csv_text(&c, r->author);
    csv_text(&c, r->other ? STR("true") : STR("false"));
    csv_end(&c);
    return true;
}

static bool refused_csv(void *listing, const struct received_refusal *r)
{
    struct listing *l = listing;
    const struct str texts[] = {r->origin, r->from, r->subject, r->what, r->why};
    struct csv c;
    csv_begin(&c, stdout);
    if (!l->n++)
        fputs("received,origin,from,subject,what,why\r\n", stdout);
    csv_number(&c, r->received);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        csv_text(&c, texts[i]);
    csv_end(&c);
    return true;
}

/* A line for each policy. */
static bool tls_csv(void *listing, const struct tlsrpt *r, const unsigned char *digest,
                    int64_t received)
{
    struct listing *l = listing;
    struct csv c;
    (void)digest;
    csv_begin(&c, stdout);
    if (!l->n++)
        fputs("organization,contact,report_id,begin,end,received,domain,type,successes,failures"
              "\r\n",
              stdout);
    for (size_t i = 0; i < r->n; i++) {
        csv_text(&c, r->organization);
        csv_text(&c, r->contact);
        csv_text(&c, r->report_id);
        csv_number(&c, r->begin);
        csv_number(&c, r->end);
        csv_number(&c, received);
        csv_text(&c, r->policies[i].domain);
        csv_text(&c, r->policies[i].type);
        csv_number(&c, r->policies[i].successes);
        csv_number(&c, r->policies[i].failures);
        csv_end(&c);
    }
    return true;
}

/* --- What is no aggregate report ---------------------------------------------------------------*/

static bool refused_json(void *listing, const struct received_refusal *r)
{
    struct listing *l = listing;
    answer_refusal(&l->json, r);
    return true;
}

static bool refused_text(void *listing, const struct received_refusal *r)
{
    struct listing *l = listing;
    char day[16];
    printf("%s  %.*s%s%.*s: %.*s\n", day_of(r->received, day),
           STR_ARG(listing_safe(l, r->origin, 200)), r->what.n ? ", " : "",
           STR_ARG(listing_safe(l, r->what, 100)), STR_ARG(listing_safe(l, r->why, 300)));
    if (r->from.n)
        printf("            From: %.*s  Subject: %.*s\n", STR_ARG(listing_safe(l, r->from, 100)),
               STR_ARG(listing_safe(l, r->subject, 100)));
    return true;
}

static bool tls_json(void *listing, const struct tlsrpt *r, const unsigned char *digest,
                     int64_t received)
{
    struct listing *l = listing;
    (void)digest;
    answer_tls(&l->json, r, received);
    return true;
}

static bool tls_text(void *listing, const struct tlsrpt *r, const unsigned char *digest,
                     int64_t received)
{
    struct listing *l = listing;
    char day[16];
    (void)digest, (void)received;
    for (size_t i = 0; i < r->n; i++)
        printf("%s  %.*s  %.*s  %" PRId64 " sessions, %" PRId64 " failed\n", day_of(r->begin, day),
               STR_ARG(listing_column(l, r->organization, 24)),
               STR_ARG(listing_column(l, r->policies[i].domain, 24)),
               r->policies[i].successes + r->policies[i].failures, r->policies[i].failures);
    return true;
}

/* --- Running -----------------------------------------------------------------------------------*/

static bool list_rest(struct listing *l)
{
    bool json = l->command->json;
    if (l->refused)
        return received_each_refusal(l->store, l->wanted.since,
                                     json     ? refused_json
                                     : l->csv ? refused_csv
                                              : refused_text,
                                     l);
    return received_each_tls(l->store, &l->wanted,
                             json     ? tls_json
                             : l->csv ? tls_csv
                                      : tls_text,
                             l);
}

static int print_all(struct listing *l, received_report_fn *each)
{
    struct command *c = l->command;
    bool json = c->json && !l->raw;
    l->scratch = arena_new(0);
    if (json)
        json_begin_array(&l->json, c->arena);
    bool good = !l->store || (l->refused || l->tls ? list_rest(l)
                                                   : received_each(l->store, &l->wanted, each, l));
    if (json)
        command_print_json_list(&l->json);
    if (!l->store && !json)
        command_fail(c, 0, "no report was received yet: assay report receive stores them");
    arena_free(l->scratch);
    return good ? EX_OK : report_store_failed(c, l->store);
}

static int list_run(struct command *c)
{
    struct listing *l = c->own;
    l->command = c;
    int status = report_open_read(c, &l->store);
    if (status == EX_OK)
        status = print_all(l, c->json ? list_json : l->csv ? list_csv : list_text);
    received_close(l->store);
    return status;
}

static int show_run(struct command *c)
{
    struct listing *l = c->own;
    l->command = c;
    int status = report_open_read(c, &l->store);
    if (c->n_words)
        l->wanted.report = str_of(c->words[0]);
    if (status == EX_OK)
        status = print_all(l, l->raw ? show_raw : c->json ? show_json : show_text);
    if (status == EX_OK && c->n_words && !l->n)
        status = command_fail(c, 1, "no report \"%s\"%s", c->words[0],
                              l->raw ? " of which the XML is kept" : "");
    received_close(l->store);
    return status;
}

#define WANTED                                                                                     \
    OPTION("domain", "DOMAIN", take_domain, struct listing, wanted.domain, "about this domain"),   \
        OPTION("since", "TIME", take_since, struct listing, wanted.since,                          \
               "whose period ends then or later: 30d, 12h, or a point of time")

static const struct command_option list_options[] = {
    WANTED,
    OPTION("csv", NULL, take_flag, struct listing, csv, "print comma-separated values"),
    OPTION("refused", NULL, take_flag, struct listing, refused,
           "list what was refused instead, and why"),
    OPTION("tls", NULL, take_flag, struct listing, tls, "list TLS reports (RFC 8460) instead"),
    {0},
};

static const struct command_option show_options[] = {
    WANTED,
    OPTION("raw", NULL, take_flag, struct listing, raw,
           "print the XML as it came; on a terminal with control characters escaped"),
    {0},
};

const struct command_row report_list_command = {
    .name = "list",
    .brief = "the reports that are stored",
    .options = list_options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct listing),
    .run = list_run,
    .about = "Lists the reports that are stored, of any age, trust and domain, the newest first.",
    .status = "0; 75 the store cannot be opened now.",
};

const struct command_row report_show_command = {
    .name = "show",
    .brief = "reports with their rows",
    .words = "[REPORT-ID]",
    .options = show_options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct listing),
    .run = show_run,
    .about = "Shows reports with all their rows: those with this id, or all of them.",
    .status = "0; 1 there is no such report; 75 the store cannot be opened now.",
};
