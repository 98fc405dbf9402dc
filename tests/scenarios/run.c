/* run.c - plays scenario files: configuration, zone, session and message in, evidence, header edits
 * and verdict out, through the same pipeline, policy and edits as the daemon, without MTA and
 * network.
 *
 *     scenarios [-v|-w] KEYDIR FILE...
 *
 * -v: each is told; -w: and printed (story.h), for those who play them through the wire.
 *
 * Errors: exit status 1 if any expectation is not met, with everything that came out; 2 if a file
 * cannot be read or is not well-formed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/intake.h"
#include "crypto/canon.h"
#include "decide/record.h"
#include "decide/row.h"
#include "keys/keyset.h"
#include "mail/address.h"
#include "scenario.h"
#include "story.h"

#define NOW            1800000000
#define RECIPIENTS_MAX 16

/* One scenario under way. */
struct play {
    struct arena *arena;
    const struct scenario *scenario;
    const char *keydir;
    struct conf *conf;
    struct key_set *key_set;
    struct dns *dns;
    struct key_cache *keys;
    struct fixed_host host;
    struct state *state;
    struct state_settings state_settings;
    struct letter letter;
    struct header_list headers;
    struct recipient_words recipients[RECIPIENTS_MAX];
    struct dialogue *dialogue;
    const struct transaction *t; /* as it was answered */
    struct str config, zone, log;
    struct row_account account;
    struct str own_address;
    unsigned failures;
};

static void complain(struct play *p, const char *what, struct str want, struct str got)
{
    fprintf(stderr, "  expected %s %.*s\n       got %.*s\n", what, STR_ARG(want), STR_ARG(got));
    p->failures++;
}

static _Noreturn void broken(const struct play *p, const char *what, struct str detail)
{
    fprintf(stderr, "scenario \"%.*s\" (line %u): %s: %.*s\n", STR_ARG(p->scenario->name),
            p->scenario->line, what, STR_ARG(detail));
    exit(2);
}

static struct str read_file(struct arena *a, const char *path)
{
    struct strbuf b;
    char chunk[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(2);
    }
    sb_init(&b, a);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        sb_add(&b, (struct str){chunk, n});
    fclose(f);
    return sb_str(&b);
}

static struct str replace(struct arena *a, struct str text, struct str what, struct str by)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n;) {
        if (str_starts(str_sub(text, i, text.n), what)) {
            sb_add(&b, by);
            i += what.n;
        } else {
            sb_addc(&b, text.p[i++]);
        }
    }
    return sb_str(&b);
}

/* The keys of KEYDIR. Decoding one takes longer than most scenarios: they are decoded once, and let
 * go at the end. */
#define TEST_KEYS 2
static const char *const key_names[TEST_KEYS] = {"rsa", "ed25519"};
static struct private_key *test_keys[TEST_KEYS];

static struct private_key *decode_key(struct play *p, const char *name)
{
    struct str problem;
    char *path = str_cstr(p->arena, str_printf(p->arena, "%s/%s.pem", p->keydir, name));
    struct private_key *key = private_key_decode(read_file(p->arena, path), p->arena, &problem);
    if (!key)
        broken(p, path, problem);
    return key;
}

/* Borrowed: release_keys() lets it go. */
static struct private_key *test_key(struct play *p, struct str name)
{
    for (size_t i = 0; i < TEST_KEYS; i++)
        if (str_eq(name, str_of(key_names[i])))
            return test_keys[i] ? test_keys[i] : (test_keys[i] = decode_key(p, key_names[i]));
    broken(p, "there is no test key", name);
}

static void release_keys(void)
{
    for (size_t i = 0; i < TEST_KEYS; i++)
        private_key_release(test_keys[i]);
}

/* {rsa} and {ed25519} become the p= values of the test keys, cut to strings of a TXT record. */
static struct str with_keys(struct play *p, struct str zone)
{
    for (size_t i = 0; i < TEST_KEYS; i++) {
        struct private_key *key = test_key(p, str_of(key_names[i]));
        struct str b64 = base64_encode(p->arena, private_key_public(key, p->arena));
        struct strbuf cut;
        sb_init(&cut, p->arena);
        for (size_t at = 0; at < b64.n; at += 200)
            sb_printf(&cut, "%s%.*s", at ? "\" \"" : "", STR_ARG(str_sub(b64, at, at + 200)));
        zone = replace(p->arena, zone, str_printf(p->arena, "{%s}", key_names[i]), sb_str(&cut));
    }
    return zone;
}

/* [senders] becomes the file {keys}/senders. */
static void write_senders(struct play *p)
{
    struct str text = p->scenario->section[SECTION_SENDERS];
    FILE *f = fopen(str_printf(p->arena, "%s/senders", p->keydir).p, "w");
    if (!f || fwrite(text.p, 1, text.n, f) != text.n || fclose(f) != 0)
        broken(p, "cannot write the file of", STR("[senders]"));
}

/* --- what is remembered --- */

#define STATE_PATIENCE_US 20000000

/* One line of [state]: a key, and how long ago it was seen first. */
static void remember_line(struct play *p, struct str line)
{
    unsigned long long age;
    size_t space = str_find_last(line, ' ');
    struct state_key key = {.key = str_sub(line, 0, space)};
    struct state_asker asker = {.state = p->state, .patience_us = STATE_PATIENCE_US};
    struct str number = str_trim(str_sub(line, space, line.n));
    bool ahead = str_starts(number, STR("-"));
    if (!str_to_u64(str_sub(number, ahead, number.n), INT32_MAX, &age))
        broken(p, "[state] wants KEY AGE, or down", line);
    int64_t first = ahead ? NOW + (int64_t)age : NOW - (int64_t)age;
    state_put_if_absent(&asker, first, first, p->conf->greylist_window / 1000, &key, 1);
    if (key.result != STATE_ABSENT)
        broken(p, "cannot remember", line);
}

static void open_memory(struct play *p)
{
    struct str rest = p->scenario->section[SECTION_STATE], line, problem;
    bool down = str_eq(str_trim(rest), STR("down"));
    for (size_t i = 0; i < 3; i++)
        unlink(str_printf(p->arena, "%s/state.db%s", p->keydir,
                          i == 0   ? ""
                          : i == 1 ? "-wal"
                                   : "-shm")
                   .p);
    p->state_settings = (struct state_settings){
        .path = str_printf(p->arena, "%s/%s", p->keydir, down ? "none/state.db" : "state.db")};
    p->state = state_open(&p->state_settings, p->arena, &problem);
    while (!down && str_split(&rest, '\n', &line))
        if (str_trim(line).n)
            remember_line(p, str_trim(line));
}

static void note_key(void *context, struct str key, int64_t value, int64_t expires)
{
    struct strbuf *b = context;
    sb_printf(b, "%s%.*s=%lld/%lld", b->n ? " " : "", STR_ARG(key), (long long)(NOW - value),
              (long long)(expires - NOW));
}

/* Closing writes what nobody waited for. */
static struct str remembered(struct play *p)
{
    struct strbuf b;
    struct str problem = STR_NONE;
    sb_init(&b, p->arena);
    state_close(p->state);
    p->state = NULL;
    if (!state_list(&p->state_settings, NOW, STR(""), note_key, &b, p->arena, &problem))
        return STR("nothing");
    return b.n ? sb_str(&b) : STR("nothing");
}

static void set_up(struct play *p)
{
    struct conf_problems problems;
    struct str problem;
    const struct str *section = p->scenario->section;
    conf_problems_init(&problems, p->arena);
    write_senders(p);
    p->config = str_printf(p->arena, "authserv-id = \"mx.recv.example\";\n%.*s",
                           STR_ARG(section[SECTION_CONFIG]));
    struct str text = replace(p->arena, p->config, STR("{keys}"), str_of(p->keydir));
    p->conf = conf_parse(text, &problems);
    if (!p->conf || !key_set_load(p->conf, &problems, &p->key_set))
        broken(p, "configuration", problems.n ? problems.v[0] : STR("no reason given"));
    p->zone = with_keys(p, section[SECTION_ZONE]);
    p->dns = dns_open_zone(p->zone, p->arena, &problem);
    if (!p->dns)
        broken(p, "zone", problem);
    p->keys = key_cache_new(1 << 20);
    if (p->conf->greylist_mode != CHECK_OFF)
        open_memory(p);
}

static void tear_down(struct play *p)
{
    dialogue_free(p->dialogue);
    state_close(p->state);
    key_cache_free(p->keys);
    key_set_free(p->key_set);
    conf_free(p->conf);
}

static void add_recipient(struct play *p, struct str path)
{
    if (p->letter.n_recipients == RECIPIENTS_MAX)
        broken(p, "too many recipients", path);
    p->recipients[p->letter.n_recipients++].path = path;
}

/* One line of [session]: a keyword and its value. */
static void session_line(struct play *p, struct str key, struct str value)
{
    struct client_words *c = &p->letter.client;
    struct envelope_words *e = &p->letter.envelope;
    if (str_eq(key, STR("client")))
        c->smtp = netaddr_parse(value, &c->address) || !str_eq(value, STR("local"));
    else if (str_eq(key, STR("name")))
        c->name = value;
    else if (str_eq(key, STR("helo")))
        p->letter.helo = value;
    else if (str_eq(key, STR("daemon")))
        c->daemon_name = value;
    else if (str_eq(key, STR("mta")))
        c->mta_name = value;
    else if (str_eq(key, STR("auth")))
        e->auth_user = value, e->auth_type = STR("PLAIN");
    else if (str_eq(key, STR("tls")))
        e->certificate.verify = STR("OK"), e->certificate.subject = value;
    else if (str_eq(key, STR("from")))
        e->from = value;
    else if (str_eq(key, STR("rcpt")))
        add_recipient(p, value);
    else if (str_eq(key, STR("host")))
        netset_add(&p->conf->host_addresses, p->own_address = value);
    else
        broken(p, "unknown word in [session]", key);
}

static void read_session(struct play *p)
{
    struct str rest = p->scenario->section[SECTION_SESSION], line;
    p->letter = (struct letter){
        .client = {.name = STR("mail.example.net"), .smtp = true},
        .helo = STR("mail.example.net"),
        .envelope = {.from = STR("<>"), .queue_id = STR("4TEST")},
        .recipients = p->recipients,
    };
    netaddr_parse(STR("192.0.2.1"), &p->letter.client.address);
    while (str_split(&rest, '\n', &line)) {
        line = str_trim(line);
        if (!line.n || line.p[0] == '#')
            continue;
        size_t space = str_find(line, 0, ' ');
        session_line(p, str_sub(line, 0, space), str_trim(str_sub(line, space, line.n)));
    }
}

static struct str crlf(struct arena *a, struct str text)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
            sb_addc(&b, '\r');
        sb_addc(&b, text.p[i]);
    }
    return sb_str(&b);
}

/* Signs the message as [sign] says: "DOMAIN SELECTOR rsa|ed25519 [SECONDS]" a line, the newest on
 * top. */
static void sign(struct play *p, struct header_list *headers, struct str body)
{
    struct str rest = p->scenario->section[SECTION_SIGN], line;
    while (str_split(&rest, '\n', &line)) {
        struct str domain, selector, type, value, problem;
        line = str_trim(line);
        if (!line.n || line.p[0] == '#')
            continue;
        if (!str_split(&line, ' ', &domain) || !str_split(&line, ' ', &selector) ||
            !str_split(&line, ' ', &type))
            broken(p, "[sign] wants: DOMAIN SELECTOR rsa|ed25519 [SECONDS]", line);
        unsigned long long ahead = 0;
        if (line.n && !str_to_u64(line, INT32_MAX, &ahead))
            broken(p, "[sign] wants seconds that t= is ahead", line);
        struct private_key *key = test_key(p, type);
        struct dkim_signing_key signing_key = {domain, selector, key};
        struct dkim_sign_settings settings = {
            .header_canon = CANON_RELAXED, .body_canon = CANON_RELAXED, .now = NOW - 10};
        if (ahead)
            settings.now = NOW + (int64_t)ahead;
        struct dkim_signer *signer = dkim_signer_new(p->arena, &settings, headers);
        dkim_signer_body(signer, body.p, body.n);
        if (!dkim_signer_finish(signer, &signing_key, 1, &value, &problem))
            broken(p, "cannot sign", problem);
        struct header_list signed_list;
        header_list_init(&signed_list, p->arena);
        header_list_add(&signed_list, STR("DKIM-Signature"), value);
        for (size_t i = 0; i < headers->n; i++)
            header_list_add(&signed_list, headers->fields[i].name, headers->fields[i].value);
        *headers = signed_list;
    }
}

/* Fields are folded as an MTA tells them, with LF. */
static void fold_with_lf(struct play *p)
{
    for (size_t i = 0; i < p->headers.n; i++) {
        struct header_field *field = &p->headers.fields[i];
        field->value = replace(p->arena, field->value, STR("\r\n"), STR("\n"));
    }
}

static void put_on_top(struct play *p, const char *name, struct str value)
{
    struct header_list all;
    header_list_init(&all, p->arena);
    header_list_add(&all, str_of(name), value);
    for (size_t i = 0; i < p->headers.n; i++)
        header_list_add(&all, p->headers.fields[i].name, p->headers.fields[i].value);
    p->headers = all;
}

static void seal_once(struct play *p, struct str body, unsigned instance, struct str line)
{
    struct str domain, selector, type, problem;
    struct arc_sealed set;
    if (!str_split(&line, ' ', &domain) || !str_split(&line, ' ', &selector) ||
        !str_split(&line, ' ', &type))
        broken(p, "[seal] wants: before|after DOMAIN SELECTOR rsa|ed25519 RESULTS", line);
    struct private_key *key = test_key(p, type);
    const struct dkim_signing_key signing_key = {domain, selector, key};
    const struct dkim_sign_settings settings = {.now = NOW - 5};
    struct body_hash *hash = body_hash_new(p->arena, CANON_RELAXED, UINT64_MAX);
    body_hash_update(hash, body.p, body.n);
    const struct arc_seal_request request = {
        .instance = instance,
        .cv = instance == 1 ? ARC_CV_NONE : ARC_CV_PASS,
        .results = str_printf(p->arena, " i=%u; %.*s", instance, STR_ARG(line)),
        .headers = &p->headers,
        .body = hash,
        .key = &signing_key,
        .settings = &settings,
    };
    if (!arc_seal(p->arena, &request, &set, &problem))
        broken(p, "cannot seal", problem);
    put_on_top(p, "ARC-Authentication-Results", set.results);
    put_on_top(p, "ARC-Message-Signature", set.message);
    put_on_top(p, "ARC-Seal", set.seal);
}

static void pass_through_list(struct play *p)
{
    for (size_t i = 0; i < p->headers.n; i++)
        if (str_eq_nocase(p->headers.fields[i].name, STR("Subject")))
            p->headers.fields[i].value =
                str_printf(p->arena, " [list]%.*s", STR_ARG(p->headers.fields[i].value));
}

/* The sets that [seal] names, the newest on top. */
static void seal(struct play *p, struct str untouched)
{
    struct str rest = p->scenario->section[SECTION_SEAL], line, when;
    bool passed = false;
    unsigned instance = 0;
    while (str_split(&rest, '\n', &line)) {
        line = str_trim(line);
        if (!line.n || line.p[0] == '#' || !str_split(&line, ' ', &when))
            continue;
        bool after = str_eq(when, STR("after"));
        if (after && !passed)
            pass_through_list(p);
        passed = after;
        seal_once(p, after ? p->letter.body : untouched, ++instance, line);
    }
}

/* What a validator says of the message as it leaves. */
static struct str judge_leaving(struct play *p)
{
    const struct header_list leaving = edits_apply(p->arena, &p->headers, &p->t->edits);
    const struct dkim_verify_settings settings = {
        .min_key_bits = 1024, .now = NOW, .bodies = body_digests_new(p->arena)};
    struct dns_asker asker = {.dns = p->dns, .arena = p->arena, .patience_us = 1000000};
    struct arc_chain *chain = arc_chain_new(&settings, &leaving, p->keys, &asker);
    if (!chain)
        return STR("none");
    body_digests_update(settings.bodies, p->letter.body.p, p->letter.body.n);
    const struct arc_outcome *o = arc_chain_finish(chain, &asker);
    if (o->result == ARC_PASS)
        return str_printf(p->arena, "pass %u oldest-pass=%u", o->n, o->oldest_pass);
    return str_printf(p->arena, "%s %.*s", arc_result_name(o->result), STR_ARG(o->reason));
}

/* A line "TAMPER" in the message is there for the verifier and not for the signer. */
static void read_message(struct play *p)
{
    struct str text = crlf(p->arena, p->scenario->section[SECTION_MESSAGE]);
    header_list_init(&p->headers, p->arena);
    header_parse_message(&p->headers, text, &p->letter.body);
    struct str untouched = replace(p->arena, p->letter.body, STR("TAMPER\r\n"), STR(""));
    sign(p, &p->headers, untouched);
    seal(p, untouched);
    fold_with_lf(p);
    p->letter.headers = &p->headers;
}

static struct dialogue *play_once(struct play *p)
{
    static const struct session_peer nobody;
    struct dialogue *d = dialogue_new(&p->host.host, &nobody);
    play_letter(d, &p->letter);
    if (!d->transaction)
        broken(p, "the message did not begin", d->refusal.text);
    return d;
}

static void run_message(struct play *p)
{
    fixed_host_init(&p->host);
    p->host.now = NOW;
    p->host.host.state_patience_us = STATE_PATIENCE_US; /* the machine may be busy */
    p->host.snapshot.conf = p->conf;
    p->host.snapshot.state = p->state;
    p->host.snapshot.dns = p->dns;
    p->host.snapshot.key_cache = p->keys;
    p->host.snapshot.keys = p->key_set;
    p->dialogue = play_once(p);
    p->t = p->dialogue->transaction;
}

/* --- what is expected --- */

static struct str edit_text(struct play *p, const struct edit *e)
{
    if (e->kind == EDIT_DELETE)
        return str_printf(p->arena, "%.*s %u", STR_ARG(e->name), e->ordinal);
    return str_printf(
        p->arena, "%.*s: %.*s", STR_ARG(e->name),
        STR_ARG(replace(p->arena, header_unfold(p->arena, e->value), STR("\t"), STR(" "))));
}

static bool some_edit(struct play *p, enum edit_kind kind, struct str pattern, struct str *all)
{
    bool found = false;
    *all = STR("");
    for (size_t i = 0; i < p->t->edits.n; i++) {
        const struct edit *e = &p->t->edits.v[i];
        if (e->kind != kind)
            continue;
        struct str text = edit_text(p, e);
        found = found || pattern_matches(pattern, text);
        *all = str_printf(p->arena, "%.*s%s%.*s", STR_ARG(*all), all->n ? "\n           " : "",
                          STR_ARG(text));
    }
    return found;
}

static struct str dkim_words(struct play *p)
{
    struct strbuf b;
    sb_init(&b, p->arena);
    for (size_t i = 0; i < p->t->evidence.dkim.n; i++)
        sb_printf(&b, "%s%s", i ? "," : "",
                  dkim_result_name(p->t->evidence.dkim.signatures[i].result));
    return p->t->evidence.dkim.checked && !b.n ? STR("none") : sb_str(&b);
}

static struct str reply_text(struct play *p)
{
    return str_printf(p->arena, "%.*s %.*s %.*s", STR_ARG(p->t->verdict.code),
                      STR_ARG(p->t->verdict.enhanced), STR_ARG(p->t->verdict.text));
}

/* "DOMAIN p=reject sp=- np=- adkim=r aspf=r fo=0 t=n treewalk rua=URI,... source=ADDRESS
 * from=DOMAIN mfrom=DOMAIN to=DOMAIN reject dkim=fail spf=pass reason=TYPE(COMMENT)
 * sig=DOMAIN/SELECTOR/RESULT auth-spf=DOMAIN/SCOPE/RESULT"; what is empty is "-". */
static struct str row_text(struct play *p, const struct row *r)
{
    static const char *const dispositions[] = {"none", "pass", "quarantine", "reject"};
    const struct row_policy *policy = &r->policy;
    const struct str words[] = {
        policy->p,      policy->sp,       policy->np,    policy->adkim,        policy->aspf,
        policy->fo,     policy->testing,  STR(""),       policy->destinations, STR(""),
        r->header_from, r->envelope_from, r->envelope_to};
    static const char *const names[] = {"p",  "sp",  "np",     "adkim", "aspf",  "fo", "t",
                                        NULL, "rua", "source", "from",  "mfrom", "to"};
    char address[NETADDR_TEXT];
    struct strbuf b;
    sb_init(&b, p->arena);
    sb_add(&b, policy->domain);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!names[i])
            sb_printf(&b, " %.*s", STR_ARG(policy->discovery));
        else if (strcmp(names[i], "source") == 0)
            sb_printf(&b, " source=%s", netaddr_format(&r->source, address));
        else
            sb_printf(&b, " %s=%.*s", names[i], STR_ARG(words[i].n ? words[i] : STR("-")));
    sb_printf(&b, " %s dkim=%s spf=%s", dispositions[r->disposition],
              r->dkim_aligned ? "pass" : "fail", r->spf_aligned ? "pass" : "fail");
    for (size_t i = 0; i < r->n_reasons; i++)
        sb_printf(&b, " reason=%.*s(%.*s)", STR_ARG(r->reasons[i].type),
                  STR_ARG(r->reasons[i].comment));
    for (size_t i = 0; i < r->n_signatures; i++)
        sb_printf(&b, " sig=%.*s/%.*s/%.*s", STR_ARG(r->signatures[i].domain),
                  STR_ARG(r->signatures[i].selector), STR_ARG(r->signatures[i].result));
    sb_printf(&b, " auth-spf=%.*s/%.*s/%.*s", STR_ARG(r->spf_domain), STR_ARG(r->spf_scope),
              STR_ARG(r->spf_result));
    return sb_str(&b);
}

static bool some_row(struct play *p, struct str pattern, struct str *all)
{
    bool found = false;
    *all = STR("");
    for (size_t i = 0; i < p->account.n; i++) {
        struct str text = row_text(p, &p->account.rows[i]);
        found = found || pattern_matches(pattern, text);
        *all = str_printf(p->arena, "%.*s%s%.*s", STR_ARG(*all), all->n ? "\n           " : "",
                          STR_ARG(text));
    }
    return found;
}

/* Queries for the same message once more, with the answers to the first in the cache. */
static struct str warm_queries(struct play *p)
{
    struct dialogue *again = play_once(p);
    struct str queries = str_printf(p->arena, "%u", again->transaction->asker.queries);
    dialogue_free(again);
    return queries;
}

/* What came out under a keyword of [expect]; STR_NONE for the keywords that need more. */
static struct str outcome_of(struct play *p, struct str key)
{
    const struct evidence *e = &p->t->evidence;
    if (str_eq(key, STR("origin")))
        return str_of(origin_name(p->t->message.origin));
    if (str_eq(key, STR("spf")))
        return e->spf.mail_from.checked ? str_of(spf_result_name(e->spf.mail_from.outcome.result))
                                        : STR("unchecked");
    if (str_eq(key, STR("dkim")))
        return dkim_words(p);
    if (str_eq(key, STR("dmarc")))
        return e->dmarc.checked ? str_of(dmarc_result_name(e->dmarc.result)) : STR("unchecked");
    if (str_eq(key, STR("arc")))
        return e->arc.checked ? str_of(arc_result_name(e->arc.result)) : STR("unchecked");
    if (str_eq(key, STR("leaves")))
        return judge_leaving(p);
    if (str_eq(key, STR("action")))
        return str_of(action_name(p->t->verdict.action));
    if (str_eq(key, STR("would")))
        return str_of(action_name(p->t->verdict.if_enforced));
    if (str_eq(key, STR("at")))
        return str_of(point_name(p->t->point));
    if (str_eq(key, STR("override")))
        return str_of(override_name(p->t->verdict.override));
    if (str_eq(key, STR("reply")))
        return reply_text(p);
    if (str_eq(key, STR("queries")))
        return str_printf(p->arena, "%u", p->t->asker.queries);
    if (str_eq(key, STR("warm-queries")))
        return warm_queries(p);
    if (str_eq(key, STR("state")))
        return remembered(p);
    if (str_eq(key, STR("log")))
        return p->log;
    if (str_eq(key, STR("rows")))
        return str_printf(p->arena, "%zu", p->account.n);
    if (str_eq(key, STR("tally")))
        return p->account.tally.n ? p->account.tally : STR("nothing");
    return STR_NONE;
}

static void expect_line(struct play *p, struct str key, struct str want)
{
    struct str got = outcome_of(p, key);
    if (got.p) {
        if (!pattern_matches(want, got))
            complain(p, str_cstr(p->arena, key), want, got);
    } else if (str_eq(key, STR("header"))) {
        if (!some_edit(p, EDIT_INSERT, want, &got))
            complain(p, "header", want, got);
    } else if (str_eq(key, STR("row"))) {
        if (!some_row(p, want, &got))
            complain(p, "row", want, got);
    } else if (str_eq(key, STR("no-header"))) {
        if (some_edit(p, EDIT_INSERT, want, &got))
            complain(p, "no header", want, got);
    } else if (str_eq(key, STR("change"))) {
        if (!some_edit(p, EDIT_CHANGE, want, &got))
            complain(p, "change", want, got);
    } else if (str_eq(key, STR("delete"))) {
        some_edit(p, EDIT_DELETE, STR("*"), &got);
        struct str list = replace(p->arena, got, STR("\n           "), STR(", "));
        if (!str_eq(list.n ? list : STR("none"), want))
            complain(p, "delete", want, list);
    } else {
        broken(p, "unknown word in [expect]", key);
    }
}

static void check(struct play *p)
{
    struct str rest = p->scenario->section[SECTION_EXPECT], line;
    size_t n = 0;
    while (str_split(&rest, '\n', &line)) {
        line = str_trim(line);
        if (!line.n || line.p[0] == '#')
            continue;
        size_t space = str_find(line, 0, ' ');
        expect_line(p, str_sub(line, 0, space), str_trim(str_sub(line, space, line.n)));
        n++;
    }
    if (!n)
        broken(p, "a scenario that expects nothing", p->scenario->name);
}

/* Keys in a checkout are readable by all, and assay refuses such keys: work on private copies. */
static char keydir[] = "/tmp/assay-scenarios-XXXXXX";
static const char *const copies[] = {"rsa.pem",  "ed25519.pem",  "senders",
                                     "state.db", "state.db-wal", "state.db-shm"};

static void remove_copies(void)
{
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        char path[sizeof keydir + 16];
        snprintf(path, sizeof path, "%s/%s", keydir, copies[i]);
        unlink(path);
    }
    rmdir(keydir);
}

static void make_copies(struct arena *a, const char *from)
{
    if (!mkdtemp(keydir)) {
        perror(keydir);
        exit(2);
    }
    atexit(remove_copies);
    for (size_t i = 0; i < 2; i++) {
        struct str text = read_file(a, str_cstr(a, str_printf(a, "%s/%s", from, copies[i])));
        int fd = open(str_cstr(a, str_printf(a, "%s/%s", keydir, copies[i])),
                      O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n) {
            perror(keydir);
            exit(2);
        }
        close(fd);
    }
}

static void tell(const struct play *p, const char *path)
{
    const struct story story = {
        .name = p->scenario->name,
        .path = str_of(path),
        .line = p->scenario->line,
        .config = p->config,
        .senders = p->scenario->section[SECTION_SENDERS],
        .zone = p->zone,
        .host = p->own_address,
        .letter = &p->letter,
        .t = p->t,
        .log = p->log,
    };
    story_print(&story, p->arena);
}

enum telling_mode { TELL_FAILURES, TELL_ALL, TELL_STORIES };

static bool play(const struct scenario *scenario, const char *path, enum telling_mode mode)
{
    struct play p = {.arena = arena_new(0), .scenario = scenario, .keydir = keydir};
    set_up(&p);
    read_session(&p);
    read_message(&p);
    run_message(&p);
    const struct telling telling = transaction_telling(p.t);
    p.log = record_line(p.t->point, &telling, 0);
    row_account(p.t->point, &telling, &p.account);
    if (mode == TELL_STORIES)
        tell(&p, path);
    else
        check(&p);
    if (p.failures || mode == TELL_ALL) {
        struct str edits;
        some_edit(&p, EDIT_INSERT, STR("*"), &edits);
        fprintf(stderr, "%s %s:%u: %.*s\n    %.*s\n    %.*s\n    %.*s\n",
                p.failures ? "FAILED" : "ok", path, scenario->line, STR_ARG(scenario->name),
                STR_ARG(p.log), STR_ARG(reply_text(&p)), STR_ARG(edits));
    }
    bool good = p.failures == 0;
    struct dns *dns = p.dns;
    tear_down(&p);
    arena_free(p.arena);
    dns_close(dns);
    return good;
}

static _Noreturn void usage(void)
{
    fputs("usage: scenarios [-v|-w] KEYDIR FILE...\n", stderr);
    exit(2);
}

static enum telling_mode read_mode(int argc, char **argv)
{
    enum telling_mode mode = TELL_FAILURES;
    for (int c; (c = getopt(argc, argv, "vw")) != -1;) {
        if (c == '?')
            usage();
        mode = c == 'v' ? TELL_ALL : TELL_STORIES;
    }
    if (argc - optind < 2)
        usage();
    return mode;
}

int main(int argc, char **argv)
{
    enum telling_mode mode = read_mode(argc, argv);
    unsigned passed = 0, failed = 0;
    struct arena *a = arena_new(0);
    log_open(LOG_TO_STDERR, "scenarios", LOG_LEVEL_ERROR);
    make_copies(a, argv[optind]);
    for (int i = optind + 1; i < argc; i++) {
        struct scenario_file file;
        struct str problem;
        if (!scenario_parse(a, read_file(a, argv[i]), &file, &problem)) {
            fprintf(stderr, "%s: %.*s\n", argv[i], STR_ARG(problem));
            return 2;
        }
        for (size_t k = 0; k < file.n; k++)
            if (play(&file.v[k], argv[i], mode))
                passed++;
            else
                failed++;
    }
    release_keys();
    arena_free(a);
    if (mode != TELL_STORIES)
        printf("%u passed, %u failed\n", passed, failed);
    return failed || !passed;
}
