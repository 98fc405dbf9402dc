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
 *   signing.c          tables and keys to rules, and signing_entries.c to entries of `signing`
 *   write.c            assay.conf
 *   account.c          the account of what became of everything */
#ifndef ASSAY_MIGRATE_MIGRATION_H
#define ASSAY_MIGRATE_MIGRATION_H

#include "conf/options.h"
#include "conf/value.h"
#include "migrate/migrate.h"

/* Bounds: of a file, of what one migration reads in all, of files that name each other. */
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

/* A setting as it stands in a file. */
struct migrate_setting {
    const char *file;
    unsigned line; /* 0: it does not stand there, and this is the program's default */
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

/* A setting that is known: a row of a .def file. */
struct migrate_row {
    const char *name;
    const char *def; /* taken as its value where it does not stand in the file; NULL: nothing is */
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
    const char *files; /* what such files are called: parts of paths with blanks between them */
    enum migrate_syntax syntax;
    const struct migrate_row *rows; /* SYNTAX_LIST: none */
    size_t n;
    migrate_take *whole; /* SYNTAX_LIST: takes the file, which is the value of a setting */
    void (*finish)(struct migration *m); /* when all of one file is taken; NULL: nothing to do */
};

extern const struct migrate_kind migrate_kind_table[];
/* NULL and *problem, a phrase: content and name do not tell. */
const struct migrate_kind *kind_of(struct arena *a, struct str text, const char *path,
                                   struct str *problem);
const struct migrate_row *row_find(const struct migrate_kind *kind, struct str name);

/* The file's text as settings. */
void syntax_read(struct arena *a, enum migrate_syntax syntax, const char *file, struct str text,
                 struct migrate_settings *out);
/* The words of a shell's line, without their quotes. */
void syntax_words(struct arena *a, struct str line, struct migrate_texts *out);

/* A value of assay.conf. */
struct migrate_value {
    bool set;
    struct migrate_texts texts; /* one, unless it is a list */
    const char *file;           /* where the first of them came from */
    unsigned line;
    const char *why; /* where it came from no file; else NULL */
};

struct migrate_line {
    struct migrate_setting setting;
    enum migrate_fate fate;
    struct str note;
};

/* Which authors are signed for, with what. */
struct migrate_rule {
    struct str pattern; /* of authors: an address, *@domain, *@*.domain */
    struct str domain, selector, path;
};

/* What opendkim.conf and its like say of signing, until all of it is read. */
struct migrate_signing {
    struct migrate_setting domain, selector, key_file, key_table, signing_table, key_list;
    struct str base, problem; /* of a rule that no entry can have; absent: none */
    bool subdomains, several, no_signing;
    bool ordered; /* rules are asked in their order (refile:), not the nearest one first */
};

struct migration {
    struct arena *arena;
    struct conf scratch;          /* values are tried on it */
    struct migrate_value *values; /* of each option, in the order of options.def */
    size_t n_lines, lines_cap, n_rules, rules_cap;
    struct migrate_line *lines;
    struct migrate_rule *rules;
    struct migrate_texts commands;   /* to be run before the configuration can be checked */
    struct migrate_texts before_srs; /* these without those for SRS */
    struct migrate_texts files;      /* that were read, with their kinds */
    struct migrate_signing signing;
    unsigned depth, n_read;
    bool incomplete;
    bool opened;                /* what is read is a file: what it names is read, too */
    bool saw_dmarc;             /* a file of a DMARC filter was read */
    struct migrate_texts named; /* files that others have named, as realpath() has them */
    struct migrate_setting key_table, signing_table; /* that were read by themselves */
    struct str tumgreyspf_folder, srs_domain;
    struct str signing_text; /* entries of `signing`, as they are printed */
};

/* --- Files ---------------------------------------------------------------------------------------
 */
/* The text of a file. False and *problem, a phrase. */
bool read_file(struct migration *m, const char *path, struct str *text, struct str *problem);
/* One entry a line, without comments and blank ends. */
void read_entries(struct arena *a, struct str text, struct migrate_texts *out);
/* A value that names entries, or a file of them: OpenDKIM's data sets. False: the setting has its
 * line already, which says why they cannot be read. */
bool read_dataset(struct migration *m, const struct migrate_setting *s, struct migrate_texts *out);
/* The settings of a file of this kind, each to its row. */
void take_settings(struct migration *m, const struct migrate_kind *kind,
                   const struct migrate_settings *settings);
/* True if another file has named this one, so that it is read already. */
bool was_named(struct migration *m, const char *path);
void note_named(struct migration *m, const char *path);
/* A path as the file means it: relative to `base` where it is not absolute. */
const char *path_of(struct migration *m, struct str base, struct str path);

/* --- The account ---------------------------------------------------------------------------------
 */
void tell(struct migration *m, const struct migrate_setting *s, enum migrate_fate fate,
          const char *format, ...) __attribute__((format(printf, 4, 5)));
/* As the row says. */
void tell_row(struct migration *m, const struct migrate_row *row, const struct migrate_setting *s);
void command_before(struct migration *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Fit for a shell's command line. */
struct str shell_quote(struct arena *a, struct str text);

/* --- Values --------------------------------------------------------------------------------------
 */
/* A value in the file's syntax; a long list takes several lines, indented by `indent`. */
struct str option_text(struct arena *a, const struct conf_option *o,
                       const struct migrate_texts *texts, size_t indent);
/* True if the option may be this, or its list may hold it; else *problem, a sentence. */
bool is_value(struct migration *m, const char *option, struct str text, struct str *problem);
/* Reads the text as a configuration. False and *problem, a sentence. */
bool is_accepted(struct migration *m, struct str text, struct str *problem);
/* Sets an option, or adds to a list. False and *problem (a sentence) if the text is no value of it,
 * or the option has another value already. */
bool set_value(struct migration *m, const char *option, struct str text,
               const struct migrate_setting *s, struct str *problem);
/* The same; what is wrong becomes the setting's line. */
bool set_or_tell(struct migration *m, const char *option, struct str text,
                 const struct migrate_setting *s);
/* The same, whatever the option was before. */
bool replace_or_tell(struct migration *m, const char *option, struct str text,
                     const struct migrate_setting *s);
bool is_true(struct str value); /* "yes", "True", "on", "1" */
/* The parts of a list with commas, or blanks, between them. */
void split_list(struct arena *a, struct str text, struct migrate_texts *out);
/* The lists themselves: what cannot be an entry is counted, and told. */
void add_networks(struct migration *m, const char *option, const struct migrate_texts *entries,
                  const struct migrate_setting *s, const char *note);
void add_domains(struct migration *m, const char *option, const struct migrate_texts *entries,
                 const struct migrate_setting *s, enum migrate_fate fate, const char *note);

/* For rows of all programs: what the row says; the value as the option in `to`; seconds as a
 * duration; a list; yes or no. */
migrate_take carry_nothing, carry_text, carry_seconds, carry_dns_timeout, carry_number, carry_bool,
    carry_list, carry_domains, carry_networks, carry_socket, carry_user, carry_authserv_id;

/* What only one program, or a family of them, has. */
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
migrate_take carry_folder, carry_checkers, carry_last_byte, carry_tum_expire;
migrate_take carry_srs_domain, carry_srs_domains, carry_srs_domains_file, carry_srs_secret,
    carry_srs_separator, carry_srs_socket;
migrate_take whole_key_table, whole_signing_table, whole_hosts;
void finish_signing(struct migration *m);
void finish_dmarc(struct migration *m);
void finish_tumgreyspf(struct migration *m);
void finish_srs(struct migration *m);
/* The domain that a pattern is about: of *@d and *@*.d; absent: of none. */
struct str pattern_host(struct str pattern);
bool pattern_is_below(struct str pattern); /* *@*.d */
/* Tables that were read by themselves, when all else is. */
void finish_tables(struct migration *m);
/* The entries of `signing`, or OpenDKIM's tables as they are. */
void write_signing(struct migration *m);

#endif
