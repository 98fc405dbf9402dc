/* report_trust.c - how far the mail is to be believed that a report came with: what our daemon said
 * of it on its way in, or else what can be found out now.
 *
 * Errors: none; what cannot be known is not believed. */
#include <string.h>

#include "mail/authres.h"
#include "mail/domain.h"
#include "milter/commands/check.h"
#include "milter/commands/report.h"
#include "report/in/mime.h"

#define HEADER_MAX  (256U << 10) /* of a mail that is judged */
#define DEADLINE_MS 5000         /* of the DNS, for one */

static bool is_ours(const struct command *c, struct arena *a, const struct authres_head *head)
{
    struct str id;
    if (!head->parsed || !head->version_ok || !domain_normalize(a, head->id, &id))
        return false;
    if (str_eq_nocase(id, c->conf->authserv_id))
        return true;
    for (size_t i = 0; i < c->conf->authserv_id_aliases.n; i++)
        if (str_eq(id, c->conf->authserv_id_aliases.v[i]))
            return true;
    return false;
}

static struct report_trust aligned_by(struct arena *a, struct str author)
{
    struct report_trust out = {.trust = TRUST_ALIGNED};
    struct str domain;
    if (author.n && domain_normalize(a, author, &domain))
        out.author = str_copy(a, domain);
    return out;
}

static struct report_trust trust_of(const struct authres_results *results, struct arena *a)
{
    struct report_trust out = {.trust = TRUST_NONE};
    for (size_t i = 0; i < results->n; i++) {
        const struct authres_resinfo *r = &results->v[i];
        bool pass = str_eq_nocase(r->result, STR("pass"));
        if (pass && str_eq_nocase(r->method, STR("dmarc")))
            return aligned_by(a, authres_property_of(r, "header.from"));
        if (pass && (str_eq_nocase(r->method, STR("spf")) || str_eq_nocase(r->method, STR("dkim"))))
            out.trust = TRUST_OTHER;
    }
    return out;
}

/* The topmost field of ours: what stands below it may be anybody's. */
bool report_trust_said(struct command *c, struct str mail, struct arena *a,
                       struct report_trust *out)
{
    struct arena *parsing = arena_new(0);
    struct header_list headers;
    struct authres_head head;
    struct authres_results results;
    struct str body;
    bool said = false, ours = false;
    mime_split(parsing, mail, &headers, &body);
    for (size_t i = 0; i < headers.n && !ours; i++) {
        if (!str_eq_nocase(headers.fields[i].name, STR("Authentication-Results")))
            continue;
        authres_parse_head(parsing, headers.fields[i].value, &head);
        ours = is_ours(c, parsing, &head);
        said = ours && authres_parse_foreign(parsing, headers.fields[i].value, &results);
        if (said)
            *out = trust_of(&results, a);
    }
    arena_free(parsing);
    return said;
}

/* --- Judged on the spot ------------------------------------------------------------------------*/

/* Nothing else than SPF, DKIM and DMARC is asked, and nothing refuses. */
static void only_judge(struct conf *conf)
{
    conf->dnsbl_mode = conf->sender_mode = CHECK_OFF;
    conf->client_iprev = IPREV_OFF;
    conf->greylist_mode = CHECK_OFF;
    conf->spf_reject_at = SPF_AT_END;
    conf->arc_mode = ARC_MODE_OFF;
    conf->spf_engine = SPF_BY_OWN;
    conf->dkim_engine = DKIM_BY_OWN;
    conf->client_on_own_helo = ACTION_TAG;
    conf->reports_record = false;
    if (conf->dns_deadline > DEADLINE_MS)
        conf->dns_deadline = conf->dns_early_wait = DEADLINE_MS;
}

static struct report_trust trust_of_evidence(const struct evidence *e, struct arena *a)
{
    const struct evidence_dmarc *d = &e->dmarc;
    if (d->result == DMARC_PASS)
        return aligned_by(a, d->n ? d->outcomes[d->decisive].author_domain : STR_NONE);
    bool pass = e->spf.mail_from.checked && e->spf.mail_from.outcome.result == SPF_PASS;
    for (size_t i = 0; i < e->dkim.n; i++)
        pass = pass || e->dkim.signatures[i].result == DKIM_PASS;
    return (struct report_trust){.trust = pass ? TRUST_OTHER : TRUST_NONE};
}

static bool is_judged(struct str mail)
{
    struct str head = str_sub(mail, 0, HEADER_MAX);
    for (size_t at = 0; at < head.n; at++) {
        at = str_find(head, at, '\n');
        struct str rest = str_sub(head, at + 1, head.n);
        if (str_starts(rest, STR("\n")) || str_starts(rest, STR("\r\n")))
            return true;
    }
    return false;
}

struct report_trust report_judge(struct command *c, struct str mail, struct arena *a)
{
    const struct session_peer peer = {.context = NULL};
    const struct check_words words = {.rcpt = ""};
    struct check_case one = {.arena = arena_new(0), .input = {STR("mail"), mail}};
    struct fixed_host host;
    struct report_trust out = {.trust = TRUST_NONE};
    if (!is_judged(mail) || (!c->dns && command_open_dns(c) != EX_OK)) {
        arena_free(one.arena);
        return out;
    }
    only_judge(c->conf);
    fixed_host_init(&host);
    host.snapshot.conf = c->conf;
    host.snapshot.dns = c->dns;
    host.snapshot.key_cache = key_cache_new(c->conf->dkim_key_cache_size);
    struct dialogue *d = dialogue_new(&host.host, &peer);
    check_facts(&words, &one);
    play_letter(d, &one.letter);
    if (d->transaction)
        out = trust_of_evidence(&d->transaction->evidence, a);
    dialogue_free(d);
    key_cache_free(host.snapshot.key_cache);
    arena_free(one.arena);
    return out;
}
