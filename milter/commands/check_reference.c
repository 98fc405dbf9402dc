/* check_reference.c - assay check --reference: a message that was judged is put to the field's
 * libraries too, and what they say is laid beside it.
 *
 * Errors: a library that gives no result says why in its report. */
#include "milter/commands/check_reference.h"

#include "core/request.h"
#include "milter/commands/check.h"
#include "reference/own_results.h"

/* What the differences rest on; events grow while libraries ask. */
static struct reference_facts facts_of(const struct check_case *c)
{
    return (struct reference_facts){
        .headers = &c->t->message.headers, .events = c->events, .n_events = c->n_events};
}

static struct dns_asker asker_of(const struct check_case *c)
{
    struct dns_asker asker = c->t->asker;
    asker.patience_us = c->t->snapshot->conf->dns_deadline * 1000;
    return asker;
}

static void say_comparison(struct check_opinion *opinion, struct arena *a, const char *word)
{
    sb_init(&opinion->words, a);
    sb_add(&opinion->words, str_of(word));
}

static void ask_spf(struct check_reference *r, const struct check_case *c)
{
    struct check_opinion *opinion = &r->opinions[REFERENCE_LIBSPF2];
    struct dns_asker asker = asker_of(c);
    const struct spf_request request =
        request_spf(c->t->snapshot->conf, c->t->session, &c->t->message);
    struct spf_outcome *both = arena_array(c->arena, struct spf_outcome, 2);
    if (!c->t->evidence.spf.mail_from.checked)
        return;
    both[0] = own_results_spf(c->t->snapshot->engines, &c->t->evidence, &request, &asker);
    opinion->asked = true;
    opinion->report = reference_spf(r->libraries, &request, &asker, &both[1]);
    if (opinion->report.status != REFERENCE_ANSWERED)
        return;
    struct reference_facts facts = facts_of(c);
    facts.spf = &request;
    reference_compare_spf(&r->differences, &facts, &both[0], &both[1]);
    say_comparison(opinion, c->arena, spf_result_name(both[1].result));
}

static bool is_renamed(const struct dkim_signature *ours, size_t n_ours,
                       const struct dkim_signature *theirs, size_t n)
{
    for (size_t i = 0; i < n && i < n_ours; i++)
        if (ours[i].result != theirs[i].result)
            return true;
    return false;
}

static void ask_dkim(struct check_reference *r, const struct check_case *c)
{
    struct check_opinion *opinion = &r->opinions[REFERENCE_LIBOPENDKIM];
    struct dns_asker asker = asker_of(c);
    const struct dkim_verify_settings settings = request_dkim(c->t->snapshot->conf, &c->t->message);
    const struct kept_body *kept = &c->t->message.body;
    const struct reference_body body = {kept->n, kept->pieces};
    const struct dkim_signature *ours, *theirs = NULL;
    size_t n_ours, n = 0, skipped = 0;
    if (!c->t->evidence.dkim.checked || c->t->message.over_limit)
        return;
    ours = own_results_dkim(c->t->snapshot->engines, &c->t->evidence, &settings, &c->t->message,
                            c->t->snapshot->key_cache, &asker, &n_ours);
    opinion->asked = true;
    opinion->report = reference_dkim(r->libraries, &settings, &c->t->message.headers, &body, &asker,
                                     &theirs, &n, &skipped);
    if (opinion->report.status != REFERENCE_ANSWERED)
        return;
    struct reference_facts facts = facts_of(c);
    facts.dkim = &settings;
    facts.body = &body;
    reference_compare_dkim(&r->differences, &facts, ours, n_ours, theirs, n);
    opinion->renamed = is_renamed(ours, n_ours, theirs, n);
    say_comparison(opinion, c->arena, n ? "" : "no signature");
    for (size_t i = 0; i < n; i++)
        sb_printf(&opinion->words, "%s%s", i ? ", " : "", dkim_result_name(theirs[i].result));
}

static void say_dmarc(struct check_opinion *opinion, struct arena *a, const struct dmarc_outcome *o)
{
    say_comparison(opinion, a, dmarc_result_name(o->result));
    if (o->record_domain.n)
        sb_printf(&opinion->words, ", policy %s, from the record of %.*s",
                  dmarc_policy_name(o->policy), STR_ARG(str_safe(a, o->record_domain, 253, false)));
}

/* The author domain that decides here is the one that is asked about. */
static void ask_dmarc(struct check_reference *r, const struct check_case *c)
{
    struct check_opinion *opinion = &r->opinions[REFERENCE_LIBOPENDMARC];
    const struct evidence_dmarc *e = &c->t->evidence.dmarc;
    struct dns_asker asker = asker_of(c);
    struct dmarc_request request =
        request_dmarc(c->t->snapshot->conf, &c->t->message, &c->t->evidence);
    struct dmarc_outcome *theirs = arena_make(c->arena, struct dmarc_outcome);
    if (!e->checked || !e->n)
        return;
    request.author_domain = e->outcomes[e->decisive].author_domain;
    opinion->asked = true;
    opinion->report = reference_dmarc(r->libraries, &request, &asker, theirs);
    if (opinion->report.status != REFERENCE_ANSWERED)
        return;
    struct reference_facts facts = facts_of(c);
    facts.dmarc = &request;
    reference_compare_dmarc(&r->differences, &facts, &e->outcomes[e->decisive], theirs);
    say_dmarc(opinion, c->arena, theirs);
}

static size_t place_of(const struct reference_class *class)
{
    size_t i = 0;
    while (reference_class_at(i) && reference_class_at(i) != class)
        i++;
    return i;
}

static void count_comparison(struct check_reference *r)
{
    struct check_reference_counts *counts = r->counts;
    for (size_t i = 0; i < REFERENCE_LIBRARY_COUNT; i++)
        if (r->opinions[i].asked)
            counts->statuses[i][r->opinions[i].report.status]++;
    for (size_t i = 0; i < r->differences.n; i++) {
        const struct reference_difference *d = &r->differences.v[i];
        if (d->class)
            counts->classes[place_of(d->class)]++;
        else
            counts->unlisted[d->library]++;
    }
}

void check_reference_counts_init(struct check_reference_counts *counts, struct arena *a)
{
    *counts = (struct check_reference_counts){
        .classes = arena_array(a, size_t, place_of(NULL) + 1),
    };
}

void check_reference_ask(struct reference *libraries, struct check_reference_counts *counts,
                         const struct check_case *c, struct check_reference *out)
{
    *out = (struct check_reference){.libraries = libraries, .counts = counts};
    reference_differences_init(&out->differences, c->arena);
    ask_spf(out, c);
    ask_dkim(out, c);
    ask_dmarc(out, c);
    count_comparison(out);
}
