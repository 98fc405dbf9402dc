/* fuzz_spf_check.c - whole SPF checks against a zone that the input describes.
 *
 * The first line is the check: '4' or '6' for the client's address, then HELO, '|', the local part.
 * Every other line is a record: a letter for the name ('a' is a.org, '@' the sender's example.org,
 * '*' all others below org, '-' the client's reverse name), one for the type, and its data:
 *
 *     S  an SPF record: "v=spf1 " and the rest of the line     T  a TXT record: the rest
 *     A  addresses: each byte one                              M  exchanges: each byte a name
 *     P  pointers: each byte a name                            C  an alias for the name
 *     F  SERVFAIL                                              O  TIMEOUT
 *
 * So every input is a zone, and mutations stay close to SPF. */
#include "fuzz.h"

#include <string.h>

#include "spf/spf.h"

/* Root and ten terms; ten exchanges for each; ten client names; four asked ahead in vain; exp. */
#define QUERIES_MAX (11 + 100 + 11 + 4 + 1)

static void add_name(struct strbuf *b, char letter, bool v6)
{
    if (letter == '@')
        sb_add(b, STR("example.org."));
    else if (letter == '-' && v6)
        sb_add(b, STR("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."));
    else if (letter == '-')
        sb_add(b, STR("1.2.0.192.in-addr.arpa."));
    else if (letter == '*')
        sb_add(b, STR("*.org."));
    else
        sb_printf(b, "%c.org.", 'a' + (unsigned char)(letter - 'a') % 26);
}

static void add_text(struct strbuf *b, const char *head, struct str text)
{
    sb_printf(b, " TXT \"%s", head);
    for (size_t i = 0; i < text.n; i++)
        sb_printf(b, "\\%03u", (unsigned char)text.p[i]);
    sb_add(b, STR("\"\n"));
}

/* A record for each byte of the data, at most 20. */
static void add_each(struct strbuf *b, char owner, char type, struct str data, bool v6)
{
    for (size_t i = 0; i < data.n && i < 20; i++) {
        unsigned byte = (unsigned char)data.p[i];
        add_name(b, owner, v6);
        if (type == 'A')
            sb_printf(b, byte & 1 ? " A 192.0.2.%u\n" : " AAAA 2001:db8::%u\n", byte / 2 % 10);
        else
            sb_printf(b, type == 'M' ? " MX %zu " : " PTR ", i);
        if (type == 'A')
            continue;
        add_name(b, data.p[i], v6);
        sb_addc(b, '\n');
    }
}

static void add_record(struct strbuf *b, struct str line, bool v6)
{
    if (line.n < 2)
        return;
    char owner = line.p[0], type = line.p[1];
    struct str data = str_sub(line, 2, line.n);
    if (strchr("AMP", type)) {
        add_each(b, owner, type, data, v6);
        return;
    }
    add_name(b, owner, v6);
    if (type == 'S') {
        add_text(b, "v=spf1 ", data);
    } else if (type == 'C') {
        sb_add(b, STR(" CNAME "));
        add_name(b, data.n ? data.p[0] : 'a', v6);
        sb_addc(b, '\n');
    } else if (type == 'F' || type == 'O') {
        sb_add(b, type == 'F' ? STR(" SERVFAIL\n") : STR(" TIMEOUT\n"));
    } else {
        add_text(b, "", data);
    }
}

static void require_clean(struct str text, size_t max)
{
    require(text.n <= max);
    for (size_t i = 0; i < text.n; i++)
        require(text.p[i] >= 0x20 && text.p[i] < 0x7F);
}

static void check_outcome(const struct spf_outcome *out, const struct dns_asker *asker)
{
    require(!out->pending && out->result < SPF_RESULT_COUNT);
    require(out->lookup_terms <= 10 && out->void_lookups <= 2);
    require(asker->queries <= QUERIES_MAX);
    require_clean(out->mechanism, 255);
    require_clean(out->problem, 2000);
    require(out->explanation.n <= 2000 && (out->result == SPF_FAIL || !out->explanation.p));
    for (size_t i = 0; i < out->explanation.n; i++)
        require((unsigned char)out->explanation.p[i] < 0x80);
}

static void discard(void *context, unsigned depth, struct str text)
{
    size_t *bytes = context;
    *bytes += text.n + depth;
}

static void check(struct arena *a, struct dns *dns, const struct spf_request *request)
{
    struct dns_asker asker = {.dns = dns, .arena = a, .patience_us = 1000000};
    struct dns_asker again = {.dns = dns, .arena = a, .may_pend = true};
    struct spf_request wordy = *request;
    struct spf_outcome out, warm;
    size_t bytes = 0;
    spf_check(request, &asker, &out);
    check_outcome(&out, &asker);
    wordy.step = discard;
    wordy.step_context = &bytes;
    wordy.want_explanation = false;
    spf_check(&wordy, &again, &warm);
    require(warm.pending || warm.result == out.result);
    require(warm.pending || str_eq(warm.mechanism, out.mechanism));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str rest = fuzz_text(data, size), first = STR(""), line, problem;
    struct strbuf zone;
    struct spf_request request = {
        .domain = STR("example.org"), .limits = spf_limits_default, .want_explanation = true};
    str_split(&rest, '\n', &first);
    bool v6 = first.n && first.p[0] == '6';
    netaddr_parse(v6 ? STR("2001:db8::1") : STR("192.0.2.1"), &request.client);
    first = str_sub(first, 1, first.n);
    if (str_split(&first, '|', &request.helo))
        request.local = first;
    sb_init(&zone, a);
    while (str_split(&rest, '\n', &line))
        add_record(&zone, line, v6);
    struct dns *dns = dns_open_zone(sb_str(&zone), a, &problem);
    require(dns);
    check(a, dns, &request);
    arena_free(a);
    dns_close(dns);
    return 0;
}
