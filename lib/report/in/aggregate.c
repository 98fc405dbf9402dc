/* aggregate.c - from elements to rows.
 *
 * Errors: out->end, and out->why is a phrase. */
#include "report/in/aggregate.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/instant.h"
#include "mail/domain.h"
#include "report/in/elements.h"
#include "report/in/repair.h"

#define DATE_DIGITS   10           /* of a day: "2023-11-15" */
#define STRANGE_MAX   10000        /* elements, or attributes, that no report has */
#define EXPAT_ONE_MAX (2U << 20)   /* of one allocation of expat */
#define MILLISECONDS  100000000000 /* a time beyond it, in the year 5138, is in them */
#define NUMBER_MAX    100000000000000000ULL
#define MESSAGES_MAX  1000000000000ULL /* of a report: sums over many fit in 63 bits */

struct reading {
    struct aggregate *out;
    const struct aggregate_watch *watch;
    struct arena *arena, *row_arena;
    XML_Parser parser;
    enum in_element path[IN_XML_DEPTH + 1];
    unsigned depth;
    unsigned strange_elements, strange_attributes;
    char text[IN_FIELD_MAX];
    size_t n_text;
    bool takes_text;  /* since the last start tag */
    bool text_is_cut; /* there was more text than fits */
    bool began;       /* <feedback> was seen */
    bool stopped;
    struct aggregate_row *row;
};

static void stop(struct reading *r, const char *why)
{
    if (r->stopped)
        return;
    r->stopped = true;
    r->out->end = AGGREGATE_REFUSED;
    r->out->why = str_of(why);
    XML_StopParser(r->parser, XML_FALSE);
}

/* --- Texts -------------------------------------------------------------------------------------*/

/* White space becomes one blank, and none at the beginning. */
static void add_char(struct reading *r, char c)
{
    bool space = ascii_is_control(c) || c == ' ';
    if (space && (!r->n_text || r->text[r->n_text - 1] == ' '))
        return;
    if (r->n_text == sizeof r->text)
        r->text_is_cut = true;
    else
        r->text[r->n_text++] = space ? ' ' : c;
}

static void XMLCALL on_text(void *reading, const XML_Char *p, int n)
{
    struct reading *r = reading;
    for (int i = 0; r->takes_text && i < n && !r->text_is_cut; i++)
        add_char(r, p[i]);
}

/* Drops a character that was cut in its middle. */
static struct str text_of(const struct reading *r)
{
    struct str s = {r->text, r->n_text};
    while (r->text_is_cut && s.n && ((unsigned char)s.p[s.n - 1] & 0xC0) == 0x80)
        s.n--;
    if (r->text_is_cut && s.n && ascii_is_8bit(s.p[s.n - 1]))
        s.n--;
    return str_trim(s);
}

static void keep_text(struct arena *a, struct str *to, struct str text)
{
    if (!to->n)
        *to = str_copy(a, text);
}

static void keep_lower(struct arena *a, struct str *to, struct str text)
{
    if (!to->n)
        *to = str_lower(a, text);
}

/* Keeps a domain; of an address it keeps only the domain. */
static void keep_domain(struct arena *a, struct str *to, struct str text)
{
    struct str name;
    size_t at = str_find_last(text, '@');
    if (to->n)
        return;
    if (at < text.n)
        text = str_sub(text, at + 1, text.n);
    if (text.n && text.p[text.n - 1] == '>')
        text.n--;
    *to = domain_normalize(a, text, &name) ? str_copy(a, name) : str_lower(a, text);
    if (!to->p)
        *to = STR("");
}

/* The number that the text begins with: some reporters write "1699.0". */
static int64_t number_of(struct str text)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.n && ascii_is_digit(text.p[i]) && n < NUMBER_MAX; i++)
        n = n * 10 + (uint64_t)(text.p[i] - '0');
    return (int64_t)n;
}

/* "2023-11-15T00:00:00Z"; some have a blank in the place of the T, and no zone: UTC. */
static int64_t date_of(struct str text)
{
    char date[64];
    int64_t seconds;
    size_t n = text.n < sizeof date ? text.n : sizeof date - 1;
    memcpy(date, text.p, n);
    if (n > DATE_DIGITS && date[DATE_DIGITS] == ' ')
        date[DATE_DIGITS] = 'T';
    if (n == sizeof "2023-11-15T00:00:00" - 1)
        date[n++] = 'Z';
    return instant_parse_zoned((struct str){date, n}, &seconds) ? seconds : 0;
}

/* Seconds since 1970; milliseconds and dates are seen, too. */
static int64_t time_of(struct str text)
{
    int64_t n = number_of(text);
    if (text.n >= DATE_DIGITS && text.p[4] == '-')
        return date_of(text);
    return n > MILLISECONDS ? n / 1000 : n;
}

static bool is_pass(struct str text)
{
    return str_eq_nocase(text, STR("pass"));
}

const char *aggregate_disposition_word(enum aggregate_disposition d)
{
    static const char *const words[] = {"none", "pass", "quarantine", "reject", NULL};
    return words[d];
}

static enum aggregate_disposition disposition_of(struct str text)
{
    for (int d = AGGREGATE_NONE; d < AGGREGATE_UNSAID; d++)
        if (str_eq_nocase(text, str_of(aggregate_disposition_word((enum aggregate_disposition)d))))
            return (enum aggregate_disposition)d;
    return AGGREGATE_UNSAID;
}

/* Some reporters write addresses in brackets; a mapped address becomes IPv4. */
static void keep_address(struct netaddr *to, struct str text)
{
    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        text = str_sub(text, 1, text.n - 1);
    if (!netaddr_parse(text, to))
        *to = (struct netaddr){0};
}

/* --- The end of an element ---------------------------------------------------------------------*/

static void end_in_metadata(struct reading *r, enum in_element element, struct str text)
{
    struct aggregate_head *h = &r->out->head;
    struct arena *a = r->arena;
    if (h->has_metadata)
        return;
    if (element == IN_ORG_NAME)
        keep_text(a, &h->org_name, text);
    else if (element == IN_EMAIL)
        keep_text(a, &h->email, text);
    else if (element == IN_CONTACT)
        keep_text(a, &h->contact, text);
    else if (element == IN_REPORT_ID)
        keep_text(a, &h->report_id, text);
    else if (element == IN_ERROR)
        keep_text(a, &h->error, text);
    else if (element == IN_GENERATOR)
        keep_text(a, &h->generator, text);
    else if (element == IN_BEGIN)
        h->begin = time_of(text);
    else if (element == IN_END)
        h->end = time_of(text);
}

static void end_in_policy(struct reading *r, enum in_element element, struct str text)
{
    struct aggregate_policy *p = &r->out->head.policy;
    struct arena *a = r->arena;
    if (r->out->head.has_policy)
        return;
    if (element == IN_DOMAIN) {
        keep_domain(a, &p->domain, text);
        return;
    }
    struct str *to = element == IN_P           ? &p->p
                     : element == IN_SP        ? &p->sp
                     : element == IN_NP        ? &p->np
                     : element == IN_PCT       ? &p->pct
                     : element == IN_ADKIM     ? &p->adkim
                     : element == IN_ASPF      ? &p->aspf
                     : element == IN_FO        ? &p->fo
                     : element == IN_TESTING   ? &p->testing
                     : element == IN_DISCOVERY ? &p->discovery
                                               : NULL;
    if (to)
        keep_lower(a, to, text);
}

static void end_in_evaluated(struct reading *r, enum in_element element, struct str text)
{
    struct aggregate_row *row = r->row;
    if (element == IN_DISPOSITION)
        row->disposition = disposition_of(text);
    else if (element == IN_DKIM)
        row->dkim = is_pass(text);
    else if (element == IN_SPF)
        row->spf = is_pass(text);
    else if (element == IN_REASON && text.n) { /* plain text in the place of type and comment */
        struct aggregate_reason *reason = &row->reasons[row->n_reasons - 1];
        if (str_find(text, 0, ' ') == text.n)
            keep_lower(r->row_arena, &reason->type, text);
        else
            keep_text(r->row_arena, &reason->comment, text);
    }
}

static void end_in_reason(struct reading *r, enum in_element element, struct str text)
{
    struct aggregate_row *row = r->row;
    if (element == IN_TYPE)
        keep_lower(r->row_arena, &row->reasons[row->n_reasons - 1].type, text);
    else if (element == IN_COMMENT)
        keep_text(r->row_arena, &row->reasons[row->n_reasons - 1].comment, text);
}

static size_t digits_at(struct str text, size_t at)
{
    size_t n = 0;
    while (at + n < text.n && ascii_is_digit(text.p[at + n]))
        n++;
    return n;
}

/* Of what may stand between thousands; 0: it is none. A dot is not among them: "1.234" may be a
 * little more than one. */
static size_t separator_at(struct str text, size_t at)
{
    static const struct str separators[] = {STR_INIT(","),           STR_INIT(" "),
                                            STR_INIT("'"),           STR_INIT("_"),
                                            STR_INIT("\xC2\xA0"),      /* no break */
                                            STR_INIT("\xE2\x80\xAF")}; /* narrow */
    for (size_t i = 0; i < sizeof separators / sizeof *separators; i++)
        if (str_starts(str_sub(text, at, text.n), separators[i]))
            return separators[i].n;
    return 0;
}

/* ".0": as a program writes a number that it does not know to be whole. */
static bool is_no_fraction(struct str text)
{
    size_t zeros = 0;
    while (zeros + 1 < text.n && text.p[zeros + 1] == '0')
        zeros++;
    return text.n > 1 && text.p[0] == '.' && zeros == text.n - 1 && zeros < 3;
}

/* Digits, or groups of three behind at most three, all with the same separator. */
static bool count_of(struct str text, int64_t *out)
{
    size_t at = digits_at(text, 0), gap = at <= 3 ? separator_at(text, at) : 0;
    struct str separator = str_sub(text, at, at + gap);
    int64_t n = number_of(str_sub(text, 0, at));
    while (gap && str_starts(str_sub(text, at, text.n), separator) &&
           digits_at(text, at + gap) == 3 && n < INT64_MAX / 1000 - 1) {
        n = n * 1000 + number_of(str_sub(text, at + gap, at + gap + 3));
        at += gap + 3;
    }
    *out = n;
    return at == text.n || is_no_fraction(str_sub(text, at, text.n));
}

/* A count that is wrong is worse than none. What does not even begin as a number counts as 1. */
static void end_in_row(struct reading *r, enum in_element element, struct str text)
{
    if (element == IN_SOURCE_IP)
        keep_address(&r->row->source, text);
    else if (element == IN_COUNT && text.n && ascii_is_digit(text.p[0]) &&
             !count_of(text, &r->row->count))
        stop(r, str_cstr(r->arena, str_printf(r->arena, "has a count that is no number: \"%.*s\"",
                                              STR_ARG(str_sub(text, 0, 40)))));
}

static void end_in_identifiers(struct reading *r, enum in_element element, struct str text)
{
    struct str *to = element == IN_HEADER_FROM     ? &r->row->header_from
                     : element == IN_ENVELOPE_FROM ? &r->row->envelope_from
                     : element == IN_ENVELOPE_TO   ? &r->row->envelope_to
                                                   : NULL;
    if (to)
        keep_domain(r->row_arena, to, text);
}

static void end_in_dkim(struct reading *r, enum in_element element, struct str text)
{
    struct aggregate_dkim *d = &r->row->auth_dkim[r->row->n_dkim - 1];
    if (element == IN_DOMAIN)
        keep_domain(r->row_arena, &d->domain, text);
    else if (element == IN_SELECTOR)
        keep_text(r->row_arena, &d->selector, text);
    else if (element == IN_RESULT)
        keep_lower(r->row_arena, &d->result, text);
}

static void end_in_spf(struct reading *r, enum in_element element, struct str text)
{
    struct aggregate_spf *s = &r->row->auth_spf[r->row->n_spf - 1];
    if (element == IN_DOMAIN)
        keep_domain(r->row_arena, &s->domain, text);
    else if (element == IN_SCOPE)
        keep_lower(r->row_arena, &s->scope, text);
    else if (element == IN_RESULT)
        keep_lower(r->row_arena, &s->result, text);
}

static void end_record(struct reading *r)
{
    struct aggregate *out = r->out;
    if (!r->row->source.family) {
        out->skipped++;
        return;
    }
    if (out->rows == IN_ROWS_MAX) {
        stop(r, "has more than 200000 rows");
        return;
    }
    if ((uint64_t)r->row->count > MESSAGES_MAX - out->messages) {
        stop(r, "counts more messages than there are");
        return;
    }
    out->rows++;
    out->messages += (uint64_t)r->row->count;
    if (r->watch->row && !r->watch->row(r->watch->context, r->row))
        stop(r, "was not read to its end");
}

/* --- The way through the elements --------------------------------------------------------------*/

static enum in_element above(const struct reading *r, unsigned levels)
{
    return r->depth > levels ? r->path[r->depth - levels] : IN_UNKNOWN;
}

static bool in_auth_results(const struct reading *r)
{
    return above(r, 2) == IN_AUTH_RESULTS;
}

/* A leaf ends: r->path[depth] is the element, and the one before it is its parent. */
static void end_leaf(struct reading *r, enum in_element element, struct str text)
{
    enum in_element parent = above(r, 1);
    bool in_record = r->depth > 2 && r->path[2] == IN_RECORD;
    if (parent == IN_FEEDBACK && element == IN_VERSION)
        keep_text(r->arena, &r->out->head.version, text);
    else if (parent == IN_METADATA || (parent == IN_DATE_RANGE && above(r, 2) == IN_METADATA))
        end_in_metadata(r, element, text);
    else if (parent == IN_POLICY)
        end_in_policy(r, element, text);
    if (!in_record)
        return;
    if (parent == IN_ROW)
        end_in_row(r, element, text);
    else if (parent == IN_EVALUATED)
        end_in_evaluated(r, element, text);
    else if (parent == IN_REASON && r->row->n_reasons)
        end_in_reason(r, element, text);
    else if (parent == IN_IDENTIFIERS || parent == IN_IDENTITIES)
        end_in_identifiers(r, element, text);
    else if (parent == IN_DKIM && in_auth_results(r) && r->row->n_dkim)
        end_in_dkim(r, element, text);
    else if (parent == IN_SPF && in_auth_results(r) && r->row->n_spf)
        end_in_spf(r, element, text);
}

static void XMLCALL on_end(void *reading, const XML_Char *name)
{
    struct reading *r = reading;
    (void)name;
    if (r->stopped)
        return;
    enum in_element element = r->path[r->depth];
    if (element == IN_METADATA && r->depth == 2)
        r->out->head.has_metadata = true;
    else if (element == IN_POLICY && r->depth == 2)
        r->out->head.has_policy = r->out->head.policy.domain.n || r->out->head.policy.p.n;
    else if (element == IN_RECORD && r->depth == 2)
        end_record(r);
    else if (element != IN_UNKNOWN)
        end_leaf(r, element, r->takes_text ? text_of(r) : STR(""));
    r->takes_text = false;
    r->depth--;
}

static void begin_record(struct reading *r)
{
    struct aggregate_row *row = r->row;
    arena_reset(r->row_arena);
    row->source = (struct netaddr){0};
    row->count = 1;
    row->disposition = AGGREGATE_UNSAID;
    row->dkim = row->spf = false;
    row->n_reasons = row->n_dkim = row->n_spf = 0;
    row->header_from = row->envelope_from = row->envelope_to = STR_NONE;
}

/* Gives an element that may repeat within a row its place there; beyond the limit it counts as
 * unknown. */
static enum in_element begin_repeated(struct reading *r, enum in_element element)
{
    struct aggregate_row *row = r->row;
    enum in_element parent = r->depth > 1 ? r->path[r->depth - 1] : IN_UNKNOWN;
    if (element == IN_REASON && parent == IN_EVALUATED) {
        if (row->n_reasons == IN_REASONS)
            return IN_UNKNOWN;
        row->reasons[row->n_reasons++] = (struct aggregate_reason){0};
    } else if (element == IN_DKIM && parent == IN_AUTH_RESULTS) {
        if (row->n_dkim == IN_SIGNATURES)
            return IN_UNKNOWN;
        row->auth_dkim[row->n_dkim++] = (struct aggregate_dkim){0};
    } else if (element == IN_SPF && parent == IN_AUTH_RESULTS) {
        if (row->n_spf == IN_SPF_RESULTS)
            return IN_UNKNOWN;
        row->auth_spf[row->n_spf++] = (struct aggregate_spf){0};
    }
    return element;
}

/* Expat keeps all names in memory, so the number of those that no report has is limited. */
static void count_strange(struct reading *r, enum in_element element, const XML_Char **attributes)
{
    r->strange_elements += element == IN_UNKNOWN;
    for (; *attributes; attributes += 2)
        r->strange_attributes += strcmp(*attributes, "lang") != 0;
    if (r->strange_elements > STRANGE_MAX || r->strange_attributes > STRANGE_MAX)
        stop(r, "has too many elements that are not those of a report");
}

/* Some reporters write a start tag of their schema before the report: the repair drops it. */
static bool is_schema(const XML_Char *name)
{
    return str_eq_nocase(in_local_name(str_of(name)), STR("schema"));
}

static void XMLCALL on_start(void *reading, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *r = reading;
    if (r->stopped)
        return;
    enum in_element element = in_element_of(in_local_name(str_of(name)));
    count_strange(r, element, attributes);
    if (r->depth == 0 && element != IN_FEEDBACK) {
        stop(r, "is no report: its outermost element is not <feedback>");
        r->out->end = is_schema(name) ? AGGREGATE_BROKEN : AGGREGATE_FOREIGN;
    }
    if (r->depth == IN_XML_DEPTH)
        stop(r, "has elements within each other too deeply");
    if (r->stopped)
        return;
    r->began = true;
    r->path[++r->depth] = element;
    if (element == IN_RECORD && r->depth == 2)
        begin_record(r);
    r->path[r->depth] = begin_repeated(r, element);
    r->takes_text = true;
    r->text_is_cut = false;
    r->n_text = 0;
}

static void XMLCALL on_doctype(void *reading, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public, int internal)
{
    struct reading *r = reading;
    (void)system, (void)public, (void)internal;
    stop(r, "has a DOCTYPE, which no report needs");
    if (in_element_of(in_local_name(str_of(name))) != IN_FEEDBACK)
        r->out->end = AGGREGATE_FOREIGN;
}

static int XMLCALL on_encoding(void *context, const XML_Char *name, XML_Encoding *info)
{
    struct str charset = str_of(name);
    (void)context;
    if (!str_starts_nocase(charset, STR("windows-125")) &&
        !str_starts_nocase(charset, STR("cp125")) && !str_starts_nocase(charset, STR("latin")) &&
        !str_starts_nocase(charset, STR("iso-8859-")))
        return XML_STATUS_ERROR;
    for (unsigned i = 0; i < 256; i++)
        info->map[i] = (int)repair_windows_1252((unsigned char)i);
    return XML_STATUS_OK;
}

/* --- Expat -------------------------------------------------------------------------------------*/

static void *small_malloc(size_t n)
{
    return n > EXPAT_ONE_MAX ? NULL : malloc(n);
}

static void *small_realloc(void *p, size_t n)
{
    return n > EXPAT_ONE_MAX ? NULL : realloc(p, n);
}

/* A byte order mark of UTF-16 is right where the declaration says UTF-8. */
static const char *marked_encoding(struct str head)
{
    bool utf16 = str_starts(head, STR("\xFE\xFF")) || str_starts(head, STR("\xFF\xFE"));
    return utf16 ? "UTF-16" : NULL;
}

static XML_Parser new_parser(struct reading *r, const char *encoding)
{
    const XML_Memory_Handling_Suite memory = {small_malloc, small_realloc, free};
    XML_Parser parser = XML_ParserCreate_MM(encoding, &memory, NULL);
    if (!parser)
        abort();
    XML_SetUserData(parser, r);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    XML_SetUnknownEncodingHandler(parser, on_encoding, NULL);
    return parser;
}

static void note_error(struct reading *r)
{
    if (r->stopped || r->out->end != AGGREGATE_WHOLE)
        return;
    enum XML_Error code = XML_GetErrorCode(r->parser);
    r->out->end = code == XML_ERROR_NO_MEMORY ? AGGREGATE_REFUSED : AGGREGATE_BROKEN;
    r->out->why =
        str_printf(r->arena, "is no XML from line %lu on: %s",
                   (unsigned long)XML_GetCurrentLineNumber(r->parser), XML_ErrorString(code));
}

static bool is_over(const struct reading *r)
{
    return r->stopped || r->out->end != AGGREGATE_WHOLE;
}

static void parse(struct reading *r, const char *p, size_t n, bool last)
{
    if (!is_over(r) && XML_Parse(r->parser, p, (int)n, last) != XML_STATUS_OK)
        note_error(r);
}

static void parse_repaired(void *reading, const char *p, size_t n)
{
    parse(reading, p, n, false);
}

static void read_all(struct reading *r, struct stream *s, bool repaired)
{
    struct repair repair;
    struct str piece;
    repair_begin(&repair, stream_peek(s, 200), parse_repaired, r);
    while ((piece = stream_take(s)).n) {
        if (r->watch->bytes)
            r->watch->bytes(r->watch->context, piece);
        if (repaired)
            repair_feed(&repair, piece);
        else
            parse(r, piece.p, piece.n, false);
        if (is_over(r) && !r->watch->bytes)
            break;
    }
    if (repaired)
        repair_end(&repair);
    r->out->more = repaired && repair.more;
    if (s->refused)
        stop(r, s->refused);
    parse(r, "", 0, true);
    if (r->out->end == AGGREGATE_BROKEN && !r->began)
        r->out->end = repaired ? AGGREGATE_FOREIGN : AGGREGATE_BROKEN;
}

void aggregate_read(struct stream *s, struct arena *a, bool repair,
                    const struct aggregate_watch *watch, struct aggregate *out)
{
    *out = (struct aggregate){.end = AGGREGATE_WHOLE};
    struct reading *r = arena_make(a, struct reading);
    *r = (struct reading){.out = out, .watch = watch, .arena = a, .row_arena = arena_new(0)};
    r->row = arena_make(a, struct aggregate_row);
    r->parser = new_parser(r, repair ? NULL : marked_encoding(stream_peek(s, 2)));
    read_all(r, s, repair);
    XML_ParserFree(r->parser);
    arena_free(r->row_arena);
    if (out->end == AGGREGATE_WHOLE && s->broken) {
        out->end = AGGREGATE_BROKEN;
        out->why = STR("is compressed data with damage");
    }
}
