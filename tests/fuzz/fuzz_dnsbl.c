/* Answers of a DNS list. The first line has its codes, the second its errors; what follows are
 * answers of four bytes each: those to the question, and behind a zero answer those to the probe
 * for what is never listed. Only what the codes have counts, and no complaint ever does. */
#include "fuzz.h"

#include <string.h>

#include "dnsbl/dnsbl.h"

#define RECORDS_MAX 64

static struct str take_line(struct str *rest)
{
    struct str line = STR("");
    str_split(rest, '\n', &line);
    return line;
}

/* What was read is written so that it is read the same. */
static void require_round_trip(const struct dnsbl_codes *codes, struct arena *a)
{
    for (size_t i = 0; i < codes->n; i++) {
        struct dnsbl_codes again = {0};
        require(!dnsbl_codes_add(&again, dnsbl_code_text(&codes->v[i], a), a));
        require(again.n == 1 && !memcmp(&again.v[0], &codes->v[i], sizeof codes->v[i]));
    }
}

static bool is_complaint(const struct dnsbl_list *list, const struct netaddr *code)
{
    const uint8_t *b = code->bytes;
    return b[0] != 127 || (b[1] == 255 && b[2] == 255) || (!b[1] && !b[2] && b[3] == 1) ||
           dnsbl_codes_have(&list->errors, code);
}

static struct dns_answer *take_answer(struct str *rest, struct arena *a)
{
    struct dns_answer *answer = arena_make(a, struct dns_answer);
    struct dns_rr *records = arena_array(a, struct dns_rr, RECORDS_MAX);
    while (rest->n >= 4 && answer->n < RECORDS_MAX) {
        struct netaddr address = {.family = 4};
        memcpy(address.bytes, rest->p, 4);
        *rest = str_sub(*rest, 4, rest->n);
        if (!address.bytes[0])
            break;
        records[answer->n++].addr = address;
    }
    answer->rr = records;
    answer->status = answer->n ? DNS_ANSWER : DNS_NXDOMAIN;
    return answer;
}

static void require_reading(const struct dnsbl_list *list, const struct dns_answer *answer)
{
    struct dnsbl_answer said;
    bool complaint = false, has = false;
    dnsbl_read(list, answer, &said);
    for (size_t i = 0; i < answer->n; i++) {
        complaint = complaint || is_complaint(list, &answer->rr[i].addr);
        has = has || dnsbl_codes_have(&list->codes, &answer->rr[i].addr);
    }
    require(dnsbl_result_name(said.result) != NULL);
    require(said.counts == (has && !complaint));
    require(!said.counts ||
            (said.result == DNSBL_LISTED && dnsbl_codes_have(&list->codes, &said.code)));
    require(!complaint || (said.result >= DNSBL_REFUSED && said.cause));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena *a = arena_new(0);
    struct str rest = fuzz_text(bytes, size);
    struct dnsbl_list list = {.zone = STR("bl.example"), .kind = size % 3};
    bool empty;
    if (!dnsbl_codes_add(&list.codes, take_line(&rest), a))
        require(list.codes.n > 0);
    dnsbl_codes_add(&list.errors, take_line(&rest), a);
    require_round_trip(&list.codes, a);
    require_round_trip(&list.errors, a);
    const struct dns_answer *answer = take_answer(&rest, a), *never = take_answer(&rest, a);
    require_reading(&list, answer);
    const char *unfit = dnsbl_unfit(&list, never, answer, &empty);
    require(!unfit || never->n);
    require(empty == !answer->n);
    arena_free(a);
    return 0;
}
