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

static enum trust trust_of(const struct authres_results *results)
{
    enum trust trust = TRUST_NONE;
    for (size_t i = 0; i < results->n; i++) {
        const struct authres_resinfo *r = &results->v[i];
        bool pass = str_eq_nocase(r->result, STR("pass"));
        if (pass && str_eq_nocase(r->method, STR("dmarc")))
            return TRUST_ALIGNED;
        if (pass && (str_eq_nocase(r->method, STR("spf")) || str_eq_nocase(r->method, STR("dkim"))))
            trust = TRUST_OTHER;
    }
    return trust;
}

/* The topmost field of ours: what stands below it may be anybody's. */
bool report_trust_said(struct command *c, struct str mail, enum trust *trust)
{
    struct arena *a = arena_new(0);
    struct header_list headers;
    struct authres_head head;
    struct authres_results results;
    struct str body;
    bool said = false, ours = false;
    mime_split(a, mail, &headers, &body);
    for (size_t i = 0; i < headers.n && !ours; i++) {
        if (!str_eq_nocase(headers.fields[i].name, STR("Authentication-Results")))
            continue;
        authres_parse_head(a, headers.fields[i].value, &head);
        ours = is_ours(c, a, &head);
        said = ours && authres_parse_foreign(a, headers.fields[i].value, &results);
        if (said)
            *trust = trust_of(&results);
    }
    arena_free(a);
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

static enum trust trust_of_evidence(const struct evidence *e)
{
    if (e->dmarc.result == DMARC_PASS)
        return TRUST_ALIGNED;
    bool pass = e->spf.mail_from.checked && e->spf.mail_from.outcome.result == SPF_PASS;
    for (size_t i = 0; i < e->dkim.n; i++)
        pass = pass || e->dkim.signatures[i].result == DKIM_PASS;
    return pass ? TRUST_OTHER : TRUST_NONE;
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

enum trust report_judge(struct command *c, struct str mail)
{
    const struct session_peer peer = {.context = NULL};
    const struct check_words words = {.rcpt = ""};
    struct check_case one = {.arena = arena_new(0), .input = {STR("mail"), mail}};
    struct fixed_host host;
    enum trust trust = TRUST_NONE;
    if (!is_judged(mail) || (!c->dns && command_open_dns(c) != EX_OK)) {
        arena_free(one.arena);
        return TRUST_NONE;
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
        trust = trust_of_evidence(&d->transaction->evidence);
    dialogue_free(d);
    key_cache_free(host.snapshot.key_cache);
    arena_free(one.arena);
    return trust;
}
