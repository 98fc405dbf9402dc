/* failure.c - reads failure reports.
 *
 * Errors: false for what is no failure report. */
#include "report/in/failure.h"

#include <time.h>

#include "base/ascii.h"
#include "base/instant.h"
#include "mail/domain.h"
#include "report/in/limits.h"
#include "report/in/mime.h"

#define TEXT_MAX (16U << 10) /* of the text that is looked at */

static struct str clean_field(struct arena *a, struct str text)
{
    char out[IN_FIELD_MAX];
    size_t n = 0;
    text = str_trim(text);
    for (size_t i = 0; i < text.n && n < sizeof out; i++)
        out[n++] = ascii_is_control(text.p[i]) ? ' ' : text.p[i];
    return str_copy(a, (struct str){out, n});
}

static struct str domain_in(struct arena *a, struct str text)
{
    struct str name;
    size_t at = str_find_last(text, '@');
    text = str_trim(at < text.n ? str_sub(text, at + 1, text.n) : text);
    size_t end = 0;
    while (end < text.n && (ascii_is_alnum(text.p[end]) || text.p[end] == '.' ||
                            text.p[end] == '-' || text.p[end] == '_' || ascii_is_8bit(text.p[end])))
        end++;
    text = str_sub(text, 0, end);
    return text.n && domain_normalize(a, text, &name) ? str_copy(a, name) : STR_NONE;
}

/* The address that the text begins with: some reporters write "192.0.2.1 (name)", or as in SMTP
 * "[IPv6:2001:db8::1]". */
static void address_in(struct str text, struct netaddr *out)
{
    text = str_trim(text);
    if (str_starts(text, STR("[")))
        text = str_sub(text, 1, text.n);
    if (str_starts_nocase(text, STR("IPv6:")))
        text = str_sub(text, sizeof "IPv6:" - 1, text.n);
    size_t end = 0;
    while (end < text.n && (ascii_is_hex(text.p[end]) || text.p[end] == '.' || text.p[end] == ':'))
        end++;
    struct netaddr address;
    if (netaddr_parse(str_sub(text, 0, end), &address))
        *out = address;
}

/* Hours of the zones that RFC 5322 4.3 names; others count as UTC. */
static int64_t zone_hours(struct str text)
{
    static const struct {
        char name[4];
        int hours;
    } zones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5},
                 {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        if (str_starts_nocase(str_trim(text), str_of(zones[i].name)))
            return zones[i].hours;
    return 0;
}

int64_t failure_date(struct arena *a, struct str text)
{
    static const char *const forms[] = {"%d %b %Y %H:%M:%S %z", "%d %b %Y %H:%M %z",
                                        "%d %b %y %H:%M:%S %z", "%d %b %Y %H:%M:%S",
                                        "%a %b %d %H:%M:%S %Y"};
    int64_t seconds;
    size_t comma = str_find(text, 0, ',');
    if (comma < text.n)
        text = str_sub(text, comma + 1, text.n);
    text = clean_field(a, text);
    const char *date = str_cstr(a, text);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {0};
        const char *rest = strptime(date, forms[i], &tm);
        if (!rest)
            continue;
        long offset = tm.tm_gmtoff;
        seconds = (int64_t)timegm(&tm) - offset - 3600 * zone_hours(str_of(rest));
        return seconds > 0 ? seconds : 0;
    }
    return instant_parse_zoned(text, &seconds) && seconds > 0 ? seconds : 0;
}

static struct str field(struct arena *a, const struct header_list *list, const char *name)
{
    const struct header_field *f = header_get(list, str_of(name), 0);
    return f ? header_unfold(a, f->value) : STR_NONE;
}

static void keep_field(struct arena *a, struct str *to, struct str text)
{
    if (!to->n && text.n)
        *to = clean_field(a, text);
}

static void read_original(struct arena *a, struct str original, struct failure_report *out)
{
    struct header_list headers;
    struct str body;
    if (!original.n)
        return;
    mime_split(a, original, &headers, &body);
    out->header_from = domain_in(a, field(a, &headers, "From"));
    keep_field(a, &out->subject, field(a, &headers, "Subject"));
    if (!out->envelope_from.n)
        out->envelope_from = domain_in(a, field(a, &headers, "Return-Path"));
    if (!out->arrival)
        out->arrival = failure_date(a, field(a, &headers, "Date"));
}

static void read_feedback(struct arena *a, const struct header_list *f, struct failure_report *out)
{
    unsigned long long incidents = 0;
    out->domain = domain_in(a, field(a, f, "Reported-Domain"));
    address_in(field(a, f, "Source-IP"), &out->source);
    keep_field(a, &out->kind, str_lower(a, field(a, f, "Auth-Failure")));
    keep_field(a, &out->alignment, str_lower(a, field(a, f, "Identity-Alignment")));
    keep_field(a, &out->result, str_lower(a, field(a, f, "Delivery-Result")));
    out->dkim_domain = domain_in(a, field(a, f, "DKIM-Domain"));
    keep_field(a, &out->dkim_selector, field(a, f, "DKIM-Selector"));
    out->envelope_from = domain_in(a, field(a, f, "Original-Mail-From"));
    out->arrival = failure_date(a, field(a, f, "Arrival-Date"));
    if (!out->arrival)
        out->arrival = failure_date(a, field(a, f, "Received-Date"));
    if (str_to_u64(str_trim(field(a, f, "Incidents")), 1000000, &incidents) && incidents)
        out->incidents = (int64_t)incidents;
}

static bool is_one_of(struct str name, const char *one, const char *other)
{
    return str_eq_nocase(name, str_of(one)) || str_eq_nocase(name, str_of(other));
}

/* One line such as "Sender IP Address: 192.0.2.1", or a field that should be in a part of its own.
 * The first one of a name counts. */
static void read_line(struct arena *a, struct str line, struct failure_report *out)
{
    size_t colon = str_find(line, 0, ':');
    struct str name = str_trim(str_sub(line, 0, colon));
    struct str value = str_trim(str_sub(line, colon + 1, line.n));
    if (is_one_of(name, "Sender Domain", "Reported-Domain") && !out->domain.n)
        out->domain = domain_in(a, value);
    else if (is_one_of(name, "Sender IP Address", "Source-IP") && !out->source.family)
        address_in(value, &out->source);
    else if (is_one_of(name, "Received Date", "Arrival-Date") && !out->arrival)
        out->arrival = failure_date(a, value);
    else if (is_one_of(name, "DMARC Results", "Delivery-Result"))
        keep_field(a, &out->result, str_lower(a, value));
}

/* Cuts off what follows a line "--- ...": the header of the message that failed, which are other
 * people's words. *original is that header, behind the next empty line. */
static struct str cut_copy(struct str text, struct str *original)
{
    struct str rest = text, line;
    *original = STR_NONE;
    while (str_split(&rest, '\n', &line)) {
        if (!str_starts(line, STR("---")))
            continue;
        size_t at = line.p ? (size_t)(line.p - text.p) : text.n;
        while (str_split(&rest, '\n', &line) && str_trim(line).n)
            ;
        *original = rest;
        return str_sub(text, 0, at);
    }
    return text;
}

static bool read_text(struct arena *a, struct str text, struct failure_report *out,
                      struct str *original)
{
    text = cut_copy(str_sub(text, 0, TEXT_MAX), original);
    size_t gateway = str_find_nocase(text, 0, STR("claiming to be from you has failed"));
    size_t arf = str_find_nocase(text, 0, STR("authentication failure report"));
    if (gateway == text.n && arf == text.n)
        return false;
    size_t from = str_find_nocase(text, arf, STR("received from "));
    if (from < text.n) {
        struct str rest = str_sub(text, from + sizeof "received from " - 1, text.n);
        address_in(str_starts_nocase(rest, STR("IP ")) ? str_sub(rest, 3, rest.n) : rest,
                   &out->source);
    }
    struct str rest = text, line;
    while (str_split(&rest, '\n', &line))
        read_line(a, line, out);
    return out->source.family || out->domain.n;
}

bool failure_read(struct arena *a, const struct header_list *mail, struct str feedback,
                  struct str text, struct str original, struct failure_report *out,
                  struct str *other)
{
    struct header_list fields;
    struct str body, copy = STR_NONE;
    *out = (struct failure_report){.incidents = 1};
    *other = STR_NONE;
    if (feedback.n) {
        mime_split(a, str_trim(feedback), &fields, &body);
        struct str type = field(a, &fields, "Feedback-Type");
        if (type.n && !str_starts_nocase(type, STR("auth-failure"))) {
            *other = clean_field(a, type);
            return false;
        }
        read_feedback(a, &fields, out);
    } else if (!read_text(a, text, out, &copy)) {
        return false;
    }
    read_original(a, original.n ? original : copy, out);
    if (!out->domain.n)
        out->domain = out->header_from;
    out->reporter = domain_in(a, field(a, mail, "From"));
    if (!out->kind.n)
        out->kind = STR("dmarc");
    return true;
}
