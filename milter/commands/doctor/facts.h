/* facts.h - what `assay doctor` knows of a machine, its MTA, its addresses and its domains.
 *
 * gather_*.c fill it in, judge_*.c read it; both know nothing of each other. What could not be
 * looked at is unknown, never wrong. Everything lives in the command's arena. */
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
    const char *service;   /* the public resolver that it is; NULL: none that is known */
    struct str asks;       /* a stub: the resolver that it passes questions to; empty: not known */
    enum seen udp, tcp;    /* it answers */
    enum seen edns, valid; /* the answer has an OPT record; the AD bit of a signed name */
};

struct macro_facts {
    const char *name;  /* without braces */
    int64_t last_seen; /* seconds since 1970; 0: never */
};

struct machine_facts {
    const char *conf_path; /* NULL: there is no file, all is default */
    struct conf_problems problems, warnings;
    const char *user; /* that assay runs as; NULL: whoever starts it */
    enum seen rights; /* files were looked at with that user's rights; NO: with those of another */
    enum seen daemon; /* answers on its control socket */
    struct str daemon_problem;
    size_t n_macros; /* of the daemon's; 0: it told none */
    struct macro_facts *macros;
    int64_t now, last_connection, last_message; /* of an MTA; seconds since 1970 */
    enum seen clock;                            /* it is synchronised */
    bool recurses;                              /* dns.servers = [ ] */
    size_t n_resolvers;
    struct resolver_facts *resolvers;
    struct str resolver_problem;
};

/* --- The MTA -----------------------------------------------------------------------------------*/

struct mta_filter {
    struct str text; /* as the MTA's configuration has it */
    bool understood;
    struct listen_address address;
    bool ours;       /* it leads to a socket of `listen` */
    bool by_name;    /* only if the MTA is not chrooted: its path is one of ours */
    struct str path; /* of a Unix socket, as it is seen from outside a chroot */
    int64_t command_ms, content_ms, whole_ms; /* 0: no limit */
    /* What becomes of mail while the filter is away. */
    enum { AWAY_TRY_AGAIN, AWAY_PASSES, AWAY_REFUSED, AWAY_HELD } away;
};

struct mta_service {
    struct str name; /* "smtp inet": of master.cf; a daemon of Sendmail's */
    bool chroot;
    bool takes_back;    /* on loopback: mail that a content filter hands back */
    bool from_programs; /* mail of sendmail(1) */
    bool proxied;       /* a filter stands in the SMTP dialogue (smtpd_proxy_filter) */
    bool xclient;       /* it believes a filter that tells the real client */
    size_t n_filters;
    struct mta_filter *filters;
};

enum mta_kind { MTA_POSTFIX, MTA_SENDMAIL };

struct mta_facts {
    enum mta_kind kind;
    struct str file;   /* that the filters stand in */
    const char *user;  /* that connects to filters */
    size_t n_services; /* that take mail */
    struct mta_service *services;
    struct str no_8bitmime; /* the setting by which 8BITMIME is not offered, or 8-bit bytes are cut;
                               empty: there is none */
    enum seen reached;      /* our socket answers the MTA's user */
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
    struct str name, value, zone; /* of its record; the last two absent without a key */
    enum record_finding finding;
    bool signs; /* it is active, or nothing else of the domain is */
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
    struct spf_outcome worst; /* of an IPv4 client that nothing matches, without limits */
    bool voids4, voids6;      /* too many look-ups find nothing, for an IPv4 or an IPv6 client */
    bool has_ptr;
    size_t n_costs;
    struct spf_cost costs[SPF_COSTS_MAX];
    enum spf_result *own; /* of each address in doctor_facts */
    /* DKIM */
    bool keys_seen;
    size_t n_keys;
    struct key_facts *keys;
    /* DMARC */
    struct dmarc_outcome dmarc;
    struct advice advice;
    const struct dnsbl_account *lists;
    /* Reports about it, received in the last REPORT_DAYS days. */
    size_t n_reports;
    int64_t last_report;      /* seconds since 1970 */
    struct str last_reporter; /* organization */
};

/* --- Reports -----------------------------------------------------------------------------------*/

#define REPORT_DAYS 30

struct report_facts {
    struct str problem; /* why the stores could not be looked at; empty: they were */
    enum seen rows;     /* there are rows of what became of mail */
    uint64_t messages;  /* in them, of the last seven days and today */
    int64_t last_day;   /* seconds since 1970; 0: none in these days */
    bool due;           /* of the days before yesterday there is something that somebody wants */
    enum seen sent;     /* what was sent could be read */
    size_t n_sent, n_failed, n_waiting; /* mails with reports: of the last seven days; given up;
                                           to be handed over still */
    int64_t last_sent, oldest_waiting;  /* seconds since 1970; 0: none */
    enum seen received;                 /* there is a store of received reports */
};

struct doctor_facts {
    const struct conf *conf;
    bool elsewhere; /* --root: files of another machine are looked at, and nothing that runs */
    bool no_dns;    /* no resolver answers: nothing was asked */
    struct machine_facts machine;
    size_t n_mtas;
    struct mta_facts mtas[2];
    struct str mta_problem; /* why none was found */
    struct str host;        /* our name */
    struct str relay;       /* that all mail leaves through; empty: none */
    struct str bound[2];    /* addresses that mail leaves from by the MTA's configuration */
    bool no_v6;             /* mail leaves over IPv4 alone */
    const struct dns_answer *host_v4, *host_v6;
    bool addresses_by_name; /* the addresses are those of our name */
    size_t n_addresses;
    struct address_facts *addresses;
    size_t n_domains;
    struct domain_facts *domains;
    struct report_facts reports;
    bool domains_guessed; /* none was named, and none is signed for */
};

#endif
