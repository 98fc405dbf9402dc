/* received_text.c - results and policies as texts in the database. Fields end with TAB, lines with
 * LF; texts of reports that we read contain neither.
 *
 * Errors: none; what is missing in a text is empty. */
#include "report/in/received_store.h"

static void pack_field(struct strbuf *b, struct str field)
{
    sb_addc(b, '\t');
    for (size_t i = 0; i < field.n; i++) /* a report that came by import may contain anything */
        sb_addc(b, field.p[i] == '\t' || field.p[i] == '\n' ? ' ' : field.p[i]);
}

static void add_line(struct strbuf *b, char kind, struct str one, struct str two, struct str three)
{
    sb_addc(b, kind);
    pack_field(b, one);
    pack_field(b, two);
    pack_field(b, three);
    sb_addc(b, '\n');
}

struct str received_pack_results(const struct aggregate_row *row, struct arena *a)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < row->n_reasons; i++)
        add_line(&b, 'r', row->reasons[i].type, row->reasons[i].comment, STR(""));
    for (size_t i = 0; i < row->n_dkim; i++) {
        const struct aggregate_dkim *d = &row->auth_dkim[i];
        add_line(&b, 'd', d->domain, d->selector, d->result);
    }
    for (size_t i = 0; i < row->n_spf; i++) {
        const struct aggregate_spf *s = &row->auth_spf[i];
        add_line(&b, 's', s->domain, s->scope, s->result);
    }
    return sb_str(&b);
}

static struct str next_packed(struct str *line)
{
    struct str field = STR("");
    str_split(line, '\t', &field);
    return field;
}

static void unpack_line(struct str line, struct aggregate_row *row)
{
    char kind = line.n ? line.p[0] : 0;
    next_packed(&line);
    struct str one = next_packed(&line), two = next_packed(&line), three = next_packed(&line);
    if (kind == 'r' && row->n_reasons < IN_REASONS)
        row->reasons[row->n_reasons++] = (struct aggregate_reason){one, two};
    else if (kind == 'd' && row->n_dkim < IN_SIGNATURES)
        row->auth_dkim[row->n_dkim++] = (struct aggregate_dkim){one, two, three};
    else if (kind == 's' && row->n_spf < IN_SPF_RESULTS)
        row->auth_spf[row->n_spf++] = (struct aggregate_spf){one, two, three};
}

void received_unpack_results(struct str text, struct aggregate_row *row)
{
    struct str line;
    row->n_reasons = row->n_dkim = row->n_spf = 0;
    while (str_split(&text, '\n', &line))
        unpack_line(line, row);
}

struct str received_pack_policy(const struct aggregate_policy *p, struct arena *a)
{
    const struct str fields[] = {p->p,    p->sp, p->np,      p->pct,      p->adkim,
                                 p->aspf, p->fo, p->testing, p->discovery};
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        pack_field(&b, fields[i]);
    return sb_str(&b);
}

void received_unpack_policy(struct str text, struct aggregate_policy *p)
{
    struct str *const fields[] = {&p->p,    &p->sp, &p->np,      &p->pct,      &p->adkim,
                                  &p->aspf, &p->fo, &p->testing, &p->discovery};
    next_packed(&text);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        *fields[i] = next_packed(&text);
}
