/* answer.c - what the answer of a DNS list means.
 *
 * Errors: none; what is no clear answer is told as such, with its cause. */
#include "dnsbl/dnsbl.h"

#define OWN_RECURSION " (dns.servers = [ ] makes assay ask the list's own servers)"

const char *dnsbl_result_name(enum dnsbl_result result)
{
    static const char *const names[] = {
        [DNSBL_NOT_ASKED] = "not-asked", [DNSBL_CLEAR] = "clear",     [DNSBL_LISTED] = "listed",
        [DNSBL_UNKNOWN] = "unknown",     [DNSBL_REFUSED] = "refused", [DNSBL_BROKEN] = "suspended",
        [DNSBL_PENDING] = "pending",
    };
    return names[result];
}

/* 127.255.255.X: Spamhaus' words, which others have taken over. */
static const char *complaint(uint8_t last)
{
    switch (last) {
    case 252:
        return "the list says that its zone is misspelt";
    case 254:
        return "the list refuses queries of public resolvers, and of those whose address has no "
               "name of its own" OWN_RECURSION;
    case 255:
        return "the list says that too many queries come from our resolver" OWN_RECURSION;
    default:
        return "the list answers with an error code" OWN_RECURSION;
    }
}

/* True if this answer is no listing at all. */
static bool is_trouble(const struct dnsbl_list *list, const struct netaddr *answer,
                       struct dnsbl_answer *out)
{
    const uint8_t *b = answer->bytes;
    out->code = *answer;
    if (answer->family != 4 || b[0] != 127) {
        out->result = DNSBL_BROKEN;
        out->cause = "it answers with an address outside of 127.0.0.0/8: somebody else has the "
                     "zone, or the resolver invents answers";
    } else if (b[1] == 255 && b[2] == 255) {
        out->result = DNSBL_REFUSED;
        out->cause = complaint(b[3]);
    } else if (b[1] == 0 && b[2] == 0 && b[3] == 1) {
        out->result = DNSBL_REFUSED;
        out->cause = "the list answers 127.0.0.1: it refuses our queries" OWN_RECURSION;
    } else if (dnsbl_codes_have(&list->errors, answer)) {
        out->result = DNSBL_REFUSED;
        out->cause = "the list answers with an error code of its own: it refuses our "
                     "queries" OWN_RECURSION;
    } else {
        return false;
    }
    return true;
}

static void read_codes(const struct dnsbl_list *list, const struct dns_answer *answer,
                       struct dnsbl_answer *out)
{
    for (size_t i = 0; i < answer->n; i++)
        if (is_trouble(list, &answer->rr[i].addr, out))
            return;
    out->result = list->kind == DNSBL_ALLOW ? DNSBL_LISTED : DNSBL_CLEAR;
    out->code = answer->rr[0].addr;
    for (size_t i = 0; i < answer->n && !out->counts; i++) {
        out->counts = dnsbl_codes_have(&list->codes, &answer->rr[i].addr);
        if (out->counts) {
            out->result = DNSBL_LISTED;
            out->code = answer->rr[i].addr;
        }
    }
}

void dnsbl_read(const struct dnsbl_list *list, const struct dns_answer *answer,
                struct dnsbl_answer *out)
{
    *out = (struct dnsbl_answer){.result = DNSBL_CLEAR};
    if (answer->status == DNS_PENDING) {
        out->result = DNSBL_PENDING;
    } else if (dns_unknown(answer)) {
        out->result = DNSBL_UNKNOWN;
        out->cause = answer->status == DNS_TIMEOUT ? "no answer in time" : "DNS trouble";
    } else if (answer->status == DNS_ANSWER && answer->n) {
        read_codes(list, answer, out);
    }
}

/* A list that complains of us complains of the probe, too: that says nothing of its content. */
const char *dnsbl_unfit(const struct dnsbl_list *list, const struct dns_answer *never,
                        const struct dns_answer *always, bool *empty)
{
    struct dnsbl_answer said;
    dnsbl_read(list, never, &said);
    *empty = always->status == DNS_NXDOMAIN || always->status == DNS_NODATA;
    if (never->status == DNS_ANSWER && said.result != DNSBL_REFUSED)
        return "it lists what must never be listed (RFC 5782 5): it is dead, and lists the world";
    return NULL;
}
