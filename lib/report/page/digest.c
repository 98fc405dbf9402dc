/* digest.c - the weekly mail.
 *
 * Errors: false, and *problem is a phrase. */
#include "report/page/digest.h"

#include <inttypes.h>
#include <stdlib.h>

#include "crypto/canon.h"
#include "report/out/mail.h"

#define LINE_BYTES 57 /* input of a line of base64 */
#define SOURCES    10 /* sources that are named */

struct digest {
    const struct page_stores *stores;
    const struct digest_mail *mail;
    struct page_site site;
    struct page_query query;
    struct page page; /* for its functions that write numbers and days */
    struct figures figures;
    struct figures_counts before;
    size_t n_alarms;
    struct alarm *alarms;
    struct strbuf body;
    struct arena *arena;
};

/* Text from reports, as ASCII without control characters. */
static struct str digest_safe(const struct digest *d, struct str text, size_t max)
{
    return str_safe(d->arena, text.p ? text : STR(""), max, false);
}

static struct str digest_count(const struct digest *d, uint64_t n)
{
    return page_count(&d->page, n);
}

/* "1 message", "32,857 messages". */
static struct str digest_messages(const struct digest *d, uint64_t n)
{
    return str_printf(d->arena, "%.*s message%s", STR_ARG(digest_count(d, n)), n == 1 ? "" : "s");
}

/* The day in ASCII. */
static struct str date(const struct digest *d, int64_t day)
{
    const struct page_query q = {.from = day, .to = day};
    struct str url = page_query_url(&q, d->arena); /* ...from=2026-11-29&... */
    size_t at = str_find(url, 0, '=');
    return str_sub(url, at + 1, at + 11);
}

/* --- What is known -----------------------------------------------------------------------------*/

static bool read_all(struct digest *d)
{
    struct received *r = d->stores->received;
    struct figures_filter f = page_filter(d->stores, &d->query), before = f;
    struct figures former;
    before.from_day -= d->mail->days;
    before.to_day -= d->mail->days;
    if (!r)
        return true;
    if (!figures_read(r, &f, d->arena, &d->figures) ||
        !figures_read(r, &before, d->arena, &former) ||
        !alarms_read(r, &f, d->arena, &d->n_alarms, &d->alarms))
        return false;
    d->before = former.counts;
    return true;
}

static uint64_t passed(const struct figures_counts *c)
{
    return figures_all(c) - c->fail;
}

/* "94.6 %", in ASCII. */
static struct str share(const struct digest *d, const struct figures_counts *c)
{
    return figures_all(c) ? page_share(&d->page, passed(c), figures_all(c)) : STR("nothing");
}

/* --- The text ----------------------------------------------------------------------------------*/

static void put_alarms(struct digest *d)
{
    struct strbuf *b = &d->body;
    if (!d->n_alarms) {
        sb_add(b, STR("Nothing has changed that you should look at.\n\n"));
        return;
    }
    sb_printf(b, "Look at this:\n\n");
    for (size_t i = 0; i < d->n_alarms; i++)
        sb_printf(b, "  %s %.*s:\n    %.*s\n", d->alarms[i].grave ? "!!" : " *",
                  STR_ARG(digest_safe(d, d->alarms[i].domain, 100)),
                  STR_ARG(digest_safe(d, d->alarms[i].text, 600)));
    sb_addc(b, '\n');
}

static void put_sum(struct digest *d)
{
    struct strbuf *b = &d->body;
    const struct figures_counts *c = &d->figures.counts;
    uint64_t all = figures_all(c);
    size_t reporters = d->figures.n_reporters;
    sb_printf(b, "%.*s in your name %s reported by %zu reporter%s; %.*s passed DMARC.\n",
              STR_ARG(digest_messages(d, all)), all == 1 ? "was" : "were", reporters,
              reporters == 1 ? "" : "s", STR_ARG(share(d, c)));
    sb_printf(b, "In the %" PRId64 " days before it were %.*s; %.*s passed.\n\n", d->mail->days,
              STR_ARG(digest_count(d, figures_all(&d->before))), STR_ARG(share(d, &d->before)));
}

static bool put_domain(struct digest *d, const struct figures_domain *domain)
{
    struct readiness r;
    if (!page_read_readiness(d->stores, &d->query, domain->name, d->arena, &r))
        return false;
    sb_printf(&d->body, "  %.*s (p=%.*s): %.*s, %.*s passed, %.*s failed\n    %.*s\n",
              STR_ARG(digest_safe(d, domain->name, 100)),
              STR_ARG(domain->p.n ? digest_safe(d, domain->p, 20) : STR("?")),
              STR_ARG(digest_messages(d, figures_all(&domain->counts))),
              STR_ARG(share(d, &domain->counts)), STR_ARG(digest_count(d, domain->counts.fail)),
              STR_ARG(digest_safe(d, r.summary, 600)));
    return true;
}

static bool put_domains(struct digest *d)
{
    sb_add(&d->body, STR("Your domains:\n\n"));
    for (size_t i = 0; i < d->figures.n_domains; i++)
        if (d->figures.domains[i].ours && !put_domain(d, &d->figures.domains[i]))
            return false;
    sb_addc(&d->body, '\n');
    return true;
}

static int by_failing(const void *a, const void *b)
{
    const struct figures_source *x = a, *y = b;
    return (x->counts.fail < y->counts.fail) - (x->counts.fail > y->counts.fail);
}

static void put_failing(struct digest *d)
{
    const struct figures *f = &d->figures;
    if (f->n_sources)
        qsort(f->sources, f->n_sources, sizeof *f->sources, by_failing);
    for (size_t i = 0; i < f->n_sources && i < SOURCES && f->sources[i].counts.fail; i++) {
        const struct figures_source *s = &f->sources[i];
        sb_printf(&d->body, "%s  %9.*s  %-14s  %.*s\n", i ? "" : "Mail that failed, by source:\n\n",
                  STR_ARG(digest_count(d, s->counts.fail)), source_class_word(s->class),
                  STR_ARG(digest_safe(d, s->name, 100)));
    }
}

static bool put_own(struct digest *d)
{
    const struct page_own_day *days;
    uint64_t sums[OURS_COUNT] = {0};
    if (!page_read_own(d->stores, &d->query, d->arena, &days))
        return false;
    for (int64_t i = 0; days && i < d->mail->days; i++)
        for (size_t k = 0; k < OURS_COUNT; k++)
            sums[k] += days[i].n[k];
    if (days)
        sb_printf(&d->body,
                  "\nOf mail from outside this host accepted %.*s messages, quarantined %.*s and "
                  "rejected\n%.*s.\n",
                  STR_ARG(digest_count(d, sums[OURS_ACCEPTED])),
                  STR_ARG(digest_count(d, sums[OURS_QUARANTINED])),
                  STR_ARG(digest_count(d, sums[OURS_REJECTED])));
    return true;
}

static bool put_text(struct digest *d)
{
    sb_printf(&d->body, "What DMARC reports say of %.*s to %.*s (UTC).\n\n",
              STR_ARG(date(d, d->query.from)), STR_ARG(date(d, d->query.to)));
    if (!d->figures.n_reporters) {
        sb_add(
            &d->body,
            STR("No report about these days counts. Only those count whose mail passed DMARC: "
                "assay\n"
                "report list shows those that came. Does the DMARC record of your domains name an\n"
                "address (rua) that reaches assay report receive? assay doctor looks.\n\n"));
        put_alarms(d);
        return put_own(d);
    }
    put_alarms(d);
    put_sum(d);
    if (!put_domains(d))
        return false;
    put_failing(d);
    return put_own(d);
}

/* --- The mail ----------------------------------------------------------------------------------*/

static struct str subject(struct digest *d)
{
    const struct figures_counts *c = &d->figures.counts;
    const char *who = d->site.n_domains == 1 ? digest_safe(d, d->site.domains[0], 60).p : NULL;
    if (!who && d->site.n_domains)
        who = str_printf(d->arena, "%zu domains", d->site.n_domains).p;
    if (!d->figures.n_reporters)
        return str_printf(d->arena, "DMARC digest: %s%sno report in %" PRId64 " days",
                          who ? who : "", who ? ": " : "", d->mail->days);
    struct str alarms = STR("");
    if (d->n_alarms)
        alarms = str_printf(d->arena, ", %zu alarm%s", d->n_alarms, d->n_alarms == 1 ? "" : "s");
    return str_printf(d->arena, "DMARC digest: %s: %.*s, %.*s passed%.*s",
                      who ? who : "all domains", STR_ARG(digest_messages(d, figures_all(c))),
                      STR_ARG(share(d, c)), STR_ARG(alarms));
}

static void put_head(struct digest *d, struct strbuf *b, const char *boundary)
{
    const struct digest_mail *m = d->mail;
    sb_printf(b, "From: %.*s\n", STR_ARG(m->from));
    for (size_t i = 0; i < m->n_to; i++)
        sb_printf(b, "%s%s%s\n", i ? " " : "To: ", m->to[i], i + 1 < m->n_to ? "," : "");
    sb_printf(b, "Subject: %.*s\n", STR_ARG(subject(d)));
    sb_printf(b, "Date: %.*s\n", STR_ARG(report_mail_date(m->now, d->arena)));
    sb_printf(b, "Message-ID: <%s@%.*s>\n", boundary, STR_ARG(m->host));
    sb_printf(b,
              "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
              "Content-Type: multipart/mixed; boundary=\"%s\"\n\n",
              boundary);
}

static void put_page(struct digest *d, struct strbuf *b, struct str page)
{
    sb_add(b, STR("Content-Type: text/html; charset=utf-8; name=\"overview.html\"\n"
                  "Content-Disposition: attachment; filename=\"overview.html\"\n"
                  "Content-Transfer-Encoding: base64\n\n"));
    for (size_t i = 0; i < page.n; i += LINE_BYTES) {
        sb_add(b, base64_encode(d->arena, str_sub(page, i, i + LINE_BYTES)));
        sb_addc(b, '\n');
    }
}

static struct str compose_mail(struct digest *d, struct str page)
{
    struct strbuf b;
    unsigned char digest[32];
    struct str text = sb_str(&d->body);
    page_digest(page, d->arena, digest);
    const char *boundary =
        str_printf(d->arena, "assay-digest-%" PRId64 "-%02x%02x%02x%02x%02x%02x", d->mail->now,
                   digest[0], digest[1], digest[2], digest[3], digest[4], digest[5])
            .p;
    sb_init(&b, d->arena);
    put_head(d, &b, boundary);
    sb_printf(&b, "--%s\nContent-Type: text/plain; charset=us-ascii\n\n", boundary);
    sb_add(&b, text);
    sb_printf(&b, "\n--%s\n", boundary);
    put_page(d, &b, page);
    sb_printf(&b, "--%s--\n", boundary);
    return sb_str(&b);
}

/* The page is a single file, so it has no links to others. */
static bool make_page(struct digest *d, struct str *page, struct str *problem)
{
    bool found;
    struct page_site alone = d->site;
    alone.alone = true;
    return page_make(d->stores, &alone, &d->query, 0, d->arena, page, &found, problem);
}

bool digest_compose(const struct page_stores *s, const struct digest_mail *m, struct arena *a,
                    struct str *out, struct str *problem)
{
    struct str page;
    int64_t yesterday = m->now / 86400 - 1;
    struct digest d = {.stores = s, .mail = m, .arena = a};
    d.query = (struct page_query){.domain = STR(""),
                                  .source = STR(""),
                                  .reporter = STR(""),
                                  .report = STR(""),
                                  .from = yesterday - m->days + 1,
                                  .to = yesterday};
    if (!page_site_read(s, m->now, false, a, &d.site, problem))
        return false;
    d.page = (struct page){.arena = a, .site = &d.site, .query = &d.query};
    sb_init(&d.body, a);
    if (!read_all(&d) || !put_text(&d)) {
        *problem = page_stores_problem(s, a);
        return false;
    }
    if (!make_page(&d, &page, problem))
        return false;
    *out = compose_mail(&d, page);
    return true;
}
