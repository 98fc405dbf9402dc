/* packet.c - writes queries and reads answers.
 *
 * Every byte of an answer is hostile: all reads are checked against the end, compression pointers
 * only lead backwards, and what a chain of CNAMEs can cost is bounded.
 *
 * Errors: an answer that cannot be used is DNS_SERVFAIL; there is no other failure. */
#include "dns/packet.h"

#include <string.h>

#define HEADER    12
#define CLASS_IN  1
#define TYPE_NS   2
#define TYPE_SOA  6
#define TYPE_OPT  41
#define CHAIN_MAX 12
#define JUMPS_MAX 127 /* pointers in a name: there are no more labels for them to lead to */

#define FLAG_QR      0x8000U
#define MASK_OPCODE  0x7800U
#define FLAG_TC      0x0200U
#define FLAG_RD      0x0100U
#define FLAG_AD      0x0020U
#define MASK_RCODE   0x000FU
#define RCODE_OK     0U
#define RCODE_NXNAME 3U

/* --- queries --- */

static uint8_t *put16(uint8_t *p, unsigned value)
{
    *p++ = (uint8_t)(value >> 8);
    *p++ = (uint8_t)value;
    return p;
}

static uint8_t *put_name(uint8_t *p, const struct dns_name *name, uint64_t cases)
{
    unsigned letters = 0;
    for (size_t at = 0; at < name->n;) {
        size_t label = name->wire[at];
        *p++ = name->wire[at++];
        for (; label; label--, at++) {
            bool letter = name->wire[at] >= 'a' && name->wire[at] <= 'z';
            bool upper = letter && (cases >> (letters++ % 64) & 1);
            *p++ = (uint8_t)(name->wire[at] - (upper ? 32 : 0));
        }
    }
    return p;
}

size_t dns_packet_query(uint8_t out[DNS_PACKET_QUERY_MAX], const struct dns_question *q,
                        uint16_t id, uint64_t cases)
{
    static const uint8_t counts[] = {0, 1, 0, 0, 0, 0, 0, 1};
    uint8_t *p = put16(out, id);
    p = put16(p, FLAG_RD | FLAG_AD);
    memcpy(p, counts, sizeof counts);
    p = put_name(p + sizeof counts, &q->name, cases);
    p = put16(p, (unsigned)q->type);
    p = put16(p, CLASS_IN);
    *p++ = 0; /* OPT's name: the root */
    p = put16(p, TYPE_OPT);
    p = put16(p, DNS_PACKET_UDP_SIZE);
    memset(p, 0, 6); /* extended rcode, version, flags, no options */
    return (size_t)(p + 6 - out);
}

#define OPT_SIZE   11
#define AR_AT      10 /* where the count of additional records stands */
#define RCODE_AT   3
#define FORMERR    1
#define SERVFAIL   2
#define NOTIMP     4
#define RCODE_MASK 0x0F

size_t dns_packet_drop_opt(uint8_t *query, size_t n)
{
    put16(query + AR_AT, 0);
    return n - OPT_SIZE;
}

uint16_t dns_packet_id(const uint8_t *packet)
{
    return (uint16_t)(packet[0] << 8 | packet[1]);
}

bool dns_packet_truncated(const uint8_t *packet)
{
    return packet[2] & (FLAG_TC >> 8);
}

bool dns_packet_denies_edns(const uint8_t *packet)
{
    unsigned rcode = packet[RCODE_AT] & RCODE_MASK;
    bool additional = packet[AR_AT] || packet[AR_AT + 1];
    return (rcode == FORMERR || rcode == NOTIMP) && !additional;
}

void dns_packet_make_servfail(uint8_t *packet)
{
    packet[RCODE_AT] = (uint8_t)((packet[RCODE_AT] & ~RCODE_MASK) | SERVFAIL);
}

static size_t question_length(const uint8_t *query)
{
    size_t at = HEADER;
    while (query[at])
        at += (size_t)query[at] + 1;
    return at + 1 + 4 - HEADER;
}

bool dns_packet_echoes(const uint8_t *packet, size_t n, const uint8_t *query)
{
    size_t length = question_length(query);
    return n >= HEADER + length && memcmp(packet + HEADER, query + HEADER, length) == 0;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool dns_packet_is_about(const uint8_t *packet, size_t n, const uint8_t *query)
{
    size_t length = question_length(query);
    bool asks = packet[4] || packet[5];
    for (size_t i = HEADER; asks && i < HEADER + length; i++)
        if (i >= n || lower(packet[i]) != lower(query[i]))
            return false;
    return true;
}

/* --- reading: a cursor that remembers whether all was within bounds --- */

struct cursor {
    const uint8_t *p;
    size_t n, at;
    bool bad;
};

static const uint8_t *take_counted(struct cursor *c, size_t n)
{
    static const uint8_t nothing[16];
    if (c->bad || n > c->n - c->at) {
        c->bad = true;
        return nothing;
    }
    c->at += n;
    return c->p + c->at - n;
}

static uint16_t take16(struct cursor *c)
{
    const uint8_t *p = take_counted(c, 2);
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t take32(struct cursor *c)
{
    uint32_t high = take16(c);
    return high << 16 | take16(c);
}

/* A name, perhaps compressed (RFC 1035 4.1.4). Each pointer has to lead before the place where the
 * labels it ends began, so there is no loop. Leaves the cursor behind the name. */
static void take_name(struct cursor *c, struct dns_name *out)
{
    struct cursor in = *c; /* follows the pointers */
    size_t start = in.at;
    unsigned jumps = 0;
    out->n = 0;
    for (;;) {
        uint8_t length = *take_counted(&in, 1);
        if (in.bad || length == 0)
            break;
        if ((length & 0xC0) == 0xC0) {
            size_t to = (size_t)(length & 0x3F) << 8 | *take_counted(&in, 1);
            if (jumps++ == 0)
                c->at = in.at;
            in.bad = in.bad || to >= start || to < HEADER || jumps > JUMPS_MAX;
            if (in.bad)
                break;
            in.at = start = to;
        } else {
            const uint8_t *label = take_counted(&in, length & 0x3F);
            in.bad = in.bad || length > DNS_LABEL_MAX || !dns_name_add_label(out, label, length);
        }
    }
    if (jumps == 0)
        c->at = in.at;
    c->bad = in.bad || !dns_name_end(out);
}

struct record {
    uint16_t type, class;
    uint32_t ttl;
    struct cursor data; /* ends where the record ends */
};

/* What stands behind the owner's name. */
static void take_record(struct cursor *c, struct record *r)
{
    r->type = take16(c);
    r->class = take16(c);
    r->ttl = take32(c);
    if (r->ttl > INT32_MAX) /* RFC 2181 8 */
        r->ttl = 0;
    size_t length = take16(c);
    r->data = *c;
    take_counted(c, length);
    r->data.n = c->at;
    r->data.bad = c->bad;
}

/* The last owner that was nothing but a pointer: thousands of records may repeat it, and the name
 * behind it may be long. */
struct last_owner {
    unsigned pointer;
    bool same;
};

/* Takes a record's owner: is it `name`? */
static bool take_owner(struct cursor *c, const struct dns_name *name, struct last_owner *last)
{
    struct dns_name owner;
    struct cursor ahead = *c;
    unsigned pointer = take16(&ahead);
    bool is_pointer = !ahead.bad && pointer >= 0xC000;
    if (is_pointer && pointer == last->pointer) {
        *c = ahead;
        return last->same;
    }
    take_name(c, &owner);
    bool same = !c->bad && dns_name_eq(&owner, name);
    if (is_pointer && !c->bad)
        *last = (struct last_owner){pointer, same};
    return same;
}

/* --- record data --- */

static void read_txt(struct cursor *data, struct arena *a, struct dns_rr *rr)
{
    char *text = arena_alloc(a, data->n - data->at);
    rr->text.p = text;
    while (data->at < data->n && !data->bad) {
        size_t length = *take_counted(data, 1);
        const uint8_t *bytes = take_counted(data, length);
        if (data->bad)
            break;
        memcpy(text + rr->text.n, bytes, length);
        rr->text.n += length;
    }
}

static void read_address(struct cursor *data, unsigned char family, struct dns_rr *rr)
{
    size_t length = family == 4 ? 4 : 16;
    rr->addr.family = family;
    memcpy(rr->addr.bytes, take_counted(data, length), length);
}

/* False if the data is not what the type wants, to the byte. */
static bool read_data(struct cursor data, enum dns_type type, struct arena *a, struct dns_rr *rr)
{
    struct dns_name name;
    switch (type) {
    case DNS_A:
        read_address(&data, 4, rr);
        break;
    case DNS_AAAA:
        read_address(&data, 6, rr);
        break;
    case DNS_TXT:
        read_txt(&data, a, rr);
        break;
    case DNS_MX:
        rr->preference = take16(&data);
        /* fall through */
    case DNS_PTR:
    case DNS_CNAME:
        take_name(&data, &name);
        if (!data.bad)
            rr->text = dns_name_text(a, &name);
        break;
    }
    return !data.bad && data.at == data.n;
}

/* --- the answer section --- */

struct reading {
    struct cursor c;
    unsigned flags;
    size_t answers, authorities;
    size_t answers_at, authorities_at;
    enum dns_type type;
    struct arena *arena;
    struct dns_packet *out;
};

static void lower_ttl(struct reading *r, uint32_t ttl)
{
    if (ttl < r->out->answer.ttl)
        r->out->answer.ttl = ttl;
}

/* Goes once over the answers for those about `name`: records of the type wanted are collected (up
 * to `room`, counted in any case), and a CNAME's target is noted. */
static size_t scan_packet(struct reading *r, const struct dns_name *name, struct dns_rr *rr,
                          size_t room, bool *has_cname, struct dns_name *target)
{
    struct cursor c = r->c;
    struct last_owner last = {0};
    size_t found = 0;
    c.at = r->answers_at;
    *has_cname = false;
    for (size_t i = 0; i < r->answers; i++) {
        struct record record;
        bool ours = take_owner(&c, name, &last);
        take_record(&c, &record);
        if (record.class != CLASS_IN || !ours)
            continue;
        if (record.type == r->type) {
            if (found < room && !read_data(record.data, r->type, r->arena, &rr[found]))
                r->c.bad = true;
            found++;
        } else if (record.type == DNS_CNAME && !*has_cname) {
            take_name(&record.data, target);
            r->c.bad = r->c.bad || record.data.bad;
            *has_cname = true;
        } else {
            continue;
        }
        lower_ttl(r, record.ttl);
    }
    return found;
}

/* Follows the chain of CNAMEs from the question's name within the answers. True if it ends in
 * records, which are then in the answer; else out->target is where it ends, and out->follow tells
 * whether there was a chain at all. */
static bool collect_records(struct reading *r, const struct dns_name *name)
{
    struct dns_answer *answer = &r->out->answer;
    struct dns_name at = *name;
    for (unsigned step = 0; step < CHAIN_MAX; step++) {
        bool has_cname;
        struct dns_name target;
        size_t n = scan_packet(r, &at, NULL, 0, &has_cname, &target);
        if (n) {
            struct dns_rr *rr = arena_array(r->arena, struct dns_rr, n);
            answer->n = scan_packet(r, &at, rr, n, &has_cname, &target);
            answer->rr = rr;
            answer->status = DNS_ANSWER;
            return true;
        }
        if (!has_cname) {
            r->out->target = at;
            r->out->follow = step > 0;
            return false;
        }
        at = target;
    }
    r->c.bad = true;
    return false;
}

/* Walks over the answers once to find their end, so that scan() cannot fail. */
static bool measure_answers(struct reading *r, const struct dns_name *name)
{
    struct last_owner last = {0};
    struct record record;
    r->answers_at = r->c.at;
    for (size_t i = 0; i < r->answers && !r->c.bad; i++) {
        take_owner(&r->c, name, &last);
        take_record(&r->c, &record);
    }
    r->authorities_at = r->c.at;
    return !r->c.bad;
}

/* --- the authority section: how long a negative answer holds (RFC 2308 5) --- */

enum authority { AUTHORITY_NONE, AUTHORITY_SOA, AUTHORITY_REFERRAL };

static enum authority read_authority(struct reading *r)
{
    enum authority kind = AUTHORITY_NONE;
    r->c.at = r->authorities_at;
    for (size_t i = 0; i < r->authorities; i++) {
        struct dns_name name;
        struct record record;
        take_name(&r->c, &name);
        take_record(&r->c, &record);
        if (r->c.bad)
            break;
        if (record.type == TYPE_NS && kind == AUTHORITY_NONE)
            kind = AUTHORITY_REFERRAL;
        if (record.type != TYPE_SOA)
            continue;
        take_name(&record.data, &name);
        take_name(&record.data, &name);
        take_counted(&record.data, 16); /* serial, refresh, retry, expire */
        uint32_t minimum = take32(&record.data);
        r->c.bad = record.data.bad;
        lower_ttl(r, record.ttl);
        lower_ttl(r, minimum > INT32_MAX ? 0 : minimum);
        return AUTHORITY_SOA;
    }
    return kind;
}

/* No records of the type: what does that mean? */
static void read_negative(struct reading *r)
{
    struct dns_packet *out = r->out;
    bool nxdomain = (r->flags & MASK_RCODE) == RCODE_NXNAME;
    enum authority authority = read_authority(r);
    out->answer.status = nxdomain ? DNS_NXDOMAIN : DNS_NODATA;
    out->follow = out->follow && !nxdomain && authority != AUTHORITY_SOA;
    if (out->follow || authority == AUTHORITY_SOA)
        return;
    out->answer.ttl = 0; /* without a SOA it must not be kept */
    if (authority == AUTHORITY_REFERRAL && !nxdomain)
        r->c.bad = true;
}

static bool read_header(struct reading *r, const struct dns_question *q)
{
    struct dns_name name;
    take16(&r->c);
    r->flags = take16(&r->c);
    unsigned questions = take16(&r->c);
    r->answers = take16(&r->c);
    r->authorities = take16(&r->c);
    take16(&r->c);
    take_name(&r->c, &name);
    unsigned type = take16(&r->c), class = take16(&r->c);
    unsigned rcode = r->flags & MASK_RCODE;
    return !r->c.bad && (r->flags & (FLAG_QR | MASK_OPCODE | FLAG_TC)) == FLAG_QR &&
           (rcode == RCODE_OK || rcode == RCODE_NXNAME) && questions == 1 &&
           type == (unsigned)q->type && class == CLASS_IN && dns_name_eq(&name, &q->name);
}

void dns_packet_read(const uint8_t *packet, size_t n, const struct dns_question *q, struct arena *a,
                     struct dns_packet *out)
{
    struct reading r = {.c = {.p = packet, .n = n}, .type = q->type, .arena = a, .out = out};
    *out = (struct dns_packet){.answer.ttl = UINT32_MAX};
    bool ok = read_header(&r, q) && measure_answers(&r, &q->name);
    if (ok && collect_records(&r, &q->name))
        ok = (r.flags & MASK_RCODE) == RCODE_OK;
    else if (ok && !r.c.bad)
        read_negative(&r);
    out->authentic = r.flags & FLAG_AD;
    if (!ok || r.c.bad)
        *out = (struct dns_packet){.answer.status = DNS_SERVFAIL};
}
