/* migration.h - what the parts of lib/migrate share.
 *
 *   kinds.def, *.def   the kinds of files, and what becomes of each setting
 *   kinds.c            these as tables
 *   syntax.c           a file's text to settings
 *   detect.c           what kind a file is
 *   read.c             files, and what they name
 *   carry.c            values that go to one option as they are
 *   networks.c         lists of hosts and networks
 *   opendkim.c, ...    what only one program has
 *   signing.c          keys and lists to rules, and signing_entries.c to entries of `signing`
 *   signing_tables.c   OpenDKIM's tables to rules, or to copies of them
 *   write.c            assay.conf
 *   account.c          the account of what became of everything */
#ifndef ASSAY_MIGRATE_MIGRATION_H
#define ASSAY_MIGRATE_MIGRATION_H

#include <sys/types.h>

#include "base/strmap.h"
#include "conf/options.h"
#include "conf/value.h"
#include "migrate/migrate.h"

/* Limits: bytes of a file, bytes that one migration reads in all, depth of files that name each
 * other. */
#define MIGRATE_FILE_MAX  (8U * 1024U * 1024U)
#define MIGRATE_FILES_MAX 20000
#define MIGRATE_DEPTH_MAX 5
/* Where copies of keys go. */
#define MIGRATE_KEYS "/etc/assay/keys"

struct migrate_texts {
    size_t n, cap;
    struct str *v;
};
void texts_add(struct arena *a, struct migrate_texts *list, struct str text);

/* A setting in a file. */
struct migrate_setting {
    const char *file;
    unsigned line; /* 0: the file does not set it, and this is the program's default */
    struct str name, value;
};

struct migrate_settings {
    size_t n, cap;
    struct migrate_setting *v;
};

struct migrate_row;
/* Carries a setting over, and gives it its line in the account. */
typedef void migrate_take(struct migration *m, const struct migrate_row *row,
                          const struct migrate_setting *s);

/* A known setting: a row of a .def file. */
struct migrate_row {
    const char *name;
    const char *def; /* value that is carried over if the file does not set it; NULL: none */
    enum migrate_fate fate;
    migrate_take *take;
    const char *to;   /* options of assay.conf, with ", " between them; empty: none */
    const char *note; /* for the account; empty: `to` says it all */
};

enum migrate_syntax {
    SYNTAX_WORDS,   /* Name value, # begins a comment */
    SYNTAX_EQUALS,  /* Name = value, # begins a comment; quotes around a value go */
    SYNTAX_SHELL,   /* NAME="value" */
    SYNTAX_OPTIONS, /* words of a command line, in a shell's assignments or a unit's ExecStart= */
    SYNTAX_CONFUSE, /* name = value, with { "a", "b" } for lists (libconfuse) */
    SYNTAX_LIST,    /* one entry a line: a table or a list, which has no names */
};

struct migrate_kind {
    const char *name; /* for --as */
    const char *title;
    const char *files; /* ends of paths of such files, with blanks between them */
    enum migrate_syntax syntax;
    const struct migrate_row *rows; /* SYNTAX_LIST: none */
    size_t n;
    migrate_take
        *whole; /* SYNTAX_LIST: carries over the file, whose path is the value of a setting */
    void (*finish)(struct migration *m); /* called at the end of a file; NULL: nothing to do */
};

extern const struct migrate_kind migrate_kind_table[];
/* The kind of a file. NULL and *problem, a phrase: content and name do not show it. */
const struct migrate_kind *kind_of(struct arena *a, struct str text, const char *path,
                                   struct str *problem);
const struct migrate_row *row_find(const struct migrate_kind *kind, struct str name);

/* Reads the settings in the text of a file. */
void syntax_read(struct arena *a, enum migrate_syntax syntax, const char *file, struct str text,
                 struct migrate_settings *out);
/* Splits a shell's line into words, without their quotes. */
void syntax_words(struct arena *a, struct str line, struct migrate_texts *out);

/* A value of assay.conf. */
struct migrate_value {
    bool set;
    struct migrate_texts texts; /* one, unless it is a list */
    struct strmap seen;         /* a list: its texts in lower case */
    const char *file;           /* that the first of them came from */
    unsigned line;
    const char *why; /* why it is set, if it comes from no file; else NULL */
};

struct migrate_line {
    struct migrate_setting setting;
    enum migrate_fate fate;
    struct str note;
};

/* Authors to sign for, and the key. */
struct migrate_rule {
    struct str pattern; /* for authors: an address, *@domain, *@*.domain */
    struct str domain, selector, path;
    size_t next; /* number of the next rule with this pattern; 0: there is none */
};

/* A line of KeyTable. */
struct migrate_key {
    struct str name, domain, selector;
    struct str written, path; /* of its file: as it stands in the table, and in full */
};

/* Settings of signing, collected until the file is read to its end. */
struct migrate_signing {
    struct migrate_setting domain, selector, key_file, key_table, signing_table, key_list;
    struct str base, problem; /* problem: why a rule cannot be an entry; absent: all can */
    struct migrate_key *keys; /* of KeyTable */
    size_t n_keys;
    struct strmap key_names;         /* name -> the first key with it */
    struct strmap checked;           /* paths of key files */
    struct migrate_texts unreadable; /* key files, each with the reason */
    /* Options of sed that leave lines out of the copies of the tables. */
    struct migrate_texts left_keys, left_rows;
    bool subdomains, several, no_signing;
    bool ordered;     /* the order of rules counts (refile:), and not the nearest domain */
    bool tables_only; /* a rule that only tables can express */
};

/* Settings of sqlgrey that are used at the end of its file. */
struct migrate_sqlgrey {
    struct migrate_setting folder, code;
    bool at_once; /* reject_first_attempt = immed */
};

/* The user and the group of the daemon on this machine. */
struct migrate_owner {
    bool asked, has_user, has_group;
    uid_t user;
    gid_t group;
};

struct migration {
    struct arena *arena;
    struct migrate_owner owner;
    struct conf scratch;          /* for checking values */
    struct migrate_value *values; /* of each option, in the order of options.def */
    size_t n_lines, lines_cap, n_rules, rules_cap;
    struct migrate_line *lines;
    struct migrate_rule *rules;
    struct strmap patterns;          /* of rules -> struct rule_chain */
    struct strmap copies;            /* names of copies -> paths of the keys, struct str */
    struct migrate_texts commands;   /* to run before the configuration is checked */
    struct migrate_texts before_srs; /* the commands without those for SRS */
    struct migrate_texts files;      /* files that were read, with their kinds */
    struct migrate_signing signing;
    unsigned depth, n_read;
    bool incomplete;
    bool opened;                /* a real file is read, so files that it names are read, too */
    bool saw_dmarc;             /* the configuration of a DMARC filter was read */
    struct migrate_texts named; /* real paths of files that other files have named */
    struct migrate_setting key_table,
        signing_table; /* tables that were named without opendkim.conf */
    struct migrate_setting srs_secret;
    struct migrate_sqlgrey sqlgrey;
    struct str tumgreyspf_folder, srs_domain;
    struct str signing_text; /* the text of the entries of `signing` */
};

/* --- Files -------------------------------------------------------------------------------------*/
/* The text of a file. False and *problem, a phrase. */
bool read_file(struct migration *m, const char *path, struct str *text, struct str *problem);
/* Why a file that is copied later cannot be read, a phrase; absent: it can. */
struct str file_problem(struct migration *m, const char *path);
/* The entries, one on each line, without comments and blanks at the ends. */
void read_entries(struct arena *a, struct str text, struct migrate_texts *out);
/* Reads a value that has entries, or names a file of them (OpenDKIM's data sets). False: they
 * cannot be read, and the account says why. */
bool read_dataset(struct migration *m, const struct migrate_setting *s, struct migrate_texts *out);
/* The full path of a data set that is a text file; absent: it is none. */
struct str dataset_file(struct migration *m, struct str value);
/* Gives each setting of a file of this kind to its row. */
void take_settings(struct migration *m, const struct migrate_kind *kind,
                   const struct migrate_settings *settings);
/* True if another file has named this one, so that it is read already. */
bool was_named(struct migration *m, const char *path);
void note_named(struct migration *m, const char *path);
/* The full path: relative to `base` if it is not absolute. */
const char *path_of(struct migration *m, struct str base, struct str path);

/* --- The account -------------------------------------------------------------------------------*/
void tell(struct migration *m, const struct migrate_setting *s, enum migrate_fate fate,
          const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Tells what the row says. */
void tell_row(struct migration *m, const struct migrate_row *row, const struct migrate_setting *s);
void command_before(struct migration *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Takes out commands that stand there already. */
void keep_first_commands(struct migration *m);
/* The texts with commas between them: ten, and the number of the others. */
struct str name_some(struct arena *a, const struct migrate_texts *texts);
/* Quotes a text for a shell's command line. */
struct str shell_quote(struct arena *a, struct str text);

/* --- Values ------------------------------------------------------------------------------------*/
/* A value in the file's syntax; a long list takes several lines, indented by `indent`. */
struct str option_text(struct arena *a, const struct conf_option *o,
                       const struct migrate_texts *texts, size_t indent);
/* True if the option may have this value, or its list this entry; else *problem is a sentence. */
bool is_value(struct migration *m, const char *option, struct str text, struct str *problem);
/* Reads the text as a configuration. False and *problem, a sentence. */
bool is_accepted(struct migration *m, struct str text, struct str *problem);
/* Sets an option, or adds to its list. False and *problem (a sentence) if the option cannot have
 * the value, or has another one already. */
bool set_value(struct migration *m, const char *option, struct str text,
               const struct migrate_setting *s, struct str *problem);
/* The same; a problem becomes the setting's line of the account. */
bool set_or_tell(struct migration *m, const char *option, struct str text,
                 const struct migrate_setting *s);
/* The same, in place of an earlier value. */
bool replace_or_tell(struct migration *m, const char *option, struct str text,
                     const struct migrate_setting *s);
bool is_true(struct str value); /* "yes", "True", "on", "1" */
/* Splits a list at commas and blanks. */
void split_list(struct arena *a, struct str text, struct migrate_texts *out);
/* Add entries to a list, and tell how many; entries that do not fit are counted and told, too. */
void add_networks(struct migration *m, const char *option, const struct migrate_texts *entries,
                  const struct migrate_setting *s, const char *note);
/* The same for the data set `value` of OpenDKIM, OpenDMARC or OpenARC. */
void add_hosts(struct migration *m, const char *option, const struct migrate_setting *s,
               struct str value, const char *note);
/* "192.0.2" and "192.0.2." stand for 192.0.2.0/24; other texts stay as they are. */
struct str whole_network(struct arena *a, struct str text);
void add_domains(struct migration *m, const char *option, const struct migrate_texts *entries,
                 const struct migrate_setting *s, enum migrate_fate fate, const char *note);

/* For all programs: tell what the row says; set the option in `to` to the value, to seconds as a
 * duration, to a list, to yes or no. */
migrate_take carry_nothing, carry_text, carry_seconds, carry_dns_timeout, carry_number, carry_bool,
    carry_list, carry_domains, carry_networks, carry_hosts, carry_socket, carry_user,
    carry_authserv_id;

/* For one program, or a family of them. */
migrate_take carry_canonicalization, carry_sign_headers, carry_oversign, carry_mta, carry_macros,
    carry_mode, carry_key_bits, carry_header_bytes, carry_remove_ar, carry_nameservers,
    carry_signing, carry_trust_anchor, carry_algorithm;
migrate_take carry_reject_failures, carry_hold, carry_required_headers, carry_sealers_file,
    carry_ignore_hosts, carry_ignore_authenticated;
migrate_take carry_spf_helo, carry_spf_mail_from, carry_test_only, carry_seed_only,
    carry_header_type, carry_lookup_time, carry_perm_error, carry_temp_error, carry_skip_networks,
    carry_debug_level;
migrate_take carry_smf_fail, carry_smf_soft, carry_smf_temp, carry_smf_none, carry_smf_quarantine,
    carry_smf_from, carry_smf_to, carry_smf_tag, carry_smf_skip_auth;
migrate_take carry_grey_delay, carry_grey_days, carry_grey_window, carry_grey_prefix,
    carry_grey_host, carry_grey_clients, carry_grey_recipients, carry_grey_options;
migrate_take carry_sql_folder, carry_sql_delay, carry_sql_window, carry_sql_method,
    carry_sql_choice, carry_sql_first, carry_sql_code, whole_sql_ips, whole_sql_names;
migrate_take carry_folder, carry_checkers, carry_last_byte, carry_tum_expire;
migrate_take carry_srs_domain, carry_srs_domains, carry_srs_domains_file, carry_srs_secret,
    carry_srs_separator, carry_srs_socket, carry_srs_unused;
migrate_take whole_key_table, whole_signing_table, whole_hosts;
void finish_signing(struct migration *m);
void finish_dmarc(struct migration *m);
void finish_tumgreyspf(struct migration *m);
void finish_srs(struct migration *m);
void finish_sqlgrey(struct migration *m);
/* Sets greylist.delay to the value in this unit, and turns greylisting on. */
void set_grey_delay(struct migration *m, const struct migrate_setting *s, const char *unit);
/* Clients that are not greylisted; `patterns` is the number of those that no option can have. */
void exempt_clients(struct migration *m, const struct migrate_setting *s,
                    const struct migrate_texts *networks, const struct migrate_texts *domains,
                    size_t patterns);
/* The domain d of a pattern *@d or *@*.d; absent for others. */
struct str pattern_host(struct str pattern);
bool pattern_is_below(struct str pattern); /* *@*.d */
/* Adds a rule. If no entry of `signing` can have it, signing.problem says why. */
void add_rule(struct migration *m, struct str pattern, struct str domain, struct str selector,
              struct str path);
/* The rules with a pattern, in their order; NULL: no more. */
const struct migrate_rule *first_rule(const struct migration *m, struct str pattern);
const struct migrate_rule *next_rule(const struct migration *m, const struct migrate_rule *rule);
/* These two look at the rules from number `from` on. */
bool has_pattern(const struct migration *m, size_t from, struct str pattern);
bool can_be_entries(const struct migration *m, size_t from);
/* Takes back the rules from number `from` on. */
void forget_rules(struct migration *m, size_t from);
/* Looks whether a key file can be read; the account tells all that cannot in one line. */
void check_key_file(struct migration *m, struct str path);
/* KeyTable and SigningTable to rules, or to copies of the tables. */
void rules_of_tables(struct migration *m);
/* Reads tables that were named without opendkim.conf. Call it after all other files. */
void finish_tables(struct migration *m);
/* The text as a part of the name of a file. */
struct str plain_name(struct arena *a, struct str text);
/* The path of a key's copy; adds the commands that make it. */
struct str copy_key(struct migration *m, struct str domain, struct str selector, struct str path);
/* Writes entries of `signing`, or keeps OpenDKIM's tables. */
void write_signing(struct migration *m);

#endif
