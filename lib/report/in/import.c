/* import.c - stores what is found in an input.
 *
 * Errors: false if the store failed: it has the reason, and the caller has to undo the transaction.
 */
#include "report/in/import.h"

#include <string.h>
#include <zlib.h>

#include "crypto/digest.h"
#include "report/in/reporter.h"

#define RAW_MAX (1U << 20) /* of compressed XML; ten times what real reports have */

/* --- Raw XML, compressed as it passes ----------------------------------------------------------*/

struct packing {
    struct arena *arena;
    z_stream z;
    struct strbuf out;
    bool bad;
};

static void end_packing(void *z)
{
    deflateEnd(z);
}

static void pack(struct packing *p, struct str piece, int flush)
{
    unsigned char chunk[4096];
    p->z.next_in = (z_const Bytef *)(uintptr_t)piece.p; /* zlib does not write there */
    p->z.avail_in = (uInt)piece.n;
    do {
        p->z.next_out = chunk;
        p->z.avail_out = sizeof chunk;
        p->bad = p->bad || deflate(&p->z, flush) == Z_STREAM_ERROR || p->out.n > RAW_MAX;
        if (!p->bad)
            sb_add(&p->out, (struct str){(const char *)chunk, sizeof chunk - p->z.avail_out});
    } while (!p->bad && !p->z.avail_out);
}

static void begin_packing(struct packing *p, struct arena *a)
{
    *p = (struct packing){.arena = a};
    sb_init(&p->out, a);
    p->bad = deflateInit2(&p->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    if (!p->bad)
        arena_defer(a, end_packing, &p->z);
}

/* --- Aggregate reports -------------------------------------------------------------------------*/

struct storing {
    struct import *import;
    struct received_report report;
    struct packing packing;
};

static bool store_row(void *storing, const struct aggregate_row *row)
{
    struct storing *s = storing;
    s->report.records++;
    s->report.messages += (uint64_t)row->count;
    if (!received_put_row(s->import->store, &s->report, row))
        s->import->failed = true;
    return !s->import->failed;
}

static void take_bytes(void *storing, struct str piece)
{
    struct storing *s = storing;
    pack(&s->packing, piece, Z_NO_FLUSH);
}

static bool store_new(struct storing *s, const struct found_aggregate *found)
{
    struct import *i = s->import;
    const struct aggregate_watch watch = {s, store_row, take_bytes};
    begin_packing(&s->packing, arena_new(0));
    found_rows(found, &watch);
    pack(&s->packing, STR(""), Z_FINISH);
    bool good = !i->failed && received_end(i->store, &s->report) &&
                (s->packing.bad || received_put_raw(i->store, &s->report, sb_str(&s->packing.out)));
    arena_free(s->packing.arena);
    i->counts->reports++;
    i->counts->damaged += found->damaged;
    i->counts->uncounted += i->trust < TRUST_COUNTED;
    i->counts->rows += s->report.records;
    i->counts->messages += s->report.messages;
    return good;
}

/* Organizations have many names. Who does not pass DMARC has none that can be believed: all of them
 * together are one sender. */
static struct str sender_of(const struct import *i)
{
    return i->author.n ? reporter_organization(i->psl, i->author) : STR("");
}

static bool refuse_full(struct import *i, struct str sender)
{
    struct str who = sender.n ? sender : STR("mail that does not pass DMARC");
    return import_refusal(i, STR_NONE,
                          str_printf(i->arena,
                                     "is more than is taken in a day: %.*s has brought %llu KB of "
                                     "reports today (reports.sender-limit)",
                                     STR_ARG(who), (unsigned long long)(i->share / 1024)));
}

static bool take_aggregate(void *import, const struct found_aggregate *found)
{
    struct import *i = import;
    struct storing s = {.import = i,
                        .report = {.head = found->report->head,
                                   .trust = i->trust,
                                   .damaged = found->damaged,
                                   .repaired = found->repaired,
                                   .received = i->now,
                                   .size = found->size,
                                   .skipped = found->report->skipped,
                                   .origin = i->origin,
                                   .author = i->author,
                                   .sender = sender_of(i),
                                   .share = i->share}};
    s.report.other = reporter_is_other(i->psl, i->arena, &s.report.head, i->author);
    for (size_t k = 0; k < FIND_DIGEST; k++)
        s.report.digest[k] = found->digest[k];
    received_identify(&s.report);
    enum received_result result = received_put(i->store, &s.report);
    if (result == RECEIVED_KNOWN)
        i->counts->known++;
    else if (result == RECEIVED_FULL)
        refuse_full(i, s.report.sender);
    else if (result == RECEIVED_FAILED || !store_new(&s, found))
        i->failed = true;
    return !i->failed;
}

/* --- The rest ----------------------------------------------------------------------------------*/

static bool import_count(struct import *i, enum received_result result, size_t *new)
{
    *new += result == RECEIVED_NEW;
    i->counts->known += result == RECEIVED_KNOWN;
    i->failed = i->failed || result == RECEIVED_FAILED;
    return !i->failed;
}

static bool take_failure(void *import, const struct failure_report *report,
                         const unsigned char *digest)
{
    struct import *i = import;
    return import_count(i, received_put_failure(i->store, report, digest, i->now),
                        &i->counts->failures);
}

static bool take_tls(void *import, const struct tlsrpt *report, const unsigned char *digest)
{
    struct import *i = import;
    return import_count(i, received_put_tls(i->store, report, digest, i->now), &i->counts->tls);
}

static bool take_refusal(void *import, struct str what, struct str why)
{
    return import_refusal(import, what, why);
}

static void sum_up(struct import *i, struct str input)
{
    struct arena *a = arena_new(0);
    struct digest d;
    digest_init(&d, a, UINT64_MAX);
    digest_add(&d, input.p, input.n);
    digest_finish(&d, i->digest);
    arena_free(a);
}

/* Of a character in UTF-8, C1 controls included; 0: there is none. */
static size_t import_character(struct str text, size_t at)
{
    unsigned char c = (unsigned char)text.p[at];
    unsigned char next = at + 1 < text.n ? (unsigned char)text.p[at + 1] : 0;
    return c < 0x80 ? 1 : c == 0xC2 && next >= 0x80 && next < 0xA0 ? 2 : str_utf8(text, at);
}

/* As it came, at most `max` bytes; what is not UTF-8 is U+FFFD, as it would come from a twin. */
static struct str import_text(const struct import *i, struct str text, size_t max)
{
    struct strbuf b;
    if (!text.p)
        return text;
    sb_init(&b, i->arena);
    for (size_t at = 0; at < text.n;) {
        size_t n = import_character(text, at);
        struct str c = n ? str_sub(text, at, at + n) : STR("\xEF\xBF\xBD");
        if (b.n + c.n > max)
            break;
        sb_add(&b, c);
        at += n ? n : 1;
    }
    return sb_str(&b);
}

bool import_refusal(struct import *i, struct str what, struct str why)
{
    struct received_refusal refusal = {.received = i->now,
                                       .origin = import_text(i, i->origin, 200),
                                       .from = import_text(i, i->from, 200),
                                       .subject = import_text(i, i->subject, 200),
                                       .what = import_text(i, what, 200),
                                       .why = import_text(i, why, IN_FIELD_MAX)};
    memcpy(refusal.digest, i->digest, sizeof refusal.digest);
    i->counts->refused++;
    i->why = refusal.why;
    if (received_put_refusal(i->store, &refusal) == RECEIVED_FAILED)
        i->failed = true;
    return !i->failed;
}

bool import_input(struct import *i, struct str input)
{
    const struct find_sink sink = {i, take_aggregate, take_failure, take_tls, take_refusal};
    sum_up(i, input);
    return find_reports(input, &sink) && !i->failed;
}
