/* view_sources.c - the pages of sources and of failures, and of one source in all reports.
 *
 * Errors: none. */
#include "report/page/chart.h"
#include "report/page/views.h"

#define ADDRESSES_MAX  500 /* addresses that are shown */
#define IDENTITIES_MAX 100
#define ROWS_SHOWN     1000 /* rows of a table of sources */

/* --- Tables of sources -------------------------------------------------------------------------*/

static void put_rate(struct page *p, uint64_t part, uint64_t all, bool judged)
{
    bool bad = judged && part * 10 < all * 9;
    if (bad)
        html_put(&p->h, "<span class=bad>%.*s</span>", STR_ARG(page_share(p, part, all)));
    else
        html_text(&p->h, page_share(p, part, all));
}

static void put_did(struct page *p, const struct figures_counts *c)
{
    uint64_t all = figures_all(c);
    if (!c->rejected && !c->quarantined)
        html_put(&p->h, "let pass");
    if (c->rejected)
        html_put(&p->h, "%.*s rejected", STR_ARG(page_share(p, c->rejected, all)));
    if (c->rejected && c->quarantined)
        html_put(&p->h, ", ");
    if (c->quarantined)
        html_put(&p->h, "%.*s quarantined", STR_ARG(page_share(p, c->quarantined, all)));
}

/* If neither SPF nor DKIM passes for a source, both are marked; otherwise one that passes is
 * enough. */
static void put_source_row(struct page_table *t, const struct figures_source *s, uint64_t most)
{
    struct page *p = t->p;
    const struct figures_counts *c = &s->counts;
    uint64_t all = figures_all(c), passed = all - c->fail;
    uint64_t dkim = c->both + c->dkim, spf = c->both + c->spf;
    bool judged = passed * 10 < all * 9;
    page_row(t);
    page_cell(t);
    page_put_source(p, s);
    page_cell(t);
    page_put_class(p, s->class, s->labelled);
    page_cell(t);
    html_put(&p->h, "<span>");
    html_number(&p->h, all);
    html_put(&p->h, "</span>");
    page_meter(p, all, most);
    page_cell(t);
    put_rate(p, passed, all, true);
    page_cell(t);
    put_rate(p, dkim, all, judged);
    page_cell(t);
    put_rate(p, spf, all, judged);
    page_cell(t);
    put_did(p, c);
    page_cell(t);
    html_text(&p->h, page_day_text(p, s->first_day));
    page_cell(t);
    html_text(&p->h, page_last_text(p, s->last_day));
}

void page_put_sources(struct page *p, const struct figures_source *v, size_t n, size_t most)
{
    static const struct page_column columns[] = {
        {"Source", ""},        {"Class", ""},       {"Messages", "n"},
        {"Passed", "n"},       {"DKIM", "n"},       {"SPF", "n"},
        {"Receivers did", ""}, {"First seen", "w"}, {"Last seen", "w"}};
    struct page_table t;
    uint64_t largest = n ? figures_all(&v[0].counts) : 0;
    if (!n) {
        page_nothing(p, "No report of this period tells of mail.");
        return;
    }
    page_table_begin(p, &t, "Sources", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < n && (!most || i < most); i++)
        put_source_row(&t, &v[i], largest);
    page_table_end(&t);
    if (most > ROWS_SHOWN - 1 && n > most)
        html_put(&p->h,
                 "<p class=s>and %zu more, each with less mail; assay report sources lists all</p>",
                 n - most);
}

void page_view_sources(struct page *p, const struct figures *s)
{
    page_title(p, "Sources",
               STR("Who sends in your name: by the verified name of the host, the network it "
                   "belongs to, or its address. Say whose one is with: assay report label SOURCE "
                   "own, approved, forwarder-like or spoof."));
    html_put(&p->h, "<div class=g>");
    page_card(p, "long", "Sources", "the most mail first");
    page_put_sources(p, s->sources, s->n_sources, ROWS_SHOWN);
    page_card_end(p);
    html_put(&p->h, "</div>");
}

/* --- Failures ----------------------------------------------------------------------------------*/

static const char *const cause_advice[CAUSE_COUNT] = {
    [CAUSE_NO_SIGNATURE] =
        "Nothing signed it. If it is yours, let that host sign with your domain.",
    [CAUSE_BROKEN_SIGNATURE] =
        "Signed in your name, and changed on its way; or the DNS has another key.",
    [CAUSE_OTHER_SIGNER] = "A service signed with its own domain. Give it a key of yours.",
    [CAUSE_SPF_FAILS] = "The address is not in your SPF record. That is right for forged mail.",
    [CAUSE_SPF_OTHER] = "The envelope has another domain, as with services and forwarders.",
    [CAUSE_STRICT] = "A subdomain authenticated it, and your record asks for the very same domain.",
};

static void put_causes(struct page *p, const struct figures *s)
{
    uint64_t sums[CAUSE_COUNT] = {0}, most = 0;
    for (size_t i = 0; i < s->n_sources; i++)
        for (size_t k = 0; k < CAUSE_COUNT; k++)
            sums[k] += s->sources[i].causes[k];
    for (size_t k = 0; k < CAUSE_COUNT; k++)
        most = sums[k] > most ? sums[k] : most;
    page_card(p, "", "Six reasons", "of mail that failed; one message may have two");
    page_hbars_begin(p);
    for (size_t k = 0; k < CAUSE_COUNT; k++)
        page_hbar(p, str_of(page_cause_title((enum figures_cause)k)), sums[k], most);
    page_hbars_end(p);
    html_put(&p->h, "<details><summary>What they mean</summary><dl>");
    for (size_t k = 0; k < CAUSE_COUNT; k++)
        html_put(&p->h, "<dt>%s</dt><dd>%s</dd>", page_cause_title((enum figures_cause)k),
                 cause_advice[k]);
    html_put(&p->h, "</dl></details>");
    page_card_end(p);
}

static void put_failing_sources(struct page *p, const struct figures *s)
{
    struct page_column columns[3 + CAUSE_COUNT] = {{"Source", ""}, {"Class", ""}, {"Failed", "n"}};
    struct page_table t;
    for (size_t k = 0; k < CAUSE_COUNT; k++)
        columns[3 + k] = (struct page_column){page_cause_title((enum figures_cause)k), "n"};
    page_table_begin(p, &t, "Failures by source", columns, 3 + CAUSE_COUNT);
    for (size_t i = 0, shown = 0; i < s->n_sources && shown < ROWS_SHOWN; i++) {
        uint64_t failed = s->sources[i].counts.fail;
        if (!failed)
            continue;
        shown++;
        page_row(&t);
        page_cell(&t);
        page_put_source(p, &s->sources[i]);
        page_cell(&t);
        page_put_class(p, s->sources[i].class, s->sources[i].labelled);
        page_cell(&t);
        html_number(&p->h, failed);
        for (size_t k = 0; k < CAUSE_COUNT; k++) {
            page_cell(&t);
            if (s->sources[i].causes[k])
                html_number(&p->h, s->sources[i].causes[k]);
            else
                html_put(&p->h, "<span class=mute>–</span>");
        }
    }
    page_table_end(&t);
}

void page_view_failures(struct page *p, const struct figures *s)
{
    uint64_t failed = 0;
    for (size_t i = 0; i < s->n_sources; i++)
        failed += s->sources[i].counts.fail;
    page_title(p, "Failures",
               str_printf(p->arena, "%.*s messages in %.*s passed neither by DKIM nor by SPF.",
                          STR_ARG(page_count(p, failed)), STR_ARG(page_period(p))));
    html_put(&p->h, "<div class=g>");
    if (failed) {
        put_causes(p, s);
        page_card(p, "long r", "By source", NULL);
        put_failing_sources(p, s);
    } else {
        page_card(p, "", "Nothing failed", NULL);
        page_nothing(p, "Either all mail passed, or no report came.");
    }
    page_card_end(p);
    html_put(&p->h, "</div>");
}

/* --- One source --------------------------------------------------------------------------------*/

static void put_source_figures(struct page *p, const struct figures_source *s)
{
    const struct figures_counts *c = &s->counts;
    uint64_t all = figures_all(c);
    page_figure(p, "Messages", page_count(p, all));
    html_put(&p->h, "%.*s failed", STR_ARG(page_count(p, c->fail)));
    page_figure_end(p);
    page_figure(p, "DKIM", page_share(p, c->both + c->dkim, all));
    html_put(&p->h, "passed and aligned");
    page_figure_end(p);
    page_figure(p, "SPF", page_share(p, c->both + c->spf, all));
    html_put(&p->h, "passed and aligned");
    page_figure_end(p);
    page_figure(p, "Class", str_of(source_class_word(s->class)));
    html_put(&p->h, "%s; seen from %.*s to %.*s",
             s->labelled ? "by your label" : "by what it sends",
             STR_ARG(page_day_text(p, s->first_day)), STR_ARG(page_last_text(p, s->last_day)));
    page_figure_end(p);
}

static void put_addresses(struct page *p, const struct figures_detail *d)
{
    static const struct page_column columns[] = {
        {"Address", ""}, {"Name", ""}, {"Country", ""}, {"Messages", "n"}, {"Failed", "n"}};
    struct page_table t;
    char code[3], address[NETADDR_TEXT];
    if (!d->n_addresses) {
        page_nothing(p, "The rows of these reports are not kept any more (reports.keep-rows).");
        return;
    }
    page_table_begin(p, &t, "Addresses of this source", columns, 5);
    for (size_t i = 0; i < d->n_addresses && i < ADDRESSES_MAX; i++) {
        const struct figures_address *a = &d->addresses[i];
        page_row(&t);
        page_cell(&t);
        html_put(&p->h, "%s", netaddr_format(&a->address, address));
        page_cell(&t);
        html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(a->name));
        page_cell(&t);
        html_put(&p->h, "%s", page_country_name(a->country, code));
        page_cell(&t);
        html_number(&p->h, figures_all(&a->counts));
        page_cell(&t);
        html_number(&p->h, a->counts.fail);
    }
    page_table_end(&t);
}

static void put_identities(struct page *p, const struct figures_detail *d)
{
    static const struct page_column columns[] = {
        {"Domain", ""}, {"By", ""}, {"Selector", ""}, {"Result", ""}, {"Messages", "n"}};
    struct page_table t;
    page_table_begin(p, &t, "What authenticated this mail", columns, 5);
    for (size_t i = 0; i < d->n_identities && i < IDENTITIES_MAX; i++) {
        const struct figures_identity *id = &d->identities[i];
        page_row(&t);
        page_cell(&t);
        html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(id->domain));
        page_cell(&t);
        html_put(&p->h, "%s", str_eq(id->what, STR("dkim")) ? "DKIM" : "SPF");
        page_cell(&t);
        html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(id->selector));
        page_cell(&t);
        html_put(&p->h, "<span class=%s>%.*s</span>",
                 str_eq(id->result, STR("pass")) ? "ok" : "bad", STR_ARG(id->result));
        page_cell(&t);
        html_number(&p->h, id->messages);
    }
    page_table_end(&t);
}

static void put_tellers(struct page *p, const struct figures *f)
{
    static const struct page_column columns[] = {
        {"Reporter", ""}, {"Messages", "n"}, {"Failed", "n"}, {"Last report", "w"}};
    struct page_table t;
    page_table_begin(p, &t, "Reporters that tell of this source", columns, 4);
    for (size_t i = 0; i < f->n_reporters; i++) {
        const struct figures_reporter *r = &f->reporters[i];
        if (!figures_all(&r->counts))
            continue;
        page_row(&t);
        page_cell(&t);
        page_put_known_reporter(p, r);
        page_cell(&t);
        html_number(&p->h, figures_all(&r->counts));
        page_cell(&t);
        html_number(&p->h, r->counts.fail);
        page_cell(&t);
        html_text(&p->h, page_last_text(p, r->last_day));
    }
    page_table_end(&t);
}

static void put_sending(struct page *p, const struct page_sending *s)
{
    put_source_figures(p, &s->figures->sources[0]);
    page_card(p, "", "Messages a day", "by what authenticated them");
    page_put_days(p, s->figures->days, s->figures->n_days, 210);
    page_card_end(p);
    page_card(p, "long", "Addresses",
              s->detail->cut ? "of the latest rows" : "the most mail first");
    put_addresses(p, s->detail);
    page_card_end(p);
    page_card(p, "half long", "What it authenticates as", "signatures and envelopes");
    put_identities(p, s->detail);
    page_card_end(p);
    page_card(p, "half long", "Told by", NULL);
    put_tellers(p, s->figures);
    page_card_end(p);
}

void page_view_source(struct page *p, const struct page_sending *s)
{
    page_title(
        p, "Source",
        str_printf(p->arena, "%.*s in %.*s", STR_ARG(p->query->source), STR_ARG(page_period(p))));
    html_put(&p->h, "<div class=g>");
    if (s->figures->n_sources)
        put_sending(p, s);
    else
        page_notice(p, "No such source", "No report of this period tells of mail from it.");
    html_put(&p->h, "</div>");
}
