/* Whole DMARC evaluations. The first line is the author domain, the second the identifiers ("sp"
 * SPF pass, "du" DKIM unknown, then the domain; "psl": by a public suffix list), each further one a
 * domain and what _dmarc. of it holds:
 *
 *   www.a.b
 *   spmail.a.b dfb duc.www.a.b
 *   a.b v=DMARC1; p=reject
 *   b SERVFAIL
 */
#include "fuzz.h"

#include "dmarc/dmarc.h"
#include "mail/domain.h"

#define IDS_MAX   8
#define LINES_MAX 24

struct input {
    struct arena *arena;
    struct str author;
    struct dmarc_identifier ids[IDS_MAX];
    size_t n_ids;
    const struct psl *psl;
    struct strbuf zone;
};

static void require_clean(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        require(text.p[i] >= 0x20 && text.p[i] < 0x7F);
}

static void read_identifiers(struct input *in, struct str line)
{
    struct str word;
    while (in->n_ids < IDS_MAX && str_split(&line, ' ', &word)) {
        struct dmarc_identifier *id = &in->ids[in->n_ids];
        struct str problem;
        if (str_eq(word, STR("psl")))
            in->psl = psl_parse(in->arena, STR("com\nb\na.b\n*.c\n!a.c"), &problem);
        if (word.n < 3 || !domain_normalize_ascii(in->arena, str_sub(word, 2, word.n), &id->domain))
            continue;
        id->spf = word.p[0] == 's';
        id->auth = word.p[1] == 'p'   ? DMARC_AUTH_PASS
                   : word.p[1] == 'u' ? DMARC_AUTH_UNKNOWN
                                      : DMARC_AUTH_FAIL;
        in->n_ids++;
    }
}

/* Text for a zone, every byte escaped but the dots of a name. */
static void add_escaped(struct strbuf *zone, struct str text, bool name)
{
    for (size_t i = 0; i < text.n; i++)
        if (name && text.p[i] == '.')
            sb_addc(zone, '.');
        else
            sb_printf(zone, "\\%03u", (unsigned char)text.p[i]);
}

static void read_zone_line(struct input *in, struct str line)
{
    size_t space = str_find(line, 0, ' ');
    struct str domain, text = str_sub(line, space + 1, line.n);
    if (!domain_normalize_ascii(in->arena, str_sub(line, 0, space), &domain) || domain.n > 240)
        return;
    bool trouble = str_eq(text, STR("SERVFAIL")) || str_eq(text, STR("TIMEOUT"));
    if (str_eq(text, STR("EXISTS")) || str_eq(text, STR("LOST"))) {
        add_escaped(&in->zone, domain, true);
        sb_add(&in->zone, text.p[0] == 'E' ? STR(". A 192.0.2.1\n") : STR(". SERVFAIL\n"));
        return;
    }
    sb_add(&in->zone, STR("_dmarc."));
    add_escaped(&in->zone, domain, true);
    sb_printf(&in->zone, ". %s%.*s", trouble ? "" : "TXT \"", trouble ? (int)text.n : 0, text.p);
    if (!trouble)
        add_escaped(&in->zone, text, false);
    sb_add(&in->zone, trouble ? STR("\n") : STR("\"\n"));
}

static bool read_input(struct input *in, struct str text)
{
    struct str line;
    sb_init(&in->zone, in->arena);
    if (!str_split(&text, '\n', &line) || !domain_normalize_ascii(in->arena, line, &in->author) ||
        !str_split(&text, '\n', &line))
        return false;
    read_identifiers(in, line);
    for (size_t i = 0; i < LINES_MAX && str_split(&text, '\n', &line); i++)
        read_zone_line(in, line);
    return true;
}

static void step(void *context, unsigned depth, struct str text)
{
    (void)context, (void)depth;
    require_clean(text);
}

static void evaluate(struct input *in, struct dns_asker *asker, struct dmarc_outcome *out)
{
    struct dmarc_request request = {.author_domain = in->author,
                                    .ids = in->ids,
                                    .n_ids = in->n_ids,
                                    .psl = in->psl,
                                    .step = step};
    dmarc_evaluate(&request, asker, out);
    require(out->queries >= 1 && out->queries <= 8 * (1 + in->n_ids) + 1);
    require(out->reason.n > 0);
    require((out->discovery == DMARC_PSL) == (in->psl != NULL));
    require(!in->psl || out->queries <= 3);
    require_clean(out->reason);
    require((out->result == DMARC_PASS) == (out->spf_aligned || out->dkim_aligned));
    if (out->organizational_domain.n)
        require(domain_is_at_or_below(in->author, out->organizational_domain));
    if (out->result == DMARC_PASS) {
        const struct dmarc_identifier *id = &in->ids[out->aligned_index];
        require(out->aligned_index < in->n_ids && id->auth == DMARC_AUTH_PASS);
        require(id->spf ? out->spf_aligned : out->dkim_aligned);
    }
    require(out->result != DMARC_PERMERROR);
    require(out->result != DMARC_NONE || out->policy_tag == '-');
    if (out->policy_tag == '-') {
        require(out->record_domain.n == 0 && out->policy == DMARC_P_NONE);
    } else {
        require(domain_is_at_or_below(in->author, out->record_domain));
        require(out->policy_tag == 'p' || !str_eq(in->author, out->record_domain));
    }
}

/* Whatever becomes of what is not known: a pass, a fail and a none stay what they are. */
static void require_sure(struct input *in, struct dns_asker *asker,
                         const struct dmarc_outcome *first)
{
    struct dmarc_outcome then;
    struct dmarc_identifier ids[IDS_MAX];
    for (size_t i = 0; i < in->n_ids; i++)
        ids[i] = in->ids[i];
    for (int auth = DMARC_AUTH_FAIL; auth <= DMARC_AUTH_PASS; auth++) {
        for (size_t i = 0; i < in->n_ids; i++)
            in->ids[i].auth =
                ids[i].auth == DMARC_AUTH_UNKNOWN ? (enum dmarc_auth)auth : ids[i].auth;
        evaluate(in, asker, &then);
        require(first->result == DMARC_TEMPERROR || then.result == first->result);
        require(first->result == DMARC_TEMPERROR || then.policy == first->policy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0), *held = arena_new(0);
    struct input in = {.arena = a};
    struct str problem;
    struct dmarc_outcome out;
    struct dns *dns = NULL;
    if (read_input(&in, fuzz_text(data, size)))
        dns = dns_open_zone(sb_str(&in.zone), a, &problem);
    if (dns) {
        struct dns_asker asker = {.dns = dns, .arena = held, .patience_us = 1000000};
        dmarc_prefetch(in.author, in.psl, &asker);
        evaluate(&in, &asker, &out);
        require_sure(&in, &asker, &out);
    }
    arena_free(held);
    if (dns)
        dns_close(dns);
    arena_free(a);
    return 0;
}
