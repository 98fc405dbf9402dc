/* exchange_write.c - the store as lines.
 *
 * Errors: false if a line could not be put, or the store failed. */
#include "base/json.h"
#include "crypto/canon.h"
#include "report/in/answer.h"
#include "report/in/exchange.h"

struct writing {
    struct received *store;
    exchange_put_fn *put;
    void *context;
    struct arena *arena; /* of a line */
    int64_t lines;
    bool failed;
};

/* Our JSON writer indents its lines; this joins them to one line. Texts have no bare line ends. */
static bool put_json(struct writing *w, struct json *j)
{
    json_end(j, '}');
    json_end(j, '}');
    struct str text = json_str(j);
    char *line = arena_alloc(w->arena, text.n + 1);
    size_t n = 0;
    bool begins = false; /* a line: blanks there are indentation */
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n' || (begins && text.p[i] == ' ')) {
            begins = true;
            continue;
        }
        begins = false;
        line[n++] = text.p[i];
    }
    line[n++] = '\n';
    w->lines++;
    w->failed = w->failed || !w->put(w->context, (struct str){line, n});
    arena_reset(w->arena);
    return !w->failed;
}

static struct json begin_line(struct writing *w, const char *kind)
{
    struct json j;
    json_begin(&j, w->arena);
    json_object(&j, kind);
    return j;
}

static void put_digest(struct json *j, struct arena *a, const unsigned char digest[FIND_DIGEST])
{
    json_text(j, "digest", base64_encode(a, (struct str){(const char *)digest, FIND_DIGEST}));
}

static bool write_row(void *writing, const struct aggregate_row *row)
{
    struct writing *w = writing;
    struct json j = begin_line(w, "row");
    char address[NETADDR_TEXT];
    json_text(&j, "source_ip", str_of(netaddr_format(&row->source, address)));
    json_number(&j, "count", row->count);
    json_number(&j, "disposition", row->disposition);
    json_bool(&j, "dkim", row->dkim);
    json_bool(&j, "spf", row->spf);
    json_text(&j, "header_from", row->header_from);
    json_text(&j, "envelope_from", row->envelope_from);
    json_text(&j, "envelope_to", row->envelope_to);
    json_array(&j, "results"); /* each has a kind and three texts */
    for (size_t i = 0; i < row->n_reasons; i++) {
        json_text(&j, NULL, STR("r"));
        json_text(&j, NULL, row->reasons[i].type);
        json_text(&j, NULL, row->reasons[i].comment);
        json_text(&j, NULL, STR(""));
    }
    for (size_t i = 0; i < row->n_dkim; i++) {
        json_text(&j, NULL, STR("d"));
        json_text(&j, NULL, row->auth_dkim[i].domain);
        json_text(&j, NULL, row->auth_dkim[i].selector);
        json_text(&j, NULL, row->auth_dkim[i].result);
    }
    for (size_t i = 0; i < row->n_spf; i++) {
        json_text(&j, NULL, STR("s"));
        json_text(&j, NULL, row->auth_spf[i].domain);
        json_text(&j, NULL, row->auth_spf[i].scope);
        json_text(&j, NULL, row->auth_spf[i].result);
    }
    json_end(&j, ']');
    return put_json(w, &j);
}

static void put_policy(struct json *j, const struct aggregate_policy *p)
{
    struct json_member tags[ANSWER_TAGS];
    json_text(j, "domain", p->domain);
    answer_tags(p, tags);
    for (size_t i = 0; i < ANSWER_TAGS; i++)
        json_text(j, tags[i].name, tags[i].text);
}

static bool write_raw(struct writing *w, int64_t report)
{
    struct arena *a = arena_new(0);
    struct str raw = received_packed_raw(w->store, report, a);
    bool good = true;
    if (raw.n) {
        struct json j;
        json_begin(&j, w->arena);
        json_object(&j, "raw");
        json_text(&j, "gzip", base64_encode(a, raw));
        good = put_json(w, &j);
    }
    arena_free(a);
    return good;
}

static bool write_report(void *writing, const struct received_report *r)
{
    struct writing *w = writing;
    const struct aggregate_head *h = &r->head;
    struct json j = begin_line(w, "report");
    json_text(&j, "org_name", h->org_name);
    json_text(&j, "email", h->email);
    json_text(&j, "contact", h->contact);
    json_text(&j, "report_id", h->report_id);
    json_number(&j, "begin", h->begin);
    json_number(&j, "end", h->end);
    json_text(&j, "version", h->version);
    json_text(&j, "generator", h->generator);
    json_text(&j, "error", h->error);
    put_policy(&j, &h->policy);
    put_digest(&j, w->arena, r->digest);
    json_text(&j, "trust", str_of(trust_word(r->trust)));
    json_bool(&j, "damaged", r->damaged);
    json_bool(&j, "repaired", r->repaired);
    json_number(&j, "received", r->received);
    json_number(&j, "size", (int64_t)r->size);
    json_number(&j, "skipped", (int64_t)r->skipped);
    json_text(&j, "origin", r->origin);
    json_text(&j, "author", r->author);
    json_bool(&j, "other", r->other);
    if (!put_json(w, &j) || !received_each_row(w->store, r->id, write_row, w) || w->failed ||
        !write_raw(w, r->id)) {
        w->failed = true;
        return false;
    }
    j = begin_line(w, "end");
    return put_json(w, &j);
}

static bool write_failure(void *writing, const struct failure_report *r,
                          const unsigned char *digest, int64_t received)
{
    struct writing *w = writing;
    struct json j = begin_line(w, "failure");
    char address[NETADDR_TEXT];
    put_digest(&j, w->arena, digest);
    json_number(&j, "received", received);
    json_number(&j, "arrival", r->arrival);
    json_number(&j, "incidents", r->incidents);
    json_text(&j, "source_ip",
              r->source.family ? str_of(netaddr_format(&r->source, address)) : STR_NONE);
    json_text(&j, "reporter", r->reporter);
    json_text(&j, "domain", r->domain);
    json_text(&j, "kind", r->kind);
    json_text(&j, "alignment", r->alignment);
    json_text(&j, "result", r->result);
    json_text(&j, "dkim_domain", r->dkim_domain);
    json_text(&j, "dkim_selector", r->dkim_selector);
    json_text(&j, "header_from", r->header_from);
    json_text(&j, "envelope_from", r->envelope_from);
    json_text(&j, "subject", r->subject);
    return put_json(w, &j);
}

static bool write_tls(void *writing, const struct tlsrpt *r, const unsigned char *digest,
                      int64_t received)
{
    struct writing *w = writing;
    struct json j = begin_line(w, "tls");
    put_digest(&j, w->arena, digest);
    json_number(&j, "received", received);
    json_text(&j, "organization", r->organization);
    json_text(&j, "contact", r->contact);
    json_text(&j, "report_id", r->report_id);
    json_number(&j, "begin", r->begin);
    json_number(&j, "end", r->end);
    json_array(&j, "policies");
    for (size_t i = 0; i < r->n; i++) {
        json_object(&j, NULL);
        json_text(&j, "domain", r->policies[i].domain);
        json_text(&j, "type", r->policies[i].type);
        json_number(&j, "successes", r->policies[i].successes);
        json_number(&j, "failures", r->policies[i].failures);
        json_end(&j, '}');
    }
    json_end(&j, ']');
    return put_json(w, &j);
}

static bool write_refusal(void *writing, const struct received_refusal *r)
{
    struct writing *w = writing;
    struct json j = begin_line(w, "refused");
    put_digest(&j, w->arena, r->digest);
    json_number(&j, "received", r->received);
    json_text(&j, "origin", r->origin);
    json_text(&j, "from", r->from);
    json_text(&j, "subject", r->subject);
    json_text(&j, "what", r->what);
    json_text(&j, "why", r->why);
    return put_json(w, &j);
}

static bool write_label(void *writing, const struct received_label *label)
{
    struct writing *w = writing;
    struct json j = begin_line(w, "label");
    json_text(&j, "source", label->source);
    json_text(&j, "class", label->class);
    json_text(&j, "title", label->title);
    json_number(&j, "time", label->time);
    return put_json(w, &j);
}

static bool write_done(struct writing *w)
{
    struct json j = begin_line(w, "done");
    json_number(&j, "lines", w->lines);
    return put_json(w, &j);
}

bool exchange_write(struct received *r, int64_t since, exchange_put_fn *put, void *context)
{
    struct writing w = {.store = r, .put = put, .context = context, .arena = arena_new(0)};
    const struct received_wanted wanted = {.changed = since};
    bool good = put(context, STR("{\"assay_reports\":1}\n")) &&
                received_each(r, &wanted, write_report, &w) && !w.failed &&
                received_each_failure(r, &wanted, write_failure, &w) && !w.failed &&
                received_each_tls(r, &wanted, write_tls, &w) && !w.failed &&
                received_each_refusal(r, since, write_refusal, &w) && !w.failed &&
                received_each_label(r, write_label, &w) && !w.failed && write_done(&w);
    arena_free(w.arena);
    return good;
}
