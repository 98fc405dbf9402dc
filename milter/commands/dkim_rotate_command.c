/* dkim_rotate_command.c - `assay dkim rotate`: the key that takes over in a key directory.
 *
 * Errors: exit status 64 for a wrong call, 73 if a file cannot be made, 78 for the configuration or
 * a domain without key directory. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "keys/rotate.h"
#include "mail/domain.h"
#include "milter/commands/ask.h"
#include "milter/commands/commands.h"
#include "milter/commands/dkim_commands.h"
#include "milter/commands/keygen_command.h"

static const char usage[] =
    "usage: assay dkim rotate --domain DOMAIN [OPTION...]\n"
    "\n"
    "Makes a key in the domain's key directory (`directory` in `signing`, assay.conf(5)) that "
    "takes\n"
    "over from the present one of its type when its record is seen in the DNS.\n"
    "\n"
    "      --domain DOMAIN     the domain of the entry\n"
    "      --directory DIR     its directory, if several entries for the domain have one\n"
    "      --type TYPE         rsa (default) or ed25519\n"
    "      --bits N            size of an RSA key: 2048 (default) to 4096\n"
    "  -c, --config FILE       default: " DEFAULT_CONF "\n"
    "      --json              print the result for a program\n"
    "      --help              print this\n";

enum { OPT_DOMAIN = 256, OPT_DIRECTORY, OPT_TYPE, OPT_BITS };

struct words {
    const char *domain, *directory, *type, *bits;
};

/* Exit status 0 and *help false: go on. */
static int read_words(struct ask *ask, int argc, char **argv, struct words *w, bool *help)
{
    static const struct option options[] = {{"domain", required_argument, NULL, OPT_DOMAIN},
                                            {"directory", required_argument, NULL, OPT_DIRECTORY},
                                            {"type", required_argument, NULL, OPT_TYPE},
                                            {"bits", required_argument, NULL, OPT_BITS},
                                            {"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int c;
    optind = 0; /* glibc: begin anew */
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == OPT_DOMAIN)
            w->domain = optarg;
        else if (c == OPT_DIRECTORY)
            w->directory = optarg;
        else if (c == OPT_TYPE)
            w->type = optarg;
        else if (c == OPT_BITS)
            w->bits = optarg;
        else if (c == 'h')
            *help = true;
        else if (!ask_option(ask, c, optarg))
            return EX_USAGE;
    }
    return optind == argc ? EX_OK : EX_USAGE;
}

static int wrong(const struct ask *ask, int status, struct str why)
{
    fprintf(stderr, "%s: %.*s\n", ask->command, STR_ARG(why));
    return status;
}

static int check_key_words(const struct ask *ask, const struct words *w, enum key_type *type,
                           unsigned *bits)
{
    unsigned long long number = KEYGEN_BITS_MIN;
    const char *name = w->type ? w->type : "rsa";
    *type = strcmp(name, "ed25519") == 0 ? KEY_ED25519 : KEY_RSA;
    if (*type == KEY_RSA && strcmp(name, "rsa") != 0)
        return wrong(ask, EX_USAGE, STR("--type: allowed are rsa and ed25519"));
    if (w->bits && *type == KEY_ED25519)
        return wrong(ask, EX_USAGE, STR("--bits is for RSA keys: an Ed25519 key has always 256"));
    if (w->bits &&
        (!str_to_u64(str_of(w->bits), KEYGEN_BITS_MAX, &number) || number < KEYGEN_BITS_MIN))
        return wrong(ask, EX_USAGE, STR("--bits: allowed is 2048 to 4096"));
    *bits = (unsigned)number;
    return EX_OK;
}

/* The entry of the domain, which has to have a directory, the one of --directory if there are
 * several. NULL after a complaint. */
static const struct conf_signing *find_entry(const struct ask *ask, struct str domain,
                                             const char *directory)
{
    const struct conf_signing *found = NULL;
    struct str why = str_printf(ask->arena, "signing has no entry for %.*s%s", STR_ARG(domain),
                                directory ? " with this directory" : "");
    for (size_t i = 0; i < ask->conf->n_signing; i++) {
        const struct conf_signing *entry = &ask->conf->signing[i];
        if (!str_eq(entry->domain, domain))
            continue;
        if (directory && !str_eq(entry->directory, str_of(directory)))
            continue;
        if (entry->directory.p && found) {
            wrong(ask, EX_USAGE,
                  STR("several entries for the domain have directories: choose by --directory"));
            return NULL;
        }
        if (entry->directory.p)
            found = entry;
        why = str_printf(ask->arena,
                         "%s:%u: the entry for %.*s names single keys: to rotate them give it a "
                         "directory (assay.conf(5))",
                         entry->place.file, entry->place.line, STR_ARG(domain));
    }
    if (!found)
        wrong(ask, EX_CONFIG, why);
    return found;
}

static void print_json(const struct ask *ask, const struct generated_key *key)
{
    struct json j;
    json_begin(&j, ask->arena);
    json_text(&j, "domain", key->domain);
    keygen_json_key(&j, "key", key);
    json_end(&j, '}');
    struct str text = json_str(&j);
    fwrite(text.p, 1, text.n, stdout);
}

static int rotate(struct ask *ask, const struct words *w)
{
    struct str domain, problem;
    struct generated_key key;
    enum key_type type;
    unsigned bits;
    if (!w->domain || !conf_plain_name(ask->arena, str_of(w->domain), &domain))
        return wrong(ask, EX_USAGE, STR("--domain: wanted is a domain such as example.org"));
    int status = check_key_words(ask, w, &type, &bits);
    if (status == EX_OK)
        status = ask_load_conf(ask);
    if (status != EX_OK)
        return status;
    const struct conf_signing *entry = find_entry(ask, domain, w->directory);
    if (!entry)
        return EX_CONFIG;
    if (!key_rotate(ask->conf, entry, type, bits, time(NULL), ask->arena, &key, &problem))
        return wrong(ask, EX_CANTCREAT, problem);
    if (ask->json)
        print_json(ask, &key);
    else
        keygen_print_rotated(stdout, ask->conf, &key, ask->arena);
    return EX_OK;
}

int dkim_rotate_command(int argc, char **argv)
{
    struct ask ask = {.arena = arena_new(0), .command = "assay dkim rotate"};
    struct words words = {0};
    bool help = false;
    int status = read_words(&ask, argc, argv, &words, &help);
    if (status != EX_OK || help)
        fputs(usage, help ? stdout : stderr);
    else
        status = rotate(&ask, &words);
    ask_close(&ask);
    return status;
}
