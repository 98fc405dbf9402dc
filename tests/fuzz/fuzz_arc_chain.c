/* Whole messages: the validator takes anything, says the same however the body is cut, and passes
 * what the sealer has just sealed, where there was a chain that passes or none. */
#include "fuzz.h"

#include "arc/arc.h"

static const char zone[] = "ed._domainkey.example.org. TXT \"v=DKIM1; k=ed25519; "
                           "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
                           "down._domainkey.example.org. SERVFAIL\n";

/* RFC 8463 A.1 */
static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                          "-----END PRIVATE KEY-----\n";

struct setting {
    struct arena *arena; /* as long as the process */
    struct dns *dns;
    struct private_key *key;
};

static struct setting *setting(void)
{
    static struct setting s;
    struct str problem;
    if (!s.dns) {
        s.arena = arena_new(0);
        s.dns = dns_open_zone(str_of(zone), s.arena, &problem);
        s.key = private_key_decode(str_of(pem), s.arena, &problem);
        require(s.dns && s.key);
    }
    return &s;
}

/* NULL: there is no chain. */
static const struct arc_outcome *validate(struct arena *a, const struct header_list *headers,
                                          struct str body, size_t piece)
{
    const struct dkim_verify_settings settings = {
        .min_key_bits = 1024, .max_queries = 20, .now = 1700000000, .bodies = body_digests_new(a)};
    struct dns_asker asker = {.dns = setting()->dns, .arena = a, .patience_us = 1000000};
    struct arc_chain *chain = arc_chain_new(&settings, headers, NULL, &asker);
    if (!chain)
        return NULL;
    for (size_t at = 0; at < body.n && !body_digests_settled(settings.bodies); at += piece) {
        struct str part = str_sub(body, at, at + piece);
        body_digests_update(settings.bodies, part.p, part.n);
    }
    return arc_chain_finish(chain, &asker);
}

static void require_sound(const struct arc_outcome *o)
{
    require(o->result > ARC_NONE && o->result < ARC_RESULT_COUNT);
    require((o->result == ARC_PASS) == (o->reason.n == 0));
    require(o->n <= ARC_SETS_MAX && (!o->has_oldest_pass || o->oldest_pass <= o->n));
    for (size_t i = 0; i < o->reason.n; i++)
        require(o->reason.p[i] >= 0x20 && o->reason.p[i] < 0x7F);
}

static struct header_list with_set(struct arena *a, const struct header_list *headers,
                                   const struct arc_sealed *set)
{
    struct header_list with;
    header_list_init(&with, a);
    header_list_add(&with, ARC_SEAL_FIELD, set->seal);
    header_list_add(&with, STR("ARC-Message-Signature"), set->message);
    header_list_add(&with, ARC_RESULTS_FIELD, set->results);
    for (size_t i = 0; i < headers->n; i++)
        header_list_add(&with, header_written_name(&headers->fields[i]), headers->fields[i].value);
    return with;
}

static void check_sealed(struct arena *a, const struct header_list *headers, struct str body,
                         const struct arc_outcome *before)
{
    const struct dkim_sign_settings settings = {.now = 1700000000};
    const struct dkim_signing_key key = {STR("example.org"), STR("ed"), setting()->key};
    struct body_hash *hash = body_hash_new(a, CANON_RELAXED, UINT64_MAX);
    struct arc_sealed set;
    struct str problem;
    unsigned instance = before ? before->highest + 1 : 1;
    if (instance > ARC_SETS_MAX)
        return;
    body_hash_update(hash, body.p, body.n);
    bool good = !before || before->result == ARC_PASS;
    const struct arc_seal_request request = {
        .instance = instance,
        .cv = !before ? ARC_CV_NONE
              : good  ? ARC_CV_PASS
                      : ARC_CV_FAIL,
        .results = str_printf(a, " i=%u; example.org; none", instance),
        .headers = headers,
        .body = hash,
        .key = &key,
        .settings = &settings,
    };
    require(arc_seal(a, &request, &set, &problem));
    require_field_lines(set.message, sizeof "ARC-Message-Signature:" - 1);
    require_field_lines(set.seal, sizeof "ARC-Seal:" - 1);
    const struct header_list sealed = with_set(a, headers, &set);
    const struct arc_outcome *o = validate(a, &sealed, body, 7);
    require(o && o->result == (good ? ARC_PASS : ARC_FAIL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct header_list headers;
    struct str body;
    header_list_init(&headers, a);
    header_parse_message(&headers, fuzz_text(data, size), &body);
    const struct arc_outcome *whole = validate(a, &headers, body, body.n + 1);
    const struct arc_outcome *bytes = validate(a, &headers, body, 1);
    require(!whole == !bytes);
    if (whole) {
        require_sound(whole);
        require(whole->result == bytes->result && str_eq(whole->reason, bytes->reason));
    }
    check_sealed(a, &headers, body, whole);
    arena_free(a);
    return 0;
}
