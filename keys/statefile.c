/* statefile.c - the life of a key as the text of its state file.
 *
 * Errors: a phrase, and the line. */
#include "keys/statefile.h"

#include <time.h>

static void add_time(struct strbuf *b, const char *name, int64_t when)
{
    char text[sizeof "-2147483648-01-01T00:00:00Z"];
    time_t t = (time_t)when;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    sb_printf(b, "%s = %s\n", name, text);
}

struct str state_file_text(struct arena *a, const struct key_life *life, struct str fingerprint)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_printf(&b,
              "# The life of a signing key, kept by assay: see assay-dkim(1).\n"
              "state = %s\nkey = %.*s\n",
              key_state_name(life->state), STR_ARG(fingerprint));
    add_time(&b, "created", life->created);
    add_time(&b, "since", life->since);
    if (life->seen) {
        add_time(&b, "record-seen", life->seen);
        sb_printf(&b, "record-ttl = %lld\n", (long long)life->ttl);
    }
    return sb_str(&b);
}

/* `width` digits at *at, between low and high; moves *at behind them. */
static bool take_digits(struct str text, size_t *at, size_t width, int low, int high, int *out)
{
    unsigned long long value;
    struct str digits = str_sub(text, *at, *at + width);
    *at += width;
    if (digits.n != width || !str_to_u64(digits, 9999, &value))
        return false;
    *out = (int)value;
    return *out >= low && *out <= high;
}

static bool take_char(struct str text, size_t *at, char c)
{
    return *at < text.n && text.p[(*at)++] == c;
}

static bool parse_time(struct str text, int64_t *when)
{
    struct tm tm = {0};
    size_t at = 0;
    bool ok = take_digits(text, &at, 4, 1970, 9999, &tm.tm_year) && take_char(text, &at, '-') &&
              take_digits(text, &at, 2, 1, 12, &tm.tm_mon) && take_char(text, &at, '-') &&
              take_digits(text, &at, 2, 1, 31, &tm.tm_mday) && take_char(text, &at, 'T') &&
              take_digits(text, &at, 2, 0, 23, &tm.tm_hour) && take_char(text, &at, ':') &&
              take_digits(text, &at, 2, 0, 59, &tm.tm_min) && take_char(text, &at, ':') &&
              take_digits(text, &at, 2, 0, 60, &tm.tm_sec) && take_char(text, &at, 'Z');
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *when = ok ? timegm(&tm) : 0;
    return ok && at == text.n;
}

static bool is_fingerprint(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~')
            return false;
    return text.n > 0;
}

struct reading {
    struct key_life *life;
    struct str *fingerprint;
    bool state, created, since;
};

static const char *take_line(struct reading *r, struct str name, struct str value)
{
    static const char bad_time[] = "wanted is a time such as 2026-11-20T12:00:00Z";
    unsigned long long ttl;
    if (str_eq(name, STR("state"))) {
        r->state = key_state_parse(value, &r->life->state);
        return r->state ? NULL : "state: allowed are pending, active, retiring and removable";
    }
    if (str_eq(name, STR("key"))) {
        *r->fingerprint = value;
        return is_fingerprint(value) ? NULL
                                     : "key: wanted is the SHA-256 of the public key, base64";
    }
    if (str_eq(name, STR("created")))
        return (r->created = parse_time(value, &r->life->created)) ? NULL : bad_time;
    if (str_eq(name, STR("since")))
        return (r->since = parse_time(value, &r->life->since)) ? NULL : bad_time;
    if (str_eq(name, STR("record-seen")))
        return parse_time(value, &r->life->seen) ? NULL : bad_time;
    if (!str_eq(name, STR("record-ttl")))
        return "it has a name that is not known here";
    if (!str_to_u64(value, UINT32_MAX, &ttl))
        return "record-ttl: wanted is a number of seconds";
    r->life->ttl = (int64_t)ttl;
    return NULL;
}

const char *state_file_parse(struct str text, struct key_life *life, struct str *fingerprint,
                             unsigned *line)
{
    struct reading r = {.life = life, .fingerprint = fingerprint};
    struct str rest;
    *life = (struct key_life){0};
    *fingerprint = STR_NONE;
    for (*line = 1; str_split(&text, '\n', &rest); (*line)++) {
        struct str trimmed = str_trim(rest);
        size_t equals = str_find(trimmed, 0, '=');
        if (!trimmed.n || trimmed.p[0] == '#')
            continue;
        if (equals == trimmed.n)
            return "it is no \"name = value\"";
        const char *problem = take_line(&r, str_trim(str_sub(trimmed, 0, equals)),
                                        str_trim(str_sub(trimmed, equals + 1, trimmed.n)));
        if (problem)
            return problem;
    }
    *line = 0;
    return r.state && r.created && r.since && fingerprint->n
               ? NULL
               : "it has not all of state, key, created and since";
}
