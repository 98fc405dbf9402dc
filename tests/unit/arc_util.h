/* arc_util.h - chains made by hand, so that sets can be made that our sealer would not make. */
#ifndef ASSAY_TESTS_UNIT_ARC_UTIL_H
#define ASSAY_TESTS_UNIT_ARC_UTIL_H

#include "dkim_util.h"

#include "arc/arc.h"

#define AMS_TAGS                                                                                   \
    " i=#; a=rsa-sha256; c=relaxed/relaxed; d=one.example; s=rsa; h=from:subject; bh=*; b="
#define AS_TAGS " i=#; a=rsa-sha256; cv=!; d=one.example; s=rsa; t=1690000000; b="
#define AAR     " i=#; mx.one.example; dmarc=pass header.from=author.example"

/* How one set is made: '#' is the instance, '!' its cv, '*' the digest of the body; b= is filled in
 * where it is empty, before a ';' or at the end. */
struct recipe {
    const char *results, *message, *seal; /* NULL: as above */
    const char *names;       /* that the message signature covers; NULL: "from subject" */
    struct private_key *key; /* NULL: rsa_key */
    const char *cv;          /* NULL: none in the first, pass in the others */
    bool simple;             /* the header is signed simple, not relaxed */
};

static inline struct str fill(const char *text, char mark, struct str with)
{
    struct strbuf b;
    sb_init(&b, arena);
    for (; *text; text++) {
        if (*text == mark)
            sb_add(&b, with);
        else
            sb_addc(&b, *text);
    }
    return sb_str(&b);
}

static inline struct str with_b(struct str text, struct str b)
{
    const char *at = memmem(text.p, text.n, " b=;", 4);
    size_t split = at ? (size_t)(at - text.p) + 3 : text.n;
    return str_printf(arena, "%.*s%.*s%.*s", STR_ARG(str_sub(text, 0, split)), STR_ARG(b),
                      STR_ARG(str_sub(text, split, text.n)));
}

static inline struct str sign_digest(struct private_key *key, struct header_hash *hash)
{
    unsigned char digest[32];
    header_hash_finish(hash, digest);
    return base64_encode(arena, private_key_sign(key, digest, arena));
}

static inline struct str body_digest(struct str body)
{
    unsigned char digest[32];
    struct body_hash *bh = body_hash_new(arena, CANON_RELAXED, UINT64_MAX);
    body_hash_update(bh, body.p, body.n);
    body_hash_finish(bh, digest);
    return base64_encode(arena, (struct str){(char *)digest, sizeof digest});
}

/* On top of all other fields. */
static inline void push(struct header_list *headers, const char *name, struct str value)
{
    struct header_list with;
    header_list_init(&with, arena);
    header_list_add(&with, str_of(name), value);
    for (size_t i = 0; i < headers->n; i++)
        header_list_add(&with, headers->fields[i].name, headers->fields[i].value);
    *headers = with;
}

static inline struct str make_message(const struct header_list *headers, struct str body,
                                      const struct recipe *r, struct str instance)
{
    struct str rest = str_of(r->names ? r->names : "from subject"), name;
    struct str text = fill(r->message ? r->message : AMS_TAGS, '#', instance);
    struct header_hash *hash = header_hash_new(arena, r->simple ? CANON_SIMPLE : CANON_RELAXED);
    text = fill(text.p, '*', body_digest(body));
    while (str_split(&rest, ' ', &name)) {
        const struct header_field *field = header_get(headers, name, 0);
        if (field)
            header_hash_field(hash, field->name, field->value);
    }
    header_hash_signature(hash, STR("ARC-Message-Signature"), text);
    return with_b(text, sign_digest(r->key ? r->key : rsa_key, hash));
}

/* Over the sets from the bottom up: as they were pushed. */
static inline struct str make_seal(const struct header_list *headers, const struct recipe *r,
                                   struct str instance, bool alone)
{
    const char *cv = r->cv ? r->cv : str_eq(instance, STR("1")) ? "none" : "pass";
    struct str text = fill(r->seal ? r->seal : AS_TAGS, '#', instance);
    struct header_hash *hash = header_hash_new(arena, CANON_RELAXED);
    text = fill(text.p, '!', str_of(cv));
    for (size_t i = alone ? 2 : headers->n; i-- > 0;)
        if (arc_is_field(headers->fields[i].name))
            header_hash_field(hash, headers->fields[i].name, headers->fields[i].value);
    header_hash_signature(hash, STR("ARC-Seal"), text);
    return with_b(text, sign_digest(r->key ? r->key : rsa_key, hash));
}

/* A set more. */
static inline void seal_by_hand(struct header_list *headers, struct str body, unsigned instance,
                                const struct recipe *recipe)
{
    static const struct recipe usual;
    const struct recipe *r = recipe ? recipe : &usual;
    struct str i = str_printf(arena, "%u", instance);
    struct str message = make_message(headers, body, r, i);
    push(headers, "ARC-Authentication-Results", fill(r->results ? r->results : AAR, '#', i));
    push(headers, "ARC-Message-Signature", message);
    bool alone = r->cv && str_eq(str_of(r->cv), STR("fail"));
    push(headers, "ARC-Seal", make_seal(headers, r, i, alone));
}

/* By validate(), the last time. */
static unsigned queries_made __attribute__((unused));
static bool chain_begun __attribute__((unused));

/* What the validator says. The outcome lives as long as `arena`. */
static inline struct arc_outcome validate_by(struct dkim_verify_settings settings,
                                             const struct header_list *headers, struct str body,
                                             const char *zone)
{
    struct str problem;
    struct dns *dns = dns_open_zone(str_of(zone), arena, &problem);
    assert_non_null(dns);
    struct dns_asker asker = {.dns = dns, .arena = arena, .patience_us = INT64_C(10000000)};
    settings.bodies = body_digests_new(arena);
    struct arc_outcome none = {0};
    struct arc_chain *chain = arc_chain_new(&settings, headers, NULL, &asker);
    chain_begun = chain != NULL;
    if (!body_digests_settled(settings.bodies))
        body_digests_update(settings.bodies, body.p, body.n);
    const struct arc_outcome *o = chain ? arc_chain_finish(chain, &asker) : &none;
    queries_made = asker.queries;
    dns_close(dns);
    return *o;
}

static inline struct arc_outcome validate(const struct header_list *headers, struct str body,
                                          const char *zone, unsigned max_queries)
{
    struct dkim_verify_settings settings = default_settings;
    settings.max_queries = max_queries;
    return validate_by(settings, headers, body, zone);
}

#endif
