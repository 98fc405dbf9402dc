/* JSON read: TLS reports, and any text; a text that we write is read back. */
#include "fuzz.h"

#include "base/json.h"
#include "base/jsonread.h"
#include "report/in/tlsrpt.h"

static void require_text_back(struct arena *a, struct str text)
{
    struct json j;
    struct str name, back;
    json_begin(&j, a);
    json_text(&j, "t", text);
    json_end(&j, '}');
    struct json_reader r = json_read(json_str(&j), a);
    require(json_enter(&r) && json_next(&r, &name) && json_take_text(&r, &back));
    require(!json_next(&r, &name) && json_read_whole(&r));
    json_begin(&j, a);
    json_text(&j, "t", back);
    json_end(&j, '}');
    require(str_eq(json_str(&j), r.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size);
    struct tlsrpt *report = arena_make(a, struct tlsrpt);
    const char *why;
    struct json_reader r = json_read(text, a);
    if (tlsrpt_read(a, text, report, &why))
        require(report->n <= TLSRPT_POLICIES_MAX && report->report_id.n);
    json_skip(&r);
    require(r.at <= text.n);
    require_text_back(a, text);
    arena_free(a);
    return 0;
}
