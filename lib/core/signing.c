/* signing.c - the key that seals.
 *
 * Errors: NULL where there is none. */
#include "core/signing.h"

const struct dkim_signing_key *signing_find_sealer(const struct key_set *set, struct str domain,
                                                   struct arena *a,
                                                   struct dkim_sign_settings *settings)
{
    const struct mailbox sealer = {.local = STR(""), .domain = domain, .domain_ok = true};
    struct signing_choice choice = {0};
    if (set)
        set->find(set, &sealer, a, &choice);
    for (size_t i = 0; i < choice.n; i++) {
        if (private_key_type(choice.keys[i].key) != KEY_RSA)
            continue;
        *settings = *choice.settings;
        return &choice.keys[i];
    }
    return NULL;
}
