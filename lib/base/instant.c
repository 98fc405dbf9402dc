/* instant.c - RFC 3339 5.6 in UTC, or seconds.
 *
 * Errors: false. */
#include "base/instant.h"

#include "base/ascii.h"

#define DAY 86400

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned month_days(int64_t year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U);
}

static int64_t leap_years_before(int64_t year)
{
    return (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
}

static int64_t days_since_1970(int64_t year, unsigned month, unsigned day)
{
    int64_t days = 365 * (year - 1970) + leap_years_before(year) - leap_years_before(1970);
    for (unsigned m = 1; m < month; m++)
        days += month_days(year, m);
    return days + day - 1;
}

/* Takes `n` digits and the character behind them, if that is not NUL, off the text. */
static bool take_number(struct str *text, size_t n, char behind, unsigned *number)
{
    unsigned long long value;
    size_t all = n + (behind != '\0');
    if (text->n < all || !str_to_u64(str_sub(*text, 0, n), 9999, &value) ||
        (behind && ascii_lower(text->p[n]) != behind))
        return false;
    *number = (unsigned)value;
    *text = str_sub(*text, all, text->n);
    return true;
}

static bool take_fraction(struct str *text)
{
    size_t n = 1;
    if (!text->n || text->p[0] != '.')
        return true;
    while (n < text->n && ascii_is_digit(text->p[n]))
        n++;
    *text = str_sub(*text, n, text->n);
    return n > 1;
}

static bool is_utc(struct str zone)
{
    return str_eq_nocase(zone, STR("z")) || str_eq(zone, STR("+00:00")) ||
           str_eq(zone, STR("-00:00"));
}

static bool parse_rfc3339(struct str text, int64_t *seconds)
{
    unsigned year, month, day, hour, minute, second;
    if (!take_number(&text, 4, '-', &year) || !take_number(&text, 2, '-', &month) ||
        !take_number(&text, 2, 't', &day) || !take_number(&text, 2, ':', &hour) ||
        !take_number(&text, 2, ':', &minute) || !take_number(&text, 2, '\0', &second) ||
        !take_fraction(&text) || !is_utc(text))
        return false;
    /* A leap second is the first one of the next minute. */
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days(year, month) ||
        hour > 23 || minute > 59 || second > 60)
        return false;
    *seconds = days_since_1970(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    return true;
}

bool instant_parse(struct str text, int64_t *seconds)
{
    unsigned long long number;
    if (!str_to_u64(text, INT64_MAX, &number))
        return parse_rfc3339(text, seconds);
    *seconds = (int64_t)number;
    return true;
}
