/* SRS: any text as an address. What is made is an address of ours, and leads back to where it came
 * from; what is no address of our making leads nowhere. */
#include "fuzz.h"

#include <string.h>

#include "mail/address.h"
#include "srs/srs.h"

#define NOW 1728000000

static const struct str secret[] = {STR_INIT("s"), STR_INIT("t")};

static bool is_clean(struct str address)
{
    for (size_t i = 0; i < address.n; i++)
        if ((unsigned char)address.p[i] < 0x20 || address.p[i] == 0x7F)
            return false;
    return true;
}

/* The address that both names stand for, without the case that a host does not have. */
static void require_same(const struct srs_scheme *s, struct str one, struct str other,
                         struct arena *a)
{
    /* Both are forwarded by the same address, if they are the same but for quotes and the form of
     * the host. */
    struct srs_outcome x = srs_forward(s, one, NOW, a), y = srs_forward(s, other, NOW, a);
    require(x.status == SRS_DONE && y.status == SRS_DONE);
    require(str_eq_nocase(x.address, y.address));
}

static void require_done(const struct srs_scheme *s, struct str sender, struct str address,
                         struct arena *a)
{
    struct mail_path path;
    require(is_clean(address) && mail_path_parse(address, &path));
    require(str_eq(path.domain, s->domain) && path.local.n <= 64 && str_eq(path.whole, address));
    struct srs_outcome back = srs_reverse(s, address, NOW, a);
    require(back.status == SRS_DONE && is_clean(back.address));
    require(srs_forward(s, address, NOW, a).status == SRS_UNTOUCHED);
    if (str_starts(address, STR("SRS0")))
        require_same(s, sender, back.address, a);
    require(srs_reverse(s, str_lower(a, address), NOW, a).status == SRS_DONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size);
    struct srs_scheme s = {
        .domain = STR("s.example"),
        .n_secrets = 1,
        .secrets = secret,
        .hash_length = 4,
        .hash_minimum = 4,
        .validity_days = 21,
        .alphabet = size % 2 ? SRS_BASE64 : SRS_BASE64URL,
    };
    struct srs_outcome o = srs_forward(&s, text, NOW, a);
    require((o.status == SRS_DONE) == (o.address.p != NULL) && (o.status == SRS_DONE) == !o.why);
    if (o.status == SRS_DONE)
        require_done(&s, text, o.address, a);
    o = srs_reverse(&s, text, NOW, a);
    require((o.status == SRS_DONE) == (o.address.p != NULL) && (o.status == SRS_DONE) == !o.why);
    require(o.status != SRS_DONE || is_clean(o.address));
    s.n_secrets = 0;
    require(srs_forward(&s, text, NOW, a).status != SRS_DONE);
    require(srs_reverse(&s, text, NOW, a).status != SRS_DONE);
    arena_free(a);
    return 0;
}
