/* intake.c - the limits on a header, field by field.
 *
 * Errors: none; what was not kept stands in the message. */
#include "core/intake.h"

#include "arc/arc.h"
#include "conf/conf.h"

/* More than one is an error, whatever they say; the others are kept for the stages that look at
 * them. */
#define FROM_BEYOND_MAX 10

/* A field as it stands in the message: with its colon and line end. */
static size_t bytes_of(struct str name, size_t value_bytes)
{
    return name.n + 1 + value_bytes + 2;
}

static bool take_one(size_t *taken, size_t limit)
{
    if (*taken >= limit)
        return false;
    ++*taken;
    return true;
}

/* Beyond the limits. */
static bool field_decides(const struct conf *conf, struct message *m, struct str name)
{
    name = str_trim(name); /* as header_list_add() does */
    if (str_eq_nocase(name, STR("From")))
        return take_one(&m->from_beyond, FROM_BEYOND_MAX);
    if (!str_eq_nocase(name, STR("Authentication-Results")) &&
        !str_eq_nocase(name, STR("Received-SPF")) && !str_eq_nocase(name, STR("X-Assay-Gate")))
        return false;
    bool kept = take_one(&m->results_beyond, (size_t)conf->limits_forged_fields);
    m->results_lost = m->results_lost || !kept;
    return kept;
}

bool intake_field(const struct conf *conf, struct message *m, struct str name, size_t value_bytes)
{
    m->header_bytes += bytes_of(name, value_bytes);
    m->over_limit = m->over_limit || m->headers.n >= (size_t)conf->limits_header_count ||
                    m->header_bytes > conf->limits_header_bytes;
    return !m->over_limit || field_decides(conf, m, name);
}

#define PER_MESSAGE ((size_t)32 * 1024)
#define PER_LIST    12288 /* names of up to sixteen domains in its zone, at DATA and at the end */
#define PER_FIELD   256   /* indexes by name, and the list again */
#define PER_KEY     1024  /* more of a signature: its hashes, which are OpenSSL's */
#define PER_ARC     4096  /* more of a field of ARC: what it is read into, and its hash */

/* How much a byte of a field's value becomes. */
static size_t per_byte(const struct conf *conf, const struct message *m, struct str name,
                       int64_t *signatures)
{
    if (arc_is_field(name) && conf->arc_mode != ARC_MODE_OFF)
        return 13; /* a message signature has an h=, too */
    if (!m->over_limit && str_eq_nocase(name, STR("DKIM-Signature")) &&
        (*signatures)++ < conf->dkim_max_signatures)
        return 13; /* h=a:a:a has eight bytes of names for each of text; other tags are decoded */
    bool inbound =
        m->origin == ORIGIN_INBOUND && !m->may_be_forwarded && conf->arc_mode != ARC_MODE_SEAL;
    return inbound ? 1 : 5; /* unquoted; lists grow as they are put in order to be signed */
}

size_t intake_evaluation(const struct conf *conf, const struct message *m)
{
    size_t bytes = PER_MESSAGE + conf->n_lists * PER_LIST;
    int64_t signatures = 0;
    unsigned arc = 0;
    for (size_t i = 0; i < m->headers.n; i++) {
        const struct header_field *f = &m->headers.fields[i];
        bytes += PER_FIELD + per_byte(conf, m, f->name, &signatures) * f->value.n;
        if (arc_is_field(f->name) && conf->arc_mode != ARC_MODE_OFF && arc++ < 3 * ARC_SETS_MAX)
            bytes += PER_ARC;
    }
    int64_t judged =
        signatures < conf->dkim_max_signatures ? signatures : conf->dkim_max_signatures;
    return bytes + PER_KEY * (size_t)judged;
}
