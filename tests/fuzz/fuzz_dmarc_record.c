/* DMARC records. */
#include "fuzz.h"

#include "dmarc/dmarc.h"

static void require_uris(const struct str *uris, size_t n)
{
    require(n <= DMARC_URIS_MAX);
    for (size_t i = 0; i < n; i++) {
        require(str_find(uris[i], 0, ':') > 0 && str_find(uris[i], 0, ':') < uris[i].n);
        for (size_t k = 0; k < uris[i].n; k++) {
            char c = uris[i].p[k];
            require(c > 0x20 && c < 0x7F && c != ',' && c != '!' && c != ';' && c != '"');
        }
    }
}

static void require_same(const struct dmarc_record *a, const struct dmarc_record *b)
{
    require(a->p == b->p && a->sp == b->sp && a->np == b->np);
    require(a->has_sp == b->has_sp && a->has_np == b->has_np);
    require(a->adkim == b->adkim && a->aspf == b->aspf);
    require(a->psd == b->psd && a->testing == b->testing && str_eq(a->fo, b->fo));
    require(a->n_rua == b->n_rua && a->n_ruf == b->n_ruf);
    for (size_t i = 0; i < a->n_rua; i++)
        require(str_eq(a->rua[i], b->rua[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size);
    struct dmarc_record r, again;
    bool usable, usable_again;
    if (dmarc_record_parse(a, text, &r, &usable)) {
        require(r.p <= DMARC_P_REJECT && r.sp <= DMARC_P_REJECT && r.np <= DMARC_P_REJECT);
        require(r.has_sp || r.sp == r.p);
        require(r.has_np || r.np == r.sp);
        require(r.psd == 'y' || r.psd == 'n' || r.psd == 'u');
        require(usable || (r.n_rua == 0 && r.p == DMARC_P_NONE));
        require_uris(r.rua, r.n_rua);
        require_uris(r.ruf, r.n_ruf);
        /* What may end a record changes nothing. */
        struct strbuf longer;
        sb_init(&longer, a);
        sb_add(&longer, text);
        sb_add(&longer, STR(" ; "));
        require(dmarc_record_parse(a, sb_str(&longer), &again, &usable_again));
        require(usable == usable_again);
        require_same(&r, &again);
    } else {
        require(!usable);
    }
    arena_free(a);
    return 0;
}
