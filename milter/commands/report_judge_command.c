/* report_judge_command.c - `assay report readiness` and `assay report alarms`: what the figures
 * mean.
 *
 * Errors: exit status 1 and 2 for warnings and what is grave, 75 if the store is not to be had. */
#include <inttypes.h>

#include "milter/commands/commands.h"
#include "milter/commands/report_figures.h"
#include "report/in/alarms.h"
#include "report/in/readiness.h"

/* --- Readiness ---------------------------------------------------------------------------------*/

static void readiness_csv(struct figures_words *w, const struct readiness *r)
{
    csv_text(&w->table, r->domain);
    csv_text(&w->table, r->p);
    csv_text(&w->table, str_of(readiness_word(r->verdict)));
    csv_number(&w->table, (int64_t)r->days);
    csv_number(&w->table, (int64_t)r->reporters);
    csv_number(&w->table, r->share);
    csv_end(&w->table);
}

static void readiness_text(const struct readiness *r)
{
    printf("%.*s\n", STR_ARG(r->summary));
    for (size_t i = 0; i < r->n_lines; i++)
        printf("  %.*s\n", STR_ARG(r->lines[i]));
}

static bool judge_domain(struct figures_words *w, struct str domain)
{
    struct readiness r;
    struct figures_filter f = w->filter;
    f.domain = domain;
    if (!readiness_read(w->store, &f, w->command->arena, &r))
        return false;
    if (w->command->json)
        answer_readiness(&w->json, &r);
    else if (w->csv)
        readiness_csv(w, &r);
    else
        readiness_text(&r);
    return true;
}

static void tell_of_none(const struct figures_words *w)
{
    struct str domain = w->filter.domain;
    command_fail(w->command, 0, "no report of this period is about %.*s",
                 STR_ARG(domain.n ? figures_clean(w, domain, 100)
                                  : STR("one of our domains (reports.domains, or signing)")));
}

static int readiness_run(struct command *c)
{
    struct figures_words *w = c->own;
    struct figures f = {0};
    int status = figures_begin(c, READINESS_DAYS);
    if (status != EX_OK)
        return status;
    bool good = !w->store || figures_read(w->store, &w->filter, c->arena, &f);
    if (w->csv)
        fputs("domain,policy,verdict,days,reporters,pass_per_10000\r\n", stdout);
    size_t judged = 0;
    for (size_t i = 0; good && i < f.n_domains; i++)
        if (f.domains[i].ours) {
            good = judge_domain(w, f.domains[i].name);
            judged++;
        }
    if (good && w->store && !judged && !c->json && !w->csv)
        tell_of_none(w);
    else if (good)
        figures_tell_of_none(w, &f);
    return figures_finish(w, good, status);
}

/* --- Alarms ------------------------------------------------------------------------------------*/

static void alarm_csv(struct figures_words *w, const struct alarm *a)
{
    csv_text(&w->table, str_of(alarm_word(a->kind)));
    csv_text(&w->table, a->grave ? STR("true") : STR("false"));
    csv_text(&w->table, a->domain);
    csv_text(&w->table, a->about);
    csv_number(&w->table, a->day * 86400);
    csv_text(&w->table, a->text);
    csv_end(&w->table);
}

static void alarm_text(struct figures_words *w, const struct alarm *a)
{
    char day[16];
    printf("%-7s  %s  %.*s: %.*s\n", a->grave ? "grave" : "warning", figures_day_text(a->day, day),
           STR_ARG(figures_clean(w, a->domain, 100)), STR_ARG(a->text));
}

static int alarms_run(struct command *c)
{
    struct figures_words *w = c->own;
    struct alarm *v = NULL;
    size_t n = 0;
    int status = figures_begin(c, 1);
    if (status != EX_OK)
        return status;
    bool good = !w->store || alarms_read(w->store, &w->filter, c->arena, &n, &v);
    if (w->csv)
        fputs("alarm,grave,domain,about,since,text\r\n", stdout);
    for (size_t i = 0; good && i < n; i++) {
        if (c->json)
            answer_alarm(&w->json, &v[i]);
        else if (w->csv)
            alarm_csv(w, &v[i]);
        else
            alarm_text(w, &v[i]);
        status = v[i].grave ? 2 : status ? status : 1;
    }
    if (good && w->store && !n && !c->json && !w->csv)
        puts("no alarms");
    return figures_finish(w, good, status);
}

static const struct command_option readiness_options[] = {
    FIGURES_DOMAIN, FIGURES_PERIOD("14d"), FIGURES_TRUST, FIGURES_CSV, {0},
};

const struct command_row report_readiness_command = {
    .name = "readiness",
    .brief = "may a domain go to p=quarantine or p=reject, and which mail would suffer",
    .options = readiness_options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct figures_words),
    .run = readiness_run,
    .about = "Says for each of our domains whether it may ask for quarantine or rejection, by the "
             "reports of the last 14 days, and which sources would lose mail.",
    .notes = "A domain is ready if 99 % of the mail of own and approved sources pass (99.5 % for "
             "p=reject), in 14 days and by 5 reporters.",
    .status = "0; 75 the store cannot be opened now.",
};

static const struct command_option alarms_options[] = {
    FIGURES_DOMAIN,
    OPTION("until", "TIME", take_since, struct figures_words, until,
           "as of this day; default: today"),
    FIGURES_TRUST,
    FIGURES_CSV,
    {0},
};

const struct command_row report_alarms_command = {
    .name = "alarms",
    .brief = "changes that somebody should look at",
    .options = alarms_options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct figures_words),
    .run = alarms_run,
    .about = "Compares the last week with the four before: new sources with mail that passes, a "
             "pass rate that falls, reporters that are silent, selectors of ours that fail, a "
             "record that changed.",
    .status = "0 nothing; 1 warnings; 2 something grave; 75 the store cannot be opened now.",
};
