/* Received: any bytes, and what a client says within fields that a server writes. */
#include "fuzz.h"

#include "mail/received.h"

static void require_part(struct str whole, struct str part)
{
    require(!part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void require_parts(struct str text, const struct received *r)
{
    require_part(text, r->from);
    require_part(text, r->by);
    require_part(text, r->with);
    require_part(text, r->last_by);
    require((r->source == RECEIVED_ADDRESS) == (r->client.family != 0));
    require(r->source == RECEIVED_UNCLEAR || (r->by.n && !r->last_by.n));
}

/* Whatever stands behind "from": the field does not become one from loopback, nor a local one, and
 * the server's name is found if the end of the name is. */
static void require_no_disguise(struct arena *a, struct str helo)
{
    struct received r;
    struct str text = str_printf(a, "from %.*s (x.example [203.0.113.66]) by mx.example with ESMTP",
                                 STR_ARG(helo));
    received_parse(text, &r);
    require_parts(text, &r);
    require(r.source != RECEIVED_LOCAL && r.source != RECEIVED_NAMED);
    if (r.source != RECEIVED_ADDRESS)
        return;
    require(r.client.family == 4 && r.client.bytes[0] == 203 && r.client.bytes[3] == 66);
    require(str_eq(r.by, STR("mx.example")) && str_eq(r.with, STR("ESMTP")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size);
    struct received r;
    bool authenticated;
    received_parse(text, &r);
    require_parts(text, &r);
    require(received_with_smtp(r.with, &authenticated) || !authenticated);
    bool ends = false; /* the field, or what it is made of */
    for (size_t i = 0; i < text.n; i++)
        ends = ends || text.p[i] == ';' || text.p[i] == '"' || (unsigned char)text.p[i] < 0x20;
    if (!ends && str_find(text, 0, '(') == text.n && str_find(text, 0, ')') == text.n)
        require_no_disguise(a, text);
    arena_free(a);
    return 0;
}
