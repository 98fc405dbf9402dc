/* forged.c - finds header fields that speak in our name: Authentication-Results with our id (RFC
 * 8601 5) and Received-SPF with receiver= us. Runs before anything of ours is added.
 *
 * Each deletion costs the MTA a pass over the header, and Postfix ends over thousands of them: a
 * message with more than limits.forged-fields is refused instead.
 *
 * Errors: none; a field that cannot be understood is taken for forged. */
#include "core/stage.h"
#include "mail/authres.h"
#include "mail/domain.h"
#include "mail/receivedspf.h"

static struct str normal_form(struct arena *a, struct str name)
{
    struct str normal;
    return domain_normalize(a, name, &normal) ? normal : name;
}

static size_t our_ids(struct stage_run *run, struct str **ids)
{
    struct arena *a = run->message->arena;
    const struct conf_strings *aliases = &run->conf->authserv_id_aliases;
    *ids = arena_array(a, struct str, aliases->n + 1);
    (*ids)[0] = normal_form(a, run->conf->authserv_id);
    for (size_t i = 0; i < aliases->n; i++)
        (*ids)[i + 1] = normal_form(a, aliases->v[i]);
    return aliases->n + 1;
}

static bool forged_authres(struct arena *a, struct str value, const struct str *ids, size_t n_ids)
{
    struct authres_head head;
    authres_parse_head(a, value, &head);
    return authres_is_forged(a, &head, ids, n_ids);
}

static bool forged_received_spf(struct arena *a, struct str value, const struct str *ids,
                                size_t n_ids)
{
    return received_spf_is_forged(a, value, ids, n_ids);
}

typedef bool forged_fn(struct arena *, struct str, const struct str *, size_t);

/* Ordinals, among the fields of this name, of those that must go; no more than one beyond the
 * limit. */
static size_t find(struct stage_run *run, struct str name, forged_fn *is_forged,
                   const unsigned **out)
{
    const struct header_list *headers = &run->message->headers;
    size_t count = header_count(headers, name), n = 0;
    if (!count)
        return 0;
    struct str *ids;
    size_t n_ids = our_ids(run, &ids);
    size_t limit = (size_t)run->conf->max_forged_fields;
    unsigned *ordinals =
        arena_array(run->message->arena, unsigned, count <= limit ? count : limit + 1);
    unsigned ordinal = 0;
    for (size_t i = 0; i < headers->n && n <= limit; i++) {
        if (!str_eq_nocase(headers->fields[i].name, name))
            continue;
        ordinal++;
        if (is_forged(run->message->arena, headers->fields[i].value, ids, n_ids))
            ordinals[n++] = ordinal;
    }
    *out = ordinals;
    return n;
}

static void eom(struct stage_run *run)
{
    struct evidence_forged *found = &run->evidence->forged;
    found->n = find(run, STR("Authentication-Results"), forged_authres, &found->ordinals);
    found->n_received_spf =
        find(run, STR("Received-SPF"), forged_received_spf, &found->received_spf);
    found->too_many = run->message->results_lost ||
                      found->n + found->n_received_spf > (size_t)run->conf->max_forged_fields;
    if (found->too_many)
        found->n = found->n_received_spf = 0;
}

const struct stage stage_forged = {.name = "forged", .eom = eom};
