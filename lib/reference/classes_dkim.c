/* classes_dkim.c - what has to hold for a difference from libopendkim to be of a class.
 *
 * Errors: what cannot be read is of no class. */
#include "crypto/canon.h"
#include "mail/taglist.h"
#include "reference/classes.h"

static bool we_accept(const struct reference_pair *pair)
{
    return pair->ours.dkim->result == DKIM_PASS && pair->theirs.dkim->result != DKIM_PASS;
}

static bool they_accept(const struct reference_pair *pair)
{
    return pair->theirs.dkim->result == DKIM_PASS && pair->ours.dkim->result != DKIM_PASS;
}

/* The value of the signature's field; absent if the message is not known. */
static struct str field_of_case(const struct reference_pair *pair)
{
    const struct header_list *headers = pair->facts->headers;
    const struct header_field *f =
        headers ? header_get(headers, STR("DKIM-Signature"), pair->index) : NULL;
    return f ? f->value : STR_NONE;
}

/* A tag of the signature, as it can be read; absent where the list as a whole cannot. */
static struct str tag(const struct reference_pair *pair, struct str name)
{
    struct taglist tags;
    struct str problem;
    if (taglist_parse(pair->arena, field_of_case(pair), &tags, &problem) != TAGLIST_OK)
        return STR_NONE;
    return taglist_get(&tags, name);
}

/* Whatever else is wrong, the library looks at the date first, and we look at it last. */
bool class_dkim_future(const struct reference_pair *pair)
{
    const struct dkim_verify_settings *settings = pair->facts->dkim;
    struct str t = tag(pair, STR("t"));
    unsigned long long signed_at;
    if (!str_to_u64(t, INT64_MAX, &signed_at))
        signed_at = INT64_MAX; /* we have read it: it is a number */
    return pair->ours.dkim->result == DKIM_TEMPERROR &&
           pair->theirs.dkim->result == DKIM_PERMERROR && settings && t.n &&
           (int64_t)signed_at > settings->now + settings->clock_skew_s;
}

/* Only the library knows the length of a key that we never decode. */
bool class_dkim_long_key(const struct reference_pair *pair)
{
    const struct dkim_verify_settings *settings = pair->facts->dkim;
    return they_accept(pair) && pair->ours.dkim->result == DKIM_POLICY && settings &&
           settings->max_key_bits && pair->theirs.dkim->key_bits > settings->max_key_bits;
}

bool class_dkim_partial_body(const struct reference_pair *pair)
{
    return they_accept(pair) && pair->ours.dkim->result == DKIM_POLICY && tag(pair, STR("l")).p;
}

/* The answer about the signature's key; NULL: it was not asked for. */
static const struct dns_answer *key_answer(const struct reference_pair *pair)
{
    const struct dkim_signature *s = pair->ours.dkim;
    struct str name =
        str_printf(pair->arena, "%.*s._domainkey.%.*s", STR_ARG(s->selector), STR_ARG(s->domain));
    for (size_t i = 0; i < pair->facts->n_events; i++) {
        const struct dns_event *e = &pair->facts->events[i];
        if (e->type == DNS_TXT && str_eq_nocase(e->name, name))
            return e->answer;
    }
    return NULL;
}

static struct str key_record(const struct reference_pair *pair)
{
    const struct dns_answer *answer = key_answer(pair);
    return answer && answer->n ? answer->rr[0].text : STR_NONE;
}

static bool is_lower(struct arena *a, struct str text)
{
    return str_eq(text, str_lower(a, text));
}

bool class_dkim_key_grammar(const struct reference_pair *pair)
{
    struct taglist tags;
    struct str problem, text = key_record(pair);
    if (!they_accept(pair) || pair->ours.dkim->result != DKIM_PERMERROR || !text.p)
        return false;
    if (taglist_parse(pair->arena, text, &tags, &problem) != TAGLIST_OK)
        return true;
    return (taglist_get(&tags, STR("v")).p && !str_eq(tags.tags[0].name, STR("v"))) ||
           !is_lower(pair->arena, taglist_get(&tags, STR("k")));
}

bool class_dkim_needless_key(const struct reference_pair *pair)
{
    const struct dns_answer *answer = key_answer(pair);
    return pair->ours.dkim->result != DKIM_PASS && pair->theirs.dkim->result == DKIM_TEMPERROR &&
           answer && dns_unknown(answer);
}

bool class_dkim_several_keys(const struct reference_pair *pair)
{
    const struct dns_answer *answer = key_answer(pair);
    return pair->theirs.dkim->result == DKIM_TEMPERROR && answer && answer->n > 1;
}

bool class_dkim_key_syntax(const struct reference_pair *pair)
{
    return pair->ours.dkim->result != DKIM_PASS && pair->theirs.dkim->result == DKIM_TEMPERROR &&
           key_record(pair).p;
}

/* RFC 6376 3.6.1: t= is a list of flags. */
static bool has_flag(struct arena *a, struct str record, struct str flag)
{
    struct taglist tags;
    struct str problem, part, flags;
    if (taglist_parse(a, record, &tags, &problem) != TAGLIST_OK)
        return false;
    flags = taglist_strip(a, taglist_get(&tags, STR("t")));
    while (str_split(&flags, ':', &part))
        if (str_eq(part, flag))
            return true;
    return false;
}

bool class_dkim_strict_key(const struct reference_pair *pair)
{
    return they_accept(pair) && pair->ours.dkim->result == DKIM_PERMERROR &&
           tag(pair, STR("i")).n && has_flag(pair->arena, key_record(pair), STR("s"));
}

bool class_dkim_tag_list(const struct reference_pair *pair)
{
    struct taglist tags;
    struct str problem, value = field_of_case(pair);
    return they_accept(pair) && pair->ours.dkim->result == DKIM_NEUTRAL && value.p &&
           taglist_parse(pair->arena, value, &tags, &problem) != TAGLIST_OK;
}

bool class_dkim_tag_values(const struct reference_pair *pair)
{
    return they_accept(pair) && pair->ours.dkim->result == DKIM_NEUTRAL && tag(pair, STR("d")).p;
}

bool class_dkim_signed_signature(const struct reference_pair *pair)
{
    struct str name, names = taglist_strip(pair->arena, tag(pair, STR("h")));
    while (we_accept(pair) && str_split(&names, ':', &name))
        if (str_eq_nocase(name, STR("DKIM-Signature")))
            return true;
    return false;
}

bool class_dkim_eight_bit(const struct reference_pair *pair)
{
    enum dkim_result ours = pair->ours.dkim->result;
    return (ours == DKIM_PASS || ours == DKIM_TEMPERROR) &&
           pair->theirs.dkim->result != DKIM_PASS && !str_is_ascii(field_of_case(pair));
}

/* DER: a SEQUENCE that begins with an INTEGER is an RSAPublicKey (RFC 8017 A.1.1), one that begins
 * with a SEQUENCE a SubjectPublicKeyInfo (RFC 5280 4.1). */
static bool is_bare_key(struct str der)
{
    const unsigned char *p = (const unsigned char *)der.p;
    size_t at = 2;
    if (der.n < 4 || p[0] != 0x30)
        return false;
    if (p[1] & 0x80)
        at += p[1] & 0x7F;
    return at < der.n && p[at] == 0x02;
}

bool class_dkim_bare_key(const struct reference_pair *pair)
{
    struct taglist tags;
    struct str problem, text = key_record(pair);
    return we_accept(pair) && text.p &&
           taglist_parse(pair->arena, text, &tags, &problem) == TAGLIST_OK &&
           is_bare_key(base64_decode(pair->arena, taglist_get(&tags, STR("p"))));
}

struct line_ends {
    bool bare;    /* a CR or LF that stands alone */
    bool unended; /* the last line has no CRLF */
    char last;    /* byte */
};

static void scan_fields(struct line_ends *ends, struct str piece)
{
    for (size_t i = 0; i < piece.n; i++) {
        if ((ends->last == '\r') != (piece.p[i] == '\n'))
            ends->bare = true;
        ends->last = piece.p[i];
        ends->unended = ends->last != '\n';
    }
}

static struct line_ends line_ends(const struct reference_pair *pair)
{
    const struct reference_body *body = pair->facts->body;
    struct line_ends ends = {0};
    for (size_t i = 0; body && i < body->n; i++)
        scan_fields(&ends, body->pieces[i]);
    ends.bare = ends.bare || ends.last == '\r';
    return ends;
}

bool class_dkim_line_ends(const struct reference_pair *pair)
{
    return line_ends(pair).bare;
}

bool class_dkim_last_line(const struct reference_pair *pair)
{
    return line_ends(pair).unended;
}
