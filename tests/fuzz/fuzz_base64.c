/* base64: what decodes encodes back to the same digits, and white space makes no difference. */
#include "fuzz.h"

#include "crypto/canon.h"
#include "mail/taglist.h"

/* Without padding and the bits that belong to no octet, two texts of the same bytes are equal. */
static struct str digits(struct str text)
{
    while (text.n && text.p[text.n - 1] == '=')
        text.n--;
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size), bare = taglist_strip(a, text);
    struct str bytes = base64_decode(a, text), again = base64_decode(a, bare);
    require(!bytes.p == !again.p && str_eq(bytes, again));
    if (bytes.p) {
        struct str back = digits(base64_encode(a, bytes)), given = digits(bare);
        require(back.n == given.n);
        size_t sure = back.n % 4 && back.n ? back.n - 1 : back.n;
        require(str_eq(str_sub(back, 0, sure), str_sub(given, 0, sure)));
    }
    struct str encoded = base64_encode(a, text);
    require(encoded.n == (size + 2) / 3 * 4 && str_eq(base64_decode(a, encoded), text));
    arena_free(a);
    return 0;
}
