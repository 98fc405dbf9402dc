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
#include "milter/commands/commands.h"
#include "milter/commands/keygen_print.h"

struct rotate_words {
    struct str domain;
    const char *directory, *type, *bits;
};

static const struct command_option rotate_options[] = {
    OPTION_REQUIRED("domain", "DOMAIN", take_domain, struct rotate_words, domain,
                    "the domain of the entry"),
    OPTION("directory", "DIR", take_text, struct rotate_words, directory,
           "its directory, if several entries for the domain have one"),
    OPTION("type", "TYPE", take_text, struct rotate_words, type, "rsa (default) or ed25519"),
    OPTION("bits", "N", take_text, struct rotate_words, bits,
           "size of an RSA key: 2048 (default) to 4096"),
    {0},
};

static int check_key_words(const struct command *c, const struct rotate_words *w,
                           enum key_type *type, unsigned *bits)
{
    unsigned long long number = KEYGEN_BITS_MIN;
    const char *name = w->type ? w->type : "rsa";
    *type = strcmp(name, "ed25519") == 0 ? KEY_ED25519 : KEY_RSA;
    if (*type == KEY_RSA && strcmp(name, "rsa") != 0)
        return command_fail(c, EX_USAGE, "--type: allowed are rsa and ed25519");
    if (w->bits && *type == KEY_ED25519)
        return command_fail(c, EX_USAGE, "--bits is for RSA keys: an Ed25519 key has always 256");
    if (w->bits &&
        (!str_to_u64(str_of(w->bits), KEYGEN_BITS_MAX, &number) || number < KEYGEN_BITS_MIN))
        return command_fail(c, EX_USAGE, "--bits: allowed is 2048 to 4096");
    *bits = (unsigned)number;
    return EX_OK;
}

/* The entry of the domain, which has to have a directory, the one of --directory if there are
 * several. NULL after a complaint. */
static const struct conf_signing *find_entry(const struct command *c, struct str domain,
                                             const char *directory)
{
    const struct conf_signing *found = NULL;
    struct str why = str_printf(c->arena,
                                "signing has no entry for %.*s%s: add { domain = \"%.*s\"; "
                                "directory = \"%s%.*s\"; } to it first (assay-dkim(1))",
                                STR_ARG(domain), directory ? " with this directory" : "",
                                STR_ARG(domain), directory ? directory : "/etc/assay/keys/",
                                directory ? 0 : (int)domain.n, domain.p);
    for (size_t i = 0; i < c->conf->n_signing; i++) {
        const struct conf_signing *entry = &c->conf->signing[i];
        if (!str_eq(entry->domain, domain))
            continue;
        if (directory && !str_eq(entry->directory, str_of(directory)))
            continue;
        if (entry->directory.p && found) {
            command_fail(c, EX_USAGE,
                         "several entries for the domain have directories: choose by --directory");
            return NULL;
        }
        if (entry->directory.p)
            found = entry;
        why = str_printf(c->arena,
                         "%s:%u: the entry for %.*s names single keys: to rotate them give it a "
                         "directory (assay.conf(5))",
                         entry->place.file, entry->place.line, STR_ARG(domain));
    }
    if (!found)
        command_fail(c, EX_CONFIG, "%.*s", STR_ARG(why));
    return found;
}

static void print_json(const struct command *c, const struct generated_key *key)
{
    struct json j;
    json_begin(&j, c->arena);
    json_text(&j, "domain", key->domain);
    keygen_json_key(&j, "key", key);
    command_print_json(&j);
}

static int dkim_rotate(struct command *c)
{
    const struct rotate_words *w = c->own;
    struct generated_key key;
    struct str problem;
    enum key_type type;
    unsigned bits = 0;
    int status = check_key_words(c, w, &type, &bits);
    if (status == EX_OK)
        status = command_load_conf(c);
    if (status != EX_OK)
        return status;
    const struct conf_signing *entry = find_entry(c, w->domain, w->directory);
    if (!entry)
        return EX_CONFIG;
    if (!key_rotate(c->conf, entry, type, bits, time(NULL), c->arena, &key, &problem))
        return command_fail(c, EX_CANTCREAT, "%.*s%s", STR_ARG(problem),
                            command_help_by_root(problem));
    if (c->json)
        print_json(c, &key);
    else
        keygen_print_rotated(stdout, c->conf, &key, c->arena);
    return EX_OK;
}

const struct command_row dkim_rotate_command = {
    .name = "rotate",
    .brief = "make the next key of a key directory",
    .options = rotate_options,
    .common = COMMON_CONF | COMMON_JSON,
    .size = sizeof(struct rotate_words),
    .run = dkim_rotate,
    .about = "Makes a key in the domain's key directory (`directory` in `signing`, assay.conf(5)) "
             "that replaces the present one of its type when assay sees its record in the DNS.",
    .status = "0; 73 a file cannot be made; 78 the configuration has no such directory.",
};
