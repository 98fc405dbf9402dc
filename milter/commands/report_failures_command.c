/* report_failures_command.c - `assay report failures`: what of our mail fails, from where and why,
 * and what reports about single messages say.
 *
 * Errors: exit status 75 if the store is not to be had. */
#include <inttypes.h>

#include "milter/commands/commands.h"
#include "milter/commands/report_figures.h"

static void source_csv(struct figures_words *w, const struct figures_source *s)
{
    csv_text(&w->table, s->name);
    csv_text(&w->table, str_of(source_class_word(s->class)));
    csv_number(&w->table, (int64_t)figures_all(&s->counts));
    csv_number(&w->table, (int64_t)s->counts.fail);
    for (int i = 0; i < CAUSE_COUNT; i++)
        csv_number(&w->table, (int64_t)s->causes[i]);
    csv_end(&w->table);
}

static void source_text(struct figures_words *w, const struct figures_source *s)
{
    printf("\n%.*s (%s): %" PRIu64 " of %" PRIu64 " messages fail\n",
           STR_ARG(figures_clean(w, s->name, 100)), source_class_word(s->class), s->counts.fail,
           figures_all(&s->counts));
    for (int i = 0; i < CAUSE_COUNT; i++)
        if (s->causes[i])
            printf("  %9" PRIu64 "  %s\n", s->causes[i],
                   figures_cause_phrase((enum figures_cause)i));
}

static void print_sources(struct figures_words *w, const struct figures *f)
{
    for (size_t i = 0; i < f->n_sources; i++) {
        if (!f->sources[i].counts.fail)
            continue;
        if (w->command->json)
            answer_failing(&w->json, &f->sources[i]);
        else if (w->csv)
            source_csv(w, &f->sources[i]);
        else
            source_text(w, &f->sources[i]);
    }
}

static void print_head(struct figures_words *w, const struct figures *f)
{
    if (w->csv) {
        fputs("source,class,messages,fail", stdout);
        for (int i = 0; i < CAUSE_COUNT; i++)
            printf(",%s", figures_cause_word((enum figures_cause)i));
        fputs("\r\n", stdout);
        return;
    }
    if (w->command->json) {
        answer_failing_all(&w->json, f);
        return;
    }
    printf("%" PRIu64 " of %" PRIu64 " messages fail\n", f->counts.fail, figures_all(&f->counts));
    for (int i = 0; i < CAUSE_COUNT; i++)
        printf("  %9" PRIu64 "  %s\n", f->causes[i], figures_cause_phrase((enum figures_cause)i));
}

/* --- Reports about single messages -------------------------------------------------------------*/

static bool single_json(void *words, const struct failure_report *r, const unsigned char *digest,
                        int64_t received)
{
    struct figures_words *w = words;
    (void)digest;
    answer_single(&w->json, r, received);
    json_end(&w->json, '}');
    return true;
}

static bool single_csv(void *words, const struct failure_report *r, const unsigned char *digest,
                       int64_t received)
{
    struct figures_words *w = words;
    char address[NETADDR_TEXT];
    const struct str texts[] = {r->reporter,
                                r->domain,
                                r->source.family ? str_of(netaddr_format(&r->source, address))
                                                 : STR(""),
                                r->kind,
                                r->result,
                                r->dkim_domain,
                                r->dkim_selector,
                                r->header_from,
                                r->envelope_from,
                                r->subject};
    (void)digest;
    csv_number(&w->table, received);
    csv_number(&w->table, r->arrival);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        csv_text(&w->table, texts[i]);
    csv_number(&w->table, r->incidents);
    csv_end(&w->table);
    return true;
}

static bool single_text(void *words, const struct failure_report *r, const unsigned char *digest,
                        int64_t received)
{
    struct figures_words *w = words;
    char address[NETADDR_TEXT], day[16];
    (void)digest;
    printf("%s  %.*s  %-39s  %.*s  %.*s\n",
           figures_day_text((r->arrival ? r->arrival : received) / 86400, day),
           STR_ARG(figures_column(w, r->domain, 24)), netaddr_format(&r->source, address),
           STR_ARG(figures_column(w, r->result, 10)), STR_ARG(figures_clean(w, r->subject, 100)));
    return true;
}

static bool print_single(struct figures_words *w)
{
    const struct figures_filter *f = &w->filter;
    const struct received_wanted wanted = {.domain = f->domain,
                                           .since = f->from_day * 86400,
                                           .source = f->source,
                                           .before = w->until ? (f->to_day + 1) * 86400 : 0};
    if (w->csv && !w->command->json)
        fputs("received,arrival,reporter,domain,source_ip,auth_failure,delivery_result,dkim_domain,"
              "dkim_selector,header_from,envelope_from,subject,incidents\r\n",
              stdout);
    return received_each_failure(w->store, &wanted,
                                 w->command->json ? single_json
                                 : w->csv         ? single_csv
                                                  : single_text,
                                 w);
}

static bool print_rolled_up(struct figures_words *w)
{
    struct figures_failures *v;
    size_t n;
    char day[16];
    if (w->command->json || w->csv)
        return true;
    if (!figures_failure_reports(w->store, &w->filter, w->command->arena, &n, &v))
        return false;
    if (n)
        printf("\nReports about single messages (--single lists them):\n");
    for (size_t i = 0; i < n && i < 50; i++)
        printf("  %9" PRIu64 "  %.*s  the last on %s\n", v[i].incidents,
               STR_ARG(figures_column(w, v[i].source, 32)), figures_day_text(v[i].last_day, day));
    return true;
}

/* --- Running -----------------------------------------------------------------------------------*/

struct failures_words {
    struct figures_words figures; /* first: the options of all write there */
    bool single;
};

static int failures_run(struct command *c)
{
    struct failures_words *own = c->own;
    struct figures_words *w = &own->figures;
    struct figures f = {0};
    int status = figures_begin(c, 30);
    if (status != EX_OK)
        return status;
    bool good = true;
    if (own->single) {
        good = !w->store || print_single(w);
    } else {
        good = !w->store || figures_read(w->store, &w->filter, c->arena, &f);
        print_head(w, &f);
        print_sources(w, &f);
        good = good && (!w->store || print_rolled_up(w));
        if (good)
            figures_tell_of_none(w, &f);
    }
    return figures_finish(w, good, status);
}

static const struct command_option failures_options[] = {
    FIGURES_DOMAIN,
    FIGURES_PERIOD("30d"),
    FIGURES_FILTER,
    FIGURES_TRUST,
    FIGURES_CSV,
    OPTION("single", NULL, take_flag, struct failures_words, single,
           "list the reports about single messages"),
    {0},
};

const struct command_row report_failures_command = {
    .name = "failures",
    .brief = "what fails, from where, and why",
    .options = failures_options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct failures_words),
    .run = failures_run,
    .about = "Says which mail in our name fails DMARC, by source, and why: one reason for DKIM and "
             "one for SPF for each message.",
    .status = "0; 75 the store cannot be opened now.",
};
