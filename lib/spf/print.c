/* print.c - writes SPF records: the other direction of record.c.
 *
 * Errors: none. */
#include "spf/print.h"

static const char *qualifier(enum spf_result result)
{
    switch (result) {
    case SPF_FAIL:
        return "-";
    case SPF_SOFTFAIL:
        return "~";
    case SPF_NEUTRAL:
        return "?";
    default:
        return "";
    }
}

static void print_network(struct strbuf *out, const struct spf_term *term)
{
    char text[NETADDR_TEXT];
    bool v4 = term->kind == SPF_IP4;
    sb_printf(out, ":%s", netaddr_format(&term->net, text));
    if (term->bits4 != 32 && v4)
        sb_printf(out, "/%u", term->bits4);
    if (term->bits6 != 128 && !v4)
        sb_printf(out, "/%u", term->bits6);
}

static void print_domain(struct strbuf *out, const struct spf_term *term)
{
    if (term->spec.p) {
        sb_addc(out, term->kind == SPF_REDIRECT ? '=' : ':');
        sb_add(out, term->spec);
    }
    if ((term->kind == SPF_A || term->kind == SPF_MX) && term->bits4 != 32)
        sb_printf(out, "/%u", term->bits4);
    if ((term->kind == SPF_A || term->kind == SPF_MX) && term->bits6 != 128)
        sb_printf(out, "//%u", term->bits6);
}

static void print_term(struct strbuf *out, const struct spf_term *term)
{
    sb_addc(out, ' ');
    if (term->kind != SPF_REDIRECT)
        sb_add(out, str_of(qualifier(term->result)));
    sb_add(out, spf_kind_name(term->kind));
    if (term->kind == SPF_IP4 || term->kind == SPF_IP6)
        print_network(out, term);
    else
        print_domain(out, term);
}

struct str spf_record_print(struct arena *a, const struct spf_record *record)
{
    struct strbuf out;
    sb_init(&out, a);
    sb_add(&out, STR("v=spf1"));
    for (size_t i = 0; i < record->n; i++)
        print_term(&out, &record->terms[i]);
    if (record->explanation.p) {
        sb_add(&out, STR(" exp="));
        sb_add(&out, record->explanation);
    }
    return sb_str(&out);
}
