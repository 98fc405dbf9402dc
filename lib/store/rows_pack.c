/* rows_pack.c - rows as bytes and as text.
 *
 * The database has results as lines of words, "dkim DOMAIN SELECTOR RESULT", "spf DOMAIN SCOPE
 * RESULT", "reason TYPE COMMENT", in the order of the row. %XX stands for a byte that a word may
 * not have, and "-" for an empty word.
 *
 * Errors: false if there is no room; a malformed line is skipped. */
#include "store/rows_pack.h"

#include <stdlib.h>
#include <string.h>

/* --- Text --------------------------------------------------------------------------------------*/

static struct str cut(struct str s)
{
    return str_sub(s, 0, ROWS_TEXT_MAX);
}

static void add_word(struct strbuf *b, struct str word)
{
    static const char hex[] = "0123456789ABCDEF";
    word = cut(word);
    sb_addc(b, ' ');
    if (!word.n)
        sb_addc(b, '-');
    for (size_t i = 0; i < word.n; i++) {
        unsigned char c = (unsigned char)word.p[i];
        if (c > ' ' && c != '%' && c != 0x7F && (c != '-' || word.n > 1)) {
            sb_addc(b, (char)c);
            continue;
        }
        sb_addc(b, '%');
        sb_addc(b, hex[c >> 4]);
        sb_addc(b, hex[c & 15]);
    }
}

static void add_line(struct strbuf *b, const char *what, const struct str *words, size_t n)
{
    sb_add(b, str_of(what));
    for (size_t i = 0; i < n; i++)
        add_word(b, words[i]);
    sb_addc(b, '\n');
}

static struct str results_text(const struct row *row, struct arena *a)
{
    struct strbuf b;
    size_t reasons = row->n_reasons < ROWS_REASONS_MAX ? row->n_reasons : ROWS_REASONS_MAX;
    size_t signatures =
        row->n_signatures < ROWS_SIGNATURES_MAX ? row->n_signatures : ROWS_SIGNATURES_MAX;
    sb_init(&b, a);
    for (size_t i = 0; i < reasons; i++) {
        const struct str words[] = {row->reasons[i].type, row->reasons[i].comment};
        add_line(&b, "reason", words, 2);
    }
    for (size_t i = 0; i < signatures; i++) {
        const struct row_signature *s = &row->signatures[i];
        const struct str words[] = {s->domain, s->selector, s->result};
        add_line(&b, "dkim", words, 3);
    }
    if (row->spf_result.n) {
        const struct str words[] = {row->spf_domain, row->spf_scope, row->spf_result};
        add_line(&b, "spf", words, 3);
    }
    return sb_str(&b);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static struct str read_word(struct arena *a, struct str word)
{
    struct strbuf b;
    if (str_eq(word, STR("-")))
        return STR("");
    sb_init(&b, a);
    for (size_t i = 0; i < word.n; i++) {
        int high = i + 2 < word.n && word.p[i] == '%' ? digit(word.p[i + 1]) : -1;
        int low = high >= 0 ? digit(word.p[i + 2]) : -1;
        sb_addc(&b, low >= 0 ? (char)(high * 16 + low) : word.p[i]);
        i += low >= 0 ? 2 : 0;
    }
    return sb_str(&b);
}

/* The words of a line behind the first one; true if there are `n` of them. */
static bool read_words(struct str line, struct arena *a, struct str *words, size_t n)
{
    struct str word;
    size_t got = 0;
    while (got < n && str_split(&line, ' ', &word))
        words[got++] = read_word(a, word);
    return got == n;
}

struct results {
    struct row_reason reasons[ROWS_REASONS_MAX];
    struct row_signature signatures[ROWS_SIGNATURES_MAX];
};

static void read_line(struct str line, struct arena *a, struct results *r, struct row *out)
{
    struct str kind, w[3];
    if (!str_split(&line, ' ', &kind))
        return;
    if (str_eq(kind, STR("reason")) && out->n_reasons < ROWS_REASONS_MAX &&
        read_words(line, a, w, 2))
        r->reasons[out->n_reasons++] = (struct row_reason){w[0], w[1]};
    else if (str_eq(kind, STR("dkim")) && out->n_signatures < ROWS_SIGNATURES_MAX &&
             read_words(line, a, w, 3))
        r->signatures[out->n_signatures++] = (struct row_signature){w[0], w[1], w[2]};
    else if (str_eq(kind, STR("spf")) && read_words(line, a, w, 3)) {
        out->spf_domain = w[0];
        out->spf_scope = w[1];
        out->spf_result = w[2];
    }
}

void rows_read_results(struct str text, struct arena *a, struct row *out)
{
    struct results *r = arena_make(a, struct results);
    struct str line;
    out->n_reasons = out->n_signatures = 0;
    out->reasons = r->reasons;
    out->signatures = r->signatures;
    while (str_split(&text, '\n', &line))
        read_line(line, a, r, out);
}

/* --- Numbers -----------------------------------------------------------------------------------*/

#define VERDICT_DKIM 4
#define VERDICT_SPF  8

void rows_read_verdict(int64_t verdict, struct row *out)
{
    out->disposition = (enum row_disposition)(verdict & 3);
    out->dkim_aligned = verdict & VERDICT_DKIM;
    out->spf_aligned = verdict & VERDICT_SPF;
}

void rows_record_of(int64_t day, const struct row *row, struct arena *a, struct rows_record *out)
{
    const struct row_policy *p = &row->policy;
    size_t bytes = row->source.family == 4 ? 4 : row->source.family == 6 ? 16 : 0;
    *out = (struct rows_record){
        .op = ROWS_OP_ROW,
        .day = day,
        .policy = {cut(p->domain), p->p, p->sp, p->np, p->adkim, p->aspf, cut(p->fo), p->testing,
                   p->discovery, str_sub(p->destinations, 0, ROWS_RUA_MAX)},
        .sender = {cut(row->header_from), cut(row->envelope_from), cut(row->envelope_to)},
        .results = results_text(row, a),
        .source = {(const char *)row->source.bytes, bytes},
        .verdict = (int64_t)row->disposition | (row->dkim_aligned ? VERDICT_DKIM : 0) |
                   (row->spf_aligned ? VERDICT_SPF : 0),
    };
}

/* --- Bytes -------------------------------------------------------------------------------------*/

/* Numbers first, then the lengths of the texts, then the texts. */
#define TEXTS (ROWS_POLICY_FIELDS + ROWS_SENDER_FIELDS + 2)
struct head {
    int64_t day, verdict;
    enum rows_op op;
    uint32_t lengths[TEXTS];
};

static struct str *text_of(struct rows_record *r, size_t i)
{
    if (i < ROWS_POLICY_FIELDS)
        return &r->policy[i];
    i -= ROWS_POLICY_FIELDS;
    if (i < ROWS_SENDER_FIELDS)
        return &r->sender[i];
    return i == ROWS_SENDER_FIELDS ? &r->results : &r->source;
}

static bool make_room(struct rows_buffer *b, size_t n, size_t max)
{
    if (n > max || b->n > max - n)
        return false;
    if (b->n + n <= b->cap)
        return true;
    size_t cap = 2 * (b->n + n) < 65536 ? 65536 : 2 * (b->n + n);
    char *p = realloc(b->p, cap);
    if (!p)
        return false;
    b->p = p;
    b->cap = cap;
    return true;
}

static void append_packed(struct rows_buffer *b, const void *p, size_t n)
{
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

bool rows_pack(struct rows_buffer *b, const struct rows_record *record, size_t max)
{
    struct rows_record r = *record;
    struct head head = {.day = r.day, .verdict = r.verdict, .op = r.op};
    size_t all = sizeof head;
    for (size_t i = 0; i < TEXTS; i++) {
        head.lengths[i] = (uint32_t)text_of(&r, i)->n;
        all += text_of(&r, i)->n;
    }
    if (!make_room(b, all, max))
        return false;
    append_packed(b, &head, sizeof head);
    for (size_t i = 0; i < TEXTS; i++)
        append_packed(b, text_of(&r, i)->p, text_of(&r, i)->n);
    return true;
}

bool rows_unpack(const struct rows_buffer *b, size_t *at, struct rows_record *record)
{
    struct head head;
    if (*at >= b->n)
        return false;
    memcpy(&head, b->p + *at, sizeof head);
    *at += sizeof head;
    *record = (struct rows_record){.op = head.op, .day = head.day, .verdict = head.verdict};
    for (size_t i = 0; i < TEXTS; i++) {
        *text_of(record, i) = (struct str){b->p + *at, head.lengths[i]};
        *at += head.lengths[i];
    }
    return true;
}
