/* Zone text, and what a resolver answers from it to names of the text and below. */
#include "fuzz.h"

#include "dns/dns.h"

static void require_sound(const struct dns_answer *answer, enum dns_type type)
{
    require((answer->status == DNS_ANSWER) == (answer->n > 0));
    for (size_t i = 0; i < answer->n; i++) {
        const struct dns_rr *rr = &answer->rr[i];
        require((rr->addr.family != 0) == (type == DNS_A || type == DNS_AAAA));
        require(type != DNS_MX || i == 0 || rr[-1].preference <= rr->preference);
    }
}

static void ask_all(struct dns_asker *asker, struct str name)
{
    static const enum dns_type types[] = {DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        require_sound(dns_lookup(asker, name, types[i]), types[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size), problem = STR_NONE, line;
    struct dns *dns = dns_open_zone(text, a, &problem);
    require((dns == NULL) == (problem.n > 0));
    if (dns) {
        struct dns_asker asker = {.dns = dns, .arena = a, .may_pend = true};
        for (unsigned n = 0; n < 20 && str_split(&text, '\n', &line); n++) {
            struct str name = str_sub(line, 0, str_find(line, 0, ' '));
            ask_all(&asker, name);
            ask_all(&asker, str_printf(a, "x.%.*s", STR_ARG(name)));
        }
        dns_close(dns);
    }
    arena_free(a);
    return 0;
}
