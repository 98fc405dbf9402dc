/* judge_domain.c - judges a domain's MX, keys, DMARC and TLS records. judge_spf.c judges SPF.
 *
 * Errors: none. */
#include <string.h>

#include "keys/keygen.h"
#include "milter/commands/doctor/judge.h"
#include "milter/commands/doctor/suggest.h"

typedef void domain_judge(const struct domain_facts *d, struct findings *out);

static void each_domain(const struct doctor_facts *facts, struct findings *out, domain_judge *judge)
{
    for (size_t i = 0; i < facts->n_domains; i++)
        judge(&facts->domains[i], out);
}

static struct finding *unseen(const struct domain_facts *d, enum doctor_check check,
                              struct findings *out)
{
    return find(out, check, LEVEL_UNSEEN, d->name, "DNS did not tell");
}

/* --- MX ----------------------------------------------------------------------------------------*/

static bool is_null_mx(const struct domain_facts *d)
{
    return d->mx->status == DNS_ANSWER && str_eq(d->mx->rr[0].text, STR("."));
}

static void judge_null_mx(const struct domain_facts *d, struct findings *out)
{
    bool sends = d->n_keys > 0;
    struct finding *f = find(out, CHECK_MX, sends ? LEVEL_WARNING : LEVEL_NOTE, d->name,
                             "it says that it receives no mail (null MX)");
    f->why = STR("no bounce, answer or report can arrive, and some receivers refuse its mail "
                 "(RFC 7505 4.2)");
    if (sends)
        f->mend =
            STR("if it sends mail, publish an MX record that names a host that receives mail");
}

static bool has_no_address(const struct mx_facts *host)
{
    return host->v4 && host->v6 && !dns_unknown(host->v4) && !dns_unknown(host->v6) &&
           host->v4->status != DNS_ANSWER && host->v6->status != DNS_ANSWER;
}

static void judge_mx_hosts(const struct domain_facts *d, struct findings *out)
{
    size_t bad = 0;
    bool own_name = d->mx->status != DNS_ANSWER; /* without an MX, mail goes to the domain itself */
    for (size_t i = 0; i < d->n_mx; i++)
        bad += has_no_address(&d->mx_hosts[i]);
    for (size_t i = 0; i < d->n_mx; i++) {
        if (!has_no_address(&d->mx_hosts[i]))
            continue;
        struct finding *f =
            find(out, CHECK_MX, bad == d->n_mx ? LEVEL_GRAVE : LEVEL_WARNING, d->name,
                 own_name ? "it has neither MX nor address" : "its MX %.*s has no address",
                 STR_ARG(clean(out, d->mx_hosts[i].host)));
        f->why =
            STR("mail for it cannot be delivered, and receivers refuse mail from such a domain");
        f->mend = STR("publish the MX records of hosts that have an address");
    }
    if (!bad)
        find(out, CHECK_MX, LEVEL_GOOD, d->name,
             own_name ? "no MX record, its own address takes its mail" : "%zu MX", d->n_mx);
}

static void judge_mx_of(const struct domain_facts *d, struct findings *out)
{
    if (!d->mx || dns_unknown(d->mx)) {
        unseen(d, CHECK_MX, out);
    } else if (d->mx->status == DNS_NXDOMAIN) {
        struct finding *f =
            find(out, CHECK_MX, LEVEL_GRAVE, d->name, "the domain does not exist in DNS");
        f->why = STR("nobody can answer its mail, and many receivers refuse it");
        f->mend = STR("check that the name is right, and registered");
    } else if (is_null_mx(d)) {
        judge_null_mx(d, out);
    } else {
        judge_mx_hosts(d, out);
    }
}

void judge_mx(const struct doctor_facts *facts, struct findings *out)
{
    if (!facts->n_domains)
        find(out, CHECK_MX, LEVEL_UNSEEN, STR_NONE,
             "no domain was looked at: the configuration signs for none, and none was named")
            ->mend = STR("name it: assay doctor example.org");
    else if (facts->domains_guessed)
        find(
            out, CHECK_MX, LEVEL_NOTE, facts->domains[0].name,
            "no domain was named, and the configuration signs for none: this one is the machine's");
    each_domain(facts, out, judge_mx_of);
}

/* --- Keys --------------------------------------------------------------------------------------*/

static void judge_no_keys(const struct domain_facts *d, struct findings *out)
{
    if (domain_is_silent(d)) {
        find(out, CHECK_KEYS, LEVEL_GOOD, d->name, "it sends no mail, and no key signs for it");
        return;
    }
    struct finding *f =
        find(out, CHECK_KEYS, LEVEL_WARNING, d->name, "no key of this configuration signs for it");
    f->why = STR("without a signature DMARC depends on SPF alone, and forwarded mail fails it");
    f->mend = STR("if this server sends its mail, make a key, and do what that command prints");
    f->command = str_printf(out->arena, "%.*s --selector s1 --directory /etc/assay/keys",
                            STR_ARG(command_about("assay dkim keygen --domain", d->name, out)));
}

static struct str selector_and_domain(const struct key_facts *k, struct findings *out)
{
    return k->name.n ? k->name : clean(out, k->key->selector);
}

static void judge_record(const struct key_facts *k, struct findings *out)
{
    bool usable = record_usable(k->finding);
    struct finding *f = find(out, CHECK_KEYS,
                             !k->signs ? LEVEL_NOTE
                             : usable  ? LEVEL_WARNING
                                       : LEVEL_GRAVE,
                             selector_and_domain(k, out), "its record is %s: %s",
                             record_finding_word(k->finding), record_finding_advice(k->finding));
    f->why = k->signs ? STR("signatures by this key do not count at receivers")
                      : STR("this key does not sign yet, or not any more");
    f->mend = STR("publish the record, wait until DNS has it, and test it");
    f->command = STR("assay dkim test");
    f->publish = k->zone;
}

static void judge_strength(const struct key_facts *k, struct findings *out)
{
    const struct private_key *key = k->key->key;
    unsigned bits = private_key_bits(key);
    struct str subject = selector_and_domain(k, out);
    if (private_key_type(key) == KEY_RSA && bits < 2048) {
        struct finding *f =
            find(out, CHECK_KEYS, LEVEL_WARNING, subject, "its key has only %u bits", bits);
        f->why = STR("RFC 8301 wants 2048, and some receivers do not accept signatures with 1024");
        f->mend = STR("make a longer one under another selector: assay dkim keygen, or with a key "
                      "directory: assay dkim rotate");
    } else if (private_key_type(key) == KEY_RSA && bits > KEY_RSA_BITS_COMMON) {
        find(out, CHECK_KEYS, LEVEL_NOTE, subject, KEY_LONG_ADVICE, bits);
    } else {
        find(out, CHECK_KEYS, LEVEL_GOOD, subject, "its record is published, and fits the key");
    }
}

static void judge_key(const struct key_facts *k, struct findings *out)
{
    if (!k->key->key)
        find(out, CHECK_KEYS, LEVEL_UNSEEN, selector_and_domain(k, out), "%.*s",
             STR_ARG(clean(out, k->key->problem)));
    else if (k->finding == RECORD_UNKNOWN)
        find(out, CHECK_KEYS, LEVEL_UNSEEN, selector_and_domain(k, out), "DNS did not tell");
    else if (k->finding != RECORD_GOOD)
        judge_record(k, out);
    else
        judge_strength(k, out);
}

static bool only_ed25519(const struct domain_facts *d)
{
    size_t known = 0;
    for (size_t i = 0; i < d->n_keys; i++) {
        const struct private_key *key = d->keys[i].key->key;
        if (key && private_key_type(key) == KEY_RSA)
            return false;
        known += key && d->keys[i].signs;
    }
    return known > 0;
}

static void judge_keys_of(const struct domain_facts *d, struct findings *out)
{
    if (!d->keys_seen)
        find(out, CHECK_KEYS, LEVEL_UNSEEN, d->name, "its keys could not be looked at");
    else if (!d->n_keys)
        judge_no_keys(d, out);
    for (size_t i = 0; i < d->n_keys; i++)
        judge_key(&d->keys[i], out);
    if (!only_ed25519(d))
        return;
    struct finding *f =
        find(out, CHECK_KEYS, LEVEL_WARNING, d->name, "only Ed25519 keys sign for it");
    f->why = STR("many receivers do not verify Ed25519 yet (RFC 8463)");
    f->mend = STR("sign with an RSA key too: assay dkim keygen");
}

void judge_keys(const struct doctor_facts *facts, struct findings *out)
{
    each_domain(facts, out, judge_keys_of);
}

/* --- DMARC -------------------------------------------------------------------------------------*/

static void judge_no_dmarc(const struct domain_facts *d, struct findings *out)
{
    struct finding *f = find(out, CHECK_DMARC, LEVEL_WARNING, d->name, "it has no DMARC record");
    f->why = STR("anybody may use it in From, nobody reports that, and large receivers expect a "
                 "record from domains that send much");
    f->mend = domain_is_silent(d)
                  ? STR("it sends no mail, so all mail from it may be refused")
                  : STR("make the mailbox for reports, publish this, read the reports, then go on "
                        "to p=quarantine and p=reject");
    f->publish = suggest_dmarc(d, DMARC_P_NONE, out->arena);
}

static void judge_advice(const struct domain_facts *d, size_t i, struct findings *out)
{
    const struct dmarc_record *r = &d->dmarc.record;
    bool wrong = d->advice.wrong[i];
    struct finding *f = find(out, CHECK_DMARC, wrong ? LEVEL_WARNING : LEVEL_NOTE, d->name, "%.*s",
                             STR_ARG(d->advice.v[i]));
    if (wrong) {
        f->why = STR("the record does not have the effect that it should have");
        f->mend = STR("change the record, or correct what it names");
        f->command = command_about("assay dmarc check", d->name, out);
    }
    if (wrong && !r->n_rua)
        f->publish = suggest_dmarc(d, r->p, out->arena);
    else if (!wrong && r->p == DMARC_P_NONE && str_starts(d->advice.v[i], STR("p=none")))
        f->publish = suggest_dmarc(d, DMARC_P_QUARANTINE, out->arena);
}

static void judge_dmarc_of(const struct domain_facts *d, struct findings *out)
{
    size_t wrong = 0;
    if (!d->dmarc.record_domain.n && d->dmarc.result != DMARC_NONE) {
        unseen(d, CHECK_DMARC, out);
        return;
    }
    if (!d->dmarc.record_domain.n) {
        judge_no_dmarc(d, out);
        return;
    }
    for (size_t i = 0; i < d->advice.n; i++) {
        judge_advice(d, i, out);
        wrong += d->advice.wrong[i];
    }
    if (!wrong)
        find(out, CHECK_DMARC, LEVEL_GOOD, d->name, "p=%s, from _dmarc.%.*s",
             dmarc_policy_name(d->dmarc.policy), STR_ARG(clean(out, d->dmarc.record_domain)));
}

void judge_dmarc(const struct doctor_facts *facts, struct findings *out)
{
    each_domain(facts, out, judge_dmarc_of);
}

/* --- TLS ---------------------------------------------------------------------------------------*/

static const char *presence(const struct dns_answer *answer, const char *version)
{
    if (!answer || dns_unknown(answer))
        return "not known";
    for (size_t i = 0; answer->status == DNS_ANSWER && i < answer->n; i++)
        if (str_starts_nocase(answer->rr[i].text, str_of(version)))
            return "there";
    return "none";
}

static void judge_tls_of(const struct domain_facts *d, struct findings *out)
{
    const char *report = presence(d->tls_report, "v=TLSRPTv1"),
               *sts = presence(d->mta_sts, "v=STSv1");
    bool both = strcmp(report, "there") == 0 && strcmp(sts, "there") == 0;
    find(out, CHECK_TLS, both ? LEVEL_GOOD : LEVEL_NOTE, d->name,
         "records for TLS: MTA-STS (RFC 8461) %s, TLSRPT (RFC 8460) %s; assay has no part in them",
         sts, report);
}

void judge_tls(const struct doctor_facts *facts, struct findings *out)
{
    each_domain(facts, out, judge_tls_of);
}
