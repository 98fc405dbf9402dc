/* jobs.c - what assay says to a worker, and the question between: JOB, QUESTION, ANSWER.
 *
 * Errors: as messages.h has them. A job's bounds are those of its frame; counts are believed only
 * as far as the payload can hold so many. */
#include "reference/messages.h"

#include <string.h>

static void put_address(struct frame_writer *w, const struct netaddr *addr)
{
    size_t n = addr->family == 4 ? 4 : addr->family == 6 ? 16 : 0;
    frame_put_str(w, (struct str){(const char *)addr->bytes, n});
}

/* The length says which family it is. An address is never absent. */
static struct netaddr get_address(struct frame_reader *r)
{
    struct netaddr addr = {0};
    struct str bytes = frame_get_str(r, sizeof addr.bytes);
    if (bytes.n == 4 || bytes.n == 16) {
        addr.family = bytes.n == 4 ? 4 : 6;
        memcpy(addr.bytes, bytes.p, bytes.n);
    } else if (bytes.n || !bytes.p) {
        r->bad = true;
    }
    return addr;
}

bool job_write_spf(struct strbuf *out, const struct spf_request *request)
{
    struct frame_writer w;
    frame_begin(&w, out, FRAME_JOB);
    frame_put_u8(&w, REFERENCE_LIBSPF2);
    put_address(&w, &request->client);
    frame_put_str(&w, request->helo);
    frame_put_str(&w, request->local);
    frame_put_str(&w, request->domain);
    frame_put_str(&w, request->receiver);
    frame_put_i64(&w, request->now);
    frame_put_u8(&w, request->want_explanation);
    return frame_end(&w);
}

static void read_spf(struct frame_reader *r, struct spf_request *request)
{
    request->client = get_address(r);
    request->helo = frame_get_str(r, SIZE_MAX);
    request->local = frame_get_str(r, SIZE_MAX);
    request->domain = frame_get_str(r, SIZE_MAX);
    request->receiver = frame_get_str(r, SIZE_MAX);
    request->now = frame_get_i64(r);
    request->want_explanation = frame_get_u8(r, 1);
}

bool job_write_dkim(struct strbuf *out, const struct dkim_verify_settings *settings,
                    const struct header_list *headers)
{
    struct frame_writer w;
    frame_begin(&w, out, FRAME_JOB);
    frame_put_u8(&w, REFERENCE_LIBOPENDKIM);
    frame_put_u32(&w, settings->max_signatures);
    frame_put_u32(&w, settings->min_key_bits);
    frame_put_u8(&w, settings->partial_body);
    frame_put_i64(&w, settings->clock_skew_s);
    frame_put_i64(&w, settings->now);
    frame_put_u32(&w, (uint32_t)headers->n);
    for (size_t i = 0; i < headers->n && !w.too_large; i++) {
        frame_put_str(&w, header_written_name(&headers->fields[i]));
        frame_put_str(&w, headers->fields[i].value);
    }
    return frame_end(&w);
}

static void read_headers(struct frame_reader *r, struct arena *a, struct header_list *headers)
{
    size_t n = frame_get_count(r, SIZE_MAX, 8);
    *headers = (struct header_list){.arena = a, .cap = n};
    headers->fields = arena_array(a, struct header_field, n);
    for (; headers->n < n && !r->bad; headers->n++) {
        struct header_field *field = &headers->fields[headers->n];
        header_field_name(field, frame_get_str(r, SIZE_MAX));
        field->value = frame_get_str(r, SIZE_MAX);
    }
}

static void read_dkim(struct frame_reader *r, struct arena *a, struct job *job)
{
    job->dkim.max_signatures = frame_get_u32(r, UINT32_MAX);
    job->dkim.min_key_bits = frame_get_u32(r, UINT32_MAX);
    job->dkim.partial_body = frame_get_u8(r, 1);
    job->dkim.clock_skew_s = frame_get_i64(r);
    job->dkim.now = frame_get_i64(r);
    read_headers(r, a, &job->headers);
}

bool job_write_dmarc(struct strbuf *out, const struct dmarc_request *request)
{
    struct frame_writer w;
    frame_begin(&w, out, FRAME_JOB);
    frame_put_u8(&w, REFERENCE_LIBOPENDMARC);
    frame_put_str(&w, request->author_domain);
    frame_put_u32(&w, (uint32_t)request->n_ids);
    for (size_t i = 0; i < request->n_ids && !w.too_large; i++) {
        frame_put_str(&w, request->ids[i].domain);
        frame_put_u8(&w, request->ids[i].auth);
        frame_put_u8(&w, request->ids[i].spf);
    }
    return frame_end(&w);
}

static void read_dmarc(struct frame_reader *r, struct arena *a, struct dmarc_request *request)
{
    request->author_domain = frame_get_str(r, SIZE_MAX);
    request->n_ids = frame_get_count(r, SIZE_MAX, 6);
    struct dmarc_identifier *ids = arena_array(a, struct dmarc_identifier, request->n_ids);
    for (size_t i = 0; i < request->n_ids; i++) {
        ids[i].domain = frame_get_str(r, SIZE_MAX);
        ids[i].auth = (enum dmarc_auth)frame_get_u8(r, DMARC_AUTH_UNKNOWN);
        ids[i].spf = frame_get_u8(r, 1);
    }
    request->ids = ids;
}

bool job_read(struct arena *a, struct str payload, struct job *job)
{
    struct frame_reader r = frame_reader(payload);
    *job = (struct job){0};
    job->library = (enum reference_library)frame_get_u8(&r, REFERENCE_LIBRARY_COUNT - 1);
    if (job->library == REFERENCE_LIBSPF2)
        read_spf(&r, &job->spf);
    else if (job->library == REFERENCE_LIBOPENDKIM)
        read_dkim(&r, a, job);
    else
        read_dmarc(&r, a, &job->dmarc);
    return frame_done(&r);
}

bool question_write(struct strbuf *out, const struct question *question)
{
    struct frame_writer w;
    frame_begin(&w, out, FRAME_QUESTION);
    frame_put_str(&w, question->name);
    frame_put_u32(&w, (uint32_t)question->type);
    return frame_end(&w);
}

static bool is_type(uint32_t type)
{
    return type == DNS_A || type == DNS_CNAME || type == DNS_PTR || type == DNS_MX ||
           type == DNS_TXT || type == DNS_AAAA;
}

bool question_read(struct str payload, struct question *question)
{
    struct frame_reader r = frame_reader(payload);
    question->name = frame_get_str(&r, QUESTION_NAME_MAX);
    uint32_t type = frame_get_u32(&r, UINT16_MAX);
    question->type = (enum dns_type)type;
    return frame_done(&r) && is_type(type);
}

static bool write_answer(struct strbuf *out, const struct dns_answer *answer)
{
    struct frame_writer w;
    frame_begin(&w, out, FRAME_ANSWER);
    frame_put_u8(&w, answer->status == DNS_PENDING ? DNS_TIMEOUT : answer->status);
    frame_put_u8(&w, answer->security);
    frame_put_u32(&w, answer->ttl);
    frame_put_u32(&w, (uint32_t)answer->n);
    for (size_t i = 0; i < answer->n && !w.too_large; i++) {
        put_address(&w, &answer->rr[i].addr);
        frame_put_str(&w, answer->rr[i].text);
        frame_put_u32(&w, answer->rr[i].preference);
    }
    return frame_end(&w);
}

void answer_write(struct strbuf *out, const struct dns_answer *answer)
{
    static const struct dns_answer too_large = {.status = DNS_SERVFAIL};
    if (!write_answer(out, answer))
        write_answer(out, &too_large);
}

bool answer_read(struct arena *a, struct str payload, struct dns_answer *answer)
{
    struct frame_reader r = frame_reader(payload);
    answer->status = (enum dns_status)frame_get_u8(&r, DNS_BOGUS);
    answer->security = (enum dns_security)frame_get_u8(&r, DNS_SECURITY_BOGUS);
    answer->ttl = frame_get_u32(&r, UINT32_MAX);
    answer->n = frame_get_count(&r, SIZE_MAX, 12);
    struct dns_rr *rr = arena_array(a, struct dns_rr, answer->n);
    for (size_t i = 0; i < answer->n; i++) {
        rr[i].addr = get_address(&r);
        rr[i].text = frame_get_str(&r, SIZE_MAX);
        rr[i].preference = (uint16_t)frame_get_u32(&r, UINT16_MAX);
    }
    answer->rr = rr;
    return frame_done(&r) && (answer->status == DNS_ANSWER) == (answer->n > 0);
}
