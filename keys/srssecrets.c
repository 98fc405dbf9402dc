/* srssecrets.c - the file srs.secrets.
 *
 * Errors: complaints with the path; a file that is to be changed is changed whole or not at all. */
#include "keys/srssecrets.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "crypto/canon.h"
#include "keys/safefile.h"
#include "keys/secretfile.h"

#define RANDOM_BYTES 24 /* 192 bits, 32 characters */
#define NEW_MODE     0640

struct secrets {
    struct srs_scheme scheme;
    struct secret_text text;
    struct str v[SRS_SECRETS_MAX];
};

static void wipe_secrets(void *text)
{
    secret_text_wipe(text);
}

static struct str without_blanks_behind(struct str line)
{
    while (line.n && (ascii_is_wsp(line.p[line.n - 1]) || line.p[line.n - 1] == '\r'))
        line.n--;
    return line;
}

/* NULL, or what is wrong with the file. */
static const char *take_secrets(struct secrets *s)
{
    struct str line, text = {s->text.bytes, s->text.n};
    if (str_find(text, 0, '\0') < text.n)
        return "holds a NUL byte: it is no text file";
    while (str_split(&text, '\n', &line)) {
        line = without_blanks_behind(line);
        if (!line.n || line.p[0] == '#')
            continue;
        if (s->scheme.n_secrets == SRS_SECRETS_MAX)
            return "holds more than 20 secrets: each makes guessing easier";
        s->v[s->scheme.n_secrets++] = line;
    }
    return s->scheme.n_secrets ? NULL : "holds no secret: \"assay srs secret add\" makes one";
}

static bool is_local(const void *conf, struct str domain)
{
    return conf_has_domain(&((const struct conf *)conf)->srs_local_domains, domain);
}

/* A policy of the machine may say no. */
static bool makes_hashes(const struct srs_scheme *scheme, struct arena *a)
{
    return srs_forward(scheme, STR("a@srs.test"), 0, a).status != SRS_UNKNOWN;
}

static void read_secrets(struct secrets *s, const struct conf *conf, struct arena *a,
                         struct conf_problems *problems)
{
    struct key_reader reader;
    struct str problem = STR_NONE;
    const char *path = str_cstr(a, conf->srs_secrets), *why = NULL;
    if (!conf->srs_secrets.p) {
        conf_problem(problems, conf_place_of(conf, "srs.domain"),
                     "srs.domain: is of no use without srs.secrets");
        return;
    }
    key_reader_init(&reader, conf, a);
    if (secret_file_read(path, "secret", &reader, a, &s->text, &problem)) {
        why = take_secrets(s);
        if (!why && !makes_hashes(&s->scheme, a))
            why = "is of no use: this machine's OpenSSL has no SHA-1";
        if (!why)
            return;
        s->scheme.n_secrets = 0;
        problem = str_printf(a, "%s: %s", path, why);
    }
    bool missing = !why && access(path, F_OK) && errno == ENOENT;
    conf_problem(problems, conf_place_of(conf, "srs.secrets"), "srs.secrets: %.*s%s",
                 STR_ARG(problem), missing ? "; \"assay srs secret add\" makes it" : "");
}

const struct srs_scheme *srs_scheme_load(const struct conf *conf, struct arena *a,
                                         struct conf_problems *problems)
{
    if (!conf->srs_domain.p)
        return NULL;
    struct secrets *s = arena_make(a, struct secrets);
    arena_defer(a, wipe_secrets, &s->text);
    s->scheme = (struct srs_scheme){
        .domain = conf->srs_domain,
        .secrets = s->v,
        .hash_length = (unsigned)conf->srs_hash_length,
        .hash_minimum = (unsigned)conf->srs_hash_minimum,
        .alphabet = conf->srs_alphabet == SRS_DIGITS_BASE64URL ? SRS_BASE64URL : SRS_BASE64,
        .validity_days = conf->srs_validity / 86400000,
        .is_local = is_local,
        .context = conf,
    };
    read_secrets(s, conf, a, problems);
    return &s->scheme;
}

/* --- A fresh one -------------------------------------------------------------------------------*/

/* The owner of a file that is made. */
static const gid_t *group_of_reader(const struct key_reader *reader)
{
    return geteuid() == 0 && reader->uid != 0 && !reader->lenient ? &reader->groups[0] : NULL;
}

static bool write_secrets(const char *path, struct str text, const struct stat *before,
                          const struct key_reader *reader)
{
    if (!before)
        return file_create(path, text, NEW_MODE, group_of_reader(reader));
    return file_replace(path, text, before->st_mode & 0777, before->st_gid);
}

/* The text with a fresh secret before what there is. */
static bool with_fresh(const struct secret_text *old, struct arena *a, struct str *text)
{
    unsigned char bytes[RANDOM_BYTES];
    if (RAND_priv_bytes(bytes, sizeof bytes) != 1)
        return false;
    struct str fresh = base64_encode(a, (struct str){(const char *)bytes, sizeof bytes});
    *text = str_printf(a, "%.*s\n%.*s", STR_ARG(fresh), (int)old->n, old->bytes);
    explicit_bzero(bytes, sizeof bytes);
    return true;
}

bool srs_secrets_add(const struct conf *conf, struct arena *a, struct str *problem)
{
    static const struct secret_text nothing;
    struct secrets *old = arena_make(a, struct secrets);
    struct key_reader reader;
    struct stat st;
    struct str text;
    const char *path = str_cstr(a, conf->srs_secrets), *why = NULL;
    arena_defer(a, wipe_secrets, &old->text);
    key_reader_init(&reader, conf, a);
    bool there = stat(path, &st) == 0;
    if (there && !secret_file_read(path, "secret", &reader, a, &old->text, problem))
        return false;
    if (there && (why = take_secrets(old)) && old->scheme.n_secrets)
        *problem = str_printf(a, "%s: %s", path, why);
    else if (old->scheme.n_secrets == SRS_SECRETS_MAX)
        *problem = str_printf(a, "%s: holds 20 secrets: take the oldest out", path);
    else if (!with_fresh(there ? &old->text : &nothing, a, &text))
        *problem = STR("no random bytes are to be had");
    else if (!write_secrets(path, text, there ? &st : NULL, &reader))
        *problem = str_printf(a, "cannot write %s: %s", path, strerror(errno));
    else
        return true;
    return false;
}

void srs_secret_fingerprint(struct str secret, char out[SRS_FINGERPRINT + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!EVP_Digest(secret.p, secret.n, hash, &n, EVP_sha256(), NULL))
        n = 0;
    for (unsigned i = 0; i < SRS_FINGERPRINT; i++)
        out[i] = 2 * n > i ? digits[(i % 2 ? hash[i / 2] : hash[i / 2] >> 4) & 15] : '?';
    out[SRS_FINGERPRINT] = '\0';
}
