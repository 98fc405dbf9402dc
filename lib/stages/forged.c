/* forged.c - finds header fields that speak in our name: Authentication-Results with our id (RFC
 * 8601 5), X-Assay-Gate with the same, and Received-SPF with receiver= us. Runs before anything of
 * ours is added.
 *
 * Each deletion costs the MTA a pass over the header, and Postfix ends over thousands of them: a
 * message with more than limits.forged-fields is refused instead.
 *
 * Errors: none; a field that cannot be understood is taken for forged. */
#include "core/entry.h"
#include "core/stage.h"
#include "mail/authres.h"
#include "mail/receivedspf.h"

static bool forged_authres(struct arena *a, struct str value, const struct entry_names *ids)
{
    struct authres_head head;
    authres_parse_head(a, value, &head);
    return authres_is_forged(a, &head, ids->v, ids->n);
}

static bool forged_received_spf(struct arena *a, struct str value, const struct entry_names *ids)
{
    return received_spf_is_forged(a, value, ids->v, ids->n);
}

typedef bool forged_fn(struct arena *, struct str, const struct entry_names *);

/* Ordinals, among the fields of this name, of those that must go; no more than one beyond the
 * limit. */
static size_t find_forged(struct stage_run *run, struct str name, forged_fn *is_forged,
                          const unsigned **out)
{
    const struct header_list *headers = &run->message->headers;
    size_t count = header_count(headers, name), n = 0;
    if (!count)
        return 0;
    struct entry_names ids;
    entry_authserv_ids(run->conf, run->message->arena, &ids);
    size_t limit = (size_t)run->conf->limits_forged_fields;
    unsigned *ordinals =
        arena_array(run->message->arena, unsigned, count <= limit ? count : limit + 1);
    unsigned ordinal = 0;
    for (size_t i = 0; i < headers->n && n <= limit; i++) {
        if (!str_eq_nocase(headers->fields[i].name, name))
            continue;
        ordinal++;
        if (i < run->message->entry_fields) /* written here, since the message came in */
            continue;
        if (is_forged(run->message->arena, headers->fields[i].value, &ids))
            ordinals[n++] = ordinal;
    }
    *out = ordinals;
    return n;
}

static void forged_eom(struct stage_run *run)
{
    struct evidence_forged *found = &run->evidence->forged;
    found->n = find_forged(run, STR("Authentication-Results"), forged_authres, &found->ordinals);
    found->n_received_spf =
        find_forged(run, STR("Received-SPF"), forged_received_spf, &found->received_spf);
    found->n_gate = find_forged(run, STR("X-Assay-Gate"), forged_authres, &found->gate);
    found->too_many =
        run->message->results_lost ||
        found->n + found->n_received_spf + found->n_gate > (size_t)run->conf->limits_forged_fields;
    if (found->too_many)
        found->n = found->n_received_spf = found->n_gate = 0;
}

const struct stage stage_forged = {.name = "forged", .eom = forged_eom, .telling = &telling_forged};
