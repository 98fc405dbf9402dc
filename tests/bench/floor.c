/* floor.c - the least that a filter on libmilter can cost: nothing but the protocol, with the
 * negotiation that assay makes, and the raw price of the cryptography on top.
 *
 *     bench_floor null SOCKET                 takes every message
 *     bench_floor verify SOCKET KEY.PEM       and SHA-256 of the body, one verification
 *     bench_floor sign SOCKET KEY.PEM         and SHA-256 of the body, one signature
 *     bench_floor raw-verify CORPUS KEY.PEM   OpenSSL alone, no filter: hashes each file of a
 * directory bench_floor raw-sign CORPUS KEY.PEM     and verifies or signs; prints us of CPU for one
 * file
 *
 * Keys are decoded once, algorithms are fetched once. What a signature covers is the body alone.
 *
 * Errors: anything unexpected ends the program with status 1 and a phrase. */
#include <dirent.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <libmilter/mfapi.h>

#define WANTED                                                                                     \
    (SMFIP_HDR_LEADSPC | SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NR_HELO | SMFIP_NR_HDR |           \
     SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NR_RCPT)
#define SIGNATURE_MAX 1024

static enum { NOTHING, VERIFY, SIGN } work;
static EVP_PKEY *key;
static EVP_MD *sha256;
static unsigned char fixed_digest[32], fixed_signature[SIGNATURE_MAX];
static size_t fixed_size;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_floor: %s\n", what);
    exit(1);
}

static void must(int ok, const char *what)
{
    if (ok <= 0)
        die(what);
}

/* --- Cryptography ------------------------------------------------------------------------------*/

static EVP_PKEY_CTX *operation(int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    must(ctx != NULL && init(ctx) > 0, "a key operation");
    must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), "padding");
    must(EVP_PKEY_CTX_set_signature_md(ctx, sha256), "digest");
    return ctx;
}

static void verify_fixed(void)
{
    EVP_PKEY_CTX *ctx = operation(EVP_PKEY_verify_init);
    must(EVP_PKEY_verify(ctx, fixed_signature, fixed_size, fixed_digest, sizeof fixed_digest),
         "a verification");
    EVP_PKEY_CTX_free(ctx);
}

static size_t sign(const unsigned char digest[32], unsigned char signature[SIGNATURE_MAX])
{
    size_t n = SIGNATURE_MAX;
    EVP_PKEY_CTX *ctx = operation(EVP_PKEY_sign_init);
    must(EVP_PKEY_sign(ctx, signature, &n, digest, 32), "a signature");
    EVP_PKEY_CTX_free(ctx);
    return n;
}

static void load_key(const char *path)
{
    FILE *f = fopen(path, "r");
    key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!key || !sha256)
        die(path);
    fclose(f);
    fixed_size = sign(fixed_digest, fixed_signature);
}

/* --- OpenSSL alone -----------------------------------------------------------------------------*/

#define FILES    1000
#define FILE_MAX (4 << 20)

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* us for one message of n bytes. */
static double raw_message(const unsigned char *text, size_t n)
{
    unsigned char sum[32], signature[SIGNATURE_MAX];
    double begun = cpu_us();
    must(EVP_Digest(text, n, sum, NULL, sha256, NULL), "SHA-256");
    if (work == VERIFY)
        verify_fixed();
    else
        sign(sum, signature);
    return cpu_us() - begun;
}

static size_t read_file(const char *directory, const char *name, unsigned char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(text, 1, FILE_MAX, f) : 0;
    if (!f || fclose(f))
        die(path);
    return n;
}

/* Goes around the directory until FILES messages are done. */
static int raw(const char *directory)
{
    struct dirent **names;
    int count = scandir(directory, &names, NULL, alphasort);
    unsigned char *text = malloc(FILE_MAX);
    double us = 0;
    if (count <= 2 || !text)
        die(directory);
    for (int i = 0, at = 0; i < FILES; at = (at + 1) % count)
        if (names[at]->d_name[0] != '.') {
            us += raw_message(text, read_file(directory, names[at]->d_name, text));
            i++;
        }
    printf("%.2f\n", us / FILES);
    return 0;
}

/* --- Callbacks ---------------------------------------------------------------------------------*/

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
                             unsigned long f2, unsigned long f3, unsigned long *our_actions,
                             unsigned long *our_steps, unsigned long *our_f2, unsigned long *our_f3)
{
    char id[] = "i";
    (void)f2, (void)f3;
    *our_f2 = *our_f3 = 0;
    *our_actions = actions & (SMFIF_ADDHDRS | SMFIF_SETSYMLIST);
    *our_steps = steps & WANTED;
    if (*our_steps != WANTED || smfi_setsymlist(ctx, SMFIM_EOM, id) != MI_SUCCESS)
        die("this MTA does not offer what is wanted");
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, struct sockaddr *address)
{
    (void)ctx, (void)host, (void)address;
    return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    (void)ctx, (void)name;
    return SMFIS_NOREPLY;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    (void)argv;
    if (work != NOTHING) {
        EVP_MD_CTX *digest = EVP_MD_CTX_new();
        must(digest && EVP_DigestInit_ex2(digest, sha256, NULL), "SHA-256");
        smfi_setpriv(ctx, digest);
    }
    return SMFIS_CONTINUE;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
    (void)ctx, (void)argv;
    return SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx, (void)name, (void)value;
    return SMFIS_NOREPLY;
}

static sfsistat on_eoh(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t n)
{
    EVP_MD_CTX *digest = smfi_getpriv(ctx);
    if (digest)
        must(EVP_DigestUpdate(digest, data, n), "SHA-256");
    return SMFIS_NOREPLY;
}

static void drop(SMFICTX *ctx)
{
    EVP_MD_CTX_free(smfi_getpriv(ctx));
    smfi_setpriv(ctx, NULL);
}

static sfsistat on_eom(SMFICTX *ctx)
{
    EVP_MD_CTX *digest = smfi_getpriv(ctx);
    unsigned char sum[32], signature[SIGNATURE_MAX];
    unsigned n;
    if (digest)
        must(EVP_DigestFinal_ex(digest, sum, &n), "SHA-256");
    if (work == VERIFY)
        verify_fixed();
    if (work == SIGN)
        sign(sum, signature);
    drop(ctx);
    return SMFIS_CONTINUE;
}

static sfsistat on_end(SMFICTX *ctx)
{
    drop(ctx);
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    static char name[] = "floor";
    struct smfiDesc description = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_ADDHDRS,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_header = on_header,
        .xxfi_eoh = on_eoh,
        .xxfi_body = on_body,
        .xxfi_eom = on_eom,
        .xxfi_abort = on_end,
        .xxfi_close = on_end,
        .xxfi_negotiate = on_negotiate,
    };
    if (argc < 3)
        die("usage: bench_floor null|verify|sign|raw-verify|raw-sign SOCKET|CORPUS [KEY.PEM]");
    work = strstr(argv[1], "verify") ? VERIFY : strstr(argv[1], "sign") ? SIGN : NOTHING;
    if (work != NOTHING)
        load_key(argc > 3 ? argv[3] : "no key");
    if (!strncmp(argv[1], "raw", 3))
        return raw(argv[2]);
    smfi_setbacklog(1024);
    if (smfi_setconn(argv[2]) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS ||
        smfi_opensocket(true) != MI_SUCCESS)
        die("libmilter does not listen");
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}
