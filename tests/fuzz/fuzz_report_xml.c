/* A report as XML: strict, and mended, in whatever pieces it comes. */
#include "fuzz.h"

#include "report/in/aggregate.h"
#include "report/in/repair.h"

static bool take_row(void *rows, const struct aggregate_row *row)
{
    ++*(size_t *)rows;
    require(row->source.family == 4 || row->source.family == 6);
    require(row->count >= 0 && row->header_from.n <= 2 * IN_FIELD_MAX);
    require(row->n_dkim <= IN_SIGNATURES && row->n_spf <= IN_SPF_RESULTS);
    return true;
}

static void add(void *out, const char *p, size_t n)
{
    sb_add(out, (struct str){p, n});
}

static struct str mend(struct arena *a, struct str text, size_t piece)
{
    struct repair r;
    struct strbuf out;
    sb_init(&out, a);
    repair_begin(&r, text, add, &out);
    for (size_t i = 0; i < text.n; i += piece)
        repair_feed(&r, str_sub(text, i, i + piece));
    repair_end(&r);
    return sb_str(&out);
}

static void read_it(struct arena *a, struct str text, bool repair)
{
    struct stream s;
    struct aggregate report;
    size_t rows = 0;
    const struct aggregate_watch watch = {.context = &rows, .row = take_row};
    stream_open(&s, a, text, NULL, STREAM_PLAIN);
    aggregate_read(&s, a, repair, &watch, &report);
    require(report.rows == rows && (report.end == AGGREGATE_WHOLE || report.why.n));
    require(report.head.report_id.n <= IN_FIELD_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size);
    read_it(a, text, false);
    read_it(a, text, true);
    struct str whole = mend(a, text, 100000), pieces = mend(a, text, 3);
    require(str_eq(whole, pieces));
    arena_free(a);
    return 0;
}
