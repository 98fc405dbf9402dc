/* facts.h - what `assay doctor` knows of a machine, its MTA, its addresses and its domains.
 *
 * gather_*.c fill it in, judge_*.c read it; neither knows the other. A fact that could not be
 * looked at is unknown, and never counts as wrong. Everything lives in the command's arena. */
#ifndef ASSAY_MILTER_DOCTOR_FACTS_H
#define ASSAY_MILTER_DOCTOR_FACTS_H

#include "conf/conf.h"
#include "conf/listen.h"
#include "dmarc/dmarc.h"
#include "keys/inventory.h"
#include "keys/published.h"
#include "milter/commands/dmarc_advice.h"
#include "milter/commands/dnsbl_ask.h"
#include "milter/commands/doctor/findings.h"
#include "spf/spf.h"

/* Yes, no, or not looked at. */
enum seen { UNSEEN, SEEN_NO, SEEN_YES };

/* --- The machine -------------------------------------------------------------------------------*/

struct resolver_facts {
    struct str text; /* "192.0.2.1@53" */
    struct netaddr address;
    const char *service; /* the name of a known public resolver; NULL: it is none */
    struct str asks;    /* for a stub: the resolver that it passes questions to; empty: not known */
    enum seen udp, tcp; /* it answers */
    enum seen edns, valid; /* the answer has an OPT record; the AD bit of a signed name */
};

struct macro_facts {
    const char *name;  /* without braces */
    int64_t last_seen; /* seconds since 1970; 0: never */
};

struct machine_facts {
    const char *conf_path; /* NULL: there is no file, and all options have their defaults */
    struct conf_problems problems, warnings;
    const char *user; /* the user that assay runs as; NULL: the one that starts it */
    enum seen rights; /* files were looked at with that user's rights; NO: with others */
    enum seen daemon; /* answers on its control socket */
    struct str daemon_problem;
    size_t n_macros; /* that the daemon reported; 0: none */
    struct macro_facts *macros;
    int64_t now, last_connection, last_message; /* of an MTA; seconds since 1970 */
    enum seen clock;                            /* the clock is synchronised */
    bool recurses;                              /* dns.servers = [ ] */
    size_t n_resolvers;
    struct resolver_facts *resolvers;
    struct str resolver_problem;
};

/* --- The MTA -----------------------------------------------------------------------------------*/

struct mta_filter {
    struct str text; /* as in the MTA's configuration */
    bool understood;
    struct listen_address address;
    bool ours;       /* it leads to a socket of `listen` */
    bool by_name;    /* its path is one of ours, but only seen from outside of the MTA's chroot */
    struct str path; /* of a Unix socket, seen from outside of the chroot */
    int64_t command_ms, content_ms, whole_ms; /* 0: no limit */
    /* What happens to mail while the filter is down. */
    enum { AWAY_TRY_AGAIN, AWAY_PASSES, AWAY_REFUSED, AWAY_HELD } away;
};

struct mta_service {
    struct str name; /* a service of master.cf such as "smtp inet", or a daemon of Sendmail */
    bool chroot;
    bool takes_back;    /* on loopback: mail that a content filter hands back */
    bool from_programs; /* mail of sendmail(1) */
    bool proxied;       /* a filter is in the SMTP dialogue (smtpd_proxy_filter) */
    bool xclient;       /* the filter may name the real client by XCLIENT */
    size_t n_filters;
    struct mta_filter *filters;
};

enum mta_kind { MTA_POSTFIX, MTA_SENDMAIL };

struct mta_facts {
    enum mta_kind kind;
    struct str file;   /* the file that names the filters */
    const char *user;  /* the user that connects to filters */
    size_t n_services; /* services that accept mail */
    struct mta_service *services;
    struct str no_8bitmime; /* the setting that breaks 8-bit mail; empty: none */
    /* Sendmail writes From of these domains as `masquerade`, but not at or below the exceptions. */
    struct str masquerade; /* empty: it does not */
    size_t n_masqueraded, n_unmasqueraded;
    struct str *masqueraded, *unmasqueraded;
    enum seen reached; /* our socket answers the MTA's user */
    struct str reached_at, reached_problem;
};

/* --- Addresses and domains ---------------------------------------------------------------------*/

struct address_facts {
    struct netaddr address;
    struct str text;
    const struct dns_answer *ptr;      /* NULL: not asked */
    struct str name;                   /* of the PTR */
    enum seen leads_back;              /* one of its names has this address */
    const struct dnsbl_account *lists; /* NULL: not asked */
};

struct mx_facts {
    struct str host;
    const struct dns_answer *v4, *v6;
};

struct key_facts {
    const struct configured_key *key;
    struct str name, value, zone; /* of its record; value and zone are absent without a key */
    enum record_finding finding;
    bool signs; /* the key is active, or no key of the domain is */
};

struct spf_cost {
    struct str term;
    unsigned lookups;
};
#define SPF_COSTS_MAX 30

struct domain_facts {
    struct str name;
    const struct dns_answer *mx, *txt, *tls_report, *mta_sts;
    size_t n_mx;
    struct mx_facts *mx_hosts;
    /* SPF */
    size_t n_records;
    struct str record, record_problem;
    struct spf_outcome worst; /* for an IPv4 client that no term matches, without limits */
    bool voids4, voids6;      /* too many look-ups find nothing, for an IPv4 or an IPv6 client */
    bool has_ptr;
    size_t n_costs;
    struct spf_cost costs[SPF_COSTS_MAX];
    enum spf_result *own; /* the results for the addresses in doctor_facts */
    /* DKIM */
    bool keys_seen;
    size_t n_keys;
    struct key_facts *keys;
    /* DMARC */
    struct dmarc_outcome dmarc;
    struct advice advice;
    const struct dnsbl_account *lists;
    /* Reports about the domain that came in the last REPORT_DAYS days. */
    size_t n_reports;
    int64_t last_report;      /* seconds since 1970 */
    struct str last_reporter; /* organization */
};

/* --- Reports -----------------------------------------------------------------------------------*/

#define REPORT_DAYS 30

struct report_facts {
    struct str problem;                 /* why the stores could not be read; empty: they could */
    enum seen rows;                     /* the store has rows */
    uint64_t messages;                  /* in the rows of today and the last seven days */
    int64_t last_day;                   /* seconds since 1970; 0: none in these days */
    bool due;                           /* rows of the days before yesterday ask for reports */
    enum seen sent;                     /* the store of sent reports could be read */
    size_t n_sent, n_failed, n_waiting; /* mails with reports: of the last seven days; given up;
                                           to be handed over still */
    int64_t last_sent, oldest_waiting;  /* seconds since 1970; 0: none */
    enum seen received;                 /* the store of received reports exists */
};

struct doctor_facts {
    const struct conf *conf;
    bool elsewhere; /* --root: another machine's files; nothing that runs is looked at */
    bool no_dns;    /* no resolver answers, so nothing was looked up */
    struct machine_facts machine;
    size_t n_mtas;
    struct mta_facts mtas[2];
    struct str mta_problem; /* why no MTA was found */
    struct str host;        /* our name */
    struct str relay;       /* the host that all mail leaves through; empty: none */
    struct str bound[2];    /* addresses from which mail leaves, by the MTA's configuration */
    bool no_v6;             /* mail leaves only over IPv4 */
    const struct dns_answer *host_v4, *host_v6;
    bool addresses_by_name; /* the addresses were found by our name */
    size_t n_addresses;
    struct address_facts *addresses;
    size_t n_domains;
    struct domain_facts *domains;
    struct report_facts reports;
    bool domains_guessed; /* none was named, and the configuration signs for none */
};

#endif
