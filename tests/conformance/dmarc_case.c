/* dmarc_case.c - reads and plays DMARC cases.
 *
 * Errors: a case that cannot be read is a mistake of its writer; it ends the program. */
#include "dmarc_case.h"

#include <stdio.h>
#include <stdlib.h>

#include "mail/domain.h"

_Noreturn static void fail(const struct dmarc_case_reader *r, const char *what, struct str which)
{
    fprintf(stderr, "%s:%u: %s \"%.*s\"\n", r->file, r->line, what, STR_ARG(which));
    exit(2);
}

void dmarc_case_open(struct dmarc_case_reader *reader, const char *file, struct str text)
{
    *reader = (struct dmarc_case_reader){.file = file, .rest = text};
}

/* The next line that says something, as its word and the rest. */
static bool next_line(struct dmarc_case_reader *r, struct str *word, struct str *rest)
{
    struct str line;
    while (str_split(&r->rest, '\n', &line)) {
        r->line++;
        line = str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        size_t end = 0;
        while (end < line.n && line.p[end] != ' ' && line.p[end] != '\t')
            end++;
        *word = str_sub(line, 0, end);
        *rest = str_trim(str_sub(line, end, line.n));
        if (rest->n == 0)
            fail(r, "nothing stands behind", *word);
        return true;
    }
    return false;
}

static struct str read_domain(struct dmarc_case_reader *r, struct arena *a, struct str text)
{
    struct str domain;
    if (!domain_normalize(a, text, &domain))
        fail(r, "not a domain name:", text);
    return domain;
}

static void add_identifier(struct dmarc_case_reader *r, struct arena *a, struct dmarc_case *c,
                           bool spf, struct str rest)
{
    static const struct str words[] = {[DMARC_AUTH_FAIL] = STR_INIT("fail"),
                                       [DMARC_AUTH_PASS] = STR_INIT("pass"),
                                       [DMARC_AUTH_UNKNOWN] = STR_INIT("unknown")};
    struct str word = str_sub(rest, 0, str_find(rest, 0, ' '));
    int auth = 0;
    while (auth < 3 && !str_eq(word, words[auth]))
        auth++;
    if (auth == 3)
        fail(r, "neither pass nor fail nor unknown:", word);
    if (c->n_ids == DMARC_CASE_IDS)
        fail(r, "too many identifiers at", rest);
    c->ids[c->n_ids++] = (struct dmarc_identifier){
        .domain = read_domain(r, a, str_trim(str_sub(rest, word.n, rest.n))),
        .auth = (enum dmarc_auth)auth,
        .spf = spf,
    };
}

static void read_line(struct dmarc_case_reader *r, struct arena *a, struct dmarc_case *c,
                      struct str word, struct str rest)
{
    if (str_eq(word, STR("zone")))
        sb_printf(&c->zone, "%.*s\n", STR_ARG(rest));
    else if (str_eq(word, STR("from")))
        c->from = read_domain(r, a, rest);
    else if (str_eq(word, STR("spf")))
        add_identifier(r, a, c, true, rest);
    else if (str_eq(word, STR("dkim")))
        add_identifier(r, a, c, false, rest);
    else if (str_eq(word, STR("suffixes")))
        c->suffixes = rest;
    else if (str_eq(word, STR("want")))
        c->want = rest;
    else if (str_eq(word, STR("reason")))
        c->reason = rest;
    else
        fail(r, "unknown word", word);
}

/* The zone lines before the first case. */
static bool read_common(struct dmarc_case_reader *r, struct arena *a)
{
    struct strbuf zone;
    struct str word, rest;
    sb_init(&zone, a);
    while (next_line(r, &word, &rest)) {
        r->common_zone = sb_str(&zone);
        if (str_eq(word, STR("case"))) {
            r->next = rest;
            return true;
        }
        if (!str_eq(word, STR("zone")))
            fail(r, "before the first case stands", word);
        sb_printf(&zone, "%.*s\n", STR_ARG(rest));
    }
    return false;
}

struct dmarc_case *dmarc_case_next(struct dmarc_case_reader *reader, struct arena *a)
{
    struct str word, rest;
    if (!reader->next.p && !read_common(reader, a))
        return NULL;
    if (!reader->next.n)
        return NULL;
    struct dmarc_case *c = arena_make(a, struct dmarc_case);
    c->line = reader->line;
    c->name = reader->next;
    sb_init(&c->zone, a);
    sb_add(&c->zone, reader->common_zone);
    reader->next = STR("");
    while (next_line(reader, &word, &rest)) {
        if (str_eq(word, STR("case"))) {
            reader->next = rest;
            break;
        }
        read_line(reader, a, c, word, rest);
    }
    if (!c->from.n || !c->want.n)
        fail(reader, "before this line, from or want is missing in case", c->name);
    return c;
}

static void add_step(void *context, unsigned depth, struct str text)
{
    sb_printf(context, "    %*s%.*s\n", (int)depth * 2, "", STR_ARG(text));
}

/* The list of a case: one rule a line. */
static const struct psl *read_suffixes(const struct dmarc_case *c, struct arena *a)
{
    struct str rest = c->suffixes, rule, problem;
    struct strbuf text;
    sb_init(&text, a);
    if (!rest.n)
        return NULL;
    while (str_split(&rest, ' ', &rule))
        sb_printf(&text, "%.*s\n", STR_ARG(rule));
    const struct psl *psl = psl_parse(a, sb_str(&text), &problem);
    if (!psl) {
        fprintf(stderr, "suffixes of case \"%.*s\": %.*s\n", STR_ARG(c->name), STR_ARG(problem));
        exit(2);
    }
    return psl;
}

void dmarc_case_play(const struct dmarc_case *c, struct arena *a, struct dmarc_outcome *out,
                     struct str *steps)
{
    struct strbuf account;
    struct str problem = STR_NONE, zone = {c->zone.p, c->zone.n};
    struct arena *held = arena_new(0); /* the answers' lifetime: it ends before the resolver's */
    struct dns *dns = dns_open_zone(zone, a, &problem);
    if (!dns) {
        fprintf(stderr, "zone of case \"%.*s\": %.*s\n", STR_ARG(c->name), STR_ARG(problem));
        exit(2);
    }
    struct dns_asker asker = {.dns = dns, .arena = held, .patience_us = 10000000};
    struct dmarc_request request = {.author_domain = c->from,
                                    .ids = c->ids,
                                    .n_ids = c->n_ids,
                                    .psl = read_suffixes(c, held),
                                    .step = add_step,
                                    .step_context = &account};
    sb_init(&account, a);
    dmarc_evaluate(&request, &asker, out);
    out->record_domain = str_copy(a, out->record_domain);
    out->organizational_domain = str_copy(a, out->organizational_domain);
    out->reason = str_copy(a, out->reason);
    *steps = sb_str(&account);
    arena_free(held);
    dns_close(dns);
}

static struct str or_dash(struct str s)
{
    return s.n ? s : STR("-");
}

struct str dmarc_case_line(struct arena *a, const struct dmarc_outcome *out)
{
    const char *tag = out->policy_tag == 's'   ? "sp"
                      : out->policy_tag == 'n' ? "np"
                      : out->policy_tag == 'p' ? "p"
                                               : "-";
    const char *aligned = out->spf_aligned && out->dkim_aligned ? "spf,dkim"
                          : out->spf_aligned                    ? "spf"
                          : out->dkim_aligned                   ? "dkim"
                                                                : "-";
    return str_printf(
        a, "%s policy=%s tag=%s record=%.*s org=%.*s aligned=%s discovery=%s queries=%u",
        dmarc_result_name(out->result),
        out->policy_tag == '-' ? "-" : dmarc_policy_name(out->policy), tag,
        STR_ARG(or_dash(out->record_domain)), STR_ARG(or_dash(out->organizational_domain)), aligned,
        dmarc_discovery_name(out->discovery), out->queries);
}
