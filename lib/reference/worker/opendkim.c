/* opendkim.c - libopendkim: each signature's verification, in the words that opendkim writes into
 * Authentication-Results for it.
 *
 * Errors: where opendkim gives a whole message up because libopendkim does not take its header,
 * the job is refused in libopendkim's words. A signature that libopendkim cannot parse is a
 * permerror; the others are verified.
 *
 * libopendkim never asks DNS, writes no files and sees at most max_signatures signatures. Only the
 * header and one piece of the body are in memory. */
#include <string.h>

#include <opendkim/dkim.h>

#include "reference/worker/worker.h"

#define SIGNATURE_FIELD STR(DKIM_SIGNHEADER)
#define IDENTITY_ROOM   1024
#define B_ROOM          128

static DKIM_LIB *library;

struct opendkim_work {
    struct arena *arena;
    const struct job *job;
    DKIM *dkim;
    struct resolver *resolver;
    struct str refusal; /* why, if this message cannot be verified */
    size_t n, skipped;
    struct dkim_signature *signatures; /* those that libopendkim could not parse are decided */
};

static void free_dkim(void *dkim)
{
    dkim_free(dkim);
}

static struct str error_of(const struct opendkim_work *work)
{
    const char *error = dkim_geterror(work->dkim);
    return error ? str_copy(work->arena, str_of(error)) : STR("no reason given");
}

static void refuse_message(struct opendkim_work *work, struct str what)
{
    if (!work->refusal.n)
        work->refusal = str_printf(work->arena, "libopendkim does not take %.*s: %.*s",
                                   STR_ARG(what), STR_ARG(error_of(work)));
}

/* ---- DNS ---- */

/* As in libopendkim's own look-up: no record is "no key", several are an error, and a text that is
 * too long is cut. */
static DKIM_CBSTAT take_key(DKIM_SIGINFO *sig, const struct dns_answer *answer, u_char *out,
                            size_t room)
{
    static const int security[] = {[DNS_UNCHECKED] = DKIM_DNSSEC_UNKNOWN,
                                   [DNS_INSECURE] = DKIM_DNSSEC_INSECURE,
                                   [DNS_SECURE] = DKIM_DNSSEC_SECURE,
                                   [DNS_SECURITY_BOGUS] = DKIM_DNSSEC_BOGUS};
    dkim_sig_setdnssec(sig, security[answer->security]);
    if (answer->status == DNS_NODATA || answer->status == DNS_NXDOMAIN)
        return DKIM_CBSTAT_NOTFOUND;
    if (dns_unknown(answer) || answer->n > 1) {
        dkim_sig_seterror(sig, answer->n > 1 ? DKIM_SIGERROR_MULTIREPLY : DKIM_SIGERROR_KEYFAIL);
        return DKIM_CBSTAT_ERROR;
    }
    struct str text = str_sub(answer->rr[0].text, 0, room - 1);
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return DKIM_CBSTAT_CONTINUE;
}

static DKIM_CBSTAT look_up_key(DKIM *dkim, DKIM_SIGINFO *sig, u_char *out, size_t room)
{
    struct opendkim_work *work = dkim_get_user_context(dkim);
    struct str name = str_printf(work->arena, "%s.%s.%s", (const char *)dkim_sig_getselector(sig),
                                 DKIM_DNSKEYNAME, (const char *)dkim_sig_getdomain(sig));
    return take_key(sig, work->resolver->look_up(work->resolver, name, DNS_TXT), out, room);
}

/* ---- the header ---- */

/* The field with CRLF for its line ends, as opendkim gives it. */
static struct str wire_form(struct arena *a, const struct header_field *field)
{
    struct strbuf b;
    char last = '\0';
    sb_init(&b, a);
    sb_add(&b, header_written_name(field));
    sb_addc(&b, ':');
    for (size_t i = 0; i < field->value.n; i++) {
        if (field->value.p[i] == '\n' && last != '\r')
            sb_addc(&b, '\r');
        sb_addc(&b, last = field->value.p[i]);
    }
    return sb_str(&b);
}

static DKIM_STAT give_field(struct opendkim_work *work, const struct header_field *field)
{
    struct str text = wire_form(work->arena, field);
    return dkim_header(work->dkim, (u_char *)(uintptr_t)text.p, text.n);
}

static void give_signature(struct opendkim_work *work, const struct header_field *field)
{
    if (work->n == work->job->dkim.max_signatures) {
        work->skipped++;
        return;
    }
    struct dkim_signature *s = &work->signatures[work->n++];
    s->reason = STR("");
    if (give_field(work, field) != DKIM_STAT_OK) {
        s->result = DKIM_PERMERROR;
        s->reason = error_of(work);
    }
}

static void give_header(struct opendkim_work *work, const struct header_list *headers)
{
    for (size_t i = 0; i < headers->n; i++) {
        const struct header_field *field = &headers->fields[i];
        if (str_find(field->value, 0, '\0') < field->value.n) {
            refuse_message(work, STR("a header field with a NUL byte"));
        } else if (str_eq_nocase(field->name, SIGNATURE_FIELD)) {
            give_signature(work, field);
        } else if (give_field(work, field) != DKIM_STAT_OK) {
            refuse_message(work, STR("a header field"));
        }
    }
}

static bool set_options(const struct dkim_verify_settings *settings)
{
    u_int flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_ACCEPTV05; /* the latter as opendkim */
    u_int bits = settings->min_key_bits;
    uint64_t drift = settings->clock_skew_s > 0 ? (uint64_t)settings->clock_skew_s : 0;
    return dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) ==
               DKIM_STAT_OK &&
           dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof bits) ==
               DKIM_STAT_OK &&
           dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_CLOCKDRIFT, &drift, sizeof drift) ==
               DKIM_STAT_OK;
}

static void begin_opendkim(struct opendkim_work *work)
{
    DKIM_STAT status;
    work->dkim = set_options(&work->job->dkim)
                     ? dkim_verify(library, (const u_char *)"assay", NULL, &status)
                     : NULL;
    if (!work->dkim) {
        work->refusal = STR("libopendkim does not begin");
        return;
    }
    arena_defer(work->arena, free_dkim, work->dkim);
    dkim_set_user_context(work->dkim, work);
    give_header(work, &work->job->headers);
    status = work->refusal.n ? DKIM_STAT_OK : dkim_eoh(work->dkim);
    if (status != DKIM_STAT_OK && status != DKIM_STAT_NOSIG)
        refuse_message(work, STR("the header"));
}

struct opendkim_work *opendkim_begin(const struct job *job, struct arena *a)
{
    struct opendkim_work *work = arena_make(a, struct opendkim_work);
    work->arena = a;
    work->job = job;
    size_t most = job->headers.n;
    if (most > job->dkim.max_signatures)
        most = job->dkim.max_signatures;
    work->signatures = arena_array(a, struct dkim_signature, most);
    begin_opendkim(work);
    return work;
}

void opendkim_body(struct opendkim_work *work, struct str piece)
{
    if (!piece.n || work->refusal.n)
        return;
    if (dkim_body(work->dkim, (u_char *)(uintptr_t)piece.p, piece.n) != DKIM_STAT_OK)
        refuse_message(work, STR("the body"));
}

/* ---- results ---- */

static bool is_passed(DKIM_SIGINFO *sig)
{
    return (dkim_sig_getflags(sig) & DKIM_SIGFLAG_PASSED) &&
           dkim_sig_getbh(sig) == DKIM_SIGBH_MATCH;
}

/* The order of opendkim's own decisions. */
static enum dkim_result result_of(DKIM_SIGINFO *sig)
{
    int error = dkim_sig_geterror(sig);
    if (is_passed(sig))
        return DKIM_PASS;
    if (error == DKIM_SIGERROR_MULTIREPLY || error == DKIM_SIGERROR_KEYFAIL ||
        error == DKIM_SIGERROR_DNSSYNTAX)
        return DKIM_TEMPERROR;
    if (error == DKIM_SIGERROR_KEYTOOSMALL)
        return DKIM_POLICY;
    if (dkim_sig_getflags(sig) & DKIM_SIGFLAG_PROCESSED)
        return DKIM_FAIL;
    return error != DKIM_SIGERROR_UNKNOWN && error != DKIM_SIGERROR_OK ? DKIM_PERMERROR
                                                                       : DKIM_NEUTRAL;
}

static struct str reason_of(DKIM_SIGINFO *sig)
{
    int error = dkim_sig_geterror(sig);
    const char *text = dkim_sig_geterrorstr(error);
    if (is_passed(sig))
        return STR("");
    if (dkim_sig_getbh(sig) == DKIM_SIGBH_MISMATCH)
        return STR("body hash mismatch");
    return text ? str_of(text) : STR("");
}

static enum dns_security security_of(DKIM_SIGINFO *sig)
{
    switch (dkim_sig_getdnssec(sig)) {
    case DKIM_DNSSEC_BOGUS:
        return DNS_SECURITY_BOGUS;
    case DKIM_DNSSEC_INSECURE:
        return DNS_INSECURE;
    case DKIM_DNSSEC_SECURE:
        return DNS_SECURE;
    default:
        return DNS_UNCHECKED;
    }
}

static struct str text_of(struct arena *a, const void *text)
{
    return str_copy(a, str_of(text));
}

static void describe_names(struct opendkim_work *work, DKIM_SIGINFO *sig, struct dkim_signature *s)
{
    u_char identity[IDENTITY_ROOM] = "";
    char b[B_ROOM] = "";
    size_t room = sizeof b - 1;
    s->domain = text_of(work->arena, dkim_sig_getdomain(sig));
    s->selector = text_of(work->arena, dkim_sig_getselector(sig));
    s->algorithm = text_of(work->arena, dkim_sig_getalgorithm(sig));
    if (dkim_sig_getidentity(work->dkim, sig, identity, sizeof identity - 1) == DKIM_STAT_OK)
        s->identity = text_of(work->arena, identity);
    if (dkim_get_sigsubstring(work->dkim, sig, b, &room) == DKIM_STAT_OK)
        s->b_start = text_of(work->arena, b);
}

static void describe_signature(struct opendkim_work *work, DKIM_SIGINFO *sig,
                               struct dkim_signature *s)
{
    dkim_alg_t algorithm;
    unsigned bits;
    s->result = result_of(sig);
    s->reason = reason_of(sig);
    if (dkim_sig_getsignalg(sig, &algorithm) == DKIM_STAT_OK &&
        algorithm == DKIM_SIGN_ED25519SHA256)
        s->key_type = KEY_ED25519;
    if (dkim_sig_getkeysize(sig, &bits) == DKIM_STAT_OK)
        s->key_bits = bits;
    s->testing = dkim_sig_getflags(sig) & DKIM_SIGFLAG_TESTKEY;
    s->security = security_of(sig);
    describe_names(work, sig, s);
}

/* libopendkim lists those that it could parse, in their order. */
static void collect_signatures(struct opendkim_work *work)
{
    DKIM_SIGINFO **list;
    int n = 0, k = 0;
    if (dkim_getsiglist(work->dkim, &list, &n) != DKIM_STAT_OK)
        n = 0;
    for (size_t i = 0; i < work->n; i++) {
        if (work->signatures[i].result == DKIM_PERMERROR)
            continue;
        if (k == n) {
            refuse_message(work, STR("all signatures"));
            return;
        }
        describe_signature(work, list[k++], &work->signatures[i]);
    }
}

void opendkim_answer(struct opendkim_work *work, struct resolver *r, struct strbuf *out)
{
    bool test_key;
    work->resolver = r;
    if (!work->refusal.n) {
        dkim_eom(work->dkim, &test_key); /* what it returns is that of one signature */
        collect_signatures(work);
    }
    if (work->refusal.n)
        refusal_write(out, work->refusal);
    else if (!result_write_dkim(out, work->signatures, work->n, work->skipped))
        refusal_write(out, STR("libopendkim's result is too long"));
}

bool opendkim_start(void)
{
    library = dkim_init(NULL, NULL);
    return library && dkim_set_key_lookup(library, look_up_key) == DKIM_STAT_OK;
}

struct str opendkim_version(struct arena *a)
{
    uint32_t v = dkim_libversion();
    return str_printf(a, "libopendkim %u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255);
}
