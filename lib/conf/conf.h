/* conf.h - assay.conf, read, checked and immutable.
 *
 * Reading has one outcome: a complete configuration, or a list of complaints with file and line. */
#ifndef ASSAY_CONF_CONF_H
#define ASSAY_CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/netset.h"
#include "base/str.h"
#include "conf/action.h"
#include "crypto/canon.h"
#include "dns/dns.h"
#include "dnsbl/dnsbl.h"
#include "mail/psl.h"

enum run_mode { RUN_ENFORCE, RUN_SHADOW };
enum check_mode { CHECK_OFF, CHECK_SHADOW, CHECK_ENFORCE };
enum iprev_mode { IPREV_OFF, IPREV_CHECK };
enum on_off { SWITCH_OFF, SWITCH_ON };
enum discovery { DISCOVERY_TREEWALK, DISCOVERY_PSL };
enum milter_server { MILTER_BY_LIBMILTER, MILTER_BY_OWN };
enum spf_evaluator { SPF_BY_OWN, SPF_BY_LIBSPF2 };
enum dkim_evaluator { DKIM_BY_OWN, DKIM_BY_LIBOPENDKIM };
enum srs_digits { SRS_DIGITS_BASE64, SRS_DIGITS_BASE64URL };
enum arc_mode { ARC_MODE_OFF, ARC_MODE_VERIFY, ARC_MODE_SEAL };
enum greylist_point { GREYLIST_AT_DATA, GREYLIST_AT_END };
enum spf_point { SPF_AT_MAIL, SPF_AT_RCPT, SPF_AT_END };

struct conf_strings {
    bool set; /* false: the option is absent (not the same as an empty list) */
    size_t n;
    struct str *v;
    bool all;                 /* of domains: "*" is among them */
    const struct str *sorted; /* of a long list of domains: the same by bytes; else NULL */
};

/* Where a setting stands, for complaints that are found later (a key that cannot be read). */
struct conf_place {
    const char *file; /* NULL: a default */
    unsigned line;    /* 0: the file as a whole */
};

/* A file that entries of a list came from ("file:/path"). */
struct conf_list_file {
    const char *option; /* the list */
    const char *path;
    size_t n; /* entries */
};

/* What is wrong, as lines "file:line: what is wrong and what is allowed" ready to print. */
struct conf_problems {
    struct arena *arena;
    size_t n;
    struct str *v;
    struct str control; /* option of a configuration that was not accepted, as far as it was read */
};

struct senders;

struct conf_signing_key {
    struct str selector, file;
    struct conf_place place;
};

/* How signatures are made: as the options of these names say, or an entry of `signing`. */
struct conf_sign_form {
    enum canon header_canonicalization, body_canonicalization;
    int64_t signature_lifetime;
    struct conf_strings sign_headers, oversign_headers;
};

/* A Redis server in `state`. */
struct conf_state_server {
    struct str host;
    uint16_t port;
    struct str user, password; /* empty: none */
    unsigned database;
    struct str prefix; /* of its keys */
};
#define CONF_STATE_SERVERS_MAX 8
#define CONF_STORE_URL_MAX     480 /* bytes of `store` */

/* redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE][?prefix=TEXT]: user and password may have %XX.
 * NULL, or what is wrong, as a phrase. Texts live in `a`. */
const char *conf_state_server(struct arena *a, struct str url, struct conf_state_server *out);

/* What stands for a secret where it is not shown. */
#define CONF_MASK "***"

/* A server of `state`, as text that conf_state_server() takes, without its password. */
struct str conf_state_masked(struct arena *a, struct str url);

/* What is wrong with the value of `store`, as a phrase; or NULL. */
const char *conf_store_problem(struct str store);

/* It without its password. */
struct str conf_store_masked(struct arena *a, struct str store);

/* One entry of `signing`. */
struct conf_signing {
    struct str domain; /* normalised */
    bool subdomains;   /* author domains below it are signed with it too */
    /* Patterns (mail/pattern.h): the authors that the entry is for. Absent: all of the domain. */
    struct conf_strings senders;
    struct conf_sign_form form;
    struct conf_place sign_headers_place, oversign_headers_place; /* of lists of its own */
    struct str directory; /* of keys with a life cycle, instead of `keys`; absent: none */
    size_t n_keys;
    struct conf_signing_key *keys;
    struct conf_place place;
};

/* One entry of `dnsbl.lists`. A zone may stand in several, with codes and weights of their own. */
#define CONF_LISTS_MAX 50
struct conf_list {
    struct dnsbl_list asked;         /* its zone may hold a secret, and is for the DNS alone */
    struct str label, public_zone;   /* for people */
    const struct dnsbl_known *known; /* NULL: not in our table */
    int weight;
    struct conf_place place;
};

/* The field of an option, by the types of options.def. */
#define CONF_FIELD_STRING             struct str
#define CONF_FIELD_STRINGS            struct conf_strings
#define CONF_FIELD_DOMAINS            struct conf_strings
#define CONF_FIELD_DOMAINS_OR_ALL     struct conf_strings
#define CONF_FIELD_ADDRESSES          struct conf_strings
#define CONF_FIELD_NETS               struct netset
#define CONF_FIELD_SOCKETS            struct conf_strings
#define CONF_FIELD_BOOL               bool
#define CONF_FIELD_INT(min, max)      int64_t
#define CONF_FIELD_DURATION(min, max) int64_t
#define CONF_FIELD_SIZE(min, max)     uint64_t
#define CONF_FIELD_SHARE              double
#define CONF_FIELD_MODE               unsigned
#define CONF_FIELD_CHOICE(tag)        enum tag
#define CONF_FIELD_ACTION             enum action

struct conf {
    struct arena *arena;
    struct str path; /* of the file; empty: none */
#define CONF_SECTION(title)
#define CONF_OPTION(field, name, type, def, help) CONF_FIELD_##type field;
#include "conf/options.def"
#undef CONF_SECTION
#undef CONF_OPTION
    size_t n_state_servers; /* of `state`; 0: it is local */
    const struct conf_state_server *state_servers;
    const struct psl *suffixes;   /* public suffixes, where greylist.mode is not off; may be NULL */
    const struct psl *psl;        /* the list for dmarc.discovery = "psl"; NULL with treewalk */
    struct netset host_addresses; /* of this host, when a file was read; empty with conf_parse() */
    unsigned policy_check_set;    /* a set of enum service_check (core/message.h) */
    size_t n_lists;               /* dnsbl.lists */
    struct conf_list *lists;
    const struct psl *lists_psl; /* for lists that want organizational domains; else NULL */
    size_t n_signing;
    struct conf_signing *signing;
    const struct senders *senders;   /* the file senders-must-match, read; NULL: not configured */
    const struct conf_place *places; /* of each option, in the order of options.def */
    size_t n_list_files, list_files_cap;
    struct conf_list_file *list_files;
    struct conf_problems doubts; /* about its text: most likely mistakes, but it may be right */
};

/* What the options say of signatures. */
struct conf_sign_form conf_sign_form(const struct conf *conf);

/* The elements of a list with ", " between them. */
struct str conf_join(const struct conf_strings *list, struct arena *a);

/* Where the option of this full name ("key-table", "dns.servers") was set; file NULL if it was not.
 */
struct conf_place conf_place_of(const struct conf *conf, const char *name);

/* True if the domain (normalised) is one of a list's or lies below one, or the list has "*". */
bool conf_has_domain(const struct conf_strings *list, struct str domain);

/* True if the address is one of a list of patterns. */
bool conf_has_address(const struct conf_strings *list, struct arena *a, struct str address);

/* The bit of enum service_check (core/message.h) that this word of policy-service.checks stands
 * for; 0: none. */
unsigned conf_service_check(struct str word);

/* The name of a look-up as people may see it: without the key of a zone in dnsbl.lists. */
struct str conf_public_name(const struct conf *conf, struct str name, struct arena *a);

/* True if the names of clients are looked up (client.iprev). */
bool conf_looks_up_client(const struct conf *conf);

/* True if something is asked about clients, lists or senders: then a message may cause more
 * queries than dns.max-queries. */
bool conf_asks_for_gate(const struct conf *conf);

/* Bytes of DNS answers that a message may hold beside limits.dns-memory: about its client and its
 * sender, half for each; about each list; about our own domains, by which mail about reports is
 * known. */
#define CONF_GATE_MEMORY    65536
#define CONF_LIST_MEMORY    12288
#define CONF_REPORTS_MEMORY 65536

/* Bytes of the DNS answers that a message may hold in all. */
size_t conf_dns_memory(const struct conf *conf);

/* A domain name of letters, digits, hyphens and underscores alone, normalised: what a selector (RFC
 * 6376 3.1), an authserv-id and the name of a file may be made of. False if the text is none. */
bool conf_plain_name(struct arena *a, struct str text, struct str *name);
#define CONF_SELECTOR_WANTED "is no selector: letters, digits and hyphens, such as \"s2026\""

/* What a domain is written for. */
enum conf_domain_use {
    CONF_DOMAIN_SIGNED, /* the domain of an entry of `signing` */
    CONF_DOMAIN_LISTED, /* in a list: stands for those below it too */
    CONF_DOMAIN_NAMED,  /* in a table or a command */
};

/* NULL and *name, normalised, if the text is a domain; else a phrase (in `a`), to stand behind the
 * text in quotes, that says what was meant: an address, a URL, a pattern. */
const char *conf_domain_problem(struct arena *a, struct str text, enum conf_domain_use use,
                                struct str *name);
/* The same for a selector: "s1._domainkey" is the beginning of a record's name. */
const char *conf_selector_problem(struct arena *a, struct str text, struct str *name);

/* The path of a value of key-table or signing-table; *patterns: it has OpenDKIM's refile: prefix,
 * and its keys may hold asterisks. False if it is neither /path, file:/path nor refile:/path. */
bool conf_table_path(struct str text, struct str *path, bool *patterns);

const char *action_name(enum action action); /* "accept", "tag", ... */

void conf_problems_init(struct conf_problems *p, struct arena *a);
void conf_problem(struct conf_problems *p, struct conf_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads and checks `path` (with its @includes); NULL path: all defaults. NULL on any problem, and
 * `problems` says all of them, not only the first. Free with conf_free(). Key files are not opened:
 * keys/ does that. authserv-id, when absent, is filled in from the host's name (and a warning is
 * logged when that is no full name). */
struct conf *conf_load(const char *path, struct conf_problems *problems);
/* The same from text, for tests and scenarios; complaints name the file "text". */
struct conf *conf_parse(struct str text, struct conf_problems *problems);
void conf_free(struct conf *conf); /* NULL is allowed */

/* What conf_show() writes besides the values. */
enum conf_shown {
    CONF_SHOWN_PLACES = 1, /* where options were set */
    CONF_SHOWN_MASKED = 2, /* "***" in the place of secrets: passwords, keys in names of zones */
};

/* All options in the file's syntax with their values in force, one a line, loadable again unless
 * something is masked. `shown` is a set of enum conf_shown. */
struct str conf_show(const struct conf *conf, struct arena *a, unsigned shown);

/* The option table for people and manuals: one row per option. */
struct conf_option_row {
    const char *section, *name, *type;
    const char *def;    /* NULL: absent */
    const char *bounds; /* "1 to 20", "off, on"; empty: none */
    const char *help;   /* one sentence */
};
const struct conf_option_row *conf_option_rows(struct arena *a, size_t *n);

#endif
