/* view_others.c - the pages of readiness, countries, reporters, and of what this host did.
 *
 * Errors: none. */
#include "report/page/chart.h"
#include "report/page/views.h"

/* --- Readiness ---------------------------------------------------------------------------------*/

static void put_verdict(struct page *p, enum readiness_verdict verdict)
{
    static const struct {
        const char *class, *words;
    } said[] = {[READINESS_NO_DATA] = {"mute", "Cannot be said yet."},
                [READINESS_NOT_YET] = {"notyet", "Not yet."},
                [READINESS_QUARANTINE_OK] = {"almost", "Yes, to p=quarantine."},
                [READINESS_REJECT_OK] = {"ready", "Yes, to p=reject."}};
    html_put(&p->h, "<p class=\"say %s\">%s</p>", said[verdict].class, said[verdict].words);
}

static void put_hit(struct page *p, const struct readiness *r, size_t most)
{
    html_put(&p->h, "<p>Failing mail, which a strict policy hits, from %.*s to %.*s:</p><ul>",
             STR_ARG(page_day_text(p, r->from_day)), STR_ARG(page_day_text(p, r->to_day)));
    for (size_t i = 0; i < r->n_hit && i < most; i++) {
        html_put(&p->h, "<li>");
        html_number(&p->h, r->hit[i].counts.fail);
        html_put(&p->h, " from ");
        page_put_source(p, &r->hit[i]);
        html_put(&p->h, " ");
        page_put_class(p, r->hit[i].class, r->hit[i].labelled);
        html_put(&p->h, "</li>");
    }
    html_put(&p->h, "</ul>");
    if (r->n_hit > most)
        html_put(&p->h, "<p class=s>and %zu more</p>", r->n_hit - most);
}

void page_put_readiness(struct page *p, const struct readiness *r, size_t most)
{
    if (str_eq(r->p, STR("reject"))) {
        html_put(&p->h, "<h2>The policy</h2><p class=\"say ready\">p=reject is in force.</p>");
    } else {
        html_put(&p->h, "<h2>May it ask for more than p=%.*s?</h2>",
                 STR_ARG(r->p.n ? r->p : STR("none")));
        put_verdict(p, r->verdict);
    }
    if (str_eq(r->p, STR("reject")) && r->verdict == READINESS_REJECT_OK) {
        html_put(&p->h, "<p>%.2f %% of own and approved mail pass.</p>", (double)r->share / 100);
    } else {
        html_put(&p->h, "<p>");
        html_long_text(&p->h, r->summary);
        html_put(&p->h, "</p>");
    }
    if (r->n_hit)
        put_hit(p, r, most);
}

static void put_classes(struct page *p, const struct readiness *r)
{
    static const struct page_column columns[] = {
        {"Class", ""}, {"Messages", "n"}, {"Failed", "n"}, {"Passed", "n"}};
    struct page_table t;
    page_table_begin(p, &t, "By class", columns, 4);
    for (int i = 0; i < CLASS_COUNT; i++) {
        const struct readiness_class *c = &r->classes[i];
        page_row(&t);
        page_cell(&t);
        page_put_class(p, (enum source_class)i, false);
        page_cell(&t);
        html_number(&p->h, c->messages);
        page_cell(&t);
        html_number(&p->h, c->fail);
        page_cell(&t);
        html_text(&p->h, page_share(p, c->messages - c->fail, c->messages));
    }
    page_table_end(&t);
}

static void put_lines(struct page *p, const struct readiness *r)
{
    html_put(&p->h, "<ul>");
    for (size_t i = 0; i < r->n_lines; i++) {
        html_put(&p->h, "<li>");
        html_long_text(&p->h, r->lines[i]);
        html_put(&p->h, "</li>");
    }
    html_put(&p->h, "</ul>");
}

static void put_one(struct page *p, const struct readiness *r)
{
    page_card(p, "half", NULL, NULL);
    if (!p->query->domain.n)
        html_put(&p->h, "<p class=k><bdi>%.*s</bdi></p>", STR_ARG(r->domain));
    page_put_readiness(p, r, 20);
    page_card_end(p);
    page_card(p, "half", "By class", "own and approved mail has to pass");
    put_classes(p, r);
    if (r->n_lines)
        put_lines(p, r);
    page_card_end(p);
}

void page_view_readiness(struct page *p, const struct readiness *v, size_t n)
{
    page_title(
        p, "Readiness",
        STR("May the domain ask for more, what would that hit, and whose mail is it? Own and "
            "approved sources have to pass; label the unknown ones first."));
    html_put(&p->h, "<div class=g>");
    for (size_t i = 0; i < n; i++)
        put_one(p, &v[i]);
    if (!n)
        page_notice(p, "Nothing to say", "No report came in this period.");
    html_put(&p->h, "</div>");
}

/* --- Countries ---------------------------------------------------------------------------------*/

void page_put_countries(struct page *p, const struct figures_country *v, size_t n, size_t most)
{
    char code[3];
    if (!n || !v[0].fail) {
        page_nothing(p, "No mail failed in these days.");
        return;
    }
    page_hbars_begin(p);
    for (size_t i = 0; i < n && (!most || i < most) && v[i].fail; i++)
        page_hbar(p, str_of(page_country_name(v[i].country, code)), v[i].fail, v[0].fail);
    page_hbars_end(p);
}

void page_view_countries(struct page *p, const struct figures_country *v, size_t n)
{
    page_title(p, "Countries",
               STR("Where mail came from that failed, in the last seven days of the period. The "
                   "country of an address is a hint, no proof."));
    html_put(&p->h, "<div class=g>");
    page_card(p, "", "Failing mail by country", "last seven days");
    page_put_countries(p, v, n, 0);
    page_card_end(p);
    html_put(&p->h, "</div>");
}

/* --- Reporters ---------------------------------------------------------------------------------*/

#define DOTS_MAX 31

/* Days without a report since the first one; a day that is not over does not count. */
static void put_missing(struct page *p, const struct figures_reporter *r, const bool *days,
                        size_t n)
{
    int64_t first = r->first_day - p->query->from;
    uint64_t missing = 0;
    for (size_t i = first > 0 ? (size_t)first : 0; days && i < n; i++)
        missing += !days[i];
    if (missing)
        html_number(&p->h, missing);
    else
        html_put(&p->h, "<span class=ok>none</span>");
}

static void put_reporter(struct page_table *t, const struct figures_reporter *r, const bool *days)
{
    struct page *p = t->p;
    size_t n = page_days_over(p), dots = n < DOTS_MAX ? n : DOTS_MAX;
    page_row(t);
    page_cell(t);
    page_put_known_reporter(p, r);
    page_cell(t);
    html_number(&p->h, figures_all(&r->counts));
    page_cell(t);
    html_number(&p->h, r->reports);
    page_cell(t);
    html_text(&p->h, page_day_text(p, r->first_day));
    page_cell(t);
    html_text(&p->h, page_last_text(p, r->last_day));
    page_cell(t);
    put_missing(p, r, days, n);
    page_cell(t);
    if (days)
        page_dots(p, days + n - dots, dots);
}

void page_view_reporters(struct page *p, const struct page_reporters *r)
{
    static const struct page_column columns[] = {
        {"Reporter", ""},  {"Messages", "n"},     {"Reports", "n"},  {"First day", "w"},
        {"Last day", "w"}, {"Missing days", "n"}, {"Day by day", ""}};
    const struct figures *f = r->figures;
    struct page_table t;
    page_title(p, "Reporters",
               STR("Who reports, and on which days. A reporter sends nothing for a day without "
                   "mail; one that falls silent may have lost your address."));
    html_put(&p->h, "<div class=g>");
    page_card(p, "long", "Reporters", "the most mail first");
    page_table_begin(p, &t, "Reporters", columns, 7);
    for (size_t i = 0; i < f->n_reporters; i++)
        put_reporter(&t, &f->reporters[i], r->presence ? r->presence[i] : NULL);
    page_table_end(&t);
    if (!f->n_reporters)
        page_nothing(p, "Nobody sent a report in this period. Does the DMARC record name an "
                        "address (rua) that reaches assay report receive?");
    page_card_end(p);
    html_put(&p->h, "</div>");
}

/* --- Our own side ------------------------------------------------------------------------------*/

static const struct page_series own_series[] = {{"accepted", "s-dkim", NULL},
                                                {"quarantined", "s-quar", NULL},
                                                {"rejected", "s-fail", "rejected"}};

void page_put_own_days(struct page *p, const struct page_own_day *days, size_t n, int height)
{
    struct page_bar *bars = arena_array(p->arena, struct page_bar, n);
    for (size_t i = 0; i < n; i++) {
        bars[i].day = days[i].day;
        for (size_t k = 0; k < OURS_COUNT; k++)
            bars[i].n[k] = days[i].n[k];
    }
    page_bars(p, "Our own verdicts by day", own_series, OURS_COUNT, bars, n, height);
}

static void put_sent(struct page *p, const struct page_ours *o)
{
    static const struct page_column columns[] = {{"Day", "w"},      {"On", ""},    {"To", ""},
                                                 {"Messages", "n"}, {"State", ""}, {"Note", ""}};
    struct page_table t;
    if (!o->n_sent) {
        page_nothing(p, o->has_sent ? "Nothing was sent in this period."
                                    : "This host sends no reports (reports.send).");
        return;
    }
    page_table_begin(p, &t, "Reports that we sent", columns, 6);
    for (size_t i = 0; i < o->n_sent; i++) {
        const struct page_sent *s = &o->sent[i];
        page_row(&t);
        page_cell(&t);
        html_text(&p->h, page_day_text(p, s->day));
        page_cell(&t);
        html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(s->domain));
        page_cell(&t);
        html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(s->destination));
        page_cell(&t);
        html_number(&p->h, s->messages);
        page_cell(&t);
        html_text(&p->h, s->state);
        page_cell(&t);
        html_text(&p->h, s->note);
    }
    page_table_end(&t);
}

static void put_own_figures(struct page *p, const struct page_ours *o)
{
    uint64_t sums[OURS_COUNT] = {0}, all = 0;
    static const char *const names[] = {"Accepted", "Quarantined", "Rejected"};
    for (size_t i = 0; i < o->n_days; i++)
        for (size_t k = 0; k < OURS_COUNT; k++) {
            sums[k] += o->days[i].n[k];
            all += o->days[i].n[k];
        }
    for (size_t k = 0; k < OURS_COUNT; k++) {
        page_figure(p, names[k], page_count(p, sums[k]));
        html_text(&p->h, page_share(p, sums[k], all));
        page_figure_end(p);
    }
    page_figure(p, "All", page_count(p, all));
    html_put(&p->h, "mail from outside that was judged");
    page_figure_end(p);
}

void page_view_ours(struct page *p, const struct page_ours *o)
{
    page_title(p, "Our side",
               page_lead(p,
                         "What this host did with mail from outside, of all senders, and the "
                         "reports it sent about that.",
                         "Filters by source, reporter and result say nothing here."));
    html_put(&p->h, "<div class=g>");
    if (o->has_rows)
        put_own_figures(p, o);
    page_card(p, "", "What we did ourselves", "messages a day");
    if (o->has_rows)
        page_put_own_days(p, o->days, o->n_days, 220);
    else
        page_nothing(p, "Nothing was counted here yet (reports.record).");
    page_card_end(p);
    page_card(p, "long", "What we sent", "the newest first");
    put_sent(p, o);
    page_card_end(p);
    html_put(&p->h, "</div>");
}
