/* What a worker says, and what it is told: frames of either side, decoded. What is accepted keeps
 * the promises of our own libraries, and can be said again.
 *
 * The first byte says whose stream it is, the rest is the stream. */
#include "fuzz.h"

#include "base/ascii.h"
#include "mail/domain.h"
#include "reference/messages.h"

static struct arena *a;

/* Printable, and text. */
static bool is_clean(struct str s)
{
    for (size_t i = 0, n; i < s.n; i += n) {
        n = ascii_is_8bit(s.p[i]) ? str_utf8(s, i) : !ascii_is_control(s.p[i]);
        if (!n)
            return false;
    }
    return true;
}

/* A name as our own parsers leave it, or none. */
static bool is_name(struct str s)
{
    struct str again;
    return !s.n || (domain_normalize(a, s, &again) && str_eq(again, s));
}

static struct str payload_of(const struct strbuf *out)
{
    return str_sub((struct str){out->p, out->n}, FRAME_HEAD, out->n);
}

static void check_spf(struct str payload)
{
    const struct spf_request asked = {.domain = STR("example.org")};
    struct spf_outcome o;
    struct strbuf out;
    if (!result_read_spf(a, payload, &asked, &o))
        return;
    require(o.result < SPF_RESULT_COUNT && !o.pending && str_eq(o.domain, asked.domain));
    require(is_clean(o.mechanism) && is_clean(o.problem));
    sb_init(&out, a);
    require(result_write_spf(&out, &o) && result_read_spf(a, payload_of(&out), &asked, &o));
}

static void check_dkim(struct str payload)
{
    const struct dkim_verify_settings asked = {.max_signatures = 5};
    const struct dkim_signature *s;
    struct strbuf out;
    size_t n, skipped;
    if (!result_read_dkim(a, payload, &asked, &s, &n, &skipped))
        return;
    require(n <= asked.max_signatures);
    for (size_t i = 0; i < n; i++) {
        require(s[i].result < DKIM_RESULT_COUNT && is_clean(s[i].reason));
        require(is_name(s[i].domain) && is_name(s[i].selector));
        require(s[i].result != DKIM_PASS || (s[i].domain.n && s[i].selector.n));
        require(s[i].key_type <= KEY_ED25519 && s[i].security <= DNS_SECURITY_BOGUS);
    }
    sb_init(&out, a);
    require(result_write_dkim(&out, s, n, skipped));
    require(result_read_dkim(a, payload_of(&out), &asked, &s, &n, &skipped));
}

static void check_dmarc(struct str payload)
{
    const struct dmarc_request asked = {.author_domain = STR("mail.example.org")};
    struct dmarc_outcome o;
    struct strbuf out;
    if (!result_read_dmarc(a, payload, &asked, &o))
        return;
    require(o.result < DMARC_RESULT_COUNT && o.policy <= DMARC_P_REJECT && is_clean(o.reason));
    require(!o.record_domain.n || domain_is_at_or_below(asked.author_domain, o.record_domain));
    require(!o.organizational_domain.n ||
            domain_is_at_or_below(asked.author_domain, o.organizational_domain));
    require(o.record.p <= DMARC_P_REJECT && o.record.sp <= DMARC_P_REJECT);
    sb_init(&out, a);
    require(result_write_dmarc(&out, &o) && result_read_dmarc(a, payload_of(&out), &asked, &o));
}

static void check_question(struct str payload)
{
    struct question question;
    struct strbuf out;
    if (!question_read(payload, &question))
        return;
    require(question.name.n <= QUESTION_NAME_MAX && dns_type_name(question.type));
    sb_init(&out, a);
    require(question_write(&out, &question) && str_eq(payload_of(&out), payload));
}

static void check_answer(struct str payload)
{
    struct dns_answer answer;
    struct strbuf out;
    if (!answer_read(a, payload, &answer))
        return;
    require(answer.status != DNS_PENDING && (answer.n > 0) == (answer.status == DNS_ANSWER));
    sb_init(&out, a);
    answer_write(&out, &answer);
    require(str_eq(payload_of(&out), payload));
}

static void check_job(struct str payload)
{
    struct job job;
    if (!job_read(a, payload, &job))
        return;
    require(job.library < REFERENCE_LIBRARY_COUNT);
    require(job.headers.n <= payload.n && job.dmarc.n_ids <= payload.n);
    size_t bytes = 0;
    for (size_t i = 0; i < job.headers.n; i++)
        bytes += job.headers.fields[i].name.n + job.headers.fields[i].value.n;
    require(bytes <= payload.n);
}

static void check_frame(const struct frame *frame)
{
    struct hello hello;
    struct str reason;
    switch (frame->type) {
    case FRAME_HELLO:
        if (hello_read(a, frame->payload, &hello))
            require(is_clean(hello.versions[0]) && is_clean(hello.versions[2]));
        break;
    case FRAME_REFUSAL:
        if (refusal_read(a, frame->payload, &reason))
            require(is_clean(reason) && reason.n <= FRAME_PHRASE_MAX);
        break;
    case FRAME_RESULT:
        check_spf(frame->payload);
        check_dkim(frame->payload);
        check_dmarc(frame->payload);
        break;
    case FRAME_QUESTION:
        check_question(frame->payload);
        break;
    case FRAME_ANSWER:
        check_answer(frame->payload);
        break;
    case FRAME_JOB:
        check_job(frame->payload);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    enum frame_source from = data[0] & 1 ? FRAME_FROM_ASSAY : FRAME_FROM_WORKER;
    struct str rest = str_sub(fuzz_text(data, size), 1, size);
    struct frame frame;
    size_t need;
    a = arena_new(0);
    while (frame_take(from, rest, &frame, &need) == FRAME_WHOLE) {
        require(need >= FRAME_HEAD && need <= rest.n);
        require(frame.payload.n == need - FRAME_HEAD && frame.payload.n <= frame_max(frame.type));
        check_frame(&frame);
        rest = str_sub(rest, need, rest.n);
    }
    require(need >= FRAME_HEAD);
    arena_free(a);
    return 0;
}
