/* dns/packet: queries to the byte, answers of every kind, and hostile ones. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "dns/packet.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* --- a message under construction --- */

struct message {
    uint8_t p[65535];
    size_t n;
};

static struct message m;

static void put(const void *bytes, size_t n)
{
    assert_true(m.n + n <= sizeof m.p);
    memcpy(m.p + m.n, bytes, n);
    m.n += n;
}

static void put8(unsigned v)
{
    uint8_t byte = (uint8_t)v;
    put(&byte, 1);
}

static void put16(unsigned v)
{
    put8(v >> 8);
    put8(v & 255);
}

static void put32(unsigned long v)
{
    put16((unsigned)(v >> 16));
    put16(v & 65535);
}

/* "a.b" as labels; "*12" at the end is a pointer to offset 12. */
static void put_name(const char *text)
{
    while (*text && *text != '*') {
        size_t n = strcspn(text, ".*");
        put8((unsigned)n);
        put(text, n);
        text += n + (text[n] == '.');
    }
    if (*text == '*')
        put16(0xC000U | (unsigned)atoi(text + 1));
    else
        put8(0);
}

enum { OK = 0x8180, NX = 0x8183, SOA = 6, NS = 2 };

static void begin(unsigned flags, unsigned answers, unsigned authorities, const char *name,
                  enum dns_type type)
{
    m.n = 0;
    put16(0x1234);
    put16(flags);
    put16(1);
    put16(answers);
    put16(authorities);
    put16(0);
    put_name(name);
    put16((unsigned)type);
    put16(1);
}

/* Begins a record; end_record() fills in its length. */
static size_t record_at;

static void begin_record(const char *owner, unsigned type, unsigned long ttl)
{
    put_name(owner);
    put16(type);
    put16(1);
    put32(ttl);
    put16(0);
    record_at = m.n;
}

static void end_record(void)
{
    m.p[record_at - 2] = (uint8_t)((m.n - record_at) >> 8);
    m.p[record_at - 1] = (uint8_t)(m.n - record_at);
}

static void put_a(const char *owner, unsigned long ttl, unsigned last)
{
    begin_record(owner, DNS_A, ttl);
    put32(0xC0000200U + last);
    end_record();
}

static void put_cname(const char *owner, unsigned long ttl, const char *target)
{
    begin_record(owner, DNS_CNAME, ttl);
    put_name(target);
    end_record();
}

static void put_soa(unsigned long ttl, unsigned long minimum)
{
    begin_record("example", SOA, ttl);
    put_name("ns.example");
    put_name("hostmaster.example");
    for (int i = 0; i < 4; i++)
        put32(7);
    put32(minimum);
    end_record();
}

/* Reads the message from a block of exactly its size, so that ASan sees every byte too many. */
static struct dns_packet read_message(const char *name, enum dns_type type)
{
    struct dns_question q = {.type = type};
    struct dns_packet out;
    uint8_t *exact = malloc(m.n ? m.n : 1);
    assert_non_null(exact);
    memcpy(exact, m.p, m.n);
    assert_true(dns_name_parse(str_of(name), &q.name));
    dns_packet_read(exact, m.n, &q, arena, &out);
    free(exact);
    return out;
}

static enum dns_status status_of_message(const char *name, enum dns_type type)
{
    return read_message(name, type).answer.status;
}

/* --- queries --- */

static void query_bytes(void **state)
{
    static const uint8_t want[] = "\x12\x34\x01\x20\0\1\0\0\0\0\0\1"
                                  "\x02"
                                  "aB\x01"
                                  "1\x03"
                                  "coM\0\0\x10\0\1"
                                  "\0\0\x29\x04\xd0\0\0\0\0\0\0";
    uint8_t out[DNS_PACKET_QUERY_MAX];
    struct dns_question q = {.type = DNS_TXT};
    (void)state;
    assert_true(dns_name_parse(STR("ab.1.com"), &q.name));
    assert_int_equal(dns_packet_query(out, &q, 0x1234, 0x12), sizeof want - 1);
    assert_memory_equal(out, want, sizeof want - 1);
}

static void longest_query_fits(void **state)
{
    uint8_t out[DNS_PACKET_QUERY_MAX];
    struct dns_question q = {.type = DNS_A};
    (void)state;
    while (dns_name_add_label(&q.name, "a", 1))
        ;
    assert_true(dns_name_end(&q.name));
    assert_int_equal(q.name.n, 255);
    assert_int_equal(dns_packet_query(out, &q, 0, UINT64_MAX), DNS_PACKET_QUERY_MAX);
}

static void echo(void **state)
{
    uint8_t out[DNS_PACKET_QUERY_MAX];
    struct dns_question q = {.type = DNS_A};
    (void)state;
    assert_true(dns_name_parse(STR("ab.com"), &q.name));
    dns_packet_query(out, &q, 1, 2);
    begin(OK, 0, 0, "aB.com", DNS_A);
    assert_true(dns_packet_echoes(m.p, m.n, out));
    assert_false(dns_packet_echoes(m.p, m.n - 1, out));
    begin(OK, 0, 0, "ab.com", DNS_A);
    assert_false(dns_packet_echoes(m.p, m.n, out));
    begin(OK, 0, 0, "aB.com", DNS_AAAA);
    assert_false(dns_packet_echoes(m.p, m.n, out));
}

/* --- answers --- */

static void addresses(void **state)
{
    char text[NETADDR_TEXT];
    (void)state;
    begin(OK | 0x20, 3, 0, "WWW.example", DNS_A);
    put_a("*12", 300, 1);
    put_a("www*16", 200, 2);
    put_a("other.example", 1, 3);
    struct dns_packet out = read_message("www.example", DNS_A);
    assert_int_equal(out.answer.status, DNS_ANSWER);
    assert_int_equal(out.answer.n, 2);
    assert_int_equal(out.answer.ttl, 200);
    assert_true(out.authentic);
    assert_string_equal(netaddr_format(&out.answer.rr[1].addr, text), "192.0.2.2");

    begin(OK, 1, 0, "www.example", DNS_AAAA);
    begin_record("*12", DNS_AAAA, 0x80000000UL);
    put("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    end_record();
    out = read_message("www.example", DNS_AAAA);
    assert_string_equal(netaddr_format(&out.answer.rr[0].addr, text), "2001:db8::1");
    assert_int_equal(out.answer.ttl, 0);
    assert_false(out.authentic);
}

static void txt_strings_are_joined(void **state)
{
    (void)state;
    begin(OK, 2, 0, "a.example", DNS_TXT);
    begin_record("*12", DNS_TXT, 60);
    put("\6v=spf1\0\5 -all", 14);
    end_record();
    begin_record("*12", DNS_TXT, 60);
    put("\0", 1);
    end_record();
    struct dns_packet out = read_message("a.example", DNS_TXT);
    assert_int_equal(out.answer.n, 2);
    assert_str(out.answer.rr[0].text, "v=spf1 -all");
    assert_str(out.answer.rr[1].text, "");
}

static void names_in_records(void **state)
{
    (void)state;
    begin(OK, 3, 0, "a.example", DNS_MX);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const names[] = {"Mail*14", "", "odd\x01x.A*14"};
        begin_record("*12", DNS_MX, 60);
        put16(10 * i);
        put_name(names[i]);
        end_record();
    }
    struct dns_packet out = read_message("a.example", DNS_MX);
    assert_int_equal(out.answer.n, 3);
    assert_str(out.answer.rr[0].text, "mail.example");
    assert_str(out.answer.rr[1].text, ".");
    assert_int_equal(out.answer.rr[1].preference, 10);
    assert_str(out.answer.rr[2].text, "odd\\001x.a.example");

    begin(OK, 1, 0, "a.example", DNS_PTR);
    begin_record("*12", DNS_PTR, 60);
    put("\x03x.y\x01z\0", 7);
    end_record();
    out = read_message("a.example", DNS_PTR);
    assert_str(out.answer.rr[0].text, "x\\046y.z");
}

static void cname_chains(void **state)
{
    (void)state;
    /* In any order; the lowest TTL counts. */
    begin(OK, 3, 0, "a.example", DNS_A);
    put_a("c.example", 300, 1);
    put_cname("b.example", 20, "c.example");
    put_cname("A.example", 100, "b.example");
    struct dns_packet out = read_message("a.example", DNS_A);
    assert_int_equal(out.answer.status, DNS_ANSWER);
    assert_int_equal(out.answer.n, 1);
    assert_int_equal(out.answer.ttl, 20);
    assert_false(out.follow);

    /* Asked for the CNAME itself. */
    out = (begin(OK, 1, 0, "a.example", DNS_CNAME), put_cname("*12", 100, "B.example"),
           read_message("a.example", DNS_CNAME));
    assert_str(out.answer.rr[0].text, "b.example");

    /* It leads out of what the server knows: there is more to ask. */
    begin(OK, 1, 0, "a.example", DNS_A);
    put_cname("*12", 100, "b.example");
    out = read_message("a.example", DNS_A);
    assert_true(out.follow);
    assert_str(dns_name_text(arena, &out.target), "b.example");
    assert_int_equal(out.answer.ttl, 100);

    /* With a SOA, or NXDOMAIN, it is an answer. */
    begin(OK, 1, 1, "a.example", DNS_A);
    put_cname("*12", 100, "b.example");
    put_soa(50, 70);
    out = read_message("a.example", DNS_A);
    assert_false(out.follow);
    assert_int_equal(out.answer.status, DNS_NODATA);
    assert_int_equal(out.answer.ttl, 50);
    begin(NX, 1, 1, "a.example", DNS_A);
    put_cname("*12", 40, "b.example");
    put_soa(50, 70);
    out = read_message("a.example", DNS_A);
    assert_int_equal(out.answer.status, DNS_NXDOMAIN);
    assert_int_equal(out.answer.ttl, 40);

    /* Round in circles. */
    begin(OK, 2, 0, "a.example", DNS_A);
    put_cname("*12", 40, "b.example");
    put_cname("b.example", 40, "a.example");
    assert_int_equal(status_of_message("a.example", DNS_A), DNS_SERVFAIL);
}

static void negative_answers(void **state)
{
    (void)state;
    begin(NX, 0, 1, "a.example", DNS_A);
    put_soa(3600, 90);
    struct dns_packet out = read_message("a.example", DNS_A);
    assert_int_equal(out.answer.status, DNS_NXDOMAIN);
    assert_int_equal(out.answer.ttl, 90);
    begin(OK, 0, 1, "a.example", DNS_A);
    put_soa(30, 90);
    out = read_message("a.example", DNS_A);
    assert_int_equal(out.answer.status, DNS_NODATA);
    assert_int_equal(out.answer.ttl, 30);
    /* Records of another type only. */
    begin(OK, 1, 0, "a.example", DNS_TXT);
    put_a("*12", 300, 1);
    out = read_message("a.example", DNS_TXT);
    assert_int_equal(out.answer.status, DNS_NODATA);
    /* No SOA: true, but not to be kept. */
    begin(NX, 0, 0, "a.example", DNS_A);
    out = read_message("a.example", DNS_A);
    assert_int_equal(out.answer.status, DNS_NXDOMAIN);
    assert_int_equal(out.answer.ttl, 0);
    /* A referral is not an answer. */
    begin(OK, 0, 1, "a.example", DNS_A);
    begin_record("example", NS, 300);
    put_name("ns.example");
    end_record();
    assert_int_equal(status_of_message("a.example", DNS_A), DNS_SERVFAIL);
}

/* --- answers that cannot be used --- */

static void wrong_headers(void **state)
{
    static const unsigned flags[] = {
        0x0180 /* a query */,  0x8980 /* opcode */, 0x8380 /* TC */,      0x8181 /* FORMERR */,
        0x8182 /* SERVFAIL */, 0x8184 /* NOTIMP */, 0x8185 /* REFUSED */, 0x818F,
    };
    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        begin(flags[i], 1, 0, "a.example", DNS_A);
        put_a("*12", 300, 1);
        assert_int_equal(status_of_message("a.example", DNS_A), DNS_SERVFAIL);
    }
    begin(OK, 1, 0, "a.example", DNS_A);
    put_a("*12", 300, 1);
    assert_int_equal(status_of_message("a.example", DNS_A), DNS_ANSWER);
    assert_int_equal(status_of_message("a.example", DNS_AAAA), DNS_SERVFAIL);
    assert_int_equal(status_of_message("b.example", DNS_A), DNS_SERVFAIL);
    m.p[5] = 2; /* questions */
    assert_int_equal(status_of_message("a.example", DNS_A), DNS_SERVFAIL);
    /* NXDOMAIN and yet a record. */
    begin(NX, 1, 0, "a.example", DNS_A);
    put_a("*12", 300, 1);
    assert_int_equal(status_of_message("a.example", DNS_A), DNS_SERVFAIL);
}

static void broken_data(void **state)
{
    static const struct {
        enum dns_type type;
        const char *data;
        size_t n;
    } cases[] = {
        {DNS_A, "\1\2\3", 3},     {DNS_A, "\1\2\3\4\5", 5}, {DNS_AAAA, "\1\2\3\4", 4},
        {DNS_TXT, "\5four", 5},   {DNS_TXT, "\1a\2", 3},    {DNS_MX, "\0", 1},
        {DNS_MX, "\0\1", 2},      {DNS_MX, "\0\1\1a", 4},   {DNS_PTR, "", 0},
        {DNS_PTR, "\1a\0\0", 4},  {DNS_PTR, "\x41z\0", 3},  {DNS_CNAME, "\xC0\xFF", 2},
        {DNS_PTR, "\xC0\x0B", 2}, {DNS_PTR, "\xC0", 1},     {DNS_PTR, "\x80\x0C", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(OK, 1, 0, "a.example", cases[i].type);
        begin_record("*12", (unsigned)cases[i].type, 300);
        put(cases[i].data, cases[i].n);
        end_record();
        if (status_of_message("a.example", cases[i].type) != DNS_SERVFAIL)
            fail_msg("case %zu was taken for an answer", i);
    }
}

static void compression_loops(void **state)
{
    (void)state;
    /* The name of the record points to itself. */
    begin(OK, 1, 0, "a.example", DNS_A);
    size_t self = m.n;
    char pointer[16];
    snprintf(pointer, sizeof pointer, "x*%zu", self);
    put_a(pointer, 300, 1);
    assert_int_equal(status_of_message("a.example", DNS_A), DNS_SERVFAIL);
    begin(OK, 1, 0, "a.example", DNS_A);
    snprintf(pointer, sizeof pointer, "*%zu", self);
    put_a(pointer, 300, 1);
    assert_int_equal(status_of_message("a.example", DNS_A), DNS_SERVFAIL);
    /* Forward. */
    begin(OK, 1, 0, "a.example", DNS_A);
    snprintf(pointer, sizeof pointer, "*%zu", self + 6);
    put_a(pointer, 300, 1);
    assert_int_equal(status_of_message("a.example", DNS_A), DNS_SERVFAIL);
    /* A long staircase of pointers makes a name too long: no name, no crash. */
    begin(OK, 1, 0, "a.example", DNS_TXT);
    begin_record("*12", DNS_TXT, 300);
    for (size_t i = 0, last = 12; i < 200; i++) {
        size_t here = m.n;
        put8(1);
        put8('a');
        put16(0xC000U | (unsigned)last);
        last = here;
    }
    end_record();
    m.p[7] = 2;
    snprintf(pointer, sizeof pointer, "*%zu", m.n - 4);
    put_a(pointer, 300, 1);
    assert_int_equal(status_of_message("a.example", DNS_TXT), DNS_SERVFAIL);
}

/* Pointers to pointers: each record's owner would cost thousands of steps. */
static void pointer_chains(void **state)
{
    (void)state;
    for (size_t length = 126; length <= 127; length++) {
        begin(OK, 2, 0, "a.example", DNS_A);
        begin_record("*12", DNS_TXT, 300);
        for (size_t i = 0, last = 12; i < length; i++) {
            size_t here = m.n;
            put16(0xC000U | (unsigned)last);
            last = here;
        }
        end_record();
        char pointer[16];
        snprintf(pointer, sizeof pointer, "*%zu", m.n - 2);
        put_a(pointer, 300, 1);
        assert_int_equal(status_of_message("a.example", DNS_A),
                         length == 126 ? DNS_ANSWER : DNS_SERVFAIL);
    }
}

static void counts_that_lie(void **state)
{
    (void)state;
    begin(OK, 2, 0, "a.example", DNS_A);
    put_a("*12", 300, 1);
    assert_int_equal(status_of_message("a.example", DNS_A), DNS_SERVFAIL);
    begin(OK, 65535, 0, "a.example", DNS_A);
    put_a("*12", 300, 1);
    assert_int_equal(status_of_message("a.example", DNS_A), DNS_SERVFAIL);
    begin(NX, 0, 3, "a.example", DNS_A);
    assert_int_equal(status_of_message("a.example", DNS_A), DNS_SERVFAIL);
}

/* Whatever is cut off the end or changed in the middle: no read beyond the end (ASan), and a cut
 * answer section is never an answer. */
static void cut_and_changed(void **state)
{
    (void)state;
    begin(OK, 3, 1, "a.example", DNS_MX);
    put_cname("*12", 100, "b.example");
    for (unsigned i = 0; i < 2; i++) {
        begin_record("b*14", DNS_MX, 60);
        put16(i);
        put_name("mail*14");
        end_record();
    }
    size_t answers_end = m.n;
    put_soa(300, 30);
    struct message whole = m;
    for (size_t n = 0; n <= whole.n; n++) {
        m.n = n;
        enum dns_status status = status_of_message("a.example", DNS_MX);
        assert_int_equal(status, n < answers_end ? DNS_SERVFAIL : DNS_ANSWER);
    }
    for (size_t i = 0; i < whole.n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            m = whole;
            m.p[i] ^= (uint8_t)(1U << bit);
            status_of_message("a.example", DNS_MX);
        }
        arena_reset(arena);
    }
}

/* The costliest answer that fits a message is read in bounded time. */
static void thousands_of_records(void **state)
{
    (void)state;
    begin(OK, 0, 0, "a.example", DNS_A);
    unsigned n = 0;
    for (; m.n + 16 <= sizeof m.p; n++)
        put_a("*12", 300, n & 255);
    m.p[6] = (uint8_t)(n >> 8);
    m.p[7] = (uint8_t)n;
    struct dns_packet out = read_message("a.example", DNS_A);
    assert_int_equal(out.answer.status, DNS_ANSWER);
    assert_int_equal(out.answer.n, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_bytes),
        cmocka_unit_test(longest_query_fits),
        cmocka_unit_test(echo),
        cmocka_unit_test(addresses),
        cmocka_unit_test(txt_strings_are_joined),
        cmocka_unit_test(names_in_records),
        cmocka_unit_test(cname_chains),
        cmocka_unit_test(negative_answers),
        cmocka_unit_test(wrong_headers),
        cmocka_unit_test(broken_data),
        cmocka_unit_test(compression_loops),
        cmocka_unit_test(pointer_chains),
        cmocka_unit_test(counts_that_lie),
        cmocka_unit_test(cut_and_changed),
        cmocka_unit_test(thousands_of_records),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
