/* spf2.c - libspf2: check_host() as a program around it would report it.
 *
 * Errors: a request that libspf2 cannot represent is refused. Where it meets what it takes for a
 * bug of its caller it ends the process, through its error handler: that is its answer.
 *
 * One server for all jobs, without libspf2's own resolver and cache. */
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* It expects the network's headers to be there. */
#include <spf2/spf.h>

#include "reference/worker/worker.h"

#define NO_EXPLANATION "no-explanation" /* libspf2 wants a default of its own */
#define EXIT_LIBRARY   70

static SPF_server_t *server;
static SPF_dns_server_t dns;

/* libspf2's type for it has the attribute, which is more than _Noreturn is to clang. */
static void on_error(const char *file, int line, const char *message) __attribute__((noreturn));

static void on_error(const char *file, int line, const char *message)
{
    (void)file;
    (void)line;
    (void)message;
    _exit(EXIT_LIBRARY);
}

static void ignore(const char *file, int line, const char *message)
{
    (void)file;
    (void)line;
    (void)message;
}

/* ---- DNS ---- */

static SPF_dns_stat_t status_of(const struct dns_answer *answer)
{
    switch (answer->status) {
    case DNS_ANSWER:
        return NETDB_SUCCESS;
    case DNS_NODATA:
        return NO_DATA;
    case DNS_NXDOMAIN:
        return HOST_NOT_FOUND;
    default:
        return TRY_AGAIN;
    }
}

/* The bytes of one record as libspf2 keeps them: an address, or text with a NUL behind it. */
static struct str data_of(const struct dns_rr *rr, ns_type type)
{
    if (type == ns_t_a || type == ns_t_aaaa)
        return (struct str){(const char *)rr->addr.bytes, type == ns_t_a ? 4 : 16};
    return rr->text;
}

static bool add_record(SPF_dns_rr_t *out, const struct dns_rr *rr, ns_type type)
{
    struct str data = data_of(rr, type);
    if (SPF_dns_rr_buf_realloc(out, out->num_rr, data.n + 1) != SPF_E_SUCCESS)
        return false;
    char *to = (char *)out->rr[out->num_rr];
    if (data.n)
        memcpy(to, data.p, data.n);
    if (type != ns_t_a && type != ns_t_aaaa)
        to[data.n] = '\0';
    out->num_rr++;
    return true;
}

/* The record type SPF is history (RFC 7208 3.1): it is never asked for. */
static const struct dns_answer *ask_spf2(SPF_dns_server_t *layer, const char *domain, ns_type type)
{
    static const struct dns_answer no_data = {.status = DNS_NODATA};
    struct resolver *resolver = layer->hook;
    if (type != ns_t_a && type != ns_t_aaaa && type != ns_t_mx && type != ns_t_ptr &&
        type != ns_t_txt)
        return &no_data;
    return resolver->look_up(resolver, str_of(domain), (enum dns_type)type);
}

static SPF_dns_rr_t *look_up(SPF_dns_server_t *layer, const char *domain, ns_type type, int cache)
{
    (void)cache;
    const struct dns_answer *answer = ask_spf2(layer, domain, type);
    SPF_dns_rr_t *out =
        SPF_dns_rr_new_init(layer, domain, type, (int)(answer->ttl & INT32_MAX), status_of(answer));
    for (size_t i = 0; out && i < answer->n; i++)
        if (!add_record(out, &answer->rr[i], type))
            on_error(NULL, 0, "out of memory");
    return out;
}

/* ---- results ---- */

/* libspf2 leaves the result open where it could not begin: then its error tells. */
static enum spf_result result_of(SPF_response_t *response, SPF_errcode_t error)
{
    switch (SPF_response_result(response)) {
    case SPF_RESULT_NEUTRAL:
        return SPF_NEUTRAL;
    case SPF_RESULT_PASS:
        return SPF_PASS;
    case SPF_RESULT_FAIL:
        return SPF_FAIL;
    case SPF_RESULT_SOFTFAIL:
        return SPF_SOFTFAIL;
    case SPF_RESULT_NONE:
        return SPF_NONE;
    case SPF_RESULT_TEMPERROR:
        return SPF_TEMPERROR;
    case SPF_RESULT_PERMERROR:
        return SPF_PERMERROR;
    case SPF_RESULT_INVALID:
        break;
    }
    return error == SPF_E_DNS_ERROR ? SPF_TEMPERROR : SPF_PERMERROR;
}

/* libspf2's first complaint, which is the one nearest to the cause. */
static struct str problem_of(SPF_response_t *response, SPF_errcode_t error)
{
    if (SPF_response_messages(response) > 0)
        return str_of(SPF_error_message(SPF_response_message(response, 0)));
    return error == SPF_E_SUCCESS ? STR("") : str_of(SPF_strerror(error));
}

static void report(SPF_response_t *response, SPF_errcode_t error, bool explain, struct strbuf *out)
{
    struct spf_outcome outcome = {
        .result = result_of(response, error),
        .mechanism = STR(""),
        .problem = STR(""),
        .explanation = STR_NONE,
        .lookup_terms = (unsigned)response->num_dns_mech,
    };
    if (outcome.result == SPF_NONE || outcome.result == SPF_TEMPERROR ||
        outcome.result == SPF_PERMERROR)
        outcome.problem = problem_of(response, error);
    struct str explanation = str_of(SPF_response_get_explanation(response));
    if (explain && outcome.result == SPF_FAIL && !str_eq(explanation, STR(NO_EXPLANATION)))
        outcome.explanation = explanation;
    if (!result_write_spf(out, &outcome))
        refusal_write(out, STR("libspf2's result is too long"));
}

/* ---- requests ---- */

static bool has_nul(struct str s)
{
    return str_find(s, 0, '\0') < s.n;
}

static const char *cannot(const struct spf_request *r)
{
    if (r->client.family != 4 && r->client.family != 6)
        return "libspf2 needs the address of the client";
    if (has_nul(r->helo) || has_nul(r->local) || has_nul(r->domain) || has_nul(r->receiver))
        return "libspf2 is not given names with NUL bytes";
    return NULL;
}

static void set_client(SPF_request_t *request, const struct netaddr *client)
{
    struct in_addr ip4;
    struct in6_addr ip6;
    memcpy(&ip4, client->bytes, sizeof ip4);
    memcpy(&ip6, client->bytes, sizeof ip6);
    if (client->family == 4)
        SPF_request_set_ipv4(request, ip4);
    else
        SPF_request_set_ipv6(request, ip6);
}

/* A whole mailbox: libspf2 would take the sender apart otherwise, and HELO for an empty one. */
static bool set_names(SPF_request_t *request, const struct spf_request *r, struct arena *a)
{
    struct str local = r->local.n ? r->local : STR("postmaster");
    struct str sender = str_printf(a, "%.*s@%.*s", STR_ARG(local), STR_ARG(r->domain));
    struct str receiver = r->receiver.n ? r->receiver : STR("unknown");
    return SPF_server_set_rec_dom(server, str_cstr(a, receiver)) == SPF_E_SUCCESS &&
           SPF_request_set_helo_dom(request, str_cstr(a, r->helo)) == SPF_E_SUCCESS &&
           SPF_request_set_env_from(request, sender.p) == SPF_E_SUCCESS;
}

static void check_spf2(SPF_request_t *request, const struct spf_request *r, struct arena *a,
                       struct strbuf *out)
{
    SPF_response_t *response = NULL;
    set_client(request, &r->client);
    if (!set_names(request, r, a)) {
        refusal_write(out, STR("libspf2 does not take these names"));
        return;
    }
    SPF_errcode_t error = SPF_request_query_mailfrom(request, &response);
    if (response)
        report(response, error, r->want_explanation, out);
    else
        refusal_write(out, str_of(SPF_strerror(error)));
    if (response)
        SPF_response_free(response);
}

void spf2_answer(const struct job *job, struct resolver *r, struct arena *a, struct strbuf *out)
{
    const char *problem = cannot(&job->spf);
    if (problem) {
        refusal_write(out, str_of(problem));
        return;
    }
    dns.hook = r;
    SPF_request_t *request = SPF_request_new(server);
    if (!request)
        on_error(NULL, 0, "out of memory");
    check_spf2(request, &job->spf, a, out);
    SPF_request_free(request);
}

bool spf2_start(void)
{
    SPF_response_t *response = NULL;
    SPF_error_handler = on_error;
    SPF_warning_handler = SPF_info_handler = SPF_debug_handler = ignore;
    dns.lookup = look_up;
    dns.name = "assay";
    server = SPF_server_new_dns(&dns, 0);
    bool ok =
        server && SPF_server_set_explanation(server, NO_EXPLANATION, &response) == SPF_E_SUCCESS;
    if (response)
        SPF_response_free(response);
    return ok;
}

struct str spf2_version(struct arena *a)
{
    int major, minor, patch;
    SPF_get_lib_version(&major, &minor, &patch);
    return str_printf(a, "libspf2 %d.%d.%d", major, minor, patch);
}
