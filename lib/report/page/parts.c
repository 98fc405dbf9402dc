/* parts.c - links, cards and tables.
 *
 * Errors: none. */
#include <stdlib.h>

#include "base/ascii.h"
#include "crypto/digest.h"
#include "report/page/frame.h"

/* --- Links -------------------------------------------------------------------------------------*/

/* A name of letters, digits, dots and hyphens stays as it is; of other or long names the digest is
 * taken. */
static struct str safe_name(struct str text, struct arena *a)
{
    bool safe = text.n > 0 && text.n <= 100 && ascii_is_alnum(text.p[0]);
    for (size_t i = 0; i < text.n && safe; i++)
        safe = ascii_is_alnum(text.p[i]) || text.p[i] == '-' || text.p[i] == '.';
    if (safe)
        return text;
    unsigned char digest[DIGEST_SIZE];
    struct strbuf b;
    sb_init(&b, a);
    sb_addc(&b, '_');
    page_digest(text, a, digest);
    for (size_t i = 0; i < 12; i++)
        sb_printf(&b, "%02x", digest[i]);
    return sb_str(&b);
}

struct str page_folder_name(const struct page_query *q, struct arena *a)
{
    switch (q->view) {
    case VIEW_REPORT:
        return STR("_reports");
    case VIEW_SINGLE:
        return STR("_failure-reports");
    case VIEW_IMPORTS: /* an input that cannot be read has no domain */
        return STR("_all");
    default:
        return q->domain.n ? safe_name(q->domain, a) : STR("_all");
    }
}

struct str page_file_name(const struct page_query *q, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_printf(&b, "%s", page_view_path(q->view));
    if (q->view == VIEW_SOURCE)
        sb_printf(&b, "-%.*s", STR_ARG(safe_name(q->source, a)));
    sb_printf(&b, "-%lld.html", (long long)(q->id ? q->id : q->days));
    return sb_str(&b);
}

static bool has_source_file(const struct page *p, const struct page_query *q)
{
    for (size_t i = 0; i < p->site->n_sources; i++)
        if (str_eq(p->site->sources[i], q->source))
            return q->days == p->query->days && str_eq(q->domain, p->query->domain);
    return false;
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static bool has_number(const int64_t *v, size_t n, int64_t id)
{
    return n && bsearch(&id, v, n, sizeof *v, by_number);
}

/* There are files for three periods, without filters, and for some sources and reports. */
static bool is_a_file(const struct page *p, const struct page_query *q)
{
    const struct page_site *s = p->site;
    if (q->view == VIEW_REPORT)
        return has_number(s->report_ids, s->n_reports, q->id);
    if (q->view == VIEW_SINGLE)
        return has_number(s->single_ids, s->n_singles, q->id);
    if (q->view == VIEW_SOURCE && !has_source_file(p, q))
        return false;
    return (q->days == 7 || q->days == 30 || q->days == 90) && !q->reporter.n && !q->result &&
           !q->id && !q->start && (q->view == VIEW_SOURCE) == (q->source.n > 0);
}

struct str page_link(const struct page *p, const struct page_query *to)
{
    if (p->site->live)
        return page_query_url(to, p->arena);
    if (p->site->alone || !is_a_file(p, to))
        return STR("");
    return str_printf(p->arena, "%s%.*s/%.*s", p->depth ? "../" : "",
                      STR_ARG(page_folder_name(to, p->arena)),
                      STR_ARG(page_file_name(to, p->arena)));
}

void page_put_link(struct page *p, const struct page_query *to, struct str text)
{
    struct str link = page_link(p, to);
    if (link.n)
        html_put(&p->h, "<a href=\"%.*s\"><bdi>%.*s</bdi></a>", STR_ARG(link), STR_ARG(text));
    else
        html_put(&p->h, "<bdi>%.*s</bdi>", STR_ARG(text));
}

void page_put_source_name(struct page *p, struct str name)
{
    struct page_query q = *p->query;
    q.view = VIEW_SOURCE;
    q.source = name;
    page_query_to_top(&q);
    page_put_link(p, &q, name);
}

void page_put_source(struct page *p, const struct figures_source *s)
{
    page_put_source_name(p, s->name);
    if (s->title.n)
        html_put(&p->h, " <span class=s><bdi>%.*s</bdi></span>", STR_ARG(s->title));
}

void page_put_reporter(struct page *p, struct str name)
{
    struct page_query q = *p->query;
    q.view = VIEW_REPORTS;
    q.reporter = name;
    page_query_to_top(&q);
    page_put_link(p, &q, name);
}

void page_put_known_reporter(struct page *p, const struct figures_reporter *r)
{
    page_put_reporter(p, r->name);
    if (r->others)
        html_put(&p->h, " <span class=mute>%.*s sent by others, such as <bdi>%.*s</bdi></span>",
                 STR_ARG(page_count(p, r->others)), STR_ARG(r->other));
}

/* --- Cards -------------------------------------------------------------------------------------*/

void page_card(struct page *p, const char *kind, const char *title, const char *note)
{
    html_put(&p->h, "<section class=\"c %s\">", kind);
    if (title)
        html_put(&p->h, "<h2>%s", title);
    if (title && note)
        html_put(&p->h, " <small>%s</small>", note);
    if (title)
        html_put(&p->h, "</h2>");
}

void page_card_end(struct page *p)
{
    html_put(&p->h, "</section>\n");
}

void page_figure(struct page *p, const char *name, struct str value)
{
    html_put(&p->h,
             "<section class=\"c quarter fig\"><h2 class=k>%s</h2><p class=v>%.*s</p>"
             "<p class=s>",
             name, STR_ARG(value));
}

void page_figure_end(struct page *p)
{
    html_put(&p->h, "</p></section>\n");
}

void page_put_class(struct page *p, enum source_class class, bool labelled)
{
    const char *word = source_class_word(class);
    html_put(&p->h, "<span class=\"tag %s\">%s", word, word);
    if (labelled)
        html_put(&p->h, "<span class=vh>, your label</span>");
    html_put(&p->h, "</span>");
}

void page_nothing(struct page *p, const char *text)
{
    html_put(&p->h, "<p class=mute>%s</p>", text);
}

void page_notice(struct page *p, const char *title, const char *text)
{
    page_card(p, "", title, NULL);
    page_nothing(p, text);
    page_card_end(p);
}

/* --- Tables ------------------------------------------------------------------------------------*/

/* Narrow windows show rows as blocks; without the roles, screen readers would not see a table then.
 */
void page_table_begin(struct page *p, struct page_table *t, const char *caption,
                      const struct page_column *columns, size_t n)
{
    *t = (struct page_table){p, columns, n, 0, false};
    html_put(&p->h,
             "<div class=t><table role=table><caption>%s</caption><thead role=rowgroup>"
             "<tr role=row>",
             caption);
    for (size_t i = 0; i < n; i++)
        html_put(&p->h, "<th scope=col role=columnheader class=\"%s\">%s</th>", columns[i].class,
                 columns[i].title);
    html_put(&p->h, "</tr></thead><tbody role=rowgroup>");
}

static void end_cell(struct page_table *t)
{
    if (t->at)
        html_put(&t->p->h, t->at == 1 ? "</th>" : "</td>");
}

static void end_row(struct page_table *t)
{
    if (!t->in_row)
        return;
    end_cell(t);
    html_put(&t->p->h, "</tr>\n");
}

void page_row(struct page_table *t)
{
    end_row(t);
    t->in_row = true;
    t->at = 0;
    html_put(&t->p->h, "<tr role=row>");
}

void page_cell(struct page_table *t)
{
    const struct page_column *c = &t->columns[t->at];
    end_cell(t);
    if (t->at++ == 0)
        html_put(&t->p->h, "<th scope=row role=rowheader class=\"%s\">", c->class);
    else
        html_put(&t->p->h, "<td role=cell data-l=\"%s\" class=\"%s\">", c->title, c->class);
}

void page_table_end(struct page_table *t)
{
    end_row(t);
    html_put(&t->p->h, "</tbody></table></div>");
}
