/* keygen_command.c - `assay dkim keygen`: its words, checked before anything is made.
 *
 * Errors: exit status 64 and a line that says what is allowed; 73 if a file cannot be made. */
#include "milter/commands/keygen_command.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/conf.h"
#include "mail/domain.h"

static const char usage[] =
    "usage: assay dkim keygen --domain DOMAIN --selector SELECTOR [OPTION...]\n"
    "\n"
    "Makes a key to sign mail with, and the DNS record that receivers verify it by.\n"
    "\n"
    "  --domain DOMAIN      the domain whose mail is signed, such as example.org\n"
    "  --selector SELECTOR  a name for the key, such as s2026: never used before for this domain\n"
    "  --type TYPE          rsa (default), ed25519, or both: SELECTOR-rsa and SELECTOR-ed25519\n"
    "  --bits N             size of an RSA key: 2048 (default) to 4096\n"
    "  --directory DIR      where the files are written; default: the current directory\n"
    "  --group GROUP        let this group read the key: mode 0640 instead of 0600\n"
    "  --json               print the result as JSON\n"
    "  --help               print this\n"
    "\n"
    "Written are DIR/DOMAIN.SELECTOR.pem (the private key, mode 0600) and DIR/DOMAIN.SELECTOR.txt\n"
    "(the record), never over an existing file. assay-dkim(1) tells more.\n";

struct words {
    const char *domain, *selector, *type, *bits, *directory, *group;
    bool json, help;
};

/* What is made: one key, or one of each type. */
struct plan {
    struct arena *arena;
    struct keygen_request request; /* type and selector vary */
    bool both;
};

static int wrong(struct str why)
{
    fprintf(stderr, "assay dkim keygen: %.*s\n", STR_ARG(why));
    return EX_USAGE;
}

enum { OPT_DOMAIN = 256, OPT_SELECTOR, OPT_TYPE, OPT_BITS, OPT_DIRECTORY, OPT_GROUP };

static bool read_words(int argc, char **argv, struct words *w)
{
    static const struct option options[] = {
        {"domain", required_argument, NULL, OPT_DOMAIN},
        {"selector", required_argument, NULL, OPT_SELECTOR},
        {"type", required_argument, NULL, OPT_TYPE},
        {"bits", required_argument, NULL, OPT_BITS},
        {"directory", required_argument, NULL, OPT_DIRECTORY},
        {"group", required_argument, NULL, OPT_GROUP},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char **texts[] = {&w->domain, &w->selector, &w->type, &w->bits, &w->directory, &w->group};
    int c;
    optind = 0; /* glibc: begin anew */
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c >= OPT_DOMAIN && c <= OPT_GROUP)
            *texts[c - OPT_DOMAIN] = optarg;
        else if (c == 'j')
            w->json = true;
        else if (c == 'h')
            w->help = true;
        else
            return false;
    }
    return optind == argc;
}

static struct str check_domain(struct plan *p, const char *text)
{
    struct str safe = str_safe(p->arena, str_of(text), 100, true);
    if (!text)
        return STR("--domain is missing: the domain whose mail is signed, such as example.org");
    const char *problem =
        conf_domain_problem(p->arena, str_of(text), CONF_DOMAIN_NAMED, &p->request.domain);
    if (problem)
        return str_printf(p->arena, "--domain: \"%.*s\" %s", STR_ARG(safe), problem);
    if (domain_labels(p->request.domain) < 2)
        return str_printf(p->arena,
                          "--domain: verifiers refuse signatures of a top-level domain such as "
                          "\"%.*s\"; wanted is one such as example.org",
                          STR_ARG(safe));
    return STR_NONE;
}

static struct str check_selector(struct plan *p, const char *text)
{
    if (!text)
        return STR("--selector is missing: a name for the key, such as s2026");
    const char *problem = conf_selector_problem(p->arena, str_of(text), &p->request.selector);
    if (!problem)
        return STR_NONE;
    return str_printf(p->arena, "--selector: \"%.*s\" %s",
                      STR_ARG(str_safe(p->arena, str_of(text), 100, true)), problem);
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

static struct str check_words(struct plan *p, const struct words *w)
{
    struct str problem = check_domain(p, w->domain);
    if (!problem.p)
        problem = check_selector(p, w->selector);
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

static int run(struct plan *p, const struct words *w)
{
    struct generated_key keys[2];
    size_t n;
    struct str problem = check_words(p, w);
    if (problem.p)
        return wrong(problem);
    if (!generate(p, keys, &n, &problem)) {
        wrong(problem);
        return EX_CANTCREAT;
    }
    if (w->json)
        keygen_print_json(stdout, keys, n, p->arena);
    else
        keygen_print(stdout, keys, n, group_to_give(p), p->arena);
    return EX_OK;
}

int keygen_command(int argc, char **argv)
{
    struct words w = {0};
    bool understood = read_words(argc, argv, &w);
    if (!understood || w.help) {
        fputs(usage, understood ? stdout : stderr);
        return understood ? EX_OK : EX_USAGE;
    }
    struct plan p = {.arena = arena_new(0)};
    int status = run(&p, &w);
    arena_free(p.arena);
    return status;
}
