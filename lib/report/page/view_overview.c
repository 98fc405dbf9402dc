/* view_overview.c - the overview of one domain, or of all.
 *
 * Errors: none. */
#include <string.h>

#include "report/page/chart.h"
#include "report/page/views.h"

/* --- Four figures ------------------------------------------------------------------------------*/

static void put_change(struct page *p, uint64_t now, uint64_t before)
{
    struct html *h = &p->h;
    double change = before ? 100.0 * ((double)now - (double)before) / (double)before : 0;
    if (!before)
        html_put(h, "none in the ");
    else if (change >= -0.5 && change <= 0.5)
        html_put(h, "as in the ");
    else if (change > 900)
        html_put(h, "%.0f times the ", (double)now / (double)before);
    else
        html_put(h, "%s%.0f %% on the ", change > 0 ? "+" : "−", change > 0 ? change : -change);
    html_put(h, page_length(p) == 1 ? "day before" : "%ld days before", (long)page_length(p));
}

static void put_failed(struct page *p, const struct page_overview *o)
{
    static const struct {
        enum source_class class;
        const char *words;
    } kinds[] = {{CLASS_SPOOF, "forged"},
                 {CLASS_UNKNOWN, "unknown"},
                 {CLASS_FORWARDER, "forwarded"},
                 {CLASS_APPROVED, "approved"},
                 {CLASS_OWN, "your own"}};
    const char *comma = "";
    uint64_t failed[CLASS_COUNT] = {0};
    for (size_t i = 0; i < o->figures->n_sources; i++)
        failed[o->figures->sources[i].class] += o->figures->sources[i].counts.fail;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!failed[kinds[i].class])
            continue;
        html_put(&p->h, "%s%.*s %s", comma, STR_ARG(page_count(p, failed[kinds[i].class])),
                 kinds[i].words);
        comma = ", ";
    }
    if (!*comma)
        html_put(&p->h, "nothing to look at");
}

/* Yesterday's report may still be under way. */
static size_t count_silent(const struct page *p, const struct page_overview *o)
{
    size_t n = 0;
    for (size_t i = 0; i < o->figures->n_reporters; i++)
        n += o->figures->reporters[i].last_day < p->query->to - 2;
    return n;
}

static void put_figures(struct page *p, const struct page_overview *o)
{
    const struct figures_counts *t = &o->figures->counts;
    uint64_t all = figures_all(t);
    page_figure(p, "Messages reported", page_count(p, all));
    put_change(p, all, figures_all(&o->before));
    page_figure_end(p);
    page_figure(p, "Passed DMARC", page_share(p, all - t->fail, all));
    html_put(&p->h, "DKIM %.*s, SPF %.*s", STR_ARG(page_share(p, t->both + t->dkim, all)),
             STR_ARG(page_share(p, t->both + t->spf, all)));
    page_figure_end(p);
    page_figure(p, "Failed", page_count(p, t->fail));
    put_failed(p, o);
    page_figure_end(p);
    page_figure(p, "Reporters", page_count(p, o->figures->n_reporters));
    size_t silent = count_silent(p, o);
    if (silent)
        html_put(&p->h, "%zu silent for two days or longer", silent);
    else
        html_put(&p->h, o->figures->n_reporters ? "none of them is silent" : "nobody reported");
    page_figure_end(p);
}

/* --- Cards -------------------------------------------------------------------------------------*/

static bool say_the_same(const struct alarm *a, const struct alarm *b)
{
    return a->kind == b->kind && a->grave == b->grave && str_eq(a->text, b->text);
}

static bool is_said(const struct alarm *v, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (say_the_same(&v[k], &v[i]))
            return true;
    return false;
}

#define ALARM_DOMAINS 3 /* that are named */

/* Of the first alarm, and of those behind it that say the same of other domains. */
static void put_alarm_domains(struct page *p, const struct alarm *v, size_t n)
{
    size_t others = 0;
    for (size_t i = 0; i < n; i++)
        if (say_the_same(&v[0], &v[i]) && others++ < ALARM_DOMAINS)
            html_put(&p->h, ", %.*s", STR_ARG(v[i].domain));
    if (others > ALARM_DOMAINS)
        html_put(&p->h, " and %zu more", others - ALARM_DOMAINS);
}

void page_put_alarms(struct page *p, const struct alarm *v, size_t n)
{
    static const char *const titles[ALARM_COUNT] = {[ALARM_NEW_SOURCE] = "New source",
                                                    [ALARM_PASS_RATE] = "Less mail passes",
                                                    [ALARM_SILENCE] = "Silent reporter",
                                                    [ALARM_SELECTOR] = "Signatures fail",
                                                    [ALARM_RECORD] = "The record changed"};
    for (size_t i = 0; i < n; i++) {
        if (is_said(v, i))
            continue;
        page_card(p, v[i].grave ? "alarm grave" : "alarm", NULL, NULL);
        html_put(&p->h, "<p><strong>%s", titles[v[i].kind]);
        if (!p->query->domain.n)
            put_alarm_domains(p, v + i, n - i);
        html_put(&p->h, ":</strong> ");
        html_long_text(&p->h, v[i].text);
        html_put(&p->h, "</p>");
        page_card_end(p);
    }
}

static const struct page_series auth_series[] = {{"DKIM and SPF", "s-both", NULL},
                                                 {"DKIM only", "s-dkim", NULL},
                                                 {"SPF only", "s-spf", NULL},
                                                 {"neither", "s-fail", "failed"}};

void page_put_days(struct page *p, const struct figures_day *days, size_t n, int height)
{
    struct page_bar *bars = arena_array(p->arena, struct page_bar, n);
    for (size_t i = 0; i < n; i++) {
        bars[i].day = days[i].day;
        const struct figures_counts *c = &days[i].counts;
        const uint64_t parts[] = {c->both, c->dkim, c->spf, c->fail};
        memcpy(bars[i].n, parts, sizeof parts);
    }
    page_bars(p, "Messages a day by what authenticated them", auth_series, 4, bars, n, height);
}

static void put_disposition(struct page *p, const struct figures_counts *c)
{
    static const struct page_series did[] = {{"let pass", "s-dkim", NULL},
                                             {"quarantined", "s-quar", NULL},
                                             {"rejected", "s-fail", NULL}};
    uint64_t all = figures_all(c);
    const uint64_t parts[] = {all - c->quarantined - c->rejected, c->quarantined, c->rejected};
    double x = 0;
    html_put(&p->h, "<svg width=\"100%%\" height=\"16\" aria-hidden=true>");
    for (size_t i = 0; i < 3 && all; i++) {
        double wide = 100.0 * (double)parts[i] / (double)all;
        html_put(&p->h, "<rect class=%s x=\"%.2f%%\" width=\"%.2f%%\" height=\"16\"/>",
                 did[i].class, x, wide);
        x += wide;
    }
    html_put(&p->h, "</svg><ul class=leg>");
    for (size_t i = 0; i < 3; i++)
        html_put(&p->h,
                 "<li><svg width=\"11\" height=\"11\" aria-hidden=true><rect class=%s "
                 "width=\"11\" height=\"11\" rx=\"2\"/></svg>%s %.*s</li>",
                 did[i].class, did[i].title, STR_ARG(page_share(p, parts[i], all)));
    html_put(&p->h, "</ul>");
}

/* A link to the page with all of it. */
static void put_more(struct page *p, enum page_view view, const char *text)
{
    struct page_query q = *p->query;
    q.view = view;
    struct str link = page_link(p, &q);
    if (link.n)
        html_put(&p->h, "<p class=more><a href=\"%.*s\">%s</a></p>", STR_ARG(link), text);
}

static void put_reporters(struct page *p, const struct page_overview *o)
{
    size_t days = page_days_over(p), last = days < 7 ? days : 7;
    page_card(p, "third", "Reporters", "last seven days");
    if (!o->figures->n_reporters)
        page_nothing(p, "Nobody sent a report in this period.");
    html_put(&p->h, "<dl class=bars>");
    for (size_t i = 0; i < o->figures->n_reporters && i < 7; i++) {
        const struct figures_reporter *r = &o->figures->reporters[i];
        const bool *present = o->presence ? o->presence[i] : NULL;
        html_put(&p->h, "<dt>");
        page_put_known_reporter(p, r);
        html_put(&p->h, "</dt><dd>");
        if (present)
            page_dots(p, present + days - last, last);
        html_put(&p->h, "</dd><dd class=n>");
        html_number(&p->h, figures_all(&r->counts));
        html_put(&p->h, "</dd>");
    }
    html_put(&p->h, "</dl>");
    put_more(p, VIEW_REPORTERS, "All reporters");
    page_card_end(p);
}

static bool was_counted(const struct page_overview *o)
{
    uint64_t all = 0;
    for (size_t i = 0; i < o->n_own_days; i++)
        for (size_t k = 0; k < OURS_COUNT; k++)
            all += o->own[i].n[k];
    return all > 0;
}

static void put_ours(struct page *p, const struct page_overview *o)
{
    page_card(p, "third", "What we did ourselves", "with mail from all senders");
    if (was_counted(o))
        page_put_own_days(p, o->own, o->n_own_days, 120);
    else
        page_nothing(p, "This host counted no mail in this period.");
    if (o->sent.reports) {
        html_put(&p->h, "<p>About yesterday: %.*s report%s in %.*s mail%s handed over",
                 STR_ARG(page_count(p, o->sent.reports)), o->sent.reports == 1 ? "" : "s",
                 STR_ARG(page_count(p, o->sent.mails)), o->sent.mails == 1 ? "" : "s");
        if (o->sent.failed)
            html_put(&p->h, ", %.*s given up", STR_ARG(page_count(p, o->sent.failed)));
        html_put(&p->h, ".</p>");
    }
    put_more(p, VIEW_OURS, "Day by day");
    page_card_end(p);
}

static void put_chart_row(struct page *p, const struct page_overview *o)
{
    page_card(p, o->readiness ? "most" : "", "Messages a day", "by what authenticated them");
    if (figures_all(&o->figures->counts)) {
        page_put_days(p, o->figures->days, o->figures->n_days, 260);
        html_put(&p->h, "<h2 class=next>What receivers did <small>as they say</small></h2>");
        put_disposition(p, &o->figures->counts);
    } else
        page_nothing(p, "No report tells of mail here. Another period, domain or filter may have "
                        "some; else: does the DMARC record name an address (rua) that reaches "
                        "assay report receive? Only those count whose mail passed DMARC.");
    page_card_end(p);
    if (!o->readiness)
        return;
    page_card(p, "quarter tall", NULL, NULL);
    page_put_readiness(p, o->readiness, 4);
    put_more(p, VIEW_READINESS, "Why, and what it would hit");
    page_card_end(p);
}

static void put_domains(struct page *p, const struct figures *f)
{
    static const struct page_column columns[] = {{"Domain", ""},           {"Messages", "n"},
                                                 {"Passed", "n"},          {"Failed", "n"},
                                                 {"Published policy", ""}, {"Reports", "n"}};
    struct page_table t;
    page_card(p, "long", "Your domains", "the most mail first");
    page_table_begin(p, &t, "Domains", columns, 6);
    for (size_t i = 0; i < f->n_domains; i++) {
        const struct figures_domain *d = &f->domains[i];
        struct page_query q = *p->query;
        if (!d->ours)
            continue;
        q.domain = d->name;
        page_row(&t);
        page_cell(&t);
        page_put_link(p, &q, d->name);
        page_cell(&t);
        html_number(&p->h, figures_all(&d->counts));
        page_cell(&t);
        html_text(&p->h,
                  page_share(p, figures_all(&d->counts) - d->counts.fail, figures_all(&d->counts)));
        page_cell(&t);
        html_number(&p->h, d->counts.fail);
        page_cell(&t);
        html_put(&p->h, "p=%.*s", STR_ARG(d->p.n ? d->p : STR("?")));
        page_cell(&t);
        html_number(&p->h, d->reports);
    }
    page_table_end(&t);
    page_card_end(p);
}

static void put_sources(struct page *p, const struct page_overview *o)
{
    page_card(p, "long", p->query->domain.n ? "Who sends in this name" : "Who sends in your names",
              "the most mail first");
    page_put_sources(p, o->figures->sources, o->figures->n_sources, 10);
    if (o->figures->n_sources > 10)
        put_more(p, VIEW_SOURCES, str_printf(p->arena, "All %zu sources", o->figures->n_sources).p);
    page_card_end(p);
}

static void put_countries(struct page *p, const struct page_overview *o)
{
    page_card(p, "third", "Failing mail by country", "last seven days");
    page_put_countries(p, o->countries, o->n_countries, 7);
    put_more(p, VIEW_COUNTRIES, "All countries");
    page_card_end(p);
}

void page_view_overview(struct page *p, const struct page_overview *o)
{
    struct str domain = p->query->domain;
    page_title(p, "Overview",
               str_printf(p->arena, "%.*s, %.*s", STR_ARG(domain.n ? domain : STR("All domains")),
                          STR_ARG(page_period(p))));
    html_put(&p->h, "<div class=g>");
    put_figures(p, o);
    page_put_alarms(p, o->alarms, o->n_alarms);
    put_chart_row(p, o);
    if (!domain.n && o->figures->n_domains > 1)
        put_domains(p, o->figures);
    put_sources(p, o);
    put_countries(p, o);
    put_reporters(p, o);
    put_ours(p, o);
    html_put(&p->h, "</div>");
}
