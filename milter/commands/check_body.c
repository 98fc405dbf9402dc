/* check_body.c - what was done to a body after it was signed: the usual changes are undone one by
 * one, and the digest that then matches tells.
 *
 * Errors: none; no match is no phrase. Work is bounded: BODY_MAX bytes, LINES_MAX digests and a
 * few. */
#include <string.h>

#include "crypto/canon.h"
#include "mail/taglist.h"
#include "milter/commands/check.h"
#include "milter/commands/mailfile.h"

#define BODY_MAX  (4U << 20)
#define LINES_MAX 60 /* of a footer */

struct trial {
    struct arena *arena;
    enum canon canon;
    uint64_t limit;
    struct str kind; /* c= */
    struct str want; /* bh=, decoded */
};

static bool matches(const struct trial *t, enum canon canon, struct str body)
{
    unsigned char digest[32];
    struct body_hash *h = body_hash_new(t->arena, canon, t->limit);
    body_hash_update(h, body.p, body.n);
    body_hash_finish(h, digest);
    return str_eq(t->want, (struct str){(const char *)digest, sizeof digest});
}

/* The field that the index-th evaluated signature stands in. */
static bool read_signature(const struct check_case *c, size_t index, struct trial *t)
{
    const struct header_field *field =
        header_get(&c->t->message.headers, STR("DKIM-Signature"), index);
    struct taglist tags;
    struct str problem;
    if (!field || taglist_parse(t->arena, field->value, &tags, &problem) != TAGLIST_OK)
        return false;
    struct str kind = taglist_strip(t->arena, taglist_get(&tags, STR("c")));
    unsigned long long limit = UINT64_MAX;
    str_to_u64(taglist_strip(t->arena, taglist_get(&tags, STR("l"))), UINT64_MAX, &limit);
    t->canon = str_ends_nocase(kind, STR("/relaxed")) ? CANON_RELAXED : CANON_SIMPLE;
    t->limit = limit;
    t->kind = kind.n ? kind : STR("simple/simple");
    t->want = base64_decode(t->arena, taglist_get(&tags, STR("bh")));
    return t->want.n == 32;
}

/* A footer: the body without its last lines. */
static struct str try_footer(const struct trial *t, struct str body)
{
    size_t end = body.n;
    for (unsigned lines = 1; lines <= LINES_MAX && end > 0; lines++) {
        size_t before = str_find_last(str_sub(body, 0, end - 1), '\n');
        end = before < end - 1 ? before + 1 : 0;
        if (matches(t, t->canon, str_sub(body, 0, end)))
            return str_printf(t->arena,
                              "the digest is that of the body without its last %u line%s: somebody "
                              "added a footer, as mailing lists and virus scanners do",
                              lines, lines == 1 ? "" : "s");
    }
    return STR_NONE;
}

static int print_hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* RFC 2045 6.7: what a relay made of 8-bit text. */
static struct str from_quoted_printable(struct arena *a, struct str body)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < body.n; i++) {
        struct str rest = str_sub(body, i, body.n);
        if (str_starts(rest, STR("=\r\n"))) {
            i += 2;
        } else if (rest.n > 2 && rest.p[0] == '=' && print_hex(rest.p[1]) >= 0 &&
                   print_hex(rest.p[2]) >= 0) {
            sb_addc(&b, (char)(print_hex(rest.p[1]) << 4 | print_hex(rest.p[2])));
            i += 2;
        } else {
            sb_addc(&b, body.p[i]);
        }
    }
    return sb_str(&b);
}

static struct str try_encoding(const struct check_case *c, const struct trial *t, struct str body)
{
    const struct header_field *field =
        header_get(&c->t->message.headers, STR("Content-Transfer-Encoding"), 0);
    struct str encoding = field ? header_unfold(t->arena, field->value) : STR("");
    struct str decoded = STR_NONE;
    if (str_eq_nocase(encoding, STR("quoted-printable")))
        decoded = from_quoted_printable(t->arena, body);
    else if (str_eq_nocase(encoding, STR("base64")))
        decoded = base64_decode(t->arena, body);
    if (!decoded.p || !matches(t, t->canon, decoded))
        return STR_NONE;
    return str_printf(
        t->arena,
        "the digest is that of the body before it became %.*s: a relay without 8BITMIME "
        "changed the transfer encoding",
        STR_ARG(encoding));
}

static struct str try_from_quoting(const struct trial *t, struct str body)
{
    if (!matches(t, t->canon, mail_unquote_from(t->arena, body)))
        return STR_NONE;
    return STR("the digest is that of the body with \">From \" as \"From \": an mbox quoted it");
}

static struct str try_canonicalization(const struct trial *t, struct str body)
{
    if (t->canon != CANON_SIMPLE || !matches(t, CANON_RELAXED, body))
        return STR_NONE;
    return STR("the digest fits with c=relaxed: only white space was changed on the way, which "
               "c=simple does not forgive");
}

void check_body(const struct check_case *c, size_t index, struct told_body *out)
{
    struct str body = c->letter.body;
    struct trial t = {.arena = c->arena};
    *out = (struct told_body){0};
    if (body.n > BODY_MAX || !read_signature(c, index, &t))
        return;
    out->canonicalization = str_safe(t.arena, t.kind, 40, false);
    out->differs = !matches(&t, t.canon, body);
    if (!out->differs)
        return;
    out->change = try_footer(&t, body);
    if (!out->change.n)
        out->change = try_encoding(c, &t, body);
    if (!out->change.n)
        out->change = try_from_quoting(&t, body);
    if (!out->change.n)
        out->change = try_canonicalization(&t, body);
}

struct telling check_telling(const struct check_case *c)
{
    struct telling t = transaction_telling(c->t);
    const struct evidence_dkim *e = &c->t->evidence.dkim;
    struct told_body *bodies = arena_array(c->arena, struct told_body, e->n);
    for (size_t i = 0; i < e->n; i++)
        if (e->signatures[i].result == DKIM_FAIL)
            check_body(c, i, &bodies[i]);
    t.arena = c->arena;
    t.asker = &c->t->asker;
    t.bodies = bodies;
    t.explain = c->explain;
    return t;
}
