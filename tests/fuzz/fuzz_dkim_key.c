/* Key records, and the DER within: what decodes has a size that we can afford, and verifies
 * nothing.
 *
 * Input that begins with '0', as DER does, is the bytes of p= themselves; other input is a record.
 */
#include "fuzz.h"

#include <string.h>

#include "dkim/keyrecord.h"

static void check_key(enum key_type type, struct str bytes, struct key_cache *cache)
{
    static const unsigned char digest[32] = {1, 2, 3};
    static const char zeros[1024];
    const char *problem = NULL;
    struct public_key *key = key_cache_get(cache, type, bytes, &problem);
    require(!key == (problem != NULL));
    if (!key)
        return;
    unsigned bits = public_key_bits(key);
    require(public_key_type(key) == type && bits > 0 && bits <= KEY_RSA_BITS_MAX);
    struct str signature = {zeros, type == KEY_RSA ? (bits + 7) / 8 : 64};
    require(!public_key_verify(key, digest, signature));
    struct public_key *again = key_cache_get(cache, type, bytes, &problem);
    require(again && public_key_bits(again) == bits);
    public_key_release(again);
    public_key_release(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct key_cache *cache;
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size);
    struct key_record record;
    if (!cache)
        cache = key_cache_new(1 << 16);
    if (size && data[0] == 0x30) {
        check_key(KEY_RSA, text, cache);
    } else {
        const char *problem = key_record_parse(a, text, &record);
        require(problem || record.key.p);
        require(problem || record.revoked == (record.key.n == 0));
        if (!problem)
            check_key(record.type, record.key, cache);
    }
    arena_free(a);
    return 0;
}
