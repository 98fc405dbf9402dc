/* find.c - finds reports in an input.
 *
 * Errors: errors in an input go to the sink, as refusals. */
#include "report/in/find.h"

#include <string.h>

#include "crypto/digest.h"
#include "report/in/mime.h"
#include "report/in/msgfile.h"
#include "report/in/zip.h"

struct search {
    const struct find_sink *sink;
    struct stream_budget budget;
    unsigned found;     /* reports and refusals so far */
    struct str nothing; /* why the last part that was read is no report */
    struct arena *arena;
    /* Of the mail that is being read: */
    struct str feedback, text, original;
    const struct header_list *reporter;
    bool returned; /* the mail is a bounce with a message in it */
    bool stopped;
};

static bool look_at(struct search *s, struct str bytes, struct str name, unsigned nesting);

static void note(struct search *s, bool go_on)
{
    s->found++;
    s->stopped = s->stopped || !go_on;
}

static void refuse_found(struct search *s, struct str what, struct str why)
{
    note(s, s->sink->refused(s->sink->context, what, why));
}

/* --- XML ---------------------------------------------------------------------------------------*/

struct summing {
    struct digest digest;
    uint64_t size;
};

static void sum_piece(void *summing, struct str piece)
{
    struct summing *sum = summing;
    digest_add(&sum->digest, piece.p, piece.n);
    sum->size += piece.n;
}

/* Reads the report without keeping a row. */
static void survey(struct arena *a, const struct content *content, struct stream_budget *budget,
                   bool repair, struct summing *sum, struct aggregate *out)
{
    struct stream stream;
    const struct aggregate_watch watch = {.context = sum, .bytes = sum ? sum_piece : NULL};
    content_open(content, &stream, a, budget);
    aggregate_read(&stream, a, repair, &watch, out);
}

void found_rows(const struct found_aggregate *found, const struct aggregate_watch *watch)
{
    struct arena *a = arena_new(0);
    struct stream stream;
    struct aggregate again;
    content_open(found->content, &stream, a, NULL);
    aggregate_read(&stream, a, found->repaired, watch, &again);
    arena_free(a);
}

static bool is_usable(const struct aggregate *report)
{
    return report->end == AGGREGATE_WHOLE ||
           (report->end == AGGREGATE_BROKEN && report->head.has_metadata &&
            report->head.has_policy && report->rows);
}

static void give_aggregate(struct search *s, const struct content *content,
                           const struct aggregate *report, struct found_aggregate *found)
{
    found->report = report;
    found->damaged = report->end == AGGREGATE_BROKEN;
    found->content = content;
    if (!report->head.report_id.n)
        refuse_found(s, content->name, STR("has no report_id"));
    else
        note(s, s->sink->aggregate(s->sink->context, found));
}

static void look_at_xml(struct search *s, const struct content *content)
{
    struct arena *a = arena_new(0);
    struct summing sum = {0};
    struct aggregate report;
    struct found_aggregate found = {0};
    digest_init(&sum.digest, a, UINT64_MAX);
    survey(a, content, &s->budget, false, &sum, &report);
    digest_finish(&sum.digest, found.digest);
    found.size = sum.size;
    if (report.end == AGGREGATE_BROKEN) {
        found.repaired = true;
        survey(a, content, NULL, true, NULL, &report);
    }
    if (is_usable(&report) && report.more)
        refuse_found(s, content->name, STR("holds reports behind the first one: one file each"));
    if (is_usable(&report) && !s->stopped)
        give_aggregate(s, content, &report, &found);
    else if (report.end == AGGREGATE_FOREIGN)
        s->nothing = str_copy(s->arena, report.why);
    else
        refuse_found(s, content->name, report.why);
    arena_free(a);
}

/* --- JSON --------------------------------------------------------------------------------------*/

static void look_at_json(struct search *s, struct stream *stream, struct str name)
{
    struct arena *a = arena_new(0);
    struct tlsrpt *report = arena_make(a, struct tlsrpt);
    unsigned char digest[FIND_DIGEST];
    struct digest sum;
    const char *why = stream->refused;
    struct str text = stream_rest(stream, a, IN_INNER_MAX);
    digest_init(&sum, a, UINT64_MAX);
    digest_add(&sum, text.p, text.n);
    digest_finish(&sum, digest);
    if (!text.p)
        refuse_found(s, name, str_of(stream->refused));
    else if (tlsrpt_read(a, text, report, &why))
        note(s, s->sink->tls(s->sink->context, report, digest));
    else
        s->nothing = str_of(why);
    arena_free(a);
}

/* --- Packed ------------------------------------------------------------------------------------*/

static bool is_gzip(struct str head)
{
    return head.n > 2 && (unsigned char)head.p[0] == 0x1F && (unsigned char)head.p[1] == 0x8B;
}

/* Skips a byte order mark and white space; the text may be in UTF-16. */
static bool begins_with(struct str head, char wanted)
{
    if (str_starts(head, STR("\xEF\xBB\xBF")))
        head = str_sub(head, 3, head.n);
    bool utf16 =
        head.n > 3 && (str_starts(head, STR("\xFE\xFF")) || str_starts(head, STR("\xFF\xFE")));
    if (utf16)
        return head.p[2] == wanted || head.p[3] == wanted;
    for (size_t i = 0; i < head.n; i++)
        if (!ascii_is_wsp(head.p[i]) && !ascii_is_control(head.p[i]))
            return head.p[i] == wanted;
    return false;
}

/* Some reporters write a word or two before the first tag. */
static bool holds_feedback(struct str head)
{
    for (size_t i = 0; i < head.n; i++)
        if (head.p[i] == '<' && (str_starts(str_sub(head, i, head.n), STR("<feedback")) ||
                                 str_starts(str_sub(head, i, head.n), STR("<?xml"))))
            return true;
    return false;
}

static void look_at_zip(struct search *s, struct str zip, unsigned nesting)
{
    struct zip_member members[IN_MEMBERS_MAX];
    bool more = false;
    size_t n = zip_members(zip, members, IN_MEMBERS_MAX, &more);
    for (size_t i = 0; i < n && !s->stopped; i++) {
        struct content content = {members[i].bytes,
                                  members[i].deflated ? STREAM_DEFLATED : STREAM_PLAIN, 0,
                                  members[i].name};
        if (members[i].refused) {
            refuse_found(s, members[i].name, str_of(members[i].refused));
            continue;
        }
        struct arena *a = arena_new(0);
        struct stream stream;
        content_open(&content, &stream, a, &s->budget);
        struct str head = stream_peek(&stream, 4);
        bool packed = is_gzip(head) || zip_is(head);
        struct str inner = packed ? stream_rest(&stream, a, IN_INNER_MAX) : STR_NONE;
        if (packed && inner.p)
            look_at(s, inner, members[i].name, nesting + 1);
        else if (packed)
            refuse_found(s, members[i].name, str_of(stream.refused));
        else if (begins_with(stream_peek(&stream, 512), '{'))
            look_at_json(s, &stream, members[i].name);
        else if (stream_peek(&stream, 1).n)
            look_at_xml(s, &content);
        arena_free(a);
    }
    if (more)
        refuse_found(s, STR_NONE, STR("has more than 10 members"));
}

static void look_at_stream(struct search *s, const struct content *content, struct stream *stream,
                           unsigned nesting)
{
    struct str head = stream_peek(stream, 512);
    if (stream->refused)
        refuse_found(s, content->name, str_of(stream->refused));
    else if (begins_with(head, '{'))
        look_at_json(s, stream, content->name);
    else if (zip_is(head)) {
        struct arena *a = arena_new(0);
        struct str zip = stream_rest(stream, a, IN_INNER_MAX);
        if (zip.p)
            look_at(s, zip, content->name, nesting + 1);
        else
            refuse_found(s, content->name, str_of(stream->refused));
        arena_free(a);
    } else if (begins_with(head, '<') || holds_feedback(head))
        look_at_xml(s, content);
    else
        s->nothing =
            head.n ? STR("is neither XML nor anything that a report comes in") : STR("is empty");
}

static void look_at_gzip(struct search *s, struct str bytes, struct str name, unsigned nesting)
{
    struct arena *a = arena_new(0);
    struct content content = {bytes, STREAM_GZIP, 0, name};
    struct stream stream;
    content_open(&content, &stream, a, &s->budget);
    while (is_gzip(stream_peek(&stream, 3)) && stream_gunzip(&stream))
        content.more++;
    look_at_stream(s, &content, &stream, nesting + content.more);
    arena_free(a);
}

/* Reads anything but mail. False: this is none of the known forms. */
static bool look_at(struct search *s, struct str bytes, struct str name, unsigned nesting)
{
    struct str head = str_sub(bytes, 0, 512);
    struct content content = {bytes, STREAM_PLAIN, 0, name};
    if (nesting > IN_NESTING_MAX)
        refuse_found(s, name, STR("has archives within each other too deeply"));
    else if (is_gzip(head))
        look_at_gzip(s, bytes, name, nesting);
    else if (zip_is(head))
        look_at_zip(s, bytes, nesting);
    else if (begins_with(head, '<') || begins_with(head, '{') || holds_feedback(head)) {
        struct arena *a = arena_new(0);
        struct stream stream;
        content_open(&content, &stream, a, &s->budget);
        look_at_stream(s, &content, &stream, nesting);
        arena_free(a);
    } else
        return false;
    return true;
}

/* --- Mail --------------------------------------------------------------------------------------*/

static bool look_at_attachment(void *search, struct str bytes, struct str name)
{
    struct search *s = search;
    look_at(s, bytes, name, 0);
    return !s->stopped;
}

/* Copies the sender of the mail, because parts do not outlive the walk. */
static const struct header_list *keep_sender(struct search *s, const struct header_list *message)
{
    struct header_list *kept = arena_make(s->arena, struct header_list);
    const struct header_field *from = header_get(message, STR("From"), 0);
    header_list_init(kept, s->arena);
    if (from)
        header_list_add(kept, STR("From"), from->value);
    return kept;
}

/* Mailing lists and gateways give the fields of a failure report another type. A message that is
 * attached may be the one that failed, whose words are not the reporter's. */
static bool is_feedback(struct arena *a, const struct mime_part *part)
{
    struct header_list fields;
    struct str body, text = str_trim(part->bytes);
    if (part->kind == MIME_FEEDBACK)
        return true;
    if (part->kind != MIME_LEAF || part->message_depth ||
        !str_starts_nocase(text, STR("Feedback-Type:")))
        return false;
    mime_split(a, text, &fields, &body);
    return header_get(&fields, STR("Source-IP"), 0) && header_get(&fields, STR("Version"), 0);
}

static bool look_at_part(void *search, const struct mime_part *part)
{
    struct search *s = search;
    bool is_text = !part->type.n || str_eq(part->type, STR("text/plain"));
    if (!s->reporter)
        s->reporter = keep_sender(s, part->message);
    if (!s->feedback.n && is_feedback(s->arena, part)) {
        s->feedback = str_copy(s->arena, part->bytes);
        s->reporter = keep_sender(s, part->message);
    } else if (part->kind == MIME_ORIGINAL && !s->original.n) {
        s->original = str_copy(s->arena, str_sub(part->bytes, 0, 65536));
    } else if (part->kind == MIME_RETURNED_MESSAGE) {
        s->returned = true;
    } else if (part->kind == MIME_LEAF && msgfile_is(part->bytes)) {
        msgfile_attachments(part->bytes, look_at_attachment, s);
    } else if (part->kind == MIME_LEAF && !look_at(s, part->bytes, STR_NONE, 0) && is_text &&
               !s->text.n) {
        s->text = str_copy(s->arena, str_sub(part->bytes, 0, 65536));
    }
    return !s->stopped;
}

static void look_at_failure(struct search *s)
{
    struct failure_report report;
    struct str other;
    unsigned char digest[FIND_DIGEST];
    struct digest sum;
    if (s->reporter &&
        failure_read(s->arena, s->reporter, s->feedback, s->text, s->original, &report, &other)) {
        digest_init(&sum, s->arena, UINT64_MAX);
        digest_add(&sum, s->feedback.p, s->feedback.n);
        digest_add(&sum, s->feedback.n ? "" : s->text.p, s->feedback.n ? 0 : s->text.n);
        digest_add(&sum, s->original.p, s->original.n);
        digest_finish(&sum, digest);
        note(s, s->sink->failure(s->sink->context, &report, digest));
    } else if (s->reporter && other.n)
        s->nothing = str_printf(s->arena, "is feedback of another kind: %.*s", STR_ARG(other));
}

static void look_at_mail(struct search *s, struct str mail)
{
    mime_walk(mail, look_at_part, s);
    if (!s->stopped && !s->found)
        look_at_failure(s);
    if (!s->found && s->returned)
        s->nothing = STR("is a bounce: a report that was sent from here came back");
}

/* A character of a field name (RFC 5322 3.6.8). */
static bool is_field_char(char c)
{
    return c > ' ' && c < 0x7F && c != ':';
}

/* A mail begins with "Name:" or "From ". */
bool find_is_mail(struct str input)
{
    size_t end = 0;
    if (!input.n || input.p[0] == '<' || input.p[0] == '{' || input.p[0] == '[')
        return false;
    while (end < input.n && end < 100 && is_field_char(input.p[end]))
        end++;
    return str_starts(input, STR("From ")) || (end > 0 && end < input.n && input.p[end] == ':');
}

bool find_reports(struct str input, const struct find_sink *sink)
{
    struct search s = {.sink = sink, .budget = {IN_XML_MAX}, .arena = arena_new(0)};
    if (msgfile_is(input))
        msgfile_attachments(input, look_at_attachment, &s);
    else if (!find_is_mail(input))
        look_at(&s, input, STR_NONE, 0);
    else
        look_at_mail(&s, input);
    if (!s.found)
        refuse_found(&s, STR_NONE, s.nothing.n ? s.nothing : STR("holds no report"));
    arena_free(s.arena);
    return !s.stopped;
}
