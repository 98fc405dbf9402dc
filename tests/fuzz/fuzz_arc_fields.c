/* One text as each of ARC's three fields: whatever it is, reading it ends, and gives a set a number
 * from 1 to 50, or none. */
#include "fuzz.h"

#include "arc/fields.h"

static const char *const names[] = {"ARC-Authentication-Results", "ARC-Message-Signature",
                                    "ARC-Seal"};

static void require_sound(const struct arc_outcome *o)
{
    require(o->result == ARC_FAIL || o->result == ARC_UNKNOWN);
    require((o->result == ARC_FAIL) == (o->reason.n > 0));
    require(o->n <= ARC_SETS_MAX && o->highest <= 99);
    for (unsigned i = 0; i < o->n; i++)
        require(o->sets[i].instance == i + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str value = fuzz_text(data, size), results;
    unsigned instance = arc_results_instance(value, &results);
    require(instance <= 99);
    require(!instance || results.p + results.n == value.p + value.n);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct header_list headers;
        header_list_init(&headers, a);
        header_list_add(&headers, str_of(names[i]), value);
        const struct arc_outcome *o = arc_chain_read(a, &headers);
        require_sound(o);
        require(o->result == ARC_FAIL); /* a set has three fields */
        header_list_add(&headers, str_of(names[i]), value);
        require_sound(arc_chain_read(a, &headers));
    }
    arena_free(a);
    return 0;
}
