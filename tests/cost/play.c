/* play.c - plays one fixed message again and again through pipeline, policy, edits and log line,
 * for tests/cost/run, which counts what that takes.
 *
 *     cost_play KEYDIR verify|chain[SETS]|sign TIMES [LINES]
 *
 * KEYDIR has rsa.pem and ed25519.pem, readable by this user alone. The message has the header of
 * ordinary mail and LINES (0) more fields, and a body of 16 KB, half prose and half base64.
 * "verify": it comes from a stranger, has two signatures, needs four SPF look-ups, and passes all;
 * "chain": the same with three ARC sets (or as many as it says), whose newest vouches for it;
 * "sign": an authenticated user sends it, and it gets two signatures. What the first plays cost
 * (caches that fill, code that is loaded) comes before played(); only that shall be counted.
 *
 * Errors: exit status 1 and a phrase, also if a message has another result than it should. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/canon.h"
#include "decide/record.h"
#include "keys/keyset.h"
#include "session/play.h"

#define NOW       1800000000
#define BODY      16384
#define WARM_UP   3
#define KEY_TYPES 2
#define SETS      3 /* of a chain, if nothing else is said */

static const char *const key_names[KEY_TYPES] = {"rsa", "ed25519"};

/* What outlives a message. */
struct house {
    struct arena *arena;
    bool signing;
    unsigned sets;
    struct conf *conf;
    struct key_set *key_set;
    struct dns *dns;
    struct key_cache *keys;
    struct header_list headers;
    struct str body;
    struct fixed_host host;
    struct dialogue *dialogue;
};

static _Noreturn void die(const char *what, struct str detail)
{
    fprintf(stderr, "cost_play: %s: %.*s\n", what, STR_ARG(detail));
    exit(1);
}

/* --- The message -------------------------------------------------------------------------------*/

static const struct str header = STR_INIT(
    "Received: from mx.example.net (mx.example.net [192.0.2.1])\r\n"
    "\tby mx.example.org with ESMTPS id 4f2kQ11234567890\r\n"
    "\tfor <suzie@example.org>; Fri, 20 Nov 2026 12:00:00 +0000\r\n"
    "Received: from desk.example.net (desk.example.net [10.0.0.7])\r\n"
    "\tby mx.example.net with ESMTPSA id 0f2a7c1; Fri, 20 Nov 2026 11:59:58 +0000\r\n"
    "From: Joe Bloggs <joe@example.net>\r\nTo: \"A. Reader\" <suzie@example.org>\r\n"
    "Subject: =?UTF-8?Q?What_is_on_the_table_today?= and what was there yesterday\r\n"
    "Date: Fri, 20 Nov 2026 11:59:57 +0000\r\nMessage-ID: <20261120115957.1@example.net>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\nUser-Agent: Desk 1.0\r\nX-Priority: 3\r\n"
    "List-Unsubscribe: <https://example.net/unsubscribe/5f1b>,\r\n"
    " <mailto:unsubscribe@example.net>\r\n\r\n");
static const char *const lines[] = {
    "The quick brown fox jumps over the lazy dog.  The quick brown fox jumps\r\n",
    "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZy4gVGhlIHF1aWNrIGJyb3du\r\n"};

static void make_message(struct house *h, unsigned long more_lines)
{
    struct strbuf b;
    struct str none;
    sb_init(&b, h->arena);
    for (size_t half = 0; half < 2; half++)
        while (b.n < (half + 1) * BODY / 2)
            sb_add(&b, str_of(lines[half]));
    h->body = sb_str(&b);
    header_list_init(&h->headers, h->arena);
    header_parse_message(&h->headers, header, &none);
    for (unsigned long i = 0; i < more_lines; i++)
        header_list_add(&h->headers, STR("X-More"), STR(" one more field of ordinary length"));
}

static struct private_key *load_key(struct house *h, const char *directory, const char *name)
{
    struct str problem, path = str_printf(h->arena, "%s/%s.pem", directory, name);
    char text[8192];
    FILE *f = fopen(path.p, "rb");
    if (!f)
        die("cannot open", path);
    struct str pem = {text, fread(text, 1, sizeof text, f)};
    fclose(f);
    struct private_key *key = private_key_decode(pem, h->arena, &problem);
    if (!key)
        die(path.p, problem);
    return key;
}

/* Puts the signature of example.net by this key on top. */
static void put_signature(struct house *h, const char *selector, struct private_key *key)
{
    const struct dkim_sign_settings settings = {CANON_RELAXED, CANON_RELAXED, .now = NOW - 10};
    const struct dkim_signing_key signing_key = {STR("example.net"), str_of(selector), key};
    struct dkim_signer *s = dkim_signer_new(h->arena, &settings, &h->headers);
    struct header_list all;
    struct str value, problem;
    dkim_signer_body(s, h->body.p, h->body.n);
    if (!dkim_signer_finish(s, &signing_key, 1, &value, &problem))
        die("cannot sign", problem);
    header_list_init(&all, h->arena);
    header_list_add(&all, STR("DKIM-Signature"), value);
    for (size_t i = 0; i < h->headers.n; i++)
        header_list_add(&all, h->headers.fields[i].name, h->headers.fields[i].value);
    h->headers = all;
}

/* Puts the next set of example.net on top. */
static void put_set(struct house *h, unsigned instance, struct private_key *key)
{
    const struct dkim_sign_settings settings = {.now = NOW - 5};
    const struct dkim_signing_key signing_key = {STR("example.net"), STR("rsa"), key};
    struct body_hash *hash = body_hash_new(h->arena, CANON_RELAXED, UINT64_MAX);
    struct header_list all;
    struct arc_sealed set;
    struct str problem;
    body_hash_update(hash, h->body.p, h->body.n);
    const struct arc_seal_request request = {
        .instance = instance,
        .cv = instance == 1 ? ARC_CV_NONE : ARC_CV_PASS,
        .results = str_printf(h->arena, " i=%u; mx.example.net; spf=pass", instance),
        .headers = &h->headers,
        .body = hash,
        .key = &signing_key,
        .settings = &settings,
    };
    if (!arc_seal(h->arena, &request, &set, &problem))
        die("cannot seal", problem);
    header_list_init(&all, h->arena);
    header_list_add(&all, ARC_SEAL_FIELD, set.seal);
    header_list_add(&all, ARC_MESSAGE_FIELD, set.message);
    header_list_add(&all, ARC_RESULTS_FIELD, set.results);
    for (size_t i = 0; i < h->headers.n; i++)
        header_list_add(&all, h->headers.fields[i].name, h->headers.fields[i].value);
    h->headers = all;
}

/* --- The house ---------------------------------------------------------------------------------*/

static const char zone[] =
    "example.net. TXT \"v=spf1 mx include:pool.example -all\"\n"
    "example.net. MX 10 mx.example.net.\nmx.example.net. A 203.0.113.1\n"
    "pool.example. TXT \"v=spf1 ip4:203.0.113.0/25 ip4:198.51.100.0/24 include:more.example "
    "~all\"\n"
    "more.example. TXT \"v=spf1 ip4:192.0.2.0/24 ~all\"\n"
    "_dmarc.example.net. TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@example.net\"\n";

/* The keys are published, and a message that shall be verified is signed with them. */
static void open_dns(struct house *h, const char *directory)
{
    struct strbuf text;
    struct str problem;
    sb_init(&text, h->arena);
    sb_add(&text, str_of(zone));
    for (size_t i = 0; i < KEY_TYPES; i++) {
        struct private_key *key = load_key(h, directory, key_names[i]);
        struct str p = base64_encode(h->arena, private_key_public(key, h->arena));
        sb_printf(&text, "%s._domainkey.example.net. TXT \"v=DKIM1; k=%s; p=%.*s\"\n", key_names[i],
                  key_names[i], STR_ARG(p));
        if (!h->signing)
            put_signature(h, key_names[i], key);
        private_key_release(key);
    }
    struct private_key *sealer = load_key(h, directory, "rsa");
    for (unsigned i = 1; i <= h->sets; i++)
        put_set(h, i, sealer);
    private_key_release(sealer);
    h->dns = dns_open_zone(sb_str(&text), h->arena, &problem);
    if (!h->dns)
        die("zone", problem);
}

static void open_house(struct house *h, const char *directory)
{
    struct conf_problems problems;
    struct strbuf text;
    conf_problems_init(&problems, h->arena);
    sb_init(&text, h->arena);
    sb_add(&text, STR("authserv-id = \"mx.example.org\"; dmarc = { on-reject = \"reject\"; };\n"
                      "signing = ( { domain = \"example.net\"; keys = ( "));
    for (size_t i = 0; i < KEY_TYPES; i++)
        sb_printf(&text, "%s{ selector = \"%s\"; file = \"%s/%s.pem\"; }", i ? ", " : "",
                  key_names[i], directory, key_names[i]);
    sb_add(&text, STR(" ); } );\n"));
    h->conf = conf_parse(sb_str(&text), &problems);
    if (!h->conf || !key_set_load(h->conf, &problems, &h->key_set))
        die("configuration", problems.n ? problems.v[0] : STR("no reason given"));
    h->keys = key_cache_new(1 << 20);
}

/* What the client's MTA has told when the first message comes. */
static void open_dialogue(struct house *h)
{
    static const struct session_peer nobody;
    struct client_words client = {
        .name = STR("mx.example.net"), .smtp = true, .daemon_name = STR("smtpd")};
    netaddr_parse(STR("192.0.2.1"), &client.address);
    fixed_host_init(&h->host);
    h->host.now = NOW;
    h->host.snapshot.conf = h->conf;
    h->host.snapshot.dns = h->dns;
    h->host.snapshot.key_cache = h->keys;
    h->host.snapshot.keys = h->key_set;
    h->dialogue = dialogue_new(&h->host.host, &nobody);
    dialogue_connect(h->dialogue, &client, 1);
    dialogue_helo(h->dialogue, STR("mx.example.net"));
}

static void close_house(struct house *h)
{
    dialogue_free(h->dialogue);
    key_cache_free(h->keys);
    key_set_free(h->key_set);
    conf_free(h->conf);
    dns_close(h->dns);
    arena_free(h->arena);
}

/* --- The play ----------------------------------------------------------------------------------*/

static void tell_content(const struct house *h)
{
    struct dialogue *d = h->dialogue;
    for (size_t i = 0; i < h->headers.n; i++)
        dialogue_header(d, h->headers.fields[i].name, h->headers.fields[i].value);
    dialogue_end_of_header(d);
    dialogue_body(d, h->body.p, h->body.n);
    dialogue_end(d);
}

static void check(const struct house *h, const struct verdict *verdict, struct str line)
{
    static const struct str good[] = {
        STR_INIT(" spf=pass dkim=pass(example.net/ed25519),pass(example.net/rsa) dmarc=pass"),
        STR_INIT(" signed=example.net/rsa,example.net/ed25519 ")};
    struct str want = good[h->signing];
    char chain[40];
    int n = snprintf(chain, sizeof chain, " arc=pass(%u/example.net)", h->sets);
    if (h->sets && !memmem(line.p, line.n, chain, (size_t)n))
        die("another result of the chain than expected", line);
    if (verdict->action != ACTION_ACCEPT || !memmem(line.p, line.n, want.p, want.n))
        die("another result than expected", line);
}

static void play_once(struct house *h)
{
    const struct envelope_words envelope = {
        .from = STR("<joe@example.net>"),
        .queue_id = STR("4f2kQ1"),
        .auth_type = h->signing ? STR("PLAIN") : STR(""),
        .auth_user = h->signing ? STR("joe") : STR(""),
    };
    const struct recipient_words recipient = {.path = STR("<suzie@example.org>")};
    struct dialogue *d = h->dialogue;
    if (dialogue_mail(d, &envelope) || dialogue_rcpt(d, &recipient))
        die("refused", d->refusal.text);
    tell_content(h);
    const struct transaction *t = d->transaction;
    const struct telling telling = transaction_telling(t);
    check(h, &t->verdict, record_line(t->point, &telling, 12000));
    dialogue_answered(d);
}

/* What tests/cost/run counts: callgrind begins and ends with it. */
__attribute__((noinline)) void played(struct house *h, unsigned long times);

void played(struct house *h, unsigned long times)
{
    for (unsigned long i = 0; i < times; i++)
        play_once(h);
}

/* "verify", "chain", "chain5". */
static unsigned sets_of(const char *what)
{
    if (strncmp(what, "chain", 5))
        return 0;
    return what[5] ? (unsigned)strtoul(what + 5, NULL, 10) : SETS;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: cost_play KEYDIR verify|chain[SETS]|sign TIMES [LINES]\n", stderr);
        return 1;
    }
    struct house h = {
        .arena = arena_new(0), .signing = !strcmp(argv[2], "sign"), .sets = sets_of(argv[2])};
    open_house(&h, argv[1]);
    make_message(&h, argc > 4 ? strtoul(argv[4], NULL, 10) : 0);
    open_dns(&h, argv[1]);
    open_dialogue(&h);
    for (int i = 0; i < WARM_UP; i++)
        play_once(&h);
    played(&h, strtoul(argv[3], NULL, 10));
    close_house(&h);
    return 0;
}
