/* query.c - URLs of pages.
 *
 * Errors: a phrase for the person who typed the URL. */
#include "report/page/query.h"

#include <string.h>
#include <time.h>

#include "base/ascii.h"
#include "mail/domain.h"
#include "report/page/html.h"

static const struct {
    const char *path, *title;
    enum page_view parent;
} views[VIEW_COUNT] = {
#define PAGE_VIEW(name, path, title, parent) {path, title, VIEW_##parent},
#include "report/page/views.def"
#undef PAGE_VIEW
};

const char *page_result_title(enum figures_result result)
{
    static const char *const titles[RESULT_COUNT] = {
        [RESULT_ANY] = "all messages",
        [RESULT_PASS] = "passed",
        [RESULT_FAIL] = "failed",
        [RESULT_BOTH] = "passed by DKIM and SPF",
        [RESULT_DKIM] = "passed by DKIM alone",
        [RESULT_SPF] = "passed by SPF alone",
        [RESULT_QUARANTINED] = "was quarantined",
        [RESULT_REJECTED] = "was rejected",
    };
    return titles[result];
}

const char *page_view_path(enum page_view view)
{
    return views[view].path;
}

const char *page_view_title(enum page_view view)
{
    return views[view].title;
}

enum page_view page_view_parent(enum page_view view)
{
    return views[view].parent;
}

bool page_view_in_menu(enum page_view view)
{
    return views[view].parent == view;
}

/* --- Reading -----------------------------------------------------------------------------------*/

static int hex_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes a value as forms write it; false if it is malformed or too long. */
static bool decode_value(struct str text, struct arena *a, struct str *out)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = i + 2 < text.n ? hex_of(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? hex_of(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+')
            c = ' ';
        sb_addc(&b, c);
    }
    *out = str_trim(sb_str(&b));
    return out->n <= QUERY_TEXT_MAX;
}

/* "2026-11-29". */
static bool read_day(struct str text, int64_t *day)
{
    struct tm tm = {0}, same;
    char copy[11];
    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-')
        return false;
    memcpy(copy, text.p, 10);
    copy[10] = 0;
    const char *end = strptime(copy, "%Y-%m-%d", &tm);
    same = tm;
    time_t t = timegm(&same);
    if (!end || *end || t < 0 || same.tm_mday != tm.tm_mday)
        return false;
    *day = (int64_t)t / 86400;
    return true;
}

static const char *read_number(struct str text, unsigned long long max, int64_t *out)
{
    unsigned long long n;
    if (!str_to_u64(text, max, &n))
        return "wants a number within its bounds";
    *out = (int64_t)n;
    return NULL;
}

static const char *read_result(struct str text, enum figures_result *out)
{
    return figures_result_of_word(text, out)
               ? NULL
               : "is none of any, pass, fail, both, dkim, spf, quarantine, reject";
}

static const char *read_domain(struct str text, struct arena *a, struct str *out)
{
    return domain_normalize(a, text, out) ? NULL : "is no domain name";
}

/* What the parameters say of the period: days, or from and to. */
struct period {
    int64_t days, from, to; /* -1: not said */
};

static const char *read_value(struct str name, struct str value, struct arena *a,
                              struct page_query *q, struct period *period)
{
    if (!value.n)
        return NULL; /* an empty field of a form */
    if (str_eq(name, STR("domain")))
        return read_domain(value, a, &q->domain);
    if (str_eq(name, STR("days")))
        return read_number(value, QUERY_DAYS_MAX, &period->days);
    if (str_eq(name, STR("from")))
        return read_day(value, &period->from) ? NULL : "wants a day such as 2026-11-29";
    if (str_eq(name, STR("to")))
        return read_day(value, &period->to) ? NULL : "wants a day such as 2026-11-29";
    if (str_eq(name, STR("result")))
        return read_result(value, &q->result);
    if (str_eq(name, STR("id")))
        return read_number(value, INT64_MAX, &q->id);
    if (str_eq(name, STR("start")))
        return read_number(value, 10000000, &q->start);
    if (str_eq(name, STR("source")))
        q->source = value;
    else if (str_eq(name, STR("reporter")))
        q->reporter = value;
    else if (str_eq(name, STR("report")))
        q->report = value;
    return NULL; /* other parameters are ignored */
}

static const char *settle_period(struct page_query *q, const struct period *p, int64_t today)
{
    q->today = today;
    bool open = p->from < 0 && p->to < 0;
    if (open || p->days > 0) {
        q->days = p->days > 0 ? p->days : 30;
        q->to = today;
        q->from = today - q->days + 1;
        return NULL;
    }
    q->days = 0;
    q->to = p->to < 0 ? today : p->to;
    q->from = p->from < 0 ? q->to - 29 : p->from;
    if (q->from > q->to)
        return "the period ends before it begins";
    return q->to - q->from >= QUERY_DAYS_MAX ? "the period is longer than ten years" : NULL;
}

static bool read_path(struct str path, struct page_query *q)
{
    q->api = str_starts(path, STR("/api/"));
    struct str name = str_sub(path, q->api ? 5 : 1, path.n);
    if (!path.n || path.p[0] != '/')
        return false;
    if (!name.n && !q->api) {
        q->view = VIEW_OVERVIEW;
        return true;
    }
    for (int i = 0; i < VIEW_COUNT; i++)
        if (str_eq(name, str_of(views[i].path))) {
            q->view = (enum page_view)i;
            return true;
        }
    return false;
}

static const char *read_pair(struct str pair, struct arena *a, struct page_query *q,
                             struct period *period)
{
    size_t equals = str_find(pair, 0, '=');
    struct str name, value;
    if (!decode_value(str_sub(pair, 0, equals), a, &name) ||
        !decode_value(str_sub(pair, equals + 1, pair.n), a, &value))
        return "is too long, or has a percent sign without two digits behind it";
    const char *problem = read_value(name, value, a, q, period);
    return problem ? str_printf(a, "%.*s %s", STR_ARG(str_safe(a, name, 20, false)), problem).p
                   : NULL;
}

const char *page_query_read(struct str url, int64_t today, struct arena *a, struct page_query *out,
                            bool *found)
{
    struct period period = {-1, -1, -1};
    struct str path, pair, rest = url;
    *out = (struct page_query){
        .domain = STR(""), .source = STR(""), .reporter = STR(""), .report = STR("")};
    *found = false;
    if (url.n > QUERY_URL_MAX)
        return "the address is too long";
    if (!str_split(&rest, '?', &path) || !read_path(path, out))
        return "there is no such page";
    *found = true;
    while (str_split(&rest, '&', &pair)) {
        const char *problem = read_pair(pair, a, out, &period);
        if (problem)
            return problem;
    }
    return settle_period(out, &period, today);
}

void page_query_to_top(struct page_query *q)
{
    q->report = STR("");
    q->id = q->start = 0;
}

/* --- Writing -----------------------------------------------------------------------------------*/

static void add_text(struct strbuf *b, char *mark, const char *name, struct str value)
{
    if (!value.n)
        return;
    sb_printf(b, "%c%s=", *mark, name);
    html_url(b, value);
    *mark = '&';
}

static void add_day(struct strbuf *b, char *mark, const char *name, int64_t day)
{
    char text[32];
    time_t t = (time_t)(day * 86400);
    struct tm tm;
    if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%d", &tm))
        add_text(b, mark, name, str_of(text));
}

static void add_number(struct strbuf *b, char *mark, const char *name, int64_t n)
{
    if (n)
        sb_printf(b, "%c%s=%lld", *mark, name, (long long)n);
    *mark = n ? '&' : *mark;
}

struct str page_query_url(const struct page_query *q, struct arena *a)
{
    struct strbuf b;
    char mark = '?';
    sb_init(&b, a);
    sb_printf(&b, "/%s%s", q->api ? "api/" : "", views[q->view].path);
    add_text(&b, &mark, "domain", q->domain);
    add_number(&b, &mark, "days", q->days);
    if (!q->days) {
        add_day(&b, &mark, "from", q->from);
        add_day(&b, &mark, "to", q->to);
    }
    add_text(&b, &mark, "source", q->source);
    add_text(&b, &mark, "reporter", q->reporter);
    if (q->result)
        add_text(&b, &mark, "result", str_of(figures_result_word(q->result)));
    add_text(&b, &mark, "report", q->report);
    add_number(&b, &mark, "id", q->id);
    add_number(&b, &mark, "start", q->start);
    return sb_str(&b);
}
