/* words.c - writes numbers and days for people.
 *
 * Errors: none. */
#include <string.h>
#include <time.h>

#include "report/page/frame.h"

static bool day_parts(int64_t day, struct tm *tm)
{
    time_t t = (time_t)(day * 86400);
    return gmtime_r(&t, tm) != NULL;
}

struct str page_day_text(const struct page *p, int64_t day)
{
    char text[32];
    struct tm tm, now;
    if (day <= 0 || !day_parts(day, &tm) || !day_parts(p->site->now / 86400, &now))
        return STR("–");
    size_t n = strftime(text, sizeof text, tm.tm_year == now.tm_year ? "%e %b" : "%e %b %Y", &tm);
    return str_copy(p->arena, str_trim((struct str){text, n}));
}

struct str page_last_text(const struct page *p, int64_t day)
{
    int64_t today = p->site->now / 86400;
    return day == today       ? STR("today")
           : day == today - 1 ? STR("yesterday")
                              : page_day_text(p, day);
}

struct str page_time_text(const struct page *p, int64_t t)
{
    char text[40];
    struct tm tm;
    time_t seconds = (time_t)t;
    if (t <= 0 || !gmtime_r(&seconds, &tm))
        return STR("–");
    size_t n = strftime(text, sizeof text, "%e %b %Y %H:%M UTC", &tm);
    return str_copy(p->arena, str_trim((struct str){text, n}));
}

/* Never 100 % if something is missing, and never 0 % if there is something. */
struct str page_share(const struct page *p, uint64_t part, uint64_t all)
{
    if (!all)
        return STR("–");
    if (part == 0 || part >= all)
        return part ? STR("100 %") : STR("0 %");
    double share = 100.0 * (double)part / (double)all;
    if (share < 0.1)
        return STR("below 0.1 %");
    if (share >= 99.95)
        return str_printf(p->arena, "%.2f %%", share > 99.99 ? 99.99 : share);
    return str_printf(p->arena, "%.1f %%", share);
}

struct str page_count(const struct page *p, uint64_t n)
{
    struct html h;
    html_init(&h, p->arena);
    html_number(&h, n);
    return html_str(&h);
}

int64_t page_length(const struct page *p)
{
    return p->query->to - p->query->from + 1;
}

size_t page_days_over(const struct page *p)
{
    return (size_t)page_length(p) - (p->query->to == p->site->now / 86400 ? 1 : 0);
}

struct str page_period(const struct page *p)
{
    if (p->query->days)
        return str_printf(p->arena, "%lld day%s", (long long)p->query->days,
                          p->query->days == 1 ? "" : "s");
    return str_printf(p->arena, "%s to %s", page_day_text(p, p->query->from).p,
                      page_day_text(p, p->query->to).p);
}

const char *page_cause_title(enum figures_cause cause)
{
    static const char *const titles[CAUSE_COUNT] = {
        [CAUSE_NO_SIGNATURE] = "no DKIM signature",
        [CAUSE_BROKEN_SIGNATURE] = "own signature broken",
        [CAUSE_OTHER_SIGNER] = "signed by another domain",
        [CAUSE_SPF_FAILS] = "SPF fails",
        [CAUSE_SPF_OTHER] = "SPF of another domain",
        [CAUSE_STRICT] = "only strict alignment fails",
    };
    return titles[cause];
}

static const struct {
    char code[3];
    const char *name;
} countries[] = {
#define COUNTRY(code, name) {#code, name},
#include "report/page/countries.def"
#undef COUNTRY
};

const char *page_country_name(struct str code, char out[3])
{
    if (code.n != 2)
        return "unknown";
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++)
        if (str_eq_nocase(code, (struct str){countries[i].code, 2}))
            return countries[i].name;
    memcpy(out, code.p, 2);
    out[2] = 0;
    return out;
}
