/* frame.c - the head, menu, filters and foot of all pages.
 *
 * Errors: none; a link to a page that does not exist among files is left out. */
#include "report/page/frame.h"

#include "crypto/canon.h"
#include "crypto/digest.h"

/* --- The policy --------------------------------------------------------------------------------*/

static struct str style_text(struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (const char *const *piece = page_style; *piece; piece++)
        sb_add(&b, str_of(*piece));
    return sb_str(&b);
}

void page_digest(struct str text, struct arena *a, unsigned char out[DIGEST_SIZE])
{
    struct digest d;
    digest_init(&d, a, UINT64_MAX);
    digest_add(&d, text.p, text.n);
    digest_finish(&d, out);
}

struct str page_policy(struct arena *a)
{
    unsigned char digest[DIGEST_SIZE];
    page_digest(style_text(a), a, digest);
    struct str text = base64_encode(a, (struct str){(const char *)digest, sizeof digest});
    return str_printf(a,
                      "default-src 'none'; style-src 'sha256-%.*s'; form-action 'self'; "
                      "base-uri 'none'",
                      STR_ARG(text));
}

/* --- Head and foot -----------------------------------------------------------------------------*/

static void put_head(struct html *h, struct arena *a, struct str title)
{
    html_put(h, "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
                "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
                "<meta name=referrer content=no-referrer><meta name=robots content=noindex>"
                "<meta name=color-scheme content=\"light dark\">"
                "<meta http-equiv=Content-Security-Policy content=\"");
    html_text(h, page_policy(a));
    html_put(h, "\"><title>%.*s – assay</title><style>", STR_ARG(title));
    sb_add(&h->out, style_text(a));
    html_put(h, "</style></head>\n<body><a class=skip href=\"#main\">To the content</a>");
}

static struct page_query other_view(const struct page *p, enum page_view view)
{
    struct page_query q = *p->query;
    q.view = view;
    page_query_to_top(&q);
    if (p->query->view == VIEW_SOURCE)
        q.source = STR("");
    return q;
}

/* The page itself; of a single report the list that it stands in. */
static struct page_query list_of(const struct page *p)
{
    struct page_query q = *p->query;
    if (q.view == VIEW_REPORT || q.view == VIEW_SINGLE) {
        q.view = page_view_parent(q.view);
        page_query_to_top(&q);
    }
    return q;
}

/* An entry of a menu; that of the page itself is no link. */
static void put_choice(struct page *p, const struct page_query *q, struct str text, bool chosen)
{
    struct str link = page_link(p, q);
    bool here = q->view == p->query->view;
    if (!link.n && !chosen)
        return;
    html_put(&p->h, "<li>");
    if (link.n)
        html_put(&p->h, "<a href=\"%.*s\"%s>", STR_ARG(link),
                 !chosen ? ""
                 : here  ? " aria-current=page"
                         : " aria-current=true");
    html_put(&p->h, link.n ? "%.*s</a></li>" : "<b>%.*s</b></li>", STR_ARG(text));
}

#define DOMAINS_IN_MENU 6

static void put_domain(struct page *p, struct str domain)
{
    struct page_query q = *p->query;
    q.domain = domain;
    q.view = page_view_parent(q.view);
    page_query_to_top(&q);
    if (p->query->view == VIEW_SOURCE)
        q.source = STR("");
    put_choice(p, &q, domain.n ? domain : STR("all domains"), str_eq(p->query->domain, domain));
}

/* Lists all domains if they are few. Otherwise the reader finds them in the form of the filters,
 * or, with files, on a page of their own. */
static void put_domains(struct page *p)
{
    const struct page_site *s = p->site;
    bool shown = !p->query->domain.n;
    html_put(&p->h, "<nav aria-label=Domains><ul>");
    for (size_t i = 0; i < s->n_domains && i < DOMAINS_IN_MENU; i++) {
        shown |= str_eq(p->query->domain, s->domains[i]);
        put_domain(p, s->domains[i]);
    }
    if (!shown)
        put_domain(p, p->query->domain);
    put_domain(p, STR(""));
    html_put(&p->h, "</ul></nav>");
}

static void put_periods(struct page *p)
{
    static const int64_t periods[] = {7, 30, 90};
    html_put(&p->h, "<nav class=periods aria-label=Period><ul>");
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
        struct page_query q = list_of(p);
        q.days = periods[i];
        q.start = 0;
        put_choice(p, &q, str_printf(p->arena, "%d days", (int)periods[i]),
                   p->query->days == periods[i]);
    }
    html_put(&p->h, "</ul></nav>");
}

static void put_views(struct page *p)
{
    html_put(&p->h, "<div class=views><nav class=in aria-label=Pages><ul>");
    for (int i = 0; i < VIEW_COUNT; i++) {
        struct page_query q = other_view(p, (enum page_view)i);
        if (page_view_in_menu(q.view))
            put_choice(p, &q, str_of(page_view_title(q.view)),
                       page_view_parent(p->query->view) == q.view);
    }
    html_put(&p->h, "</ul></nav></div>");
}

void page_begin(struct page *p, const struct page_site *site, const struct page_query *q,
                struct arena *a, unsigned depth)
{
    *p = (struct page){.arena = a, .site = site, .query = q, .depth = depth};
    html_init(&p->h, a);
    put_head(&p->h, a,
             str_printf(a, "%s, %.*s", page_view_title(q->view),
                        STR_ARG(q->domain.n ? q->domain : STR("all domains"))));
    html_put(&p->h, "<header class=top><div class=\"in bar\">"
                    "<div class=brand>assay<span>DMARC reports</span></div>");
    put_domains(p);
    put_periods(p);
    html_put(&p->h, "</div>");
    put_views(p);
    html_put(&p->h, "</header><main id=main class=in>");
}

void page_end(struct page *p)
{
    const struct page_site *s = p->site;
    html_put(&p->h, "</main><footer class=in>");
    if (s->has_countries)
        html_put(&p->h, "Countries by the address ranges of the Tor project (IPFire location data, "
                        "CC BY-SA 4.0). ");
    html_put(&p->h, "Made %.*s", STR_ARG(page_time_text(p, s->now)));
    if (s->reports)
        html_put(&p->h, " from %.*s report%s", STR_ARG(page_count(p, s->reports)),
                 s->reports == 1 ? "" : "s");
    html_put(&p->h, ". Days are days of UTC.</footer></body></html>\n");
}

struct str page_problem(struct arena *a, const char *title, struct str text)
{
    struct html h;
    html_init(&h, a);
    put_head(&h, a, str_of(title));
    html_put(&h,
             "<header class=top><div class=\"in bar\"><div class=brand>assay<span>DMARC reports"
             "</span></div></div></header><main id=main class=in><h1>%s</h1><p>%.*s</p>"
             "<p><a href=\"/\">To the overview</a></p></main></body></html>\n",
             title, STR_ARG(text));
    return html_str(&h);
}

/* --- Filters -----------------------------------------------------------------------------------*/

static void put_field(struct page *p, const char *label, const char *name, struct str value,
                      const char *type)
{
    html_put(&p->h,
             "<label>%s<input type=%s name=%s value=\"%.*s\" maxlength=256 autocomplete=off>"
             "</label>",
             label, type, name, STR_ARG(value));
}

static struct str iso_day(const struct page *p, int64_t day)
{
    struct page_query q = {.from = day, .to = day};
    struct str url = page_query_url(&q, p->arena); /* ...from=2026-11-29&... */
    size_t at = str_find(url, 0, '=');
    return str_sub(url, at + 1, at + 11);
}

static void put_domain_choices(struct page *p)
{
    html_put(&p->h, "<label class=whole>Domain<select name=domain><option value=\"\">all</option>");
    for (size_t i = 0; i < p->site->n_domains; i++)
        html_put(&p->h, "<option%s>%.*s</option>",
                 str_eq(p->site->domains[i], p->query->domain) ? " selected" : "",
                 STR_ARG(p->site->domains[i]));
    html_put(&p->h, "</select></label>");
}

static void put_result_choices(struct page *p)
{
    html_put(&p->h, "<label>Result<select name=result>");
    for (int i = 0; i < RESULT_COUNT; i++)
        html_put(&p->h, "<option value=%s%s>%s</option>",
                 figures_result_word((enum figures_result)i),
                 p->query->result == (enum figures_result)i ? " selected" : "",
                 page_result_title((enum figures_result)i));
    html_put(&p->h, "</select></label>");
}

static void put_filters(struct page *p)
{
    const struct page_query list = list_of(p), *q = &list;
    html_put(&p->h, "<form class=f method=get action=\"/%s\" aria-label=Filters>",
             page_view_path(q->view));
    put_domain_choices(p);
    put_field(p, "From", "from", iso_day(p, q->from), "date");
    put_field(p, "To", "to", iso_day(p, q->to), "date");
    put_field(p, "Source", "source", q->source, "text");
    put_field(p, "Reporter", "reporter", q->reporter, "text");
    put_result_choices(p);
    html_put(&p->h, "<button>Show</button></form>");
}

static void put_active(struct page *p)
{
    const struct page_query *q = p->query;
    struct page_query clear = *q;
    if (!(q->source.n && q->view != VIEW_SOURCE) && !q->reporter.n && !q->result)
        return;
    clear.reporter = STR("");
    clear.result = RESULT_ANY;
    if (q->view != VIEW_SOURCE)
        clear.source = STR("");
    html_put(&p->h, "<p class=on>Only what");
    if (q->source.n && q->view != VIEW_SOURCE)
        html_put(&p->h, " comes from <b>%.*s</b>,", STR_ARG(q->source));
    if (q->reporter.n)
        html_put(&p->h, " <b>%.*s</b> reports,", STR_ARG(q->reporter));
    if (q->result)
        html_put(&p->h, " <b>%s</b>,", page_result_title(q->result));
    html_put(&p->h, " is counted here");
    html_put(&p->h, ": <a href=\"%.*s\">count everything</a></p>", STR_ARG(page_link(p, &clear)));
}

void page_title(struct page *p, const char *title, struct str lead)
{
    if (p->site->live) {
        put_filters(p);
        put_active(p);
    }
    html_put(&p->h, "<h1>%s</h1>", title);
    if (lead.n)
        html_put(&p->h, "<p class=lead>%.*s</p>", STR_ARG(lead));
}

struct str page_lead(const struct page *p, const char *lead, const char *filters)
{
    return p->site->live ? str_printf(p->arena, "%s %s", lead, filters) : str_of(lead);
}
