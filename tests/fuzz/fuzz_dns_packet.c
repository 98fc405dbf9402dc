/* DNS answers off the wire. The first byte chooses the type that was asked for; the name asked for
 * is the one that the message itself says, so that the reader gets beyond its first look. */
#include "fuzz.h"

#include <string.h>

#include "dns/packet.h"

static enum dns_type type_of(uint8_t byte)
{
    static const enum dns_type types[] = {DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA};
    return types[byte % (sizeof types / sizeof types[0])];
}

static void take_question_name(const uint8_t *packet, size_t n, struct dns_name *name)
{
    name->n = 0;
    for (size_t at = 12; at < n && packet[at] && packet[at] < n - at; at += (size_t)packet[at] + 1)
        if (!dns_name_add_label(name, packet + at + 1, packet[at]))
            break;
    require(dns_name_end(name));
}

static void require_sound_name(struct arena *a, const struct dns_name *name)
{
    struct dns_name again = {.n = 0};
    require(name->n >= 1 && name->wire[name->n - 1] == 0);
    for (size_t at = 0; name->wire[at]; at += (size_t)name->wire[at] + 1)
        require(dns_name_add_label(&again, name->wire + at + 1, name->wire[at]));
    require(dns_name_end(&again) && dns_name_eq(&again, name));
    require(dns_name_text(a, name).n <= 4 * DNS_NAME_MAX);
}

static void require_sound_record(const struct dns_rr *rr, enum dns_type type)
{
    if (type == DNS_A || type == DNS_AAAA) {
        require(rr->addr.family == (type == DNS_A ? 4 : 6) && rr->text.n == 0);
        return;
    }
    require(rr->addr.family == 0);
    if (type == DNS_TXT)
        return;
    require(rr->text.n > 0);
    for (size_t i = 0; i < rr->text.n; i++)
        require(rr->text.p[i] > 0x20 && rr->text.p[i] < 0x7F);
}

static void require_sound(struct arena *a, const struct dns_packet *in, enum dns_type type)
{
    const struct dns_answer *answer = &in->answer;
    struct dns_reply *reply = dns_reply_new(answer, type);
    require(answer->status == DNS_ANSWER || answer->status == DNS_NODATA ||
            answer->status == DNS_NXDOMAIN || answer->status == DNS_SERVFAIL);
    require((answer->status == DNS_ANSWER) == (answer->n > 0));
    require(answer->security == DNS_UNCHECKED);
    if (in->follow) {
        require(answer->status == DNS_NODATA);
        require_sound_name(a, &in->target);
    }
    require(reply->answer.n == answer->n);
    for (size_t i = 0; i < answer->n; i++) {
        const struct dns_rr *rr = &reply->answer.rr[i];
        require_sound_record(rr, type);
        require(type != DNS_MX || i == 0 || rr[-1].preference <= rr->preference);
    }
    free(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct dns_question q;
    struct dns_packet in;
    uint8_t query[DNS_PACKET_QUERY_MAX];
    if (size == 0) {
        arena_free(a);
        return 0;
    }
    q.type = type_of(data[0]);
    take_question_name(data + 1, size - 1, &q.name);
    require(dns_packet_query(query, &q, 1, UINT64_MAX) <= sizeof query);
    dns_packet_echoes(data + 1, size - 1, query);
    dns_packet_read(data + 1, size - 1, &q, a, &in);
    require_sound(a, &in, q.type);
    arena_free(a);
    return 0;
}
