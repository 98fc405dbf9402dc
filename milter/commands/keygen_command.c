/* keygen_command.c - `assay dkim keygen`: its words, checked before anything is made.
 *
 * Errors: exit status 64 and a line that says what is allowed; 73 if a file cannot be made. */
#include "milter/commands/keygen_print.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "mail/domain.h"
#include "milter/commands/commands.h"

/* The command's own. */
struct keygen_words {
    struct str domain, selector;
    const char *type, *bits, *directory, *group;
};

static const struct command_option keygen_options[] = {
    OPTION_REQUIRED("domain", "DOMAIN", take_domain, struct keygen_words, domain,
                    "the domain whose mail is signed, such as example.org"),
    OPTION_REQUIRED("selector", "SELECTOR", take_selector, struct keygen_words, selector,
                    "a name for the key, such as s2026: never used before for this domain"),
    OPTION("type", "TYPE", take_text, struct keygen_words, type,
           "rsa (default), ed25519, or both: SELECTOR-rsa and SELECTOR-ed25519"),
    OPTION("bits", "N", take_text, struct keygen_words, bits,
           "size of an RSA key: 2048 (default) to 4096"),
    OPTION("directory", "DIR", take_text, struct keygen_words, directory,
           "where the files are written; default: the current directory"),
    OPTION("group", "GROUP", take_text, struct keygen_words, group,
           "let this group read the key: mode 0640 instead of 0600"),
    {0},
};

/* What is made: one key, or one of each type. */
struct plan {
    struct arena *arena;
    struct keygen_request request; /* type and selector vary */
    bool both;
};

static struct str check_domain(struct plan *p)
{
    if (domain_labels(p->request.domain) >= 2)
        return STR_NONE;
    return str_printf(p->arena,
                      "--domain: verifiers refuse signatures of a top-level domain such as "
                      "\"%.*s\"; wanted is one such as example.org",
                      STR_ARG(p->request.domain));
}

/* The name of the record is a domain name too. */
static struct str check_name(struct plan *p)
{
    struct str name;
    const char *suffix = p->both ? "-ed25519" : "";
    struct str whole = str_printf(p->arena, "%.*s%s._domainkey.%.*s", STR_ARG(p->request.selector),
                                  suffix, STR_ARG(p->request.domain));
    if (domain_normalize(p->arena, whole, &name))
        return STR_NONE;
    return STR("--selector: too long: its labels may have 63 bytes, and the name of the record "
               "SELECTOR._domainkey.DOMAIN 253 bytes");
}

static struct str check_type(struct plan *p, const char *type, const char *bits)
{
    unsigned long long number = KEYGEN_BITS_MIN;
    type = type ? type : "rsa";
    p->both = strcmp(type, "both") == 0;
    p->request.type = strcmp(type, "ed25519") == 0 ? KEY_ED25519 : KEY_RSA;
    if (!p->both && p->request.type == KEY_RSA && strcmp(type, "rsa") != 0)
        return str_printf(p->arena, "--type: \"%.*s\" is not known: allowed are rsa, ed25519, both",
                          STR_ARG(str_safe(p->arena, str_of(type), 100, true)));
    if (bits && p->request.type == KEY_ED25519)
        return STR("--bits is for RSA keys: an Ed25519 key has always 256");
    if (bits && !str_to_u64(str_of(bits), KEYGEN_BITS_MAX, &number))
        return STR("--bits: allowed is 2048 to 4096");
    if (number < KEYGEN_BITS_MIN)
        return str_printf(p->arena,
                          "--bits: %llu is too small: a signer must use at least 1024 bits and "
                          "should use at least 2048 (RFC 8301 3.2); allowed is 2048 to 4096",
                          number);
    p->request.bits = (unsigned)number;
    return STR_NONE;
}

static struct str check_directory(struct plan *p, const char *text)
{
    struct stat st;
    const char *directory = text ? text : ".";
    char *absolute = realpath(directory, NULL);
    p->request.directory = str_copy(p->arena, str_of(absolute));
    bool is_directory = absolute && stat(absolute, &st) == 0 && S_ISDIR(st.st_mode);
    const char *why = absolute ? "is no directory" : strerror(errno);
    bool missing = !absolute && errno == ENOENT;
    free(absolute);
    if (is_directory)
        return STR_NONE;
    if (missing)
        return str_printf(p->arena, "--directory: there is no %s; make it: mkdir -p -m 0750 %s",
                          directory, directory);
    return str_printf(p->arena, "--directory: %s: %s", directory, why);
}

static struct str check_group(struct plan *p, const char *name)
{
    if (!name)
        return STR_NONE;
    const struct group *group = getgrnam(name);
    if (!group)
        return str_printf(p->arena, "--group: there is no group %s", name);
    p->request.give_group = true;
    p->request.group = group->gr_gid;
    return STR_NONE;
}

static struct str check_words(struct plan *p, const struct keygen_words *w)
{
    p->request.domain = w->domain;
    p->request.selector = w->selector;
    struct str problem = check_domain(p);
    if (!problem.p)
        problem = check_type(p, w->type, w->bits);
    if (!problem.p)
        problem = check_name(p);
    if (!problem.p)
        problem = check_directory(p, w->directory);
    if (!problem.p)
        problem = check_group(p, w->group);
    return problem;
}

static bool generate(const struct plan *p, struct generated_key keys[2], size_t *n,
                     struct str *problem)
{
    static const enum key_type types[] = {KEY_RSA, KEY_ED25519};
    static const char *const suffixes[] = {"-rsa", "-ed25519"};
    struct keygen_request request = p->request;
    *n = 0;
    if (!p->both)
        return key_generate(&request, p->arena, &keys[(*n)++], problem);
    for (size_t i = 0; i < 2; i++) {
        request.type = types[i];
        request.selector =
            str_printf(p->arena, "%.*s%s", STR_ARG(p->request.selector), suffixes[i]);
        if (!key_generate(&request, p->arena, &keys[(*n)++], problem)) {
            if (i)
                key_discard(&keys[0]);
            return false;
        }
    }
    return true;
}

/* The group that the key can be given to: assay's, where there is one and we may. */
static const char *group_to_give(const struct plan *p)
{
    return geteuid() == 0 && !p->request.give_group && getgrnam("assay") ? "assay" : NULL;
}

static int dkim_keygen(struct command *c)
{
    struct plan p = {.arena = c->arena};
    struct generated_key keys[2];
    size_t n;
    struct str problem = check_words(&p, c->own);
    if (problem.p)
        return command_fail(c, EX_USAGE, "%.*s", STR_ARG(problem));
    if (!generate(&p, keys, &n, &problem))
        return command_fail(c, EX_CANTCREAT, "%.*s", STR_ARG(problem));
    if (c->json)
        keygen_print_json(keys, n, c->arena);
    else
        keygen_print(stdout, keys, n, group_to_give(&p), c->arena);
    return EX_OK;
}

const struct command_row dkim_keygen_command = {
    .name = "keygen",
    .brief = "make a key and its DNS record",
    .options = keygen_options,
    .common = COMMON_JSON,
    .size = sizeof(struct keygen_words),
    .run = dkim_keygen,
    .about = "Makes a key to sign mail with, and the DNS record that receivers verify it by.",
    .notes =
        "Written are DIR/DOMAIN.SELECTOR.pem (the private key, mode 0600) and "
        "DIR/DOMAIN.SELECTOR.txt (the record), never over an existing file. assay-dkim(1) tells "
        "more.",
    .status = "0; 73 a file cannot be made.",
};
