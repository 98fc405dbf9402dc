/* opendmarc.c - libopendmarc: policy and alignment, and what opendmarc reports of them.
 *
 * Errors: a status of libopendmarc becomes the result that opendmarc writes for it, with the
 * reason; what libopendmarc does not take as an author domain is refused.
 *
 * The two look-ups of RFC 7489 6.6.3 are made here as libopendmarc makes them - its own would go to
 * the network -, and what they bring is stored in it. */
#include <string.h>

#include <opendmarc/dmarc.h>

#include "reference/worker/worker.h"

#ifndef ASSAY_PUBLIC_SUFFIX_LIST
#error "the path of the public suffix list is not defined"
#endif

#define RECORD_ROOM 8192 /* libopendmarc's own buffer: what is longer is cut */
#define NAME_ROOM   256

/* Exported, but in no public header. */
int opendmarc_get_tld(u_char *domain, u_char *tld, size_t tld_len);

static OPENDMARC_LIB_T library;
static DMARC_POLICY_T *policy;

struct evaluation {
    const struct dmarc_request *request;
    struct resolver *resolver;
    struct arena *arena;
    u_char *author;
    u_char organizational[NAME_ROOM]; /* by libopendmarc's list; empty if it has none */
    char record[RECORD_ROOM];
    struct dmarc_outcome *out;
};

/* Fit for a C string. */
static bool is_text(struct str s)
{
    return s.n && str_find(s, 0, '\0') == s.n;
}

static u_char *text_of(struct arena *a, struct str s)
{
    return (u_char *)str_cstr(a, s);
}

/* ---- DNS ---- */

/* The first text that has a version in it, cut to the room there is. */
static bool take_record(struct evaluation *e, const struct dns_answer *answer)
{
    for (size_t i = 0; i < answer->n; i++) {
        struct str text = str_sub(answer->rr[i].text, 0, sizeof e->record - 1);
        if (text.n)
            memcpy(e->record, text.p, text.n);
        e->record[text.n] = '\0';
        if (strstr(e->record, "v=DMARC"))
            return true;
    }
    return false;
}

/* Asks at _dmarc below the domain. */
static OPENDMARC_STATUS_T ask_opendmarc(struct evaluation *e, const u_char *domain)
{
    struct str name = str_printf(e->arena, "_dmarc.%s", (const char *)domain);
    const struct dns_answer *answer = e->resolver->look_up(e->resolver, name, DNS_TXT);
    if (take_record(e, answer))
        return DMARC_PARSE_OKAY;
    return dns_unknown(answer) ? DMARC_DNS_ERROR_TMPERR : DMARC_DNS_ERROR_NO_RECORD;
}

/* The author domain's own record, or else that of its organizational domain. A failing first
 * look-up is forgotten over the second one, as in libopendmarc. */
static OPENDMARC_STATUS_T find_record(struct evaluation *e)
{
    u_char *above = NULL;
    const u_char *found = e->author;
    OPENDMARC_STATUS_T status = ask_opendmarc(e, e->author);
    if (status != DMARC_PARSE_OKAY && e->organizational[0]) {
        found = above = e->organizational;
        status = ask_opendmarc(e, above);
    }
    if (status != DMARC_PARSE_OKAY)
        return status;
    e->out->record_domain = str_copy(e->arena, str_of((const char *)found));
    return opendmarc_policy_store_dmarc(policy, (u_char *)e->record, e->author, above);
}

/* ---- what was authenticated: opendmarc stores what passed, and nothing else ---- */

static OPENDMARC_STATUS_T store_identifier(struct evaluation *e, const struct dmarc_identifier *id)
{
    u_char *domain = text_of(e->arena, id->domain);
    if (id->spf)
        return opendmarc_policy_store_spf(policy, domain, DMARC_POLICY_SPF_OUTCOME_PASS,
                                          DMARC_POLICY_SPF_ORIGIN_MAILFROM, NULL);
    return opendmarc_policy_store_dkim(policy, domain, NULL, DMARC_POLICY_DKIM_OUTCOME_PASS, NULL);
}

static OPENDMARC_STATUS_T store_facts(struct evaluation *e)
{
    const struct dmarc_request *request = e->request;
    OPENDMARC_STATUS_T status = opendmarc_policy_store_from_domain(policy, e->author);
    for (size_t i = 0; i < request->n_ids && status == DMARC_PARSE_OKAY; i++)
        if (request->ids[i].auth == DMARC_AUTH_PASS && is_text(request->ids[i].domain))
            status = store_identifier(e, &request->ids[i]);
    return status;
}

/* ---- results ---- */

static enum dmarc_policy policy_of(int published)
{
    return published == DMARC_RECORD_P_REJECT       ? DMARC_P_REJECT
           : published == DMARC_RECORD_P_QUARANTINE ? DMARC_P_QUARANTINE
                                                    : DMARC_P_NONE;
}

static void read_record(struct dmarc_outcome *out)
{
    int p = 0, sp = 0, adkim = 0, aspf = 0;
    opendmarc_policy_fetch_p(policy, &p);
    opendmarc_policy_fetch_sp(policy, &sp);
    opendmarc_policy_fetch_adkim(policy, &adkim);
    opendmarc_policy_fetch_aspf(policy, &aspf);
    out->record.p = policy_of(p);
    out->record.has_sp = sp != DMARC_RECORD_P_UNSPECIFIED;
    out->record.sp = out->record.has_sp ? policy_of(sp) : out->record.p;
    out->record.adkim = adkim == DMARC_RECORD_A_STRICT ? DMARC_STRICT : DMARC_RELAXED;
    out->record.aspf = aspf == DMARC_RECORD_A_STRICT ? DMARC_STRICT : DMARC_RELAXED;
    bool by_sp = opendmarc_get_policy_token_used(policy) == DMARC_USED_POLICY_IS_SP;
    out->policy = by_sp ? out->record.sp : out->record.p;
    out->policy_tag = by_sp ? 's' : 'p';
}

static void conclude_opendmarc(struct dmarc_outcome *out, enum dmarc_result result,
                               struct str reason)
{
    out->result = result;
    out->reason = reason;
}

static void enforce(struct dmarc_outcome *out)
{
    int dkim = 0, spf = 0;
    switch (opendmarc_get_policy_to_enforce(policy)) {
    case DMARC_POLICY_PASS:
        conclude_opendmarc(out, DMARC_PASS, STR("an identifier is aligned"));
        break;
    case DMARC_POLICY_NONE:
    case DMARC_POLICY_QUARANTINE:
    case DMARC_POLICY_REJECT:
        conclude_opendmarc(out, DMARC_FAIL, STR("no identifier is aligned"));
        break;
    case DMARC_POLICY_ABSENT:
    case DMARC_FROM_DOMAIN_ABSENT:
        conclude_opendmarc(out, DMARC_NONE, STR("no policy"));
        break;
    default:
        conclude_opendmarc(out, DMARC_TEMPERROR, STR("libopendmarc has no policy to enforce"));
    }
    opendmarc_policy_fetch_alignment(policy, &dkim, &spf);
    out->dkim_aligned = dkim == DMARC_POLICY_DKIM_ALIGNMENT_PASS;
    out->spf_aligned = spf == DMARC_POLICY_SPF_ALIGNMENT_PASS;
}

/* opendmarc's reading of the statuses of a query. A failing look-up is "none" there. */
static void interpret(struct dmarc_outcome *out, OPENDMARC_STATUS_T status)
{
    switch (status) {
    case DMARC_PARSE_OKAY:
        read_record(out);
        enforce(out);
        break;
    case DMARC_PARSE_ERROR_BAD_VERSION:
    case DMARC_PARSE_ERROR_BAD_VALUE:
    case DMARC_PARSE_ERROR_NO_REQUIRED_P:
    case DMARC_PARSE_ERROR_NO_DOMAIN:
        conclude_opendmarc(out, DMARC_PERMERROR, str_of(opendmarc_policy_status_to_str(status)));
        break;
    case DMARC_DNS_ERROR_TMPERR:
        conclude_opendmarc(out, DMARC_NONE,
                           STR("the look-up failed, which opendmarc takes for no record"));
        break;
    case DMARC_DNS_ERROR_NO_RECORD:
        conclude_opendmarc(out, DMARC_NONE, STR("no record"));
        break;
    default:
        conclude_opendmarc(out, DMARC_TEMPERROR, str_of(opendmarc_policy_status_to_str(status)));
    }
}

static void evaluate_policy(struct evaluation *e)
{
    struct dmarc_outcome *out = e->out;
    e->author = text_of(e->arena, e->request->author_domain);
    out->policy_tag = '-';
    OPENDMARC_STATUS_T status = store_facts(e);
    if (status != DMARC_PARSE_OKAY) { /* opendmarc asks to try again later */
        conclude_opendmarc(out, DMARC_TEMPERROR, str_of(opendmarc_policy_status_to_str(status)));
        return;
    }
    if (opendmarc_get_tld(e->author, e->organizational, sizeof e->organizational) != 0)
        e->organizational[0] = '\0';
    out->organizational_domain = str_copy(e->arena, str_of((const char *)e->organizational));
    interpret(out, find_record(e));
}

void opendmarc_answer(const struct job *job, struct resolver *r, struct arena *a,
                      struct strbuf *out)
{
    struct dmarc_outcome outcome = {0};
    struct evaluation *e = arena_make(a, struct evaluation);
    *e = (struct evaluation){.request = &job->dmarc, .resolver = r, .arena = a, .out = &outcome};
    if (!is_text(job->dmarc.author_domain) || job->dmarc.author_domain.n >= NAME_ROOM) {
        refusal_write(out, STR("libopendmarc is not given what is no author domain"));
        return;
    }
    policy = opendmarc_policy_connect_rset(policy);
    evaluate_policy(e);
    if (!result_write_dmarc(out, &outcome))
        refusal_write(out, STR("libopendmarc's result is too long"));
}

bool opendmarc_start(void)
{
    library.tld_type = OPENDMARC_TLD_TYPE_MOZILLA;
    memcpy(library.tld_source_file, ASSAY_PUBLIC_SUFFIX_LIST, sizeof ASSAY_PUBLIC_SUFFIX_LIST);
    if (opendmarc_policy_library_init(&library) != DMARC_PARSE_OKAY)
        return false;
    policy = opendmarc_policy_connect_init((u_char *)(uintptr_t) "192.0.2.1", 0);
    return policy != NULL;
}

struct str opendmarc_version(struct arena *a)
{
    return str_copy(a, STR("libopendmarc " ASSAY_OPENDMARC_VERSION));
}
