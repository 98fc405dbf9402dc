/* view_singles.c - the pages of failure reports, which are about single messages: by day and
 * source, and a single one.
 *
 * Errors: none. */
#include "report/page/chart.h"
#include "report/page/views.h"

#define SOURCES_SHOWN 200

/* --- Sums --------------------------------------------------------------------------------------*/

static uint64_t sum_incidents(const struct page_singles *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->n_sources; i++)
        sum += s->sources[i].incidents;
    return sum;
}

static struct page_bar *bars_of_singles(struct page *p, const struct page_singles *s, size_t n)
{
    struct page_bar *bars = arena_array(p->arena, struct page_bar, n);
    for (size_t i = 0; i < n; i++)
        bars[i].day = p->query->from + (int64_t)i;
    for (size_t i = 0; i < s->n_sources; i++)
        for (size_t k = 0; k < s->sources[i].n_days; k++) {
            const struct figures_failure_day *day = &s->sources[i].days[k];
            bars[day->day - p->query->from].n[0] += day->incidents;
        }
    return bars;
}

static void put_singles_by_day(struct page *p, const struct page_singles *s)
{
    static const struct page_series series[] = {{"messages that failed", "s-fail", NULL}};
    size_t n = (size_t)page_length(p);
    page_card(p, "", "Messages a day", "that receivers tell of one by one");
    page_bars(p, "Messages in failure reports by day", series, 1, bars_of_singles(p, s, n), n, 200);
    page_card_end(p);
}

/* The source, as a link to the reports about it. */
static void put_single_source(struct page *p, struct str name)
{
    struct page_query q = *p->query;
    q.source = name;
    page_query_to_top(&q);
    page_put_link(p, &q, name);
}

static void put_singles_by_source(struct page *p, const struct page_singles *s)
{
    static const struct page_column columns[] = {
        {"Source", ""}, {"Messages", "n"}, {"Days", "n"}, {"Last day", "w"}};
    struct page_table t;
    page_card(p, "long", "By source", "the most messages first");
    page_table_begin(p, &t, "Failure reports by source", columns, 4);
    for (size_t i = 0; i < s->n_sources && i < SOURCES_SHOWN; i++) {
        const struct figures_failures *f = &s->sources[i];
        page_row(&t);
        page_cell(&t);
        put_single_source(p, f->source);
        page_cell(&t);
        html_put(&p->h, "<span>%.*s</span>", STR_ARG(page_count(p, f->incidents)));
        page_meter(p, f->incidents, s->sources[0].incidents);
        page_cell(&t);
        html_number(&p->h, f->n_days);
        page_cell(&t);
        html_text(&p->h, page_last_text(p, f->last_day));
    }
    page_table_end(&t);
    if (s->n_sources > SOURCES_SHOWN)
        html_put(&p->h, "<p class=s>and %zu more sources</p>", s->n_sources - SOURCES_SHOWN);
    page_card_end(p);
}

/* --- The list ----------------------------------------------------------------------------------*/

static struct str when_of(const struct page *p, const struct figures_single *s)
{
    return page_time_text(p, s->report.arrival ? s->report.arrival : s->received);
}

static void put_single_link(struct page *p, const struct figures_single *s)
{
    struct page_query q = *p->query;
    q.view = VIEW_SINGLE;
    q.source = STR("");
    q.id = s->id;
    q.start = 0;
    page_put_link(p, &q, when_of(p, s));
}

static struct str address_of(const struct page *p, const struct failure_report *r)
{
    char address[NETADDR_TEXT];
    return r->source.family ? str_copy(p->arena, str_of(netaddr_format(&r->source, address)))
                            : STR("unknown");
}

static void put_single_row(struct page_table *t, const struct figures_single *s)
{
    const struct failure_report *r = &s->report;
    const struct str texts[] = {address_of(t->p, r), r->header_from.n ? r->header_from : r->domain,
                                r->envelope_from, r->result, r->subject};
    page_row(t);
    page_cell(t);
    put_single_link(t->p, s);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        page_cell(t);
        html_put(&t->p->h, "<bdi>%.*s</bdi>", STR_ARG(texts[i]));
        if (i == 4 && r->incidents > 1)
            html_put(&t->p->h, " <span class=s>%.*s messages</span>",
                     STR_ARG(page_count(t->p, (uint64_t)r->incidents)));
    }
}

static void put_singles(struct page *p, const struct page_singles *s)
{
    static const struct page_column columns[] = {{"Arrived", ""},      {"Address", ""},
                                                 {"From", ""},         {"Envelope from", ""},
                                                 {"Receiver did", ""}, {"Subject", ""}};
    struct page_table t;
    page_card(p, "long", "One by one", "the newest first; open one to read it");
    if (s->n) {
        page_table_begin(p, &t, "Failure reports", columns, 6);
        for (size_t i = 0; i < s->n; i++)
            put_single_row(&t, &s->v[i]);
        page_table_end(&t);
    } else
        page_nothing(p, "The reports themselves are not kept any more (reports.keep-failures); the "
                        "sums are.");
    page_put_turns(p, s->more);
    page_card_end(p);
}

void page_view_singles(struct page *p, const struct page_singles *s)
{
    page_title(p, "Failure reports",
               page_lead(p,
                         "What receivers report about single messages that failed (ruf in the "
                         "DMARC record). Few send such reports: this is a sample, not a count.",
                         "Filters by reporter and result say nothing here."));
    html_put(&p->h, "<div class=g>");
    if (sum_incidents(s)) {
        put_singles_by_day(p, s);
        put_singles_by_source(p, s);
    }
    if (sum_incidents(s) || s->n)
        put_singles(p, s);
    else
        page_notice(p, "None came",
                    "No receiver told of a single message in this period. Most never do, even "
                    "if your DMARC record asks for it by ruf.");
    html_put(&p->h, "</div>");
}

/* --- One of them -------------------------------------------------------------------------------*/

static struct str signature_of(const struct page *p, const struct failure_report *r)
{
    if (!r->dkim_domain.n && !r->dkim_selector.n)
        return STR("");
    return str_printf(p->arena, "d=%.*s s=%.*s", STR_ARG(r->dkim_domain),
                      STR_ARG(r->dkim_selector));
}

static void put_message(struct page *p, const struct figures_single *s)
{
    const struct failure_report *r = &s->report;
    page_card(p, "half", "The message", NULL);
    html_put(&p->h, "<dl>");
    page_put_fact(p, "Subject", r->subject);
    page_put_fact(p, "From", r->header_from);
    page_put_fact(p, "Envelope from", r->envelope_from);
    page_put_fact(p, "Arrived", when_of(p, s));
    page_put_fact(p, "Address", address_of(p, r));
    html_put(&p->h, "<dt>Source</dt><dd>");
    page_put_source_name(p, s->source);
    html_put(&p->h, "</dd></dl>");
    page_card_end(p);
}

static void put_told(struct page *p, const struct figures_single *s)
{
    const struct failure_report *r = &s->report;
    page_card(p, "half", "The report", NULL);
    html_put(&p->h, "<dl>");
    page_put_fact(p, "Reporter", r->reporter);
    page_put_fact(p, "Domain", r->domain);
    page_put_fact(p, "What failed", r->kind);
    page_put_fact(p, "Aligned", r->alignment);
    page_put_fact(p, "Signature", signature_of(p, r));
    page_put_fact(p, "Receiver did", r->result);
    page_put_fact(p, "Messages", page_count(p, (uint64_t)r->incidents));
    page_put_fact(p, "Received", page_time_text(p, s->received));
    html_put(&p->h, "</dl>");
    page_card_end(p);
}

void page_view_single(struct page *p, const struct figures_single *s)
{
    page_title(p, "Failure report",
               !s                    ? STR("There is no such report.")
               : s->report.subject.n ? s->report.subject
                                     : when_of(p, s));
    html_put(&p->h, "<div class=g>");
    if (s) {
        put_message(p, s);
        put_told(p, s);
        page_notice(p, "What is kept of it",
                    "Of addresses the domains alone, and nothing of the message but its "
                    "subject. It goes after reports.keep-failures; the sums stay.");
    } else
        page_notice(p, "It may have been dropped",
                    "Failure reports are kept as long as reports.keep-failures says.");
    html_put(&p->h, "</div>");
}
