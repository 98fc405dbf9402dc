/* warm.c - each library used once before the sandbox closes: what OpenSSL, the resolver's tables or
 * the C library load when they are first used is loaded then.
 *
 * Errors: none; the results of the libraries do not matter here. */
#include "reference/worker/worker.h"

/* A key whose private part nobody has, and RFC 8463 A.2's. */
#define RSA_KEY                                                                                    \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAo73oXtWiHeU2ooGO6XEsPQ9qUu/01hRXc5Lwz3aF8r81g/ng" \
    "JY6vzy2DHLmXMyKku0PC0ia1ZzGwMxgrmYADKgt3ehYqQO/lsUSliNKvqFjHjqQyAEmsjWHd28g0H6siJrUuuW1zJxVX" \
    "49iYIHqQrat+usD02nIVgIZCYaWkmVSXquxns1bemDdkftMKAJeldQLAKmnmFeXpHzYGa+vYDnnwcrc/m7n99yl4zRUT" \
    "4RyXRO5WRtfvGiPMyQAkJ/newKL0qcNsEq+YY3AOQ+DXPWmptiKyAlyVnXwNKy+/SdG9odmTGjGr52XbyqewXRRuKfC9" \
    "ZH4yL7fsh0H8TjslGwIDAQAB"
#define ED25519_KEY "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define SIGNATURE(algorithm, selector)                                                             \
    " v=1; a=" algorithm "; c=relaxed/relaxed; d=example.invalid; s=" selector "; h=from;\n"       \
    "\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA"

static const struct {
    const char *name, *text;
} zone[] = {
    {"example.invalid", "v=spf1 exists:%{ir}.%{l}.%{t}.%{d} a mx ptr -all exp=why.example.invalid"},
    {"why.example.invalid", "%{i} is not %{d}'s"},
    {"_dmarc.example.invalid", "v=DMARC1; p=reject; sp=none; rua=mailto:a@example.invalid"},
    {"r._domainkey.example.invalid", "v=DKIM1; k=rsa; p=" RSA_KEY},
    {"e._domainkey.example.invalid", "v=DKIM1; k=ed25519; p=" ED25519_KEY},
};

static const struct dns_answer *look_up(struct resolver *r, struct str name, enum dns_type type)
{
    static struct dns_rr rr;
    static const struct dns_answer found = {DNS_ANSWER, DNS_SECURE, 60, 1, &rr};
    static const struct dns_answer no_data = {.status = DNS_NODATA};
    (void)r;
    for (size_t i = 0; type == DNS_TXT && i < sizeof zone / sizeof *zone; i++)
        if (str_eq_nocase(name, str_of(zone[i].name))) {
            rr.text = str_of(zone[i].text);
            return &found;
        }
    return &no_data;
}

static void warm_spf(struct arena *a, struct strbuf *out)
{
    struct resolver r = {look_up};
    const struct job job = {.spf = {.client = {.family = 4, .bytes = {192, 0, 2, 1}},
                                    .helo = STR("mail.example.invalid"),
                                    .local = STR("a"),
                                    .domain = STR("example.invalid"),
                                    .want_explanation = true}};
    spf2_answer(&job, &r, a, out);
}

static void warm_dkim(struct arena *a, struct strbuf *out)
{
    static struct header_field fields[] = {
        {.name = STR_INIT("DKIM-Signature"), .value = STR_INIT(SIGNATURE("rsa-sha256", "r"))},
        {.name = STR_INIT("DKIM-Signature"), .value = STR_INIT(SIGNATURE("ed25519-sha256", "e"))},
        {.name = STR_INIT("From"), .value = STR_INIT(" a@example.invalid")},
    };
    struct resolver r = {look_up};
    const struct job job = {.library = REFERENCE_LIBOPENDKIM,
                            .dkim = {.max_signatures = 2, .min_key_bits = 1024},
                            .headers = {.arena = a, .fields = fields, .n = 3, .cap = 3}};
    struct opendkim_work *work = opendkim_begin(&job, a);
    opendkim_body(work, STR("a body\r\n"));
    opendkim_answer(work, &r, out);
}

static void warm_dmarc(struct arena *a, struct strbuf *out)
{
    static const struct dmarc_identifier ids[] = {
        {STR_INIT("example.invalid"), DMARC_AUTH_PASS, true},
        {STR_INIT("mail.example.invalid"), DMARC_AUTH_PASS, false},
    };
    struct resolver r = {look_up};
    const struct job job = {
        .library = REFERENCE_LIBOPENDMARC,
        .dmarc = {.author_domain = STR("news.example.invalid"), .ids = ids, .n_ids = 2}};
    opendmarc_answer(&job, &r, a, out);
}

void warm_up(void)
{
    struct arena *a = arena_new(0);
    struct strbuf out;
    sb_init(&out, a);
    warm_spf(a, &out);
    warm_dkim(a, &out);
    warm_dmarc(a, &out);
    arena_free(a);
}
