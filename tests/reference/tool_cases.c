/* tool_cases.c - one case of SPF, DKIM or DMARC, asked of ours and of theirs.
 *
 * Errors: a case that cannot be read ends the program. */
#include "tool.h"

#include <stdlib.h>

#include "mail/domain.h"

static struct str safe(struct tool *t, struct str text)
{
    return str_safe(t->arena, text, 300, false);
}

static struct str if_answered(const struct reference_report *report, struct str theirs)
{
    return report->status == REFERENCE_ANSWERED ? theirs : STR("-");
}

static struct str why(struct tool *t, const struct spf_outcome *o)
{
    return safe(t, o->problem.n ? o->problem : o->mechanism);
}

void tool_spf(struct tool *t, struct str data)
{
    struct spf_request request = {.limits = spf_limits_default};
    struct spf_outcome ours, theirs = {0};
    if (!netaddr_parse(tool_field(&data), &request.client))
        tool_die("not an address");
    request.helo = tool_field(&data);
    request.local = tool_field(&data);
    request.domain = tool_field(&data);
    request.receiver = tool_field(&data);
    if (data.n)
        request.limits.queries = (unsigned)strtoul(str_cstr(t->arena, tool_field(&data)), NULL, 10);
    spf_check(&request, &t->asker, &ours);
    struct reference_report report = reference_spf(t->reference, &request, &t->asker, &theirs);
    struct reference_facts facts = tool_facts(t);
    facts.spf = &request;
    if (report.status == REFERENCE_ANSWERED)
        reference_compare_spf(&t->differences, &facts, &ours, &theirs);
    tool_answer(t, &report, str_of(spf_result_name(ours.result)),
                if_answered(&report, str_of(spf_result_name(theirs.result))),
                str_printf(t->arena, "ours: %.*s; theirs: %.*s", STR_ARG(why(t, &ours)),
                           STR_ARG(why(t, &theirs))));
}

static struct str signature_results(struct tool *t, const struct dkim_signature *s, size_t n)
{
    struct strbuf b;
    sb_init(&b, t->arena);
    for (size_t i = 0; i < n; i++)
        sb_printf(&b, "%s%s", i ? "," : "", dkim_result_name(s[i].result));
    return n ? sb_str(&b) : STR("none");
}

static struct str signature_words(struct tool *t, const struct dkim_signature *s, size_t n)
{
    struct strbuf b;
    sb_init(&b, t->arena);
    for (size_t i = 0; i < n; i++)
        sb_printf(&b, "%s%.*s", i ? " | " : "", STR_ARG(safe(t, s[i].reason)));
    return sb_str(&b);
}

/* Folding as MTAs hand it over. */
static void split_message(struct tool *t, struct str message, struct header_list *headers,
                          struct str *body)
{
    header_list_init(headers, t->arena);
    header_parse_message(headers, message, body);
    for (size_t i = 0; i < headers->n; i++) {
        struct str value = headers->fields[i].value;
        struct strbuf b;
        sb_init(&b, t->arena);
        for (size_t k = 0; k < value.n; k++)
            if (value.p[k] != '\r' || k + 1 == value.n || value.p[k + 1] != '\n')
                sb_addc(&b, value.p[k]);
        headers->fields[i].value = sb_str(&b);
    }
}

void tool_dkim(struct tool *t, struct str data)
{
    struct header_list headers;
    struct str body;
    struct dkim_verify_settings settings = {
        .max_signatures = 10, .min_key_bits = 1024, .max_key_bits = 4096, .clock_skew_s = 300};
    const struct dkim_signature *ours, *theirs = NULL;
    size_t n_ours, n_theirs = 0, skipped;
    settings.now = strtoll(str_cstr(t->arena, tool_field(&data)), NULL, 10);
    split_message(t, data, &headers, &body);
    struct dkim_verifier *v = dkim_verifier_new(&settings, &headers, t->keys, &t->asker);
    dkim_verifier_body(v, body.p, body.n);
    ours = dkim_verifier_finish(v, &t->asker, &n_ours, &skipped);
    const struct reference_body pieces = {1, &body};
    struct reference_report report = reference_dkim(t->reference, &settings, &headers, &pieces,
                                                    &t->asker, &theirs, &n_theirs, &skipped);
    struct reference_facts facts = tool_facts(t);
    facts.dkim = &settings;
    facts.headers = &headers;
    facts.body = &pieces;
    if (report.status != REFERENCE_ANSWERED)
        n_theirs = 0;
    else
        reference_compare_dkim(&t->differences, &facts, ours, n_ours, theirs, n_theirs);
    tool_answer(t, &report, signature_results(t, ours, n_ours),
                if_answered(&report, signature_results(t, theirs, n_theirs)),
                str_printf(t->arena, "ours: %.*s; theirs: %.*s",
                           STR_ARG(signature_words(t, ours, n_ours)),
                           STR_ARG(signature_words(t, theirs, n_theirs))));
}

static struct str domain(struct tool *t, struct str text)
{
    struct str name;
    if (!domain_normalize(t->arena, text, &name))
        tool_die("not a domain name");
    return name;
}

static struct dmarc_identifier identifier(struct tool *t, struct str text)
{
    struct str kind, auth;
    struct dmarc_identifier id = {0};
    if (!str_split(&text, ' ', &kind) || !str_split(&text, ' ', &auth))
        tool_die("not an identifier");
    id.domain = domain(t, text);
    id.spf = str_eq(kind, STR("spf"));
    id.auth = str_eq(auth, STR("pass"))      ? DMARC_AUTH_PASS
              : str_eq(auth, STR("unknown")) ? DMARC_AUTH_UNKNOWN
                                             : DMARC_AUTH_FAIL;
    return id;
}

static struct str dmarc_words(struct tool *t, const struct dmarc_outcome *o)
{
    return str_printf(t->arena, "%s/%s/%s", dmarc_result_name(o->result),
                      o->result == DMARC_NONE || o->result == DMARC_TEMPERROR
                          ? "-"
                          : dmarc_policy_name(o->policy),
                      o->spf_aligned && o->dkim_aligned ? "spf+dkim"
                      : o->spf_aligned                  ? "spf"
                      : o->dkim_aligned                 ? "dkim"
                                                        : "-");
}

/* True if the list of public suffixes leads to the same outcome as the tree walk. */
static bool by_list(struct tool *t, const struct dmarc_request *request,
                    const struct dmarc_outcome *ours)
{
    struct dmarc_request with_list = *request;
    struct dmarc_outcome other;
    with_list.psl = t->psl;
    dmarc_evaluate(&with_list, &t->asker, &other);
    return str_eq(dmarc_words(t, &other), dmarc_words(t, ours));
}

void tool_dmarc(struct tool *t, struct str data)
{
    struct dmarc_request request = {.author_domain = domain(t, tool_field(&data))};
    struct dmarc_identifier *ids = arena_array(t->arena, struct dmarc_identifier, data.n + 1);
    struct dmarc_outcome ours, theirs = {0};
    for (struct str text; str_split(&data, '\0', &text) && text.n;)
        ids[request.n_ids++] = identifier(t, text);
    request.ids = ids;
    dmarc_evaluate(&request, &t->asker, &ours);
    struct reference_report report = reference_dmarc(t->reference, &request, &t->asker, &theirs);
    struct reference_facts facts = tool_facts(t);
    facts.dmarc = &request;
    if (report.status == REFERENCE_ANSWERED)
        reference_compare_dmarc(&t->differences, &facts, &ours, &theirs);
    tool_answer(t, &report, dmarc_words(t, &ours), if_answered(&report, dmarc_words(t, &theirs)),
                str_printf(t->arena, "%s; %.*s", by_list(t, &request, &ours) ? "either" : "walk",
                           STR_ARG(safe(t, ours.reason))));
}
