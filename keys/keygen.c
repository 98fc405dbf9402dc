/* keygen.c - a signing key is made: the private key and its DNS record, each in a file.
 *
 * Errors: false and a phrase; then neither file is left behind. */
#include "keys/keygen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys/record.h"

static bool fail(struct arena *a, struct str *problem, struct str path)
{
    const char *hint =
        errno == EEXIST ? "; choose another selector: a key in use is never replaced" : "";
    *problem = str_printf(a, "%.*s: %s%s", STR_ARG(path), strerror(errno), hint);
    return false;
}

static bool write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0)
            return false;
        text = str_sub(text, (size_t)n, text.n);
    }
    return fsync(fd) == 0;
}

/* The mode is set on the open file: the umask has no say, and nobody reads in between. */
static bool write_file(struct str path, struct str text, mode_t mode, const gid_t *group)
{
    int fd = open(path.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool ok = (!group || fchown(fd, (uid_t)-1, *group) == 0) && fchmod(fd, mode) == 0 &&
              write_all(fd, text);
    int why = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (!ok)
        unlink(path.p);
    errno = why;
    return ok;
}

static bool sync_directory(struct str path)
{
    int fd = open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

static bool write_both(const struct keygen_request *r, const struct generated_key *out,
                       struct str pem, struct arena *a, struct str *problem)
{
    if (!write_file(out->key_path, pem, r->give_group ? 0640 : 0600,
                    r->give_group ? &r->group : NULL))
        return fail(a, problem, out->key_path);
    bool written = write_file(out->record_path, out->zone, 0644, NULL);
    if (!written)
        fail(a, problem, out->record_path);
    else if (!sync_directory(r->directory))
        fail(a, problem, r->directory);
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
