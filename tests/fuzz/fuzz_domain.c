/* Domain names. */
#include "fuzz.h"

#include <string.h>

#include "mail/domain.h"

static void require_labels(struct str name)
{
    size_t n = domain_labels(name);
    require(n >= 1);
    require(str_eq(domain_last_labels(name, n), name));
    for (size_t i = 1; i <= n; i++) {
        struct str tail = domain_last_labels(name, i);
        require(domain_labels(tail) == i);
        require(domain_is_at_or_below(name, tail));
        require(domain_is_at_or_below(tail, name) == (i == n));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size), name, again;
    if (domain_normalize(a, text, &name)) {
        require(name.n > 0 && name.n <= DOMAIN_MAX && name.p[name.n] == '\0');
        require(strlen(name.p) == name.n);
        for (size_t i = 0; i < name.n; i++)
            require(name.p[i] > 0x20 && name.p[i] < 0x7F &&
                    !(name.p[i] >= 'A' && name.p[i] <= 'Z'));
        require(domain_normalize_ascii(a, name, &again) && str_eq(again, name));
        require_labels(name);
    }
    if (domain_normalize_ascii(a, text, &again))
        require(str_eq(again, name));
    arena_free(a);
    return 0;
}
