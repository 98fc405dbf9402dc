/* check_advice.c - what would have saved a message on its way: a seal (ARC), a sealer that is
 * trusted, an SRS address.
 *
 * Errors: none. */
#include <string.h>

#include "mail/domain.h"
#include "milter/commands/check.h"

#define SRS_ADVICE                                                                                 \
    "SPF alone decided: if %s forwards mail, an SRS address of its own in MAIL FROM would have "   \
    "saved this message, and spf.trusted-forwarders would have excused it"
#define SEALER_ADVICE                                                                              \
    "set %u vouches for %.*s, but %.*s: with it there the failure of DMARC would be excused"
#define SEAL_ADVICE                                                                                \
    "a seal of the server that changed the message after %.*s had %s it could excuse it "          \
    "(arc.trusted-sealers)"

static void advise(struct check_advice *out, const char *by, struct str text)
{
    if (out->n < sizeof out->v / sizeof *out->v)
        out->v[out->n++] = (struct check_advised){by, text};
}

static bool is_cause(const struct check_case *c, const char *cause)
{
    const struct verdict *v = &c->t->verdict;
    return v->cause && strcmp(v->cause, cause) == 0;
}

static struct str shown_domain(const struct check_case *c, struct str domain)
{
    return str_safe(c->arena, domain, DOMAIN_MAX, true);
}

/* Forwarded mail fails SPF, unless its sender is rewritten: worth a word where nothing else speaks
 * against the message. It would not help with DMARC, which wants the author's domain. */
static void advise_srs(const struct check_case *c, struct check_advice *out)
{
    char address[NETADDR_TEXT];
    enum spf_result result = c->t->evidence.spf.mail_from.outcome.result;
    if (!is_cause(c, "spf") || c->t->verdict.disposition != DMARC_P_NONE ||
        (result != SPF_FAIL && result != SPF_SOFTFAIL) || c->t->message.from.null)
        return;
    advise(out, "srs",
           str_printf(c->arena, SRS_ADVICE, netaddr_format(&c->t->session->client, address)));
}

/* A set vouches for the author, and somebody on the way is not trusted. */
static void advise_sealers(const struct check_case *c, struct check_advice *out)
{
    const struct evidence *e = &c->t->evidence;
    for (size_t i = 0; i < e->arc.n_excuses; i++) {
        const struct arc_excuse *excuse = &e->arc.excuses[i];
        if (!excuse->why_not.n)
            continue;
        struct str author = shown_domain(c, e->dmarc.outcomes[i].author_domain);
        advise(out, "sealer",
               str_printf(c->arena, SEALER_ADVICE, excuse->believed, STR_ARG(author),
                          STR_ARG(excuse->why_not)));
    }
}

/* True for a signature of the author's own organization that was broken on the way. */
static bool is_broken_of(const struct dkim_signature *s, struct str author)
{
    struct str common = domain_common(s->domain, author);
    return s->result == DKIM_FAIL && common.n && domain_labels(common) >= 2;
}

/* Whose signature or seal held until somebody changed the message; empty: none is known.
 */
static struct str whose_was_broken(const struct evidence *e)
{
    const struct arc_outcome *chain = &e->arc.outcome;
    const struct arc_set *newest = chain->n ? &chain->sets[chain->n - 1] : NULL;
    if (e->arc.result == ARC_FAIL)
        return newest && newest->message && newest->message->result == DKIM_FAIL
                   ? newest->message->domain
                   : STR_NONE;
    for (size_t i = 0; e->arc.result == ARC_NONE && i < e->dkim.n; i++)
        if (is_broken_of(&e->dkim.signatures[i],
                         e->dmarc.outcomes[e->dmarc.decisive].author_domain))
            return e->dkim.signatures[i].domain;
    return STR_NONE;
}

/* The server that changed the message could have said that the signature had held. */
static void advise_seal(const struct check_case *c, struct check_advice *out)
{
    const struct evidence *e = &c->t->evidence;
    if (!e->arc.checked || e->dmarc.result != DMARC_FAIL || !is_cause(c, "dmarc"))
        return;
    struct str broken = whose_was_broken(e);
    if (broken.n)
        advise(out, "seal",
               str_printf(c->arena, SEAL_ADVICE, STR_ARG(shown_domain(c, broken)),
                          e->arc.result == ARC_NONE ? "signed" : "sealed"));
}

void check_advice(const struct check_case *c, struct check_advice *out)
{
    *out = (struct check_advice){0};
    advise_seal(c, out);
    advise_sealers(c, out);
    advise_srs(c, out);
}
