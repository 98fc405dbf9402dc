/* State files of signing keys: what is read is written as what is read again. */
#include "fuzz.h"

#include "keys/statefile.h"

#define EARLIEST 0
#define LATEST   253402300800 /* of the year 9999; a leap second more */

static bool is_time(int64_t when)
{
    return when >= EARLIEST && when <= LATEST;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct key_life life, again;
    struct str fingerprint, same;
    unsigned line;
    if (!state_file_parse(fuzz_text(data, size), &life, &fingerprint, &line)) {
        require(line == 0 && fingerprint.n && life.state <= KEY_REMOVABLE);
        require(is_time(life.created) && is_time(life.since) && is_time(life.seen));
        require(life.ttl >= 0 && life.ttl <= UINT32_MAX);
        struct str text = state_file_text(a, &life, fingerprint);
        bool last_second = life.created == LATEST || life.since == LATEST || life.seen == LATEST;
        if (!last_second) {
            require(!state_file_parse(text, &again, &same, &line));
            require(str_eq(same, fingerprint) && again.state == life.state);
            require(again.created == life.created && again.since == life.since);
            require(again.seen == life.seen && (!life.seen || again.ttl == life.ttl));
        }
    }
    arena_free(a);
    return 0;
}
