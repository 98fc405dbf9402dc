/* fuzz_spf_record.c - the SPF record parser and the macros behind it.
 *
 * The input is the text of a TXT record. What is accepted has to obey what record.h promises, its
 * macros have to expand to names that macro.h allows, and printed it has to be the same record. */
#include "fuzz.h"

#include <string.h>

#include "mail/domain.h"
#include "spf/macro.h"
#include "spf/print.h"

#define MAX_LOOKUPS 10

static bool inside(struct str part, struct str text)
{
    return part.p >= text.p && part.p + part.n <= text.p + text.n;
}

static void check_name(struct arena *a, struct str spec, const struct spf_macro_values *values)
{
    struct str name = spf_expand_name(a, spec, values);
    struct str whole = str_lower(a, spf_expand_text(a, spec, values, SIZE_MAX));
    if (whole.n && whole.p[whole.n - 1] == '.')
        whole.n--;
    while (whole.n > DOMAIN_MAX && str_find(whole, 0, '.') < whole.n)
        whole = str_sub(whole, str_find(whole, 0, '.') + 1, whole.n);
    if (whole.n <= DOMAIN_MAX)
        require(str_eq(name, whole));
    else
        require(name.n > DOMAIN_MAX);
}

static void check_record(struct arena *a, struct str text, const struct spf_record *record)
{
    const struct spf_macro_values values = {
        .sender = STR("a.b+c@mail.example.org"),
        .local = STR("a.b+c"),
        .sender_domain = STR("mail.example.org"),
        .domain = STR("example.org"),
        .client = {.family = 6, .bytes = {0x20, 1, 0xd, 0xb8}},
        .helo = STR("[192.0.2.1]"),
    };
    unsigned lookups = 0;
    for (size_t i = 0; i < record->n; i++) {
        const struct spf_term *term = &record->terms[i];
        bool last = i + 1 == record->n;
        require(inside(term->text, text) && (!term->spec.p || inside(term->spec, text)));
        require(term->bits4 <= 32 && term->bits6 <= 128);
        require((term->kind != SPF_ALL && term->kind != SPF_REDIRECT) || last);
        lookups += spf_needs_lookup(term->kind);
        if (term->spec.p)
            check_name(a, term->spec, &values);
    }
    require(lookups <= MAX_LOOKUPS + 1);
    if (record->explanation.p)
        check_name(a, record->explanation, &values);
}

static bool same_term(const struct spf_term *x, const struct spf_term *y)
{
    return x->kind == y->kind && x->result == y->result && x->bits4 == y->bits4 &&
           x->bits6 == y->bits6 && !x->spec.p == !y->spec.p && str_eq(x->spec, y->spec) &&
           memcmp(&x->net, &y->net, sizeof x->net) == 0;
}

static void check_print(struct arena *a, const struct spf_record *record)
{
    struct spf_record again;
    struct str problem, text = spf_record_print(a, record);
    require(spf_is_record(text));
    require(spf_record_parse(a, text, MAX_LOOKUPS, NULL, &again, &problem));
    require(again.n == record->n && str_eq(again.explanation, record->explanation));
    for (size_t i = 0; i < record->n; i++)
        require(same_term(&again.terms[i], &record->terms[i]));
}

static void check_explanation(struct arena *a, struct str text)
{
    const struct spf_macro_values values = {.local = STR("\xff\r\n%{s}"), .receiver = STR("mx")};
    uint32_t letters;
    if (!spf_macro_check(text, SPF_MACRO_IN_EXPLANATION, &letters))
        require(spf_expand_text(a, text, &values, 500).n <= 500);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size), problem = STR("");
    struct spf_record record;
    if (spf_is_record(text)) {
        if (!spf_record_parse(a, text, MAX_LOOKUPS, NULL, &record, &problem)) {
            require(problem.n > 0 && problem.n < 256);
        } else {
            check_record(a, text, &record);
            check_print(a, &record);
        }
    }
    check_explanation(a, text);
    arena_free(a);
    return 0;
}
