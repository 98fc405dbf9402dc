/* report_sources_command.c - `assay report sources` and `assay report reporters`: who sends in our
 * name, and who says so.
 *
 * Errors: exit status 1 for a source that is not known, 75 if the store is not to be had. */
#include <inttypes.h>

#include "milter/commands/commands.h"
#include "milter/commands/report_figures.h"

/* --- Sources -----------------------------------------------------------------------------------*/

static void source_csv(struct figures_words *w, const struct figures_source *s)
{
    struct csv *c = &w->table;
    csv_text(c, s->name);
    csv_text(c, str_of(source_class_word(s->class)));
    csv_text(c, s->title);
    csv_text(c, s->country);
    csv_number(c, (int64_t)figures_all(&s->counts));
    csv_number(c, (int64_t)s->counts.both);
    csv_number(c, (int64_t)s->counts.dkim);
    csv_number(c, (int64_t)s->counts.spf);
    csv_number(c, (int64_t)s->counts.fail);
    csv_number(c, (int64_t)s->counts.quarantined);
    csv_number(c, (int64_t)s->counts.rejected);
    csv_number(c, s->first_day * 86400);
    csv_number(c, s->last_day * 86400);
    csv_end(c);
}

static void source_text(struct figures_words *w, const struct figures_source *s)
{
    const struct figures_counts *c = &s->counts;
    char dkim[16], spf[16], fail[16], first[16], last[16];
    uint64_t all = figures_all(c);
    printf("%-14s  %.*s  %9" PRIu64 "  %6s  %6s  %6s  %.*s  %s  %s  %.*s\n",
           source_class_word(s->class), STR_ARG(figures_column(w, s->name, 32)), all,
           figures_percent(c->both + c->dkim, all, dkim),
           figures_percent(c->both + c->spf, all, spf), figures_percent(c->fail, all, fail),
           STR_ARG(figures_column(w, s->country, 2)), figures_day_text(s->first_day, first),
           figures_day_text(s->last_day, last), STR_ARG(figures_clean(w, s->title, 60)));
}

static void print_source(struct figures_words *w, const struct figures_source *s)
{
    if (w->command->json) {
        json_object(&w->json, NULL);
        answer_source(&w->json, s);
        json_end(&w->json, '}');
    } else if (w->csv) {
        source_csv(w, s);
    } else {
        source_text(w, s);
    }
}

static void print_head(const struct figures_words *w)
{
    if (w->command->json)
        return;
    if (w->csv)
        fputs("source,class,title,country,messages,pass_both,pass_dkim,pass_spf,fail,quarantined,"
              "rejected,first_seen,last_seen\r\n",
              stdout);
    else
        printf("%-14s  %-32s  %9s  %6s  %6s  %6s  %-2s  %-10s  %-10s\n", "CLASS", "SOURCE",
               "MESSAGES", "DKIM %", "SPF %", "FAIL %", "", "FIRST SEEN", "LAST SEEN");
}

/* --- One source --------------------------------------------------------------------------------*/

static void detail_text(struct figures_words *w, const struct figures_detail *d)
{
    char address[NETADDR_TEXT];
    for (size_t i = 0; i < d->n_addresses; i++)
        printf("  %9" PRIu64 "  %-39s  %.*s  %.*s\n", figures_all(&d->addresses[i].counts),
               netaddr_format(&d->addresses[i].address, address),
               STR_ARG(figures_column(w, d->addresses[i].country, 2)),
               STR_ARG(figures_clean(w, d->addresses[i].name, 100)));
    for (size_t i = 0; i < d->n_identities; i++) {
        const struct figures_identity *id = &d->identities[i];
        printf("  %9" PRIu64 "  %s %.*s%s%.*s: %.*s\n", id->messages,
               str_eq(id->what, STR("dkim")) ? "signed by" : "MAIL FROM of",
               STR_ARG(figures_clean(w, id->domain, 100)), id->selector.n ? " with selector " : "",
               STR_ARG(figures_clean(w, id->selector, 60)),
               STR_ARG(figures_clean(w, id->result, 20)));
    }
    if (d->cut)
        printf("  (the first %d rows; --since takes a shorter period)\n", FIGURES_ROWS_MAX);
}

static bool print_one(struct figures_words *w, const struct figures_source *s)
{
    struct figures_detail detail;
    if (!figures_source_detail(w->store, &w->filter, s->id, w->command->arena, &detail))
        return false;
    if (!w->command->json) {
        print_source(w, s);
        if (!w->csv)
            detail_text(w, &detail);
        return true;
    }
    json_object(&w->json, NULL);
    answer_source(&w->json, s);
    answer_detail(&w->json, &detail);
    json_end(&w->json, '}');
    return true;
}

static int sources_run(struct command *c)
{
    struct figures_words *w = c->own;
    struct figures f = {0};
    if (c->n_words)
        w->source = c->words[0];
    int status = figures_begin(c, 30);
    if (status != EX_OK)
        return status;
    bool good = !w->store || figures_read(w->store, &w->filter, c->arena, &f);
    bool unknown = good && c->n_words && !f.n_sources;
    if (!unknown)
        print_head(w);
    for (size_t i = 0; good && i < f.n_sources; i++)
        if (c->n_words)
            good = print_one(w, &f.sources[i]);
        else
            print_source(w, &f.sources[i]);
    if (unknown)
        status = command_fail(c, 1, "no mail of \"%s\" in this period", c->words[0]);
    if (good)
        figures_tell_of_none(w, &f);
    return figures_finish(w, good, status);
}

/* --- Reporters ---------------------------------------------------------------------------------*/

static void reporter_csv(struct figures_words *w, const struct figures_reporter *r)
{
    csv_text(&w->table, r->name);
    csv_number(&w->table, (int64_t)r->reports);
    csv_number(&w->table, (int64_t)figures_all(&r->counts));
    csv_number(&w->table, (int64_t)r->counts.fail);
    csv_number(&w->table, r->first_day * 86400);
    csv_number(&w->table, r->last_day * 86400);
    csv_number(&w->table, (int64_t)r->missing);
    csv_number(&w->table, (int64_t)r->others);
    csv_end(&w->table);
}

static void reporter_text(struct figures_words *w, const struct figures_reporter *r)
{
    char fail[16], first[16], last[16];
    uint64_t all = figures_all(&r->counts);
    printf("%.*s  %7" PRIu64 "  %9" PRIu64 "  %6s  %s  %s  %7" PRIu64,
           STR_ARG(figures_column(w, r->name.n ? r->name : STR("(no name)"), 32)), r->reports, all,
           figures_percent(r->counts.fail, all, fail), figures_day_text(r->first_day, first),
           figures_day_text(r->last_day, last), r->missing);
    if (r->others)
        printf("  (%" PRIu64 " sent by others, such as %.*s)", r->others,
               STR_ARG(figures_clean(w, r->other, 100)));
    putchar('\n');
}

static void reporters_head(const struct figures_words *w)
{
    if (w->command->json)
        return;
    if (w->csv)
        fputs("reporter,reports,messages,fail,first_report,last_report,missing_days,"
              "sent_by_others\r\n",
              stdout);
    else
        printf("%-32s  %7s  %9s  %6s  %-10s  %-10s  %7s\n", "REPORTER", "REPORTS", "MESSAGES",
               "FAIL %", "FIRST", "LAST", "MISSING");
}

static int reporters_run(struct command *c)
{
    struct figures_words *w = c->own;
    struct figures f = {0};
    int status = figures_begin(c, 30);
    if (status != EX_OK)
        return status;
    bool good = !w->store || figures_read(w->store, &w->filter, c->arena, &f);
    reporters_head(w);
    for (size_t i = 0; good && i < f.n_reporters; i++)
        if (c->json)
            answer_reporter(&w->json, &f.reporters[i]);
        else if (w->csv)
            reporter_csv(w, &f.reporters[i]);
        else
            reporter_text(w, &f.reporters[i]);
    if (good)
        figures_tell_of_none(w, &f);
    return figures_finish(w, good, status);
}

static const struct command_option sources_options[] = {
    FIGURES_DOMAIN, FIGURES_PERIOD("30d"), FIGURES_FILTER, FIGURES_TRUST, FIGURES_CSV, {0},
};

const struct command_row report_sources_command = {
    .name = "sources",
    .brief = "who sends in our name",
    .words = "[SOURCE]",
    .options = sources_options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct figures_words),
    .run = sources_run,
    .about = "Lists who sends mail in the name of our domains: hosts by the organization of their "
             "verified names, others by their network. With SOURCE its addresses, signatures and "
             "envelope senders.",
    .notes = "Classes: own; approved (SPF allows it); forwarder-like (only DKIM passes, or a list "
             "or forwarder changed it); unknown; spoof (nothing passes). \"assay report label\" "
             "has the last word.",
    .status = "0; 1 nothing of this source; 75 the store cannot be opened now.",
};

const struct command_row report_reporters_command = {
    .name = "reporters",
    .brief = "who sends reports, and on how many days none came",
    .options = sources_options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct figures_words),
    .run = reporters_run,
    .about = "Lists who sent reports, how much mail they saw, and on how many days since their "
             "first report in the period there was none.",
    .status = "0; 75 the store cannot be opened now.",
};
