/* reply.c - packs an answer into one block.
 *
 * Errors: none are returned; exhausted memory ends the program, as in base/arena. */
#include "dns/reply.h"

#include <stdlib.h>
#include <string.h>

/* By preference; then by name, so that the order does not depend on the server's rotation. */
static int compare_mx(const void *left, const void *right)
{
    const struct dns_rr *a = left, *b = right;
    if (a->preference != b->preference)
        return a->preference < b->preference ? -1 : 1;
    return str_cmp_nocase(a->text, b->text);
}

struct dns_reply *dns_reply_new(const struct dns_answer *answer, enum dns_type type)
{
    size_t bytes = sizeof(struct dns_reply) + answer->n * sizeof(struct dns_rr);
    for (size_t i = 0; i < answer->n; i++)
        bytes += answer->rr[i].text.n;
    struct dns_reply *r = malloc(bytes);
    if (!r)
        abort();
    r->bytes = bytes;
    r->answer = *answer;
    r->answer.rr = r->rr;
    char *text = (char *)(r->rr + answer->n);
    for (size_t i = 0; i < answer->n; i++) {
        r->rr[i] = answer->rr[i];
        if (r->rr[i].text.n)
            memcpy(text, r->rr[i].text.p, r->rr[i].text.n);
        r->rr[i].text.p = text;
        text += r->rr[i].text.n;
    }
    if (type == DNS_MX && answer->n > 1)
        qsort(r->rr, answer->n, sizeof r->rr[0], compare_mx);
    return r;
}

struct dns_reply *dns_reply_empty(enum dns_status status, uint32_t ttl)
{
    struct dns_answer answer = {.status = status, .ttl = ttl};
    return dns_reply_new(&answer, DNS_A);
}
