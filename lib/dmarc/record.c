/* record.c - the DMARC policy record (RFC 9989 4.7, 4.8).
 *
 * Errors: false for a text that is no DMARC record; within a record, what is malformed has its
 * default, and *usable says whether a policy can be taken from it at all (4.10.1). */
#include "base/ascii.h"
#include "dmarc/dmarc.h"
#include "dmarc/uri.h"
#include "mail/taglist.h"

static const struct str policy_names[] = {
    [DMARC_P_NONE] = STR_INIT("none"),
    [DMARC_P_QUARANTINE] = STR_INIT("quarantine"),
    [DMARC_P_REJECT] = STR_INIT("reject"),
};

static const char *const result_names[DMARC_RESULT_COUNT] = {
    [DMARC_NONE] = "none",           [DMARC_PASS] = "pass",           [DMARC_FAIL] = "fail",
    [DMARC_TEMPERROR] = "temperror", [DMARC_PERMERROR] = "permerror",
};

const char *dmarc_policy_name(enum dmarc_policy policy)
{
    return policy_names[policy].p;
}

const char *dmarc_discovery_name(enum dmarc_discovery discovery)
{
    return discovery == DMARC_PSL ? "psl" : "treewalk";
}

const char *dmarc_result_name(enum dmarc_result result)
{
    return result_names[result];
}

static struct str trim_wsp(struct str s)
{
    while (s.n && ascii_is_wsp(s.p[0]))
        s = str_sub(s, 1, s.n);
    while (s.n && ascii_is_wsp(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* RFC 9989 4.8, dmarc-version: nothing stands before the v; the tag's name is an ABNF literal, so
 * of either case, the value is not. */
static bool has_version(struct str text)
{
    struct str tag = str_sub(text, 0, str_find(text, 0, ';'));
    size_t equals = str_find(tag, 0, '=');
    if (equals == tag.n || ascii_is_wsp(tag.p[0]))
        return false;
    return str_eq_nocase(trim_wsp(str_sub(tag, 0, equals)), STR("v")) &&
           str_eq(trim_wsp(str_sub(tag, equals + 1, tag.n)), STR("DMARC1"));
}

/* The value of a tag whose values are single letters, or the default. Literals of ABNF are of
 * either case (RFC 5234 2.3). */
static char letter(const struct taglist *tags, struct str name, const char *allowed, char otherwise)
{
    struct str value = taglist_get(tags, name);
    for (const char *c = allowed; value.n == 1 && *c; c++)
        if ((value.p[0] | 0x20) == *c)
            return *c;
    return otherwise;
}

enum request { REQUEST_ABSENT, REQUEST_VALID, REQUEST_INVALID };

static enum request get_policy(const struct taglist *tags, struct str name, enum dmarc_policy *out)
{
    struct str value = taglist_get(tags, name);
    if (!value.p)
        return REQUEST_ABSENT;
    for (int i = DMARC_P_NONE; i <= DMARC_P_REJECT; i++)
        if (str_eq_nocase(value, policy_names[i])) {
            *out = (enum dmarc_policy)i;
            return REQUEST_VALID;
        }
    return REQUEST_INVALID;
}

/* RFC 9989 4.10.1: a record without a valid p, or with an invalid sp or np, is one that says
 * p=none and no more if it asks for reports, and none to act on if it does not. */
static bool take_policies(const struct taglist *tags, struct dmarc_record *out)
{
    enum request p = get_policy(tags, STR("p"), &out->p);
    enum request sp = get_policy(tags, STR("sp"), &out->sp);
    enum request np = get_policy(tags, STR("np"), &out->np);
    bool valid = p == REQUEST_VALID && sp != REQUEST_INVALID && np != REQUEST_INVALID;
    if (!valid)
        out->p = DMARC_P_NONE;
    out->has_sp = valid && sp == REQUEST_VALID;
    out->has_np = valid && np == REQUEST_VALID;
    if (!out->has_sp)
        out->sp = out->p;
    if (!out->has_np)
        out->np = out->sp;
    return valid || out->n_rua > 0;
}

/* RFC 9989 4.8, dmarc-fo: each of 0, 1, d and s at most once, and not 0 and 1 together. */
static bool is_fo(struct str value)
{
    static const struct str options[] = {STR_INIT("0"), STR_INIT("1"), STR_INIT("d"),
                                         STR_INIT("s")};
    unsigned seen = 0;
    struct str part;
    while (str_split(&value, ':', &part)) {
        unsigned option = 0;
        while (option < 4 && !str_eq_nocase(part, options[option]))
            option++;
        if (option == 4 || seen & 1U << option)
            return false;
        seen |= 1U << option;
    }
    return seen != 0 && (seen & 3) != 3;
}

/* RFC 9989 4.8, obs-dmarc-report-size without its '!'. */
static bool is_report_size(struct str s)
{
    size_t digits = 0;
    while (digits < s.n && ascii_is_digit(s.p[digits]))
        digits++;
    if (digits == 0 || s.n - digits > 1)
        return false;
    return digits == s.n || str_find(STR("kmgtKMGT"), 0, s.p[digits]) < 8;
}

/* Takes "!size" off. False if the text is no reporting URI. */
static bool clean_uri(struct str *uri)
{
    size_t size = str_find(*uri, 0, '!');
    if (size < uri->n && !is_report_size(str_sub(*uri, size + 1, uri->n)))
        return false;
    uri->n = size;
    return dmarc_uri_valid(*uri);
}

static const struct str *get_uris(struct arena *a, const struct taglist *tags, struct str name,
                                  size_t *n)
{
    struct str found[DMARC_URIS_MAX];
    struct str rest = taglist_get(tags, name), uri;
    *n = 0;
    while (*n < DMARC_URIS_MAX && str_split(&rest, ',', &uri)) {
        uri = trim_wsp(uri);
        if (clean_uri(&uri))
            found[(*n)++] = uri;
    }
    struct str *uris = arena_array(a, struct str, *n);
    for (size_t i = 0; i < *n; i++)
        uris[i] = found[i];
    return uris;
}

bool dmarc_record_parse(struct arena *a, struct str text, struct dmarc_record *out, bool *usable)
{
    struct taglist tags;
    *out = (struct dmarc_record){.psd = 'u', .fo = STR("0")};
    *usable = false;
    if (!has_version(text))
        return false;
    taglist_parse_lenient(a, text, TAGLIST_ANY_CASE, &tags);
    out->adkim = letter(&tags, STR("adkim"), "rs", 'r') == 's' ? DMARC_STRICT : DMARC_RELAXED;
    out->aspf = letter(&tags, STR("aspf"), "rs", 'r') == 's' ? DMARC_STRICT : DMARC_RELAXED;
    out->psd = letter(&tags, STR("psd"), "ynu", 'u');
    out->testing = letter(&tags, STR("t"), "yn", 'n') == 'y';
    out->rua = get_uris(a, &tags, STR("rua"), &out->n_rua);
    out->ruf = get_uris(a, &tags, STR("ruf"), &out->n_ruf);
    struct str fo = taglist_get(&tags, STR("fo"));
    if (is_fo(fo))
        out->fo = fo;
    *usable = take_policies(&tags, out);
    return true;
}
