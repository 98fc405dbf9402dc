/* view_tls.c - the page of TLS reports (RFC 8460): could others deliver to us encrypted?
 *
 * Errors: none. */
#include "report/page/chart.h"
#include "report/page/views.h"

static const char *policy_name(struct str type)
{
    return str_eq(type, STR("sts"))               ? "MTA-STS"
           : str_eq(type, STR("tlsa"))            ? "DANE"
           : str_eq(type, STR("no-policy-found")) ? "no policy"
                                                  : NULL;
}

static void put_tls_figures(struct page *p, const struct page_tls *t)
{
    uint64_t good = 0, failed = 0;
    for (size_t i = 0; i < t->n_days; i++) {
        good += t->days[i].good;
        failed += t->days[i].failed;
    }
    page_figure(p, "Sessions reported", page_count(p, good + failed));
    html_put(&p->h, "connections to your mail servers");
    page_figure_end(p);
    page_figure(p, "Encrypted", page_share(p, good, good + failed));
    html_put(&p->h, "as your policy asks");
    page_figure_end(p);
    page_figure(p, "Failed", page_count(p, failed));
    html_put(&p->h, failed ? "did not meet it" : "nothing to look at");
    page_figure_end(p);
    page_figure(p, "Reporters", page_count(p, t->n_reporters));
    html_put(&p->h, "%.*s report%s", STR_ARG(page_count(p, t->reports)),
             t->reports == 1 ? "" : "s");
    page_figure_end(p);
}

static void put_tls_days(struct page *p, const struct page_tls *t)
{
    static const struct page_series series[] = {{"encrypted", "s-dkim", NULL},
                                                {"failed", "s-fail", "failed"}};
    struct page_bar *bars = arena_array(p->arena, struct page_bar, t->n_days);
    for (size_t i = 0; i < t->n_days; i++)
        bars[i] = (struct page_bar){t->days[i].day, {t->days[i].good, t->days[i].failed}};
    page_card(p, "", "Sessions a day", "of servers that report");
    page_bars(p, "Sessions a day", series, 2, bars, t->n_days, 200);
    page_card_end(p);
}

static void put_policies(struct page *p, const struct page_tls *t)
{
    static const struct page_column columns[] = {
        {"Domain", ""}, {"Policy", ""}, {"Reports", "n"}, {"Encrypted", "n"}, {"Failed", "n"}};
    struct page_table table;
    page_card(p, "long", "By policy", "the most failures first");
    page_table_begin(p, &table, "TLS reports by policy", columns, 5);
    for (size_t i = 0; i < t->n_policies; i++) {
        const struct page_tls_policy *v = &t->policies[i];
        const char *name = policy_name(v->type);
        page_row(&table);
        page_cell(&table);
        html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(v->domain));
        page_cell(&table);
        html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(name ? str_of(name) : v->type));
        page_cell(&table);
        html_number(&p->h, v->reports);
        page_cell(&table);
        html_number(&p->h, v->good);
        page_cell(&table);
        html_put(&p->h, "<span class=%s>%.*s</span>", v->failed ? "bad" : "mute",
                 STR_ARG(page_count(p, v->failed)));
    }
    page_table_end(&table);
    page_card_end(p);
}

static void put_tls_list(struct page *p, const struct page_tls *t)
{
    static const struct page_column columns[] = {{"Report", ""},     {"Reporter", ""},
                                                 {"About", ""},      {"Day", "w"},
                                                 {"Encrypted", "n"}, {"Failed", "n"}};
    struct page_table table;
    page_card(p, "long", "Reports", "the newest first");
    page_table_begin(p, &table, "TLS reports", columns, 6);
    for (size_t i = 0; i < t->n; i++) {
        const struct page_tls_report *v = &t->v[i];
        const struct str texts[] = {v->report_id, v->organization, v->domains};
        page_row(&table);
        for (size_t k = 0; k < 3; k++) {
            page_cell(&table);
            html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(texts[k]));
        }
        page_cell(&table);
        html_text(&p->h, page_day_text(p, v->begin / 86400));
        page_cell(&table);
        html_number(&p->h, v->good);
        page_cell(&table);
        html_put(&p->h, "<span class=%s>%.*s</span>", v->failed ? "bad" : "mute",
                 STR_ARG(page_count(p, v->failed)));
    }
    page_table_end(&table);
    page_put_turns(p, t->more);
    page_card_end(p);
}

void page_view_tls(struct page *p, const struct page_tls *t)
{
    page_title(p, "TLS reports",
               page_lead(p,
                         "Whether other servers could deliver to yours encrypted, as MTA-STS or "
                         "DANE ask (RFC 8460).",
                         "Filters by source and result say nothing here."));
    html_put(&p->h, "<div class=g>");
    if (t->reports) {
        put_tls_figures(p, t);
        put_tls_days(p, t);
        put_policies(p, t);
        put_tls_list(p, t);
    } else
        page_notice(p, "None came",
                    "No TLS report of this period is stored. A TXT record at _smtp._tls below "
                    "your domain asks for them: v=TLSRPTv1; rua=mailto:ADDRESS.");
    html_put(&p->h, "</div>");
}
