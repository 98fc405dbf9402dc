/* reason.c - the words for an outcome.
 *
 * Errors: none. Nothing is looked up for a phrase: it says what the evaluation has found out. */
#include "dmarc/reason.h"

#include "mail/domain.h"

#define IDENTIFIERS_SHOWN 4 /* in a list; the others are counted */

struct str dmarc_shown(struct dmarc_walker *walker, struct str domain)
{
    return str_safe(walker->asker->arena, domain, DOMAIN_MAX, false);
}

struct str dmarc_identifier_shown(struct dmarc_walker *walker, const struct dmarc_identifier *id)
{
    struct str domain = dmarc_shown(walker, id->domain);
    return str_printf(walker->asker->arena, id->spf ? "%.*s (SPF)" : "d=%.*s", STR_ARG(domain));
}

const char *dmarc_tag_name(char policy_tag)
{
    return policy_tag == 's' ? "sp" : policy_tag == 'n' ? "np" : "p";
}

const char *dmarc_aligned_word(enum dmarc_aligned aligned)
{
    static const char *const words[] = {
        [DMARC_UNALIGNED] = "not aligned",
        [DMARC_ALIGNED] = "aligned",
        [DMARC_ALIGNED_UNKNOWN] = "whether it is aligned cannot be known now",
    };
    return words[aligned];
}

enum dmarc_alignment dmarc_mode(const struct dmarc_record *record,
                                const struct dmarc_identifier *id)
{
    return id->spf ? record->aspf : record->adkim;
}

struct str dmarc_why_none(struct dmarc_walker *walker, struct str author)
{
    struct str name = dmarc_shown(walker, author);
    struct str above = walker->psl ? psl_organizational(walker->psl, author) : author;
    if (!str_eq(above, author))
        return str_printf(walker->asker->arena,
                          "no DMARC record at _dmarc.%.*s, nor at its organizational domain %.*s",
                          STR_ARG(name), STR_ARG(dmarc_shown(walker, above)));
    return str_printf(walker->asker->arena, "no DMARC record at _dmarc.%.*s%s", STR_ARG(name),
                      domain_labels(author) > 1 && !walker->psl ? " or above" : "");
}

struct str dmarc_why_unusable(struct dmarc_walker *walker, const struct dmarc_node *node)
{
    struct str name = dmarc_shown(walker, node->domain);
    return str_printf(walker->asker->arena,
                      "the DMARC record at _dmarc.%.*s has no valid p, or an invalid sp or np, and "
                      "no valid rua",
                      STR_ARG(name));
}

struct str dmarc_why_no_policy(struct dmarc_walker *walker, const struct dmarc_node *unknown)
{
    struct str name = dmarc_shown(walker, unknown->domain);
    return str_printf(walker->asker->arena,
                      "the policy cannot be known now: the look-up of _dmarc.%.*s gave %s",
                      STR_ARG(name), dns_status_name(unknown->status));
}

struct str dmarc_why_no_existence(struct dmarc_walker *walker, const struct dmarc_outcome *out,
                                  enum dns_status status)
{
    struct str name = dmarc_shown(walker, out->author_domain);
    return str_printf(walker->asker->arena,
                      "the policy cannot be known now: it depends on whether %.*s exists, and that "
                      "look-up gave %s",
                      STR_ARG(name), dns_status_name(status));
}

struct str dmarc_why_pass(struct dmarc_walker *walker, const struct dmarc_request *request,
                          size_t index)
{
    struct str id = dmarc_identifier_shown(walker, &request->ids[index]);
    struct str author = dmarc_shown(walker, request->author_domain);
    return str_printf(walker->asker->arena, "%.*s passed and is aligned with %.*s", STR_ARG(id),
                      STR_ARG(author));
}

struct str dmarc_why_undecided(struct dmarc_walker *walker, const struct dmarc_request *request,
                               size_t index)
{
    const struct dmarc_identifier *id = &request->ids[index];
    struct str name = dmarc_identifier_shown(walker, id);
    struct str author = dmarc_shown(walker, request->author_domain);
    return str_printf(walker->asker->arena,
                      id->auth == DMARC_AUTH_PASS
                          ? "%.*s passed, but whether it is aligned with %.*s cannot be known now"
                          : "whether %.*s passes cannot be known now, and it could align with %.*s",
                      STR_ARG(name), STR_ARG(author));
}

/* The identifier's organizational domain as the list or the walks so far tell it; empty if they do
 * not. */
static struct str organizational(struct dmarc_walker *walker, struct str domain)
{
    struct dmarc_walk walk;
    struct str found = STR_NONE;
    if (walker->psl)
        return psl_organizational(walker->psl, domain);
    if (dmarc_walk_seen(walker, domain, &walk))
        dmarc_walk_organizational(&walk, &found);
    return found;
}

static struct str why_unaligned(struct dmarc_walker *walker, const struct dmarc_identifier *id,
                                const struct dmarc_outcome *out)
{
    struct arena *a = walker->asker->arena;
    struct str name = dmarc_identifier_shown(walker, id);
    struct str author = dmarc_shown(walker, out->author_domain);
    struct str above = organizational(walker, id->domain);
    struct str authors_above = dmarc_shown(walker, out->organizational_domain);
    if (dmarc_mode(&out->record, id) == DMARC_STRICT)
        return str_printf(a, "%.*s passed, but %s=s wants %.*s itself", STR_ARG(name),
                          id->spf ? "aspf" : "adkim", STR_ARG(author));
    if (above.n && authors_above.n)
        return str_printf(a,
                          "%.*s and %.*s (From) have different organizational domains: %.*s, %.*s",
                          STR_ARG(name), STR_ARG(author), STR_ARG(dmarc_shown(walker, above)),
                          STR_ARG(authors_above));
    return str_printf(a, "%.*s passed but is not aligned with %.*s", STR_ARG(name),
                      STR_ARG(author));
}

static bool is_repeated(const struct dmarc_request *request, size_t i)
{
    const struct dmarc_identifier *ids = request->ids;
    for (size_t k = 0; k < i; k++)
        if (ids[k].auth == ids[i].auth && ids[k].spf == ids[i].spf &&
            str_eq(ids[k].domain, ids[i].domain))
            return true;
    return false;
}

struct str dmarc_why_fail(struct dmarc_walker *walker, const struct dmarc_request *request,
                          const struct dmarc_outcome *out)
{
    struct strbuf names;
    size_t n = 0;
    const struct dmarc_identifier *first = NULL;
    sb_init(&names, walker->asker->arena);
    for (size_t i = 0; i < request->n_ids; i++) {
        const struct dmarc_identifier *id = &request->ids[i];
        if (id->auth != DMARC_AUTH_PASS || is_repeated(request, i))
            continue;
        first = first ? first : id;
        if (n++ < IDENTIFIERS_SHOWN)
            sb_printf(&names, "%s%.*s", n > 1 ? ", " : "",
                      STR_ARG(dmarc_identifier_shown(walker, id)));
    }
    if (n == 0)
        return STR("neither SPF nor a DKIM signature passed");
    if (n == 1)
        return why_unaligned(walker, first, out);
    if (n > IDENTIFIERS_SHOWN)
        sb_printf(&names, " and %zu more", n - IDENTIFIERS_SHOWN);
    sb_printf(&names, " passed, but none of them is aligned with %.*s",
              STR_ARG(dmarc_shown(walker, out->author_domain)));
    return sb_str(&names);
}
