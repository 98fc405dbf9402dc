/* arc.c - the chain of a message: evaluated, and asked whether it excuses a DMARC failure.
 *
 * Of forwarded mail our own Authentication-Results tells the result, because a list on this host
 * breaks the set that was made when the message came in; only without it, or without that set, the
 * chain is evaluated. What was found then is taken from the set.
 *
 * Errors: DNS trouble is ARC_UNKNOWN; a header beyond the limits is a fail, because what was not
 * kept cannot be hashed. */
#include "core/entry.h"
#include "core/request.h"
#include "core/stage.h"
#include "mail/domain.h"

#define TOLD_SETS  10 /* in the comment of an override */
#define OVER_LIMIT "the header exceeds our limits"

/* --- The result --------------------------------------------------------------------------------*/

static bool read_result(struct str word, enum arc_result *result)
{
    for (int i = 0; i < ARC_RESULT_COUNT; i++) {
        *result = (enum arc_result)i;
        if (str_eq_nocase(word, str_of(arc_result_name(*result))))
            return true;
    }
    return false;
}

/* The d= of our sets. */
static struct str our_sealer(const struct stage_run *run)
{
    struct dkim_sign_settings settings;
    struct str domain = run->conf->arc_sealing_domain;
    const struct dkim_signing_key *key =
        signing_find_sealer(run->signing_keys, domain, run->message->arena, &settings);
    return key ? key->domain : domain;
}

/* What our set says that was made when the message came in, if that is the newest one. Receivers
 * verify its seal, so nobody else makes one that counts; that it comes from another message cannot
 * be seen, as a list may have changed what it signs. False: there is none, or not to be read. */
static bool sealed_before(struct stage_run *run, struct authres_results *said)
{
    const struct arc_outcome *o = &run->evidence->arc.outcome;
    const struct arc_set *newest = o->n ? &o->sets[o->n - 1] : NULL;
    return newest && newest->has_seal && newest->seal->domain.n &&
           str_eq(newest->seal->domain, our_sealer(run)) &&
           authres_parse_foreign(run->message->arena, newest->results, said);
}

/* A fail that says something of our limits, and nothing of the chain. */
static bool is_our_limit(struct str reason)
{
    return str_eq(reason, STR(OVER_LIMIT)) || str_ends_nocase(reason, STR(DKIM_NO_QUERY_LEFT)) ||
           dkim_fails_by_option(reason);
}

/* Takes a result that our own field tells. What speaks for the message counts only beside our set:
 * a field alone any program of this host can write, and we would vouch for it. */
static bool take_told(struct stage_run *run, enum arc_result result, struct str reason)
{
    struct evidence_arc *e = &run->evidence->arc;
    bool good = result == ARC_PASS || result == ARC_NONE;
    struct authres_results said;
    if (good && !sealed_before(run, &said))
        return false;
    if (good)
        e->believed = said;
    e->checked = true;
    e->told_before = good;
    e->told_limit = is_our_limit(reason);
    e->result = result;
    e->reason = STR("so it was when it came in");
    return true;
}

/* True if our own field tells the result. */
static bool told_before(struct stage_run *run)
{
    struct authres_results said;
    enum arc_result result;
    run->evidence->arc.outcome = *arc_chain_read(run->message->arena, &run->message->headers);
    entry_results(run->conf, run->message, &said);
    for (size_t i = 0; i < said.n; i++)
        if (str_eq_nocase(said.v[i].method, STR("arc")) && read_result(said.v[i].result, &result))
            return take_told(run, result, authres_property_of(&said.v[i], "reason"));
    return false;
}

/* What is known without evaluating it; arc_eom() takes it. */
static void decide_at_once(struct stage_run *run, const char *reason, bool out_of_queries)
{
    struct evidence_arc *e = &run->evidence->arc;
    e->outcome = *arc_chain_read(run->message->arena, &run->message->headers);
    if (e->outcome.result != ARC_NONE) {
        e->outcome.result = ARC_FAIL;
        e->outcome.reason = str_of(reason);
        e->outcome.out_of_queries = out_of_queries;
    }
}

static void begin_chain(struct stage_run *run)
{
    struct dkim_verify_settings settings;
    if (!request_arc(run->conf, run->message, run->evidence->dkim.n_claimed, &settings)) {
        decide_at_once(run, "no DNS query is left for its keys " DKIM_NO_QUERY_LEFT, true);
        return;
    }
    settings.bodies = run->bodies;
    run->state = arc_chain_new(&settings, &run->message->headers, run->keys, run->asker);
}

static void arc_eoh(struct stage_run *run)
{
    bool forwarded = run->message->origin == ORIGIN_FORWARDED;
    enum arc_mode mode = run->conf->arc_mode;
    if (mode == ARC_MODE_OFF || (forwarded && mode != ARC_MODE_SEAL) ||
        (forwarded && told_before(run)))
        return;
    if (run->message->over_limit) {
        decide_at_once(run, OVER_LIMIT, false);
        return;
    }
    begin_chain(run);
}

static void take_outcome(struct stage_run *run)
{
    struct evidence_arc *e = &run->evidence->arc;
    e->checked = true;
    if (run->state)
        e->outcome = *arc_chain_finish(run->state, run->asker);
    e->result = e->outcome.result;
    e->reason = e->outcome.reason;
}

/* --- Whether it excuses ------------------------------------------------------------------------*/

static void mark_trusted(struct stage_run *run)
{
    struct evidence_arc *e = &run->evidence->arc;
    bool *trusted = arena_array(run->message->arena, bool, e->outcome.n);
    for (unsigned i = 0; i < e->outcome.n; i++) {
        const struct arc_set *set = &e->outcome.sets[i];
        trusted[i] = set->has_seal && set->seal->domain.n &&
                     conf_has_domain(&run->conf->arc_trusted_sealers, set->seal->domain);
    }
    e->trusted = trusted;
}

/* "user@example.org", "@example.org" or "example.org": the domain. */
static bool domain_of(struct arena *a, struct str text, struct str *domain)
{
    size_t at = str_find_last(text, '@');
    return domain_normalize(a, str_sub(text, at < text.n ? at + 1 : 0, text.n), domain);
}

/* How far a DMARC result is about this author domain. Some write the address there, and some write
 * it twice. */
enum subject { SUBJECT_OTHER, SUBJECT_MIXED, SUBJECT_AUTHOR };

static enum subject subject_of(struct arena *a, const struct authres_resinfo *r, struct str author)
{
    size_t named = 0, same = 0;
    struct str domain;
    for (size_t i = 0; i < r->n; i++) {
        if (!str_eq_nocase(r->properties[i].name, STR("header.from")))
            continue;
        named++;
        same += domain_of(a, r->properties[i].value, &domain) && str_eq(domain, author);
    }
    return !same ? SUBJECT_OTHER : same < named ? SUBJECT_MIXED : SUBJECT_AUTHOR;
}

/* What one result authenticates, if it is a pass of SPF or DKIM. */
static bool identifier_of(struct arena *a, const struct authres_resinfo *r,
                          struct dmarc_identifier *id)
{
    *id = (struct dmarc_identifier){.auth = DMARC_AUTH_PASS};
    if (!str_eq_nocase(r->result, STR("pass")))
        return false;
    if (str_eq_nocase(r->method, STR("spf"))) {
        id->spf = true;
        return domain_of(a, authres_property_of(r, "smtp.mailfrom"), &id->domain);
    }
    if (!str_eq_nocase(r->method, STR("dkim")))
        return false;
    struct str d = authres_property_of(r, "header.d");
    return domain_of(a, d.n ? d : authres_property_of(r, "header.i"), &id->domain);
}

/* By what it says of SPF and DKIM. All sets together have the queries that DMARC has left: fifty of
 * them could name hundreds of domains. */
static enum dmarc_auth aligned(struct stage_run *run, const struct authres_results *said,
                               struct str author)
{
    struct arena *a = run->message->arena;
    struct dmarc_identifier *ids = arena_array(a, struct dmarc_identifier, said->n);
    struct dmarc_request request = {
        .author_domain = author,
        .ids = ids,
        .psl = run->conf->psl,
        .identifier_queries = &run->evidence->dmarc.identifier_queries,
    };
    struct dmarc_outcome outcome;
    for (size_t i = 0; i < said->n; i++)
        request.n_ids += identifier_of(a, &said->v[i], &ids[request.n_ids]);
    if (!request.n_ids)
        return DMARC_AUTH_FAIL;
    dmarc_evaluate(&request, run->asker, &outcome);
    return outcome.result == DMARC_PASS        ? DMARC_AUTH_PASS
           : outcome.result == DMARC_TEMPERROR ? DMARC_AUTH_UNKNOWN
                                               : DMARC_AUTH_FAIL;
}

/* What a set says of an author domain: dmarc=pass, or else a pass of SPF or DKIM that is aligned.
 */
static enum dmarc_auth vouches(struct stage_run *run, const struct arc_set *set, struct str author)
{
    struct arena *a = run->message->arena;
    struct authres_results said;
    bool passes = false, fails = false;
    if (!authres_parse_foreign(a, set->results, &said))
        return DMARC_AUTH_FAIL;
    for (size_t i = 0; i < said.n; i++) {
        const struct authres_resinfo *r = &said.v[i];
        if (!str_eq_nocase(r->method, STR("dmarc")))
            continue;
        enum subject subject = subject_of(a, r, author);
        passes = passes || (subject == SUBJECT_AUTHOR && str_eq_nocase(r->result, STR("pass")));
        fails = fails || (subject != SUBJECT_OTHER && str_eq_nocase(r->result, STR("fail")));
    }
    if (passes || fails)
        return passes && !fails ? DMARC_AUTH_PASS : DMARC_AUTH_FAIL;
    return aligned(run, &said, author);
}

/* RFC 8617 7.2.2: the chain, the domain and selector of each seal, and where it all began. */
static struct str comment_of(struct stage_run *run, const struct arc_outcome *o)
{
    struct arena *a = run->message->arena;
    struct authres_results first;
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("arc=pass"));
    for (unsigned i = o->n; i > 0 && i + TOLD_SETS > o->n; i--)
        sb_printf(&b, " as[%u].d=%.*s as[%u].s=%.*s", i, STR_ARG(o->sets[i - 1].seal->domain), i,
                  STR_ARG(o->sets[i - 1].seal->selector));
    authres_parse_foreign(a, o->sets[0].results, &first);
    for (size_t i = 0; i < first.n; i++) {
        struct netaddr address;
        char text[NETADDR_TEXT];
        if (netaddr_parse(authres_property_of(&first.v[i], "smtp.remote-ip"), &address)) {
            sb_printf(&b, " remote-ip[1]=%s", netaddr_format(&address, text));
            break;
        }
    }
    return sb_str(&b);
}

/* From the newest set down to the one that vouches: each sealer on the way has to be trusted. */
static void look_for_excuse(struct stage_run *run, struct str author, struct arc_excuse *out)
{
    const struct evidence_arc *e = &run->evidence->arc;
    unsigned stranger = 0;
    for (unsigned i = e->outcome.n; i > 0 && !out->believed; i--) {
        const struct arc_set *set = &e->outcome.sets[i - 1];
        if (!e->trusted[i - 1] && !stranger)
            stranger = i;
        enum dmarc_auth says = vouches(run, set, author);
        if (says == DMARC_AUTH_FAIL)
            continue;
        out->believed = i;
        if (!stranger)
            out->granted = e->result == ARC_PASS ? says : DMARC_AUTH_UNKNOWN;
    }
    if (out->believed && stranger)
        out->why_not = str_printf(run->message->arena, "%.*s is not in arc.trusted-sealers",
                                  STR_ARG(e->outcome.sets[stranger - 1].seal->domain));
    if (out->granted == DMARC_AUTH_PASS)
        out->comment = comment_of(run, &e->outcome);
}

/* Where DMARC has nothing to excuse, nothing is looked for. */
static void look_for_excuses(struct stage_run *run)
{
    struct evidence_arc *e = &run->evidence->arc;
    const struct evidence_dmarc *dmarc = &run->evidence->dmarc;
    struct arc_excuse *excuses = arena_array(run->message->arena, struct arc_excuse, dmarc->n);
    if (e->result != ARC_PASS && e->result != ARC_UNKNOWN)
        return;
    for (size_t i = 0; i < dmarc->n; i++) {
        enum dmarc_result result = dmarc->outcomes[i].result;
        if (result == DMARC_FAIL || result == DMARC_TEMPERROR)
            look_for_excuse(run, dmarc->outcomes[i].author_domain, &excuses[i]);
    }
    e->excuses = excuses;
    e->n_excuses = dmarc->n;
}

static void arc_eom(struct stage_run *run)
{
    bool forwarded = run->message->origin == ORIGIN_FORWARDED;
    enum arc_mode mode = run->conf->arc_mode;
    if (mode == ARC_MODE_OFF || (forwarded && mode != ARC_MODE_SEAL))
        return;
    if (!run->evidence->arc.checked)
        take_outcome(run);
    mark_trusted(run);
    if (!forwarded)
        look_for_excuses(run);
}

const struct stage stage_arc = {
    .name = "arc", .favoured = true, .eoh = arc_eoh, .eom = arc_eom, .telling = &telling_arc};
