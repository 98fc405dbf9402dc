/* sign.c - the signer: one hash of the header fields and one of the body, one signature per key
 * (RFC 6376 5).
 *
 * Errors: a phrase from dkim_signer_finish() if OpenSSL cannot sign; nothing else can fail. */
#include "dkim/signer.h"

#include "dkim/bodyrisk.h"
#include "dkim/fields.h"
#include "dkim/signature.h"
#include "mail/address_rewrite.h"
#include "mail/neversigned.h"

/* RFC 6376 5.4.1's list, with what names the message and what says how its body is to be read. */
const struct str dkim_default_sign_headers[] = {
    STR_INIT("from"),
    STR_INIT("sender"),
    STR_INIT("reply-to"),
    STR_INIT("to"),
    STR_INIT("cc"),
    STR_INIT("subject"),
    STR_INIT("date"),
    STR_INIT("message-id"),
    STR_INIT("in-reply-to"),
    STR_INIT("references"),
    STR_INIT("mime-version"),
    STR_INIT("content-type"),
    STR_INIT("content-transfer-encoding"),
    STR_INIT("content-id"),
    STR_INIT("content-description"),
    STR_INIT("resent-date"),
    STR_INIT("resent-from"),
    STR_INIT("resent-sender"),
    STR_INIT("resent-to"),
    STR_INIT("resent-cc"),
    STR_INIT("resent-message-id"),
    STR_INIT("list-id"),
    STR_INIT("list-help"),
    STR_INIT("list-unsubscribe"),
    STR_INIT("list-unsubscribe-post"),
    STR_INIT("list-subscribe"),
    STR_INIT("list-post"),
    STR_INIT("list-owner"),
    STR_INIT("list-archive"),
};
const size_t dkim_default_sign_headers_count =
    sizeof dkim_default_sign_headers / sizeof *dkim_default_sign_headers;

/* RFC 6376 8.15: a second From would be shown beside or instead of the signed one. */
const struct str dkim_default_oversign_headers[] = {STR_INIT("from")};
const size_t dkim_default_oversign_headers_count =
    sizeof dkim_default_oversign_headers / sizeof *dkim_default_oversign_headers;

/* Not oversigned where absent: an MTA behind us adds them to mail that lacks them (RFC 6409 8). */
static const struct str added_later[] = {STR_INIT("date"), STR_INIT("message-id")};

#define ARC_MESSAGE_FIELD STR("ARC-Message-Signature")

struct dkim_signer {
    const struct dkim_sign_settings *settings;
    const struct header_list *headers; /* while the signer is being made */
    struct arena *arena;
    struct str *names; /* h=, in the order of hashing */
    size_t n_names, cap_names;
    unsigned instance; /* of the ARC-Message-Signature that is made; 0: DKIM-Signatures are */
    struct header_hash *header;
    struct body_hash *body;
    struct dkim_rewritten *rewritten;
    size_t n_rewritten, cap_rewritten;
    bool from_may_change;
    struct body_risk body_risk;
};

static bool is_among(struct str name, const struct str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(name, list[i]))
            return true;
    return false;
}

#define IS_AMONG(name, list) is_among((name), (list), sizeof(list) / sizeof *(list))

static void add_name(struct dkim_signer *s, struct str name)
{
    s->names = arena_extend(s->arena, s->names, s->n_names, &s->cap_names, sizeof name);
    s->names[s->n_names++] = name;
}

/* The values in which the fields of one name will be delivered, top first; NULL: those that they
 * have. False if that cannot be known of one: then it cannot be signed, and the others neither, as
 * which of several is meant goes by their number from below. */
static bool find_delivered(struct dkim_signer *s, const struct header_field *const *fields,
                           size_t n, const struct str **values)
{
    bool exact = s->settings->header_canon == CANON_SIMPLE;
    struct str *settled = NULL, value;
    *values = NULL;
    for (size_t i = 0; i < n; i++) {
        enum address_rewrite settling = field_rewrite(s->arena, fields[i], exact, &value);
        if (settling == FIELD_IS_STABLE)
            continue;
        if (settling == FIELD_MAY_CHANGE || !s->settings->may_rewrite ||
            s->n_rewritten + n > DKIM_REWRITTEN_MAX)
            return false;
        if (!settled) {
            *values = settled = arena_array(s->arena, struct str, n);
            for (size_t k = 0; k < n; k++)
                settled[k] = fields[k]->value;
        }
        settled[i] = value;
    }
    return true;
}

static void note_rewritten(struct dkim_signer *s, const struct header_field *field, size_t ordinal,
                           struct str value)
{
    s->rewritten = arena_extend(s->arena, s->rewritten, s->n_rewritten, &s->cap_rewritten,
                                sizeof *s->rewritten);
    s->rewritten[s->n_rewritten++] = (struct dkim_rewritten){field->name, (unsigned)ordinal, value};
}

static void hash_fields(struct dkim_signer *s, struct str name,
                        const struct header_field *const *fields, size_t n,
                        const struct str *values)
{
    for (size_t i = n; i-- > 0;) {
        struct str value = values ? values[i] : fields[i]->value;
        header_hash_field(s->header, header_written_name(fields[i]), value);
        add_name(s, name);
        if (value.p != fields[i]->value.p)
            note_rewritten(s, fields[i], i + 1, value);
    }
}

/* RFC 8617 4.1.2: the signatures that a message came with are covered, ARC's own fields are not. */
static bool is_signed_by(const struct dkim_signer *s, struct str name)
{
    if (!header_is_name(name)) /* it would break the signature */
        return false;
    if (!s->instance)
        return !never_signed(name);
    return !str_starts_nocase(name, STR("arc-")) &&
           (!never_signed(name) || str_eq_nocase(name, SIGNATURE_FIELD));
}

/* All fields of this name, bottom up (RFC 6376 5.4.2), and once more if it is oversigned. */
static void sign_name(struct dkim_signer *s, struct fields *all, struct str name, bool oversign)
{
    const struct str *values;
    size_t n;
    if (!is_signed_by(s, name))
        return;
    const struct header_field *const *fields = fields_take_all(all, name, &n);
    if (!find_delivered(s, fields, n, &values)) {
        if (!str_eq_nocase(name, STR("from")))
            return;
        s->from_may_change = true; /* it is signed all the same (RFC 6376 5.4) */
        values = NULL;
    }
    hash_fields(s, name, fields, n, values);
    if (oversign && (n > 0 || !IS_AMONG(name, added_later)))
        add_name(s, name);
}

struct names {
    const struct str *list;
    size_t n;
};

static void hash_header(struct dkim_signer *s)
{
    const struct header_list *headers = s->headers;
    const struct dkim_sign_settings *set = s->settings;
    struct names sign = {dkim_default_sign_headers, dkim_default_sign_headers_count};
    struct names over = {dkim_default_oversign_headers, dkim_default_oversign_headers_count};
    struct fields *fields = fields_new(s->arena, headers);
    const struct str from = STR("from");
    if (set->sign_headers)
        sign = (struct names){set->sign_headers, set->n_sign_headers};
    if (set->oversign_headers)
        over = (struct names){set->oversign_headers, set->n_oversign_headers};
    /* RFC 6376 5.4: From is signed, whatever else is; without any, its absence. */
    bool oversign_from = is_among(from, over.list, over.n) || header_count(headers, from) == 0;
    sign_name(s, fields, from, oversign_from);
    for (size_t i = 0; i < sign.n; i++)
        if (!str_eq_nocase(sign.list[i], from) && !is_among(sign.list[i], sign.list, i))
            sign_name(s, fields, sign.list[i], is_among(sign.list[i], over.list, over.n));
    for (size_t i = 0; i < over.n; i++)
        if (!str_eq_nocase(over.list[i], from) && !is_among(over.list[i], sign.list, sign.n) &&
            !is_among(over.list[i], over.list, i))
            sign_name(s, fields, over.list[i], true);
    if (s->instance)
        sign_name(s, fields, STR("dkim-signature"), false);
}

static struct dkim_signer *begin_signing(struct arena *a, const struct dkim_sign_settings *settings,
                                         const struct header_list *headers, unsigned instance,
                                         struct body_hash *body)
{
    struct dkim_signer *s = arena_make(a, struct dkim_signer);
    s->settings = settings;
    s->headers = headers;
    s->arena = a;
    s->instance = instance;
    s->header = header_hash_new(a, settings->header_canon);
    s->body = body;
    hash_header(s);
    return s;
}

struct dkim_signer *dkim_signer_new(struct arena *a, const struct dkim_sign_settings *settings,
                                    const struct header_list *headers)
{
    return begin_signing(a, settings, headers, 0,
                         body_hash_new(a, settings->body_canon, UINT64_MAX));
}

struct dkim_signer *signer_new_arc(struct arena *a, const struct dkim_sign_settings *settings,
                                   const struct header_list *headers, unsigned instance,
                                   struct body_hash *body)
{
    return begin_signing(a, settings, headers, instance, body);
}

void dkim_signer_body(struct dkim_signer *s, const void *data, size_t n)
{
    body_hash_update(s->body, data, n);
    body_risk_update(&s->body_risk, data, n);
}

const struct dkim_rewritten *dkim_signer_rewritten(const struct dkim_signer *s, size_t *n)
{
    *n = s->n_rewritten;
    return s->rewritten;
}

const char *dkim_risk_name(enum dkim_risk risk)
{
    switch (risk) {
    case DKIM_RISK_FROM:
        return "from";
    case DKIM_RISK_LONG_LINE:
        return "long-line";
    case DKIM_RISK_8BIT:
        return "8bit";
    }
    return "unknown";
}

unsigned dkim_signer_risks(const struct dkim_signer *s)
{
    return (s->from_may_change ? DKIM_RISK_FROM : 0U) |
           (body_risk_long_line(&s->body_risk) ? DKIM_RISK_LONG_LINE : 0U) |
           (s->body_risk.is_8bit ? DKIM_RISK_8BIT : 0U);
}

static bool is_quoted_safe(char c)
{
    return c >= 0x21 && c <= 0x7E && c != '=' && c != ';';
}

/* RFC 6376 2.11. 8-bit bytes are encoded too, which is right in any message. */
static struct str encode_quoted(struct arena *a, struct str text)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n; i++) {
        if (is_quoted_safe(text.p[i]))
            sb_addc(&b, text.p[i]);
        else
            sb_printf(&b, "=%02X", (unsigned)(unsigned char)text.p[i]);
    }
    return sb_str(&b);
}

#define COLUMNS 78 /* of a line (RFC 5322 2.1.1) */

void signer_add_tag(struct header_folder *f, struct arena *a, const char *name, struct str value)
{
    folder_add(f, true, str_printf(a, "%s=%.*s;", name, STR_ARG(value)));
}

/* h=, which may be folded behind each colon (RFC 6376 3.5). */
static void add_names(struct header_folder *f, const struct dkim_signer *s)
{
    for (size_t i = 0; i < s->n_names; i++) {
        struct str atom = str_printf(s->arena, "%s%.*s%c", i == 0 ? "h=" : "", STR_ARG(s->names[i]),
                                     i + 1 == s->n_names ? ';' : ':');
        if (i > 0 && f->column + atom.n > COLUMNS)
            folder_break(f);
        folder_add(f, i == 0, atom);
    }
}

static void add_times(struct header_folder *f, const struct dkim_signer *s)
{
    const struct dkim_sign_settings *set = s->settings;
    struct arena *a = s->arena;
    signer_add_tag(f, a, "t", str_printf(a, "%lld", (long long)set->now));
    if (set->lifetime_s > 0)
        signer_add_tag(f, a, "x", str_printf(a, "%lld", (long long)(set->now + set->lifetime_s)));
}

static const char *canon_name(enum canon canon)
{
    return canon == CANON_RELAXED ? "relaxed" : "simple";
}

void signer_add_key(struct header_folder *f, struct arena *a, const struct dkim_signing_key *key)
{
    signer_add_tag(f, a, "d", key->domain);
    signer_add_tag(f, a, "s", key->selector);
}

static void add_algorithm(struct header_folder *f, const struct dkim_signer *s,
                          const struct dkim_signing_key *key)
{
    bool rsa = private_key_type(key->key) == KEY_RSA;
    signer_add_tag(f, s->arena, "a", rsa ? STR("rsa-sha256") : STR("ed25519-sha256"));
}

static struct str field_of(const struct dkim_signer *s)
{
    return s->instance ? ARC_MESSAGE_FIELD : SIGNATURE_FIELD;
}

/* The value up to and with "b=". */
static void begin_value(struct header_folder *f, const struct dkim_signer *s,
                        const struct dkim_signing_key *key, struct str body_digest)
{
    const struct dkim_sign_settings *set = s->settings;
    struct arena *a = s->arena;
    folder_init(f, a, field_of(s).n + 1);
    if (s->instance)
        signer_add_tag(f, a, "i", str_printf(a, "%u", s->instance));
    else
        signer_add_tag(f, a, "v", STR("1"));
    add_algorithm(f, s, key);
    signer_add_tag(
        f, a, "c",
        str_printf(a, "%s/%s", canon_name(set->header_canon), canon_name(set->body_canon)));
    signer_add_key(f, a, key);
    if (set->identity.n)
        signer_add_tag(f, a, "i", encode_quoted(a, set->identity));
    add_times(f, s);
    add_names(f, s);
    signer_add_tag(f, a, "bh", base64_encode(a, body_digest));
    signer_begin_b(f);
}

void signer_begin_b(struct header_folder *f)
{
    folder_break(f);
    folder_add(f, false, STR("b="));
}

void signer_add_b(struct header_folder *f, struct str text)
{
    while (text.n) {
        if (f->column >= COLUMNS)
            folder_break(f);
        size_t n = COLUMNS - f->column;
        folder_add(f, false, str_sub(text, 0, n));
        text = str_sub(text, n, text.n);
    }
}

bool dkim_signer_finish(struct dkim_signer *s, const struct dkim_signing_key *keys, size_t n_keys,
                        struct str *values, struct str *problem)
{
    unsigned char body[32], header[32];
    body_hash_finish(s->body, body);
    for (size_t i = 0; i < n_keys; i++) {
        struct header_folder f;
        struct header_hash *hash = header_hash_copy(s->arena, s->header);
        begin_value(&f, s, &keys[i], (struct str){(char *)body, sizeof body});
        header_hash_signature(hash, field_of(s), folder_str(&f));
        header_hash_finish(hash, header);
        struct str signature = private_key_sign(keys[i].key, header, s->arena);
        if (!signature.p) {
            *problem = str_printf(s->arena, "OpenSSL cannot sign with the key of selector %.*s",
                                  STR_ARG(keys[i].selector));
            return false;
        }
        signer_add_b(&f, base64_encode(s->arena, signature));
        values[i] = folder_str(&f);
    }
    return true;
}
