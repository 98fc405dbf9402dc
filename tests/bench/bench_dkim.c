/* bench_dkim.c - the price of DKIM beside the raw price of its cryptography, in one run.
 *
 *     ninja bench_dkim && tests/bench_dkim [seconds per line [canon]]
 *
 * A line is a body kind and size: SHA-256 alone, body canonicalization with SHA-256, then a whole
 * verification and a whole signing with a kept RSA-2048 key beside SHA-256 and RSA alone. Figures
 * are the least of several rounds, in microseconds of CPU. With "canon": what relaxed
 * canonicalization of 1 MB takes beyond the SHA-256 of the same bytes, as a ratio and per byte. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dkim/dkim.h"

#define ROUNDS 7

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct work {
    struct arena *arena; /* reset before each call */
    struct str body;
    enum canon canon;
    struct header_list headers;
    struct private_key *key;
    struct public_key *public;
    struct key_cache *cache;
    struct dns *dns;
    struct str signature;
    unsigned char digest[32];
};

static void fail(const char *what)
{
    fprintf(stderr, "bench_dkim: %s\n", what);
    exit(1);
}

static void raw_hash(struct work *w)
{
    static EVP_MD *sha256;
    unsigned n;
    if (!sha256)
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    EVP_Digest(w->body.p, w->body.n, w->digest, &n, sha256, NULL);
}

static void raw_verify(struct work *w)
{
    raw_hash(w);
    if (public_key_verify(w->public, w->digest, w->signature))
        fail("a wrong signature verifies");
}

static void raw_sign(struct work *w)
{
    raw_hash(w);
    private_key_sign(w->key, w->digest, w->arena);
}

/* As the milter gives it: in chunks. */
#define CHUNK 65535

static void canonicalize(struct work *w)
{
    struct body_hash *h = body_hash_new(w->arena, w->canon, UINT64_MAX);
    for (size_t at = 0; at < w->body.n; at += CHUNK) {
        struct str part = str_sub(w->body, at, at + CHUNK);
        body_hash_update(h, part.p, part.n);
    }
    body_hash_finish(h, w->digest);
}

static void sign(struct work *w)
{
    const struct dkim_sign_settings settings = {CANON_RELAXED, w->canon, .now = 1700000000};
    const struct dkim_signing_key key = {STR("example.org"), STR("s"), w->key};
    struct dkim_signer *s = dkim_signer_new(w->arena, &settings, &w->headers);
    struct str value, problem;
    for (size_t at = 0; at < w->body.n; at += CHUNK) {
        struct str part = str_sub(w->body, at, at + CHUNK);
        dkim_signer_body(s, part.p, part.n);
    }
    if (!dkim_signer_finish(s, &key, 1, &value, &problem))
        fail("cannot sign");
}

static void verify(struct work *w)
{
    const struct dkim_verify_settings settings = {
        .max_signatures = 10, .min_key_bits = 1024, .clock_skew_s = 300, .now = 1700000000};
    struct dns_asker asker = {.dns = w->dns, .arena = w->arena};
    struct dkim_verifier *v = dkim_verifier_new(&settings, &w->headers, w->cache, &asker);
    size_t n, skipped;
    for (size_t at = 0; at < w->body.n; at += CHUNK) {
        struct str part = str_sub(w->body, at, at + CHUNK);
        dkim_verifier_body(v, part.p, part.n);
    }
    const struct dkim_signature *s = dkim_verifier_finish(v, &asker, &n, &skipped);
    if (n != 1 || s->result != DKIM_PASS)
        fail("does not pass");
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

static struct str fill(struct arena *a, const char *line, size_t n)
{
    struct strbuf b;
    sb_init(&b, a);
    while (b.n < n)
        sb_add(&b, str_of(line));
    return str_sub(sb_str(&b), 0, n);
}

/* The header of an ordinary message, and our signature on top. */
static void prepare(struct work *w, struct arena *a)
{
    static const struct str header = STR_INIT(
        "Received: from mx.example.net (mx.example.net [192.0.2.1]) by mx.example.org\r\n"
        "\twith ESMTPS id 1234567890; Fri, 20 Nov 2026 12:00:00 +0000\r\n"
        "From: Joe <joe@example.org>\r\nTo: Suzie <suzie@example.net>\r\n"
        "Subject: =?UTF-8?Q?What_is_on_the_table_today?=\r\n"
        "Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nMessage-ID: <20261120120000.1@example.org>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: base64\r\n");
    const struct dkim_sign_settings settings = {CANON_RELAXED, w->canon, .now = 1700000000};
    const struct dkim_signing_key key = {STR("example.org"), STR("s"), w->key};
    struct header_list plain;
    struct str none, value, problem;
    header_list_init(&plain, a);
    header_parse_message(&plain, header, &none);
    struct dkim_signer *s = dkim_signer_new(a, &settings, &plain);
    dkim_signer_body(s, w->body.p, w->body.n);
    if (!dkim_signer_finish(s, &key, 1, &value, &problem))
        fail("cannot sign");
    header_list_init(&w->headers, a);
    header_list_add(&w->headers, STR("DKIM-Signature"), value);
    for (size_t i = 0; i < plain.n; i++)
        header_list_add(&w->headers, plain.fields[i].name, plain.fields[i].value);
}

static void line(struct work *w, const char *name, double seconds)
{
    struct arena *a = arena_new(0);
    prepare(w, a);
    double hash = measure(w, raw_hash, seconds), canon = measure(w, canonicalize, seconds);
    double raw_v = measure(w, raw_verify, seconds), v = measure(w, verify, seconds);
    double raw_s = measure(w, raw_sign, seconds), s = measure(w, sign, seconds);
    double n = (double)w->body.n;
    printf("%-22s %8.0f | %7.2f %7.2f %5.2f %6.3f | %7.1f %7.1f %5.2f | %7.1f %7.1f %5.2f\n", name,
           n, hash, canon, canon / hash, (canon - hash) * 1e3 / n, raw_v, v, v / raw_v, raw_s, s,
           s / raw_s);
    arena_free(a);
}

static const struct kind {
    const char *name, *line;
} kinds[] = {
    {"base64", "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4gVGhlIHF1aWNrIGJyb3d"
               "uIGZv\r\n"},
    {"text", "The quick brown fox jumps over the lazy dog. The quick brown fox jumps\r\n"},
    {"flowed text", "The quick brown fox jumps over the lazy dog.  The quick brown fox \r\n"},
    {"hostile: blanks", "a  "},
    {"hostile: blank, CR", " \r \ra"},
    {"hostile: TAB", "a\t"},
    {"hostile: empty lines", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\na"},
    {"hostile: CRLFs", "\r\n"},
    {"hostile: every 65th", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  "},
};

#define N_KINDS (sizeof kinds / sizeof *kinds)

static void all_lines(struct work *w, double seconds)
{
    static const size_t sizes[] = {4096, 51200, 1 << 20};
    printf("%-22s %8s | %7s %7s %5s %6s | %7s %7s %5s | %7s %7s %5s\n", "body", "bytes", "sha256",
           "canon", "ratio", "ns/B", "raw", "verify", "ratio", "raw", "sign", "ratio");
    for (int canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++)
        for (size_t k = 0; k < N_KINDS; k++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                char name[64];
                if (k > 1 && (i != 2 || canon == CANON_SIMPLE))
                    continue;
                struct arena *a = arena_new(0);
                w->canon = (enum canon)canon;
                w->body = fill(a, kinds[k].line, sizes[i]);
                snprintf(name, sizeof name, "%s %s", canon ? "rlx" : "smp", kinds[k].name);
                line(w, name, seconds);
                arena_free(a);
            }
}

static void canon_lines(struct work *w, double seconds)
{
    w->canon = CANON_RELAXED;
    for (size_t k = 0; k < N_KINDS; k++) {
        struct arena *a = arena_new(0);
        w->body = fill(a, kinds[k].line, 1 << 20);
        double hash = measure(w, raw_hash, seconds);
        double more = measure(w, canonicalize, seconds) - hash;
        printf("%-22s %5.2f %6.2f\n", kinds[k].name, more / hash, more * 1e3 / (1 << 20));
        arena_free(a);
    }
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.2;
    struct arena *a = arena_new(0);
    struct work w = {.arena = arena_new(0)};
    struct str problem;
    const char *why;
    w.key = private_key_generate(KEY_RSA, 2048, a, &problem);
    struct str der = private_key_public(w.key, a);
    w.public = public_key_decode(KEY_RSA, der, &why);
    w.signature = private_key_sign(w.key, (const unsigned char[32]){1}, a);
    w.cache = key_cache_new(1 << 20);
    w.dns = dns_open_zone(str_printf(a, "s._domainkey.example.org. TXT \"v=DKIM1; p=%.*s\"\n",
                                     STR_ARG(base64_encode(a, der))),
                          a, &problem);
    (argc > 2 ? canon_lines : all_lines)(&w, seconds);
    key_cache_free(w.cache);
    public_key_release(w.public);
    private_key_release(w.key);
    arena_free(w.arena);
    dns_close(w.dns);
    arena_free(a);
    return 0;
}
