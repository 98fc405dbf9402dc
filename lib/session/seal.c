/* seal.c - seals mail from outside, and forwarded mail, behind all other edits.
 *
 * What cannot be known now is not sealed: a seal with cv=fail would last for ever.
 *
 * Errors: why there is no seal stands in the evidence; the message goes on without it. */
#include "session/seal.h"

#include "decide/edits.h"

static bool is_wanted(const struct transaction *t)
{
    enum origin origin = t->message.origin;
    return t->snapshot->conf->arc_mode == ARC_MODE_SEAL &&
           (origin == ORIGIN_INBOUND || origin == ORIGIN_FORWARDED);
}

void seal_prepare(struct transaction *t)
{
    if (is_wanted(t) && !t->message.over_limit)
        t->seal_body = body_digests_want(t->bodies, CANON_RELAXED, UINT64_MAX);
}

/* What our results say of the chain that the message has now. A list on this host breaks the last
 * message signature, so of forwarded mail only the structure is looked at; and where our set was
 * the first, there was no chain when it came in. */
static enum arc_cv cv_of(const struct evidence_arc *arc)
{
    if (arc->result == ARC_FAIL || arc->outcome.result == ARC_FAIL)
        return ARC_CV_FAIL;
    return arc->outcome.highest ? ARC_CV_PASS : ARC_CV_NONE;
}

/* What speaks against a seal, or STR_NONE. */
static struct str seal_objection(const struct transaction *t)
{
    const struct evidence_arc *arc = &t->evidence.arc;
    if (t->message.over_limit)
        return STR("the header exceeds our limits");
    if (arc->result == ARC_UNKNOWN)
        return STR("the chain cannot be judged now");
    if (arc->outcome.closed)
        return STR("the chain has been closed (cv=fail)");
    if (arc->told_limit)
        return STR("our limits had kept the chain from being judged when it came in");
    if (arc->outcome.out_of_queries)
        return STR("the chain takes more DNS queries than it may (dns.max-queries)");
    if (arc->outcome.by_option)
        return STR("options of ours make the chain fail (dkim.min-key-bits and the like)");
    if (arc->outcome.highest >= ARC_SETS_MAX)
        return STR("no instance is left above 50");
    return STR_NONE;
}

/* Inbound: what our Authentication-Results says. Forwarded: what it said when the message came in.
 */
static struct str results_of(const struct transaction *t, unsigned instance)
{
    const struct telling telling = transaction_telling(t);
    return t->message.origin == ORIGIN_INBOUND ? edits_sealed_results(&telling, instance)
                                               : edits_forwarded_results(&telling, instance);
}

static void insert_field(struct transaction *t, struct str name, struct str value)
{
    edit_push(&t->edits, t->arena,
              (struct edit){.kind = EDIT_INSERT, .name = name, .value = value});
}

static void make_own_set(struct transaction *t, const struct dkim_signing_key *key,
                         const struct dkim_sign_settings *settings)
{
    struct evidence_seal *seal = &t->evidence.arc.seal;
    unsigned instance = t->evidence.arc.outcome.highest + 1;
    const struct header_list leaving = edits_apply(t->arena, &t->message.headers, &t->edits);
    struct arc_sealed set;
    const struct arc_seal_request request = {
        .instance = instance,
        .cv = cv_of(&t->evidence.arc),
        .results = results_of(t, instance),
        .headers = &leaving,
        .body = t->seal_body,
        .key = key,
        .settings = settings,
    };
    if (!arc_seal(t->arena, &request, &set, &seal->problem))
        return;
    seal->instance = instance;
    seal->cv = request.cv;
    seal->domain = key->domain;
    seal->selector = key->selector;
    insert_field(t, ARC_RESULTS_FIELD, set.results);
    insert_field(t, ARC_MESSAGE_FIELD, set.message);
    insert_field(t, ARC_SEAL_FIELD, set.seal);
}

void seal_add(struct transaction *t)
{
    struct evidence_seal *seal = &t->evidence.arc.seal;
    struct dkim_sign_settings settings;
    if (!is_wanted(t) || t->verdict.action >= ACTION_TEMPFAIL)
        return;
    seal->tried = true;
    seal->why = seal_objection(t);
    if (seal->why.n)
        return;
    struct str domain = t->snapshot->conf->arc_sealing_domain;
    const struct dkim_signing_key *key =
        signing_find_sealer(t->snapshot->keys, domain, t->arena, &settings);
    if (!key) {
        seal->why = str_printf(t->arena, "no RSA key for %.*s", STR_ARG(domain));
        return;
    }
    settings.now = t->message.now;
    make_own_set(t, key, &settings);
}
