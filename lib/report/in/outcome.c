/* outcome.c - the outcome of a row, from its results.
 *
 * Errors: none. */
#include "report/in/outcome.h"

#include "mail/domain.h"

/* True if the names show that both belong to one organization. */
static bool is_related(struct str name, struct str ours)
{
    return name.n && ours.n &&
           (domain_is_at_or_below(name, ours) ||
            (domain_is_at_or_below(ours, name) && domain_labels(name) > 1));
}

static bool is_pass(struct str result)
{
    return str_eq(result, STR("pass"));
}

struct seen {
    bool own_pass, own_fail, other_pass, other;
};

static struct seen look_at_dkim(const struct aggregate_row *row, struct str ours)
{
    struct seen seen = {0};
    for (size_t i = 0; i < row->n_dkim; i++) {
        const struct aggregate_dkim *d = &row->auth_dkim[i];
        bool own = is_related(d->domain, ours), pass = is_pass(d->result);
        if (!d->domain.n || str_eq(d->result, STR("none")))
            continue;
        *(own    ? pass ? &seen.own_pass : &seen.own_fail
          : pass ? &seen.other_pass
                 : &seen.other) = true;
    }
    return seen;
}

static struct seen look_at_spf(const struct aggregate_row *row, struct str ours)
{
    struct seen seen = {0};
    for (size_t i = 0; i < row->n_spf; i++) {
        const struct aggregate_spf *s = &row->auth_spf[i];
        bool own = is_related(s->domain, ours), pass = is_pass(s->result);
        *(own    ? pass ? &seen.own_pass : &seen.own_fail
          : pass ? &seen.other_pass
                 : &seen.other) = true;
    }
    return seen;
}

static bool says_arc_pass(struct str comment)
{
    return str_find_nocase(comment, 0, STR("arc=pass")) < comment.n;
}

static bool was_forwarded(const struct aggregate_row *row)
{
    for (size_t i = 0; i < row->n_reasons; i++) {
        struct str type = row->reasons[i].type;
        if (str_eq(type, STR("mailing_list")) || str_eq(type, STR("trusted_forwarder")) ||
            str_eq(type, STR("forwarded")) ||
            (str_eq(type, STR("local_policy")) && says_arc_pass(row->reasons[i].comment)))
            return true;
    }
    return false;
}

static enum dkim_cause cause_of_dkim(const struct aggregate_row *row, const struct seen *seen)
{
    return row->dkim                         ? DKIM_GOOD
           : seen->own_pass                  ? DKIM_STRICT
           : seen->own_fail                  ? DKIM_BROKEN
           : seen->other_pass || seen->other ? DKIM_OTHER_DOMAIN
                                             : DKIM_NO_SIGNATURE;
}

static enum spf_cause cause_of_spf(const struct aggregate_row *row, const struct seen *seen)
{
    return row->spf           ? SPF_GOOD
           : seen->own_pass   ? SPF_STRICT
           : seen->own_fail   ? SPF_FAILS
           : seen->other_pass ? SPF_OTHER_DOMAIN
                              : SPF_FAILS;
}

static enum message_kind kind_of(const struct aggregate_row *row, const struct seen *dkim,
                                 const struct seen *spf)
{
    if (row->dkim || row->spf)
        return row->dkim && row->spf ? KIND_BOTH : row->spf ? KIND_SPF : KIND_DKIM;
    return was_forwarded(row)                                     ? KIND_FORWARDED
           : dkim->own_fail || dkim->own_pass                     ? KIND_MODIFIED
           : dkim->other_pass || spf->other_pass || spf->own_pass ? KIND_FOREIGN
                                                                  : KIND_NOTHING;
}

struct outcome outcome_of(const struct aggregate_row *row, const struct aggregate_policy *policy)
{
    struct str ours = policy->domain.n ? policy->domain : row->header_from;
    struct seen dkim = look_at_dkim(row, ours), spf = look_at_spf(row, ours);
    return (struct outcome){
        .disposition = row->disposition,
        .dkim = row->dkim,
        .spf = row->spf,
        .kind = kind_of(row, &dkim, &spf),
        .dkim_cause = cause_of_dkim(row, &dkim),
        .spf_cause = cause_of_spf(row, &spf),
        .overridden = row->n_reasons > 0,
    };
}
