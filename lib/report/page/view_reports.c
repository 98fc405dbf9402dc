/* view_reports.c - the received reports: the list, a single one, and what was refused.
 *
 * Errors: none. */
#include "report/in/answer.h"
#include "report/in/reporter.h"
#include "report/page/views.h"

/* --- The list ----------------------------------------------------------------------------------*/

static void put_report_link(struct page *p, const struct received_report *r)
{
    struct page_query q = *p->query;
    q.view = VIEW_REPORT;
    q.report = r->head.report_id;
    q.id = r->id;
    q.start = 0;
    page_put_link(p, &q, r->head.report_id.n ? r->head.report_id : STR("(without an id)"));
}

static void put_marks(struct page *p, const struct received_report *r)
{
    html_put(&p->h, "%s", trust_word(r->trust));
    if (r->damaged)
        html_put(&p->h, " <span class=bad>damaged</span>");
    else if (r->repaired)
        html_put(&p->h, " <span class=mute>repaired</span>");
}

/* Who sent it, unless the reporter's name says so. */
static void put_sender(struct page *p, const struct received_report *r)
{
    if (r->author.n && (r->other || !reporter_names(p->arena, r->head.org_name, r->author)))
        html_put(&p->h, " <span class=mute>sent by <bdi>%.*s</bdi></span>", STR_ARG(r->author));
}

static void put_list(struct page *p, const struct page_reports *r)
{
    static const struct page_column columns[] = {
        {"Report", ""}, {"Reporter", ""},  {"Domain", ""}, {"Begin", "w"},
        {"Rows", "n"},  {"Messages", "n"}, {"Trust", ""}};
    struct page_table t;
    page_table_begin(p, &t, "Stored reports", columns, 7);
    for (size_t i = 0; i < r->n; i++) {
        const struct received_report *v = &r->v[i];
        page_row(&t);
        page_cell(&t);
        put_report_link(p, v);
        page_cell(&t);
        page_put_reporter(p, v->head.org_name);
        put_sender(p, v);
        page_cell(&t);
        html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(v->head.policy.domain));
        page_cell(&t);
        html_text(&p->h, page_day_text(p, v->head.begin / 86400));
        page_cell(&t);
        html_number(&p->h, v->records);
        page_cell(&t);
        html_number(&p->h, v->messages);
        page_cell(&t);
        put_marks(p, v);
    }
    page_table_end(&t);
}

void page_put_turns(struct page *p, bool more)
{
    struct page_query q = *p->query;
    if (!p->site->live || (!more && !q.start))
        return;
    html_put(&p->h, "<p class=more>");
    if (q.start > 0) {
        q.start = q.start > PAGE_REPORTS_MAX ? q.start - PAGE_REPORTS_MAX : 0;
        html_put(&p->h, "<a href=\"%.*s\" rel=prev>newer ones</a> ", STR_ARG(page_link(p, &q)));
    }
    if (more) {
        q.start = p->query->start + PAGE_REPORTS_MAX;
        html_put(&p->h, "<a href=\"%.*s\" rel=next>older ones</a>", STR_ARG(page_link(p, &q)));
    }
    html_put(&p->h, "</p>");
}

void page_view_reports(struct page *p, const struct page_reports *r)
{
    struct page_query imports = *p->query;
    imports.view = VIEW_IMPORTS;
    imports.start = 0;
    page_title(p, "Reports",
               page_lead(p,
                         "Every stored report whose period ends within the one that is shown, "
                         "whatever its trust: what is not trusted is not counted elsewhere.",
                         "Filters by source and result say nothing here."));
    html_put(&p->h, "<div class=g>");
    page_card(p, "long", "Reports", "the newest first");
    if (r->n)
        put_list(p, r);
    else
        page_nothing(p, "No report of this period is stored.");
    page_put_turns(p, r->more);
    page_card_end(p);
    page_card(p, "", "Not taken", NULL);
    html_put(&p->h, "<p>%.*s input%s could not be taken: <a href=\"%.*s\">which, and why</a></p>",
             STR_ARG(page_count(p, r->refused)), r->refused == 1 ? "" : "s",
             STR_ARG(page_link(p, &imports)));
    page_card_end(p);
    html_put(&p->h, "</div>");
}

/* --- One report --------------------------------------------------------------------------------*/

static void put_result(struct page *p, bool pass)
{
    html_put(&p->h, "<span class=%s>%s</span>", pass ? "ok" : "bad", pass ? "pass" : "fail");
}

static void put_signatures(struct page *p, const struct aggregate_row *r)
{
    for (size_t i = 0; i < r->n_dkim; i++)
        html_put(&p->h, "%s<bdi>%.*s</bdi>%s%.*s %.*s", i ? ", " : "",
                 STR_ARG(r->auth_dkim[i].domain), r->auth_dkim[i].selector.n ? "/" : "",
                 STR_ARG(r->auth_dkim[i].selector), STR_ARG(r->auth_dkim[i].result));
}

static void put_spf(struct page *p, const struct aggregate_row *r)
{
    for (size_t i = 0; i < r->n_spf; i++)
        html_put(&p->h, "%s<bdi>%.*s</bdi> %.*s", i ? ", " : "", STR_ARG(r->auth_spf[i].domain),
                 STR_ARG(r->auth_spf[i].result));
}

static void put_action(struct page *p, const struct aggregate_row *r)
{
    const char *word = aggregate_disposition_word(r->disposition);
    html_put(&p->h, "%s", word ? word : "–");
    for (size_t i = 0; i < r->n_reasons; i++)
        html_put(&p->h, " <span class=s>%.*s %.*s</span>", STR_ARG(r->reasons[i].type),
                 STR_ARG(r->reasons[i].comment));
}

static void put_row(struct page_table *t, const struct aggregate_row *r)
{
    struct page *p = t->p;
    char address[NETADDR_TEXT];
    page_row(t);
    page_cell(t);
    html_put(&p->h, "%s", netaddr_format(&r->source, address));
    page_cell(t);
    html_number(&p->h, (uint64_t)r->count);
    page_cell(t);
    put_result(p, r->dkim);
    page_cell(t);
    put_result(p, r->spf);
    page_cell(t);
    put_action(p, r);
    page_cell(t);
    html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(r->header_from));
    page_cell(t);
    html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(r->envelope_from));
    page_cell(t);
    put_signatures(p, r);
    page_cell(t);
    put_spf(p, r);
}

void page_begin_rows(struct page *p, struct page_table *t)
{
    static const struct page_column columns[] = {
        {"Address", ""},       {"Messages", "n"},       {"DKIM", "w"},
        {"SPF", "w"},          {"Receiver did", ""},    {"From", ""},
        {"Envelope from", ""}, {"DKIM signatures", ""}, {"SPF results", ""}};
    page_table_begin(p, t, "Rows", columns, sizeof columns / sizeof *columns);
}

void page_put_row(struct page_table *t, const struct aggregate_row *row)
{
    put_row(t, row);
}

void page_put_fact(struct page *p, const char *name, struct str value)
{
    if (value.n)
        html_put(&p->h, "<dt>%s</dt><dd><bdi>%.*s</bdi></dd>", name, STR_ARG(value));
}

static struct str policy_text(const struct page *p, const struct aggregate_policy *v)
{
    struct json_member tags[ANSWER_TAGS];
    struct strbuf b;
    sb_init(&b, p->arena);
    answer_tags(v, tags);
    for (size_t i = 0; i < ANSWER_TAGS; i++)
        if (tags[i].text.n) {
            sb_printf(&b, "%s%s=", b.n ? "; " : "", tags[i].name);
            sb_add(&b, tags[i].text);
        }
    return sb_str(&b);
}

static void put_facts(struct page *p, const struct received_report *r)
{
    const struct aggregate_head *head = &r->head;
    html_put(&p->h, "<dl>");
    page_put_fact(p, "Reporter", head->org_name);
    page_put_fact(p, "Address", head->email);
    page_put_fact(p, "Contact", head->contact);
    page_put_fact(p, "Domain", head->policy.domain);
    page_put_fact(p, "Period",
                  str_printf(p->arena, "%.*s to %.*s", STR_ARG(page_time_text(p, head->begin)),
                             STR_ARG(page_time_text(p, head->end))));
    page_put_fact(p, "Policy", policy_text(p, &head->policy));
    page_put_fact(p, "Messages", page_count(p, r->messages));
    if (r->skipped)
        page_put_fact(p, "Left out",
                      str_printf(p->arena, "%.*s row%s without an address",
                                 STR_ARG(page_count(p, r->skipped)), r->skipped == 1 ? "" : "s"));
    page_put_fact(p, "Made by", head->generator);
    page_put_fact(p, "It says of errors", head->error);
    page_put_fact(p, "Received", page_time_text(p, r->received));
    page_put_fact(p, "Came from", r->origin);
    page_put_fact(p, "Sent by", r->author);
    if (r->other)
        html_put(&p->h, "<dt></dt><dd class=mute>another organization than the report names: a "
                        "service of it, or a "
                        "forgery</dd>");
    page_put_fact(p, "Trust", str_of(trust_word(r->trust)));
    page_put_fact(p, "State",
                  r->damaged    ? STR("damaged: the rows that were whole are kept")
                  : r->repaired ? STR("it was no XML, and could be mended")
                                : STR("whole"));
    html_put(&p->h, "</dl>");
}

static void put_raw(struct page *p, const struct page_whole_report *r)
{
    page_card(p, "long", "The XML", "as it came");
    if (r->raw.p) {
        html_put(&p->h, "<pre tabindex=0 role=region aria-label=XML>");
        html_long_text(&p->h, str_sub(r->raw, 0, PAGE_RAW_MAX));
        html_put(&p->h, "</pre>");
        if (r->raw.n > PAGE_RAW_MAX)
            page_nothing(p, "It is longer: assay report show --raw prints all of it.");
    } else
        page_nothing(p, "It is not kept any more (reports.keep-raw).");
    page_card_end(p);
}

/* All rows, or those that failed. */
static void put_row_choice(struct page *p, bool cut)
{
    struct page_query q = *p->query;
    const char *shown = q.result ? "Not all rows are shown"
                        : cut    ? "The first rows are shown"
                                 : "All rows are shown";
    if (!p->site->live)
        return;
    q.result = q.result ? RESULT_ANY : RESULT_FAIL;
    html_put(&p->h, "<p class=s>%s: <a href=\"%.*s\">%s</a></p>", shown, STR_ARG(page_link(p, &q)),
             q.result ? "only those that failed" : "all of them");
}

void page_view_report(struct page *p, const struct page_whole_report *r)
{
    page_title(p, "Report",
               r->report ? r->report->head.report_id : STR("There is no such report."));
    html_put(&p->h, "<div class=g>");
    if (r->report) {
        page_card(p, "", "What it is", NULL);
        put_facts(p, r->report);
        page_card_end(p);
        page_card(p, "long", "Rows", NULL);
        put_row_choice(p, r->cut);
        sb_add(&p->h.out, r->rows);
        page_card_end(p);
        put_raw(p, r);
    }
    html_put(&p->h, "</div>");
}

/* --- What could not be taken -------------------------------------------------------------------*/

void page_view_imports(struct page *p, const struct received_refusal *v, size_t n)
{
    static const struct page_column columns[] = {{"Received", "w"}, {"Why", ""},
                                                 {"What", ""},      {"From", ""},
                                                 {"Subject", ""},   {"Read from", ""}};
    struct page_table t;
    page_title(p, "Not taken", STR("What came and is no report, or cannot be read, and why."));
    html_put(&p->h, "<div class=g>");
    page_card(p, "long", "Inputs that were refused", "the newest first");
    page_table_begin(p, &t, "Refused inputs", columns, 6);
    for (size_t k = 0; k < n; k++) {
        const struct received_refusal *r = &v[k];
        const struct str texts[] = {r->why, r->what, r->from, r->subject, r->origin};
        page_row(&t);
        page_cell(&t);
        html_text(&p->h, page_time_text(p, r->received));
        for (size_t m = 0; m < 5; m++) {
            page_cell(&t);
            html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(texts[m]));
        }
    }
    page_table_end(&t);
    if (!n)
        page_nothing(p, "Everything that came was taken.");
    page_card_end(p);
    html_put(&p->h, "</div>");
}
