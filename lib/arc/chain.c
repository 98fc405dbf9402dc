/* chain.c - the validator: RFC 8617 5.2 over the sets of a message.
 *
 * DNS trouble is kept apart from failure, which the RFC does not (5.2.1): a seal with cv=fail lasts
 * for ever, and trouble does not.
 *
 * Errors: none but results. */
#include "arc/fields.h"
#include "dkim/evaluate.h"
#include "dkim/signer.h"

struct arc_chain {
    struct dkim_verify_settings settings;
    struct signature_terms terms;
    struct arena *arena;
    struct arc_gathered found;
    struct arc_outcome outcome;
    struct key_queries queries;
    struct fields *index; /* the header by name */
};

const char *arc_result_name(enum arc_result result)
{
    static const char *const names[ARC_RESULT_COUNT] = {"none", "pass", "fail", "temperror"};
    return names[result];
}

const char *arc_cv_name(enum arc_cv cv)
{
    static const char *const names[] = {"invalid", "none", "pass", "fail"};
    return names[cv];
}

static void decide_chain(struct arc_chain *c, enum arc_result result, struct str reason)
{
    c->outcome.result = result;
    c->outcome.reason = reason;
}

static void fail_chain(struct arc_chain *c, const char *reason)
{
    decide_chain(c, ARC_FAIL, str_of(reason));
}

/* --- Structure (5.2 steps 1 to 3) --------------------------------------------------------------*/

static const char *set_problem(const struct arc_set *set)
{
    if (!set->has_results)
        return "has no ARC-Authentication-Results";
    if (!set->has_message)
        return "has no ARC-Message-Signature";
    if (!set->has_seal)
        return "has no ARC-Seal";
    if (set->instance == 1 && set->cv != ARC_CV_NONE)
        return "is sealed with another cv= than none";
    if (set->instance > 1 && set->cv != ARC_CV_PASS)
        return "is sealed with another cv= than pass";
    return NULL;
}

/* Those that are missing are empty. */
static void name_sets(struct arc_chain *c)
{
    struct arc_gathered *found = &c->found;
    c->outcome.highest = found->highest;
    c->outcome.closed = found->closed;
    if (!found->sets)
        return;
    c->outcome.n = found->highest < ARC_SETS_MAX ? found->highest : ARC_SETS_MAX;
    c->outcome.sets = &found->sets[1];
    for (unsigned i = 1; i <= c->outcome.n; i++)
        found->sets[i].instance = i;
}

static void check_structure(struct arc_chain *c)
{
    const struct arc_outcome *o = &c->outcome;
    name_sets(c);
    if (o->n && o->sets[o->n - 1].cv == ARC_CV_FAIL) {
        fail_chain(c, "its newest seal says that it has failed (cv=fail)");
        return;
    }
    if (c->found.problem) {
        fail_chain(c, c->found.problem);
        return;
    }
    for (unsigned i = 0; i < o->n; i++) {
        const char *problem = set_problem(&o->sets[i]);
        if (!problem)
            continue;
        decide_chain(c, ARC_FAIL, str_printf(c->arena, "set %u %s", i + 1, problem));
        return;
    }
}

/* --- What the fields themselves rule out -------------------------------------------------------*/

/* RFC 8617 4.1.3: h= in a seal is a fail. */
static void check_seal(struct signature *s)
{
    if (taglist_get(&s->tags, STR("h")).p)
        signature_decide(s, DKIM_PERMERROR, STR("h= is not allowed in a seal"));
}

/* RFC 8617 4.1.2 lets no message signature cover fields of ARC. Those of its own set and of earlier
 * ones stay as they are, but a seal of its own set is made after it. */
static void check_message(const struct arc_chain *c, struct signature *s)
{
    signature_check_expiry(&c->settings, s);
    for (size_t i = 0; i < s->n_names; i++)
        if (str_eq_nocase(s->names[i], ARC_SEAL_FIELD))
            signature_decide(s, DKIM_PERMERROR, STR("ARC-Seal is signed by it"));
}

static void check_fields(struct arc_chain *c)
{
    for (unsigned i = 1; i <= c->outcome.n; i++) {
        check_seal(c->found.fields[i].seal_signature);
        check_message(c, c->found.fields[i].message_signature);
    }
}

/* The chain fails because of this signature; `what` is "the seal of set", for example. */
static void fail_by(struct arc_chain *c, const char *what, unsigned instance,
                    const struct dkim_signature *s)
{
    c->outcome.out_of_queries = s->out_of_queries;
    c->outcome.by_option = dkim_fails_by_option(s->reason);
    decide_chain(c, ARC_FAIL,
                 str_printf(c->arena, "%s %u: %.*s", what, instance, STR_ARG(s->reason)));
}

static const char the_message[] = "the message signature of set", the_seal[] = "the seal of set";

/* Fails the chain by what is decided already. */
static void look_at_decided(struct arc_chain *c)
{
    const struct arc_fields *newest = &c->found.fields[c->outcome.n];
    if (newest->message_signature->decided) {
        fail_by(c, the_message, c->outcome.n, newest->message_signature->result);
        return;
    }
    for (unsigned i = c->outcome.n; i > 0; i--) {
        const struct signature *s = c->found.fields[i].seal_signature;
        if (!s->decided)
            continue;
        fail_by(c, the_seal, i, s->result);
        return;
    }
}

/* --- Hashes and keys ---------------------------------------------------------------------------*/

static void hash_field(struct header_hash *hash, const struct header_field *field)
{
    header_hash_field(hash, header_written_name(field), field->value);
}

/* RFC 8617 5.1.1: a seal covers all sets up to its own, so one hash grows along the chain. */
static void hash_seals(struct arc_chain *c)
{
    struct header_hash *all = header_hash_new(c->arena, CANON_RELAXED);
    for (unsigned i = 1; i <= c->outcome.n; i++) {
        const struct arc_fields *f = &c->found.fields[i];
        hash_field(all, f->results);
        hash_field(all, f->message);
        struct header_hash *own = header_hash_copy(c->arena, all);
        header_hash_signature(own, header_written_name(f->seal), f->seal->value);
        header_hash_finish(own, f->seal_signature->header_digest);
        hash_field(all, f->seal);
    }
}

/* Older message signatures are looked at only if their digest of the body is one that all can
 * share. */
static bool may_be_looked_at(const struct signature *s)
{
    return !s->decided && !s->body_limited;
}

static void want_bodies(struct arc_chain *c)
{
    unsigned n = c->outcome.n;
    signature_want_body(&c->terms, c->found.fields[n].message_signature);
    for (unsigned i = n - 1; i > 0; i--) {
        struct signature *s = c->found.fields[i].message_signature;
        if (!may_be_looked_at(s))
            break;
        signature_want_body(&c->terms, s);
    }
}

static void ask_for_keys(struct arc_chain *c, struct dns_asker *asker)
{
    unsigned n = c->outcome.n;
    signature_start_query(&c->terms, &c->queries, c->found.fields[n].message_signature, asker);
    for (unsigned i = n; i > 0; i--)
        signature_start_query(&c->terms, &c->queries, c->found.fields[i].seal_signature, asker);
    for (unsigned i = n - 1; i > 0; i--) {
        struct signature *s = c->found.fields[i].message_signature;
        if (!may_be_looked_at(s))
            break;
        signature_start_query(&c->terms, &c->queries, s, asker);
    }
}

/* --- The stream --------------------------------------------------------------------------------*/

static struct arc_chain *begin_chain(struct arena *a, const struct header_list *headers)
{
    struct arc_chain *c = arena_make(a, struct arc_chain);
    c->arena = a;
    arc_gather(a, headers, &c->found);
    if (c->found.any) {
        c->outcome.result = ARC_UNKNOWN;
        check_structure(c);
    }
    return c;
}

static bool has_any(const struct header_list *headers)
{
    for (size_t i = 0; i < headers->n; i++)
        if (arc_is_field(headers->fields[i].name))
            return true;
    return false;
}

const struct arc_outcome *arc_chain_read(struct arena *a, const struct header_list *headers)
{
    return &begin_chain(a, headers)->outcome;
}

struct arc_chain *arc_chain_new(const struct dkim_verify_settings *settings,
                                const struct header_list *headers, struct key_cache *keys,
                                struct dns_asker *asker)
{
    if (!has_any(headers))
        return NULL;
    struct arc_chain *c = begin_chain(asker->arena, headers);
    c->settings = *settings;
    c->terms = (struct signature_terms){
        .settings = &c->settings, .arena = c->arena, .keys = keys, .bodies = settings->bodies};
    if (c->outcome.result != ARC_UNKNOWN)
        return c;
    check_fields(c);
    look_at_decided(c);
    if (c->outcome.result != ARC_UNKNOWN)
        return c;
    ask_for_keys(c, asker);
    look_at_decided(c); /* by want of queries */
    if (c->outcome.result != ARC_UNKNOWN)
        return c;
    c->index = fields_new(c->arena, headers);
    signature_hash_header(c->arena, c->found.fields[c->outcome.n].message_signature, c->index);
    hash_seals(c);
    want_bodies(c);
    return c;
}

/* --- The result (5.2 steps 4 to 7) -------------------------------------------------------------*/

enum standing { HOLDS, BROKEN, OPEN };

static enum standing judge_signature(struct arc_chain *c, struct signature *s,
                                     struct dns_asker *asker)
{
    if (!s->decided)
        signature_judge(&c->terms, s, asker);
    return s->result->result == DKIM_PASS        ? HOLDS
           : s->result->result == DKIM_TEMPERROR ? OPEN
                                                 : BROKEN;
}

/* False: the chain has failed. *open: something cannot be known now, and why. */
static bool judge_seals(struct arc_chain *c, struct dns_asker *asker, const struct str **open)
{
    for (unsigned i = c->outcome.n; i > 0; i--) {
        struct signature *s = c->found.fields[i].seal_signature;
        enum standing standing = judge_signature(c, s, asker);
        if (standing == BROKEN) {
            fail_by(c, the_seal, i, s->result);
            return false;
        }
        if (standing == OPEN)
            *open = &s->result->reason;
    }
    return true;
}

static void find_oldest_pass(struct arc_chain *c, struct dns_asker *asker)
{
    struct arc_outcome *o = &c->outcome;
    o->has_oldest_pass = true;
    for (unsigned i = o->n - 1; i > 0; i--) {
        struct signature *s = c->found.fields[i].message_signature;
        if (may_be_looked_at(s))
            signature_hash_header(c->arena, s, c->index);
        else
            signature_decide(s, DKIM_POLICY, STR("it covers only the beginning of the body (l=)"));
        enum standing standing = judge_signature(c, s, asker);
        o->has_oldest_pass = standing != OPEN && !s->result->out_of_queries;
        if (standing != HOLDS) {
            o->oldest_pass = i + 1;
            return;
        }
    }
}

const struct arc_outcome *arc_chain_finish(struct arc_chain *c, struct dns_asker *asker)
{
    struct arc_outcome *o = &c->outcome;
    const struct str *open = NULL;
    if (o->result != ARC_UNKNOWN)
        return o;
    struct signature *newest = c->found.fields[o->n].message_signature;
    enum standing standing = judge_signature(c, newest, asker);
    if (standing == BROKEN) {
        fail_by(c, the_message, o->n, newest->result);
        return o;
    }
    if (standing == OPEN)
        open = &newest->result->reason;
    if (!judge_seals(c, asker, &open))
        return o;
    if (open) {
        decide_chain(c, ARC_UNKNOWN, *open);
        return o;
    }
    decide_chain(c, ARC_PASS, STR(""));
    find_oldest_pass(c, asker);
    return o;
}
