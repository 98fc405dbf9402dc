/* compare.c - differences between our outcomes and a library's, and the class of each.
 *
 * Errors: none; a difference that no class explains has none. */
#include "reference/compare.h"

#include "reference/classes.h"

static const struct {
    struct reference_class class;
    reference_class_fn *holds;
} table[] = {
#define CLASS(id, library, decision, section, holds, words)                                        \
    {{id, REFERENCE_##library, REFERENCE_##decision, section, words}, class_##holds},
#include "reference/classes.def"
#undef CLASS
};

#define CLASSES (sizeof table / sizeof *table)

const struct reference_class *reference_class_at(size_t index)
{
    return index < CLASSES ? &table[index].class : NULL;
}

const char *reference_decision_name(enum reference_decision decision)
{
    static const char *const names[] = {
        [REFERENCE_OURS] = "ours", [REFERENCE_THEIRS] = "theirs", [REFERENCE_BOTH] = "both"};
    return names[decision];
}

void reference_differences_init(struct reference_differences *d, struct arena *a)
{
    *d = (struct reference_differences){.arena = a};
}

static void add_difference(struct reference_differences *d, const struct reference_pair *pair,
                           struct str subject, const char *ours, const char *theirs)
{
    const struct reference_class *class = NULL;
    for (size_t i = 0; i < CLASSES && !class; i++)
        if (table[i].class.library == pair->library && table[i].holds(pair))
            class = &table[i].class;
    d->v = arena_extend(d->arena, d->v, d->n, &d->cap, sizeof *d->v);
    d->v[d->n++] = (struct reference_difference){
        .library = pair->library,
        .subject = subject,
        .ours = str_of(ours),
        .theirs = str_of(theirs),
        .class = class,
    };
}

void reference_compare_spf(struct reference_differences *d, const struct reference_facts *facts,
                           const struct spf_outcome *ours, const struct spf_outcome *theirs)
{
    const struct reference_pair pair = {.arena = d->arena,
                                        .facts = facts,
                                        .library = REFERENCE_LIBSPF2,
                                        .ours.spf = ours,
                                        .theirs.spf = theirs};
    if (ours->result != theirs->result)
        add_difference(d, &pair, STR("SPF"), spf_result_name(ours->result),
                       spf_result_name(theirs->result));
}

/* What a signature is worth: it holds, it does not, or that cannot be known now. */
static enum dmarc_auth worth(const struct dkim_signature *s)
{
    return s->result == DKIM_PASS        ? DMARC_AUTH_PASS
           : s->result == DKIM_TEMPERROR ? DMARC_AUTH_UNKNOWN
                                         : DMARC_AUTH_FAIL;
}

void reference_compare_dkim(struct reference_differences *d, const struct reference_facts *facts,
                            const struct dkim_signature *ours, size_t n_ours,
                            const struct dkim_signature *theirs, size_t n_theirs)
{
    static const struct dkim_signature absent = {.result = DKIM_NONE};
    for (size_t i = 0; i < n_ours || i < n_theirs; i++) {
        const struct reference_pair pair = {.arena = d->arena,
                                            .facts = facts,
                                            .library = REFERENCE_LIBOPENDKIM,
                                            .index = i,
                                            .ours.dkim = i < n_ours ? &ours[i] : &absent,
                                            .theirs.dkim = i < n_theirs ? &theirs[i] : &absent};
        if (worth(pair.ours.dkim) != worth(pair.theirs.dkim))
            add_difference(d, &pair, str_printf(d->arena, "DKIM signature %zu", i + 1),
                           dkim_result_name(pair.ours.dkim->result),
                           dkim_result_name(pair.theirs.dkim->result));
    }
}

static const char *aligned_word(bool aligned)
{
    return aligned ? "aligned" : "not aligned";
}

void reference_compare_dmarc(struct reference_differences *d, const struct reference_facts *facts,
                             const struct dmarc_outcome *ours, const struct dmarc_outcome *theirs)
{
    struct reference_pair pair = {.arena = d->arena,
                                  .facts = facts,
                                  .library = REFERENCE_LIBOPENDMARC,
                                  .ours.dmarc = ours,
                                  .theirs.dmarc = theirs};
    if (ours->result != theirs->result) {
        add_difference(d, &pair, STR("DMARC"), dmarc_result_name(ours->result),
                       dmarc_result_name(theirs->result));
        return;
    }
    if (ours->result != DMARC_PASS && ours->result != DMARC_FAIL)
        return;
    pair.about = ABOUT_POLICY;
    if (ours->policy != theirs->policy)
        add_difference(d, &pair, STR("DMARC policy"), dmarc_policy_name(ours->policy),
                       dmarc_policy_name(theirs->policy));
    pair.about = ABOUT_SPF_ALIGNMENT;
    if (ours->spf_aligned != theirs->spf_aligned)
        add_difference(d, &pair, STR("SPF alignment"), aligned_word(ours->spf_aligned),
                       aligned_word(theirs->spf_aligned));
    pair.about = ABOUT_DKIM_ALIGNMENT;
    if (ours->dkim_aligned != theirs->dkim_aligned)
        add_difference(d, &pair, STR("DKIM alignment"), aligned_word(ours->dkim_aligned),
                       aligned_word(theirs->dkim_aligned));
}
