/* seal.c - makes a set: results, message signature, seal (RFC 8617 5.1).
 *
 * Errors: a phrase if OpenSSL cannot sign, or where older sets are not those of a chain. */
#include "arc/fields.h"
#include "dkim/signer.h"

/* The settings of the key's entry, in the form that suits what is sent on: relaxed, for good. */
static struct dkim_sign_settings message_settings(const struct dkim_sign_settings *settings)
{
    struct dkim_sign_settings s = *settings;
    s.header_canon = s.body_canon = CANON_RELAXED;
    s.lifetime_s = 0;
    s.identity = STR_NONE;
    s.may_rewrite = false; /* it would break the signatures of others */
    return s;
}

static bool sign_message(struct arena *a, const struct arc_seal_request *request, struct str *value,
                         struct str *problem)
{
    const struct dkim_sign_settings settings = message_settings(request->settings);
    struct dkim_signer *signer =
        signer_new_arc(a, &settings, request->headers, request->instance, request->body);
    return dkim_signer_finish(signer, request->key, 1, value, problem);
}

static void hash_field(struct header_hash *hash, const struct header_field *field)
{
    header_hash_field(hash, field->name, field->value);
}

/* The older sets (RFC 8617 5.1.1). False if they are not complete. */
static bool hash_older(struct arena *a, const struct arc_seal_request *request,
                       struct header_hash *hash)
{
    struct arc_gathered found;
    if (request->instance == 1)
        return true;
    arc_gather(a, request->headers, &found);
    if (!found.any || found.problem)
        return false;
    for (unsigned i = 1; i < request->instance; i++) {
        const struct arc_fields *f = &found.fields[i];
        if (!f->results || !f->message || !f->seal)
            return false;
        hash_field(hash, f->results);
        hash_field(hash, f->message);
        hash_field(hash, f->seal);
    }
    return true;
}

static struct str begin_seal(struct arena *a, const struct arc_seal_request *request,
                             struct header_folder *f)
{
    bool rsa = private_key_type(request->key->key) == KEY_RSA;
    folder_init(f, a, ARC_SEAL_FIELD.n + 1);
    signer_add_tag(f, a, "i", str_printf(a, "%u", request->instance));
    signer_add_tag(f, a, "a", rsa ? STR("rsa-sha256") : STR("ed25519-sha256"));
    signer_add_tag(f, a, "t", str_printf(a, "%lld", (long long)request->settings->now));
    signer_add_tag(f, a, "cv", str_of(arc_cv_name(request->cv)));
    signer_add_key(f, a, request->key);
    signer_begin_b(f);
    return folder_str(f);
}

bool arc_seal(struct arena *a, const struct arc_seal_request *request, struct arc_sealed *out,
              struct str *problem)
{
    unsigned char digest[32];
    struct header_folder f;
    struct header_hash *hash = header_hash_new(a, CANON_RELAXED);
    out->results = request->results;
    if (!sign_message(a, request, &out->message, problem))
        return false;
    if (request->cv != ARC_CV_FAIL && !hash_older(a, request, hash)) {
        *problem = STR("the older sets are not complete");
        return false;
    }
    header_hash_field(hash, ARC_RESULTS_FIELD, out->results);
    header_hash_field(hash, ARC_MESSAGE_FIELD, out->message);
    header_hash_signature(hash, ARC_SEAL_FIELD, begin_seal(a, request, &f));
    header_hash_finish(hash, digest);
    struct str signature = private_key_sign(request->key->key, digest, a);
    if (!signature.p) {
        *problem = str_printf(a, "OpenSSL cannot sign with the key of selector %.*s",
                              STR_ARG(request->key->selector));
        return false;
    }
    signer_add_b(&f, base64_encode(a, signature));
    out->seal = folder_str(&f);
    return true;
}
