/* keyrecord.c - reads a key record. What is not understood is ignored, as RFC 6376 3.6.1 asks for
 * each of its lists and for unknown tags; g= of the earlier RFC 4871 is such a tag.
 *
 * Errors: a phrase. */
#include "dkim/keyrecord.h"
#include "crypto/canon.h"
#include "mail/taglist.h"

/* True if a colon-separated list has this word. */
static bool list_has(struct str list, struct str word)
{
    struct str part;
    while (str_split(&list, ':', &part))
        if (str_eq(str_trim(part), word))
            return true;
    return false;
}

/* RFC 6376 3.6.1: v= may be absent; where it is, it comes first and is DKIM1 to the letter. */
static bool version_ok(const struct taglist *tags)
{
    struct str version = taglist_get(tags, STR("v"));
    return !version.p || (str_eq(version, STR("DKIM1")) && str_eq(tags->tags[0].name, STR("v")));
}

static void read_type(struct str k, struct key_record *out)
{
    out->type = k.p && str_eq(k, STR("ed25519")) ? KEY_ED25519 : KEY_RSA;
    out->type_known = !k.p || out->type == KEY_ED25519 || str_eq(k, STR("rsa"));
}

const char *key_record_parse(struct arena *a, struct str text, struct key_record *out)
{
    struct taglist tags;
    struct str problem;
    *out = (struct key_record){0};
    if (taglist_parse(a, text, &tags, &problem) != TAGLIST_OK)
        return "the key record is no tag list";
    if (!version_ok(&tags))
        return "the key record does not begin with v=DKIM1";
    struct str p = taglist_get(&tags, STR("p")), h = taglist_get(&tags, STR("h"));
    struct str s = taglist_get(&tags, STR("s")), t = taglist_get(&tags, STR("t"));
    if (!p.p)
        return "the key record has no p=";
    out->key = base64_decode(a, p);
    if (!out->key.p)
        return "p= in the key record is no base64";
    read_type(taglist_get(&tags, STR("k")), out);
    out->revoked = p.n == 0;
    out->sha256 = !h.p || list_has(h, STR("sha256"));
    out->email = !s.p || list_has(s, STR("*")) || list_has(s, STR("email"));
    out->testing = list_has(t, STR("y"));
    out->strict = list_has(t, STR("s"));
    return NULL;
}
