/* check.c - what one setting alone cannot tell: rules between options and the form of texts.
 *
 * Errors: complaints with file and line. */
#include "conf/check.h"

#include <string.h>

#include "conf/listen.h"
#include "conf/senders.h"
#include "mail/domain.h"
#include "mail/header.h"
#include "mail/neversigned.h"

struct check {
    struct conf *conf;
    struct conf_problems *problems;
    struct arena *scratch;
};

static void complain_of_option(struct check *c, const char *option, struct str value,
                               const char *what)
{
    struct str shown = str_safe(c->scratch, value, 100, true);
    conf_problem(c->problems, conf_place_of(c->conf, option), "%s: \"%.*s\" %s", option,
                 STR_ARG(shown), what);
}

static void check_listen(struct check *c)
{
    const struct conf *conf = c->conf;
    if (conf->listen.n > 1 && conf->milter_library == MILTER_BY_LIBMILTER)
        conf_problem(c->problems, conf_place_of(conf, "listen"),
                     "listen: libmilter serves one socket only, and these are %zu: name one, or "
                     "set milter-library = \"own\"",
                     conf->listen.n);
}

/* It answers to members of a group, which only the kernel can tell. */
static void check_control(struct check *c)
{
    struct listen_address address;
    struct str problem = STR_NONE;
    struct str text = c->conf->control;
    if (text.n && listen_parse(text, c->scratch, &address, &problem) && address.kind != LISTEN_UNIX)
        problem = STR("has to be a Unix socket, such as unix:/run/assay/control.sock");
    if (problem.n)
        conf_problem(c->problems, conf_place_of(c->conf, "control"), "control: %.*s",
                     STR_ARG(problem));
}

static void check_absolute(struct check *c, const char *option, struct str path)
{
    if (path.p && !str_starts(path, STR("/")))
        complain_of_option(c, option, path, "is no absolute path");
}

bool conf_table_path(struct str text, struct str *path, bool *patterns)
{
    static const struct str file = STR_INIT("file:"), refile = STR_INIT("refile:");
    *patterns = str_starts(text, refile);
    size_t prefix = *patterns ? refile.n : str_starts(text, file) ? file.n : 0;
    *path = str_sub(text, prefix, text.n);
    return str_starts(*path, STR("/"));
}

static void check_table_path(struct check *c, const char *option, struct str text)
{
    struct str path;
    bool patterns;
    if (text.p && !conf_table_path(text, &path, &patterns))
        complain_of_option(c, option, text,
                           "is not allowed: allowed are /path, file:/path and refile:/path");
}

static void check_paths(struct check *c)
{
    check_absolute(c, "state-dir", c->conf->state_dir);
    check_absolute(c, "pid-file", c->conf->pid_file);
    check_absolute(c, "dns.trust-anchor", c->conf->dns_trust_anchor);
    check_absolute(c, "dmarc.public-suffix-list", c->conf->dmarc_public_suffix_list);
    check_absolute(c, "reference.program", c->conf->reference_program);
    check_absolute(c, "reports.country-file", c->conf->reports_country_file);
    check_absolute(c, "reports.network-file", c->conf->reports_network_file);
    check_table_path(c, "key-table", c->conf->key_table);
    check_table_path(c, "signing-table", c->conf->signing_table);
}

static void check_tables(struct check *c)
{
    bool keys = c->conf->key_table.p, signing = c->conf->signing_table.p;
    if (keys && !signing)
        conf_problem(c->problems, conf_place_of(c->conf, "key-table"),
                     "key-table: is of no use without signing-table");
    if (signing && !keys)
        conf_problem(c->problems, conf_place_of(c->conf, "signing-table"),
                     "signing-table: is of no use without key-table");
}

/* Anybody can write a List-Id and sign it. */
static void check_mailing_lists(struct check *c)
{
    static const char lists[] = "dmarc.mailing-lists", action[] = "dmarc.on-mailing-list";
    const struct conf *conf = c->conf;
    bool milder = conf->dmarc_on_mailing_list != ACTION_REJECT;
    if (milder && !conf->dmarc_mailing_lists.set)
        conf_problem(c->problems, conf_place_of(conf, action),
                     "%s: holds for the mailing lists that %s names, which is missing: name the "
                     "domains of lists that you trust, as in [ \"lists.example.org\" ]",
                     action, lists);
    if (!milder && conf->dmarc_mailing_lists.n)
        conf_problem(c->problems, conf_place_of(conf, lists),
                     "%s: is of no use without %s milder than \"reject\"", lists, action);
}

/* The list is public data and part of the configuration: read once, and shared by all threads. */
static void check_discovery(struct check *c)
{
    static const char list[] = "dmarc.public-suffix-list";
    struct conf *conf = c->conf;
    struct str path = conf->dmarc_public_suffix_list, problem;
    if (conf->dmarc_discovery == DISCOVERY_TREEWALK) {
        if (path.p)
            conf_problem(c->problems, conf_place_of(conf, list),
                         "%s: is of no use without dmarc.discovery = \"psl\"", list);
        return;
    }
    conf->psl = psl_open(conf->arena, path, &problem);
    if (!conf->psl && path.p)
        complain_of_option(
            c, list, path,
            str_cstr(c->scratch, str_printf(c->scratch, "is of no use: %.*s", STR_ARG(problem))));
    else if (!conf->psl)
        conf_problem(c->problems, conf_place_of(conf, "dmarc.discovery"),
                     "dmarc.discovery: libpsl's list is of no use: %.*s", STR_ARG(problem));
}

/* For lists of registered domains, which have to be told apart. */
static void check_lists(struct check *c)
{
    struct conf *conf = c->conf;
    struct str problem;
    bool wanted = false;
    for (size_t i = 0; i < conf->n_lists; i++)
        wanted = wanted || (conf->lists[i].asked.kind == DNSBL_DOMAIN &&
                            conf->lists[i].asked.form == DNSBL_ORGANIZATIONAL);
    if (!wanted)
        return;
    conf->lists_psl = conf->psl ? conf->psl : psl_open(conf->arena, STR(""), &problem);
    if (!conf->lists_psl)
        conf_problem(c->problems, conf->lists[0].place,
                     "dnsbl.lists: libpsl's list of public suffixes is of no use: %.*s",
                     STR_ARG(problem));
}

/* It stands in replies, which are ASCII (RFC 5321 4.2). */
static void check_contact(struct check *c)
{
    struct str text = c->conf->reply_contact;
    if (text.n > 150)
        complain_of_option(c, "reply-contact", text, "is longer than 150 bytes");
    else if (!str_eq(text, str_safe(c->scratch, text, 1000, false)))
        complain_of_option(c, "reply-contact", text, "holds something else than printable ASCII");
}

static void check_dns(struct check *c)
{
    struct conf *conf = c->conf;
    struct dns_server server;
    for (size_t i = 0; i < conf->dns_servers.n; i++)
        if (!dns_server_parse(conf->dns_servers.v[i], &server))
            complain_of_option(
                c, "dns.servers", conf->dns_servers.v[i],
                "is no resolver such as 127.0.0.1, 127.0.0.1@53, [::1]:53 or fe80::1%eth0");
    if (conf->dns_early_wait <= conf->dns_deadline)
        return;
    if (conf_place_of(conf, "dns.early-wait").file)
        conf_problem(c->problems, conf_place_of(conf, "dns.early-wait"),
                     "dns.early-wait: is longer than dns.deadline, of which it is a part");
    else
        conf->dns_early_wait = conf->dns_deadline;
}

static void check_state(struct check *c)
{
    struct conf *conf = c->conf;
    const struct conf_strings *list = &conf->state;
    struct conf_state_server *servers =
        arena_array(conf->arena, struct conf_state_server, list->n + 1);
    if (list->set && !list->n)
        conf_problem(c->problems, conf_place_of(conf, "state"), "state: is an empty list");
    if (list->n > CONF_STATE_SERVERS_MAX)
        conf_problem(c->problems, conf_place_of(conf, "state"),
                     "state: more than %d servers are of no use", CONF_STATE_SERVERS_MAX);
    conf->state_servers = servers;
    if (list->n == 1 && str_eq(list->v[0], STR("local")))
        return;
    for (size_t i = 0; i < list->n; i++) {
        const char *problem = conf_state_server(conf->arena, list->v[i], &servers[i]);
        if (problem) /* the text may hold a password */
            conf_problem(c->problems, conf_place_of(conf, "state"), "state: entry %zu %s", i + 1,
                         problem);
    }
    conf->n_state_servers = list->n;
}

static void check_store(struct check *c)
{
    const char *problem = conf_store_problem(c->conf->store);
    if (problem) /* the text may hold a password */
        conf_problem(c->problems, conf_place_of(c->conf, "store"), "store: %s", problem);
}

static void check_greylist(struct check *c)
{
    struct conf *conf = c->conf;
    struct str problem;
    const char *wrong = NULL;
    if (conf->greylist_mode == CHECK_OFF)
        return;
    if (conf->greylist_delay >= conf->greylist_window)
        wrong = "greylist.delay: is not shorter than greylist.window: nobody could pass";
    else if (conf->greylist_window > conf->greylist_lifetime)
        wrong = "greylist.window: is longer than greylist.lifetime";
    if (wrong)
        conf_problem(c->problems, conf_place_of(conf, "greylist.mode"), "%s", wrong);
    conf->suffixes = psl_open(conf->arena, STR(""), &problem);
}

/* Field names are kept in lower case, as dkim.h wants them. True if From is among them. */
static bool check_header_list(struct check *c, struct conf_place place, const char *option,
                              struct conf_strings *list)
{
    bool from = false;
    for (size_t i = 0; i < list->n; i++) {
        struct str name = str_lower(c->conf->arena, list->v[i]);
        struct str shown = str_safe(c->scratch, name, 100, true);
        const char *never = never_signed(name);
        list->v[i] = name;
        if (!header_is_name(name))
            conf_problem(c->problems, place, "%s: \"%.*s\" is no name of a header field", option,
                         STR_ARG(shown));
        else if (never)
            conf_problem(c->problems, place, "%s: \"%.*s\" is never signed: %s", option,
                         STR_ARG(shown), never);
        from = from || str_eq(name, STR("from"));
    }
    return from;
}

static void check_sign_headers(struct check *c, struct conf_place place, struct conf_strings *list)
{
    if (!check_header_list(c, place, "sign-headers", list) && list->set)
        conf_problem(c->problems, place,
                     "sign-headers: From is missing, and must be signed (RFC 6376 5.4)");
}

static bool same_list(const struct conf_strings *a, const struct conf_strings *b)
{
    return a->set == b->set && a->v == b->v;
}

/* Lists that an entry of `signing` shares with the options are checked once. */
static void check_headers(struct check *c)
{
    struct conf *conf = c->conf;
    check_sign_headers(c, conf_place_of(conf, "sign-headers"), &conf->sign_headers);
    check_header_list(c, conf_place_of(conf, "oversign-headers"), "oversign-headers",
                      &conf->oversign_headers);
    for (size_t i = 0; i < conf->n_signing; i++) {
        struct conf_signing *entry = &conf->signing[i];
        if (!same_list(&entry->form.sign_headers, &conf->sign_headers))
            check_sign_headers(c, entry->sign_headers_place, &entry->form.sign_headers);
        if (!same_list(&entry->form.oversign_headers, &conf->oversign_headers))
            check_header_list(c, entry->oversign_headers_place, "oversign-headers",
                              &entry->form.oversign_headers);
    }
}

static void check_guard(struct check *c)
{
    struct conf *conf = c->conf;
    struct str path = conf->senders_must_match;
    check_absolute(c, "senders-must-match", path);
    if (str_starts(path, STR("/")))
        conf->senders = senders_read(conf, c->problems);
    if (!path.p && conf->on_sender_mismatch != ACTION_TAG)
        conf_problem(c->problems, conf_place_of(conf, "on-sender-mismatch"),
                     "on-sender-mismatch: is of no use without senders-must-match");
}

static bool is_entry_for(const struct conf_signing *entry, struct str domain)
{
    return entry->subdomains ? domain_is_at_or_below(domain, entry->domain)
                             : str_eq(entry->domain, domain);
}

/* True if a key is configured for it, and not only for some senders. */
static bool has_keys(const struct conf *conf, struct str domain)
{
    for (size_t i = 0; i < conf->n_signing; i++)
        if (!conf->signing[i].senders.set && is_entry_for(&conf->signing[i], domain))
            return true;
    return conf->key_table.p != NULL;
}

static void check_arc(struct check *c)
{
    static const char option[] = "arc.sealing-domain";
    struct conf *conf = c->conf;
    struct str text = conf->arc_sealing_domain, domain;
    if (!text.n) {
        if (conf->arc_mode == ARC_MODE_SEAL)
            conf_problem(c->problems, conf_place_of(conf, "arc.mode"),
                         "arc.mode: \"seal\" needs %s, a domain that has keys in signing", option);
        return;
    }
    const char *problem = conf_domain_problem(conf->arena, text, CONF_DOMAIN_NAMED, &domain);
    if (problem) {
        complain_of_option(c, option, text, problem);
        return;
    }
    conf->arc_sealing_domain = domain;
    if (conf->arc_mode == ARC_MODE_SEAL && !has_keys(conf, domain))
        complain_of_option(c, option, text, "has no entry in signing, whose key would seal");
}

/* All messages have to have room for one. */
static void check_memory(struct check *c)
{
    const struct conf *conf = c->conf;
    size_t others = conf_dns_memory(conf) - (size_t)conf->limits_dns_memory;
    if (conf->limits_memory >= conf->limits_message_memory &&
        conf->limits_memory - conf->limits_message_memory >= conf_dns_memory(conf))
        return;
    struct conf_place place = conf_place_of(conf, "limits.memory");
    if (!place.file)
        place = conf_place_of(conf, "limits.message-memory");
    if (!place.file)
        place = conf_place_of(conf, "limits.dns-memory");
    conf_problem(c->problems, place,
                 "limits.memory: has to be at least limits.message-memory and limits.dns-memory "
                 "together, and %zu KB for other answers of the DNS, or one large message is too "
                 "much",
                 others >> 10);
}

/* A name that DNS and both MTAs take as it is. */
static void check_srs_domain(struct check *c)
{
    struct conf *conf = c->conf;
    struct str name;
    if (!conf->srs_domain.p)
        return;
    if (conf_plain_name(conf->arena, conf->srs_domain, &name) && str_find(name, 0, '.') < name.n)
        conf->srs_domain = name;
    else
        complain_of_option(c, "srs.domain", conf->srs_domain,
                           "is no domain such as srs.example.org");
}

static void check_srs_listen(struct check *c)
{
    const struct conf *conf = c->conf;
    struct listen_address address;
    struct str problem;
    struct conf_place place = conf_place_of(conf, "srs.listen");
    if (!conf->srs_listen.n)
        return;
    if (!listen_parse(conf->srs_listen, c->scratch, &address, &problem))
        conf_problem(c->problems, place, "srs.listen: %.*s", STR_ARG(problem));
    if (!conf->srs_domain.p || !conf->srs_secrets.p)
        conf_problem(c->problems, place, "srs.listen: is of no use without %s",
                     conf->srs_domain.p ? "srs.secrets" : "srs.domain");
}

static void default_strings(struct conf *conf, struct conf_strings *list, size_t n,
                            const struct str *v)
{
    if (list->set)
        return;
    list->v = arena_array(conf->arena, struct str, n);
    memcpy(list->v, v, n * sizeof *v);
    list->n = n;
    list->set = true;
}

static const struct str service_checks[] = {STR_INIT("spf"), STR_INIT("dnsbl"), STR_INIT("client"),
                                            STR_INIT("sender"), STR_INIT("greylist")};
#define N_SERVICE_CHECKS (sizeof service_checks / sizeof *service_checks)

unsigned conf_service_check(struct str word)
{
    for (unsigned i = 0; i < N_SERVICE_CHECKS; i++)
        if (str_eq(word, service_checks[i]))
            return 1U << i;
    return 0;
}

static void check_policy_service(struct check *c)
{
    struct conf *conf = c->conf;
    struct listen_address address;
    struct str problem;
    default_strings(conf, &conf->policy_service_checks, N_SERVICE_CHECKS, service_checks);
    for (size_t i = 0; i < conf->policy_service_checks.n; i++) {
        unsigned check = conf_service_check(conf->policy_service_checks.v[i]);
        conf->policy_check_set |= check;
        if (!check)
            complain_of_option(c, "policy-service.checks", conf->policy_service_checks.v[i],
                               "is none of spf, dnsbl, client, sender, greylist");
    }
    if (conf->policy_service_listen.n &&
        !listen_parse(conf->policy_service_listen, c->scratch, &address, &problem))
        conf_problem(c->problems, conf_place_of(conf, "policy-service.listen"),
                     "policy-service.listen: %.*s", STR_ARG(problem));
    if (conf->policy_service_listen.n && !conf->policy_service_checks.n)
        conf_problem(c->problems, conf_place_of(conf, "policy-service.checks"),
                     "policy-service.checks: is empty: then policy-service.listen is of no use");
}

static void check_srs(struct check *c)
{
    const struct conf *conf = c->conf;
    check_srs_domain(c);
    check_srs_listen(c);
    check_absolute(c, "srs.secrets", conf->srs_secrets);
    if (conf->srs_hash_minimum > conf->srs_hash_length)
        conf_problem(c->problems, conf_place_of(conf, "srs.hash-minimum"),
                     "srs.hash-minimum: %lld is more than srs.hash-length (%lld): no address of "
                     "our own would be accepted",
                     (long long)conf->srs_hash_minimum, (long long)conf->srs_hash_length);
}

/* Authentication-Results readers compare it as text, so it is a plain name (RFC 8601 2.5). */
static void check_authserv_id(struct check *c)
{
    struct conf *conf = c->conf;
    struct str id;
    if (!conf->authserv_id.p)
        return;
    if (conf_plain_name(conf->arena, conf->authserv_id, &id))
        conf->authserv_id = id;
    else
        complain_of_option(c, "authserv-id", conf->authserv_id,
                           "is no host name such as mx.example.org");
}

static void check_key_bits(struct check *c)
{
    const struct conf *conf = c->conf;
    if (conf->dkim_min_key_bits <= conf->dkim_max_key_bits)
        return;
    conf_problem(
        c->problems, conf_place_of(conf, "dkim.min-key-bits"),
        "dkim.min-key-bits: %lld is more than dkim.max-key-bits (%lld): no RSA key would be "
        "accepted",
        (long long)conf->dkim_min_key_bits, (long long)conf->dkim_max_key_bits);
}

void conf_check(struct conf *conf, struct conf_problems *problems, struct arena *scratch)
{
    static const struct str submission[] = {STR_INIT("MSA"), STR_INIT("ORIGINATING")};
    struct check c = {.conf = conf, .problems = problems, .scratch = scratch};
    check_listen(&c);
    check_control(&c);
    check_paths(&c);
    check_tables(&c);
    check_dns(&c);
    check_discovery(&c);
    check_state(&c);
    check_store(&c);
    check_greylist(&c);
    check_mailing_lists(&c);
    check_lists(&c);
    check_contact(&c);
    check_policy_service(&c);
    check_key_bits(&c);
    check_headers(&c);
    check_guard(&c);
    check_arc(&c);
    check_memory(&c);
    check_authserv_id(&c);
    check_srs(&c);
    conf_check_reports(conf, problems, scratch);
    conf_check_sockets(conf, problems, scratch);
    default_strings(conf, &conf->submission_daemons, 2, submission);
}
