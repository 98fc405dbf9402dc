/* srs_tell.c - how mail to SRS addresses that is no bounce is told.
 *
 * Errors: none. */
#include "base/counters.h"
#include "core/stage.h"

static void srs_log(const struct telling *t, struct strbuf *b)
{
    if (t->evidence->srs.no_bounce)
        sb_printf(b, " srs-no-bounce=%zu", t->evidence->srs.no_bounce);
}

static void srs_json(const struct telling *t, struct json *j)
{
    json_number(j, "srs_no_bounce", (int64_t)t->evidence->srs.no_bounce);
}

static void srs_text(const struct telling *t, struct strbuf *b)
{
    size_t n = t->evidence->srs.no_bounce;
    if (n)
        sb_printf(b, "  SRS      %zu recipient%s of ours for bounces, and this is none\n", n,
                  n == 1 ? " is an SRS address" : "s are SRS addresses");
}

static void srs_count(const struct telling *t)
{
    counter_add(CTR_SRS_NO_BOUNCE, t->evidence->srs.no_bounce);
}

const struct stage_telling telling_srs = {
    .log = srs_log, .json = srs_json, .text = srs_text, .count = srs_count};
