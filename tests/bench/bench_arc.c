/* bench_arc.c - the price of an ARC set, made and verified, beside the raw price of its RSA.
 *
 *     ninja bench_arc && tests/bench_arc [seconds per line [bytes of body]]
 *
 * A line is a number of sets: the verification of such a chain, the RSA verifications in it (all
 * seals, and every message signature, since none is broken), and what one set adds to the line
 * before. The body is hashed once, whatever the number. At the end a seal beside its two RSA
 * signatures. Figures are the least of several rounds, in microseconds of CPU, with RSA-2048. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "arc/arc.h"

#define ROUNDS   7
#define SETS_MAX 10
#define NOW      1700000000

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct work {
    struct arena *arena; /* reset before each call */
    struct str body;
    struct header_list headers; /* with `sets` sets on top */
    unsigned sets;
    struct private_key *key;
    struct public_key *public;
    struct key_cache *cache;
    struct dns *dns;
    struct str signature;
};

static void fail(const char *what)
{
    fprintf(stderr, "bench_arc: %s\n", what);
    exit(1);
}

static void raw_verify(struct work *w)
{
    if (!public_key_verify(w->public, (const unsigned char[32]){1}, w->signature))
        fail("a signature does not verify");
}

static void raw_sign(struct work *w)
{
    private_key_sign(w->key, (const unsigned char[32]){1}, w->arena);
}

static void make_set(struct work *w, struct arena *a, struct arc_sealed *set)
{
    const struct dkim_sign_settings settings = {.now = NOW};
    const struct dkim_signing_key key = {STR("example.org"), STR("s"), w->key};
    struct body_hash *body = body_hash_new(a, CANON_RELAXED, UINT64_MAX);
    struct str problem;
    body_hash_update(body, w->body.p, w->body.n);
    const struct arc_seal_request request = {
        .instance = w->sets + 1,
        .cv = w->sets ? ARC_CV_PASS : ARC_CV_NONE,
        .results = str_printf(a, " i=%u; mx.example.org; dmarc=pass", w->sets + 1),
        .headers = &w->headers,
        .body = body,
        .key = &key,
        .settings = &settings,
    };
    if (!arc_seal(a, &request, set, &problem))
        fail("cannot seal");
}

static void seal(struct work *w)
{
    struct arc_sealed set;
    make_set(w, w->arena, &set);
}

static void add_set(struct work *w, struct arena *a)
{
    struct arc_sealed set;
    struct header_list all;
    make_set(w, a, &set);
    header_list_init(&all, a);
    header_list_add(&all, ARC_SEAL_FIELD, set.seal);
    header_list_add(&all, ARC_MESSAGE_FIELD, set.message);
    header_list_add(&all, ARC_RESULTS_FIELD, set.results);
    for (size_t i = 0; i < w->headers.n; i++)
        header_list_add(&all, w->headers.fields[i].name, w->headers.fields[i].value);
    w->headers = all;
    w->sets++;
}

static void verify(struct work *w)
{
    struct body_digests *bodies = body_digests_new(w->arena);
    const struct dkim_verify_settings settings = {.min_key_bits = 1024,
                                                  .max_key_bits = 4096,
                                                  .clock_skew_s = 300,
                                                  .now = NOW,
                                                  .bodies = bodies};
    struct dns_asker asker = {.dns = w->dns, .arena = w->arena};
    struct arc_chain *chain = arc_chain_new(&settings, &w->headers, w->cache, &asker);
    body_digests_update(bodies, w->body.p, w->body.n);
    if (chain && arc_chain_finish(chain, &asker)->result != ARC_PASS)
        fail("a chain does not pass");
}

static double measure(struct work *w, void (*what)(struct work *), double seconds)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double begin = cpu_us(), end = begin;
        unsigned times = 0;
        do {
            for (int i = 0; i < 8; i++, times++) {
                arena_reset(w->arena);
                what(w);
            }
            end = cpu_us();
        } while (end - begin < seconds * 1e6 / ROUNDS);
        if (round == 0 || (end - begin) / times < best)
            best = (end - begin) / times;
    }
    return best;
}

static void print_lines(struct work *w, struct arena *a, double seconds)
{
    double one = measure(w, raw_verify, seconds), before = measure(w, verify, seconds);
    printf("%5s %10s %10s %10s %12s\n", "sets", "chain", "RSA of it", "rest", "by this set");
    while (w->sets < SETS_MAX) {
        add_set(w, a);
        double all = measure(w, verify, seconds), rsa = 2 * w->sets * one;
        printf("%5u %10.1f %10.1f %10.1f %12.1f\n", w->sets, all, rsa, all - rsa, all - before);
        before = all;
    }
    double sealed = measure(w, seal, seconds), signatures = 2 * measure(w, raw_sign, seconds);
    printf("a seal %8.1f, two RSA signatures %.1f\n", sealed, signatures);
}

/* The header of an ordinary message, and a body of prose. */
static void prepare(struct work *w, struct arena *a, size_t bytes)
{
    static const struct str header = STR_INIT(
        "Received: from mx.example.net (mx.example.net [192.0.2.1]) by mx.example.org\r\n"
        "\twith ESMTPS id 1234567890; Fri, 20 Nov 2026 12:00:00 +0000\r\n"
        "From: Joe <joe@example.org>\r\nTo: Suzie <suzie@example.net>\r\n"
        "Subject: =?UTF-8?Q?What_is_on_the_table_today?=\r\n"
        "Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nMessage-ID: <20261120120000.1@example.org>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n");
    struct str none;
    struct strbuf b;
    header_list_init(&w->headers, a);
    header_parse_message(&w->headers, header, &none);
    sb_init(&b, a);
    while (b.n < bytes)
        sb_add(&b, STR("The quick brown fox jumps over the lazy dog. The quick brown fox\r\n"));
    w->body = sb_str(&b);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.2;
    struct arena *a = arena_new(0);
    struct work w = {.arena = arena_new(0)};
    struct str problem;
    const char *why;
    prepare(&w, a, argc > 2 ? strtoul(argv[2], NULL, 10) : 4096);
    w.key = private_key_generate(KEY_RSA, 2048, a, &problem);
    struct str der = private_key_public(w.key, a);
    w.public = public_key_decode(KEY_RSA, der, &why);
    w.signature = private_key_sign(w.key, (const unsigned char[32]){1}, a);
    w.cache = key_cache_new(1 << 20);
    w.dns = dns_open_zone(str_printf(a, "s._domainkey.example.org. TXT \"v=DKIM1; p=%.*s\"\n",
                                     STR_ARG(base64_encode(a, der))),
                          a, &problem);
    print_lines(&w, a, seconds);
    key_cache_free(w.cache);
    public_key_release(w.public);
    private_key_release(w.key);
    arena_free(w.arena);
    dns_close(w.dns);
    arena_free(a);
    return 0;
}
