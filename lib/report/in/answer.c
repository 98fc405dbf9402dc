/* answer.c - figures and reports as JSON.
 *
 * Errors: none. */
#include "report/in/answer.h"

#include <string.h>

/* --- Figures -----------------------------------------------------------------------------------*/

void answer_counts(struct json *j, const struct figures_counts *c)
{
    json_number(j, "messages", (int64_t)figures_all(c));
    json_number(j, "pass_both", (int64_t)c->both);
    json_number(j, "pass_dkim", (int64_t)c->dkim);
    json_number(j, "pass_spf", (int64_t)c->spf);
    json_number(j, "fail", (int64_t)c->fail);
    json_number(j, "quarantined", (int64_t)c->quarantined);
    json_number(j, "rejected", (int64_t)c->rejected);
    json_number(j, "overridden", (int64_t)c->overridden);
}

void answer_source(struct json *j, const struct figures_source *s)
{
    static const char *const kinds[KIND_COUNT] = {"both",     "spf",     "dkim",   "forwarded",
                                                  "modified", "foreign", "nothing"};
    static const char *const source_kinds[] = {"network", "name", "as"};
    json_text(j, "source", s->name);
    json_text(j, "kind", str_of(source_kinds[s->kind]));
    json_text(j, "class", str_of(source_class_word(s->class)));
    json_bool(j, "labelled", s->labelled);
    json_text_or_null(j, "title", s->title);
    json_text_or_null(j, "country", s->country);
    answer_counts(j, &s->counts);
    json_object(j, "kinds");
    for (int i = 0; i < KIND_COUNT; i++)
        json_number(j, kinds[i], (int64_t)s->kinds[i]);
    json_end(j, '}');
    json_object(j, "causes");
    for (int i = 0; i < CAUSE_COUNT; i++)
        json_number(j, figures_cause_word((enum figures_cause)i), (int64_t)s->causes[i]);
    json_end(j, '}');
    json_number(j, "first_seen", s->first_day * 86400);
    json_number(j, "last_seen", s->last_day * 86400);
}

void answer_detail(struct json *j, const struct figures_detail *d)
{
    char address[NETADDR_TEXT];
    json_array(j, "addresses");
    for (size_t i = 0; i < d->n_addresses; i++) {
        json_object(j, NULL);
        json_text(j, "address", str_of(netaddr_format(&d->addresses[i].address, address)));
        json_text_or_null(j, "name", d->addresses[i].name);
        json_text_or_null(j, "country", d->addresses[i].country);
        answer_counts(j, &d->addresses[i].counts);
        json_end(j, '}');
    }
    json_end(j, ']');
    json_array(j, "identities");
    for (size_t i = 0; i < d->n_identities; i++) {
        json_object(j, NULL);
        json_text(j, "method", d->identities[i].what);
        json_text_or_null(j, "domain", d->identities[i].domain);
        json_text_or_null(j, "selector", d->identities[i].selector);
        json_text_or_null(j, "result", d->identities[i].result);
        json_number(j, "messages", (int64_t)d->identities[i].messages);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void causes_json(struct json *j, const uint64_t causes[CAUSE_COUNT])
{
    for (int i = 0; i < CAUSE_COUNT; i++)
        json_number(j, figures_cause_word((enum figures_cause)i), (int64_t)causes[i]);
}

static void failing_json(struct json *j, struct str source, struct str class,
                         const struct figures_counts *counts, const uint64_t causes[CAUSE_COUNT])
{
    json_object(j, NULL);
    json_text(j, "source", source);
    json_text(j, "class", class);
    json_number(j, "messages", (int64_t)figures_all(counts));
    json_number(j, "fail", (int64_t)counts->fail);
    json_object(j, "causes");
    causes_json(j, causes);
    json_end(j, '}');
    json_end(j, '}');
}

void answer_failing(struct json *j, const struct figures_source *s)
{
    failing_json(j, s->name, str_of(source_class_word(s->class)), &s->counts, s->causes);
}

void answer_failing_all(struct json *j, const struct figures *f)
{
    failing_json(j, STR_NONE, STR_NONE, &f->counts, f->causes);
}

void answer_reporter(struct json *j, const struct figures_reporter *r)
{
    json_object(j, NULL);
    json_text(j, "reporter", r->name);
    json_number(j, "reports", (int64_t)r->reports);
    answer_counts(j, &r->counts);
    json_number(j, "first_report", r->first_day * 86400);
    json_number(j, "last_report", r->last_day * 86400);
    json_number(j, "missing_days", (int64_t)r->missing);
    json_number(j, "sent_by_others", (int64_t)r->others);
    json_end(j, '}');
}

void answer_readiness(struct json *j, const struct readiness *r)
{
    json_object(j, NULL);
    json_text(j, "domain", r->domain);
    json_text_or_null(j, "policy", r->p);
    json_text(j, "verdict", str_of(readiness_word(r->verdict)));
    json_number(j, "days", (int64_t)r->days);
    json_number(j, "reporters", (int64_t)r->reporters);
    json_number(j, "pass_per_10000", r->share);
    json_object(j, "classes");
    for (int i = 0; i < CLASS_COUNT; i++) {
        json_object(j, source_class_word((enum source_class)i));
        json_number(j, "messages", (int64_t)r->classes[i].messages);
        json_number(j, "fail", (int64_t)r->classes[i].fail);
        json_end(j, '}');
    }
    json_end(j, '}');
    json_array(j, "hit");
    for (size_t i = 0; i < r->n_hit; i++) {
        json_object(j, NULL);
        json_text(j, "source", r->hit[i].name);
        json_text(j, "class", str_of(source_class_word(r->hit[i].class)));
        json_number(j, "fail", (int64_t)r->hit[i].counts.fail);
        json_end(j, '}');
    }
    json_end(j, ']');
    json_text(j, "summary", r->summary);
    json_array(j, "notes");
    for (size_t i = 0; i < r->n_lines; i++)
        json_text(j, NULL, r->lines[i]);
    json_end(j, ']');
    json_end(j, '}');
}

void answer_alarm(struct json *j, const struct alarm *a)
{
    json_object(j, NULL);
    json_text(j, "alarm", str_of(alarm_word(a->kind)));
    json_bool(j, "grave", a->grave);
    json_text(j, "domain", a->domain);
    json_text_or_null(j, "about", a->about);
    json_number(j, "since", a->day * 86400);
    json_text(j, "text", a->text);
    json_end(j, '}');
}

/* --- Reports -----------------------------------------------------------------------------------*/

void answer_report(struct json *j, const struct received_report *r)
{
    const struct aggregate_head *h = &r->head;
    json_object(j, NULL);
    json_text(j, "org_name", h->org_name);
    json_text(j, "email", h->email);
    json_text(j, "report_id", h->report_id);
    json_text(j, "domain", h->policy.domain);
    json_number(j, "begin", h->begin);
    json_number(j, "end", h->end);
    json_number(j, "records", (int64_t)r->records);
    json_number(j, "messages", (int64_t)r->messages);
    json_text(j, "trust", str_of(trust_word(r->trust)));
    json_bool(j, "damaged", r->damaged);
    json_number(j, "received", r->received);
    json_number(j, "skipped", (int64_t)r->skipped);
    json_bool(j, "repaired", r->repaired);
    json_text_or_null(j, "origin", r->origin);
    json_text_or_null(j, "sent_by", r->author);
    json_bool(j, "sent_by_other", r->other);
}

void answer_tags(const struct aggregate_policy *p, struct json_member tags[static ANSWER_TAGS])
{
    const struct json_member all[ANSWER_TAGS] = {
        {"p", p->p},     {"sp", p->sp},           {"np", p->np},
        {"pct", p->pct}, {"adkim", p->adkim},     {"aspf", p->aspf},
        {"fo", p->fo},   {"testing", p->testing}, {"discovery_method", p->discovery},
    };
    memcpy(tags, all, sizeof all);
}

void answer_head(struct json *j, const struct aggregate_head *h)
{
    struct json_member tags[ANSWER_TAGS];
    answer_tags(&h->policy, tags);
    json_texts(j, "policy", tags, ANSWER_TAGS);
    json_text_or_null(j, "generator", h->generator);
    json_text_or_null(j, "error", h->error);
    json_text_or_null(j, "extra_contact_info", h->contact);
}

static void json_reasons(struct json *j, const struct aggregate_row *row)
{
    json_array(j, "reasons");
    for (size_t i = 0; i < row->n_reasons; i++) {
        const struct json_member members[] = {{"type", row->reasons[i].type},
                                              {"comment", row->reasons[i].comment}};
        json_texts(j, NULL, members, 2);
    }
    json_end(j, ']');
}

static void json_signatures(struct json *j, const struct aggregate_row *row)
{
    json_array(j, "auth_dkim");
    for (size_t i = 0; i < row->n_dkim; i++) {
        const struct json_member members[] = {{"domain", row->auth_dkim[i].domain},
                                              {"selector", row->auth_dkim[i].selector},
                                              {"result", row->auth_dkim[i].result}};
        json_texts(j, NULL, members, 3);
    }
    json_end(j, ']');
}

static void json_spf(struct json *j, const struct aggregate_row *row)
{
    json_array(j, "auth_spf");
    for (size_t i = 0; i < row->n_spf; i++) {
        const struct json_member members[] = {{"domain", row->auth_spf[i].domain},
                                              {"scope", row->auth_spf[i].scope},
                                              {"result", row->auth_spf[i].result}};
        json_texts(j, NULL, members, 3);
    }
    json_end(j, ']');
}

void answer_row(struct json *j, const struct aggregate_row *row)
{
    char address[NETADDR_TEXT];
    json_object(j, NULL);
    json_text(j, "source_ip", str_of(netaddr_format(&row->source, address)));
    json_number(j, "count", row->count);
    json_text(j, "disposition", str_of(aggregate_disposition_word(row->disposition)));
    json_text(j, "dkim", row->dkim ? STR("pass") : STR("fail"));
    json_text(j, "spf", row->spf ? STR("pass") : STR("fail"));
    json_reasons(j, row);
    json_text(j, "header_from", row->header_from);
    json_text(j, "envelope_from", row->envelope_from);
    json_text(j, "envelope_to", row->envelope_to);
    json_signatures(j, row);
    json_spf(j, row);
    json_end(j, '}');
}

void answer_refusal(struct json *j, const struct received_refusal *r)
{
    json_object(j, NULL);
    json_number(j, "received", r->received);
    json_text_or_null(j, "origin", r->origin);
    json_text_or_null(j, "from", r->from);
    json_text_or_null(j, "subject", r->subject);
    json_text_or_null(j, "what", r->what);
    json_text(j, "why", r->why);
    json_end(j, '}');
}

/* --- What is no aggregate report ---------------------------------------------------------------*/

void answer_single(struct json *j, const struct failure_report *r, int64_t received)
{
    char address[NETADDR_TEXT];
    json_object(j, NULL);
    json_number(j, "received", received);
    json_number(j, "arrival", r->arrival);
    json_text(j, "reporter", r->reporter);
    json_text(j, "domain", r->domain);
    json_text(j, "source_ip",
              r->source.family ? str_of(netaddr_format(&r->source, address)) : STR_NONE);
    json_text(j, "auth_failure", r->kind);
    json_text(j, "delivery_result", r->result);
    json_text(j, "dkim_domain", r->dkim_domain);
    json_text(j, "dkim_selector", r->dkim_selector);
    json_text(j, "header_from", r->header_from);
    json_text(j, "envelope_from", r->envelope_from);
    json_text(j, "subject", r->subject);
    json_number(j, "incidents", r->incidents);
}

void answer_failures(struct json *j, const struct figures_failures *f)
{
    json_object(j, NULL);
    json_text(j, "source", f->source);
    json_number(j, "incidents", (int64_t)f->incidents);
    json_number(j, "last_day", f->last_day * 86400);
    json_array(j, "days");
    for (size_t i = 0; i < f->n_days; i++) {
        json_object(j, NULL);
        json_number(j, "day", f->days[i].day * 86400);
        json_number(j, "incidents", (int64_t)f->days[i].incidents);
        json_end(j, '}');
    }
    json_end(j, ']');
    json_end(j, '}');
}

void answer_tls(struct json *j, const struct tlsrpt *r, int64_t received)
{
    json_object(j, NULL);
    json_text(j, "organization", r->organization);
    json_text(j, "contact", r->contact);
    json_text(j, "report_id", r->report_id);
    json_number(j, "begin", r->begin);
    json_number(j, "end", r->end);
    json_number(j, "received", received);
    json_array(j, "policies");
    for (size_t i = 0; i < r->n; i++) {
        json_object(j, NULL);
        json_text(j, "domain", r->policies[i].domain);
        json_text(j, "type", r->policies[i].type);
        json_number(j, "successes", r->policies[i].successes);
        json_number(j, "failures", r->policies[i].failures);
        json_end(j, '}');
    }
    json_end(j, ']');
    json_end(j, '}');
}
