/* token.c - hashes and time stamps.
 *
 * Errors: SRS_UNKNOWN or STR_NONE where no hash can be made. */
#include <string.h>

#include "base/ascii.h"
#include "crypto/canon.h"
#include "crypto/hmac.h"
#include "srs/parts.h"

#define DAY_SECONDS 86400

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* --- Hashes ------------------------------------------------------------------------------------*/

/* All digits, in the alphabet with + and /. */
static struct str digits_of(struct str secret, const struct srs_hashed *what, struct arena *a)
{
    unsigned char mac[HMAC_SHA1_SIZE];
    struct strbuf text;
    sb_init(&text, a);
    for (size_t i = 0; i < sizeof what->parts / sizeof *what->parts; i++)
        sb_add(&text, str_lower(a, what->parts[i]));
    if (!hmac_sha1(secret, sb_str(&text), mac))
        return STR_NONE;
    return str_sub(base64_encode(a, (struct str){(const char *)mac, sizeof mac}), 0, SRS_HASH_MAX);
}

struct str srs_hash(const struct srs_scheme *s, const struct srs_hashed *what, struct arena *a)
{
    if (!s->n_secrets)
        return STR_NONE;
    struct str digits = str_sub(digits_of(s->secrets[0], what, a), 0, s->hash_length);
    if (!digits.p || s->alphabet == SRS_BASE64)
        return digits;
    char *url = str_cstr(a, digits);
    for (size_t i = 0; i < digits.n; i++)
        url[i] = url[i] == '+' ? '-' : url[i] == '/' ? '_' : url[i];
    return (struct str){url, digits.n};
}

/* The same for both cases and alphabets. */
static char folded(char digit)
{
    return digit == '-' ? '+' : digit == '_' ? '/' : ascii_lower(digit);
}

/* How long it takes does not tell where they differ. */
static bool same_digits(struct str a, struct str b)
{
    unsigned differ = a.n != b.n;
    for (size_t i = 0; i < a.n && i < b.n; i++)
        differ |= (unsigned)(folded(a.p[i]) ^ folded(b.p[i]));
    return !differ;
}

enum srs_status srs_hash_holds(const struct srs_scheme *s, struct str hash,
                               const struct srs_hashed *what, struct arena *a)
{
    bool holds = false;
    if (hash.n < s->hash_minimum)
        return SRS_REFUSED;
    if (!s->n_secrets)
        return SRS_UNKNOWN;
    for (size_t i = 0; i < s->n_secrets; i++) {
        struct str digits = digits_of(s->secrets[i], what, a);
        if (!digits.p)
            return SRS_UNKNOWN;
        holds = same_digits(str_sub(digits, 0, hash.n), hash) || holds;
    }
    return holds ? SRS_DONE : SRS_REFUSED;
}

/* --- Time stamps -------------------------------------------------------------------------------*/

static unsigned day_of(int64_t now)
{
    return now < 0 ? 0 : (unsigned)(now / DAY_SECONDS % SRS_DAYS);
}

struct str srs_stamp(int64_t now, struct arena *a)
{
    unsigned day = day_of(now);
    const char text[] = {base32[day / 32], base32[day % 32]};
    return str_copy(a, (struct str){text, sizeof text});
}

/* -1: it is no digit. */
static int digit_value(char c)
{
    char upper = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    const char *at = c ? strchr(base32, upper) : NULL;
    return at ? (int)(at - base32) : -1;
}

int srs_stamp_age(struct str stamp, int64_t now)
{
    int high = stamp.n == 2 ? digit_value(stamp.p[0]) : -1;
    int low = stamp.n == 2 ? digit_value(stamp.p[1]) : -1;
    if (high < 0 || low < 0)
        return -1;
    return (int)(day_of(now) + SRS_DAYS - (unsigned)(32 * high + low)) % SRS_DAYS;
}
