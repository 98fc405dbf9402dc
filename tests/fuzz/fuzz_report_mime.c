/* A mail with reports, or none, and its parameters. */
#include "fuzz.h"

#include <string.h>

#include "report/in/find.h"
#include "report/in/mime.h"

static unsigned given;

static bool take_part(void *context, const struct mime_part *part)
{
    (void)context;
    require(part->message != NULL);
    require(++given <= IN_PARTS_MAX);
    for (size_t i = 0; i < part->bytes.n; i++) /* all of it is there to be read */
        ((volatile const char *)part->bytes.p)[i];
    return true;
}

static bool take_aggregate(void *context, const struct found_aggregate *found)
{
    (void)context;
    require(found->report->head.report_id.n > 0);
    return true;
}

static bool take_failure(void *context, const struct failure_report *r, const unsigned char *digest)
{
    (void)context, (void)digest;
    require(r->incidents >= 1 && r->subject.n <= IN_FIELD_MAX);
    return true;
}

static bool take_tls(void *context, const struct tlsrpt *r, const unsigned char *digest)
{
    (void)context, (void)digest;
    require(r->n <= TLSRPT_POLICIES_MAX);
    return true;
}

static bool take_refusal(void *context, struct str what, struct str why)
{
    (void)context, (void)what;
    require(why.n > 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct find_sink sink = {NULL, take_aggregate, take_failure, take_tls, take_refusal};
    struct str text = fuzz_text(data, size);
    struct arena *a = arena_new(0);
    given = 0;
    mime_walk(text, take_part, NULL);
    mime_parameter(a, text, STR("boundary"));
    require(find_reports(text, &sink));
    arena_free(a);
    return 0;
}
