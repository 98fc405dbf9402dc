/* results_write.c - what a worker says, on its side: HELLO, RESULT, REFUSAL.
 *
 * Errors: as messages.h has them. results_read.c is the other half; it is a file of its own so that
 * the worker is linked with nothing that it does not need. */
#include "reference/messages.h"

/* A text, cut to what the reader takes: a longer text cannot be what it should be. */
static void put_member(struct frame_writer *w, struct str text, size_t max)
{
    frame_put_str(w, str_sub(text, 0, max));
}

bool hello_write(struct strbuf *out, const struct hello *hello)
{
    struct frame_writer w;
    frame_begin(&w, out, FRAME_HELLO);
    frame_put_u32(&w, MESSAGES_VERSION);
    for (size_t i = 0; i < REFERENCE_LIBRARY_COUNT; i++)
        frame_put_str(&w, hello->versions[i]);
    return frame_end(&w);
}

static void begin_result(struct frame_writer *w, struct strbuf *out, enum reference_library library)
{
    frame_begin(w, out, FRAME_RESULT);
    frame_put_u8(w, library);
}

bool result_write_spf(struct strbuf *out, const struct spf_outcome *outcome)
{
    struct frame_writer w;
    begin_result(&w, out, REFERENCE_LIBSPF2);
    frame_put_u8(&w, outcome->result);
    put_member(&w, outcome->mechanism, RESULT_TERM_MAX);
    put_member(&w, outcome->problem, FRAME_PHRASE_MAX);
    put_member(&w, outcome->explanation, RESULT_TEXT_MAX);
    frame_put_u32(&w, outcome->lookup_terms);
    return frame_end(&w);
}

static void put_signature(struct frame_writer *w, const struct dkim_signature *s)
{
    frame_put_u8(w, s->result);
    put_member(w, s->reason, FRAME_PHRASE_MAX);
    put_member(w, s->domain, RESULT_TERM_MAX);
    put_member(w, s->selector, RESULT_TERM_MAX);
    put_member(w, s->identity, RESULT_TEXT_MAX);
    put_member(w, s->algorithm, RESULT_TERM_MAX);
    put_member(w, s->b_start, RESULT_TERM_MAX);
    frame_put_u8(w, s->key_type);
    frame_put_u32(w, s->key_bits);
    frame_put_u8(w, s->testing);
    frame_put_u8(w, s->security);
}

bool result_write_dkim(struct strbuf *out, const struct dkim_signature *signatures, size_t n,
                       size_t skipped)
{
    struct frame_writer w;
    begin_result(&w, out, REFERENCE_LIBOPENDKIM);
    frame_put_u32(&w, (uint32_t)skipped);
    frame_put_u32(&w, (uint32_t)n);
    for (size_t i = 0; i < n && !w.too_large; i++)
        put_signature(&w, &signatures[i]);
    return frame_end(&w);
}

bool result_write_dmarc(struct strbuf *out, const struct dmarc_outcome *outcome)
{
    struct frame_writer w;
    begin_result(&w, out, REFERENCE_LIBOPENDMARC);
    frame_put_u8(&w, outcome->result);
    put_member(&w, outcome->reason, FRAME_PHRASE_MAX);
    put_member(&w, outcome->record_domain, RESULT_TERM_MAX);
    put_member(&w, outcome->organizational_domain, RESULT_TERM_MAX);
    frame_put_u8(&w, outcome->record.p);
    frame_put_u8(&w, outcome->record.sp);
    frame_put_u8(&w, outcome->record.has_sp);
    frame_put_u8(&w, outcome->record.adkim);
    frame_put_u8(&w, outcome->record.aspf);
    frame_put_u8(&w, outcome->policy);
    frame_put_u8(&w, (unsigned char)outcome->policy_tag);
    frame_put_u8(&w, outcome->spf_aligned);
    frame_put_u8(&w, outcome->dkim_aligned);
    return frame_end(&w);
}

void refusal_write(struct strbuf *out, struct str reason)
{
    struct frame_writer w;
    frame_begin(&w, out, FRAME_REFUSAL);
    put_member(&w, reason, FRAME_PHRASE_MAX);
    frame_end(&w);
}
