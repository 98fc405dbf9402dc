/* chart.c - charts as inline SVG.
 *
 * Errors: none; a chart of nothing is empty. */
#include "report/page/chart.h"

#include <time.h>

#define DAYS_MAX  125 /* bars of a day each */
#define WEEKS_MAX 900 /* days in bars of a week; beyond that bars are 30 days */
#define TOP       14  /* room above the highest bar */
#define BOTTOM    24  /* room for the days below */

/* --- The axis ----------------------------------------------------------------------------------*/

/* A round number at or above a quarter of `most`. */
static uint64_t step_of(uint64_t most)
{
    static const uint64_t round[] = {1, 2, 5};
    for (uint64_t ten = 1;; ten *= 10)
        for (int i = 0; i < 3; i++)
            if (round[i] * ten * 4 >= most || ten > UINT64_MAX / 100)
                return round[i] * ten;
}

static uint64_t sum_of(const struct page_bar *bar, size_t n_series)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n_series; i++)
        sum += bar->n[i];
    return sum;
}

struct plot {
    struct page *p;
    const struct page_series *series;
    size_t n_series, n;
    const struct page_bar *bars;
    uint64_t top; /* value at the upper end */
    int height, days;
};

static double y_of(const struct plot *c, uint64_t value)
{
    double room = c->height - TOP - BOTTOM;
    return TOP + room - room * (double)value / (double)c->top;
}

/* Writes few digits, so that they fit beside the chart; v is round. */
static void put_axis_number(struct html *h, uint64_t v)
{
    const uint64_t k = 1000, m = 1000000;
    html_number(h, v < 100 * k ? v : v < m ? v / k : v / m);
    if (v >= m && v % m)
        html_put(h, ".%u", (unsigned)(v % m / (100 * k)));
    html_put(h, v < 100 * k ? "" : v < m ? " k" : " M");
}

static void put_axis(const struct plot *c, uint64_t step)
{
    struct html *h = &c->p->h;
    for (uint64_t v = 0; v <= c->top; v += step) {
        double y = y_of(c, v);
        html_put(h,
                 "<line class=grid x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
                 "<text class=e x=\"-8\" y=\"%.1f\">",
                 y, y, y + 4);
        put_axis_number(h, v);
        html_put(h, "</text>");
    }
}

/* --- Bars --------------------------------------------------------------------------------------*/

/* "28 Nov", or "22 Nov to 28 Nov". */
static struct str bar_days(const struct plot *c, const struct page_bar *bar)
{
    struct str first = page_day_text(c->p, bar->day);
    struct str last = page_day_text(c->p, bar->day + c->days - 1);
    return c->days == 1 ? first
                        : str_printf(c->p->arena, "%.*s to %.*s", STR_ARG(first), STR_ARG(last));
}

static struct str bar_title(const struct plot *c, const struct page_bar *bar)
{
    struct strbuf b;
    sb_init(&b, c->p->arena);
    sb_add(&b, bar_days(c, bar));
    for (size_t i = 0; i < c->n_series; i++)
        sb_printf(&b, "%s %s %s", i ? "," : ":", page_count(c->p, bar->n[i]).p, c->series[i].title);
    return sb_str(&b);
}

static void put_bar(const struct plot *c, size_t i)
{
    struct html *h = &c->p->h;
    const struct page_bar *bar = &c->bars[i];
    double slot = 100.0 / (double)c->n, x = slot * ((double)i + 0.09);
    uint64_t below = 0;
    if (!sum_of(bar, c->n_series))
        return;
    html_put(h,
             "<g class=b><title>%.*s</title><rect class=hit x=\"%.3f%%\" width=\"%.3f%%\" y=\"%d\" "
             "height=\"%d\"/>",
             STR_ARG(bar_title(c, bar)), slot * (double)i, slot, TOP, c->height - TOP - BOTTOM);
    for (size_t k = 0; k < c->n_series; k++) {
        double from = y_of(c, below), to = y_of(c, below + bar->n[k]);
        if (bar->n[k])
            html_put(h, "<rect class=%s x=\"%.3f%%\" width=\"%.3f%%\" y=\"%.1f\" height=\"%.1f\"/>",
                     c->series[k].class, x, slot * 0.82, to, from - to < 0.6 ? 0.6 : from - to);
        below += bar->n[k];
    }
    html_put(h, "</g>");
}

/* --- Peaks -------------------------------------------------------------------------------------*/

/* The bar whose last series stands out: it is large, and few others come near. n: there is none. */
static size_t find_peak(const struct plot *c)
{
    size_t last = c->n_series - 1, peak = 0, near = 0;
    for (size_t i = 0; i < c->n; i++)
        if (c->bars[i].n[last] > c->bars[peak].n[last])
            peak = i;
    uint64_t most = c->n ? c->bars[peak].n[last] : 0;
    for (size_t i = 0; i < c->n; i++)
        near += c->bars[i].n[last] > most / 3;
    return most > c->top / 8 && near * 5 <= c->n ? peak : c->n;
}

/* The highest bar that the words above bar `i` may touch. */
static uint64_t highest_beside(const struct plot *c, size_t i, bool left)
{
    size_t reach = c->n / 2, from = left ? i - (i < reach ? i : reach) : i;
    size_t to = left ? i : i + reach < c->n ? i + reach : c->n - 1;
    uint64_t highest = 0;
    for (size_t k = from; k <= to; k++)
        if (sum_of(&c->bars[k], c->n_series) > highest)
            highest = sum_of(&c->bars[k], c->n_series);
    return highest;
}

static void put_peak(const struct plot *c)
{
    const struct page_series *last = &c->series[c->n_series - 1];
    size_t i = last->peak ? find_peak(c) : c->n;
    if (i == c->n)
        return;
    bool left = i * 2 > c->n; /* that side has more room */
    html_put(&c->p->h, "<text class=\"peak%s\" x=\"%.2f%%\" y=\"%.1f\">%.*s: %.*s %s</text>",
             left ? " e" : "", 100.0 / (double)c->n * ((double)i + (left ? 0.91 : 0.09)),
             y_of(c, highest_beside(c, i, left)) - 5, STR_ARG(bar_days(c, &c->bars[i])),
             STR_ARG(page_count(c->p, c->bars[i].n[c->n_series - 1])), last->peak);
}

/* --- Below the bars ----------------------------------------------------------------------------*/

/* If bars are of two years, days are written with their year. */
static bool is_of_one_year(const struct plot *c)
{
    struct tm first, last;
    time_t from = (time_t)(c->bars[0].day * 86400), to = (time_t)(c->bars[c->n - 1].day * 86400);
    return gmtime_r(&from, &first) && gmtime_r(&to, &last) && first.tm_year == last.tm_year;
}

static struct str label_of(const struct plot *c, const struct page_bar *bar, bool year)
{
    struct str text = page_day_text(c->p, bar->day);
    size_t end = str_find(text, str_find(text, 0, ' ') + 1, ' '); /* "1 Jan" of "1 Jan 2025" */
    return year ? text : str_sub(text, 0, end);
}

/* Every so many bars have their day below them. */
static size_t label_every(const struct plot *c, bool year)
{
    size_t every = year ? (c->n + 3) / 4 : c->n <= 8 ? 1 : (c->n + 6) / 7;
    return c->days == 1 && c->n > 14 ? (every + 6) / 7 * 7 : every;
}

static void put_labels(const struct plot *c)
{
    struct html *h = &c->p->h;
    bool year = c->n && !is_of_one_year(c);
    size_t every = label_every(c, year);
    for (size_t i = 0; i < c->n; i += every)
        html_put(h, "<text class=\"m%s\" x=\"%.2f%%\" y=\"%d\">%.*s</text>",
                 c->n > 5 && i / every % 2 ? " thin" : "", 100.0 / (double)c->n * ((double)i + 0.5),
                 c->height - 6, STR_ARG(label_of(c, &c->bars[i], year)));
}

static void put_legend(const struct plot *c)
{
    struct html *h = &c->p->h;
    html_put(h, "<ul class=leg>");
    for (size_t i = 0; i < c->n_series; i++)
        html_put(h,
                 "<li><svg width=\"11\" height=\"11\" aria-hidden=true><rect class=%s width=\"11\""
                 " height=\"11\" rx=\"2\"/></svg>%s</li>",
                 c->series[i].class, c->series[i].title);
    html_put(h, "</ul>");
}

static void put_numbers(const struct plot *c, const char *title)
{
    struct page_table t;
    struct page_column columns[CHART_SERIES + 1] = {{c->days > 1 ? "From" : "Day", ""}};
    for (size_t i = 0; i < c->n_series; i++)
        columns[i + 1] = (struct page_column){c->series[i].title, "n"};
    html_put(&c->p->h, "<details><summary>The numbers</summary>");
    page_table_begin(c->p, &t, title, columns, c->n_series + 1);
    for (size_t i = 0; i < c->n; i++) {
        page_row(&t);
        page_cell(&t);
        html_text(&c->p->h, page_day_text(c->p, c->bars[i].day));
        for (size_t k = 0; k < c->n_series; k++) {
            page_cell(&t);
            html_number(&c->p->h, c->bars[i].n[k]);
        }
    }
    page_table_end(&t);
    html_put(&c->p->h, "</details>");
}

static void sum_up(struct plot *c, struct arena *a)
{
    c->days = c->n <= DAYS_MAX ? 1 : c->n <= WEEKS_MAX ? 7 : 30;
    if (c->days == 1)
        return;
    size_t wide = (size_t)c->days, n = (c->n + wide - 1) / wide;
    struct page_bar *sums = arena_array(a, struct page_bar, n);
    for (size_t i = 0; i < c->n; i++) {
        if (i % wide == 0)
            sums[i / wide].day = c->bars[i].day;
        for (size_t k = 0; k < c->n_series; k++)
            sums[i / wide].n[k] += c->bars[i].n[k];
    }
    c->bars = sums;
    c->n = n;
}

void page_bars(struct page *p, const char *title, const struct page_series *series, size_t n_series,
               const struct page_bar *bars, size_t n, int height)
{
    struct plot c = {
        .p = p, .series = series, .n_series = n_series, .n = n, .bars = bars, .height = height};
    uint64_t most = 0;
    sum_up(&c, p->arena);
    for (size_t i = 0; i < c.n; i++)
        if (sum_of(&c.bars[i], n_series) > most)
            most = sum_of(&c.bars[i], n_series);
    uint64_t step = step_of(most ? most : 1);
    c.top = most ? (most + step - 1) / step * step : step;
    html_put(&p->h,
             "<div class=chart><svg width=\"100%%\" height=\"%d\" role=img aria-label=\"%s, %zu "
             "bars; the numbers stand below\">",
             height, title, c.n);
    put_axis(&c, step);
    for (size_t i = 0; i < c.n; i++)
        put_bar(&c, i);
    put_peak(&c);
    put_labels(&c);
    html_put(&p->h, "</svg></div>");
    put_legend(&c);
    put_numbers(&c, title);
}

/* --- Small ones --------------------------------------------------------------------------------*/

static double share_of(uint64_t part, uint64_t most)
{
    return most ? 100.0 * (double)part / (double)most : 0;
}

void page_meter(struct page *p, uint64_t part, uint64_t most)
{
    double wide = share_of(part, most);
    html_put(&p->h,
             "<svg class=meter width=\"100%%\" height=\"3\" aria-hidden=true><rect class=s-dkim "
             "x=\"%.2f%%\" width=\"%.2f%%\" height=\"3\" rx=\"1.5\"/></svg>",
             100 - wide, wide);
}

void page_hbars_begin(struct page *p)
{
    html_put(&p->h, "<dl class=bars>");
}

void page_hbar(struct page *p, struct str name, uint64_t n, uint64_t most)
{
    html_put(&p->h,
             "<dt>%.*s</dt><dd><svg width=\"100%%\" height=\"13\" aria-hidden=true><rect "
             "class=s-fail width=\"%.2f%%\" height=\"13\" rx=\"2\"/></svg></dd><dd class=n>",
             STR_ARG(name), share_of(n, most));
    html_number(&p->h, n);
    html_put(&p->h, "</dd>");
}

void page_hbars_end(struct page *p)
{
    html_put(&p->h, "</dl>");
}

void page_dots(struct page *p, const bool *days, size_t n)
{
    size_t missing = 0;
    for (size_t i = 0; i < n; i++)
        missing += !days[i];
    html_put(
        &p->h,
        "<svg class=dots width=\"%zu\" height=\"12\" viewBox=\"0 0 %zu 12\" role=img aria-label=\"",
        n * 12, n * 12);
    if (missing)
        html_put(&p->h, "%zu of %zu days missing", missing, n);
    else
        html_put(&p->h, "no day missing");
    html_put(&p->h, "\">");
    for (size_t i = 0; i < n; i++)
        html_put(&p->h, "<circle class=%s cx=\"%zu\" cy=\"6\" r=\"%s\"/>", days[i] ? "dot" : "gap",
                 i * 12 + 6, days[i] ? "4.2" : "3.6");
    html_put(&p->h, "</svg>");
}
