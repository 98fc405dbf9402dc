/* keygen.c - a signing key is made: the private key and its DNS record, each in a file.
 *
 * Errors: false and a phrase; then neither file is left behind. */
#include "keys/keygen.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "keys/record.h"
#include "keys/safefile.h"

static bool fail_keygen(struct arena *a, struct str *problem, struct str path)
{
    const char *hint =
        errno == EEXIST ? "; choose another selector: a key in use is never replaced" : "";
    *problem = str_printf(a, "%.*s: %s%s", STR_ARG(path), strerror(errno), hint);
    return false;
}

static bool write_both(const struct keygen_request *r, const struct generated_key *out,
                       struct str pem, struct arena *a, struct str *problem)
{
    if (!file_create(out->key_path.p, pem, r->give_group ? 0640 : 0600,
                     r->give_group ? &r->group : NULL))
        return fail_keygen(a, problem, out->key_path);
    bool written = file_create(out->record_path.p, out->zone, 0644, NULL);
    if (!written)
        fail_keygen(a, problem, out->record_path);
    else if (!directory_sync(r->directory.p))
        fail_keygen(a, problem, r->directory);
    else
        return true;
    unlink(out->key_path.p);
    if (written)
        unlink(out->record_path.p);
    return false;
}

void key_discard(const struct generated_key *key)
{
    unlink(key->key_path.p);
    unlink(key->record_path.p);
}

bool key_generate(const struct keygen_request *r, struct arena *a, struct generated_key *out,
                  struct str *problem)
{
    struct private_key *key = private_key_generate(r->type, r->bits, a, problem);
    if (!key)
        return false;
    *out = (struct generated_key){
        .domain = r->domain,
        .selector = r->selector,
        .type = r->type,
        .bits = private_key_bits(key),
        .name = key_record_name(a, r->selector, r->domain),
        .value = key_record_value(a, key),
    };
    out->zone = key_record_zone(a, out->name, out->value);
    struct str base = str_printf(a, "%.*s/%.*s.%.*s", STR_ARG(r->directory), STR_ARG(r->domain),
                                 STR_ARG(r->selector));
    out->key_path = str_printf(a, "%.*s.pem", STR_ARG(base));
    out->record_path = str_printf(a, "%.*s.txt", STR_ARG(base));
    struct str pem = private_key_pem(key, a);
    private_key_release(key);
    if (pem.p)
        return write_both(r, out, pem, a, problem);
    *problem = STR("OpenSSL could not write the key as PEM");
    return false;
}
