/* vet.c - facts and answers before they reach a library.
 *
 * Errors: a refusal with its phrase. Nothing is shortened: a library is given a thing whole, or
 * not. */
#include "reference/vet.h"

#include <limits.h>
#include <string.h>

#include "base/ascii.h"
#include "dkim/signature.h"
#include "mail/domain.h"
#include "spf/print.h"
#include "spf/record.h"

#define PATH_MAX_BYTES  256U /* RFC 5321 4.5.3.1.3 */
#define SHOWN_MAX       255U
#define IDENTIFIERS_MAX 1000U

static bool refuse_record(struct arena *a, struct str *why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse_record(struct arena *a, struct str *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    *why = str_vprintf(a, format, args);
    va_end(args);
    return false;
}

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (ascii_is_control(text.p[i]) || ascii_is_8bit(text.p[i]))
            return false;
    return true;
}

/* Text with folding: what may stand in a field or a key record, UTF-8 (RFC 8616 5) included. */
static bool is_unfolded_text(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (ascii_is_control(c) && c != '\t' && c != '\r' && c != '\n')
            return false;
    }
    return true;
}

/* ---- facts ---- */

static bool vet_text(struct arena *a, const char *what, struct str text, struct str *why)
{
    if (text.n > PATH_MAX_BYTES)
        return refuse_record(a, why, "libspf2 is not given the %s: it is longer than %u bytes",
                             what, PATH_MAX_BYTES);
    if (!is_printable(text))
        return refuse_record(a, why, "libspf2 is not given the %s: it is not printable ASCII",
                             what);
    return true;
}

bool vet_spf(struct arena *a, const struct spf_request *request, struct spf_request *out,
             struct str *why)
{
    *out = *request;
    if (!request->client.family)
        return refuse_record(a, why, "the client has no IP address");
    if (!domain_normalize(a, request->domain, &out->domain))
        return refuse_record(a, why, "the sender's domain is no domain name");
    if (!str_is_ascii(request->helo) && !domain_normalize(a, request->helo, &out->helo))
        return refuse_record(a, why, "libspf2 is not given the HELO name: it is no domain name");
    if (!out->local.n)
        out->local = STR("postmaster");
    return vet_text(a, "HELO name", out->helo, why) && vet_text(a, "local part", out->local, why) &&
           vet_text(a, "receiver's name", out->receiver, why);
}

static bool vet_field(struct arena *a, const struct header_field *field, struct str *why)
{
    if (field->value.n && memchr(field->value.p, '\0', field->value.n))
        return refuse_record(a, why, "libopendkim is not given a header field with a NUL");
    if (!str_eq_nocase(field->name, SIGNATURE_FIELD))
        return true;
    if (field->value.n > VET_FIELD_MAX)
        return refuse_record(a, why,
                             "libopendkim is not given a DKIM-Signature of more than %u bytes",
                             VET_FIELD_MAX);
    if (!is_unfolded_text(field->value))
        return refuse_record(a, why,
                             "libopendkim is not given a DKIM-Signature with control characters");
    return true;
}

bool vet_dkim(struct arena *a, const struct header_list *headers, size_t max,
              struct header_list *out, struct str *why)
{
    size_t signatures = 0;
    header_list_init(out, a);
    out->fields = arena_array(a, struct header_field, headers->n);
    out->cap = headers->n;
    for (size_t i = 0; i < headers->n; i++) {
        const struct header_field *field = &headers->fields[i];
        if (!header_is_name(field->name))
            continue;
        if (str_eq_nocase(field->name, SIGNATURE_FIELD) && ++signatures > max)
            continue;
        if (!vet_field(a, field, why))
            return false;
        out->fields[out->n++] = *field;
    }
    return true;
}

bool vet_dmarc(struct arena *a, const struct dmarc_request *request, struct dmarc_request *out,
               struct str *why)
{
    struct str domain;
    size_t n = 0;
    if (!domain_normalize_ascii(a, request->author_domain, &domain))
        return refuse_record(a, why, "the author domain is no domain name");
    if (request->n_ids > IDENTIFIERS_MAX)
        return refuse_record(a, why, "libopendmarc is not given more than %u identifiers",
                             IDENTIFIERS_MAX);
    struct dmarc_identifier *ids = arena_array(a, struct dmarc_identifier, request->n_ids);
    for (size_t i = 0; i < request->n_ids; i++) {
        ids[n] = request->ids[i];
        n += domain_normalize_ascii(a, request->ids[i].domain, &ids[n].domain);
    }
    *out = (struct dmarc_request){.author_domain = domain, .ids = ids, .n_ids = n};
    return true;
}

/* ---- answers ---- */

/* One TXT record. *text may become another text; absent: it is left out. False: refused. */
typedef bool vet_record(struct arena *a, struct str name, struct str *text, struct str *why);

/* Macros stay as they are written: libspf2 is asked what they mean to it. Unknown
 * modifiers and terms that no evaluation reaches are not there. */
static bool vet_spf_record(struct arena *a, struct str name, struct str *text, struct str *why)
{
    struct spf_record record;
    struct str problem;
    if (!spf_is_record(*text)) {
        *text = STR_NONE;
        return true;
    }
    if (!spf_record_parse(a, *text, UINT_MAX, NULL, &record, &problem))
        return refuse_record(a, why, "libspf2 is not given the record of %.*s: %.*s", STR_ARG(name),
                             STR_ARG(problem));
    *text = spf_record_print(a, &record);
    return text->n <= VET_TEXT_MAX ||
           refuse_record(a, why,
                         "libspf2 is not given the record of %.*s: it is longer than %u bytes",
                         STR_ARG(name), VET_TEXT_MAX);
}

static bool vet_key_record(struct arena *a, struct str name, struct str *text, struct str *why)
{
    if (text->n > VET_TEXT_MAX)
        return refuse_record(a, why,
                             "libopendkim is not given the record at %.*s: it is longer than %u "
                             "bytes",
                             STR_ARG(name), VET_TEXT_MAX);
    return is_unfolded_text(*text) ||
           refuse_record(a, why,
                         "libopendkim is not given the record at %.*s: it has control characters",
                         STR_ARG(name));
}

static bool vet_policy_record(struct arena *a, struct str name, struct str *text, struct str *why)
{
    struct dmarc_record record;
    bool usable;
    (void)name;
    (void)why;
    if (text->n > VET_TEXT_MAX || !is_printable(*text) ||
        !dmarc_record_parse(a, *text, &record, &usable) || !usable)
        *text = STR_NONE;
    return true;
}

/* A name that can exist, in letters that need no escapes. */
static bool vet_name(struct arena *a, struct str *name)
{
    return str_find(*name, 0, '\\') == name->n && domain_normalize_ascii(a, *name, name);
}

static bool vet_text_records(struct arena *a, vet_record *vet, struct str name,
                             const struct dns_answer *answer, struct dns_rr *rr, size_t *n,
                             struct str *why)
{
    for (size_t i = 0; i < answer->n; i++) {
        rr[*n] = answer->rr[i];
        if (!vet(a, name, &rr[*n].text, why))
            return false;
        *n += rr[*n].text.p != NULL;
    }
    return true;
}

static size_t vet_names(struct arena *a, const struct dns_answer *answer, struct dns_rr *rr)
{
    size_t n = 0;
    for (size_t i = 0; i < answer->n; i++) {
        rr[n] = answer->rr[i];
        n += vet_name(a, &rr[n].text);
    }
    return n;
}

/* The answer again with other records; with none it is that there are none. */
static void settle_vetting(struct dns_answer *out, const struct dns_rr *rr, size_t n)
{
    out->rr = rr;
    out->n = n;
    if (n == 0)
        out->status = DNS_NODATA;
}

bool vet_answer(struct arena *a, enum reference_library library, const struct question *question,
                const struct dns_answer *answer, struct dns_answer *out, struct str *why)
{
    static vet_record *const vets[REFERENCE_LIBRARY_COUNT] = {
        [REFERENCE_LIBSPF2] = vet_spf_record,
        [REFERENCE_LIBOPENDKIM] = vet_key_record,
        [REFERENCE_LIBOPENDMARC] = vet_policy_record,
    };
    struct str name = str_safe(a, question->name, SHOWN_MAX, false);
    size_t n = 0;
    *out = *answer;
    if (answer->status != DNS_ANSWER || question->type == DNS_A || question->type == DNS_AAAA)
        return answer->n <= VET_RECORDS_MAX ||
               refuse_record(a, why, "%.*s has more than %u records", STR_ARG(name),
                             VET_RECORDS_MAX);
    struct dns_rr *rr = arena_array(a, struct dns_rr, answer->n);
    if (question->type != DNS_TXT)
        n = vet_names(a, answer, rr);
    else if (!vet_text_records(a, vets[library], name, answer, rr, &n, why))
        return false;
    if (n > VET_RECORDS_MAX)
        return refuse_record(a, why, "%.*s has more than %u records", STR_ARG(name),
                             VET_RECORDS_MAX);
    settle_vetting(out, rr, n);
    return true;
}
