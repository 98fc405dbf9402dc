/* instant.c - RFC 3339 5.6, or seconds.
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

/* "Z", or hours and minutes ahead of UTC. */
static bool take_offset(struct str zone, int64_t *offset)
{
    unsigned hours, minutes;
    *offset = 0;
    if (str_eq_nocase(zone, STR("z")))
        return true;
    struct str rest = str_sub(zone, 1, zone.n);
    if (!zone.n || (zone.p[0] != '+' && zone.p[0] != '-') || !take_number(&rest, 2, ':', &hours) ||
        !take_number(&rest, 2, '\0', &minutes) || rest.n || hours > 23 || minutes > 59)
        return false;
    *offset = (zone.p[0] == '-' ? -60 : 60) * (int64_t)(hours * 60 + minutes);
    return true;
}

static bool parse_rfc3339(struct str text, int64_t *seconds, int64_t *offset)
{
    unsigned year, month, day, hour, minute, second;
    if (!take_number(&text, 4, '-', &year) || !take_number(&text, 2, '-', &month) ||
        !take_number(&text, 2, 't', &day) || !take_number(&text, 2, ':', &hour) ||
        !take_number(&text, 2, ':', &minute) || !take_number(&text, 2, '\0', &second) ||
        !take_fraction(&text) || !take_offset(text, offset))
        return false;
    /* A leap second is the first one of the next minute. */
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days(year, month) ||
        hour > 23 || minute > 59 || second > 60)
        return false;
    *seconds = days_since_1970(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    return true;
}

bool instant_parse_zoned(struct str text, int64_t *seconds)
{
    unsigned long long number;
    int64_t local, offset = 0;
    if (str_to_u64(text, INT64_MAX, &number))
        local = (int64_t)number;
    else if (!parse_rfc3339(text, &local, &offset) || local < offset)
        return false;
    *seconds = local - offset;
    return true;
}

bool instant_parse(struct str text, int64_t *seconds)
{
    unsigned long long number;
    int64_t local, offset;
    if (str_to_u64(text, INT64_MAX, &number))
        local = (int64_t)number;
    else if (!parse_rfc3339(text, &local, &offset) || offset)
        return false;
    *seconds = local;
    return true;
}
