/* tlsrpt.c - reads TLS reports (RFC 8460 4.4).
 *
 * Errors: false and a phrase. */
#include "report/in/tlsrpt.h"

#include "base/instant.h"
#include "base/jsonread.h"
#include "mail/domain.h"
#include "report/in/limits.h"

static void take_text(struct json_reader *r, struct str *to)
{
    if (json_take_text(r, to))
        *to = str_copy(r->arena, str_sub(*to, 0, IN_FIELD_MAX));
}

/* Normalised, if it is one. */
static void take_domain(struct json_reader *r, struct str *to)
{
    struct str name;
    take_text(r, to);
    if (to->n && domain_normalize(r->arena, *to, &name))
        *to = str_copy(r->arena, name);
}

static void take_time(struct json_reader *r, int64_t *to)
{
    struct str text;
    if (json_take_text(r, &text))
        instant_parse_zoned(text, to);
}

/* Skips a value that is no object. */
static bool enter_object(struct json_reader *r)
{
    if (json_peek(r) != JSON_OBJECT) {
        json_skip(r);
        return false;
    }
    return json_enter(r);
}

static void read_range(struct json_reader *r, struct tlsrpt *out)
{
    struct str name;
    if (!enter_object(r))
        return;
    while (json_next(r, &name))
        if (str_eq(name, STR("start-datetime")))
            take_time(r, &out->begin);
        else if (str_eq(name, STR("end-datetime")))
            take_time(r, &out->end);
        else
            json_skip(r);
}

static void read_sessions(struct json_reader *r, struct tlsrpt_policy *p)
{
    struct str name;
    if (!enter_object(r))
        return;
    while (json_next(r, &name)) {
        int64_t n = 0;
        bool good = str_eq(name, STR("total-successful-session-count"));
        bool bad = str_eq(name, STR("total-failure-session-count"));
        if (!good && !bad)
            json_skip(r);
        else if (json_take_number(r, &n) && n > 0 && n < INT64_C(1000000000000))
            *(good ? &p->successes : &p->failures) += n;
    }
}

static void read_what(struct json_reader *r, struct tlsrpt_policy *p)
{
    struct str name;
    if (!enter_object(r))
        return;
    while (json_next(r, &name))
        if (str_eq(name, STR("policy-domain")))
            take_domain(r, &p->domain);
        else if (str_eq(name, STR("policy-type")))
            take_text(r, &p->type);
        else
            json_skip(r);
}

static void read_policy(struct json_reader *r, struct tlsrpt *out)
{
    struct str name;
    if (!enter_object(r))
        return;
    struct tlsrpt_policy *p = &out->policies[out->n < TLSRPT_POLICIES_MAX ? out->n++ : out->n - 1];
    while (json_next(r, &name))
        if (str_eq(name, STR("policy")))
            read_what(r, p);
        else if (str_eq(name, STR("summary")))
            read_sessions(r, p);
        else
            json_skip(r);
}

static void read_policies(struct json_reader *r, struct tlsrpt *out)
{
    struct str name;
    if (json_peek(r) != JSON_ARRAY) { /* some have no list of one */
        read_policy(r, out);
        return;
    }
    json_enter(r);
    while (json_next(r, &name))
        read_policy(r, out);
}

bool tlsrpt_read(struct arena *a, struct str text, struct tlsrpt *out, const char **why)
{
    bool marked = str_starts(text, STR("\xEF\xBB\xBF")); /* RFC 8259 8.1 */
    struct json_reader r = json_read(str_sub(text, marked ? 3 : 0, text.n), a);
    struct str name;
    bool has_policies = false;
    *out = (struct tlsrpt){0};
    if (json_peek(&r) == JSON_OBJECT)
        json_enter(&r);
    while (json_next(&r, &name)) {
        if (str_eq(name, STR("organization-name")))
            take_text(&r, &out->organization);
        else if (str_eq(name, STR("contact-info")))
            take_text(&r, &out->contact);
        else if (str_eq(name, STR("report-id")))
            take_text(&r, &out->report_id);
        else if (str_eq(name, STR("date-range")))
            read_range(&r, out);
        else if (str_eq(name, STR("policies")))
            read_policies(&r, out), has_policies = true;
        else
            json_skip(&r);
    }
    *why = r.problem ? r.problem : "is JSON, and no TLS report";
    return !r.problem && has_policies && out->report_id.n;
}
